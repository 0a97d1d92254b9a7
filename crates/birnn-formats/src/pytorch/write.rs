//! A state dict as `torch.save` writes one.

use std::io::{self, Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::order;
use crate::error::short_name;
use crate::state_dict::{Array, StateDict};

/// PyTorch aligns numbers to it, so that a file can be mapped into memory.
const ALIGNMENT: u16 = 64;
/// PyTorch names it after the file; its readers take any name.
const FOLDER: &str = "archive";

/// The bytes of a file that `torch.load(path, weights_only=True)` gives as an `OrderedDict` of `f32` tensors,
/// for `load_state_dict`, in the order of PyTorch's own modules. The same weights give the same bytes.
///
/// # Errors
///
/// When memory runs out, or a length or stride of a tensor is beyond PyTorch's 63 bits.
pub fn encode(weights: &StateDict) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .with_alignment(ALIGNMENT)
            .large_file(bytes.len() > u32::MAX as usize);
        zip.start_file(format!("{FOLDER}/{name}"), options)?;
        zip.write_all(bytes)
    };
    let mut ordered: Vec<(&String, &Array)> = weights.iter().collect();
    ordered.sort_by_key(|(name, _)| order::of(name));
    add("data.pkl", &pickle(&ordered)?)?;
    add("byteorder", b"little")?;
    for (index, (_, array)) in ordered.iter().enumerate() {
        let bytes: Vec<u8> = array.values().iter().flat_map(|value| value.to_le_bytes()).collect();
        add(&format!("data/{index}"), &bytes)?;
    }
    add("version", b"3\n")?;
    Ok(zip.finish()?.into_inner())
}

/// A pickle of protocol 2: an `OrderedDict` of calls of `torch._utils._rebuild_tensor_v2`, each with a
/// storage of its own.
fn pickle(weights: &[(&String, &Array)]) -> io::Result<Vec<u8>> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (index, (name, array)) in weights.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &index.to_string());
        text(&mut out, "cpu");
        number(&mut out, array.values().len());
        // BINPERSID, then offset 0.
        out.extend(b"tQK\x00");
        numbers(&mut out, array.shape());
        numbers(&mut out, &strides(name, array.shape())?);
        // No gradient, no hooks.
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    Ok(out)
}

/// Numbers from one index of a dimension to the next, in row-major order; lengths of 0 count as 1, as in
/// PyTorch.
fn strides(name: &str, shape: &[usize]) -> io::Result<Vec<usize>> {
    let mut stride = 1_usize;
    let mut strides = Vec::with_capacity(shape.len());
    for length in shape.iter().rev() {
        strides.push(stride);
        let next = stride.checked_mul((*length).max(1)).filter(|next| i64::try_from(*next).is_ok());
        let too_large = || format!("`{}` is {shape:?}, which PyTorch cannot count", short_name(name));
        stride = next.ok_or_else(|| io::Error::other(too_large()))?;
    }
    strides.reverse();
    Ok(strides)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// BININT where it fits, else LONG1 of eight bytes.
fn number(out: &mut Vec<u8>, number: usize) {
    match i32::try_from(number) {
        Ok(number) => {
            out.push(b'J');
            out.extend(number.to_le_bytes());
        }
        Err(_) => {
            out.extend([0x8a, 8]);
            out.extend((number as i64).to_le_bytes());
        }
    }
}

fn numbers(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    numbers.iter().for_each(|&value| number(out, value));
    out.push(b't');
}
