use actix_web::dev::Decompress;
use actix_web::http::header::ContentEncoding;
use actix_web::web::{Bytes, BytesMut};
use futures_util::{TryStreamExt, stream};
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::placeholders::Placeholders;

/// Answers in their order, written down line by line.
#[derive(Default)]
pub struct Recording {
    answers: Vec<(String, Vec<String>)>,
    placeholders: Placeholders,
}

impl Recording {
    /// Writes an answer down and returns its body, decoded.
    pub async fn write(&mut self, call: &str, answer: Response) -> String {
        let mut lines = vec![format!("{:?} {}", answer.version(), answer.status())];
        let headers = answer.headers().clone();
        let sent = answer.bytes().await.unwrap();
        let length = sent.len();
        let body = decoded(&headers, sent).await;
        // Whether a connection goes on after a body that nobody read is up to the listener.
        let of_message = headers.iter().filter(|(name, _)| *name != "connection");
        let mut named: Vec<String> = of_message
            .map(|(name, value)| {
                let value = comparable(name.as_str(), value.to_str().unwrap(), length);
                format!("{name}: {value}")
            })
            .collect();
        named.sort();
        lines.extend(named);
        lines.push(body.clone());
        let lines = lines.iter().map(|line| self.placeholders.put_into(line));
        let lines = lines.collect();
        let call = self.placeholders.put_into(call);
        self.answers.push((call, lines));
        body
    }

    /// Where another recording of the same tour is not the same.
    pub fn differences(&self, other: &Self) -> impl Iterator<Item = String> {
        assert_eq!(self.answers.len(), other.answers.len(), "another tour");
        let pairs = self.answers.iter().zip(&other.answers);
        pairs.filter(|(one, two)| one != two).map(|(one, two)| {
            let missing = one.1.iter().filter(|line| !two.1.contains(line));
            let added = two.1.iter().filter(|line| !one.1.contains(line));
            let missing = missing.map(|line| format!("\n  - {line}"));
            let added = added.map(|line| format!("\n  + {line}"));
            let lines: String = missing.chain(added).collect();
            format!(
                "{} {}",
                two.0,
                if lines.is_empty() {
                    "\n  in another order"
                } else {
                    &lines
                }
            )
        })
    }
}

/// Lengths follow from ids and times; what counts is that a length is given, and right. Lists have
/// no order.
fn comparable(name: &str, value: &str, length: usize) -> String {
    match name {
        "date" => "<now>".to_owned(),
        // A digest of ids and times; what counts is that there is one, and the coding it names.
        "etag" => match value.split_once('-') {
            Some((_, coding)) => format!("<digest>-{coding}"),
            None => "<digest>".to_owned(),
        },
        "content-length" if value != "0" => {
            assert!(
                length == 0 || value == length.to_string(),
                "{value} of {length}"
            );
            "<length>".to_owned()
        }
        _ if name.starts_with("access-control-") || name == "vary" => {
            let mut items: Vec<_> = value.split(',').map(str::trim).collect();
            items.sort_unstable();
            items.join(", ")
        }
        _ => value.to_owned(),
    }
}

async fn decoded(headers: &HeaderMap, sent: Bytes) -> String {
    if sent.is_empty() {
        return String::new();
    }
    let coding = headers
        .get("content-encoding")
        .map(|coding| coding.to_str().unwrap());
    let coding: ContentEncoding = coding.unwrap_or("identity").parse().unwrap();
    let body = Decompress::new(stream::iter([Ok(sent)]), coding);
    let body: BytesMut = body.try_collect().await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}
