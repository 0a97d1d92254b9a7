//! Any bytes are the four files of a data set, pickled or as NumPy's arrays, gzipped or not, or an error of
//! one line, in memory that their length bounds.
#![no_main]

mod memory;

use birnn_data::{Form, parse_images, parse_labels, parse_whole};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of a file, twice what DEFLATE can make of it, and for any file.
const PER_BYTE: usize = 2 * 1032;
const ALWAYS: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    for form in [Form::Pickle, Form::Npz] {
        match memory::within(PER_BYTE * bytes.len() + ALWAYS, || parse_whole(bytes, form)) {
            Ok(contents) => {
                let [images, labels, test_images, test_labels] = &contents;
                // An IDX file of nothing is refused as such.
                for images in [images, test_images] {
                    assert!(parse_images(images).is_ok() || images.len() <= 16);
                }
                for labels in [labels, test_labels] {
                    assert!(parse_labels(labels).is_ok() || labels.len() <= 8);
                }
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
            }
        }
    }
});
