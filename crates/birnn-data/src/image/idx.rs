//! IDX files, the format of MNIST: a magic number, big-endian 32-bit dimensions, then one byte per value;
//! gzipped or not. <https://yann.lecun.com/exdb/mnist/>
//!
//! A header is believed only as far as the file can hold what it promises: no more memory than that is
//! touched.

use std::io::{Cursor, Read, Seek};
use std::path::Path;

use crate::content::{Digests, Hashed, LARGEST, open, through};
use crate::file_error::{FileError, FileProblem};
use crate::image::images::Images;

/// Reads the images of an IDX file, gzipped or not.
pub fn read_images(path: &Path) -> Result<Images, FileError> {
    images(path).map(|(images, _)| images)
}

/// Reads the labels of an IDX file, gzipped or not.
pub fn read_labels(path: &Path) -> Result<Vec<u8>, FileError> {
    labels(path).map(|(labels, _)| labels)
}

/// The images of an IDX file in memory, gzipped or not.
pub fn parse_images(bytes: &[u8]) -> Result<Images, FileProblem> {
    let ([_, rows, cols], pixels, _) = read(Cursor::new(bytes), bytes.len() as u64, "images")?;
    Ok(Images { rows, cols, pixels })
}

/// The labels of an IDX file in memory, gzipped or not.
pub fn parse_labels(bytes: &[u8]) -> Result<Vec<u8>, FileProblem> {
    let ([_], labels, _) = read(Cursor::new(bytes), bytes.len() as u64, "labels")?;
    Ok(labels)
}

pub(crate) fn images(path: &Path) -> Result<(Images, Digests), FileError> {
    let ([_, rows, cols], pixels, digests) = open(path, |file, size| read(file, size, "images"))?;
    Ok((Images { rows, cols, pixels }, digests))
}

pub(crate) fn labels(path: &Path) -> Result<(Vec<u8>, Digests), FileError> {
    let ([_], labels, digests) = open(path, |file, size| read(file, size, "labels"))?;
    Ok((labels, digests))
}

type Values<const RANK: usize> = ([usize; RANK], Vec<u8>, Digests);

fn read<const RANK: usize>(
    source: impl Read + Seek,
    size: u64,
    wanted: &'static str,
) -> Result<Values<RANK>, FileProblem> {
    let decode = |content: &mut dyn Read, most| {
        let (dimensions, values, digest) = decode(content, most, wanted)?;
        Ok(((dimensions, values), digest))
    };
    let ((dimensions, values), digests) = through(source, size, decode)?;
    Ok((dimensions, values, digests))
}

/// Decodes one IDX file of at most `most` bytes that nothing may follow; the last is the digest of all of it.
fn decode<const RANK: usize>(
    source: impl Read,
    most: u64,
    wanted: &'static str,
) -> Result<([usize; RANK], Vec<u8>, String), FileProblem> {
    let mut source = Hashed::new(source);
    let header = 4 + 4 * RANK as u64;
    let mut words = Vec::with_capacity(header as usize);
    source.by_ref().take(header).read_to_end(&mut words)?;
    let word = |index: usize| {
        let bytes = words.get(4 * index..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let truncated = FileProblem::Truncated { expected: header, found: words.len() as u64 };
    // 0x08 says unsigned bytes, the last byte how many dimensions follow.
    let expected = 0x0000_0800 | RANK as u32;
    let Some(found) = word(0) else {
        return Err(truncated);
    };
    if found != expected {
        return Err(FileProblem::Magic { wanted, expected, found });
    }
    let mut sizes = [0_u32; RANK];
    for (index, size) in sizes.iter_mut().enumerate() {
        let Some(found) = word(index + 1) else {
            return Err(truncated);
        };
        *size = found;
    }
    let promised = || sizes.map(|size| size.to_string()).join(" x ") + " values";
    let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(u64::from(size)));
    let too_large = |reason: String| FileProblem::TooLarge { promised: promised(), reason };
    let count =
        count.filter(|&count| count <= LARGEST).ok_or_else(|| too_large(format!("{LARGEST} bytes")))?;
    if count == 0 {
        return Err(FileProblem::Empty(promised()));
    }
    if count + header > most {
        return Err(too_large(format!("the {most} bytes that the file can hold at most")));
    }

    let mut values = Vec::new();
    let memory = |_| too_large("there is memory for".to_owned());
    values.try_reserve_exact(count as usize).map_err(memory)?;
    source.by_ref().take(count).read_to_end(&mut values)?;
    if (values.len() as u64) < count {
        return Err(FileProblem::Truncated { expected: header + count, found: header + values.len() as u64 });
    }
    // Reading on to the end also checks gzip's own checksum, which comes last.
    if source.read(&mut [0])? != 0 {
        return Err(FileProblem::Trailing { expected: header + count });
    }
    Ok((sizes.map(|size| size as usize), values, source.finish()))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// An IDX file of bytes with these dimensions and values, fit together or not.
    pub(crate) fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn from_bytes(bytes: &[u8]) -> Result<(Images, Digests), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        std::fs::write(&path, bytes).unwrap();
        images(&path).map_err(|error| {
            let error = error.to_string();
            let prefix = format!("{}: ", path.display());
            error
                .strip_prefix(&prefix)
                .unwrap_or_else(|| panic!("does not name the file: {error}"))
                .to_owned()
        })
    }

    /// Plain and gzipped, `bytes` must be refused with an error that holds `part`.
    #[track_caller]
    fn refused(bytes: &[u8], part: &str) {
        for bytes in [bytes, &gzip(bytes)] {
            let error = from_bytes(bytes).unwrap_err();
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
    }

    #[test]
    fn images_are_read_plain_and_gzipped() {
        let plain = idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let (images, digests) = from_bytes(&plain).unwrap();
        assert_eq!(images, Images { rows: 1, cols: 3, pixels: vec![1, 2, 3, 4, 5, 6] });
        assert_eq!(digests.file, digests.content);
        let (again, zipped) = from_bytes(&gzip(&plain)).unwrap();
        assert_eq!((again, zipped.content), (images.clone(), digests.content));
        assert_ne!(zipped.file, digests.file);
        let members = [gzip(&plain[..9]), gzip(&plain[9..])].concat();
        assert_eq!(from_bytes(&members).unwrap().0, images);
    }

    /// `printf '\0\0\x08\x01\0\0\0\1\7' | sha256sum`
    #[test]
    fn digests_are_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        std::fs::write(&path, idx(&[1], &[7])).unwrap();
        let (labels, digests) = labels(&path).unwrap();
        assert_eq!(labels, [7]);
        assert_eq!(digests.content, "c564aa0aa783b8862ae6128a973a6f6b213b9428d39b5c8acfbda3c630d40f1e");
    }

    #[test]
    fn what_is_no_idx_file_of_images_is_refused() {
        refused(b"", "ends after 0 of the 16 bytes");
        refused(b"\0\0\x08", "ends after 3 of the 16 bytes");
        refused(&idx(&[2, 3, 4], &[])[..15], "ends after 15 of the 16 bytes");
        refused(
            &idx(&[2], &[1, 2]),
            "not an IDX file of images: it starts with 0x00000801 (unsigned bytes in 1 dimension), expected \
             0x00000803 (unsigned bytes in 3 dimensions)",
        );
        refused(b"<html>not found</html>", "it starts with 0x3c68746d, expected");
        refused(
            &[0, 0, 0x0d, 3, 0, 0, 0, 1],
            "it starts with 0x00000d03 (32-bit floats in 3 dimensions), expected",
        );
    }

    #[test]
    fn headers_are_held_against_the_file() {
        refused(&idx(&[2, 2, 2], &[0; 7]), "23");
        refused(&idx(&[2, 2, 2], &[0; 9]), "goes on after the 24 bytes");
        refused(&idx(&[0, 28, 28], &[]), "its header promises 0 x 28 x 28 values, which is nothing");
        refused(&idx(&[2, 28, 0], &[]), "2 x 28 x 0 values");
        refused(&idx(&[u32::MAX; 3], &[0; 8]), "more than 4294967296 bytes");
        refused(&idx(&[u32::MAX, 2, 1], &[0; 8]), "4294967295 x 2 x 1 values, more than");
        refused(&idx(&[1 << 20, 28, 28], &[0; 8]), "that the file can hold at most");
    }

    #[test]
    fn damaged_compression_is_told_apart() {
        let whole = gzip(&idx(&[4, 8, 8], &[9; 256]));
        for length in [3, 12, whole.len() / 2, whole.len() - 1] {
            let error = from_bytes(&whole[..length]).unwrap_err();
            assert!(error.contains("gzip") || error.contains("ends after"), "{length}: {error}");
        }
        let mut wrong_sum = whole.clone();
        let end = wrong_sum.len();
        wrong_sum[end - 6] ^= 1;
        assert!(from_bytes(&wrong_sum).unwrap_err().contains("its gzip compression is damaged"));
        let trailing = [whole.as_slice(), b"more"].concat();
        assert!(from_bytes(&trailing).unwrap_err().contains("its gzip compression is damaged"));
    }

    #[test]
    fn a_bomb_is_put_down_unread() {
        // 64 MiB of zeros behind a header that promises one image.
        let bomb = gzip(&idx(&[1, 28, 28], &vec![0; 64 << 20]));
        assert!(bomb.len() < 1 << 20);
        assert!(from_bytes(&bomb).unwrap_err().contains("goes on after the 800 bytes"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in 1_u32..5, rows in 1_u32..5, cols in 1_u32..5, ink in any::<u8>()) {
            let count = n * rows * cols;
            let values: Vec<u8> = (0..count).map(|index| ink.wrapping_add(index as u8)).collect();
            for bytes in [idx(&[n, rows, cols], &values), gzip(&idx(&[n, rows, cols], &values))] {
                let (images, _) = from_bytes(&bytes).unwrap();
                let expected = [n, rows, cols].map(|size| size as usize);
                prop_assert_eq!([images.len(), images.rows, images.cols], expected);
                prop_assert_eq!(&images.pixels, &values);
            }
        }

        #[test]
        fn any_bytes_end_in_images_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_bytes(&bytes);
            let _ = from_bytes(&[&[0, 0, 8, 3], bytes.as_slice()].concat());
            let _ = from_bytes(&[&[0x1f, 0x8b, 8, 0], bytes.as_slice()].concat());
        }

        #[test]
        fn a_changed_length_is_noticed(cut in 1_usize..24, extra in 1_usize..24) {
            let whole = idx(&[2, 2, 2], &[5; 8]);
            prop_assert!(from_bytes(&whole[..whole.len() - cut]).is_err());
            prop_assert!(from_bytes(&[whole.as_slice(), &vec![0; extra]].concat()).is_err());
        }

        #[test]
        fn a_changed_byte_changes_the_digest(index in 0_usize..24, bit in 0_u32..8) {
            let whole = idx(&[2, 2, 2], &[5; 8]);
            let mut other = whole.clone();
            other[index] ^= 1 << bit;
            if let Ok((_, digests)) = from_bytes(&other) {
                prop_assert_ne!(digests, from_bytes(&whole).unwrap().1);
            }
        }
    }
}
