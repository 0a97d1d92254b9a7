//! Images as they were read: nothing inverted or transposed.

use crate::config::DataPlan;
use crate::division::Groups;
use crate::error::ConfigError;
use crate::image::images::LabelledImages;
use crate::image::preprocessing::{Framing, Ground, Preprocessing};
use crate::provenance::VerifiedFile;
use crate::split::Split;
use crate::whole::{Whole, WholeKind};

/// A data set of images as files hold them.
pub(crate) struct RawImages {
    pub(crate) dataset: &'static str,
    pub(crate) substitute_for: Option<String>,
    pub(crate) train: LabelledImages,
    pub(crate) groups: Groups,
    /// Where they are in no file of their own, a share of the training images becomes them.
    pub(crate) test: Option<LabelledImages>,
    pub(crate) classes: Vec<String>,
    pub(crate) files: Vec<VerifiedFile>,
    /// What the images are like as they are stored, where that is known.
    pub(crate) known: Option<Preprocessing>,
    /// What can be, but hardly is what was meant.
    pub(crate) warnings: Vec<ConfigError>,
}

/// Images without a pixel as light as this are hardly of levels from 0 to 255.
const DIM: u8 = 32;

impl RawImages {
    /// Inverts and transposes all images as `plan` asks, and tells what they are like then.
    ///
    /// # Errors
    ///
    /// They are on no common ground, by which other pictures could be told to be inverted, too, and are to
    /// be.
    pub(crate) fn prepare(mut self, plan: &DataPlan) -> Result<Whole, ConfigError> {
        let transposed = self.known.is_some_and(|known| known.transposed);
        let transpose = plan.transpose.unwrap_or(transposed);
        let lightest = self.train.images.pixels.iter().copied().max().unwrap_or_default();
        if self.known.is_none() && lightest < DIM && !plan.judges {
            let message = format!(
                "no training image has a pixel lighter than {lightest}, of levels from 0 (black) to 255 (white), which pictures \
                 to be asked about have; where they are counted otherwise, multiply them"
            );
            self.warnings.push(ConfigError::new("dataset", message));
        }
        for split in [Some(&mut self.train), self.test.as_mut()].into_iter().flatten() {
            if plan.invert {
                split.images.invert();
            }
            if transpose {
                split.images = split.images.transpose();
            }
        }
        let shown = match self.known {
            Some(known) => {
                let shown = if plan.invert { known.inverted() } else { known };
                Preprocessing { transposed: known.transposed != transpose, ..shown }
            }
            None => Preprocessing::of(&self.train.images),
        };
        if plan.invert && shown.ground == Ground::Mixed && !plan.judges {
            let message = "these images are on no common ground, light or dark, so that pictures to be asked about could not be \
                           told to need it, too; leave it out";
            return Err(ConfigError::new("invert", message));
        }
        if plan.framing.is_some_and(|framing| framing != Framing::Resize)
            && shown.ground == Ground::Mixed
            && !plan.judges
        {
            let message = "these images are on no common ground, light or dark, so that ink in pictures to be asked about could not \
                           be told from it; `resize` takes pictures as they are";
            return Err(ConfigError::new("framing", message));
        }
        let guesses = self.known.is_none() && transpose && !plan.judges;
        let RawImages { dataset, substitute_for, train, groups, test, classes, files, mut warnings, .. } =
            self;
        if guesses {
            let message = "it is not known which way these images are stored: they are taken for turned by this, and pictures to be \
                           asked about for upright; where these are upright, too, have them in folders (`dataset = \"folder\"`)";
            warnings.push(ConfigError::new("transpose", message));
        }
        let preprocessing = Preprocessing { framing: plan.framing.unwrap_or(shown.framing), ..shown };
        let kind = WholeKind::Images { shape: [train.images.rows, train.images.cols], preprocessing };
        let (train, test) = (train.into(), test.map(Split::from));
        let (names, validation) = (classes, None);
        Ok(Whole { dataset, substitute_for, train, groups, test, validation, names, files, kind, warnings })
    }
}
