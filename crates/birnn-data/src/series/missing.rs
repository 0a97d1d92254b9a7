//! Values that are missing from a series, and what is read in their place.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sequences::{Sequence, SequenceValues};

/// What is read where a value is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Nothing: it is an error.
    #[default]
    Refuse,
    /// The mean of the feature in the training data.
    Mean,
    /// The feature's last value before, in the same series; before its first value, that one.
    Last,
    /// The feature's last value before, in the same series; before its first value, the mean of the feature
    /// in the training data. Nothing that comes later is read.
    Past,
    /// What lies on the straight line between the values before and after; at the ends, the nearest value.
    Interpolate,
}

/// For people.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Missing::Refuse => "refused",
            Missing::Mean => "the mean of the feature",
            Missing::Last => "the feature's last value",
            Missing::Past => "the feature's last value, and before its first the mean",
            Missing::Interpolate => "on the line between the feature's values before and after",
        })
    }
}

/// A value that is missing from a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingValue {
    /// Of its steps, from 1.
    pub step: usize,
    /// Which of the values of the step, from 1.
    pub feature: usize,
}

impl MissingValue {
    /// The first that is missing from a sequence. Grey levels and tokens are all there.
    pub fn first(sequence: Sequence<'_>) -> Option<MissingValue> {
        let values = match sequence.values {
            SequenceValues::Bytes(_) | SequenceValues::Tokens(..) => return None,
            SequenceValues::Floats(values) => values,
        };
        let at = values.iter().position(|value| value.is_nan())?;
        Some(MissingValue { step: 1 + at / sequence.features, feature: 1 + at % sequence.features })
    }
}

/// For people.
impl fmt::Display for MissingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value at step {} of feature {} is missing", self.step, self.feature)
    }
}

/// Fills in what is missing from a series, `values [steps, features]`. A feature of which nothing is known in
/// all of the series gets its `mean [features]`.
pub(crate) fn fill(values: &mut [f32], mean: &[f32], missing: Missing) {
    if !values.iter().any(|value| value.is_nan()) {
        return;
    }
    let features = mean.len();
    for (feature, &mean) in mean.iter().enumerate() {
        let known: Vec<(usize, f32)> = values
            .iter()
            .copied()
            .skip(feature)
            .step_by(features)
            .enumerate()
            .filter(|(_, value)| !value.is_nan())
            .collect();
        let filled = |step: usize| {
            let after = known.partition_point(|&(known, _)| known < step);
            let (before, after) = (after.checked_sub(1).map(|index| known[index]), known.get(after));
            match (missing, before, after) {
                (Missing::Refuse, ..) => f32::NAN,
                (Missing::Mean, ..) | (_, None, None) | (Missing::Past, None, _) => mean,
                (_, None, Some(&(_, value)))
                | (_, Some((_, value)), None)
                | (Missing::Last | Missing::Past, Some((_, value)), _) => value,
                (Missing::Interpolate, Some((from, start)), Some(&(to, end))) => {
                    start + (end - start) * (step - from) as f32 / (to - from) as f32
                }
            }
        };
        let own = values.iter_mut().skip(feature).step_by(features).enumerate();
        own.filter(|(_, value)| value.is_nan()).for_each(|(step, value)| *value = filled(step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f32 = f32::NAN;

    #[track_caller]
    fn filled(missing: Missing, values: &[f32], expected: &[f32]) {
        // Beside another feature, which nothing is done to.
        let mut both: Vec<f32> = values.iter().flat_map(|&value| [value, 7.0]).collect();
        fill(&mut both, &[9.0, 8.0], missing);
        let expected: Vec<f32> = expected.iter().flat_map(|&value| [value, 7.0]).collect();
        assert_eq!(both, expected, "{missing:?}");
    }

    #[test]
    fn each_way_fills_what_it_says() {
        let gaps = [NONE, 2.0, NONE, NONE, 8.0, NONE];
        filled(Missing::Mean, &gaps, &[9.0, 2.0, 9.0, 9.0, 8.0, 9.0]);
        filled(Missing::Last, &gaps, &[2.0, 2.0, 2.0, 2.0, 8.0, 8.0]);
        filled(Missing::Past, &gaps, &[9.0, 2.0, 2.0, 2.0, 8.0, 8.0]);
        filled(Missing::Interpolate, &gaps, &[2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        for missing in [Missing::Mean, Missing::Last, Missing::Past, Missing::Interpolate] {
            filled(missing, &[NONE, NONE], &[9.0, 9.0]);
            filled(missing, &[1.0, 2.0], &[1.0, 2.0]);
        }
    }
}
