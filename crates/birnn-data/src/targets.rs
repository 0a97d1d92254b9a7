//! What samples are to be answered with.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an answer is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// A whole sequence.
    #[default]
    Sequence,
    /// Each time step of one.
    Step,
}

impl Per {
    /// How many targets, or answers, a sequence of so many steps has.
    pub fn positions(self, steps: usize) -> usize {
        match self {
            Per::Sequence => 1,
            Per::Step => steps,
        }
    }
}

/// Which targets are wanted of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What they are.
    pub kind: TargetKind,
    /// What each of them is for.
    pub per: Per,
}

/// What targets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// Classes.
    #[default]
    Classes,
    /// Numbers.
    Numbers,
    /// Values of the sequence itself, which are hidden from the net.
    Hidden,
    /// The values of the sequence's own next step.
    Next,
}

impl TargetKind {
    /// What several of them are called.
    pub fn noun(self) -> &'static str {
        match self {
            TargetKind::Classes => "classes",
            TargetKind::Numbers => "numbers",
            TargetKind::Hidden => "hidden values",
            TargetKind::Next => "next values",
        }
    }
}

impl Wanted {
    /// Which targets files must have; none where sequences are answered with their own values.
    pub fn of_files(self) -> Option<Wanted> {
        match self.kind {
            TargetKind::Classes | TargetKind::Numbers => Some(self),
            TargetKind::Hidden | TargetKind::Next => None,
        }
    }
}

/// For people, such as `a class for each sequence`.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            TargetKind::Classes => "a class",
            TargetKind::Numbers => "numbers",
            TargetKind::Hidden => "the values that are hidden",
            TargetKind::Next => "the values that come next",
        };
        let per = match self.per {
            Per::Sequence => "sequence",
            Per::Step => "step",
        };
        write!(f, "{what} for each {per}")
    }
}

/// In place of a token's class where none is asked for.
pub const NO_CLASS: u32 = u32::MAX;

/// What sequences are to be answered with, one after the other: one target for each, or one for each of their
/// steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// The targets.
    pub values: TargetValues,
    /// What each of them is for.
    pub per: Per,
}

/// Targets, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// Classes, counted from 0.
    Classes(Vec<u16>),
    /// Numbers in units of their own, `[positions, width]`.
    Numbers {
        /// All of them.
        values: Vec<f32>,
        /// How many there are of each.
        width: usize,
    },
    /// Tokens of the sequence itself, as classes counted from 0; [`NO_CLASS`] where none is asked for.
    SelfClasses {
        /// All of them.
        labels: Vec<u32>,
        /// Which of its tokens.
        kind: TargetKind,
    },
    /// Of values of the sequence itself, how far each is off from what a net reads in its place, in units of
    /// their own, `[positions, width]`; where none is asked for, there is none (NaN).
    SelfNumbers {
        /// All of them.
        values: Vec<f32>,
        /// How many there are of each.
        width: usize,
        /// Which of its values.
        kind: TargetKind,
    },
}

impl Targets {
    /// A class for each sequence.
    pub fn of_sequences(labels: Vec<u16>) -> Targets {
        Targets { values: TargetValues::Classes(labels), per: Per::Sequence }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.values {
            TargetValues::Classes(labels) => labels.len(),
            TargetValues::SelfClasses { labels, .. } => labels.len(),
            TargetValues::Numbers { values, width } | TargetValues::SelfNumbers { values, width, .. } => {
                values.len() / width
            }
        }
    }

    /// How many of these positions the loss counts: all, or of a sequence's own values those that are asked
    /// for.
    pub fn counted(&self, positions: Range<usize>) -> usize {
        match &self.values {
            TargetValues::Classes(_) | TargetValues::Numbers { .. } => positions.len(),
            TargetValues::SelfClasses { labels, .. } => {
                labels[positions].iter().filter(|&&label| label != NO_CLASS).count()
            }
            TargetValues::SelfNumbers { values, width, .. } => {
                let own = &values[positions.start * width..positions.end * width];
                own.iter().filter(|value| !value.is_nan()).count()
            }
        }
    }

    /// Whether they are the same, also where none is asked for, which is not equal to itself.
    pub fn are_same(&self, other: &Targets) -> bool {
        let values = match (&self.values, &other.values) {
            (
                TargetValues::SelfNumbers { values: a, width, kind },
                TargetValues::SelfNumbers { values: b, width: other_width, kind: other_kind },
            ) => {
                let bits = |value: &f32| value.to_bits();
                (width, kind) == (other_width, other_kind) && a.iter().map(bits).eq(b.iter().map(bits))
            }
            (a, b) => a == b,
        };
        values && self.per == other.per
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which targets they are.
    pub fn wanted(&self) -> Wanted {
        let kind = match self.values {
            TargetValues::Classes(_) => TargetKind::Classes,
            TargetValues::Numbers { .. } => TargetKind::Numbers,
            TargetValues::SelfNumbers { kind, .. } | TargetValues::SelfClasses { kind, .. } => kind,
        };
        Wanted { kind, per: self.per }
    }

    /// The classes, where they are such, and no tokens of the sequence itself.
    pub fn classes(&self) -> Option<&[u16]> {
        match &self.values {
            TargetValues::Classes(labels) => Some(labels),
            TargetValues::SelfClasses { .. }
            | TargetValues::Numbers { .. }
            | TargetValues::SelfNumbers { .. } => None,
        }
    }

    /// The classes of tokens of the sequence itself, where they are such; [`NO_CLASS`] where none is asked
    /// for.
    pub fn own_tokens(&self) -> Option<&[u32]> {
        match &self.values {
            TargetValues::SelfClasses { labels, .. } => Some(labels),
            TargetValues::Classes(_) | TargetValues::Numbers { .. } | TargetValues::SelfNumbers { .. } => {
                None
            }
        }
    }

    /// The numbers `[positions, width]`, where they are such; of own values not a number where none is asked
    /// for.
    pub fn numbers(&self) -> Option<&[f32]> {
        match &self.values {
            TargetValues::Numbers { values, .. } | TargetValues::SelfNumbers { values, .. } => Some(values),
            TargetValues::Classes(_) | TargetValues::SelfClasses { .. } => None,
        }
    }

    /// Those at these positions, in their order.
    pub(crate) fn select(&self, positions: impl Iterator<Item = Range<usize>>) -> Targets {
        let values = match &self.values {
            &TargetValues::SelfClasses { ref labels, kind } => {
                let labels = positions.flat_map(|range| labels[range].iter().copied()).collect();
                TargetValues::SelfClasses { labels, kind }
            }
            TargetValues::Classes(labels) => {
                TargetValues::Classes(positions.flat_map(|range| labels[range].iter().copied()).collect())
            }
            &TargetValues::Numbers { ref values, width } => {
                TargetValues::Numbers { values: rows(values, width, positions), width }
            }
            &TargetValues::SelfNumbers { ref values, width, kind } => {
                TargetValues::SelfNumbers { values: rows(values, width, positions), width, kind }
            }
        };
        Targets { values, per: self.per }
    }

    /// The first so many.
    pub(crate) fn truncate(&mut self, count: usize) {
        match &mut self.values {
            TargetValues::Classes(labels) => labels.truncate(count),
            TargetValues::SelfClasses { labels, .. } => labels.truncate(count),
            TargetValues::Numbers { values, width } | TargetValues::SelfNumbers { values, width, .. } => {
                values.truncate(count.saturating_mul(*width));
            }
        }
    }

    /// Their bytes, for a digest.
    pub(crate) fn bytes(&self, mut take: impl FnMut(&[u8])) {
        match &self.values {
            // A byte each or, as soon as one of them takes two, two each.
            TargetValues::Classes(labels) => {
                match labels.iter().map(|&label| u8::try_from(label)).collect::<Result<Vec<u8>, _>>() {
                    Ok(labels) => take(&labels),
                    Err(_) => labels.iter().for_each(|label| take(&label.to_le_bytes())),
                }
            }
            TargetValues::SelfClasses { labels, .. } => {
                labels.iter().for_each(|label| take(&label.to_le_bytes()));
            }
            TargetValues::Numbers { values, .. } | TargetValues::SelfNumbers { values, .. } => {
                values.iter().for_each(|value| take(&value.to_le_bytes()));
            }
        }
    }
}

/// Some rows of `values [rows, width]`.
fn rows(values: &[f32], width: usize, positions: impl Iterator<Item = Range<usize>>) -> Vec<f32> {
    let scaled = positions.map(|range| range.start * width..range.end * width);
    scaled.flat_map(|range| &values[range]).copied().collect()
}

/// What the outputs of a net stand for, as its training data has them. It belongs to the net as its weights
/// do.
#[derive(Clone, Debug, PartialEq)]
pub enum Outputs {
    /// The names of classes: an output is a logit.
    Classes(Vec<String>),
    /// Numbers.
    Numbers(TargetScale),
}

/// Numbers as a net learns them: less their mean, in standard deviations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetScale {
    /// What each is called.
    pub names: Vec<String>,
    /// The mean of each over the training targets.
    pub mean: Vec<f32>,
    /// The standard deviation of each over the training targets.
    pub deviation: Vec<f32>,
}

impl Outputs {
    /// How many outputs the head has.
    pub fn count(&self) -> usize {
        self.names().len()
    }

    /// What each is called.
    pub fn names(&self) -> &[String] {
        match self {
            Outputs::Classes(classes) => classes,
            Outputs::Numbers(scale) => &scale.names,
        }
    }

    /// The names of the classes, where they are such.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Outputs::Classes(classes) => Some(classes),
            Outputs::Numbers(_) => None,
        }
    }
}

impl TargetScale {
    /// Of numbers as they are.
    pub fn plain(names: Vec<String>) -> TargetScale {
        TargetScale { mean: vec![0.0; names.len()], deviation: vec![1.0; names.len()], names }
    }

    /// Population mean and standard deviation of training targets `[positions, names]`.
    pub fn of(names: Vec<String>, targets: &[f32]) -> TargetScale {
        let width = names.len();
        let count = (targets.len() / width.max(1)).max(1) as f64;
        let of = |index: usize| targets.iter().skip(index).step_by(width).map(|&value| f64::from(value));
        let means: Vec<f64> = (0..width).map(|index| of(index).sum::<f64>() / count).collect();
        let deviation = |(index, mean): (usize, &f64)| {
            let squares: f64 = of(index).map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / count).sqrt() as f32;
            // A target that never changes is learnt as 0.
            if deviation > 0.0 { deviation } else { 1.0 }
        };
        let deviation = means.iter().enumerate().map(deviation).collect();
        TargetScale { names, mean: means.iter().map(|&mean| mean as f32).collect(), deviation }
    }

    /// Checks that it can be so, as [`TargetScale::of`] would have found it.
    ///
    /// # Errors
    ///
    /// What cannot be, on one line.
    pub fn check(&self) -> Result<(), String> {
        let TargetScale { names, mean, deviation } = self;
        let finite = mean.iter().chain(deviation).all(|value| value.is_finite());
        let as_many = mean.len() == names.len() && deviation.len() == names.len() && !names.is_empty();
        match as_many && finite && deviation.iter().all(|&value| value > 0.0) {
            true => Ok(()),
            false => {
                Err("the means and standard deviations of its targets are not one number for each".to_owned())
            }
        }
    }

    /// Targets `[positions, names]` as a net learns them.
    pub fn standardise(&self, targets: &[f32]) -> Vec<f32> {
        self.each(targets, |value, mean, deviation| (value - mean) / deviation)
    }

    /// Outputs of a net, `[positions, names]`, in the units of the targets.
    pub fn restore(&self, outputs: &[f32]) -> Vec<f32> {
        self.each(outputs, |value, mean, deviation| mean + deviation * value)
    }

    fn each(&self, values: &[f32], change: impl Fn(f32, f32, f32) -> f32) -> Vec<f32> {
        let scale = self.mean.iter().zip(&self.deviation).cycle();
        values.iter().zip(scale).map(|(&value, (&mean, &deviation))| change(value, mean, deviation)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As they were when a label was a byte; and no two lists of labels have the same.
    #[test]
    fn labels_give_a_byte_each_or_two() {
        let bytes = |labels: &[u16]| {
            let mut all = Vec::new();
            Targets::of_sequences(labels.to_vec()).bytes(|bytes| all.extend_from_slice(bytes));
            all
        };
        assert_eq!(bytes(&[1, 255, 0]), [1, 255, 0]);
        assert_eq!(bytes(&[1, 257]), [1, 0, 1, 1]);
        assert_ne!(bytes(&[1, 1, 257]), bytes(&[257, 1, 1]));
    }

    #[test]
    fn targets_are_learnt_in_deviations_and_given_back_in_their_units() {
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let targets = [1.0, 7.0, 3.0, 7.0, 5.0, 7.0];
        let scale = TargetScale::of(names, &targets);
        let deviation = (8.0_f32 / 3.0).sqrt();
        assert_eq!(
            (scale.mean.as_slice(), scale.deviation.as_slice()),
            (&[3.0, 7.0][..], &[deviation, 1.0][..])
        );
        let learnt = scale.standardise(&targets);
        assert_eq!(learnt, [-2.0 / deviation, 0.0, 0.0, 0.0, 2.0 / deviation, 0.0]);
        assert!(scale.restore(&learnt).iter().zip(targets).all(|(found, was)| (found - was).abs() < 1e-6));
        assert_eq!(scale.check(), Ok(()));
        let broken = TargetScale { deviation: vec![1.0, 0.0], ..scale };
        assert!(broken.check().is_err());
    }

    #[test]
    fn each_is_selected_with_all_its_numbers() {
        let numbers = |values: &[f32]| Targets {
            values: TargetValues::Numbers { values: values.to_vec(), width: 2 },
            per: Per::Step,
        };
        let all = numbers(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((all.len(), all.classes()), (3, None));
        assert_eq!(all.select([2..3, 0..2].into_iter()), numbers(&[4.0, 5.0, 0.0, 1.0, 2.0, 3.0]));
        let mut first = all;
        // Where all are wanted, so many.
        first.truncate(usize::MAX);
        assert_eq!(first.len(), 3);
        first.truncate(1);
        assert_eq!(first, numbers(&[0.0, 1.0]));
    }
}
