//! Arrays in a safetensors file.

use std::collections::HashMap;
use std::io::{self, Write};

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};

use super::{States, signed};

/// What readers take.
pub(super) const LARGEST_HEADER: usize = 100_000_000;
/// Numbers begin at a multiple of it.
const ALIGNMENT: usize = 8;

/// The library would have all bytes of a file at once.
pub(super) fn write(states: &States<'_>, mut into: impl Write) -> io::Result<()> {
    let mut tensors = Vec::new();
    let mut end = 0;
    let mut add = |name: &str, dtype, shape: Vec<usize>, bytes: usize| {
        let data_offsets = (end, end + bytes);
        end += bytes;
        tensors.push((name.to_owned(), TensorInfo { dtype, shape, data_offsets }));
    };
    // The largest numbers first, so that all are aligned.
    let lengths = states.lengths.unwrap_or_default();
    if states.lengths.is_some() {
        add("lengths", Dtype::I64, vec![lengths.len()], lengths.len() * size_of::<i64>());
    }
    add("states", Dtype::F32, states.shape().to_vec(), size_of_val(states.values));
    let ids = HashMap::from([("ids".to_owned(), serde_json::to_string(states.ids)?)]);
    let metadata = Metadata::new(Some(ids), tensors).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    if header.len() > LARGEST_HEADER {
        return Err(io::Error::other(format!(
            "a safetensors file has {LARGEST_HEADER} bytes for names, and these take {}; take .npz or .parquet",
            header.len()
        )));
    }
    into.write_all(&(header.len() as u64).to_le_bytes())?;
    into.write_all(&header)?;
    for &length in lengths {
        into.write_all(&signed(length).to_le_bytes())?;
    }
    for value in states.values {
        into.write_all(&value.to_le_bytes())?;
    }
    into.flush()
}
