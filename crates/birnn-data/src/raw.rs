//! A data set as it was read: nothing inverted, transposed, left out or kept back.

use crate::config::DataPlan;
use crate::image::images::Split;
use crate::image::preprocessing::{Preprocessing, Stored};
use crate::provenance::VerifiedFile;

/// What [`load`](crate::load()) makes [`Splits`](crate::Splits) of.
pub(crate) struct RawDataset {
    pub(crate) dataset: &'static str,
    pub(crate) substitute_for: Option<String>,
    pub(crate) train: Split,
    pub(crate) test: Split,
    pub(crate) classes: Vec<String>,
    pub(crate) files: Vec<VerifiedFile>,
    /// How the images are stored, where that is known.
    pub(crate) stored: Option<Stored>,
}

impl RawDataset {
    /// Inverts and transposes all images as `plan` asks, and tells what they are like then.
    pub(crate) fn prepare(&mut self, plan: &DataPlan) -> Preprocessing {
        let transposed = self.stored.is_some_and(|stored| stored.transposed);
        let transpose = plan.transpose.unwrap_or(transposed);
        for split in [&mut self.train, &mut self.test] {
            if plan.invert {
                split.images.invert();
            }
            if transpose {
                split.images = split.images.transpose();
            }
        }
        let shown = match self.stored {
            Some(stored) => stored.preprocessing(plan.invert, transpose),
            None => Preprocessing::of(&self.train.images),
        };
        Preprocessing { framing: plan.framing.unwrap_or(shown.framing), ..shown }
    }
}
