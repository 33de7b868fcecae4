//! One request to the collector: OTLP 1 over HTTP, in protobuf.

use std::error::Error;
use std::time::Duration;

use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::otlp::{ExportRequest, ExportResponse};

const CONNECT: Duration = Duration::from_secs(2);
/// From the connection to the answer's end.
const ANSWER: Duration = Duration::from_secs(5);
/// Of an answer; more than a collector has to say.
const ANSWER_MOST: usize = 16 << 10;
const PATH: &str = "/v1/traces";

pub struct Collector {
    client: Client,
    url: Url,
}

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no answer: {0}")]
    Unanswered(String),
    #[error("it answered {0}")]
    Status(StatusCode),
}

impl Refused {
    /// Whether the same request may be taken a little later, as the protocol has it.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unanswered(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

impl Collector {
    /// At an address as OTEL_EXPORTER_OTLP_ENDPOINT has it, or at the one that traces go to.
    pub fn new(endpoint: &SecretString) -> anyhow::Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()?;
        let mut url = Url::parse(endpoint.expose_secret())?;
        let path = url.path().trim_end_matches('/');
        if !path.ends_with(PATH) {
            url.set_path(&format!("{path}{PATH}"));
        }
        Ok(Self { client, url })
    }

    /// Answers how many of the spans it did not want.
    pub async fn send(&self, request: &ExportRequest) -> Result<u64, Refused> {
        let request = self
            .client
            .post(self.url.clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-protobuf"),
            )
            .body(request.encode_to_vec());
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status();
        let body = body(answer).await?;
        if !status.is_success() {
            return Err(Refused::Status(status));
        }
        // What is no answer of the protocol says nothing against the spans.
        let answer = ExportResponse::decode(&*body).unwrap_or_default();
        let rejected = answer.partial_success.unwrap_or_default().rejected_spans;
        Ok(u64::try_from(rejected).unwrap_or_default())
    }
}

/// Read to its end, so that the connection serves again, unless it is too long for that.
async fn body(mut answer: Response) -> Result<Vec<u8>, Refused> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
        if body.len() + chunk.len() > ANSWER_MOST {
            return Ok(Vec::new());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// With its causes, and without the address, which may hold a password.
fn unanswered(error: reqwest::Error) -> Refused {
    let error = error.without_url();
    let first: &(dyn Error + 'static) = &error;
    let causes = std::iter::successors(Some(first), |error| (**error).source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    Refused::Unanswered(words.join(": "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_endpoint() {
        for (endpoint, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            (
                "https://otlp.example/of/us?a=b",
                "https://otlp.example/of/us/v1/traces?a=b",
            ),
            (
                "http://jaeger:4318/v1/traces",
                "http://jaeger:4318/v1/traces",
            ),
        ] {
            let collector = Collector::new(&endpoint.into()).unwrap();
            assert_eq!(collector.url.as_str(), url);
        }
    }
}
