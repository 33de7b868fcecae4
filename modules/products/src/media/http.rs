use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::Header;
use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use futures_util::{StreamExt, TryStreamExt, stream};
use garde::Validate;
use platform::auth::Admin;
use platform::body::expect_media_type;
use platform::conditional::IfMatch;
use platform::problem::{FieldError, ProblemDocument};
use platform::{Id, Params, Problem, conditional};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::develop::{Picture, PictureError};
use super::form::{self, Form};
use super::images::{self, ImageError, Key, StoredImage};
use super::{MOST_IMAGES, MOST_PIXELS, Size, StoreError, media_type};
use crate::Module;
use crate::catalogue::product::Image;

/// How long a client may take to send its picture: its size at the speed of a slow line.
const TIME_TO_SEND: Duration = Duration::from_secs(120);

/// A key never shows another picture.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Whatever a browser takes it for, it runs nothing.
const HARMLESS: &str = "default-src 'none'; sandbox";

/// A file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only described; it is sent as a stream")]
pub(crate) struct Bytes(Vec<u8>);

/// A picture to be.
#[derive(ToSchema)]
#[schema(as = ImageUpload)]
#[expect(dead_code, reason = "only described; it is read as a stream")]
pub(crate) struct ImageUpload {
    /// JPEG, PNG or WebP; what it is, is told by its content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// What it shows, for those who do not see it.
    #[schema(max_length = 500)]
    alt: Option<String>,
}

/// Adds a picture to a product, after those that it has.
///
/// At most 40 megapixels and as many bytes as the server is set to take. It is kept without position, camera and
/// comments, and turned as its camera said. Of an animation the first picture is kept. A product may have 50.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    request_body(content = ImageUpload, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The picture", body = Image,
            headers(("Location" = String, description = "Path of the picture"))),
        (status = 400, description = "`malformed_multipart`: no form, or one that is not whole", body = ProblemDocument),
        (status = 408, description = "`upload_too_slow`: it did not come within two minutes", body = ProblemDocument),
        (status = 409, description = "`too_many_images`: the product has 50", body = ProblemDocument),
        (status = 413, description = "`upload_too_large`: it has too many bytes; `image_too_large`: it has too many pixels", body = ProblemDocument),
        (status = 415, description = "`unsupported_image`: neither JPEG nor PNG nor WebP", body = ProblemDocument),
        (status = 422, description = "`validation_failed`: `errors` names each field; `invalid_image`: it cannot be decoded", body = ProblemDocument),
    ),
)]
#[post("/products/{id}/images")]
pub(crate) async fn add_image(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    if_match: IfMatch,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    expect_media_type(&req, &["multipart/form-data"])?;
    images::expect_room(module.pool(), id, &if_match)
        .await
        .map_err(refused)?;
    let form = form::read(&req, payload, module.config.upload_bytes);
    let form = tokio::time::timeout(TIME_TO_SEND, form).await;
    let Form { file, alt } = form.map_err(|_| too_slow())??;
    let picture = module.darkroom.develop(file).await.map_err(undeveloped)?;
    let image = keep(&module, id, &if_match, picture, alt).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, image.url.clone()))
        .json(image))
}

/// Bytes first: a product never has a picture that is not there.
async fn keep(
    module: &Module,
    product_id: Uuid,
    if_match: &IfMatch,
    picture: Picture,
    alt: String,
) -> Result<Image, Problem> {
    let image = StoredImage {
        id: Uuid::now_v7(),
        key: Key::random(picture.extension),
        width: picture.width,
        height: picture.height,
        alt,
    };
    images::announce(module.pool(), &image.key).await?;
    let scaled = picture.scaled.into_iter();
    let mut files = vec![(None, picture.whole)];
    files.extend(scaled.map(|(size, file)| (Some(size), file)));
    let store = &module.config.media;
    store
        .put(&image.key, files)
        .await
        .map_err(|error| unreachable("picture", error))?;
    let added = images::add(module.pool(), product_id, &image, if_match).await;
    added.map_err(refused)?;
    Ok(image.into())
}

/// Takes a picture from its product, and from the store.
#[utoipa::path(
    tag = "products",
    params(
        ("id" = Uuid, Path, description = "Of the product"),
        ("image_id" = Uuid, Path, description = "Of the picture"),
        IfMatch,
    ),
    responses(
        (status = 204, description = "It is gone; caches may show it for longer"),
    ),
)]
#[delete("/products/{id}/images/{image_id}")]
pub(crate) async fn delete_image(
    module: web::Data<Module>,
    _: Admin,
    path: web::Path<(Hyphenated, Hyphenated)>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    let (product_id, image_id) = path.into_inner();
    let (product_id, image_id) = (product_id.into_uuid(), image_id.into_uuid());
    let taken = images::take(module.pool(), product_id, image_id, &if_match).await;
    let key = taken.map_err(refused)?;
    // The sweep comes back to what does not go now.
    match module.config.media.remove(&key).await {
        Ok(()) => {
            let _ = images::forget(module.pool(), &key).await;
        }
        Err(error) => tracing::warn!(%error, %key, "the bytes of a picture go later"),
    }
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MediaQuery {
    /// Without it: the whole picture. One that is smaller stays as it is.
    #[garde(skip)]
    #[param(inline)]
    size: Option<Size>,
}

/// The bytes of a picture.
#[utoipa::path(
    tag = "products",
    params(
        ("key" = String, Path, description = "As in the `url` of a picture", example = "0197f2f0a1b07c3e9d2b4c5d6e7f8091.jpg"),
        MediaQuery,
        conditional::IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The picture",
            content(
                (Bytes = "image/jpeg"),
                (Bytes = "image/png"),
                (Bytes = "image/webp"),
            ),
            headers(
                ("ETag" = String, description = "Of this picture in this size"),
                ("Cache-Control" = String, description = "It may be kept for ever"),
            )),
        (status = 304, description = "As `If-None-Match` knows it",
            headers(("ETag" = String, description = "Of this picture in this size"))),
    ),
)]
#[get("/media/{key}")]
pub(crate) async fn get_media(
    module: web::Data<Module>,
    key: web::Path<String>,
    Params(query): Params<MediaQuery>,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = Key::parse(&key).ok_or_else(|| Problem::not_found("picture"))?;
    let store = &module.config.media;
    let away = |error| unreachable("picture", error);
    let tag = tag(&key, query.size);
    if is_known(&req, &tag) {
        store.has(&key, query.size).await.map_err(away)?;
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, tag))
            .insert_header((header::CACHE_CONTROL, FOR_EVER))
            .finish());
    }
    let mut found = store.get(&key, query.size).await.map_err(away)?;
    let first = found
        .bytes
        .try_next()
        .await
        .map_err(|error| away(StoreError::Away(error)))?;
    let first = first.unwrap_or_default();
    let kind = media_type(&first).unwrap_or("application/octet-stream");
    let rest = found
        .bytes
        .inspect_err(|error| tracing::warn!(%error, "a picture broke off"));
    let bytes = stream::once(async { Ok(first) }).chain(rest).boxed();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::CONTENT_DISPOSITION, "inline"))
        .insert_header((header::CONTENT_SECURITY_POLICY, HARMLESS))
        .body(SizedStream::new(found.length, bytes)))
}

/// What a key shows in a size never changes, so that its name tells it from any other.
fn tag(key: &Key, size: Option<Size>) -> EntityTag {
    EntityTag::new_strong(match size {
        None => key.stem().to_owned(),
        Some(size) => format!("{}-{}", key.stem(), size.name()),
    })
}

/// RFC 9110, 13.1.2.
fn is_known(req: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(req) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn refused(error: ImageError) -> Problem {
    match error {
        ImageError::UnknownProduct => Problem::not_found("product"),
        ImageError::UnknownImage => Problem::not_found("picture of this product"),
        ImageError::Refused(problem) => problem,
        ImageError::TooMany => Problem::conflict(
            "too_many_images",
            format!("A product may have up to {MOST_IMAGES} pictures."),
        ),
        ImageError::Database(error) => error.into(),
    }
}

fn undeveloped(error: PictureError) -> Problem {
    match error {
        PictureError::Unsupported => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_image",
            "Send a JPEG, PNG or WebP.",
        ),
        PictureError::TooLarge { width, height } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "image_too_large",
            format!("{width} by {height} pixels are more than {MOST_PIXELS}."),
        ),
        PictureError::Truncated | PictureError::Broken(_) | PictureError::Panicked => {
            tracing::debug!(error = %chain(&error), "a picture was refused");
            let field = FieldError::new("file", "cannot be decoded");
            let detail = "The picture is damaged or incomplete.";
            Problem::unprocessable("invalid_image", detail, vec![field])
        }
    }
}

fn chain(error: &PictureError) -> String {
    match error {
        PictureError::Broken(cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

fn unreachable(what: &str, error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => Problem::not_found(what),
        StoreError::Timeout => {
            tracing::warn!("the media store did not answer in time");
            Problem::unavailable()
        }
        StoreError::Away(error) => {
            tracing::warn!(%error, "the media store does not serve");
            Problem::unavailable()
        }
    }
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "upload_too_slow",
        format!(
            "The picture did not come within {} seconds.",
            TIME_TO_SEND.as_secs()
        ),
    )
}
