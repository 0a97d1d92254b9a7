//! A folder that one process at a time may work in.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of a folder: a file in it that is open for writing and locked. It is free again when this is
/// dropped, or when the process ends, however it ends.
///
/// The folder itself could be locked instead, but not on NFS, where a lock wants a file that is open for
/// writing. The file is removed with the lock; a process that is killed leaves it, and the next takes it
/// over.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    /// Closed, and so unlocked, after `path` is gone.
    file: File,
    /// By which another folder of its name is told from it.
    folder: File,
}

impl FolderLock {
    /// The name of the file.
    pub const NAME: &str = ".lock";

    /// Opens the file for writing, or makes it. Its content stays: a link there is not to cost another file
    /// its own.
    pub fn open(path: &Path) -> io::Result<File> {
        File::options().write(true).create(true).truncate(false).open(path)
    }

    /// Locks `folder`, unless another process has: then there is `None`. `create` opens the file for writing.
    ///
    /// The file of another user, which may not be written, is locked as a file open for reading. Where that
    /// cannot be either, it counts as locked: the other user's process may well be there.
    pub fn try_take(
        folder: &Path,
        create: impl Fn(&Path) -> io::Result<File>,
    ) -> io::Result<Option<FolderLock>> {
        take(folder, create, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    /// Locks `folder` as soon as no other process has it locked.
    pub fn wait(folder: &Path) -> io::Result<FolderLock> {
        let taken = take(folder, FolderLock::open, |file| file.lock().map(|()| true))?;
        taken.ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied))
    }

    /// Whether the folder is the one that was locked still, and no other process has locked it since: not
    /// where it was removed or renamed, be there another of its name or none. That the lock's file alone was
    /// removed, as by who cleans up, is no harm.
    pub fn is_in_place(&self) -> bool {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match folder.metadata() {
            Ok(_) => {
                is_at(&self.folder, folder) && (is_at(&self.file, &self.path) || !FolderLock::is_held(folder))
            }
            // What cannot be said just now will be said by who writes.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Whether a process has `folder` locked, or may have. Nothing is made in it to find out.
    pub fn is_held(folder: &Path) -> bool {
        let path = folder.join(FolderLock::NAME);
        match reach(&path, |path| File::options().write(true).open(path)) {
            Ok(Reached::Ours(file)) => matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
            Ok(Reached::Theirs(file)) => file.try_lock().is_err(),
            Ok(Reached::Closed) => true,
            // NFS says nothing of locks on a file that is open for reading.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                File::open(&path).is_ok_and(|file| file.try_lock().is_err())
            }
            Err(_) => false,
        }
    }
}

/// The file of a lock, as far as it may be used.
enum Reached {
    /// Open for writing.
    Ours(File),
    /// Another user's, open for reading.
    Theirs(File),
    /// Another user's, who lets nobody read it.
    Closed,
}

fn reach(path: &Path, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<Reached> {
    match open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => match File::open(path) {
            Ok(file) => Ok(Reached::Theirs(file)),
            Err(second) if second.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
                Ok(Reached::Closed)
            }
            // It is the folder that may not be written.
            Err(_) => Err(error),
        },
        opened => opened.map(Reached::Ours),
    }
}

/// So often the file may be gone by the time that it is locked: each time another process has had the lock.
/// Where the system gives an open file another number than its name, as some that are not on a disk do, it
/// would be so for ever.
const MOST_TRIES: usize = 100;

fn take(
    folder: &Path,
    create: impl Fn(&Path) -> io::Result<File>,
    lock: impl Fn(&File) -> io::Result<bool>,
) -> io::Result<Option<FolderLock>> {
    let path = folder.join(FolderLock::NAME);
    for _ in 0..MOST_TRIES {
        let file = match reach(&path, &create)? {
            Reached::Ours(file) => match lock(&file)? {
                true => file,
                false => return Ok(None),
            },
            // NFS locks no file that is open for reading.
            Reached::Theirs(file) => match lock(&file) {
                Ok(true) => file,
                _ => return Ok(None),
            },
            Reached::Closed => return Ok(None),
        };
        // The one before may have removed the file between the two lines above: then this is a lock on
        // nothing.
        if is_at(&file, &path) {
            return Ok(Some(FolderLock { file, folder: File::open(folder)?, path }));
        }
    }
    let name = FolderLock::NAME;
    Err(io::Error::other(format!(
        "{name} could not be locked: it is another file each time; try another file system"
    )))
}

/// Whether an open file is the one that has this name now.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(named)) => id(open) == id(named),
        _ => false,
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While it is still locked: who waits for it must find it gone. A file that stays does no harm, and
        // one of another folder that has the name now is another process's.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn try_take(folder: &Path) -> Option<FolderLock> {
        FolderLock::try_take(folder, |path| File::create(path)).unwrap()
    }

    #[test]
    fn one_at_a_time_and_no_file_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!FolderLock::is_held(folder));
        let held = try_take(folder).unwrap();
        assert!(try_take(folder).is_none() && FolderLock::is_held(folder));
        drop(held);
        assert!(!FolderLock::is_held(folder));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn the_file_of_a_process_that_was_killed_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FolderLock::NAME), "").unwrap();
        assert!(!FolderLock::is_held(folder.path()));
        drop(try_take(folder.path()).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// Each removes the file that the others wait for; two at once would be one too many.
    #[test]
    fn those_who_wait_come_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let held = FolderLock::wait(folder.path()).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::sleep(Duration::from_micros(200));
                        inside.fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 100);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_lock_of_a_folder_that_was_replaced_is_left_to_it() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a");
        std::fs::create_dir(&folder).unwrap();
        let first = try_take(&folder).unwrap();
        assert!(first.is_in_place());
        std::fs::remove_file(folder.join(FolderLock::NAME)).unwrap();
        assert!(first.is_in_place(), "it is the same folder, and nobody else's");
        let other = try_take(&folder).unwrap();
        assert!(!first.is_in_place(), "it is another's now");
        drop(other);
        drop(first);
        let first = try_take(&folder).unwrap();
        std::fs::rename(&folder, above.path().join("b")).unwrap();
        assert!(!first.is_in_place());
        std::fs::create_dir(&folder).unwrap();
        let second = try_take(&folder).unwrap();
        drop(first);
        assert!(second.is_in_place() && FolderLock::is_held(&folder));
    }

    /// As where a file that is open has another number than the one that has its name.
    #[test]
    fn a_file_that_never_has_its_name_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let other = |_: &Path| File::create(folder.path().join("other"));
        let error = FolderLock::try_take(folder.path(), other).unwrap_err().to_string();
        assert!(error.contains("could not be locked"), "{error}");
    }

    /// Another user's file: it may not be written, and perhaps not even be read.
    #[test]
    fn the_lock_of_someone_else_is_held_or_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let denied = |_: &Path| Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let ask = || FolderLock::try_take(folder.path(), denied);
        assert_eq!(ask().unwrap_err().kind(), io::ErrorKind::PermissionDenied, "there is none");
        let held = try_take(folder.path()).unwrap();
        assert!(ask().unwrap().is_none());
        drop(held);
        std::fs::write(folder.path().join(FolderLock::NAME), "").unwrap();
        assert!(ask().unwrap().is_some(), "its process was killed");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(FolderLock::wait(&folder.path().join("none")).is_err());
        assert!(FolderLock::try_take(folder.path(), |_| Err(io::Error::from_raw_os_error(30))).is_err());
    }
}
