//! A run's own directory: numbered, locked, never overwritten.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::EngineError;
use crate::files::write_atomically;

/// The directory of a run in progress. It stays locked against a second process until this is dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// The lock is on the open directory itself, so that no lock file outlives a crash.
    _lock: File,
}

/// Why a run directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// The directory chosen by the user holds something.
    #[error("{}: is not empty, and runs are never overwritten; name a new directory with --run-dir", .0.display())]
    NotEmpty(PathBuf),
    /// It is a file.
    #[error("{}: is a file; name a new directory with --run-dir", .0.display())]
    NotADirectory(PathBuf),
    /// Another process trains into it.
    #[error("{}: is in use by another process; name another directory with --run-dir", .0.display())]
    InUse(PathBuf),
    /// The system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a run records about itself: `meta.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Meta {
    /// `running`, `done`, or `failed: ` and why.
    pub status: String,
    /// What the run is filed under.
    pub name: String,
    /// The experiment's seed.
    pub seed: u32,
    /// The command line.
    pub command: Vec<String>,
    /// Where it computed.
    pub device: String,
    /// libtorch's threads.
    pub threads: i32,
    /// The name of the machine.
    pub host: String,
    /// When it started, RFC 3339, UTC.
    pub start: String,
    /// When it ended.
    pub end: Option<String>,
    /// The version of birnn.
    pub birnn: String,
    /// The git revision that birnn was built from, where it was built from one.
    pub revision: Option<String>,
    /// The version of libtorch that birnn was built for.
    pub libtorch: String,
    /// Where the data came from.
    pub data: serde_json::Value,
}

impl RunDir {
    /// The directory that the user chose: new or empty.
    pub fn chosen(path: &Path) -> Result<RunDir, RunDirError> {
        RunDir::check(path)?;
        std::fs::create_dir_all(path).map_err(io(path))?;
        let run = RunDir::lock(path)?;
        // Another process may have been quicker.
        RunDir::check(path)?;
        run.with_checkpoints()
    }

    /// Whether a directory can be chosen, as far as can be told without making it.
    pub fn check(path: &Path) -> Result<(), RunDirError> {
        if path.is_file() {
            return Err(RunDirError::NotADirectory(path.to_owned()));
        }
        match std::fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
            Ok(true) if RunDir::lock(path).is_ok() => Err(RunDirError::NotEmpty(path.to_owned())),
            Ok(true) => Err(RunDirError::InUse(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// The next number under `runs/<name>/`.
    pub fn numbered(runs: &Path, name: &str) -> Result<RunDir, RunDirError> {
        let folder = runs.join(name);
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        let mut number = 1;
        for entry in std::fs::read_dir(&folder).map_err(io(&folder))? {
            let taken = entry.map_err(io(&folder))?.file_name().to_str().and_then(|name| name.parse().ok());
            number = number.max(taken.map_or(0, |taken: u32| taken.saturating_add(1)));
        }
        loop {
            let path = folder.join(format!("{number:03}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return RunDir::lock(&path)?.with_checkpoints(),
                // Another process was quicker.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(io(&path)(error)),
            }
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run's weights go while it trains.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Writes a whole file of the run.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), EngineError> {
        write_atomically(&self.path.join(name), bytes)
    }

    /// Writes `meta.json`.
    pub fn write_meta(&self, meta: &Meta) -> Result<(), EngineError> {
        let path = self.path.join("meta.json");
        let mut text =
            serde_json::to_vec_pretty(meta).map_err(|error| EngineError::io(&path)(error.into()))?;
        text.push(b'\n');
        write_atomically(&path, &text)
    }

    fn lock(path: &Path) -> Result<RunDir, RunDirError> {
        let lock = File::open(path).map_err(io(path))?;
        match lock.try_lock() {
            Ok(()) => Ok(RunDir { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(RunDirError::InUse(path.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => Err(io(path)(error)),
        }
    }

    fn with_checkpoints(self) -> Result<RunDir, RunDirError> {
        let folder = self.checkpoints();
        std::fs::create_dir(&folder).map_err(io(&folder))?;
        Ok(self)
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunDirError {
    move |source| RunDirError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_take_the_next_number() {
        let runs = tempfile::tempdir().unwrap();
        let name = |run: &RunDir| run.path().strip_prefix(runs.path()).unwrap().to_owned();
        assert_eq!(name(&RunDir::numbered(runs.path(), "a").unwrap()), Path::new("a/001"));
        assert_eq!(name(&RunDir::numbered(runs.path(), "a").unwrap()), Path::new("a/002"));
        assert_eq!(name(&RunDir::numbered(runs.path(), "b").unwrap()), Path::new("b/001"));
        std::fs::create_dir_all(runs.path().join("a/017")).unwrap();
        std::fs::create_dir_all(runs.path().join("a/notes")).unwrap();
        assert_eq!(name(&RunDir::numbered(runs.path(), "a").unwrap()), Path::new("a/018"));
    }

    #[test]
    fn a_chosen_directory_is_new_or_empty_and_not_in_use() {
        let runs = tempfile::tempdir().unwrap();
        let path = runs.path().join("deep/er");
        let held = RunDir::chosen(&path).unwrap();
        assert!(matches!(RunDir::chosen(&path), Err(RunDirError::InUse(_))));
        drop(held);
        assert!(matches!(RunDir::chosen(&path), Err(RunDirError::NotEmpty(_))));
        let file = runs.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(RunDir::chosen(&file).unwrap_err().to_string().contains("file: "));
    }
}
