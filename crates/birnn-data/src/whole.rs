//! A data set as it was read: nothing left out or kept back.

use crate::image::preprocessing::Preprocessing;
use crate::provenance::VerifiedFile;
use crate::split::Split;

/// What [`load`](crate::load()) makes [`Splits`](crate::Splits) of.
pub(crate) struct Whole {
    pub(crate) dataset: &'static str,
    pub(crate) substitute_for: Option<String>,
    pub(crate) train: Split,
    pub(crate) test: Split,
    pub(crate) classes: Vec<String>,
    pub(crate) files: Vec<VerifiedFile>,
    pub(crate) kind: WholeKind,
}

/// What its samples are.
pub(crate) enum WholeKind {
    /// Images of so many rows and columns, and what they are like.
    Images { shape: [usize; 2], preprocessing: Preprocessing },
    /// Series of numbers.
    Series,
}
