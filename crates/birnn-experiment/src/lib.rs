//! Experiment files: read, `--set`, check, resolve.
//!
//! [`Experiment`] is what the user wrote; [`Plan`] is what is run, every value present and valid. A
//! [`Source`] is a file in memory, with what the command line changes of it: every error names the file and
//! the line, or the `--set`, that it comes from, and can show it. This crate computes nothing and needs no
//! libtorch.

mod class_weights;
mod deserialize;
mod device;
mod differing;
mod error;
mod experiment;
mod invalid;
mod message;
mod optimizer;
mod schedule;
mod schema;
mod show;
mod source;
mod span;
mod sweep;
mod task;
#[cfg(test)]
mod tests;
mod train;
mod trials;

pub use class_weights::{Balanced, ClassWeights};
pub use device::DeviceChoice;
pub use differing::{differing, leaves};
pub use error::ExperimentError;
pub use experiment::{Experiment, Plan};
pub use invalid::Invalid;
pub use optimizer::{Adam, Algorithm, OptimizerConfig, OptimizerKind, Sgd};
pub use schedule::{Schedule, ScheduleConfig, ScheduleKind};
pub use schema::schema;
pub use source::Source;
pub use sweep::{MOST_RUNS, Seeds, SweepConfig, Trial};
pub use task::{HideConfig, Leak, RegressionLoss, TaskConfig, TaskKind, TaskPlan};
pub use train::{EarlyStop, Monitor, TrainConfig, TrainPlan};
