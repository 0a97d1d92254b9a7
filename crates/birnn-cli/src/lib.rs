//! What the binaries share: the command line, the log, how commands end, and the commands that need no
//! libtorch.
//!
//! There are two, so that whoever only asks a net does not wait for libtorch to be loaded: `birnn`, which
//! users start, and `birnn-torch`, which it becomes for what computes with libtorch. This library does not
//! link it.

pub mod args;
pub mod asked;
pub mod config;
pub mod data;
mod downloads;
pub mod eval;
pub mod export;
pub mod failure;
pub mod import;
pub mod libtorch;
pub mod log;
pub mod output;
pub mod predict;
pub mod process;
