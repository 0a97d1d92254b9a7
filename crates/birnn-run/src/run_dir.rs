//! A run's own directory: numbered, locked, never overwritten, gone on with.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use birnn_data::FolderLock;
use birnn_data::name::{shown, typed};
use rustix::io::Errno;

use crate::disk::{self, Disk, Folder};
use crate::error::FileError;
use crate::record_file::{RecordFile, RecordFiles};

/// The directory of a run in progress. It stays locked against a second process until this is dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    /// The files that grow while the run goes on.
    records: RecordFiles,
    lock: FolderLock,
}

/// Why a run directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// The directory chosen by the user holds something.
    #[error(
        "{}: is not empty, and runs are never overwritten; name a new directory with --run-dir{}",
        shown(.0),
        match is_run(.0) {
            true => format!(", or go on with the run in it: --resume {}", typed(.0)),
            false => String::new(),
        }
    )]
    NotEmpty(PathBuf),
    /// It is a file.
    #[error("{}: is a file; name a new directory with --run-dir", shown(.0))]
    NotADirectory(PathBuf),
    /// Another process trains into it.
    #[error("{}: is in use by another process; wait until that ends, or use another directory", shown(.0))]
    InUse(PathBuf),
    /// There is nothing to go on with.
    #[error(
        "{}: is no run directory, which holds config.toml and checkpoints{}",
        shown(.path),
        .within.as_ref().map_or_else(
            || "; name one, such as runs/NAME/001".to_owned(),
            |run| format!("; did you mean {}?", shown(&run))
        )
    )]
    NoRun {
        /// What was named.
        path: PathBuf,
        /// The run that it lies in.
        within: Option<PathBuf>,
    },
    /// It is not of the kind that is gone on with.
    #[error("{}: holds no {name}; name a directory that does", shown(.path))]
    Lacks {
        /// What was named.
        path: PathBuf,
        /// The file that makes it one.
        name: &'static str,
    },
    /// It cannot be made.
    #[error("{}: {source}; name another directory with --run-dir", shown(.path))]
    Unmakeable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its file system has no locks.
    #[error(
        "{}: its file system has no locks, by which other processes are kept away ({source}); mount it with them (`flock`), \
         or name a directory elsewhere with --run-dir",
        shown(.path)
    )]
    Unlockable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused.
    #[error("{}: {source}", shown(.path))]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The experiment that repeats a run. With it there is a run.
pub const CONFIG: &str = "config.toml";
/// What a run says about itself: [`crate::Meta`].
pub const META: &str = "meta.json";
/// What it came to, epoch by epoch: the same each time that a run is repeated.
pub const METRICS: &str = "metrics.jsonl";
/// How long its epochs took.
pub const TIMING: &str = "timing.jsonl";
/// What TensorBoard shows, which takes any file for its own that has `tfevents` in its name.
pub const EVENTS: &str = "events.out.tfevents.0.birnn";
/// The file that the program's own log goes to.
pub const LOG: &str = "train.log";
/// The folder of a run's checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The newest checkpoint.
pub const LAST: &str = "checkpoints/last.safetensors";
/// The one before.
pub const PREVIOUS: &str = "checkpoints/previous.safetensors";
/// The weights of the best epoch so far.
pub const BEST: &str = "checkpoints/best.safetensors";
/// The weights that the run came to.
pub const FINAL: &str = "model.safetensors";
/// The files of a run with weights in them, the one to use first.
pub const WEIGHTS: [&str; 4] = [FINAL, BEST, LAST, PREVIOUS];
/// The files that grow while a run goes on. A checkpoint knows how far each had grown, and they continue from
/// there.
pub const RECORDS: [&str; 4] = [METRICS, TIMING, LOG, EVENTS];

impl RunDir {
    /// The directory that the user chose: new or empty.
    pub fn chosen(path: &Path, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        RunDir::check(path)?;
        // The last folder alone is the run's, and may be made to fail.
        if let Some(above) = path.parent() {
            disk::create_folders(&disk::System, above).map_err(unmakeable(path))?;
        }
        disk::create_folders(&*disk, path).map_err(unmakeable(path))?;
        // Also where somebody else made it, whose flush nobody knows of.
        Folder::of(path).and_then(|above| disk.sync_folder(&above)).map_err(unmakeable(path))?;
        let run = RunDir::lock_new(path, disk)?;
        // Another process may have been quicker.
        RunDir::check_unlocked(path)?;
        Ok(run)
    }

    /// Whether a directory can be chosen, as far as can be told without making it.
    pub fn check(path: &Path) -> Result<(), RunDirError> {
        match RunDir::check_unlocked(path) {
            Err(RunDirError::NotEmpty(path)) if FolderLock::is_held(&path) => Err(RunDirError::InUse(path)),
            checked => checked,
        }
    }

    fn check_unlocked(path: &Path) -> Result<(), RunDirError> {
        if path.is_file() {
            return Err(RunDirError::NotADirectory(path.to_owned()));
        }
        disk::check_folders(path).map_err(unmakeable(path))?;
        let Ok(mut entries) = std::fs::read_dir(path) else { return Ok(()) };
        // What a process left that was killed before there was a config.toml is nothing to go on with.
        let nothing = |name: &OsStr| name == META || name == FolderLock::NAME || disk::is_partial(name);
        if entries.any(|entry| entry.is_ok_and(|entry| !nothing(&entry.file_name()))) {
            return Err(RunDirError::NotEmpty(path.to_owned()));
        }
        Ok(())
    }

    /// Whether there can be a next number under `runs/<name>/`, as far as can be told without making it.
    pub fn check_numbered(runs: &Path, name: &str) -> Result<(), RunDirError> {
        let folder = runs.join(name);
        disk::check_folders(&folder).map_err(unmakeable(&folder))
    }

    /// The next number under `runs/<name>/`.
    pub fn numbered(runs: &Path, name: &str, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        let folder = runs.join(name);
        disk::create_folders(&disk::System, &folder).map_err(unmakeable(&folder))?;
        let mut number = 1;
        for entry in std::fs::read_dir(&folder).map_err(io(&folder))? {
            let taken = entry.map_err(io(&folder))?.file_name().to_str().and_then(|name| name.parse().ok());
            number = number.max(taken.map_or(0, |taken: u32| taken.saturating_add(1)));
        }
        loop {
            let path = folder.join(format!("{number:03}"));
            match disk::create_folder(&*disk, &path) {
                Ok(()) => return RunDir::lock_new(&path, disk),
                // Another process was quicker.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < u32::MAX => {
                    number += 1;
                }
                Err(error) => return Err(unmakeable(&path)(error)),
            }
        }
    }

    /// The directory of a run to go on with.
    pub fn existing(path: &Path, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        if !is_run(path) {
            let within = path.ancestors().skip(1).take(2).find(|path| is_run(path)).map(Path::to_owned);
            return Err(RunDirError::NoRun { path: path.to_owned(), within });
        }
        RunDir::lock(path, disk)
    }

    /// The directory of something else that is gone on with, which holds a file `name`.
    pub fn with(path: &Path, name: &'static str, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        if !path.join(name).is_file() {
            return Err(RunDirError::Lacks { path: path.to_owned(), name });
        }
        RunDir::lock(path, disk)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it writes.
    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// That it is the directory of this run still.
    ///
    /// # Errors
    ///
    /// It was removed or renamed since: another run may have its name now, and is not to be written into.
    pub fn check_in_place(&self) -> Result<(), FileError> {
        let gone = || {
            std::io::Error::other(
                "was removed or renamed by somebody else while this process works in it: nothing more is written there",
            )
        };
        if self.lock.is_in_place() { Ok(()) } else { Err(FileError::of(self.path.clone())(gone())) }
    }

    /// Writes a whole file of the run, in place of the one of that name.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.replace(name, bytes, None)
    }

    /// As [`RunDir::write`]; the old file goes on under the name `keep`.
    pub fn replace(&self, name: &str, bytes: &[u8], keep: Option<&str>) -> Result<(), FileError> {
        let keep = keep.map(|name| self.path.join(name));
        self.in_place(|| disk::replace(self.disk(), &self.path.join(name), bytes, keep.as_deref()))
    }

    /// Writes into the directory, as long as it is that of this run.
    ///
    /// # Errors
    ///
    /// That of [`RunDir::check_in_place`], also where `write` fails because of it; or else that of `write`.
    pub fn in_place<T, E: From<FileError>>(&self, write: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.check_in_place()?;
        let written = write();
        if written.is_err() {
            self.check_in_place()?;
        }
        written
    }

    /// Makes a folder of the run, where it is missing.
    pub fn create_folder(&self, name: &str) -> Result<(), FileError> {
        let path = self.path.join(name);
        disk::create_folders(self.disk(), &path).map_err(FileError::of(path))
    }

    /// Removes what a killed process left of files in a folder of the run that nobody else writes to.
    pub fn remove_partial(&self, name: &str) -> Result<(), FileError> {
        let path = self.path.join(name);
        let folder = match Folder::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(FileError::of(&path))?,
        };
        for entry in std::fs::read_dir(&path).map_err(FileError::of(&path))? {
            let name = entry.map_err(FileError::of(&path))?.file_name();
            if disk::is_partial(&name) {
                self.disk.remove(&folder, &name).map_err(FileError::of(folder.join(&name)))?;
            }
        }
        Ok(())
    }

    /// Gives a damaged file a name that nothing looks for, and says which.
    pub fn set_aside(&self, name: &str) -> Result<PathBuf, FileError> {
        let path = self.path.join(name);
        disk::set_aside(self.disk(), &path).map_err(FileError::of(path))
    }

    /// The file that the program's own log goes to: begun here, unless the run was gone on with.
    pub fn log(&self) -> Result<RecordFile, FileError> {
        self.records.get(LOG)
    }

    /// Flushes the files that grow while the run goes on: a power cut takes nothing of them any more.
    pub fn flush_records(&self) -> Result<(), FileError> {
        self.records.marks().map(|_| ())
    }

    /// Whether one of the files that grow was begun since the last checkpoint.
    pub fn has_new_records(&self) -> bool {
        self.records.has_new()
    }

    /// The files that grow while the run goes on.
    pub fn records(&self) -> &RecordFiles {
        &self.records
    }

    /// As [`RunDir::lock`], of one that may just have been made: where there are no locks, it does not stay
    /// behind.
    fn lock_new(path: &Path, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        RunDir::lock(path, disk).inspect_err(|error| {
            if let RunDirError::Unlockable { .. } = error {
                let _ = std::fs::remove_file(path.join(FolderLock::NAME));
                // As far as it is empty.
                let _ = std::fs::remove_dir(path);
            }
        })
    }

    fn lock(path: &Path, disk: Arc<dyn Disk>) -> Result<RunDir, RunDirError> {
        let lock = FolderLock::try_take(path, |file| disk.lock_file(file)).map_err(|source| {
            match Errno::from_io_error(&source) {
                Some(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => {
                    RunDirError::Unlockable { path: path.to_owned(), source }
                }
                _ => io(path)(source),
            }
        })?;
        let lock = lock.ok_or_else(|| RunDirError::InUse(path.to_owned()))?;
        let records = RecordFiles::new(path, disk.clone());
        Ok(RunDir { path: path.to_owned(), disk, records, lock })
    }
}

/// Whether there is a run to go on with. An experiment alone, which a user may have written, is none: before
/// a run has one, it says of itself what it is, and soon records something.
pub(crate) fn is_run(path: &Path) -> bool {
    let has = |name: &str| path.join(name).exists();
    has(LAST) || has(PREVIOUS) || has(CONFIG) && (has(META) || RECORDS.into_iter().any(has))
}

fn unmakeable(path: &Path) -> impl FnOnce(std::io::Error) -> RunDirError {
    move |source| RunDirError::Unmakeable { path: path.to_owned(), source }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunDirError {
    move |source| RunDirError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn runs_take_the_next_number() {
        let runs = tempfile::tempdir().unwrap();
        let numbered = |name| RunDir::numbered(runs.path(), name, Arc::new(disk::System));
        let name = |run: &RunDir| run.path().strip_prefix(runs.path()).unwrap().to_owned();
        assert_eq!(name(&numbered("a").unwrap()), Path::new("a/001"));
        assert_eq!(name(&numbered("a").unwrap()), Path::new("a/002"));
        assert_eq!(name(&numbered("b").unwrap()), Path::new("b/001"));
        std::fs::create_dir_all(runs.path().join("a/017")).unwrap();
        std::fs::create_dir_all(runs.path().join("a/notes")).unwrap();
        assert_eq!(name(&numbered("a").unwrap()), Path::new("a/018"));
    }

    #[test]
    fn a_chosen_directory_is_new_or_empty_and_not_in_use() {
        let runs = tempfile::tempdir().unwrap();
        let path = runs.path().join("deep/er");
        let chosen = |path: &Path| RunDir::chosen(path, Arc::new(disk::System));
        let held = chosen(&path).unwrap();
        assert!(matches!(chosen(&path), Err(RunDirError::InUse(_))));
        held.write("config.toml", b"").unwrap();
        assert!(matches!(chosen(&path), Err(RunDirError::InUse(_))));
        drop(held);
        assert!(matches!(chosen(&path), Err(RunDirError::NotEmpty(_))));
        let file = runs.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(chosen(&file).unwrap_err().to_string().contains("file: "));
        // Killed before it had a run.
        let begun = runs.path().join("begun");
        std::fs::create_dir(&begun).unwrap();
        std::fs::write(begun.join("meta.json"), "{}").unwrap();
        std::fs::write(begun.join(".config.toml.partial"), "x").unwrap();
        std::fs::write(begun.join(".lock"), "").unwrap();
        drop(chosen(&begun).unwrap());
        assert!(!begun.join(".lock").exists(), "the lock leaves no file behind");
        // Looking whether a folder is in use leaves nothing in it.
        RunDir::check(runs.path()).unwrap_err();
        assert!(!runs.path().join(".lock").exists());
    }

    /// Somebody takes the folder away in the midst of a save, whenever it is, and another run has its name:
    /// that one's files are neither written to, nor renamed, nor removed.
    #[test]
    fn a_save_does_nothing_to_the_run_that_has_its_name_meanwhile() {
        let others = [LAST, PREVIOUS, "checkpoints/.last.safetensors.partial"];
        // The first operation is to lock the folder.
        for at in 2.. {
            let runs = tempfile::tempdir().unwrap();
            let [path, moved] = ["run", "moved"].map(|name| runs.path().join(name));
            let (run, to) = (path.clone(), moved.clone());
            let is_taken = Arc::new(AtomicBool::new(false));
            let taken = is_taken.clone();
            let disk = disk::Faulty::new(at, false, move || {
                std::fs::rename(&run, &to)?;
                std::fs::create_dir_all(run.join(CHECKPOINTS))?;
                others.iter().try_for_each(|name| std::fs::write(run.join(name), "another's"))?;
                taken.store(true, Ordering::Relaxed);
                Ok(())
            });
            std::fs::create_dir_all(path.join(CHECKPOINTS)).unwrap();
            std::fs::write(path.join(LAST), "before").unwrap();
            let run = RunDir::with(&path, LAST, Arc::new(disk)).unwrap();
            let saved = run.replace(LAST, b"after", Some(PREVIOUS));
            if !is_taken.load(Ordering::Relaxed) {
                saved.unwrap();
                assert!(at > 7, "a save is that many operations at least");
                break;
            }
            for name in others {
                assert_eq!(std::fs::read(path.join(name)).unwrap(), b"another's", "{name} at {at}");
            }
            let kept = [LAST, PREVIOUS].map(|name| std::fs::read_to_string(moved.join(name)).ok());
            assert_eq!(kept, [Some("after".to_owned()), Some("before".to_owned())], "at {at}: {saved:?}");
            let again = run.write(META, b"{}").unwrap_err().to_string();
            assert!(again.contains("was removed or renamed"), "{again}");
        }
    }

    /// The disk's own error is not what is wrong.
    #[test]
    fn a_save_into_a_folder_that_is_gone_says_so() {
        let runs = tempfile::tempdir().unwrap();
        let path = runs.path().join("run");
        let run = path.clone();
        let disk = disk::Faulty::new(2, false, move || std::fs::remove_dir_all(&run));
        std::fs::create_dir_all(path.join(CHECKPOINTS)).unwrap();
        std::fs::write(path.join(LAST), "before").unwrap();
        let run = RunDir::with(&path, LAST, Arc::new(disk)).unwrap();
        let error = run.replace(LAST, b"after", Some(PREVIOUS)).unwrap_err().to_string();
        assert!(error.contains("run: was removed or renamed"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn only_a_run_is_gone_on_with() {
        let runs = tempfile::tempdir().unwrap();
        let existing = |path: &Path| RunDir::existing(path, Arc::new(disk::System));
        let refused = |path: &Path| existing(path).unwrap_err().to_string();
        assert!(
            refused(&runs.path().join("none"))
                .contains("none: is no run directory, which holds config.toml and checkpoints; name one")
        );
        assert!(matches!(existing(runs.path()), Err(RunDirError::NoRun { within: None, .. })));
        std::fs::write(runs.path().join("config.toml"), "").unwrap();
        assert!(
            matches!(existing(runs.path()), Err(RunDirError::NoRun { .. })),
            "an experiment that a user wrote is no run"
        );
        std::fs::write(runs.path().join("meta.json"), "{}").unwrap();
        let run = shown(runs.path());
        for within in ["config.toml", "checkpoints/last.safetensors"] {
            assert!(refused(&runs.path().join(within)).ends_with(&format!("; did you mean {run}?")));
        }
        let held = existing(runs.path()).unwrap();
        assert!(matches!(existing(runs.path()), Err(RunDirError::InUse(_))));
        drop(held);
    }
}
