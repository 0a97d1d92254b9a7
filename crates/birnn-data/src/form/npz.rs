//! `x_train`, `y_train`, `x_test` and `y_test` as arrays of bytes in a zip archive, as `numpy.savez` writes
//! them.
//!
//! The header of an array is a line of Python, of which one spelling is read: NumPy's own.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::{Read, Seek};

use super::contents::{Contents, MOST, begun};
use super::zipped;
use crate::file_error::FileProblem;

/// Each with how many dimensions it has.
const ARRAYS: [(&str, usize); 4] =
    [("x_train.npy", 3), ("y_train.npy", 1), ("x_test.npy", 3), ("y_test.npy", 1)];
const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy fills its own up to 128 bytes.
const LONGEST_HEADER: usize = 1024;

pub(super) fn read(source: impl Read + Seek) -> Result<Contents, FileProblem> {
    let mut archive = zipped::open(source)?;
    let mut room = MOST;
    let mut contents = Contents::default();
    for ((name, rank), content) in ARRAYS.into_iter().zip(&mut contents) {
        *content = zipped::entry(&mut archive, name, MOST, |entry| array(entry, rank, &mut room))?;
    }
    Ok(contents)
}

/// An array of `rank` dimensions, as an IDX file.
fn array(source: &mut dyn Read, rank: usize, room: &mut u64) -> Result<Vec<u8>, FileProblem> {
    let start = exactly(source, MAGIC.len() + 2)?;
    let length = match start.strip_prefix(MAGIC) {
        Some([1, 0]) => exactly(source, 2)?.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte)),
        Some([2 | 3, 0]) => {
            exactly(source, 4)?.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
        }
        _ => return Err(FileProblem::Npy("it does not start as one")),
    };
    if length > LONGEST_HEADER {
        return Err(FileProblem::Npy("its header is longer than any"));
    }
    let dimensions = dimensions(&exactly(source, length)?).filter(|dimensions| dimensions.len() == rank);
    let dimensions = dimensions.ok_or(FileProblem::Npy("its header tells of another kind of array"))?;
    let mut content = begun(&dimensions, room)?;
    let (header, count) = (content.len(), dimensions.iter().product::<usize>());
    source.take(count as u64).read_to_end(&mut content)?;
    match content.len() - header == count && source.read(&mut [0])? == 0 {
        true => Ok(content),
        false => Err(FileProblem::Npy("it has more or fewer bytes than its header tells")),
    }
}

/// The sizes that the header of an array of bytes, in C's order, tells.
fn dimensions(header: &[u8]) -> Option<Vec<usize>> {
    let text: String =
        header.iter().map(|&byte| char::from(byte)).filter(|c| !c.is_ascii_whitespace()).collect();
    let sizes = text.strip_prefix("{'descr':'|u1','fortran_order':False,'shape':(")?;
    let sizes = sizes.strip_suffix("),}").or_else(|| sizes.strip_suffix(")}"))?;
    let sizes = sizes.strip_suffix(',').unwrap_or(sizes);
    sizes.split(',').map(|size| size.parse().ok()).collect()
}

fn exactly(source: &mut dyn Read, count: usize) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::new();
    source.take(count as u64).read_to_end(&mut bytes)?;
    match bytes.len() == count {
        true => Ok(bytes),
        false => Err(FileProblem::Npy("it ends within its header")),
    }
}
