//! From the bytes of a picture file to pixels, upright.

use std::io::{Cursor, Read};
use std::path::Path;

use crate::content::open_file;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// The longest side, in pixels, of a picture that is read.
const LONGEST_SIDE: u32 = 10_000;
/// The most bytes that a picture's file may have, and its pixels once they are decoded. These are not held
/// twice: what is made of them is grey, three bytes for each pixel at most.
const MOST_MEMORY: u64 = 512 << 20;

/// A picture as its file has it.
#[derive(Debug)]
pub(super) struct Decoded {
    /// Its pixels.
    pub(super) pixels: DynamicImage,
    /// What turns them upright, as EXIF says.
    pub(super) orientation: Orientation,
}

/// The bytes of the file `path`, or what is wrong with it.
pub(crate) fn load(path: &Path) -> Result<Vec<u8>, String> {
    let load = || {
        let mut bytes = Vec::new();
        open_file(path)?.take(MOST_MEMORY + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes =
        load().map_err(|error: std::io::Error| format!("{error}; check the path and its permissions"))?;
    match bytes.len() as u64 {
        0 => Err("is empty; give an intact PNG, JPEG, BMP or PNM".into()),
        size if size > MOST_MEMORY => {
            Err(format!("has more than {MOST_MEMORY} bytes; give a smaller picture"))
        }
        _ => Ok(bytes),
    }
}

/// Width and height in pixels, as a file's `bytes` say them.
pub(super) fn size(bytes: &[u8]) -> Result<[u32; 2], String> {
    let (width, height) = guessed(bytes)?.into_dimensions().map_err(problem)?;
    Ok([width, height])
}

fn guessed(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, String> {
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())
}

/// Decodes a file's `bytes`, or says what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut reader = guessed(bytes)?;
    // Its decoder takes what is missing for grey, and says nothing.
    if reader.format() == Some(ImageFormat::Jpeg) && !is_whole_jpeg(bytes) {
        return Err("the JPEG ends before its image does; copy or save it again".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(problem)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("its {width} x {height} pixels are none; save it again"));
    }
    // The limits that it was given are on what it needs itself.
    let size = decoder.total_bytes();
    if size > MOST_MEMORY {
        return Err(format!(
            "its {width} x {height} pixels take {size} bytes, and at most {MOST_MEMORY} are read; \
             give a smaller picture"
        ));
    }
    let orientation = decoder.orientation().map_err(problem)?;
    let pixels = DynamicImage::from_decoder(decoder).map_err(problem)?;
    Ok(Decoded { pixels, orientation })
}

/// Why a picture cannot be decoded, on one line.
fn problem(error: ImageError) -> String {
    let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match error.trim_end_matches('.') {
        "" => "cannot be decoded; save it again as PNG".into(),
        error => format!("{error}; give an intact PNG, JPEG, BMP or PNM of at most 10,000 x 10,000 pixels"),
    }
}

/// Whether a JPEG goes on until its end-of-image marker (ITU-T T.81, section B.1.1). Thumbnails within it,
/// which have one of their own, lie in segments of known length.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != 0xff {
            continue;
        }
        match bytes.get(at) {
            Some(0xd9) => return true,
            // A segment with its length.
            Some(0xc0..=0xcf | 0xda..=0xfe) => {
                let length =
                    bytes.get(at + 1..at + 3).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]));
                at += 1 + length.unwrap_or(0);
            }
            // Part of the coded image, or padding.
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_without_pixels_is_none() {
        for header in ["P2 0 25 255 0\n", "P5 25 0 255\n", "P20 25 255 0\n"] {
            let error = decode(header.as_bytes()).unwrap_err();
            assert!(
                error.contains("0 pixels are none") || error.contains("0 x 25 pixels are none"),
                "{error}"
            );
        }
    }

    /// Headers alone: what is promised must be refused before there is memory for it.
    #[test]
    fn pixels_have_a_limit_in_memory() {
        let refused = |side: u32, depth: u32, most: u32, part: &str| {
            let kind = if depth == 4 { "RGB_ALPHA" } else { "RGB" };
            let header = format!(
                "P7\nWIDTH {side}\nHEIGHT {side}\nDEPTH {depth}\nMAXVAL {most}\nTUPLTYPE {kind}\nENDHDR\n"
            );
            let error = decode(header.as_bytes()).unwrap_err();
            assert!(error.contains(part), "no `{part}` in: {error}");
        };
        refused(10_000, 4, 65_535, "its 10000 x 10000 pixels take 800000000 bytes, and at most 536870912");
        refused(9_460, 3, 65_535, "take 536949600 bytes");
        refused(9_459, 3, 65_535, "give an intact PNG");
        refused(10_000, 4, 255, "give an intact PNG");
        refused(10_001, 3, 255, "give an intact PNG");
    }

    #[test]
    fn a_jpeg_is_whole_up_to_its_last_marker() {
        let picture = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * y) as u8]));
        let mut whole = Vec::new();
        DynamicImage::from(picture).write_to(&mut Cursor::new(&mut whole), ImageFormat::Jpeg).unwrap();
        assert!(decode(&whole).is_ok());
        for length in 2..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} of {}", whole.len());
        }
        // What follows the image is nobody's business; an end within a comment is none.
        assert!(decode(&[whole.as_slice(), b"more"].concat()).is_ok());
        let comment = [&whole[..2], &[0xff, 0xfe, 0, 4, 0xff, 0xd9], &whole[2..whole.len() - 2]].concat();
        assert!(decode(&comment).unwrap_err().contains("ends before its image does"));
    }
}
