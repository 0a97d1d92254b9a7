//! What can go wrong when a net is built or run.

use tch::TchError;

use birnn_architecture::ConfigError;

/// Why a net could not be built or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such net.
    #[error(transparent)]
    Architecture(#[from] ConfigError),
    /// The input has not three dimensions, or not the features that the net was built for.
    #[error("input must be [batch, time >= 1, {features}], is {found:?}")]
    InputShape {
        /// Features per time step that the net was built for.
        features: i64,
        /// The shape that was given.
        found: Vec<i64>,
    },
    /// There is no sequence, or one without a step.
    #[error("{}", match index {
        Some(index) => format!("sequence {index} of the batch has no time step"),
        None => "a batch of no sequence".to_owned(),
    })]
    EmptySequence {
        /// Which one, from 0.
        index: Option<usize>,
    },
    /// The values are not those of sequences of the given lengths, one after the other.
    #[error("values of {steps} steps in all must be [{steps}, {features}], are {found:?}")]
    RaggedShape {
        /// The sum of the lengths.
        steps: i64,
        /// Features per time step that the net was built for.
        features: i64,
        /// The shape that was given.
        found: Vec<i64>,
    },
    /// libtorch refused: out of memory, tensors on different devices.
    #[error("libtorch: {}", .0.to_string().lines().next().unwrap_or("unknown error"))]
    Torch(#[from] TchError),
}
