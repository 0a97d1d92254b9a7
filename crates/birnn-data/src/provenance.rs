//! Where data came from: which files were read, and what they held.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::idx::Digests;
use crate::name;

/// Where data came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The data set's name in a config.
    pub dataset: String,
    /// The data set that was asked for and could not be had, where this one stands in for it.
    pub substitute_for: Option<String>,
    /// The files read.
    pub files: Vec<VerifiedFile>,
    /// Images to learn from.
    pub train: usize,
    /// Images kept back.
    pub validation: usize,
    /// Test images.
    pub test: usize,
    /// SHA-256, in hexadecimal, of the pixels and labels of all three, in this order.
    pub sha256: String,
}

/// A file that was read and is what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedFile {
    /// Where it is; of a file that holds all of a data set, below its path the published file that it has in
    /// it. Left out of records: the same data is the same wherever it lies.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Of its decompressed content, in hexadecimal.
    pub content_sha256: String,
}

impl VerifiedFile {
    pub(crate) fn new(path: &Path, digests: Digests) -> VerifiedFile {
        let name = name::text(path.file_name().unwrap_or_default());
        VerifiedFile { path: path.to_owned(), name, content_sha256: digests.content }
    }
}
