//! What can go wrong once an experiment is under way.

use std::path::PathBuf;

use birnn_data::name::shown;
use birnn_model::ModelError;
use tch::TchError;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The network refused its input or could not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// libtorch refused: out of memory, most often.
    #[error("libtorch: {}", told(.0))]
    Torch(#[from] TchError),
    /// A loss, gradient or parameter is not a finite number any more.
    #[error(
        "step {step}: {what} is {value}: the training has diverged; train anew with a lower `train.optimizer.lr`, a \
         warm-up (`train.schedule.warmup_steps`), or clipping (`train.clip_norm`, such as 1.0)"
    )]
    Diverged {
        /// From 1, over the whole run.
        step: usize,
        /// What is not finite.
        what: &'static str,
        /// NaN or infinite.
        value: f64,
    },
    /// The net is so large that its checkpoints could not be read again.
    #[error(
        "a checkpoint of this net can take {size} bytes, and {largest} are the limit; make `model.hidden` smaller"
    )]
    TooLarge {
        /// Bytes of a checkpoint.
        size: u64,
        /// Bytes of the largest that is read.
        largest: u64,
    },
    /// The net is for images or classes that no file of ours describes.
    #[error("{0}, so the weights could not be read again")]
    Unreadable(String),
    /// A file could not be written or read.
    #[error("{}: {source}", shown(.path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What libtorch says, without the stack that it was in.
fn told(error: &TchError) -> String {
    let said = error.to_string();
    match said.contains("alloc_cpu") || said.contains("out of memory") {
        true => {
            "out of memory; free some, or ask for less: a smaller net, batch or share of the data".to_owned()
        }
        false => said.lines().next().unwrap_or("unknown error").to_owned(),
    }
}

impl EngineError {
    /// For `map_err`: joins an I/O error with the file it is about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> EngineError {
        let path = path.into();
        move |source| EngineError::Io { path, source }
    }
}
