//! The plan that data is loaded by.

use super::parts::{Portion, SplitBy, Window};
use super::source::{OwnFiles, OwnFormat, Source};
use super::text::TextPlan;
use super::written::Fallback;
use crate::image::augment::Augment;
use crate::image::preprocessing::{Framing, Preprocessing};
use crate::image::synthetic;
use crate::modality::Modality;
use crate::self_targets::SelfTargets;
use crate::series::missing::Missing;
use crate::targets::Wanted;

/// A data set to load, with nothing left to decide.
#[derive(Clone, Debug)]
pub struct DataPlan {
    /// Where the samples come from.
    pub source: Source,
    /// Whether light and dark are exchanged in all images.
    pub invert: bool,
    /// Whether rows and columns are exchanged in all images; where it is not said, as makes them upright.
    pub transpose: Option<bool>,
    /// How the images are framed, where it is said.
    pub framing: Option<Framing>,
    /// What stands in for a published data set that cannot be had.
    pub fallback: Fallback,
    /// The share of the samples that is for the test, where these have no file of their own.
    pub test_share: Option<f64>,
    /// Training samples kept back to judge by.
    pub validation: Portion,
    /// By what both are taken.
    pub split: SplitBy,
    /// What series are cut into.
    pub window: Option<Window>,
    /// At most so many training samples, those kept back included unless they were taken by time or by group.
    pub limit: usize,
    /// How training images are varied, where they are.
    pub augment: Option<Augment>,
    /// Whether series are read in standard deviations from the mean.
    pub standardise: bool,
    /// What is read where a value of a series is missing.
    pub missing: Missing,
    /// Whether it is also read which values are missing.
    pub missing_mask: bool,
    /// How sentences are read.
    pub text: TextPlan,
    /// What there is to learn.
    pub wanted: Wanted,
    /// Whether a net is judged by its test that has learnt already: what it learnt from is not to be found
    /// fault with.
    pub judges: bool,
    /// Of values of the series themselves: which.
    pub self_targets: Option<SelfTargets>,
    /// Of these: how the net that is to be judged by them reads sequences, where there is one already.
    pub read_as: Option<Modality>,
}

impl DataPlan {
    /// Whether of the same files the same samples are kept back, or taken for the test, as by another plan:
    /// where it is so, who learnt by the one has not learnt from what the other tests by. `validation` says
    /// which of both is meant.
    pub fn divides_as(&self, other: &DataPlan, validation: bool) -> bool {
        let columns = |plan: &DataPlan| match &plan.source {
            Source::Own(OwnFiles { format: OwnFormat::Table(table), .. }) => {
                Some((table.id.clone(), table.time.clone(), table.group.clone(), table.skip_lines))
            }
            _ => None,
        };
        let of_test = |plan: &DataPlan| (plan.test_share, plan.split, plan.window, columns(plan));
        let of_validation = |plan: &DataPlan| (plan.validation, plan.limit);
        of_test(self) == of_test(other) && (!validation || of_validation(self) == of_validation(other))
    }

    /// Whether it is known that the files have columns as rows.
    pub fn stored_transposed(&self) -> bool {
        let Source::Published(published) = &self.source else { return false };
        published.kind.stored().is_some_and(|stored| stored.transposed)
    }

    /// What the images are like, as far as it is known without reading a file.
    pub fn preprocessing(&self) -> Option<Preprocessing> {
        let stored = match &self.source {
            Source::Published(published) => published.kind.stored()?,
            Source::Synthetic => synthetic::STORED,
            Source::Files(_) | Source::SyntheticSeries | Source::SyntheticText | Source::Own(_) => {
                return None;
            }
        };
        let known = stored.preprocessing(self.invert, self.transpose.unwrap_or(stored.transposed));
        Some(Preprocessing { framing: self.framing.unwrap_or(known.framing), ..known })
    }
}
