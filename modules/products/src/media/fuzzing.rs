//! An upload without a shop around it.

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, dev};
use futures_util::stream;

use super::Size;
use super::develop::Upload;
use super::form::read;

/// Larger ones take their time.
const PIXELS: u64 = 1 << 16;

/// The file and the text of a form that comes in these pieces, or the status that refuses it.
pub async fn form(
    media_type: &[u8],
    pieces: Vec<Vec<u8>>,
    limit: usize,
) -> Result<(Vec<u8>, String), u16> {
    let mut request = TestRequest::post();
    if let Ok(media_type) = HeaderValue::from_bytes(media_type) {
        request = request.insert_header((CONTENT_TYPE, media_type));
    }
    let request = request.to_http_request();
    let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
    let pieces: Vec<Result<Bytes, PayloadError>> = pieces.collect();
    let mut payload: dev::Payload = dev::Payload::Stream {
        payload: Box::pin(stream::iter(pieces)),
    };
    let payload = Payload::from_request(&request, &mut payload).await;
    let form = read(&request, payload.map_err(|_| 400_u16)?, limit).await;
    form.map(|form| (form.file, form.alt))
        .map_err(|problem| problem.status().as_u16())
}

/// Panics unless what is made of a file are pictures of the size that they are said to have.
pub fn picture(file: &[u8]) {
    let Ok(upload) = Upload::look_at(file) else {
        return;
    };
    if u64::from(upload.width) * u64::from(upload.height) > PIXELS {
        return;
    }
    let Ok(picture) = upload.develop(file) else {
        return;
    };
    let shown = load(&picture.whole);
    assert_eq!(shown, (picture.width, picture.height));
    assert_eq!(picture.scaled.len(), Size::ALL.len());
    for (size, file) in &picture.scaled {
        let (width, height) = load(file);
        assert!(width.max(height) <= size.pixels().max(1));
    }
}

fn load(file: &[u8]) -> (u32, u32) {
    match image::load_from_memory(file) {
        Ok(shown) => (shown.width(), shown.height()),
        Err(error) => panic!("what was made is no picture: {error}"),
    }
}
