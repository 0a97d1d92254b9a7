//! Safetensors files of anyone's.

use std::io::{Read, Seek, SeekFrom};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::PLAIN;
use crate::error::short_name;
use crate::number::Number;
use crate::pytorch::MOST_COPIES;
use crate::state_dict::StateDict;

/// Names and sizes of some ten thousand tensors have room in it.
const LARGEST_HEADER: u64 = 4 << 20;

/// The arrays of a file of `length` bytes. The error says what is wrong.
pub(crate) fn parse(mut source: impl Read + Seek, length: u64) -> Result<StateDict, String> {
    let foreign =
        |problem: &dyn std::fmt::Display| format!("no safetensors file, or one cut short: {problem}");
    let mut size = [0; 8];
    source.read_exact(&mut size).map_err(|error| foreign(&error))?;
    let size = u64::from_le_bytes(size);
    let numbers = length.checked_sub(8).and_then(|rest| rest.checked_sub(size));
    let numbers =
        numbers.filter(|_| size <= LARGEST_HEADER).ok_or_else(|| foreign(&"its header is too long"))?;
    let mut header = Vec::new();
    source.by_ref().take(size).read_to_end(&mut header).map_err(|error| foreign(&error))?;
    // The library sees to it that tensors lie one after the other.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| foreign(&error))?;
    if metadata.data_len() as u64 != numbers {
        let expected = metadata.data_len();
        return Err(foreign(&format!("its tensors take {expected} bytes, and {numbers} follow its header")));
    }
    let mut found = StateDict::new();
    for (name, info) in metadata.tensors() {
        let number = match info.dtype {
            Dtype::F64 => Number::F64,
            Dtype::F32 => Number::F32,
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::BF16,
            Dtype::I64 => Number::I64,
            Dtype::I32 => Number::I32,
            Dtype::I16 => Number::I16,
            Dtype::I8 => Number::I8,
            Dtype::U8 | Dtype::BOOL => Number::U8,
            other => return Err(format!("`{}` is of {other:?}. {PLAIN}", short_name(&name))),
        };
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        source.seek(SeekFrom::Start(8 + size + start as u64)).map_err(|error| error.to_string())?;
        source.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        found.insert(name, number.array(info.shape.clone(), number.decode(&bytes)));
    }
    copy_tied(&metadata, &mut found, length)?;
    Ok(found)
}

/// `safetensors.torch.save_model` leaves out what shares its numbers with another tensor, and says so in the
/// metadata.
fn copy_tied(metadata: &Metadata, found: &mut StateDict, length: u64) -> Result<(), String> {
    let mut bytes = found.values().map(|array| size_of_val(array.values()) as u64).sum::<u64>();
    for (name, kept) in metadata.metadata().iter().flatten() {
        if found.contains_key(name) {
            continue;
        }
        let Some(array) = found.get(kept) else { continue };
        bytes += size_of_val(array.values()) as u64;
        if bytes > length.saturating_mul(MOST_COPIES) {
            return Err(format!("its tensors would take over {MOST_COPIES} times the length of the file"));
        }
        found.insert(name.clone(), array.clone());
    }
    Ok(())
}
