//! Images as they were read: nothing inverted or transposed.

use crate::config::DataPlan;
use crate::image::images::LabelledImages;
use crate::image::preprocessing::{Preprocessing, Stored};
use crate::provenance::VerifiedFile;
use crate::whole::{Whole, WholeKind};

/// A data set of images as files hold them.
pub(crate) struct RawImages {
    pub(crate) dataset: &'static str,
    pub(crate) substitute_for: Option<String>,
    pub(crate) train: LabelledImages,
    pub(crate) test: LabelledImages,
    pub(crate) classes: Vec<String>,
    pub(crate) files: Vec<VerifiedFile>,
    /// How the images are stored, where that is known.
    pub(crate) stored: Option<Stored>,
}

impl RawImages {
    /// Inverts and transposes all images as `plan` asks, and tells what they are like then.
    pub(crate) fn prepare(mut self, plan: &DataPlan) -> Whole {
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
        let RawImages { dataset, substitute_for, train, test, classes, files, .. } = self;
        let preprocessing = Preprocessing { framing: plan.framing.unwrap_or(shown.framing), ..shown };
        let kind = WholeKind::Images { shape: [train.images.rows, train.images.cols], preprocessing };
        let (train, test) = (train.into(), test.into());
        Whole { dataset, substitute_for, train, test, classes, files, kind }
    }
}
