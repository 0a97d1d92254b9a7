//! Arrays for NumPy, in a zip archive that is not compressed.

use std::io::{self, BufWriter, Write};

use npyz::{AutoSerialize, DType, Serialize, TypeStr, WriterBuilder};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{States, signed};

pub(super) fn write(states: &States<'_>, into: impl Write) -> io::Result<()> {
    // As it comes, with nothing to be filled in later.
    let mut zip = ZipWriter::new_stream(into);
    add(&mut zip, "states", f32::default_dtype(), &states.shape(), states.values.iter())?;
    if let Some(lengths) = states.lengths {
        let lengths: Vec<i64> = lengths.iter().copied().map(signed).collect();
        add(&mut zip, "lengths", i64::default_dtype(), &[lengths.len()], lengths.iter())?;
    }
    let ids = || states.ids.iter().map(String::as_str);
    // Each takes as much room as the longest, four bytes a character.
    let longest = ids().map(|id| id.chars().count()).max().unwrap_or(0).max(1);
    let text: TypeStr = format!("<U{longest}").parse().map_err(io::Error::other)?;
    add(&mut zip, "ids", DType::new_scalar(text), &[states.ids.len()], ids())?;
    zip.finish()?.into_inner().flush()
}

fn add<'a, T: Serialize + ?Sized + 'a>(
    zip: &mut ZipWriter<StreamWriter<impl Write>>,
    name: &str,
    of: DType,
    shape: &[usize],
    values: impl Iterator<Item = &'a T>,
) -> io::Result<()> {
    let bytes = of.num_bytes().unwrap_or(0) * shape.iter().product::<usize>();
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        // With room for the array's header.
        .large_file(bytes > (u32::MAX / 2) as usize);
    zip.start_file(npyz::npz::file_name_from_array_name(name), options)?;
    // The archive counts and sums up whatever it is given at once.
    let mut buffered = BufWriter::with_capacity(1 << 16, zip);
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    let mut array =
        npyz::WriteOptions::<T>::new().dtype(of).shape(&shape).writer(&mut buffered).begin_nd()?;
    for value in values {
        array.push(value)?;
    }
    array.finish()?;
    buffered.flush()
}
