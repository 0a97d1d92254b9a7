//! Series of numbers: reading them, and how a net reads them.

pub(crate) mod array_problem;
pub(crate) mod file;
pub(crate) mod line_problem;
pub(crate) mod missing;
pub(crate) mod npz;
pub(crate) mod own;
pub(crate) mod sketch;
pub(crate) mod standardise;
pub mod synthetic;
pub(crate) mod ts;
