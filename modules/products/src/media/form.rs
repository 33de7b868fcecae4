//! The form of an upload, read piece by piece: nothing beyond the limits is held.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, web};
use futures_util::TryStreamExt;
use platform::Problem;

use super::ALT_CHARS;

/// What boundaries, headers and the text may add to the file.
const BESIDES: usize = 64 << 10;
/// The longest text in bytes: UTF-8 takes four for a character.
const ALT_BYTES: usize = ALT_CHARS * 4;
/// How much of a foreign name a message shows.
const SHOWN: usize = 100;

#[derive(Debug)]
pub(super) struct Form {
    pub file: Vec<u8>,
    pub alt: String,
}

/// `limit` is that of the file in bytes; 0 means none.
pub(super) async fn read(
    req: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<Form, Problem> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let declared = req.headers().get(CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit.saturating_add(BESIDES)) {
        return Err(too_large(limit));
    }
    let mut parts = Multipart::new(req.headers(), payload);
    let (mut file, mut alt) = (None, None);
    while let Some(mut part) = parts.try_next().await.map_err(malformed)? {
        let name = part.name().unwrap_or_default().to_owned();
        let (slot, most) = match name.as_str() {
            "file" => (&mut file, limit),
            "alt" => (&mut alt, ALT_BYTES),
            _ => {
                let shown: String = name.chars().take(SHOWN).collect();
                return Err(Problem::invalid_field(shown, "is not a field of this form"));
            }
        };
        if slot.is_some() {
            return Err(Problem::invalid_field(name, "must be given once"));
        }
        let bytes = bytes(&mut part, most).await.map_err(malformed)?;
        *slot = match (bytes, name.as_str()) {
            (None, "file") => return Err(too_large(limit)),
            (None, _) => return Err(alt_too_long()),
            (bytes, _) => bytes,
        };
    }
    match file {
        None => Err(Problem::invalid_field("file", "is required")),
        Some(file) if file.is_empty() => Err(Problem::invalid_field("file", "must not be empty")),
        Some(file) => Ok(Form {
            file,
            alt: text(alt.unwrap_or_default())?,
        }),
    }
}

/// `None` when there are more.
async fn bytes(part: &mut Field, most: usize) -> Result<Option<Vec<u8>>, MultipartError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.try_next().await? {
        if bytes.len() + chunk.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn text(bytes: Vec<u8>) -> Result<String, Problem> {
    let text = String::from_utf8(bytes)
        .map_err(|_| Problem::invalid_field("alt", "must be text in UTF-8"))?;
    if text.contains('\0') {
        let message = "must not contain the character U+0000";
        return Err(Problem::invalid_field("alt", message));
    }
    match text.chars().count() > ALT_CHARS {
        true => Err(alt_too_long()),
        false => Ok(text),
    }
}

fn alt_too_long() -> Problem {
    let message = format!("must not be longer than {ALT_CHARS} characters");
    Problem::invalid_field("alt", message)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "upload_too_large",
        format!("A picture may have up to {limit} bytes."),
    )
}

fn malformed(error: MultipartError) -> Problem {
    if let MultipartError::Payload(error) = &error
        && !matches!(error, PayloadError::Overflow)
    {
        let detail = "The body could not be read to its end.";
        return Problem::bad_request("unreadable_body", detail);
    }
    Problem::bad_request(
        "malformed_multipart",
        format!("The form cannot be read: {error}."),
    )
}
