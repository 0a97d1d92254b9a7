//! Writing pictures of the data.

use std::io;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// A PNG of `rows * cols` pixels, row by row: grey with one byte each, or red, green, blue with three.
///
/// # Errors
///
/// There are more or fewer bytes than that, or none.
pub fn png(pixels: &[u8], [rows, cols]: [usize; 2]) -> io::Result<Vec<u8>> {
    let colour = match rows * cols {
        0 => None,
        size if size == pixels.len() => Some(ExtendedColorType::L8),
        size if 3 * size == pixels.len() => Some(ExtendedColorType::Rgb8),
        _ => None,
    };
    let no_picture = || io::Error::other(format!("{} bytes are no {rows} x {cols} picture", pixels.len()));
    let colour = colour.ok_or_else(no_picture)?;
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(pixels, cols as u32, rows as u32, colour)
        .map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_as_it_was() {
        let grey = [0, 1, 2, 128, 254, 255];
        let found = image::load_from_memory(&png(&grey, [2, 3]).unwrap()).unwrap();
        assert_eq!((found.height(), found.width()), (2, 3));
        assert_eq!(found.as_luma8().unwrap().as_raw(), &grey);
        let found = image::load_from_memory(&png(&grey, [1, 2]).unwrap()).unwrap();
        assert_eq!(found.as_rgb8().unwrap().as_raw(), &grey);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(png(&[0; 5], [2, 3]).is_err());
        assert!(png(&[], [0, 0]).is_err());
    }
}
