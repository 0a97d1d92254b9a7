//! A picture of the data as a URI that holds it.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A grey PNG of `rows * cols` bytes, as a `data:` URI.
pub(crate) fn data_uri(pixels: &[u8], shape: [usize; 2]) -> io::Result<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(birnn_data::png(pixels, shape)?)))
}
