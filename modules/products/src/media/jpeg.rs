/// Whether a JPEG has its end. The decoder paints grey what is missing.
///
/// Walks the segments of ISO/IEC 10918-1, annex B: those with a length by it, what follows a scan's
/// header up to the next marker.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let mut at = 2;
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else {
            return false;
        };
        match marker {
            END => return true,
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else {
            return false;
        };
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
        if marker == SCAN {
            skip_scan(bytes, &mut at);
        }
    }
}

/// The byte after the next 0xFF, which may be repeated to fill up.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    while *bytes.get(*at)? != 0xFF {
        *at += 1;
    }
    while *bytes.get(*at)? == 0xFF {
        *at += 1;
    }
    *at += 1;
    bytes.get(*at - 1).copied()
}

/// In a scan 0xFF is data when a zero follows, and goes on after a restart marker.
fn skip_scan(bytes: &[u8], at: &mut usize) {
    while let Some(&[first, second]) = bytes.get(*at..*at + 2) {
        if first == 0xFF && !matches!(second, 0x00 | 0xD0..=0xD7 | 0xFF) {
            return;
        }
        *at += if first == 0xFF && second != 0xFF {
            2
        } else {
            1
        };
    }
    *at = bytes.len();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_jpeg_with_its_end_is_whole() {
        let mut jpeg = Vec::new();
        let noise = image::RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([x * 37, y * 91, x * y].map(|n| u8::try_from(n % 256).unwrap()))
        });
        let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
        noise.write_with_encoder(encoder).unwrap();
        assert!(is_whole(&jpeg));
        for length in 2..jpeg.len() {
            assert!(!is_whole(&jpeg[..length]), "{length}");
        }
        jpeg.extend_from_slice(b"and more");
        assert!(is_whole(&jpeg));
    }
}
