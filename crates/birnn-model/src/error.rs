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
    /// A batch of unequal lengths has no sequence.
    #[error("a batch of no sequence")]
    NoSequence,
    /// A sequence has no step.
    #[error("sequence {index} of the batch has no time step")]
    EmptySequence {
        /// Which one, from 0.
        index: usize,
    },
    /// The values are not those of sequences of the given lengths.
    #[error("values of sequences of these lengths must be [{rows}, {width}], are {found:?}")]
    RaggedShape {
        /// Steps of all, or sequences.
        rows: i64,
        /// Values of each.
        width: i64,
        /// The shape that was given.
        found: Vec<i64>,
    },
    /// The net reads values, and tokens are asked about; or it reads tokens, and has no vectors for them.
    #[error("words are read by a net with an embedding alone, which is built for `Inputs::Tokens`")]
    NoEmbedding,
    /// The net reads characters, and was given none.
    #[error("the net reads the characters of words, and was not told how they are spelt")]
    NoSpellings,
    /// libtorch refused: out of memory, tensors on different devices.
    #[error("libtorch: {}", .0.to_string().lines().next().unwrap_or("unknown error"))]
    Torch(#[from] TchError),
}
