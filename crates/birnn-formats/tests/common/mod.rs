//! The net of `fixtures/make.py`.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several tests, not all of it by each")]

use std::path::{Path, PathBuf};

use birnn_architecture::{Architecture, Hidden, ModelConfig};
use birnn_formats::{Array, StateDict, parse};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn net() -> ModelConfig {
    ModelConfig { layers: 1, hidden: Hidden::Same(3), ..ModelConfig::default() }
}

/// Its weights, as `make.py` fills them.
pub fn weights() -> StateDict {
    filled(&net().resolve().unwrap(), 4, 2)
}

/// Weights that are the same on every machine, as `make.py` fills them.
pub fn filled(architecture: &Architecture, features: usize, outputs: usize) -> StateDict {
    let fill = |(name, shape): (String, Vec<usize>)| {
        let start: usize = name.rsplit('.').next().unwrap().bytes().map(usize::from).sum();
        let value = |index: usize| (((7 * index + start) % 200) as f32 - 100.0) / 8.0;
        let values = (0..shape.iter().product()).map(value).collect();
        (name, Array::new(shape, values))
    };
    architecture.parameters(features, outputs).into_iter().map(fill).collect()
}

/// The error of reading `bytes` must be one line that names the file and holds `part`.
#[track_caller]
pub fn refused(bytes: &[u8], part: &str) {
    let error = parse(Path::new("some/model.ckpt"), bytes).unwrap_err().to_string();
    assert!(error.starts_with("some/model.ckpt: ") && !error.contains('\n'), "{error}");
    assert!(error.contains(part), "no `{part}` in: {error}");
}

/// A zip archive of stored entries.
pub fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A file with this pickle, behind its first opcode.
pub fn pickled(pickle: &[u8]) -> Vec<u8> {
    zipped(&[("a/data.pkl", &[b"\x80\x02", pickle].concat())])
}

/// The opcodes of a text, of a number, and of a tuple of numbers.
pub fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub fn number(number: i64) -> Vec<u8> {
    [&[0x8a, 8], &number.to_le_bytes()[..]].concat()
}

pub fn tuple(numbers: &[i64]) -> Vec<u8> {
    [b"(", &numbers.iter().flat_map(|&n| number(n)).collect::<Vec<u8>>()[..], b"t"].concat()
}
