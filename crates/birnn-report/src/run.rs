//! A run, with what its page needs.

use std::path::Path;

use birnn_data::{Provenance, Sequences, Split};
use birnn_infer::Predictor;

use crate::records::Records;

/// What a page is made of.
#[derive(Debug)]
pub struct Run<'a> {
    /// The file that the weights are from.
    pub weights: &'a Path,
    /// The net, and what that file says of it.
    pub predictor: &'a Predictor,
    /// What the run wrote down.
    pub records: &'a Records,
    /// Where the test samples are from.
    pub provenance: &'a Provenance,
    /// What was learnt from.
    pub train: &'a Sequences,
    /// The test samples, of the kind that the net reads.
    pub test: &'a Split,
}
