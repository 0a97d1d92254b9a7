//! Single files that hold all of a data set of MNIST's kind: images and labels to train on and to test with.
//!
//! They come as the published IDX files would be, so that the same digests tell whether they are the
//! published ones, and whatever follows knows IDX alone. Nothing is believed further than the bytes that
//! there are, and nothing is run.

mod contents;
pub(crate) mod npy;
mod npz;
mod pickle;
mod value;
pub(crate) mod zipped;

use std::io::{Cursor, Read};

pub use self::contents::Contents;
use self::contents::MOST;
use crate::content::plain;
use crate::file_error::FileProblem;

/// The kinds of such files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `mnist.pkl.gz` of deeplearning.net, gzipped or not: three pairs of NumPy arrays, pickled by Python 2.
    Pickle,
    /// Keras's `mnist.npz`: a zip archive of four NumPy arrays.
    Npz,
}

/// The contents of a file in memory.
///
/// # Errors
///
/// Where it is none of this form, or is damaged, cut short, or larger than any such file.
pub fn parse(bytes: &[u8], form: Form) -> Result<Contents, FileProblem> {
    form.read(bytes)
}

impl Form {
    /// The contents of the file that `source` reads.
    pub(crate) fn read(self, source: impl Read) -> Result<Contents, FileProblem> {
        match self {
            Form::Pickle => plain(source, pickle::read),
            Form::Npz => {
                let mut bytes = Vec::new();
                source.take(MOST + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > MOST {
                    return Err(FileProblem::TooMuch { most: MOST });
                }
                npz::read(Cursor::new(bytes))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
