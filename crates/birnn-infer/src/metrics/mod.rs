//! Metrics, one file each. Each is summed sample by sample, in order, so that it depends on no batch.

mod confusion;
mod cross_entropy;
mod regression;

pub use confusion::{ClassScore, Confusion};
pub(crate) use cross_entropy::{CrossEntropy, exponentials};
pub use regression::{ErrorSums, NumberScore};
