//! Entries of zip archives, among them Python's wheels.
//!
//! The crate for zip archives is here without any decoder, as it is for weights, which are never to be
//! decompressed: features of a crate are the same for all that use it. So the entry's bytes are taken as they
//! are, and decompressed here.

use std::io::{BufReader, Read, Seek};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::file_error::FileProblem;

/// More entries than any archive with a data set has.
const MOST_ENTRIES: usize = 10_000;

/// Opens an archive.
pub(crate) fn open<R: Read + Seek>(source: R) -> Result<ZipArchive<R>, FileProblem> {
    let archive = ZipArchive::new(source).map_err(|error| FileProblem::Zip(error.to_string()))?;
    match archive.len() <= MOST_ENTRIES {
        true => Ok(archive),
        false => Err(FileProblem::Zip(format!("{} entries", archive.len()))),
    }
}

/// Gives `read` the content of the entry `name`, of at most `longest` bytes. All of it must be read, and must
/// be what the archive says of it.
pub(crate) fn entry<R: Read + Seek, T>(
    archive: &mut ZipArchive<R>,
    name: &str,
    longest: u64,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let index = archive.index_for_name(name).ok_or_else(|| FileProblem::NoEntry(name.to_owned()))?;
    let attempt = || {
        let raw = archive.by_index_raw(index).map_err(|error| FileProblem::Zip(error.to_string()))?;
        let (size, sum, method) = (raw.size(), raw.crc32(), raw.compression());
        if raw.encrypted() || ![CompressionMethod::Stored, CompressionMethod::DEFLATE].contains(&method) {
            return Err(FileProblem::Unpacked(format!(
                "packed as {method:?} or encrypted, which cannot be read"
            )));
        }
        if size > longest {
            return Err(FileProblem::TooMuch { most: longest });
        }
        let raw = BufReader::with_capacity(1 << 16, raw);
        let mut content: Box<dyn Read + '_> = match method {
            CompressionMethod::Stored => Box::new(raw),
            _ => Box::new(DeflateDecoder::new(raw)),
        };
        // One more than it may have would show that it has.
        let mut checked = Checked { inner: content.by_ref().take(size + 1), crc: Crc::new() };
        let value = read(&mut checked)?;
        std::io::copy(&mut checked, &mut std::io::sink())?;
        // No mutation would get past the checksum.
        let sums = cfg!(fuzzing) || checked.crc.sum() == sum;
        match sums && u64::from(checked.crc.amount()) == size {
            true => Ok(value),
            false => Err(FileProblem::Unpacked("other content than its archive says it has".to_owned())),
        }
    };
    attempt().map_err(|problem| FileProblem::Entry { entry: name.to_owned(), problem: Box::new(problem) })
}

/// Sums up what is read through it.
struct Checked<R> {
    inner: R,
    crc: Crc,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
