//! Why an experiment cannot be run.

use std::path::{Path, PathBuf};

use birnn_data::name::{shown, typed};

/// Why an experiment cannot be run as asked for.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file cannot be read.
    #[error("{}: {source}{}", shown(.path), hint(.path))]
    Read {
        /// The experiment file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{place}: {message}")]
    Wrong {
        /// The file with its line and column, or the argument of the command line.
        place: String,
        /// The dotted key of the setting that it is about, if it is about one.
        key: Option<String>,
        /// What is wrong and what would be right.
        message: String,
        /// The line in question with carets below, where there is one.
        excerpt: Option<String>,
    },
    /// The user's own files are not where the command line says.
    #[error(transparent)]
    Files(#[from] birnn_data::FileError),
}

impl ExperimentError {
    /// The line in question, with its number and with carets below what is wrong.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            ExperimentError::Read { .. } | ExperimentError::Files(_) => None,
            ExperimentError::Wrong { excerpt, .. } => excerpt.as_deref(),
        }
    }

    /// The dotted key of the setting that it is about, if it is about one.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            ExperimentError::Read { .. } | ExperimentError::Files(_) => None,
            ExperimentError::Wrong { key, .. } => key.as_deref(),
        }
    }
}

/// What may be meant where a path is no experiment file.
fn hint(path: &Path) -> String {
    match (path.join("config.toml").is_file(), path.is_dir(), path.exists()) {
        (true, ..) => format!("; it is a run: to go on with it, --resume {}", typed(path)),
        (_, true, _) => "; an experiment is a TOML file, such as configs/bilstm.toml".to_owned(),
        (.., false) => "; name an experiment file, such as configs/bilstm.toml".to_owned(),
        _ => String::new(),
    }
}
