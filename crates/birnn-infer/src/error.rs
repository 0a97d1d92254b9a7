//! Why a weights file cannot be used, or not be written.

use std::io;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_run::FileError;

use crate::format::{FORMAT, OLDEST_FORMAT};

/// Why a weights file or checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(.path))]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right.
    pub problem: WeightsProblem,
}

/// What is wrong with a weights file or checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WeightsProblem {
    /// The system cannot read it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is damaged, or not for what it is wanted for.
    #[error("{0}")]
    Unusable(String),
    /// Nothing in it says that it is one of birnn's.
    #[error("not a weights file of birnn, or one cut short: {0}")]
    Foreign(String),
    /// It may be as good as any, and this birnn does not know its format.
    #[error(
        "its format is {format}, and birnn {} reads {OLDEST_FORMAT} to {FORMAT}: {} reads it",
        env!("CARGO_PKG_VERSION"), writer(*.format)
    )]
    Format {
        /// The version of its description.
        format: u32,
    },
}

/// Who reads a format that this birnn does not.
fn writer(format: u32) -> &'static str {
    if format > FORMAT { "a newer birnn" } else { "the older birnn that its run's meta.json names" }
}

impl From<String> for WeightsProblem {
    fn from(problem: String) -> WeightsProblem {
        WeightsProblem::Unusable(problem)
    }
}

impl From<&str> for WeightsProblem {
    fn from(problem: &str) -> WeightsProblem {
        problem.to_owned().into()
    }
}

/// For `map_err`: joins a problem with the file it is about.
pub fn wrong<P: Into<WeightsProblem>>(path: &Path) -> impl Fn(P) -> WeightsError {
    move |problem| WeightsError { path: path.to_owned(), problem: problem.into() }
}

/// Why a net is not written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is so large that its checkpoints could not be read again.
    #[error(
        "a checkpoint of this net can take {size} bytes, and {largest} are the limit; make `model.hidden` \
         smaller"
    )]
    TooLarge {
        /// Bytes of a checkpoint.
        size: u64,
        /// Bytes of the largest that is read.
        largest: u64,
    },
    /// It is for images or classes that no file of ours describes.
    #[error("{0}, so the weights could not be read again")]
    Unreadable(String),
}

/// Why weights were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// They could not be read again.
    #[error("{}: {source}", shown(.path))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ManifestError,
    },
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
