//! What a run is on disk: a directory, numbered and locked; files that are replaced whole or not at all;
//! records that grow, and are cut back to a checkpoint when the run goes on.
//!
//! Everything is asked of a [`Disk`](disk::Disk), so that any operation can be made to fail or written down.
//! This crate knows no net and no libtorch.

pub mod clock;
pub mod disk;
mod error;
mod find;
mod meta;
mod record_file;
mod run_dir;
mod status;
mod weights;

pub use error::FileError;
pub use find::{RunsFound, find_runs};
pub use meta::{Cpu, LIBTORCH, Meta, MetaError, MetaProblem, Session};
pub use record_file::{LostRecord, Mark, RecordFile, RecordFiles};
pub use run_dir::{
    BEST, CHECKPOINTS, CONFIG, EVENTS, FINAL, LAST, LOG, META, METRICS, PREVIOUS, RECORDS, RunDir,
    RunDirError, TIMING, WEIGHTS,
};
pub use status::Status;
pub use weights::{NoWeights, find_weights, weights_of};
