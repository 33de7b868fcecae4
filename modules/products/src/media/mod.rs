//! Pictures of products: taken in, kept in a store of their own, served to anybody.
//!
//! A picture is decoded whole before it is kept, and what is kept holds pixels and nothing else: no
//! position of a camera, no comment, nothing that was appended. JPEG and PNG are encoded anew, since
//! that proves that no byte of the upload is left; a WebP keeps its compressed pixels and loses
//! everything around them, since the encoder here is lossless only and would make a photograph ten
//! times as large. What must be turned by its EXIF orientation, or moves, is encoded anew as well,
//! and of an animation stays the first picture. A colour profile is kept: without it the colours
//! would be others.
//!
//! Each picture is stored three times, whole, medium and small, below a random key which no other
//! picture has. So nothing is shared, an address never shows another picture, and what belongs to one
//! product can be removed without looking at the others.
//!
//! The bytes come before the row and go after it. What lies between is written down first
//! (`media_leftovers`), so that a crash leaves nothing behind for ever.

mod develop;
mod form;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
pub(crate) mod http;
pub(crate) mod images;
mod jpeg;
mod png;
mod store;
mod sweep;
mod webp;

pub(crate) use develop::Darkroom;
pub use store::{MediaStore, StoreError};
pub(crate) use sweep::sweep;

/// The largest picture, in pixels.
pub(crate) const MOST_PIXELS: u64 = 40_000_000;
/// How many pictures a product may have.
pub(crate) const MOST_IMAGES: usize = 50;
pub(crate) const ALT_CHARS: usize = 500;

/// In how many pixels a picture is served; the sides of a square that it fits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Size {
    /// At most 320 pixels wide and high.
    Small,
    /// At most 1024 pixels wide and high.
    Medium,
}

impl Size {
    pub(crate) const ALL: [Self; 2] = [Self::Small, Self::Medium];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
        }
    }

    pub(crate) fn pixels(self) -> u32 {
        match self {
            Self::Small => 320,
            Self::Medium => 1024,
        }
    }
}

/// The media type of a picture, by how it begins.
pub(crate) fn media_type(beginning: &[u8]) -> Option<&'static str> {
    use image::ImageFormat::{Jpeg, Png, WebP};
    match image::guess_format(beginning).ok()? {
        Jpeg => Some("image/jpeg"),
        Png => Some("image/png"),
        WebP => Some("image/webp"),
        _ => None,
    }
}
