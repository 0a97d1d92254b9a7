//! `x_train`, `y_train`, `x_test` and `y_test` as arrays of bytes in a zip archive, as `numpy.savez` writes
//! them.

use std::io::{Read, Seek};

use super::contents::{Contents, MOST, begun};
use super::npy::{Header, OTHER_LENGTH};
use super::zipped;
use crate::file_error::FileProblem;

/// Each with how many dimensions it has.
const ARRAYS: [(&str, usize); 4] =
    [("x_train.npy", 3), ("y_train.npy", 1), ("x_test.npy", 3), ("y_test.npy", 1)];

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
    let header = Header::read(source)?;
    if !header.is_bytes(rank) {
        return Err(FileProblem::Npy("its header tells of another kind of array"));
    }
    let mut content = begun(&header.shape, room)?;
    let (start, count) = (content.len(), header.shape.iter().product::<usize>());
    source.take(count as u64).read_to_end(&mut content)?;
    match content.len() - start == count && source.read(&mut [0])? == 0 {
        true => Ok(content),
        false => Err(OTHER_LENGTH),
    }
}
