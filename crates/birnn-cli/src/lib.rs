//! The command line, the log, how commands end, and the commands that need no libtorch.
//!
//! Whoever only asks a net does not wait for libtorch to be loaded, nor built: `birnn`, which users start,
//! does without, and becomes `birnn-torch`, of the crate of that name, for what computes with libtorch. Both
//! stand on this library.

pub mod args;
pub mod asked;
pub mod compare;
pub mod config;
pub mod continuing;
pub mod data;
mod downloads;
pub mod encode;
pub mod eval;
pub mod export;
pub mod failure;
pub mod fill;
pub mod import;
pub mod libtorch;
pub mod log;
pub mod output;
pub mod predict;
pub mod process;
pub mod report;
pub mod runs;
pub mod samples;
pub mod serve;
mod streaming;
