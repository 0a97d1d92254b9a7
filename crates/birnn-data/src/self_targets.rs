//! Targets that are values of the series itself: those that are hidden from the net, or those of the next
//! step.
//!
//! What is learnt of a value is how far it is off from what the net reads in its place, a residual as of He
//! et al. 2016: what is known without learning need not be learnt.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::sequences::{Sequences, Values};
use crate::series::file::target_names;
use crate::series::missing::fill;
use crate::series::standardise::Series;
use crate::split::Split;
use crate::targets::{Per, TargetKind, TargetScale, TargetValues, Targets};

/// Which values are hidden from a net that learns to fill them in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hide {
    /// In what pieces.
    pub what: HideWhat,
    /// The share of the values that are there, above 0 and below 1.
    pub share: f64,
    /// Of blocks: how many steps each has.
    pub steps: usize,
}

/// For people, such as `20 % of what is there, in blocks of 8 steps`.
impl fmt::Display for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a share as it is written, no more digits than that has.
        let percent = (1e6 * self.share).round() / 1e4;
        write!(f, "{percent} % of what is there, ")?;
        match self.what {
            HideWhat::Points => f.write_str("each by itself"),
            HideWhat::Blocks => write!(f, "in blocks of {} steps", self.steps),
            HideWhat::Features => f.write_str("by whole features, one at least"),
        }
    }
}

/// In what pieces values are hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HideWhat {
    /// Each by itself.
    #[default]
    Points,
    /// Some steps of one feature together.
    Blocks,
    /// A feature in all steps of a series; at least one is left.
    Features,
}

/// Which values of its own a series is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfTargets {
    /// Those that are hidden.
    Hidden(Hide),
    /// Those of the next step.
    Next,
}

impl SelfTargets {
    /// How many steps behind that of an answer the step is that it is about.
    pub fn behind(self) -> usize {
        match self {
            SelfTargets::Hidden(_) => 0,
            SelfTargets::Next => 1,
        }
    }
}

/// What is hidden where a net is judged is the same in every run, so that runs with different seeds compare.
pub(crate) const JUDGED: u64 = 0x6869_6464_656e_2121;

impl Hide {
    /// Which of `values [steps, features]` are hidden, ascending: a pure function of the values that are
    /// there, of `seed` and of `stream`. Of one series as many are in every draw: where values are missing,
    /// the last of the features may be hidden in part.
    pub fn draw(&self, seed: u64, stream: u64, values: &[f32], features: usize) -> Vec<usize> {
        self.draw_among(seed, stream, (0..values.len()).filter(|&index| !values[index].is_nan()), features)
    }

    /// As [`Hide::draw`], of the indices of what is there, ascending.
    pub(crate) fn draw_among(
        &self,
        seed: u64,
        stream: u64,
        there: impl Iterator<Item = usize>,
        features: usize,
    ) -> Vec<usize> {
        let mut rng = Rng::new(seed, stream);
        let mut left: Vec<usize> = there.collect();
        let known = left.len();
        let count = ((self.share * known as f64).round() as usize).clamp(known.min(1), known);
        let mut hidden = match self.what {
            HideWhat::Points => {
                for index in 0..count {
                    let other = index + rng.below(known - index);
                    left.swap(index, other);
                }
                left.truncate(count);
                left
            }
            HideWhat::Blocks => {
                let mut is_left = vec![false; left.last().map_or(0, |last| last + 1)];
                left.iter().for_each(|&index| is_left[index] = true);
                let mut hidden = Vec::with_capacity(count);
                while hidden.len() < count {
                    let begin = left[rng.below(known)];
                    if !is_left[begin] {
                        continue;
                    }
                    // Of the feature that it is in, so many steps on.
                    let block = (begin..is_left.len()).step_by(features).take(self.steps);
                    let own: Vec<usize> =
                        block.filter(|&index| is_left[index]).take(count - hidden.len()).collect();
                    own.iter().for_each(|&index| is_left[index] = false);
                    hidden.extend(own);
                }
                hidden
            }
            HideWhat::Features => {
                let hides = ((self.share * features as f64).round() as usize).clamp(1, (features - 1).max(1));
                let mut order: Vec<usize> = (0..features).collect();
                for index in 0..hides {
                    let other = index + rng.below(features - index);
                    order.swap(index, other);
                }
                let of_feature =
                    |&feature: &usize| left.iter().copied().filter(move |index| index % features == feature);
                let hidden = order.iter().flat_map(of_feature);
                hidden.take((known * hides).div_ceil(features)).collect()
            }
        };
        hidden.sort_unstable();
        hidden
    }
}

impl SelfTargets {
    /// Which targets they are.
    pub fn kind(self) -> TargetKind {
        match self {
            SelfTargets::Hidden(_) => TargetKind::Hidden,
            SelfTargets::Next => TargetKind::Next,
        }
    }
}

impl Series {
    /// Hides some of `values [steps, features]` (they become NaN), by `seed` and `stream`, and gives how far
    /// each of them is off from what the net reads in its place; of others NaN.
    pub fn hide(&self, hide: &Hide, (seed, stream): (u64, u64), values: &mut [f32]) -> Vec<f32> {
        let hidden = hide.draw(seed, stream, values, self.features());
        let truth: Vec<f32> =
            hidden.iter().map(|&index| std::mem::replace(&mut values[index], f32::NAN)).collect();
        let read = self.filled(values);
        let mut targets = vec![f32::NAN; values.len()];
        hidden.into_iter().zip(truth).for_each(|(index, truth)| targets[index] = truth - read[index]);
        targets
    }

    /// How far each value of the next step is off from what the net reads of this one, of `values [steps,
    /// features]`; NaN where it is missing, and at the last step.
    pub fn next(&self, values: &[f32]) -> Vec<f32> {
        let read = self.filled(values);
        let mut targets: Vec<f32> =
            values.iter().skip(self.features()).zip(&read).map(|(next, read)| next - read).collect();
        targets.resize(values.len(), f32::NAN);
        targets
    }

    /// `values [steps, features]` in their own units, what is missing filled in as the net reads it.
    pub fn filled(&self, values: &[f32]) -> Vec<f32> {
        let mut filled = values.to_vec();
        fill(&mut filled, &self.mean, self.missing);
        filled
    }

    /// What outputs stand for that are such differences: they are learnt in deviations of the `training`
    /// values, be these read so or not, and 0 is what is read.
    pub(crate) fn self_scale(&self, training: &Sequences) -> TargetScale {
        let names = self.names.clone().unwrap_or_else(|| target_names(self.features()));
        let found = || Series::of(training, self.missing, true).deviation;
        let deviation = self.deviation.clone().or_else(found).unwrap_or_else(|| vec![1.0; self.features()]);
        TargetScale { names, mean: vec![0.0; self.features()], deviation }
    }

    /// Series answered with their own values, those that are hidden the same whenever they are judged.
    pub fn answered_by_itself(&self, own: SelfTargets, sequences: Sequences) -> Split {
        let (width, lengths) = (self.features(), sequences.lengths().collect::<Vec<_>>());
        let (mut read, mut targets) = (Vec::with_capacity(sequences.steps() * width), Vec::new());
        for (index, one) in sequences.iter().enumerate() {
            let mut values = one.floats().unwrap_or_default().to_vec();
            targets.extend(match own {
                SelfTargets::Hidden(hide) => self.hide(&hide, (JUDGED, index as u64), &mut values),
                SelfTargets::Next => self.next(&values),
            });
            read.extend(values);
        }
        let sequences = Sequences::new(Values::Floats(read), width, lengths);
        let values = TargetValues::SelfNumbers { values: targets, width, kind: own.kind() };
        Split { sequences, targets: Targets { values, per: Per::Step } }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::series::missing::Missing;

    const KINDS: [HideWhat; 3] = [HideWhat::Points, HideWhat::Blocks, HideWhat::Features];

    /// Of 12 steps of 3 features, with a gap.
    fn values() -> Vec<f32> {
        (0..36).map(|index| if index == 7 { f32::NAN } else { (index * 37 % 23) as f32 }).collect()
    }

    fn drawn(what: HideWhat, share: f64, stream: u64) -> Vec<usize> {
        Hide { what, share, steps: 4 }.draw(5, stream, &values(), 3)
    }

    #[test]
    fn as_many_are_hidden_as_is_asked_for() {
        for what in KINDS {
            let mut seen = HashSet::new();
            for stream in 0..200 {
                let hidden = drawn(what, 0.3, stream);
                assert_eq!(hidden, drawn(what, 0.3, stream));
                assert!(hidden.is_sorted() && !hidden.contains(&7), "{what:?}: {hidden:?}");
                match what {
                    HideWhat::Points | HideWhat::Blocks => assert_eq!(hidden.len(), 11, "0.3 of 35"),
                    HideWhat::Features => assert_eq!(hidden.len(), 12, "a third of 35"),
                }
                seen.extend(hidden);
            }
            assert_eq!(seen.len(), 35, "{what:?}: each is hidden at some time");
        }
        assert_eq!(drawn(HideWhat::Points, 0.001, 0).len(), 1, "one at least");
        assert_eq!(drawn(HideWhat::Features, 0.99, 0).len(), 24, "not all of them: two thirds");
        assert!(Hide { what: HideWhat::Points, share: 0.5, steps: 1 }.draw(0, 0, &[f32::NAN], 1).is_empty());
    }

    #[test]
    fn blocks_are_steps_of_one_feature() {
        let neighbours = |what| {
            let pairs = (0..100).map(|stream| {
                let hidden = drawn(what, 0.3, stream);
                hidden.iter().filter(|&&index| hidden.contains(&(index + 3))).count()
            });
            pairs.sum::<usize>()
        };
        // Of 11 in blocks of 4 about 8 have a next one; of points at random about 3.
        assert!(neighbours(HideWhat::Blocks) > 2 * neighbours(HideWhat::Points));
    }

    #[test]
    fn what_is_hidden_is_not_read_and_can_be_found_again() {
        let all = Sequences::new(Values::Floats(values()), 3, [5, 7]);
        let series = Series { missing_mask: true, ..Series::of(&all, Missing::Interpolate, true) };
        let hide = Hide { what: HideWhat::Points, share: 0.4, steps: 1 };
        let Split { sequences, targets } = series.answered_by_itself(SelfTargets::Hidden(hide), all.clone());
        let (Values::Floats(read), targets) = (sequences.values(), targets.numbers().unwrap()) else {
            panic!()
        };
        for (one, whole) in sequences.iter().zip(all.iter()) {
            let filled = series.filled(one.floats().unwrap());
            assert!(filled.iter().zip(whole.floats().unwrap()).any(|(filled, whole)| filled != whole));
        }
        let filled: Vec<f32> =
            sequences.iter().flat_map(|one| series.filled(one.floats().unwrap())).collect();
        for index in 0..36 {
            let (is_hidden, truth) = (!targets[index].is_nan(), values()[index]);
            assert_eq!(is_hidden, read[index].is_nan() && !truth.is_nan());
            let found = if is_hidden { filled[index] + targets[index] } else { read[index] };
            assert!(
                found.is_nan() && truth.is_nan() || (found - truth).abs() < 1e-5,
                "{index}: {found}, not {truth}"
            );
        }
    }

    /// Nothing that is read of a step depends on a later one.
    #[test]
    fn the_next_step_is_answered_from_what_was_before() {
        let mut values = values();
        values[0] = f32::NAN;
        let series = Series { missing: Missing::Past, ..Series::plain(vec![9.0; 3]) };
        let targets = series.next(&values);
        assert_eq!(targets[..3], [values[3] - 9.0, values[4] - values[1], values[5] - values[2]]);
        assert!(targets[4].is_nan() && targets[33..].iter().all(|value| value.is_nan()), "none is known");
        for step in 1..12 {
            let mut changed = values.clone();
            changed[3 * step..].fill(100.0);
            assert_eq!(series.filled(&changed)[..3 * step], series.filled(&values)[..3 * step]);
        }
    }
}
