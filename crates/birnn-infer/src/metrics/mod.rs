//! Metrics, one file each. Each is summed sample by sample, in order, so that it depends on no batch.

mod confusion;
mod cross_entropy;
mod known_words;
mod regression;
mod spans;

pub(crate) use confusion::ClassCounts;
pub use confusion::{ClassScore, Confusion, MOST_CONFUSED};
pub(crate) use cross_entropy::{CrossEntropy, exponentials};
pub use known_words::{KnownWords, WordScore};
pub use regression::{ErrorSums, NumberScore};
pub use spans::{ReadingScores, SpanCounts, SpanScore, SpanScores, TypeScore};
