//! A disk that writes down what is asked of it, so that what a power cut would have left can be worked out
//! afterwards, for every moment of the run.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::operations::{Disk, System};

/// What was asked of a disk, and done. Files go by numbers, as their names change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// A folder was made.
    CreateFolder(PathBuf),
    /// A file was made.
    Create {
        /// Its name.
        path: PathBuf,
        /// Its number.
        file: usize,
    },
    /// A file that was there before the journal began was opened.
    Open {
        /// Its name.
        path: PathBuf,
        /// Its number.
        file: usize,
    },
    /// Bytes were added to the end of a file.
    Write {
        /// Its number.
        file: usize,
        /// What was added.
        bytes: Vec<u8>,
    },
    /// A file was cut short.
    Truncate {
        /// Its number.
        file: usize,
        /// What is left, in bytes.
        length: u64,
    },
    /// A file's content was flushed.
    Sync {
        /// Its number.
        file: usize,
    },
    /// A file got another name in its folder.
    Rename {
        /// The old name.
        from: PathBuf,
        /// The new one; the file that had it has lost it.
        to: PathBuf,
    },
    /// The names in a folder were flushed.
    SyncFolder(PathBuf),
    /// A file lost its name.
    Remove(PathBuf),
}

/// The operating system's file system, and a journal of what was done there: a line of JSON for each
/// operation. Permissions and locks are not in it: nothing that a power cut can do to them keeps a run from
/// going on.
pub struct Journal(Mutex<Lines>);

struct Lines {
    file: File,
    /// By inode.
    numbers: HashMap<u64, usize>,
    files: usize,
}

impl Journal {
    /// Begins a journal, in place of whatever is at `path`.
    pub fn start(path: &Path) -> io::Result<Journal> {
        Ok(Journal(Mutex::new(Lines { file: File::create(path)?, numbers: HashMap::new(), files: 0 })))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn add(&mut self, operation: &Operation) -> io::Result<()> {
        let mut line = serde_json::to_vec(operation)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// The number of a file that was made, or opened for the first time. A number that its inode had before
    /// was that of a file that is gone.
    fn number(&mut self, file: &File) -> io::Result<usize> {
        let number = self.files;
        self.files += 1;
        self.numbers.insert(file.metadata()?.ino(), number);
        Ok(number)
    }

    fn known(&self, file: &File) -> io::Result<usize> {
        let number = self.numbers.get(&file.metadata()?.ino()).copied();
        number.ok_or_else(|| io::Error::other("a file that was not opened here"))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

impl Disk for Journal {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        System.create_folder(path)?;
        self.lines().add(&Operation::CreateFolder(path.to_owned()))
    }

    fn create_new(
        &self,
        folder: &Folder,
        name: &OsStr,
        permissions: Option<&Permissions>,
    ) -> io::Result<File> {
        let file = System.create_new(folder, name, permissions)?;
        let mut lines = self.lines();
        let number = lines.number(&file)?;
        lines.add(&Operation::Create { path: folder.join(name), file: number })?;
        Ok(file)
    }

    fn append(&self, path: &Path) -> io::Result<File> {
        let is_new = !path.exists();
        let file = System.append(path)?;
        let mut lines = self.lines();
        let (path, number) = (path.to_owned(), lines.number(&file)?);
        lines.add(&match is_new {
            true => Operation::Create { path, file: number },
            false => Operation::Open { path, file: number },
        })?;
        Ok(file)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        System.write(file, bytes)?;
        let mut lines = self.lines();
        let file = lines.known(file)?;
        lines.add(&Operation::Write { file, bytes: bytes.to_vec() })
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        System.truncate(file, length)?;
        let mut lines = self.lines();
        let file = lines.known(file)?;
        lines.add(&Operation::Truncate { file, length })
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        System.sync(file)?;
        let mut lines = self.lines();
        let file = lines.known(file)?;
        lines.add(&Operation::Sync { file })
    }

    fn rename(&self, folder: &Folder, from: &OsStr, to: &OsStr) -> io::Result<()> {
        System.rename(folder, from, to)?;
        self.lines().add(&Operation::Rename { from: folder.join(from), to: folder.join(to) })
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        System.sync_folder(folder)?;
        self.lines().add(&Operation::SyncFolder(folder.path().to_owned()))
    }

    fn remove(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        System.remove(folder, name)?;
        self.lines().add(&Operation::Remove(folder.join(name)))
    }
}
