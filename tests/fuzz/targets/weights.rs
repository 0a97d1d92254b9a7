//! Any bytes are weights, perhaps of a net, or an error of one line, in memory that their length bounds; and
//! weights are written so that they read back the same.
#![no_main]

mod memory;

use std::path::Path;

use birnn_formats::{InferredModel, Normalisation, onnx, parse, parse_key, pytorch};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of a file, and for any file.
const PER_BYTE: usize = 128;
const ALWAYS: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzzed");
    let limit = PER_BYTE * bytes.len() + ALWAYS;
    let read = memory::within(limit, || match parse(path, bytes) {
        Err(error) => {
            let error = error.to_string();
            assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
            // Several state dicts, perhaps.
            ["model", "ema", "."].into_iter().find_map(|key| parse_key(path, bytes, Some(key)).ok())
        }
        read => read.ok(),
    });
    let Some(weights) = read else { return };
    let Ok(mut found) = memory::within(limit, || InferredModel::new(weights)) else { return };
    let written = pytorch::encode(&found.weights).expect("there is memory");
    assert_eq!(parse(path, &written).expect("what is written is read"), found.weights);
    let architecture = found.config.resolve().expect("what was found is a net");
    let _ =
        onnx::encode(&architecture, &onnx::Input::Images, found.features, found.outputs, &found.weights, &[]);
    let _ = found.fold(&Normalisation { mean: vec![0.5], std: vec![0.25] });
});
