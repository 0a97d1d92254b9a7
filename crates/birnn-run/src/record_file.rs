//! A file that grows while a run goes on, such as its metrics. A checkpoint does not hold what is in it, or
//! what a run writes would grow with the square of its length, but how long it was, and a digest: when the
//! run goes on, what the file has beyond that is cut off, and it grows on from there.
//!
//! It is flushed before each checkpoint. So what a checkpoint knows of it outlives a power cut, as long as
//! writing to the end of a file leaves alone what was flushed of it before. (SQLite, whose journals rest on
//! the same, calls that powersafe overwrite: <https://sqlite.org/psow.html>.)

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birnn_data::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::disk::{Disk, Folder, set_aside};
use crate::error::FileError;

/// A file of a run that only grows.
#[derive(Clone, Debug)]
pub struct RecordFile(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// What was added in full, in bytes.
    length: u64,
    /// Of that.
    hash: Sha256,
    /// What of it is flushed.
    flushed: u64,
    /// Whether something may follow that was added in part.
    is_torn: bool,
    /// What went wrong since the last mark.
    failed: Option<io::Error>,
}

/// How far a file had grown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its length.
    pub bytes: u64,
    /// Of so many bytes, in hexadecimal.
    pub sha256: String,
}

/// A record that is no longer what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRecord {
    /// Its file, which is begun anew.
    pub path: PathBuf,
    /// Where what there was of it is kept.
    pub kept: Option<PathBuf>,
}

impl Mark {
    /// That of a file with such a content.
    pub fn of(content: &[u8]) -> Mark {
        Mark::hashed(content.len() as u64, &Sha256::new_with_prefix(content))
    }

    fn hashed(bytes: u64, hash: &Sha256) -> Mark {
        Mark { bytes, sha256: hexadecimal(&hash.clone().finalize()) }
    }
}

impl RecordFile {
    /// Begins a file with nothing in it.
    fn start(disk: &Arc<dyn Disk>, path: &Path) -> io::Result<RecordFile> {
        let file = disk.append(path)?;
        if file.metadata()?.len() > 0 {
            disk.truncate(&file, 0)?;
        }
        Ok(RecordFile::new(disk, path, file, 0, Sha256::new()))
    }

    /// Goes on from `mark`. `None` where the file is not, or no longer, what it was then.
    fn resume(disk: &Arc<dyn Disk>, path: &Path, mark: &Mark) -> io::Result<Option<RecordFile>> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let Some(kept) = usize::try_from(mark.bytes).ok().and_then(|length| bytes.get(..length)) else {
            return Ok(None);
        };
        let hash = Sha256::new_with_prefix(kept);
        if Mark::hashed(mark.bytes, &hash) != *mark {
            return Ok(None);
        }
        let file = disk.append(path)?;
        if bytes.len() > kept.len() {
            disk.truncate(&file, mark.bytes)?;
        }
        Ok(Some(RecordFile::new(disk, path, file, mark.bytes, hash)))
    }

    fn new(disk: &Arc<dyn Disk>, path: &Path, file: File, length: u64, hash: Sha256) -> RecordFile {
        let state = Mutex::new(State { file, length, hash, flushed: length, is_torn: false, failed: None });
        RecordFile(Arc::new(Shared { path: path.to_owned(), disk: disk.clone(), state }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.state().length == 0
    }

    /// Adds `bytes`: one write, so that a reader never sees half of a line. What could be written in part
    /// alone is cut off again before the next. The next mark fails too: who does not look at this error, as a
    /// log does not, has not lost it.
    pub fn append(&self, bytes: &[u8]) -> Result<(), FileError> {
        let mut state = self.state();
        let State { file, length, hash, is_torn, failed, .. } = &mut *state;
        let disk = &*self.0.disk;
        let mut add = || {
            if *is_torn {
                disk.truncate(file, *length)?;
            }
            *is_torn = true;
            disk.write(file, bytes)?;
            *is_torn = false;
            *length += bytes.len() as u64;
            hash.update(bytes);
            Ok(())
        };
        add().map_err(|error: io::Error| {
            *failed = Some(again(&error));
            FileError::of(&self.0.path)(error)
        })
    }

    /// Adds a line of JSON.
    pub fn append_json(&self, line: &impl Serialize) -> Result<(), FileError> {
        let mut text = serde_json::to_vec(line).map_err(|error| FileError::of(&self.0.path)(error.into()))?;
        text.push(b'\n');
        self.append(&text)
    }

    /// Flushes it, and says how far it has grown.
    fn mark(&self) -> Result<Mark, FileError> {
        let mut state = self.state();
        let State { file, length, hash, flushed, failed, .. } = &mut *state;
        let done = match failed.take() {
            Some(error) => Err(error),
            None if flushed == length => Ok(()),
            None => self.0.disk.sync(file),
        };
        done.map_err(FileError::of(&self.0.path))?;
        *flushed = *length;
        Ok(Mark::hashed(*length, hash))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// The files of a run that grow.
#[derive(Debug)]
pub struct RecordFiles {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    files: BTreeMap<&'static str, RecordFile>,
    /// Whether one was begun since the folder was flushed: its name might not outlive a power cut.
    is_name_new: bool,
}

impl RecordFiles {
    /// None of those in `folder` yet.
    pub fn new(folder: &Path, disk: Arc<dyn Disk>) -> RecordFiles {
        RecordFiles { folder: folder.to_owned(), disk, open: Mutex::default() }
    }

    /// Begins one of them with nothing in it.
    pub fn start(&self, name: &'static str) -> Result<RecordFile, FileError> {
        let path = self.folder.join(name);
        let file = RecordFile::start(&self.disk, &path).map_err(FileError::of(path))?;
        let mut open = self.open();
        open.files.insert(name, file.clone());
        open.is_name_new = true;
        Ok(file)
    }

    /// Goes on with one of them from `mark`. Where it is not what it was then, it is begun anew, and what is
    /// there put aside.
    pub fn resume(&self, name: &'static str, mark: &Mark) -> Result<Option<LostRecord>, FileError> {
        let path = self.folder.join(name);
        let resumed = RecordFile::resume(&self.disk, &path, mark).map_err(FileError::of(&path))?;
        if let Some(file) = resumed {
            self.open().files.insert(name, file);
            return Ok(None);
        }
        let kept = match path.exists() {
            true => Some(set_aside(&*self.disk, &path).map_err(FileError::of(&path))?),
            false => None,
        };
        self.start(name)?;
        Ok(Some(LostRecord { path, kept }))
    }

    /// One that was begun or gone on with; begun where it was neither.
    pub fn get(&self, name: &'static str) -> Result<RecordFile, FileError> {
        let known = self.open().files.get(name).cloned();
        known.map_or_else(|| self.start(name), Ok)
    }

    /// Whether one was begun since the last marks.
    pub fn has_new(&self) -> bool {
        self.open().is_name_new
    }

    /// Flushes them, and says how far each has grown.
    pub fn marks(&self) -> Result<BTreeMap<String, Mark>, FileError> {
        let mut open = self.open();
        if open.is_name_new {
            let synced = Folder::open(&self.folder).and_then(|folder| self.disk.sync_folder(&folder));
            synced.map_err(FileError::of(&self.folder))?;
            open.is_name_new = false;
        }
        open.files.iter().map(|(name, file)| Ok(((*name).to_owned(), file.mark()?))).collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Faulty, System};

    const NAME: &str = "record";

    fn files(folder: &Path, disk: impl Disk + 'static) -> RecordFiles {
        RecordFiles::new(folder, Arc::new(disk))
    }

    fn content(folder: &Path) -> String {
        std::fs::read_to_string(folder.join(NAME)).unwrap()
    }

    /// A record of `first`, marked, and then of `then` too; after `meanwhile` it must go on, or not.
    #[track_caller]
    fn goes_on(meanwhile: impl Fn(&Path), does: bool) {
        let folder = tempfile::tempdir().unwrap();
        let (folder, path) = (folder.path(), folder.path().join(NAME));
        let before = files(folder, System);
        let file = before.start(NAME).unwrap();
        file.append(b"first\n").unwrap();
        let mark = before.marks().unwrap()[NAME].clone();
        assert_eq!(mark, Mark::of(b"first\n"));
        file.append(b"then\n").unwrap();
        meanwhile(&path);
        let found = std::fs::read(&path).ok();
        let after = files(folder, System);
        assert_eq!(after.resume(NAME, &mark).unwrap().is_none(), does);
        after.get(NAME).unwrap().append(b"again\n").unwrap();
        assert_eq!(content(folder), if does { "first\nagain\n" } else { "again\n" });
        let aside = std::fs::read(folder.join("record.damaged")).ok();
        assert_eq!(aside, found.filter(|_| !does), "nothing is lost");
        assert_eq!(after.marks().unwrap()[NAME], Mark::of(content(folder).as_bytes()));
    }

    #[test]
    fn a_record_goes_on_from_its_mark_or_is_begun_anew() {
        let write = |text: &'static str| move |path: &Path| std::fs::write(path, text).unwrap();
        goes_on(|_| (), true);
        goes_on(write("first\n"), true);
        goes_on(write("first\nsomething else, or junk"), true);
        goes_on(write("fir"), false);
        goes_on(write("First\nthen\n"), false);
        goes_on(write(""), false);
        goes_on(|path| std::fs::remove_file(path).unwrap(), false);
    }

    /// Where writing fails half-way the next line follows the last whole one, and the mark does not pass over
    /// it.
    #[test]
    fn what_was_added_in_part_is_cut_off_and_told() {
        let folder = tempfile::tempdir().unwrap();
        // It is opened, then written in two halves, of which the fifth operation is the second of the second.
        let files = files(folder.path(), Faulty::new(5, false, || Err(io::Error::from_raw_os_error(28))));
        let file = files.start(NAME).unwrap();
        file.append(b"first\n").unwrap();
        let error = file.append(b"second\n").unwrap_err().to_string();
        assert!(error.contains("record: ") && error.contains("os error 28"), "{error}");
        assert_eq!(content(folder.path()), "first\nsec");
        file.append(b"third\n").unwrap();
        assert_eq!(content(folder.path()), "first\nthird\n");
        let error = files.marks().unwrap_err().to_string();
        assert!(error.contains("os error 28"), "{error}");
        assert_eq!(files.marks().unwrap()[NAME], Mark::of(b"first\nthird\n"));
    }
}
