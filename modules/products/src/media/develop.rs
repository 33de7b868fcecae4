//! From an upload to the three files that are kept.

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, ImageResult,
    Limits,
};
use thiserror::Error;
use tokio::sync::Semaphore;

use super::{MOST_PIXELS, Size, jpeg, png, webp};

/// What decoding may take of memory besides, in bytes.
const MOST_MEMORY: u64 = 512 << 20;
const QUALITY: u8 = 90;
const QUALITY_SCALED: u8 = 82;
/// Profiles of cameras and screens have some kilobytes.
const PROFILE_BYTES: usize = 64 << 10;

/// How many pixels are developed at a time, in thousands: one of the largest pictures, or several of
/// the usual ones.
const ROOM: u32 = 40_000;
/// So that no more than four are under way, however small they are.
const LEAST: u32 = ROOM / 4;

/// A picture as it is kept.
#[derive(Debug)]
pub(super) struct Picture {
    pub width: u32,
    pub height: u32,
    /// Of the whole one: `jpg`, `png` or `webp`.
    pub extension: &'static str,
    pub whole: Vec<u8>,
    pub scaled: Vec<(Size, Vec<u8>)>,
}

#[derive(Debug, Error)]
pub(super) enum PictureError {
    #[error("neither JPEG nor PNG nor WebP")]
    Unsupported,
    #[error("{width} by {height} pixels are too many")]
    TooLarge { width: u32, height: u32 },
    #[error("the picture cannot be decoded")]
    Broken(#[source] ImageError),
    #[error("the file ends before the picture does")]
    Truncated,
    #[error("decoding broke off")]
    Panicked,
}

/// Where pictures are developed: beside the threads that serve, and a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Darkroom(Arc<Semaphore>);

impl Darkroom {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }

    /// Waits for room. Work that has begun goes on when nobody waits for it any more, and keeps its
    /// room until then.
    pub(super) async fn develop(&self, file: Vec<u8>) -> Result<Picture, PictureError> {
        let (upload, file) = blocking(move || Ok((Upload::look_at(&file)?, file))).await?;
        let thousands = u64::from(upload.width) * u64::from(upload.height) / 1000;
        let room = u32::try_from(thousands).unwrap_or(ROOM).clamp(LEAST, ROOM);
        let semaphore = Arc::clone(&self.0);
        // The semaphore is never closed.
        let room = semaphore.acquire_many_owned(room).await.ok();
        blocking(move || {
            let _room = room;
            upload.develop(&file)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a picture was too much for its decoder");
        Err(PictureError::Panicked)
    })
}

/// What the head of a file tells.
pub(super) struct Upload {
    format: ImageFormat,
    pub width: u32,
    pub height: u32,
}

impl Upload {
    pub(super) fn look_at(file: &[u8]) -> Result<Self, PictureError> {
        let format = match image::guess_format(file) {
            Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
            _ => return Err(PictureError::Unsupported),
        };
        let told = match format {
            ImageFormat::Png => png::dimensions(file),
            _ => None,
        };
        let (width, height) = match told {
            Some(size) => size,
            None => decoder(file, format)
                .map_err(PictureError::Broken)?
                .dimensions(),
        };
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(PictureError::TooLarge { width, height });
        }
        if format == ImageFormat::Jpeg && !jpeg::is_whole(file) {
            return Err(PictureError::Truncated);
        }
        Ok(Self {
            format,
            width,
            height,
        })
    }

    pub(super) fn develop(&self, file: &[u8]) -> Result<Picture, PictureError> {
        self.try_develop(file).map_err(PictureError::Broken)
    }

    fn try_develop(&self, file: &[u8]) -> ImageResult<Picture> {
        let without = match self.format {
            ImageFormat::Png => png::without_large_profile(file, PROFILE_BYTES),
            _ => file.into(),
        };
        let file = &*without;
        let mut decoder = decoder(file, self.format)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().ok().flatten();
        let profile = profile.filter(|profile| is_rgb(profile));
        let mut pixels = eight_bits(DynamicImage::from_decoder(decoder)?);
        pixels.apply_orientation(orientation);

        let bare = match (self.format, orientation) {
            (ImageFormat::WebP, Orientation::NoTransforms) => webp::bare(file, profile.is_some()),
            _ => None,
        };
        let whole = match bare {
            Some(bare) => bare,
            None => encode(&pixels, self.format, QUALITY, profile.as_deref())?,
        };
        let opaque_webp = self.format == ImageFormat::WebP && !pixels.color().has_alpha();
        let format_scaled = match opaque_webp {
            true => ImageFormat::Jpeg,
            false => self.format,
        };
        let (width, height) = (pixels.width(), pixels.height());
        let mut scaled = Vec::new();
        // From large to small, each made from the one before.
        for size in Size::ALL.into_iter().rev() {
            if pixels.width().max(pixels.height()) > size.pixels() {
                pixels = pixels.thumbnail(size.pixels(), size.pixels());
            }
            let file = match pixels.width() == width && pixels.height() == height {
                true => whole.clone(),
                false => encode(&pixels, format_scaled, QUALITY_SCALED, profile.as_deref())?,
            };
            scaled.push((size, file));
        }
        Ok(Picture {
            width,
            height,
            extension: extension(self.format),
            whole,
            scaled,
        })
    }
}

fn decoder(file: &[u8], format: ImageFormat) -> ImageResult<impl ImageDecoder + '_> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    reader.into_decoder()
}

/// The colours that all three formats and all browsers know.
fn eight_bits(pixels: DynamicImage) -> DynamicImage {
    match pixels.color().has_alpha() {
        true => DynamicImage::ImageRgba8(pixels.into_rgba8()),
        false => DynamicImage::ImageRgb8(pixels.into_rgb8()),
    }
}

/// Whether this is a colour profile (ICC.1, 7.2) for the colours that are kept.
fn is_rgb(profile: &[u8]) -> bool {
    profile.len() <= PROFILE_BYTES
        && profile.get(16..20) == Some(b"RGB ")
        && profile.get(36..40) == Some(b"acsp")
}

fn encode(
    pixels: &DynamicImage,
    format: ImageFormat,
    quality: u8,
    profile: Option<&[u8]>,
) -> ImageResult<Vec<u8>> {
    let mut file = Vec::new();
    match format {
        ImageFormat::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut file, quality);
            write(pixels, encoder, profile)?;
        }
        ImageFormat::WebP => write(pixels, WebPEncoder::new_lossless(&mut file), profile)?,
        _ => {
            let (small, filter) = (CompressionType::Default, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut file, small, filter);
            write(pixels, encoder, profile)?;
        }
    }
    Ok(file)
}

fn write(
    pixels: &DynamicImage,
    mut encoder: impl ImageEncoder,
    profile: Option<&[u8]>,
) -> ImageResult<()> {
    if let Some(profile) = profile {
        encoder
            .set_icc_profile(profile.to_vec())
            .map_err(ImageError::Unsupported)?;
    }
    pixels.write_with_encoder(encoder)
}

fn extension(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "jpg",
        ImageFormat::WebP => "webp",
        _ => "png",
    }
}
