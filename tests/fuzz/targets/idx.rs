//! Any bytes, gzipped or not, are images or labels or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(images) = birnn_data::parse_images(bytes) {
        assert_eq!(images.pixels.len(), images.len() * images.rows * images.cols);
    }
    let _ = birnn_data::parse_labels(bytes);
});
