//! The operator's page. It holds nothing that is secret, so anybody who reaches the private listener
//! may have it; what it shows, it asks for with the operator's token.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::http::header::{self, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, get, web};
use platform::Problem;
use sha2::{Digest, Sha256};

use crate::fallback::unknown_route;

const PAGE: &str = "console.html";

/// The page runs and loads its own files only, talks to this listener only, and is shown in nobody
/// else's frame. It never makes markup or scripts from text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Kept by browsers, and asked after each time: a file belongs to the version that serves it.
const REVALIDATE: &str = "no-cache";

struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal $content_type:literal)+) => {
        const FILES: &[File] = &[$(File {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!($name),
        },)+];
    };
}

files! {
    "console.html" "text/html; charset=utf-8"
    "console.css" "text/css; charset=utf-8"
    "console.js" "text/javascript; charset=utf-8"
    "ask.js" "text/javascript; charset=utf-8"
    "charts.js" "text/javascript; charset=utf-8"
    "dials.js" "text/javascript; charset=utf-8"
    "dialogs.js" "text/javascript; charset=utf-8"
    "dom.js" "text/javascript; charset=utf-8"
    "errors.js" "text/javascript; charset=utf-8"
    "events.js" "text/javascript; charset=utf-8"
    "glance.js" "text/javascript; charset=utf-8"
    "look.js" "text/javascript; charset=utf-8"
    "metrics.js" "text/javascript; charset=utf-8"
    "panels.js" "text/javascript; charset=utf-8"
    "picture.js" "text/javascript; charset=utf-8"
    "theme.js" "text/javascript; charset=utf-8"
    "words.js" "text/javascript; charset=utf-8"
    "icon.svg" "image/svg+xml"
}

/// In the order of [`FILES`].
static TAGS: LazyLock<Vec<EntityTag>> =
    LazyLock::new(|| FILES.iter().map(|file| tag(file.bytes)).collect());

fn tag(bytes: &[u8]) -> EntityTag {
    let mut tag = String::with_capacity(32);
    for byte in &Sha256::digest(bytes)[..16] {
        // A String takes whatever is written.
        let _ = write!(tag, "{byte:02x}");
    }
    EntityTag::new_strong(tag)
}

pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(page)
        .service(web::redirect("/console/", "/console"))
        .service(asset);
}

#[get("/console")]
async fn page(request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(PAGE, &request)
}

#[get("/console/{file}")]
async fn asset(name: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(&name, &request)
}

fn serve(name: &str, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let mut files = FILES.iter().zip(&*TAGS);
    let (file, tag) = files
        .find(|(file, _)| file.name == name)
        .ok_or_else(unknown_route)?;
    let known = is_known(request, tag);
    let mut response = match known {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header((header::ETAG, tag.clone()))
        .insert_header((header::CACHE_CONTROL, REVALIDATE))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(match known {
        true => response.finish(),
        false => response.content_type(file.content_type).body(file.bytes),
    })
}

/// RFC 9110, 13.1.2.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
