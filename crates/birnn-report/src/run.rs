//! A run, with what its page needs besides the net.

use std::path::Path;

use birnn_data::{Provenance, Split};
use birnn_infer::Manifest;

use crate::records::Records;

/// What a page is made of.
#[derive(Debug)]
pub struct Run<'a> {
    /// The file that the weights are from.
    pub weights: &'a Path,
    /// What that file says of itself.
    pub manifest: &'a Manifest,
    /// What the run wrote down.
    pub records: &'a Records,
    /// Where the test images are from.
    pub provenance: &'a Provenance,
    /// The test images.
    pub test: &'a Split,
}
