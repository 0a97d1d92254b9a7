//! A folder that one process at a time may work in.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The lock of a folder: a file in it that is open for writing and locked. It is free again when this is dropped, or when the
/// process ends, however it ends.
///
/// The folder itself could be locked instead, but not on NFS, where a lock wants a file that is open for writing. The file is
/// removed with the lock; a process that is killed leaves it, and the next takes it over.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    /// Closed, and so unlocked, after `path` is gone.
    _file: File,
}

impl FolderLock {
    /// The name of the file.
    pub const NAME: &str = ".lock";

    /// Locks `folder`, unless another process has: then there is `None`. `create` opens the file for writing.
    pub fn try_take(
        folder: &Path,
        create: impl Fn(&Path) -> io::Result<File>,
    ) -> io::Result<Option<FolderLock>> {
        let locked = |file: &File| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        };
        take(folder, create, locked)
    }

    /// Locks `folder` as soon as no other process has it locked.
    pub fn wait(folder: &Path) -> io::Result<FolderLock> {
        let taken = take(folder, |path| File::create(path), |file| file.lock().map(|()| true))?;
        taken.ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))
    }

    /// Whether a process has `folder` locked. Nothing is made in it to find out.
    pub fn is_held(folder: &Path) -> bool {
        let file = File::options().write(true).open(folder.join(FolderLock::NAME));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
    }
}

fn take(
    folder: &Path,
    create: impl Fn(&Path) -> io::Result<File>,
    lock: impl Fn(&File) -> io::Result<bool>,
) -> io::Result<Option<FolderLock>> {
    let path = folder.join(FolderLock::NAME);
    loop {
        let file = create(&path)?;
        if !lock(&file)? {
            return Ok(None);
        }
        // The one before may have removed the file between the two lines above: then this is a lock on nothing.
        if is_at(&file, &path) {
            return Ok(Some(FolderLock { path, _file: file }));
        }
    }
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(named)) => place(open) == place(named),
        _ => false,
    }
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While it is still locked: who waits for it must find it gone. A file that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
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
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(FolderLock::wait(&folder.path().join("none")).is_err());
        assert!(FolderLock::try_take(folder.path(), |_| Err(io::Error::from_raw_os_error(30))).is_err());
    }
}
