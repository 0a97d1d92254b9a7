//! Any bytes are a picture that becomes an image, however the net's images were, or an error of one line.
#![no_main]

use birnn_data::{Framing, Ground, Preprocessing, picture};
use libfuzzer_sys::fuzz_target;

const SHAPE: [usize; 2] = [5, 3];

fuzz_target!(|bytes: &[u8]| {
    for framing in [Framing::Mnist, Framing::Emnist, Framing::Resize] {
        for (ground, transposed) in [(Ground::Dark, false), (Ground::Light, true), (Ground::Mixed, false)] {
            match picture::parse(bytes, SHAPE, &Preprocessing::new(ground, transposed, framing)) {
                Ok(image) => assert_eq!(image.len(), SHAPE[0] * SHAPE[1]),
                // It is none in any other way either.
                Err(error) if !error.starts_with("no ink") => {
                    assert!(!error.chars().any(char::is_control), "{error:?}");
                    return;
                }
                Err(_) => (),
            }
        }
    }
});
