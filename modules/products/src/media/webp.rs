//! A WebP file without what surrounds its pixels: the RIFF container, of which
//! <https://developers.google.com/speed/webp/docs/riff_container> is the specification.

const ANIMATION: u8 = 0b0000_0010;
const XMP: u8 = 0b0000_0100;
const EXIF: u8 = 0b0000_1000;
const PROFILE: u8 = 0b0010_0000;

/// Keeps the pixels, and the colour profile when `profile`. `None` when they move or the file is not
/// as it should be.
pub(super) fn bare(file: &[u8], profile: bool) -> Option<Vec<u8>> {
    let body = file.strip_prefix(b"RIFF")?;
    let (length, body) = body.split_first_chunk::<4>()?;
    let body = body.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let mut rest = body.strip_prefix(b"WEBP")?;
    let mut kept = b"WEBP".to_vec();
    while !rest.is_empty() {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        // A chunk of odd length has a byte more.
        rest = after
            .get(length.checked_add(length % 2)?..)
            .unwrap_or_default();
        match name {
            b"VP8X" => {
                let mut data = data.to_vec();
                let flags = data.first_mut()?;
                if *flags & ANIMATION != 0 {
                    return None;
                }
                *flags &= !(EXIF | XMP);
                if !profile {
                    *flags &= !PROFILE;
                }
                push(&mut kept, name, &data)?;
            }
            b"VP8 " | b"VP8L" | b"ALPH" => push(&mut kept, name, data)?,
            b"ICCP" if profile => push(&mut kept, name, data)?,
            _ => {}
        }
    }
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&u32::try_from(kept.len()).ok()?.to_le_bytes());
    file.extend_from_slice(&kept);
    Some(file)
}

fn push(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Option<()> {
    file.extend_from_slice(name);
    file.extend_from_slice(&u32::try_from(data.len()).ok()?.to_le_bytes());
    file.extend_from_slice(data);
    if data.len() % 2 == 1 {
        file.push(0);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use image::{ImageEncoder, RgbaImage};

    use super::*;

    #[test]
    fn pixels_stay_and_the_rest_goes() {
        let pixels = RgbaImage::from_fn(5, 7, |x, y| {
            image::Rgba([x, y, 9, 100].map(|n| u8::try_from(n).unwrap()))
        });
        let mut file = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
        encoder.set_exif_metadata(b"Exif: 52.5 N".to_vec()).unwrap();
        encoder.set_icc_profile(b"profile".to_vec()).unwrap();
        encoder
            .encode(&pixels, 5, 7, image::ExtendedColorType::Rgba8)
            .unwrap();
        file.extend_from_slice(b"<script>");
        let has = |file: &[u8], words: &[u8]| file.windows(words.len()).any(|w| w == words);
        assert!(has(&file, b"52.5") && has(&file, b"profile"));

        for profile in [true, false] {
            let bare = bare(&file, profile).unwrap();
            assert!(!has(&bare, b"52.5") && !has(&bare, b"<script>") && !has(&bare, b"EXIF"));
            assert_eq!(has(&bare, b"profile"), profile);
            let shown = image::load_from_memory(&bare).unwrap();
            assert_eq!(shown.into_rgba8(), pixels);
        }
        for length in 0..file.len() - b"<script>".len() {
            assert_eq!(bare(&file[..length], true), None, "{length}");
        }
    }
}
