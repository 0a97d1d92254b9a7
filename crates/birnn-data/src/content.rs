//! The content of files, gzipped or not, with its digests.
//!
//! Compressed content is believed to be no longer than DEFLATE can have made it.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Error, ErrorKind, Read, Seek};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::file_error::{FileError, FileProblem};

/// Bytes that are read of a text or of arrays, and of whatever is gzipped, decompressed: far above any data
/// set that fits this program. A Parquet file can be longer: of its columns those are read that are asked
/// for.
pub(crate) const LARGEST: u64 = 4 << 30;
/// The most that DEFLATE can shrink anything (zlib's technical notes).
pub(crate) const LARGEST_RATIO: u64 = 1032;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// SHA-256 of a file, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    /// Of what it holds, decompressed.
    pub(crate) content: String,
    /// Of its own bytes.
    pub(crate) file: String,
}

/// The digests of a file of any content, gzipped or not, without holding it.
pub(crate) fn digests(path: &Path) -> Result<Digests, FileError> {
    open(path, |file, size| digests_of(file, size, LARGEST))
}

/// Those of a source of `size` bytes, which holds at most so many if it is gzipped.
fn digests_of(source: impl Read + Seek, size: u64, most: u64) -> Result<Digests, FileProblem> {
    let ((), digests) = through(source, size, |content, longest| {
        // What is not compressed is as long as its file.
        let most = if longest == size { u64::MAX } else { most };
        let mut content = Hashed::new(content.take(most.saturating_add(1)));
        match io::copy(&mut content, &mut io::sink())? {
            count if count > most => Err(FileProblem::TooMuch { most }),
            _ => Ok(((), content.finish())),
        }
    })?;
    Ok(digests)
}

/// Opens a file to read it. What is none is an error: a pipe would wait for somebody to write.
pub fn open_file(path: &Path) -> io::Result<File> {
    let about = path.metadata()?;
    match about.is_file() {
        true => File::open(path),
        false if about.is_dir() => {
            Err(Error::new(ErrorKind::IsADirectory, "is a folder, and a file is wanted"))
        }
        false if about.file_type().is_fifo() => Err(Error::new(
            ErrorKind::InvalidInput,
            "is a pipe, and a file is wanted; commands that ask a net read standard input as `-`",
        )),
        false => Err(Error::new(ErrorKind::InvalidInput, "is not a file")),
    }
}

/// Gives `read` a file and its size; an error names the file.
pub(crate) fn open<T>(
    path: &Path,
    read: impl FnOnce(File, u64) -> Result<T, FileProblem>,
) -> Result<T, FileError> {
    let attempt = || {
        let file = open_file(path)?;
        let size = file.metadata()?.len();
        read(file, size)
    };
    attempt().map_err(|problem| problem.at(path))
}

/// Gives `consume` the content of a source of `size` bytes, with the most bytes that it can have, and takes
/// its digest back.
pub(crate) fn through<T>(
    mut source: impl Read + Seek,
    size: u64,
    consume: impl FnOnce(&mut dyn Read, u64) -> Result<(T, String), FileProblem>,
) -> Result<(T, Digests), FileProblem> {
    let mut start = [0; 2];
    let compressed = size >= 2 && source.read_exact(&mut start).is_ok() && start == GZIP_MAGIC;
    source.rewind()?;
    let mut source = BufReader::with_capacity(1 << 16, source);
    if !compressed {
        let (value, content) = consume(&mut source, size)?;
        return Ok((value, Digests { file: content.clone(), content }));
    }
    let mut source = Hashed::new(source);
    let most = size.saturating_mul(LARGEST_RATIO);
    let mut unzip = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, &mut source));
    let (value, content) = consume(&mut unzip, most).map_err(of_gzip)?;
    Ok((value, Digests { content, file: source.finish() }))
}

/// Gives `read` what `source` holds, decompressed if it is gzipped. It need not be one that can go back.
pub(crate) fn plain<T>(
    source: impl Read,
    read: impl FnOnce(&mut dyn Read) -> Result<T, FileProblem>,
) -> Result<T, FileProblem> {
    let (mut content, compressed) = unzipped(source)?;
    read(&mut content).map_err(|problem| if compressed { of_gzip(problem) } else { problem })
}

/// All of `content`, which is not to be more than `most` bytes.
pub(crate) fn whole(content: &mut dyn Read, most: u64) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::new();
    content.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(FileProblem::TooMuch { most });
    }
    Ok(bytes)
}

/// What `source` holds, decompressed if it is gzipped, and whether it is. It need not be one that can go
/// back.
pub(crate) fn unzipped<'a>(source: impl Read + 'a) -> io::Result<(Box<dyn Read + 'a>, bool)> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let mut start = Vec::new();
    source.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    let compressed = start == GZIP_MAGIC;
    let source = Cursor::new(start).chain(source);
    Ok(match compressed {
        false => (Box::new(source), false),
        true => (Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))), true),
    })
}

/// What is wrong with content that was being decompressed.
pub(crate) fn of_gzip(problem: FileProblem) -> FileProblem {
    match problem {
        FileProblem::Io(error) => FileProblem::Gzip(error),
        other => other,
    }
}

/// Bytes as digests are written, two lower-case digits each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of these bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Hashes what is read through it.
pub(crate) struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashed<R> {
    pub(crate) fn new(inner: R) -> Self {
        Hashed { inner, hash: Sha256::new() }
    }

    pub(crate) fn finish(self) -> String {
        hexadecimal(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn digests_are_of_all_of_a_file() {
        let plain = vec![7; 1000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap();
        let digests = |bytes: &[u8], most: u64| digests_of(Cursor::new(bytes), bytes.len() as u64, most);
        let content = sha256(&plain);
        for most in [10, 1000] {
            let expected = Digests { content: content.clone(), file: content.clone() };
            assert_eq!(digests(&plain, most).unwrap(), expected, "{most}");
        }
        assert_eq!(digests(&gzip, 1000).unwrap(), Digests { content, file: sha256(&gzip) });
        let error = digests(&gzip, 999).unwrap_err();
        assert!(matches!(error, FileProblem::TooMuch { most: 999 }), "{error}");
    }

    #[test]
    fn no_more_is_taken_than_is_allowed() {
        assert_eq!(whole(&mut [7; 9].as_slice(), 9).unwrap(), [7; 9]);
        let error = whole(&mut io::repeat(7), 9).unwrap_err();
        assert!(matches!(error, FileProblem::TooMuch { most: 9 }), "{error}");
    }
}
