//! `meta.json`: what a run says about itself, and each session in which it was worked on.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{FolderLock, Recorded};
use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::run_dir::{META, RunDir};
use crate::status::Status;

/// The version of libtorch that this birnn is built for.
pub const LIBTORCH: &str = "2.11.0";

/// What a CPU computes with. With something else sums are rounded otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Threads that share the work.
    pub threads: i32,
    /// The name of the vector instructions.
    pub instructions: String,
}

/// What a run records about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// What the run is filed under.
    pub name: String,
    /// The experiment's seed.
    pub seed: u32,
    /// Where it computes.
    pub device: String,
    /// The version of libtorch that birnn was built for.
    pub libtorch: String,
    /// How it stands.
    pub status: Status,
    /// One for each process that trained it, in order.
    pub sessions: Vec<Session>,
    /// Where the data came from.
    pub data: serde_json::Value,
}

/// One process that trained a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The command line.
    pub command: Vec<String>,
    /// Steps that had been taken when it began.
    pub from_step: usize,
    /// How it ended, if it did.
    pub status: Status,
    /// When it started, RFC 3339, UTC.
    pub start: String,
    /// When it ended.
    pub end: Option<String>,
    /// The name of the machine.
    pub host: String,
    /// What its CPU computed with.
    pub cpu: Cpu,
    /// The version of birnn.
    pub birnn: String,
    /// The git revision that birnn was built from, where it was built from one.
    pub revision: Option<String>,
}

/// `meta.json` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; put back a copy of it, or move it away", shown(.path))]
pub struct MetaError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: MetaProblem,
}

/// Why `meta.json` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MetaProblem {
    /// The system would not have it: it may be a good one.
    #[error("{0}")]
    Io(std::io::Error),
    /// It says nothing that is understood.
    #[error("is not what a run says of itself: {0}")]
    Damaged(serde_json::Error),
}

impl Meta {
    /// Writes `meta.json`.
    pub fn write(&self, run: &RunDir) -> Result<(), FileError> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| FileError::of(run.path().join(META))(error.into()))?;
        text.push(b'\n');
        run.write(META, &text)
    }

    /// What the run in `folder` recorded so far.
    pub fn read(folder: &Path) -> Result<Meta, MetaError> {
        let path = folder.join(META);
        let read = std::fs::read(&path).map_err(MetaProblem::Io);
        let meta = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(MetaProblem::Damaged));
        meta.map_err(|problem| MetaError { path, problem })
    }

    /// As [`Meta::read`]; `None` where there is no such file.
    pub fn find(folder: &Path) -> Result<Option<Meta>, MetaError> {
        match Meta::read(folder) {
            Err(MetaError { problem: MetaProblem::Io(error), .. }) if error.kind() == ErrorKind::NotFound => {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// What a run recorded so far. What is there and says nothing that is understood is not written over: it
    /// gets another name, which is given.
    pub fn take_up(run: &RunDir) -> Result<(Option<Meta>, Option<PathBuf>), FileError> {
        match Meta::find(run.path()) {
            Ok(meta) => Ok((meta, None)),
            Err(MetaError { path, problem: MetaProblem::Io(error) }) => Err(FileError::of(path)(error)),
            Err(MetaError { problem: MetaProblem::Damaged(_), .. }) => Ok((None, Some(run.set_aside(META)?))),
        }
    }

    /// How the run in `folder` stands, whose account this is: one that says that it trains, and is in use by
    /// no process, was killed.
    pub fn status_in(&self, folder: &Path) -> Status {
        if FolderLock::is_held(folder) { self.status.clone() } else { self.status.ended() }
    }

    /// Where the data came from, to be asked.
    pub fn recorded(&self) -> Recorded<'_> {
        Recorded(&self.data)
    }

    /// Says how things stand, for the run and for the session that goes on; `end` is when it ended.
    pub fn now(&mut self, status: Status, end: Option<String>) {
        if let Some(session) = self.sessions.last_mut() {
            (session.status, session.end) = (status.clone(), end);
        }
        self.status = status;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::System;

    #[test]
    fn what_is_not_understood_is_kept_and_what_cannot_be_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        assert!(matches!(Meta::take_up(&run), Ok((None, None))));
        let path = run.path().join(META);
        std::fs::write(&path, r#"{"of": "another birnn"}"#).unwrap();
        let (meta, kept) = Meta::take_up(&run).unwrap();
        assert!(meta.is_none() && !path.exists());
        assert!(std::fs::read_to_string(kept.unwrap()).unwrap().contains("another birnn"));
        // A folder cannot be read.
        std::fs::create_dir(&path).unwrap();
        assert!(Meta::take_up(&run).unwrap_err().to_string().contains("meta.json: "));
        assert!(
            Meta::find(run.path())
                .unwrap_err()
                .to_string()
                .ends_with("; put back a copy of it, or move it away")
        );
        assert!(path.exists());
    }
}
