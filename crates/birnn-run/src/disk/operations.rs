//! The operations that a run's files are made of, and what is put together of them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{FolderLock, hexadecimal};
use sha2::{Digest, Sha256};

use super::folder::Folder;
use crate::error::FileError;

/// The operations that a run's files are made of. What is written here is the real thing;
/// [`Faulty`](super::Faulty) lets one of them fail, and [`Journal`](super::Journal) writes them down.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a folder in one that exists.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    /// Makes a file where there is none, not even a link; from the first, nobody can use it whom
    /// `permissions` leave out.
    fn create_new(
        &self,
        folder: &Folder,
        name: &OsStr,
        permissions: Option<&Permissions>,
    ) -> io::Result<File> {
        folder.create_new(name, permissions)
    }

    /// Opens a file to lock it, and makes it where it is missing.
    fn lock_file(&self, path: &Path) -> io::Result<File> {
        FolderLock::open(path)
    }

    /// Opens a file so that what is written goes to its end, and makes it where it is missing.
    fn append(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(path)
    }

    /// Writes all of `bytes` at the end of the file.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Takes away what a file holds beyond `length` bytes.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Returns once the file's content is on the disk itself.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Gives a file another name in its folder, in place of the file that had it.
    fn rename(&self, folder: &Folder, from: &OsStr, to: &OsStr) -> io::Result<()> {
        folder.rename(from, to)
    }

    /// Returns once the folder's names are on the disk itself.
    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        folder.sync()
    }

    /// Lets a file be used by whom `permissions` say.
    fn set_permissions(&self, file: &File, permissions: Permissions) -> io::Result<()> {
        file.set_permissions(permissions)
    }

    /// Deletes a file.
    fn remove(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        folder.remove(name)
    }
}

/// The operating system's file system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Disk for System {}

/// Makes a folder that is still there after a power cut, in one that exists.
pub fn create_folder(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.create_folder(path)?;
    disk.sync_folder(&Folder::of(path)?)
}

/// As [`create_folder`], with the folders above it as far as they are missing. That it is there already is no
/// error.
pub fn create_folders(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    // The working directory has an empty path.
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        create_folders(disk, above)?;
    }
    match create_folder(disk, path) {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(no_folder(path)),
        made => made,
    }
}

/// Whether folders can be made down to `path`, as far as can be told without making one.
///
/// # Errors
///
/// Something else has the name of one.
pub fn check_folders(path: &Path) -> io::Result<()> {
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok());
    match there.filter(|above| !above.is_dir()) {
        Some(other) => Err(no_folder(other)),
        None => Ok(()),
    }
}

/// Something that is no folder stands where one is wanted.
fn no_folder(path: &Path) -> io::Error {
    let what = if path.exists() { "no folder" } else { "a link that leads nowhere" };
    io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is {what}", shown(path)))
}

/// Writes `bytes` beside `path`, flushes them to the disk, and only then gives them the name: a reader sees
/// the old content or the new, never half of it. The old content goes on under the name `keep`, if one is
/// given.
///
/// A link stays what it is: the file that it leads to is replaced, or made. With `keep` it moves on with
/// the old content. The new file can be used by whom the old one could. Only a file is replaced, nothing
/// like `/dev/null`.
///
/// The file beside has a name of its own, `.NAME.partial`, which the next attempt uses again: a process
/// that was killed leaves at most that, and nothing once the run has ended. What has that name already is
/// removed, a link as well, and never written to. Two processes must not write the same `path` at once.
///
/// # Errors
///
/// What the disk said, with the name of the file.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8], keep: Option<&Path>) -> Result<(), FileError> {
    put(disk, path, keep, |new| disk.write(&mut new.file, bytes))
}

/// As [`replace`], of content that `write` writes bit by bit, since it is more than should be in memory at
/// once. Each of its calls is an operation of the disk.
///
/// # Errors
///
/// As [`replace`], and those of `write`.
pub fn replace_by(
    disk: &dyn Disk,
    path: &Path,
    write: impl FnOnce(&mut NewFile<'_>) -> io::Result<()>,
) -> Result<(), FileError> {
    put(disk, path, None, write)
}

/// A file that has no name yet that anyone would look for.
#[derive(Debug)]
pub struct NewFile<'a> {
    disk: &'a dyn Disk,
    file: File,
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(&mut self.file, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn put(
    disk: &dyn Disk,
    path: &Path,
    keep: Option<&Path>,
    write: impl FnOnce(&mut NewFile<'_>) -> io::Result<()>,
) -> Result<(), FileError> {
    let target = match keep {
        None => end_of_links(path).map_err(FileError::of(path))?,
        Some(_) => path.to_owned(),
    };
    let permissions = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => {
            return Err(FileError::of(&target)(io::Error::other("is no file that can be replaced")));
        }
        Ok(found) => Some(found.permissions()),
        Err(_) => None,
    };
    // Open from here on: another folder may get its path, and its files are not ours to rename.
    let folder = Folder::of(&target).map_err(FileError::of(&target))?;
    let (name, keep) = (name_of(&target), keep.map(name_of));
    let partial = partial_of(name);
    let attempt = || {
        let file = create_partial(disk, &folder, &partial, permissions.as_ref())?;
        // Before there is anything in it to read.
        if let Some(permissions) = permissions
            && file.metadata()?.permissions() != permissions
        {
            disk.set_permissions(&file, permissions)?;
        }
        let mut new = NewFile { disk, file };
        write(&mut new)?;
        disk.sync(&new.file)?;
        if let Some(keep) = keep
            && let Err(error) = disk.rename(&folder, name, keep)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        disk.rename(&folder, &partial, name)?;
        disk.sync_folder(&folder)
    };
    attempt().map_err(|error| {
        // The error to tell of is the first.
        let _ = disk.remove(&folder, &partial);
        FileError::of(&target)(error)
    })
}

/// Makes the file that is written to, in place of one that a killed process left or of whatever else has its
/// name.
fn create_partial(
    disk: &dyn Disk,
    folder: &Folder,
    partial: &OsStr,
    permissions: Option<&Permissions>,
) -> io::Result<File> {
    match disk.create_new(folder, partial, permissions) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(folder, partial)?;
            disk.create_new(folder, partial, permissions)
        }
        created => created,
    }
}

/// As many as Linux follows.
const MOST_LINKS: usize = 40;

/// What is written where `path` is: the path itself, or what a link there leads to, be it there or not.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut end = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&end) {
            Ok(next) => end = folder_of(&end).join(next),
            // No link, or nothing at all.
            Err(_) => return Ok(end),
        }
    }
    Err(io::Error::other("is a link that leads round in a circle"))
}

/// The folder that a path lies in; of a bare name, the working directory.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The longest name of a file, in bytes, on all common systems.
pub const LONGEST_NAME: usize = 255;

/// What a file is called until it is whole. Where there is no room for that, a digest stands for the name.
fn partial_of(name: &OsStr) -> OsString {
    let partial = |name: &OsStr| {
        let mut partial = OsString::from(".");
        partial.push(name);
        partial.push(".partial");
        partial
    };
    let usual = partial(name);
    if usual.len() <= LONGEST_NAME {
        return usual;
    }
    let digest = Sha256::digest(name.as_encoded_bytes());
    partial(hexadecimal(&digest[..16]).as_ref())
}

/// Gives a damaged file a name that nothing looks for, its own with `.damaged`, and says which. One that has
/// that name already is kept.
pub fn set_aside(disk: &dyn Disk, path: &Path) -> io::Result<PathBuf> {
    let named = |end: &str| {
        let mut aside = path.as_os_str().to_owned();
        aside.push(end);
        PathBuf::from(aside)
    };
    let mut aside = named(".damaged");
    for number in 2.. {
        if fs::symlink_metadata(&aside).is_err() {
            break;
        }
        aside = named(&format!(".damaged.{number}"));
    }
    let folder = Folder::of(path)?;
    disk.rename(&folder, name_of(path), name_of(&aside))?;
    disk.sync_folder(&folder)?;
    Ok(aside)
}

/// Whether a file is a left-over of a process that was killed while it wrote.
pub fn is_partial(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(b".partial")
}

#[cfg(test)]
mod tests {
    use super::super::Faulty;
    use super::*;

    const ERRORS: [(&str, i32); 3] = [("EIO", 5), ("ENOSPC", 28), ("EACCES", 13)];

    /// A save that fails anywhere, in any way, names its file and leaves a whole file under one of the two
    /// names; what is under them is one of the three contents that there were.
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
                let disk = Faulty::new(at, lasting, move || Err(io::Error::from_raw_os_error(errno)));
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

    /// Whatever fails, a file that is written bit by bit is there whole or not at all.
    #[test]
    fn a_file_that_is_written_bit_by_bit_is_whole_or_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states");
        for at in 1.. {
            fs::write(&path, "before").unwrap();
            let disk = Faulty::new(at, false, || Err(io::Error::from_raw_os_error(28)));
            let outcome = replace_by(&disk, &path, |file| {
                ["one, ", "two, ", "three"].iter().try_for_each(|part| file.write_all(part.as_bytes()))
            });
            let is_whole = fs::read_to_string(&path).unwrap() == "one, two, three";
            if outcome.is_ok() {
                assert!(is_whole && at > 6, "only {at} operations were made to fail");
                break;
            }
            // What failed last is the flush of the folder.
            assert!(is_whole || fs::read_to_string(&path).unwrap() == "before", "at {at}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "at {at}");
        }
        fs::write(&path, "before").unwrap();
        let refused = replace_by(&System, &path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no room for the rest"))
        });
        assert!(refused.unwrap_err().to_string().ends_with("states: no room for the rest"));
        only(folder.path(), "states", "before");
    }

    /// The content of the only file in `folder` besides links, under the name that it should have.
    #[track_caller]
    fn only(folder: &Path, name: impl AsRef<Path>, content: &str) {
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), content);
        let files = fs::read_dir(folder).unwrap().filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        });
        assert_eq!(files.count(), 1, "something is left behind");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        use std::os::unix::fs::symlink;
        for there in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (links, files) = (folder.path().join("links"), folder.path().join("files"));
            fs::create_dir(&links).unwrap();
            fs::create_dir(&files).unwrap();
            if there {
                fs::write(files.join("file"), "old").unwrap();
            }
            symlink("../files/file", links.join("second")).unwrap();
            symlink("second", links.join("first")).unwrap();
            replace(&System, &links.join("first"), b"new", None).unwrap();
            only(&files, "file", "new");
            assert!(links.join("first").is_symlink() && links.join("second").is_symlink());
            assert_eq!(fs::read_dir(&links).unwrap().count(), 2);
        }
    }

    #[test]
    fn a_link_to_nowhere_is_an_error_that_names_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("none/file", &link).unwrap();
        let error = replace(&System, &link, b"new", None).unwrap_err().to_string();
        assert!(error.contains("none/file: "), "{error}");
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        let error = replace(&System, &circle, b"new", None).unwrap_err().to_string();
        assert!(error.contains("circle: is a link that leads round"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn who_could_use_the_old_file_can_use_the_new_one() {
        use std::os::unix::fs::PermissionsExt;
        for mode in [0o600, 0o640, 0o444, 0o755] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            replace(&System, &path, b"new", None).unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, mode);
            only(folder.path(), "file", "new");
        }
    }

    /// Looks at what the system would let others do with a file while it is written.
    #[derive(Debug)]
    struct Watched(std::sync::Mutex<Vec<u32>>);

    impl Disk for Watched {
        fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
            use std::os::unix::fs::PermissionsExt;
            self.0.lock().unwrap().push(file.metadata()?.permissions().mode() & 0o7777);
            System.write(file, bytes)
        }
    }

    #[test]
    fn nobody_else_can_read_what_replaces_a_private_file_meanwhile() {
        use std::os::unix::fs::PermissionsExt;
        for mode in [0o600, 0o640, 0o444, 0o666] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let disk = Watched(Vec::new().into());
            replace(&disk, &path, b"new", None).unwrap();
            assert_eq!(*disk.0.lock().unwrap(), [mode]);
        }
    }

    /// Whoever may write into the folder must not thereby choose which file of ours is written over.
    #[test]
    fn a_link_in_place_of_the_partial_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("file"), folder.path().join("victim"));
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink("victim", folder.path().join(".file.partial")).unwrap();
        replace(&System, &path, b"new", None).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert!(!path.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn names_can_be_as_long_as_the_system_allows() {
        for length in [1, 245, 246, 247, 254, 255] {
            let folder = tempfile::tempdir().unwrap();
            let name = "n".repeat(length);
            for content in ["first", "second"] {
                replace(&System, &folder.path().join(&name), content.as_bytes(), None).unwrap();
            }
            only(folder.path(), &name, "second");
            let partial = partial_of(name.as_ref());
            assert!(is_partial(&partial) && partial.len() <= 255);
        }
        let [one, other] = ["a", "b"].map(|end| partial_of(format!("{}{end}", "n".repeat(254)).as_ref()));
        assert_ne!(one, other);
    }

    #[test]
    fn only_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [Path::new("/dev/null"), &link, folder.path()] {
            let error = replace(&System, path, b"new", None).unwrap_err().to_string();
            assert!(error.ends_with(": is no file that can be replaced"), "{error}");
        }
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
}
