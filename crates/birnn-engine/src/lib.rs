//! Trains and evaluates birnn networks.
//!
//! An [`Experiment`], as a user wrote it, is resolved once into a [`Plan`]; data moves to the device as bytes
//! ([`Samples`]); [`train`] runs the one loop on a [`Learner`], a network with its task, and tells [`Observer`]s how it
//! goes; weights are kept in a [`RunDir`]. This crate joins data and model. It prints nothing.

mod checkpoint;
mod config;
pub mod device;
mod error;
mod experiment;
mod files;
mod learner;
mod observer;
mod optimizer;
mod record;
mod run_dir;
mod samples;
mod schedule;
mod task;
mod train;

pub use checkpoint::{About, Checkpoints, WeightsError, load, save};
pub use config::{EarlyStop, TrainConfig, TrainPlan};
pub use device::{DeviceChoice, DeviceError};
pub use error::EngineError;
pub use experiment::{Experiment, ExperimentError, Invalid, Plan, Source};
pub use learner::Learner;
pub use observer::{Epoch, Observer, Step};
pub use optimizer::{Adam, Optimizer, OptimizerConfig, OptimizerKind, Rule, Sgd};
pub use record::Record;
pub use run_dir::{Meta, RunDir, RunDirError};
pub use samples::{Batch, Samples};
pub use schedule::{Schedule, ScheduleConfig, ScheduleKind};
pub use task::{ClassScore, Classification, Evaluation, Tally};
pub use tch::Device;
pub use train::{Trained, TrainingData, train};
