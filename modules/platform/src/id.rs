//! Ids in paths: in the form in which they are given out, 36 characters (RFC 9562, section 4).

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::Problem;
use crate::auth::let_in;

/// The only parameter of a path. Anything else names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl FromRequest for Id {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req.match_info().load::<Hyphenated>();
        let let_in = let_in(req);
        Box::pin(async move {
            let_in.await?;
            let id = id.map_err(|_| Problem::not_found("resource"))?;
            Ok(Self(id.into_uuid()))
        })
    }
}
