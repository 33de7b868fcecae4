use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Customer, TestShop};

/// What every request claims to be sent to.
const ELSEWHERE: &str = "elsewhere.example";

/// Asks, and holds each answer against the document.
pub struct Tour {
    pub shop: TestShop,
    pub document: Value,
    /// Method, path and status of every answer.
    pub covered: Vec<String>,
}

impl Tour {
    /// A call names its parameters as the document does, with values: `GET /orders/{id=7}`.
    pub async fn ask(&mut self, who: Option<&Customer>, call: &str, body: Value) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let (template, concrete) = split_template(path);
        let request = self
            .shop
            .request(method.parse::<Method>().unwrap(), &concrete)
            .header("host", ELSEWHERE)
            .header("x-forwarded-host", ELSEWHERE);
        let request = match who {
            Some(who) => request.bearer_auth(&who.token),
            None => request,
        };
        let request = match body {
            Value::Null => request,
            Value::String(ndjson) => request
                .header("content-type", "application/x-ndjson")
                .body(ndjson),
            body => request.json(&body),
        };
        let answer = self.shop.send(request).await;
        self.check(&method.to_lowercase(), &template, &answer);
        expect_manners(call, &template, &answer);
        answer
    }

    pub async fn upload(&mut self, who: &Customer, product: &str, form: Vec<u8>) -> Answer {
        let answer = self.shop.upload(who, product, form);
        let answer = self.shop.send(answer).await;
        let template = "/api/v1/products/{id}/images";
        self.check("post", template, &answer);
        expect_manners("an upload", template, &answer);
        answer
    }

    fn check(&mut self, method: &str, template: &str, answer: &Answer) {
        let status = answer.status.as_u16().to_string();
        let name = format!("{method} {template} {status}");
        let at = |parts: &[&str]| {
            let escaped = parts
                .iter()
                .map(|p| p.replace('~', "~0").replace('/', "~1"));
            format!("/{}", escaped.collect::<Vec<_>>().join("/"))
        };
        let response = at(&["paths", template, method, "responses", &status]);
        let described = self.document.pointer(&response);
        let described = described.unwrap_or_else(|| panic!("{name} is not documented"));
        self.covered.push(name.clone());
        for header in described["headers"].as_object().into_iter().flatten() {
            assert!(answer.header(header.0).is_some(), "{name}: no {}", header.0);
        }
        if described.get("content").is_none() {
            assert_eq!(answer.text, "", "{name}");
            return;
        }
        let media_type = answer.header("content-type").unwrap();
        let schema = response + &at(&["content", media_type, "schema"]);
        let schema = self.document.pointer(&schema);
        let schema = schema.unwrap_or_else(|| panic!("{name}: {media_type} is not documented"));
        if let Some(code) = answer.json["code"].as_str() {
            let examples = &described["content"][media_type]["examples"];
            assert!(
                examples.get(code).is_some(),
                "{name}: {code} is not documented"
            );
        }
        let mut root = schema.clone();
        root["components"] = self.document["components"].clone();
        forbid_the_undocumented(&mut root["components"]["schemas"]);
        let validator = jsonschema::draft202012::new(&root).unwrap();
        let other = match media_type {
            "text/event-stream" => first_event(&answer.text),
            _ => Value::String(answer.text.clone()),
        };
        let body = match media_type.ends_with("json") && !media_type.ends_with("ndjson") {
            true => &answer.json,
            false => &other,
        };
        let errors: Vec<_> = validator.iter_errors(body).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{}", answer.text);
    }
}

/// What any answer owes whoever gets it.
fn expect_manners(call: &str, template: &str, answer: &Answer) {
    let status = answer.status;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{call} {status}");
    }
    assert!(answer.header("x-request-id").is_some(), "{call} {status}");
    let personal = ["auth", "users", "orders", "cart"];
    let is_personal = personal.iter().any(|of| {
        let rest = template.strip_prefix("/api/v1/");
        rest.is_some_and(|rest| rest.split('/').next() == Some(of))
    });
    let has_secret = call == "POST /webhooks";
    if !answer.text.is_empty() && (is_personal || has_secret || status.is_client_error()) {
        let kept = answer.header("cache-control");
        assert_eq!(kept, Some("no-store"), "{call} {status}");
    }
    if let Some(location) = answer.header("location") {
        assert!(location.starts_with("/api/v1/"), "{call}: {location}");
    }
    let headers = format!("{:?}", answer.headers);
    let told = headers.contains(ELSEWHERE) || answer.text.contains(ELSEWHERE);
    assert!(
        !told,
        "{call} {status}: what the request claims is believed"
    );
}

/// Members that the document does not name are wrong, but in problems, which may have more.
fn forbid_the_undocumented(schemas: &mut Value) {
    for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
        if name != "Problem" && schema.get("properties").is_some() {
            let members = schema.as_object_mut().into_iter();
            members.for_each(|m| drop(m.insert("additionalProperties".into(), false.into())));
        }
    }
}

/// `/orders/{id=7}` is the template `/orders/{id}` and the path `/orders/7`.
fn split_template(path: &str) -> (String, String) {
    let (mut template, mut concrete) = (String::new(), String::new());
    let path = match ["/health", "/api", "/.well-known"]
        .iter()
        .any(|of| path.starts_with(of))
    {
        true => path.to_owned(),
        false => format!("/api/v1{path}"),
    };
    for part in path.split_inclusive(['{', '}']) {
        match part.strip_suffix('}').and_then(|p| p.split_once('=')) {
            Some((name, value)) => {
                template += &format!("{name}}}");
                concrete += value;
            }
            None => {
                template += part;
                concrete += part.trim_end_matches('{');
            }
        }
    }
    let template = template.split('?').next().unwrap_or_default().to_owned();
    (template, concrete)
}

/// By its fields; a stream is described by what its events are.
fn first_event(stream: &str) -> Value {
    let fields = stream.lines().skip_while(|line| !line.starts_with("id:"));
    let fields = fields.take_while(|line| !line.is_empty());
    fields
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
