//! Single files that hold all of a data set of MNIST's kind: images and labels to train on and to test with.
//!
//! They come as the published IDX files would be, so that the same digests tell whether they are the
//! published ones, and whatever follows knows IDX alone. Nothing is believed further than the bytes that
//! there are, and nothing is run.

mod contents;
mod npz;
mod pickle;
mod value;
pub(crate) mod zipped;

use std::io::{BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

pub use self::contents::Contents;
use self::contents::MOST;
use crate::content::GZIP_MAGIC;
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

/// Gives `read` what `source` holds, decompressed if it is gzipped.
pub(crate) fn plain<T>(
    source: impl Read,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let mut start = Vec::new();
    source.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    let compressed = start == GZIP_MAGIC;
    let source = Cursor::new(start).chain(source);
    if !compressed {
        return read(&mut { source });
    }
    read(&mut MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))).map_err(|problem| match problem
    {
        FileProblem::Io(error) => FileProblem::Gzip(error),
        other => other,
    })
}

#[cfg(test)]
pub(crate) mod tests;
