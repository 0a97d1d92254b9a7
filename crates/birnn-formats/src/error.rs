//! Why a file of weights cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

/// A weights file that cannot be read, or does not hold what is wanted.
#[derive(thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct FormatError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right, on one line.
    pub problem: String,
}

/// What `main` shows of an error that it returns.
impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FormatError {
    /// For `map_err`: joins a problem with the file it is about.
    pub(crate) fn about(path: &Path) -> impl Fn(String) -> FormatError {
        move |problem| FormatError { path: path.to_owned(), problem }
    }
}
