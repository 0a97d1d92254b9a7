//! A picture of the data as a URI that holds it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A grey PNG of `rows * cols` bytes, as a `data:` URI.
pub(crate) fn data_uri(pixels: &[u8], [rows, cols]: [usize; 2]) -> Result<String, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, cols as u32, rows as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_as_it_was() {
        let pixels = [0, 1, 2, 128, 254, 255];
        let uri = data_uri(&pixels, [2, 3]).unwrap();
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut found = vec![0; 6];
        let info = reader.next_frame(&mut found).unwrap();
        assert_eq!((info.height, info.width, info.color_type), (2, 3, png::ColorType::Grayscale));
        assert_eq!(found, pixels);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(data_uri(&[0; 5], [2, 3]).is_err());
        assert!(data_uri(&[], [0, 0]).is_err());
    }
}
