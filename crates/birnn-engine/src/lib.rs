//! Trains and evaluates birnn networks.
//!
//! A [`Plan`](birnn_experiment::Plan) is what is run; data moves to the device as it was read, images as
//! bytes ([`Samples`]); [`train`] runs the one loop on a [`Learner`], a network with its task, and tells
//! [`Observer`]s how it goes; [`Checkpoints`] in a [`RunDir`](birnn_run::RunDir) hold all that a [`Resumed`]
//! run needs to go on. This crate joins data and model. It prints nothing.

mod average;
mod checkpoint;
pub mod contention;
mod cpu_backend;
pub mod device;
mod embedding;
mod error;
mod handshake;
mod health;
mod hiding;
mod learner;
mod loss;
mod memory;
mod observer;
mod optimizer;
mod record;
mod resume;
pub mod run;
mod samples;
mod shards;
pub mod startup;
mod state;
pub mod sweep;
mod tensorboard;
mod tokens;
mod train;
mod weights;

pub use birnn_distributed::Ranks;
pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints, PassedOver};
pub use device::DeviceError;
pub use error::EngineError;
pub use hiding::Hiding;
pub use learner::{Learner, StepOutput};
pub use loss::{Loss, Lowered, Transitions};
pub use observer::{Control, Observer, StepContext, Timed};
pub use optimizer::{Optimizer, flat};
pub use record::Record;
pub use resume::{ResumeError, Resumed};
pub use samples::{Batch, Order, Samples};
pub use state::State;
pub use tch::Device;
pub use tensorboard::TensorBoard;
pub use tokens::{WordDropout, on_device};
pub use train::{Trained, TrainingData, train};
pub use weights::{LoadError, load, save};
