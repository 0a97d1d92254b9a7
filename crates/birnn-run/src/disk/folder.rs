//! A folder that is open.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::retry_on_intr;

use super::operations::folder_of;

/// A folder that is open: what is named in it is named there, also where somebody has renamed it meanwhile
/// and another has its path.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    file: File,
}

impl Folder {
    /// The folder at `path`.
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder { path: path.to_owned(), file: File::open(path)? })
    }

    /// The folder that a file lies in.
    pub fn of(file: &Path) -> io::Result<Folder> {
        Folder::open(folder_of(file))
    }

    /// The path of a file in it, by the name that it was opened by.
    pub fn join(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn create_new(&self, name: &OsStr, permissions: Option<&Permissions>) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let bits = permissions.map_or(0o666, |permissions| permissions.mode() & 0o777);
        let mode = Mode::from_raw_mode(bits);
        Ok(retry_on_intr(|| openat(&self.file, name, flags, mode))?.into())
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.file, from, &self.file, to)?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.file, name, AtFlags::empty())?)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}
