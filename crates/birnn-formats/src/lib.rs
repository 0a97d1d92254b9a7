//! Other people's formats. Of weights: PyTorch state dicts and safetensors both ways, ONNX. Of the states of
//! sequences: [`states`], arrays and tables.
//!
//! [`read`] takes whatever file PyTorch's `torch.save(model.state_dict(), path)` or safetensors wrote and
//! gives its [`StateDict`]; [`InferredModel`] is what net that is of; [`pytorch::encode`] and
//! [`onnx::encode`] write. A file is parsed, never run: it may be hostile, and takes no more than a small
//! multiple of its length in memory. This crate knows nets, and no tensors, data sets, experiments or runs:
//! of `birnn-data` it has how names from files are shown, in one way everywhere.
//!
//! # Example
//!
//! The weights of a net in PyTorch's format, and what net they are of:
//!
//! ```
//! use birnn_formats::{Array, InferredModel, StateDict, check, pytorch, read};
//! use birnn_architecture::ModelConfig;
//!
//! let net = ModelConfig::default().resolve()?;
//! let zeros = |(name, shape): (String, Vec<usize>)| {
//!     let values = vec![0.0; shape.iter().product()];
//!     (name, Array::new(shape, values))
//! };
//! let weights: StateDict = net.parameters(28, 10).into_iter().map(zeros).collect();
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.ckpt");
//! std::fs::write(&path, pytorch::encode(&weights)?)?;
//!
//! // In Python: model.load_state_dict(torch.load("model.ckpt", weights_only=True)). Here:
//! let model = InferredModel::new(read(&path)?)?;
//! assert_eq!((model.features, model.outputs, model.config.layers), (28, 10, 2));
//! check(&model.weights, &model.config.resolve()?, model.features, model.outputs)?;
//! assert_eq!(model.weights, weights);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `birnn_model::restore` puts such weights into a net.

mod error;
mod infer;
mod input;
mod key;
mod mismatch;
mod modules;
mod number;
pub mod onnx;
pub mod pytorch;
mod safetensors_file;
mod state_dict;
pub mod states;
mod wrappers;

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

pub use error::{FormatError, InferError, short_name};
pub use infer::InferredModel;
pub use input::Normalisation;
pub use mismatch::{Mismatch, check};
pub use state_dict::{Array, StateDict};

/// What is known of nets here; nowhere else does this crate name where it is from.
use birnn_architecture::{Architecture, Cell, CellKind, Hidden, ModelConfig, Readout};

/// The state dict of a file that PyTorch or safetensors wrote, by its content, whatever its name.
///
/// # Errors
///
/// As [`read_key`], where several state dicts are in it too.
pub fn read(path: &Path) -> Result<StateDict, FormatError> {
    read_key(path, None)
}

/// As [`read`], where several state dicts may be in a file: `key` says which is meant, as the dotted path of
/// dicts that leads to it (`ema`, `checkpoint.model`), as what the names of its weights begin with, or as
/// both, one after the other. `.` is what was saved itself. Of a net that has others beside it, under names
/// that begin alike, a key means the net without those.
///
/// # Errors
///
/// When the file cannot be read, holds no state dict or several, or nothing under `key`; when its tensors lie
/// outside of it or overlap in part.
pub fn read_key(path: &Path, key: Option<&str>) -> Result<StateDict, FormatError> {
    // A folder can be opened, a device has no end, and a pipe waits for somebody to write.
    let open = || match fs::metadata(path)?.is_file() {
        true => {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        }
        false => Err(io::Error::other("is not a file")),
    };
    let (file, length) = open().map_err(|error| error.to_string()).map_err(FormatError::about(path))?;
    weights(BufReader::new(file), length, key).map_err(FormatError::about(path))
}

/// As [`read`], with the bytes at hand; `path` is what errors go by.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<StateDict, FormatError> {
    parse_key(path, bytes, None)
}

/// As [`read_key`], with the bytes at hand; `path` is what errors go by.
pub fn parse_key(path: &Path, bytes: &[u8], key: Option<&str>) -> Result<StateDict, FormatError> {
    weights(Cursor::new(bytes), bytes.len() as u64, key).map_err(FormatError::about(path))
}

/// What to do about a file with other things.
pub(crate) const ALONE: &str = "In Python, save `model.state_dict()` alone";

/// What to do about weights that are not plain.
pub(crate) const PLAIN: &str = "In Python, save `{name: tensor.detach().float() for name, tensor in model.state_dict().items()}`, of a model before it \
     is quantized";

fn weights(mut source: impl Read + Seek, length: u64, key: Option<&str>) -> Result<StateDict, String> {
    let mut head = Vec::new();
    source.by_ref().take(16).read_to_end(&mut head).map_err(|error| error.to_string())?;
    source.rewind().map_err(|error| error.to_string())?;
    match head.as_slice() {
        [] => Err("it is empty".to_owned()),
        head if pytorch::is_one(head) => pytorch::parse(source, head, length, key),
        // A safetensors header is a JSON object behind its length.
        head if head.get(8) == Some(&b'{') => key::select(safetensors_file::parse(source, length)?, key),
        [0x80, 0..=5, ..] => {
            Err(format!("a pickle, and not as torch.save writes weights by itself. {ALONE}"))
        }
        _ => Err("neither a state dict that torch.save wrote nor a safetensors file".to_owned()),
    }
}
