//! A disk on which an operation goes wrong.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Permissions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::folder::Folder;
use super::operations::{Disk, System};

/// The operating system's file system up to an operation that goes wrong. Writing counts as two operations,
/// so that half of the bytes can be there.
pub struct Faulty {
    /// The operation that goes wrong, counted from 1.
    pub at: usize,
    /// Whether all later ones do too.
    pub lasting: bool,
    /// What happens then: an error, or something besides.
    pub fault: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
    /// Operations asked for so far.
    pub asked: AtomicUsize,
}

impl Faulty {
    /// Goes wrong at operation `at`, from 1, and at all later ones where `lasting`.
    pub fn new(
        at: usize,
        lasting: bool,
        fault: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Faulty {
        Faulty { at, lasting, fault: Box::new(fault), asked: AtomicUsize::new(0) }
    }

    fn ask(&self) -> io::Result<()> {
        let operation = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if operation == self.at || (self.lasting && operation > self.at) { (self.fault)() } else { Ok(()) }
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

    fn create_new(
        &self,
        folder: &Folder,
        name: &OsStr,
        permissions: Option<&Permissions>,
    ) -> io::Result<File> {
        self.ask()?;
        System.create_new(folder, name, permissions)
    }

    fn lock_file(&self, path: &Path) -> io::Result<File> {
        self.ask()?;
        System.lock_file(path)
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

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.ask()?;
        System.truncate(file, length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.ask()?;
        System.sync(file)
    }

    fn rename(&self, folder: &Folder, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.ask()?;
        System.rename(folder, from, to)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        self.ask()?;
        System.sync_folder(folder)
    }

    fn set_permissions(&self, file: &File, permissions: Permissions) -> io::Result<()> {
        self.ask()?;
        System.set_permissions(file, permissions)
    }

    fn remove(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        self.ask()?;
        System.remove(folder, name)
    }
}
