//! Trains and evaluates birnn networks.
//!
//! An [`Experiment`], as a user wrote it, is resolved once into a [`Plan`]; data moves to the device as
//! bytes ([`Samples`]); [`train`] runs the one loop on a [`Learner`], a network with its task, and tells
//! [`Observer`]s how it goes; [`Checkpoints`] in a [`RunDir`] hold all that a [`Resumed`] run needs to go
//! on. This crate joins data and model. It prints nothing.

mod about;
mod checkpoint;
pub mod clock;
mod config;
pub mod contention;
pub mod device;
mod differing;
pub mod disk;
mod error;
mod experiment;
mod fused;
mod health;
mod layout;
mod learner;
mod memory;
mod meta;
mod observer;
mod optimizer;
mod record;
mod record_file;
mod resume;
mod run_dir;
mod samples;
mod schedule;
pub mod startup;
mod state;
mod task;
mod tensorboard;
mod train;
mod weights;

pub use about::{About, LARGEST_SIDE};
pub use checkpoint::{Checkpoint, Checkpoints, WEIGHTS};
pub use config::{EarlyStop, TrainConfig, TrainPlan};
pub use device::{DeviceChoice, DeviceError};
pub use differing::differing;
pub use error::EngineError;
pub use experiment::{Experiment, ExperimentError, Invalid, Plan, Seeds, Source, SweepConfig, Trial, schema};
pub use learner::{Learner, Pass};
pub use meta::{Meta, Session};
pub use observer::{Epoch, Look, Observer, Step, Timed, Timing, Wish};
pub use optimizer::{Adam, Optimizer, OptimizerConfig, OptimizerKind, Rule, Sgd, flat};
pub use record::{MetricsLine, Record};
pub use record_file::{LostRecord, RecordFile};
pub use resume::{ResumeError, Resumed, changed_files};
pub use run_dir::{LOG, META, METRICS, RunDir, RunDirError, TIMING};
pub use samples::{Batch, Order, Samples};
pub use schedule::{Schedule, ScheduleConfig, ScheduleKind};
pub use state::State;
pub use task::{ClassScore, Classification, Evaluation, Mistake, Tally};
pub use tch::Device;
pub use tensorboard::TensorBoard;
pub use train::{Trained, TrainingData, train};
pub use weights::{WeightsError, WeightsProblem, load, save};

/// The version of libtorch that this is built for.
pub const LIBTORCH: &str = "2.11.0";
