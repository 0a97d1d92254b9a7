//! Several runs compared: what differs in their settings and results, and what the same test samples say of
//! their nets.

mod comparison;
mod report;
mod run;
mod score;
mod seed_groups;
mod test_samples;
mod text;

pub use comparison::{Comparison, Evidence, Pair, Verdict};
pub use report::{ComparisonReport, PairReport, SeedGroup};
pub use run::ComparedRun;
pub use score::{ClassesScore, NumbersScore, PerplexityScore, Score};
pub use seed_groups::seed_groups;
pub use test_samples::{NotComparable, TestSamples, common_test_samples};

#[cfg(test)]
pub(crate) use comparison::made_up;
