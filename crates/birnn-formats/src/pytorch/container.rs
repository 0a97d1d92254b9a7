//! The two ways in which `torch.save` puts a pickle and the numbers of its tensors into one file.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use super::arena::{Storage, Value};
use super::pickle::{self, Pickle};
use crate::ALONE;
use crate::error::short_name;

/// Where the numbers are.
pub(super) enum Container<R> {
    /// In entries `<folder>/data/<key>`.
    Zip { archive: ZipArchive<R>, folder: String },
    /// One after the other behind the pickle, each behind its own count.
    Legacy { source: R, ranges: HashMap<String, Range<u64>> },
}

/// Opens a zip archive, and thus a file of PyTorch 1.6 or later.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// Opens a legacy file, as a pickle of protocol 2: the number 0x1950a86a20f9469cfc6c.
pub(super) const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The version that has followed it ever since.
const LEGACY_VERSION: Value = Value::Int(1001);
/// A state dict has one entry for each tensor, and a few more.
const MOST_ENTRIES: usize = 100_000;

impl<R: Read + Seek> Container<R> {
    /// Reads the pickle of a file that opens with [`ZIP`].
    pub(super) fn open_zip(source: R) -> Result<(Pickle, Container<R>), String> {
        let mut archive = ZipArchive::new(source).map_err(broken)?;
        if archive.len() > MOST_ENTRIES {
            return Err(format!("{} entries are more than any state dict has", archive.len()));
        }
        let folder = folder_of(&mut archive)?;
        let order = format!("{folder}/byteorder");
        if archive.index_for_name(&order).is_some() && entry(&mut archive, &order, 16)? != b"little" {
            return Err(
                "it was saved on a big-endian machine; load and save it in Python on another one".to_owned()
            );
        }
        let (name, longest) = (format!("{folder}/data.pkl"), pickle::LONGEST as u64);
        if archive.by_name(&name).is_ok_and(|pickled| pickled.size() > longest) {
            return Err(format!(
                "its entry `{}` has more than {longest} bytes, and so more than weights in it. {ALONE}",
                short_name(&name)
            ));
        }
        let pickled = entry(&mut archive, &name, longest)?;
        Ok((pickle::read(&pickled)?, Container::Zip { archive, folder }))
    }

    /// Reads the pickle of a file of `length` bytes that opens with [`LEGACY`].
    pub(super) fn open_legacy(mut source: R, length: u64) -> Result<(Pickle, Container<R>), String> {
        // The number, the version, what machine it was, the object, the keys of its storages.
        let mut head = Vec::new();
        source
            .by_ref()
            .take(pickle::LONGEST as u64)
            .read_to_end(&mut head)
            .map_err(|error| error.to_string())?;
        let mut at = 0;
        let is_cut = length > pickle::LONGEST as u64;
        let mut next = || {
            let pickle = pickle::read(&head[at..]).map_err(|problem| match is_cut {
                true => format!(
                    "{problem}, or has more than weights in it, as it is looked for within {} bytes. {ALONE}",
                    head.len()
                ),
                false => problem,
            })?;
            at += pickle.length;
            Ok::<_, String>(pickle)
        };
        next()?;
        if next()?.root != LEGACY_VERSION {
            return Err("a legacy format of PyTorch, of a version that is not known".to_owned());
        }
        next()?;
        let (state, keys) = (next()?, next()?);
        let mut at = at as u64;
        let mut ranges = HashMap::new();
        for &key in keys.arena.sequence(keys.root).unwrap_or_default() {
            let storage = keys.arena.text(key).and_then(|key| state.arena.storage_of(key));
            let storage = storage.ok_or("it lists a storage that nothing uses")?;
            let number =
                storage.class.number.ok_or_else(|| format!("{} is not known", storage.class.name))?;
            let count = read_at(&mut source, at, 8).ok().and_then(|bytes| bytes.first_chunk().copied());
            let count = count.map(u64::from_le_bytes);
            let end = count.and_then(|count| count.checked_mul(number.size() as u64)?.checked_add(at + 8));
            let end = end.filter(|&end| end <= length).ok_or("it ends within its numbers")?;
            ranges.insert(storage.key.clone(), at + 8..end);
            at = end;
        }
        Ok((state, Container::Legacy { source, ranges }))
    }

    /// The bytes of a storage, whose numbers are of `size` bytes.
    pub(super) fn bytes_of(&mut self, storage: &Storage, size: usize) -> Result<Vec<u8>, String> {
        let key = short_name(&storage.key);
        let differ = |found| format!("storage {key} has {found} bytes, and {} numbers in it", storage.count);
        let expected = (storage.count as u64).checked_mul(size as u64);
        match self {
            Container::Zip { archive, folder } => {
                let content = entry(archive, &format!("{folder}/data/{}", storage.key), u64::MAX)?;
                let fits = expected == Some(content.len() as u64);
                if fits { Ok(content) } else { Err(differ(content.len() as u64)) }
            }
            Container::Legacy { source, ranges } => {
                let range = ranges.get(&storage.key).ok_or_else(|| format!("storage {key} is not in it"))?;
                let length = range.end - range.start;
                if expected != Some(length) {
                    return Err(differ(length));
                }
                read_at(source, range.start, length).map_err(|error| format!("storage {key}: {error}"))
            }
        }
    }
}

/// The folder of an archive, once its entries are such that they can be read one by one.
fn folder_of<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<String, String> {
    let mut folders = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?;
        let shown = short_name(&name);
        if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("its entry `{shown}` points out of it"));
        }
        if name.split('/').nth(1) == Some("code") {
            return Err("it is a TorchScript archive; in Python, save `model.state_dict()`".to_owned());
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
    match folders.as_slice() {
        [folder] => Ok(folder.clone()),
        _ => Err("a zip archive that torch.save did not write: it has no `data.pkl`".to_owned()),
    }
}

/// The content of an entry of at most `longest` bytes; its checksum is verified, where it was saved with one.
fn entry<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, longest: u64) -> Result<Vec<u8>, String> {
    let problem = |problem: String| format!("its entry `{}`: {problem}", short_name(name));
    let index = archive.index_for_name(name).ok_or_else(|| problem("is not in it".to_owned()))?;
    let raw = archive.by_index_raw(index).map_err(|error| problem(error.to_string()))?;
    let (size, unchecked) = (raw.size(), raw.crc32() == 0);
    if size > longest {
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

fn read_at(source: &mut (impl Read + Seek), offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn broken(error: impl ToString) -> String {
    format!("a zip archive that is damaged or cut short: {}", error.to_string())
}
