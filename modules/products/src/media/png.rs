//! What has to be known of a PNG before it is decoded (PNG specification, 5.3 and 11).

use std::borrow::Cow;
use std::ops::Range;

const SIGNATURE: usize = 8;
/// Its length and its kind before a chunk, its checksum after it.
const HEAD: usize = 8;
const CHECKSUM: usize = 4;

/// Width and height, from the chunk that must come first. The decoder would unpack whatever stands
/// before the pixels to tell them.
pub(super) fn dimensions(file: &[u8]) -> Option<(u32, u32)> {
    let first = chunks(file)
        .next()
        .filter(|first| is(file, first, b"IHDR"))?;
    let data = &file[first.start + HEAD..first.end - CHECKSUM];
    let (width, rest) = data.split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

/// Without colour profiles that are packed in more than `bytes`. One is unpacked whole, and may be a
/// thousand times as large then.
pub(super) fn without_large_profile(file: &[u8], bytes: usize) -> Cow<'_, [u8]> {
    let large: Vec<Range<usize>> = chunks(file)
        .filter(|chunk| chunk.len() > bytes && is(file, chunk, b"iCCP"))
        .collect();
    if large.is_empty() {
        return file.into();
    }
    let mut kept = Vec::with_capacity(file.len());
    let mut at = 0;
    for chunk in large {
        kept.extend_from_slice(&file[at..chunk.start]);
        at = chunk.end;
    }
    kept.extend_from_slice(&file[at..]);
    kept.into()
}

/// Where whole chunks stand, as long as there are any.
fn chunks(file: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = SIGNATURE;
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*file.get(start..)?.first_chunk()?);
        let length = usize::try_from(length).ok()?;
        let end = start.checked_add(HEAD + CHECKSUM)?.checked_add(length)?;
        let chunk = start..end;
        start = end;
        (end <= file.len()).then_some(chunk)
    })
}

fn is(file: &[u8], chunk: &Range<usize>, kind: &[u8; 4]) -> bool {
    file.get(chunk.start + 4..chunk.start + HEAD) == Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, &[0; CHECKSUM]].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
    }

    #[test]
    fn the_size_stands_in_the_first_chunk() {
        let head = chunk(b"IHDR", &[0, 0, 1, 2, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
        assert_eq!(dimensions(&file(&[head])), Some((258, 3)));
        assert_eq!(dimensions(&file(&[chunk(b"iCCP", &[0; 20])])), None);
        assert_eq!(dimensions(&file(&[chunk(b"IHDR", &[0; 7])])), None);
        assert_eq!(dimensions(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR"), None);
    }

    #[test]
    fn only_large_profiles_are_left_out() {
        let small = chunk(b"iCCP", &[1; 20]);
        let large = chunk(b"iCCP", &[2; 200]);
        let pixels = chunk(b"IDAT", &[3; 300]);
        let all = file(&[small.clone(), large.clone(), pixels.clone(), large]);
        let kept = without_large_profile(&all, 100);
        assert_eq!(kept, file(&[small, pixels]));
        assert!(matches!(
            without_large_profile(&kept, 100),
            Cow::Borrowed(_)
        ));
    }
}
