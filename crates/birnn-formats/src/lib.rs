//! Weights in other people's formats: PyTorch state dicts and safetensors both ways, ONNX.
//!
//! [`read`] takes whatever file PyTorch's `torch.save(model.state_dict(), path)` or safetensors wrote and gives its
//! [`StateDict`]; [`Found`] tells what net that is of; [`pytorch::encode`] and [`onnx::encode`] write. A file is parsed, never
//! run: it may be hostile, and takes no more memory than a small multiple of its length. This crate knows nets, and no experiments or runs.
//!
//! # Example
//!
//! The weights of a net in PyTorch's format, and back into a net:
//!
//! ```
//! use birnn_formats::{Found, pytorch, read, restore, state_dict};
//! use birnn_model::{ModelConfig, Network};
//! use tch::{Device, nn};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.ckpt");
//! let vs = nn::VarStore::new(Device::Cpu);
//! Network::new(&vs.root(), &ModelConfig::default().resolve()?, 28, 10)?;
//! std::fs::write(&path, pytorch::encode(&state_dict(&vs)?)?)?;
//!
//! // In Python: model.load_state_dict(torch.load("model.ckpt", weights_only=True)). Here:
//! let found = Found::new(read(&path)?)?;
//! assert_eq!((found.features, found.outputs, found.config.layers), (28, 10, 2));
//! let mut vs = nn::VarStore::new(Device::Cpu);
//! let net = Network::new(&vs.root(), &found.config.resolve()?, found.features, found.outputs)?;
//! restore(&mut vs, &found.weights)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod found;
mod mismatch;
mod number;
pub mod onnx;
pub mod pytorch;
mod safetensors_file;
mod state_dict;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::FormatError;
pub use found::{Found, NoNet};
pub use mismatch::{Mismatch, check};
pub use state_dict::{Array, StateDict, restore, state_dict};

/// As much as a net of ours can take, and then some.
const LARGEST: u64 = 16 << 30;

/// The state dict of a file that PyTorch or safetensors wrote, by its content, whatever its name.
pub fn read(path: &Path) -> Result<StateDict, FormatError> {
    let bytes = || -> Result<Vec<u8>, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let about = file.metadata().map_err(|error| error.to_string())?;
        if !about.is_file() {
            return Err("is not a file".to_owned());
        }
        if about.len() > LARGEST {
            return Err(format!("{} bytes are more than any net of ours takes", about.len()));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    };
    parse(path, &bytes().map_err(FormatError::about(path))?)
}

/// As [`read`], with the bytes at hand; `path` is what errors go by.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<StateDict, FormatError> {
    let parsed = match bytes {
        [] => Err("it is empty".to_owned()),
        bytes if pytorch::is_one(bytes) => pytorch::parse(bytes),
        // A safetensors header is a JSON object behind its length.
        bytes if bytes.get(8) == Some(&b'{') => safetensors_file::parse(bytes),
        _ => Err("neither a state dict that torch.save wrote nor a safetensors file".to_owned()),
    };
    parsed.map_err(FormatError::about(path))
}
