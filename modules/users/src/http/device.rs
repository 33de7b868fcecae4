use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use platform::{Problem, RequestContext};

use crate::store::sessions::Device;

/// What is kept of a `User-Agent`.
const SHOWN: usize = 200;

impl FromRequest for Device {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = req.extensions();
        let device = extensions.get::<RequestContext>().map(|cx| Self {
            user_agent: req
                .headers()
                .get(header::USER_AGENT)
                .and_then(|value| shortened(&String::from_utf8_lossy(value.as_bytes()))),
            address: cx.client.to_string(),
        });
        ready(device.ok_or_else(Problem::internal))
    }
}

fn shortened(user_agent: &str) -> Option<String> {
    let plain = user_agent.chars().filter(|c| !c.is_control());
    let text: String = plain.take(SHOWN).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_kept_as_far_as_it_tells_something() {
        assert_eq!(shortened(" curl/8.5.0\t").as_deref(), Some("curl/8.5.0"));
        assert_eq!(shortened(&"é".repeat(500)), Some("é".repeat(200)));
        for nothing in ["", "  ", "\t"] {
            assert_eq!(shortened(nothing), None);
        }
    }
}
