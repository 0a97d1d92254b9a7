//! What can go wrong once an experiment is under way.

use birnn_distributed::RankError;
use birnn_infer::{ManifestError, SaveError};
use birnn_model::ModelError;
use birnn_run::FileError;
use tch::TchError;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The network refused its input or could not be built.
    #[error(transparent)]
    Model(ModelError),
    /// libtorch refused: out of memory, most often.
    #[error("libtorch: {}", told(.0))]
    Torch(#[from] TchError),
    /// A loss, gradient or parameter is not a finite number any more.
    #[error(
        "step {step}: {what} is {value}: the training has diverged; train anew with a lower \
         `train.optimizer.lr`, a warm-up (`train.schedule.warmup_steps`), or clipping (`train.clip_norm`, \
         such as 1.0)"
    )]
    Diverged {
        /// From 1, over the whole run.
        step: usize,
        /// What is not finite.
        what: &'static str,
        /// NaN or infinite.
        value: f64,
    },
    /// Answers are too far off for a number to say it.
    #[error(
        "the error of the answers, in the units of the targets, is {0}: too large for a number of 32 bits; if a target such \
         as -3.4e38 stands for one that is missing, leave its rows out"
    )]
    TooFarOff(f64),
    /// The other processes of the training cannot be had, or no longer.
    #[error(transparent)]
    Rank(#[from] RankError),
    /// The processes are not about the same run.
    #[error(
        "{who} differs from {first}: {differences}; all processes need the same experiment, data and birnn, and as many \
         threads and the same instructions (BIRNN_INSTRUCTIONS) each"
    )]
    RanksDiffer {
        /// The rank and its host.
        who: String,
        /// Rank 0 and its host.
        first: String,
        /// What is what on it, and on rank 0.
        differences: String,
    },
    /// The processes have come to different parameters, which no two that compute right can.
    #[error(
        "{who}: its parameters after step {step} are not those of {first}: memory or a processor has failed on one of \
         them; test both, and go on from the last checkpoint"
    )]
    RanksDrifted {
        /// The rank and its host.
        who: String,
        /// Rank 0 and its host.
        first: String,
        /// The step.
        step: usize,
    },
    /// The net is one that no file of ours can hold.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The weights are of a net that could not be read again.
    #[error(transparent)]
    Save(SaveError),
    /// A file could not be written or read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<ModelError> for EngineError {
    fn from(error: ModelError) -> EngineError {
        match error {
            // The same fault, wherever it was met.
            ModelError::Torch(error) => EngineError::Torch(error),
            error => EngineError::Model(error),
        }
    }
}

impl From<SaveError> for EngineError {
    fn from(error: SaveError) -> EngineError {
        match error {
            // What can be mended, as with any other file of the run.
            SaveError::File(error) => EngineError::File(error),
            error => EngineError::Save(error),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_memory_is_told_the_same_wherever_it_was_met() {
        let lack = || TchError::Torch("CUDA out of memory. Tried to allocate 2 GiB\nstack".to_owned());
        let told = EngineError::from(lack()).to_string();
        assert!(told.contains("out of memory; free some") && !told.contains('\n'), "{told}");
        assert_eq!(EngineError::from(ModelError::Torch(lack())).to_string(), told);
    }
}
