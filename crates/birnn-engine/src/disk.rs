//! What a run asks of the file system, behind a small trait, so that any part of it can be made to fail at any moment.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::EngineError;

/// The operations that a run's files are made of. What is written here is the real thing; [`Faulty`] is the other.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a folder in one that exists.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    /// Makes an empty file, or empties the one that is there.
    fn create(&self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    /// Opens a file so that what is written goes to its end.
    fn append(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).open(path)
    }

    /// Writes all of `bytes`.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Returns once the file's content is on the disk itself.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Gives a file another name in its folder, in place of the file that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Returns once the folder's names are on the disk itself.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The operating system's file system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Disk for System {}

/// The operating system's file system up to an operation that goes wrong. Writing counts as two operations, so that half
/// of the bytes can be there.
pub struct Faulty {
    /// The operation that goes wrong, counted from 1.
    pub at: usize,
    /// Whether all later ones do too.
    pub lasting: bool,
    /// What happens then.
    pub fault: Box<dyn Fn() -> io::Error + Send + Sync>,
    /// Operations asked for so far.
    pub asked: AtomicUsize,
}

impl Faulty {
    /// Goes wrong at operation `at`, from 1, and at all later ones where `lasting`.
    pub fn new(at: usize, lasting: bool, fault: impl Fn() -> io::Error + Send + Sync + 'static) -> Faulty {
        Faulty { at, lasting, fault: Box::new(fault), asked: AtomicUsize::new(0) }
    }

    fn ask(&self) -> io::Result<()> {
        let operation = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if operation == self.at || (self.lasting && operation > self.at) {
            Err((self.fault)())
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty at {}", self.at)
    }
}

impl Disk for Faulty {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.ask()?;
        System.create_folder(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.ask()?;
        System.create(path)
    }

    fn append(&self, path: &Path) -> io::Result<File> {
        self.ask()?;
        System.append(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.ask()?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        System.write(file, first)?;
        self.ask()?;
        System.write(file, second)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.ask()?;
        System.sync(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask()?;
        System.rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.ask()?;
        System.sync_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.ask()?;
        System.remove(path)
    }
}

/// Makes a folder that is still there after a power cut.
pub(crate) fn create_folder(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.create_folder(path)?;
    disk.sync_folder(folder_of(path))
}

/// Writes `bytes` beside `path`, flushes them to the disk, and only then gives them the name: a reader sees the old
/// content or the new, never half of it. The old content goes on under the name `keep`, if one is given.
///
/// The file beside has a name of its own, `.NAME.partial`, which the next attempt uses again: a process that was killed
/// leaves at most that, and nothing once the run has ended. Two processes must not write the same `path` at once.
///
/// # Errors
///
/// What the disk said, with the name of the file.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8], keep: Option<&Path>) -> Result<(), EngineError> {
    let partial = partial_of(path);
    let attempt = || {
        let mut file = disk.create(&partial)?;
        disk.write(&mut file, bytes)?;
        disk.sync(&file)?;
        if let Some(keep) = keep
            && let Err(error) = disk.rename(path, keep)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        disk.rename(&partial, path)?;
        disk.sync_folder(folder_of(path))
    };
    attempt().map_err(|error| {
        // The error to tell of is the first.
        let _ = disk.remove(&partial);
        EngineError::io(path)(error)
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a file is called until it is whole.
fn partial_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.partial"))
}

/// Whether a file is a left-over of a process that was killed while it wrote.
pub(crate) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: [(&str, i32); 3] = [("EIO", 5), ("ENOSPC", 28), ("EACCES", 13)];

    /// A save that fails anywhere, in any way, names its file and leaves a whole file under one of the two names; what is
    /// under them is one of the three contents that there were.
    #[test]
    fn whatever_fails_a_whole_file_stays() {
        let mut faults = 0;
        for ((name, errno), lasting) in ERRORS.into_iter().flat_map(|error| [(error, false), (error, true)]) {
            for at in 1.. {
                let folder = tempfile::tempdir().unwrap();
                let (last, previous) = (folder.path().join("last"), folder.path().join("previous"));
                for content in ["first", "second"] {
                    replace(&System, &last, content.as_bytes(), Some(&previous)).unwrap();
                }
                let disk = Faulty::new(at, lasting, move || io::Error::from_raw_os_error(errno));
                let outcome = replace(&disk, &last, b"third", Some(&previous));
                let kept: Vec<_> = [&last, &previous].map(|path| fs::read_to_string(path).ok()).into();
                let whole: Vec<_> = kept.iter().flatten().map(String::as_str).collect();
                assert!(!whole.is_empty(), "{name} at {at}");
                assert!(whole.iter().all(|text| ["first", "second", "third"].contains(text)), "{kept:?}");
                assert!(whole != ["first"], "{name} at {at}: the newest whole file is gone");
                let Err(error) = outcome else {
                    assert_eq!(whole, ["third", "second"]);
                    assert!(at > 7, "only {at} operations were made to fail");
                    break;
                };
                let error = error.to_string();
                assert!(error.contains("last: ") && error.contains("os error"), "{error}");
                let others = fs::read_dir(folder.path()).unwrap().count() - whole.len();
                assert!(others == 0 || lasting, "{name} at {at}: {others} files are left behind");
                // The next attempt succeeds, over whatever the failed one left.
                replace(&System, &last, b"fourth", Some(&previous)).unwrap();
                assert_eq!(fs::read_to_string(&last).unwrap(), "fourth");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
                faults += 1;
            }
        }
        println!("{faults} faults of a save");
    }
}
