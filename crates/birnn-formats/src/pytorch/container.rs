//! The two ways in which `torch.save` puts a pickle and the numbers of its tensors into one file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use super::arena::{Storage, Value};
use super::pickle::{self, Pickle};
use super::size_of;

/// Where the numbers are.
pub(super) enum Container<'a> {
    /// In entries `<folder>/data/<key>`.
    Zip { archive: Archive<'a>, folder: String },
    /// One after the other behind the pickle, each behind its own count.
    Legacy { bytes: &'a [u8], places: HashMap<String, Range<usize>> },
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A state dict has one entry for each tensor, and a few more.
const MOST_ENTRIES: usize = 100_000;
/// Opens a legacy file, as a pickle of protocol 2: the number 0x1950a86a20f9469cfc6c.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The version that has followed it ever since.
const LEGACY_VERSION: Value = Value::Int(1001);

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(LEGACY)
}

impl<'a> Container<'a> {
    /// Reads the pickle of a file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Pickle, Container<'a>), String> {
        if is_zip(bytes) { open_zip(bytes) } else { open_legacy(bytes) }
    }

    /// The bytes of a storage, whose numbers are of `size` bytes.
    pub(super) fn bytes_of(&mut self, storage: &Storage, size: usize) -> Result<Cow<'a, [u8]>, String> {
        let expected = storage.count.checked_mul(size);
        let key = storage.key.escape_debug();
        let found = match self {
            Container::Zip { archive, folder } => {
                Cow::Owned(entry(archive, &format!("{folder}/data/{}", storage.key), usize::MAX)?)
            }
            Container::Legacy { bytes, places } => {
                let place = places.get(&storage.key).ok_or_else(|| format!("storage {key} is not in it"))?;
                Cow::Borrowed(&bytes[place.clone()])
            }
        };
        match expected {
            Some(expected) if expected == found.len() => Ok(found),
            _ => Err(format!("storage {key} has {} bytes, and {} numbers in it", found.len(), storage.count)),
        }
    }
}

fn open_zip(bytes: &[u8]) -> Result<(Pickle, Container<'_>), String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > MOST_ENTRIES {
        return Err(format!("{} entries are more than any state dict has", archive.len()));
    }
    let mut folders = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?;
        let shown = name.escape_debug();
        if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("its entry `{shown}` points out of it"));
        }
        // Nothing has to be unpacked, so that there is no more in a file than its length.
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(format!(
                "its entry `{shown}` is compressed or encrypted, which torch.save never does"
            ));
        }
        if entry.size() != entry.compressed_size() {
            return Err(format!("its entry `{shown}` has two sizes"));
        }
        folders
            .extend(name.strip_suffix("/data.pkl").filter(|folder| !folder.contains('/')).map(str::to_owned));
    }
    if archive.has_overlapping_entries().map_err(broken)? {
        return Err("its entries overlap".to_owned());
    }
    let folder = match folders.as_slice() {
        [folder] => folder.clone(),
        _ => return Err("a zip archive that torch.save did not write: it has no `data.pkl`".to_owned()),
    };
    let order = format!("{folder}/byteorder");
    if archive.index_for_name(&order).is_some() && entry(&mut archive, &order, 16)? != b"little" {
        return Err(
            "it was saved on a big-endian machine; load and save it in Python on another one".to_owned()
        );
    }
    let pickled = entry(&mut archive, &format!("{folder}/data.pkl"), pickle::LONGEST)?;
    Ok((pickle::read(&pickled)?, Container::Zip { archive, folder }))
}

/// The content of an entry of at most `longest` bytes; its checksum is verified, where it was saved with one.
fn entry(archive: &mut Archive, name: &str, longest: usize) -> Result<Vec<u8>, String> {
    let problem = |problem: String| format!("its entry `{}`: {problem}", name.escape_debug());
    let index = archive.index_for_name(name).ok_or_else(|| problem("is not in it".to_owned()))?;
    let raw = archive.by_index_raw(index).map_err(|error| problem(error.to_string()))?;
    let (size, unchecked) = (raw.size(), raw.crc32() == 0);
    if size > longest as u64 {
        return Err(problem(format!("{size} bytes, and at most {longest} can be")));
    }
    let mut content = Vec::new();
    let read = match unchecked {
        true => { raw }.read_to_end(&mut content),
        false => {
            drop(raw);
            archive.by_index(index).map_err(|error| problem(error.to_string()))?.read_to_end(&mut content)
        }
    };
    read.map_err(|error| problem(error.to_string()))?;
    Ok(content)
}

fn broken(error: impl ToString) -> String {
    format!("a zip archive that is damaged or cut short: {}", error.to_string())
}

fn open_legacy(bytes: &[u8]) -> Result<(Pickle, Container<'_>), String> {
    let mut at = 0;
    let mut next = || {
        let pickle = pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok::<_, String>((pickle, at))
    };
    next()?;
    if next()?.0.root != LEGACY_VERSION {
        return Err("a legacy format of PyTorch, of a version that is not known".to_owned());
    }
    next()?;
    let state = next()?.0;
    let (keys, mut at) = next()?;
    let keys = keys.arena.sequence(keys.root).unwrap_or_default().iter().map(|&key| keys.arena.text(key));
    let mut places = HashMap::new();
    for key in keys {
        let storage = key.and_then(|key| state.arena.storage_of(key));
        let storage = storage.ok_or("it lists a storage that nothing uses")?;
        let size = size_of(&storage.class).ok_or_else(|| format!("{} is not known", storage.class))?;
        let count =
            bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|count| u64::from_le_bytes(*count));
        let end = count.and_then(|count| usize::try_from(count).ok()?.checked_mul(size)?.checked_add(at + 8));
        let end = end.filter(|&end| end <= bytes.len()).ok_or("it ends within its numbers")?;
        places.insert(storage.key.clone(), at + 8..end);
        at = end;
    }
    Ok((state, Container::Legacy { bytes, places }))
}
