//! A data set as it was read: nothing left out or kept back.

use crate::division::Groups;
use crate::error::ConfigError;
use crate::image::preprocessing::Preprocessing;
use crate::provenance::VerifiedFile;
use crate::split::Split;

/// What [`load`](crate::load()) makes [`Splits`](crate::Splits) of.
pub(crate) struct Whole {
    pub(crate) dataset: &'static str,
    pub(crate) substitute_for: Option<String>,
    pub(crate) train: Split,
    pub(crate) groups: Groups,
    /// Where it is in no file of its own, a share of the training samples becomes it.
    pub(crate) test: Option<Split>,
    /// Where it is in no file of its own, some of the training samples become it, if any.
    pub(crate) validation: Option<Split>,
    /// What its classes are called, or its numbers.
    pub(crate) names: Vec<String>,
    pub(crate) files: Vec<VerifiedFile>,
    pub(crate) kind: WholeKind,
    /// What can be, but hardly is what was meant.
    pub(crate) warnings: Vec<ConfigError>,
}

/// What its samples are.
pub(crate) enum WholeKind {
    /// Images of so many rows and columns, and what they are like.
    Images { shape: [usize; 2], preprocessing: Preprocessing },
    /// Series of numbers, and what the features are called, where that is known.
    Series {
        features: Option<Vec<String>>,
        /// Of a wide table without such, those of its columns.
        columns: Option<Vec<String>>,
    },
    /// Sentences.
    Text,
}
