//! A picture of a sample as a URI that holds it.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_data::{SKETCH, Sequence, sketch};

/// A grey PNG as a `data:` URI: of an image as it is, of a series its lines.
pub(crate) fn data_uri(sample: Sequence<'_>) -> io::Result<String> {
    let png = match sample.bytes() {
        Some(pixels) => birnn_data::png(pixels, [sample.steps(), sample.features]),
        None => birnn_data::png(&sketch(sample), SKETCH),
    };
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png?)))
}
