//! Any bytes are weights, perhaps of a net, or an error; and weights are written so that they read back the same.
#![no_main]

use std::path::Path;

use birnn_formats::{Found, onnx, parse, pytorch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzzed");
    let Ok(Ok(found)) = parse(path, bytes).map(Found::new) else { return };
    let written = pytorch::encode(&found.weights).expect("there is memory");
    assert_eq!(parse(path, &written).expect("what is written is read"), found.weights);
    let architecture = found.config.resolve().expect("what was found is a net");
    let _ = onnx::encode(&architecture, found.features, found.outputs, &found.weights, &[]);
});
