//! Why a net could not be written.

use crate::Mismatch;

/// The most bytes of a message of protocol buffers.
pub(super) const LIMIT: u64 = i32::MAX as u64;

/// Why a net could not be written as ONNX.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The weights are not the net's.
    #[error(transparent)]
    Weights(#[from] Mismatch),
    /// The graph would be given values where the net reads tokens, or the other way round.
    #[error(
        "a graph of `{input}` is no graph of this net: a net with vectors for words reads `words`, and no other"
    )]
    Input {
        /// The name of the input.
        input: &'static str,
    },
    /// Means and deviations are not one for each feature, not finite, or no deviations.
    #[error(
        "{features} features are standardised by {features} means and {features} deviations above 0, all finite"
    )]
    Standardise {
        /// Of the net.
        features: usize,
    },
    /// Protocol buffers, and so ONNX in one file, end at 2 GiB.
    #[error("the net takes {bytes} bytes, and an ONNX file can have {LIMIT}")]
    TooLarge {
        /// What the file would take; of a net that is too large by its weights alone, what these take.
        bytes: u64,
    },
}
