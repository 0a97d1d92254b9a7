//! A file that the system would not have.

use std::path::PathBuf;

use birnn_data::name::shown;

/// A file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", shown(.path))]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl FileError {
    /// For `map_err`: joins an I/O error with the file it is about.
    pub fn of(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> FileError {
        let path = path.into();
        move |source| FileError { path, source }
    }
}
