//! Numbers as a net reads them: less their mean, in standard deviations, nothing missing.

use serde::{Deserialize, Serialize};

use crate::sequences::{Sequence, SequenceValues, Sequences, Values};
use crate::series::missing::{self, Missing, MissingValue};

/// What was found in the training data, and is done to everything that the net is asked afterwards. It
/// belongs to the net as its weights do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The steps of the shortest and of the longest training series; `None` where these are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<[usize; 2]>,
    /// What the features are called, where their columns have names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Of a wide table, the columns that it learnt from, step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What is done about values that are missing.
    pub missing: Missing,
    /// Whether the net also reads which values are missing: of each step, behind the values, for each feature
    /// 1 where it is, else 0.
    #[serde(default, skip_serializing_if = "is_false")]
    pub missing_mask: bool,
    /// The mean of each feature.
    pub mean: Vec<f32>,
    /// The standard deviation of each feature; `None` where values are read as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Vec<f32>>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Series {
    /// Values read as they are, and none missing: of as many features as `mean` has.
    pub fn plain(mean: Vec<f32>) -> Series {
        let missing = Missing::Refuse;
        Series {
            steps: None,
            names: None,
            columns: None,
            missing,
            missing_mask: false,
            mean,
            deviation: None,
        }
    }

    /// What there is to learn of training data, all its steps alike: population mean and standard deviation
    /// of each feature, over all values that are not missing.
    pub fn of(training: &Sequences, missing: Missing, standardise: bool) -> Series {
        let features = training.features();
        let all = match training.values() {
            Values::Floats(all) => all.as_slice(),
            Values::Bytes(_) | Values::Tokens(..) => &[],
        };
        let known = |feature: usize| {
            let values = all.iter().skip(feature).step_by(features).map(|&value| f64::from(value));
            values.filter(|value| !value.is_nan())
        };
        let means: Vec<f64> = (0..features).map(|feature| mean(known(feature))).collect();
        let deviation = |feature: usize| {
            let squares = known(feature).map(|value| (value - means[feature]).powi(2));
            let deviation = mean(squares).sqrt() as f32;
            // A feature that never changes tells nothing, and is left at 0.
            if deviation > 0.0 { deviation } else { 1.0 }
        };
        let deviation = standardise.then(|| (0..features).map(deviation).collect());
        let lengths = || training.lengths();
        Series {
            steps: lengths().min().zip(lengths().max()).map(|(shortest, longest)| [shortest, longest]),
            missing,
            deviation,
            ..Series::plain(means.iter().map(|&mean| mean as f32).collect())
        }
    }

    /// Values per step of a series.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// Values that the net reads at each step: those of the series, and what is said of those that are
    /// missing.
    pub fn inputs(&self) -> usize {
        if self.missing_mask { 2 * self.features() } else { self.features() }
    }

    /// Whether it can be so, as [`Series::of`] would have found it.
    ///
    /// # Errors
    ///
    /// What cannot be, on one line.
    pub fn check(&self) -> Result<(), String> {
        let [shortest, longest] = self.steps.unwrap_or([1; 2]);
        if shortest == 0 || shortest > longest {
            return Err(format!("series of {shortest} to {longest} steps cannot be"));
        }
        if self.names.as_ref().is_some_and(|names| names.len() != self.features()) {
            return Err("it has not one name for each feature".to_owned());
        }
        if self.columns.as_ref().is_some_and(Vec::is_empty) {
            return Err("it learnt from no column".to_owned());
        }
        let numbers = |values: &[f32]| values.iter().all(|value| value.is_finite());
        let deviation = self.deviation.as_deref();
        let usable = |values: &[f32]| {
            values.len() == self.features() && numbers(values) && values.iter().all(|&value| value > 0.0)
        };
        match numbers(&self.mean) && deviation.is_none_or(usable) {
            true => Ok(()),
            false => Err("its means and standard deviations are not one number for each feature".to_owned()),
        }
    }

    /// Adds a series, `[steps, features]`, to `into` as the net reads it: `[steps, inputs]`.
    pub fn read(&self, series: Sequence<'_>, into: &mut Vec<f32>) {
        let begin = into.len();
        series.read(into);
        if !self.missing_mask {
            return self.fill(&mut into[begin..]);
        }
        let mut own = into.split_off(begin);
        let missing: Vec<f32> = own.iter().map(|value| f32::from(u8::from(value.is_nan()))).collect();
        self.fill(&mut own);
        for (values, missing) in own.chunks_exact(self.features()).zip(missing.chunks_exact(self.features()))
        {
            into.extend_from_slice(values);
            into.extend_from_slice(missing);
        }
    }

    /// The step and the feature, from 1, of the first value of a series that lies so many deviations from the
    /// mean that f32 has no such number.
    fn too_far(&self, series: Sequence<'_>) -> Option<[usize; 2]> {
        let SequenceValues::Floats(values) = series.values else { return None };
        let deviation = self.deviation.as_deref()?;
        let features = self.features();
        let is_far = |(at, value): (usize, &f32)| {
            let feature = at % features;
            ((value - self.mean[feature]) / deviation[feature]).is_infinite()
        };
        let at = values.iter().enumerate().position(is_far)?;
        Some([1 + at / features, 1 + at % features])
    }

    /// Why a net that reads series so cannot be asked about one, where it cannot.
    pub fn refuses(&self, series: Sequence<'_>) -> Option<String> {
        self.refuses_at(series, 0).map(|(_, why)| why)
    }

    /// The same of some of a series before which `begin` steps came: the first of them, from 0, that is in
    /// the way, and why.
    pub fn refuses_at(&self, series: Sequence<'_>, begin: usize) -> Option<(usize, String)> {
        let gap = match self.missing {
            Missing::Refuse => MissingValue::first(series),
            Missing::Mean | Missing::Last | Missing::Past | Missing::Interpolate => None,
        };
        if let Some(gap) = gap {
            let why = format!(
                "{}{}; the net reads series with `data.missing = \"refuse\"`: fill the gap, or train (or import) one with \
                 \"past\" or \"mean\" (or \"last\" or \"interpolate\", which may look at later steps)",
                MissingValue { step: begin + gap.step, ..gap },
                self.named(gap.feature)
            );
            return Some((gap.step - 1, why));
        }
        let [step, feature] = self.too_far(series)?;
        let why = format!(
            "the value at step {} of feature {feature}{} is so far from those that the net was trained on that no answer can \
             be computed",
            begin + step,
            self.named(feature)
        );
        Some((step - 1, why))
    }

    /// What a feature, counted from 1, is called.
    fn named(&self, feature: usize) -> String {
        let names = self.names.as_ref();
        names.map_or_else(String::new, |names| format!(" (`{}`)", names[feature - 1].escape_debug()))
    }

    /// Series as the net reads them.
    pub(crate) fn prepare(&self, series: Sequences) -> Sequences {
        if !self.missing_mask {
            return series.map_numbers(|values| self.fill(values));
        }
        let mut values = Vec::with_capacity(series.steps() * self.inputs());
        series.iter().for_each(|one| self.read(one, &mut values));
        Sequences::new(Values::Floats(values), self.inputs(), series.lengths())
    }

    /// Fills gaps in the values of a series, `own [steps, features]`, and standardises them.
    fn fill(&self, own: &mut [f32]) {
        missing::fill(own, &self.mean, self.missing);
        let Some(deviation) = &self.deviation else { return };
        for step in own.chunks_exact_mut(self.features()) {
            for (value, (mean, deviation)) in step.iter_mut().zip(self.mean.iter().zip(deviation)) {
                *value = (*value - mean) / deviation;
            }
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two features: 1, 3, 5, one missing; and 2 throughout.
    fn training() -> Sequences {
        Sequences::new(Values::Floats(vec![1.0, 2.0, 3.0, 2.0, f32::NAN, 2.0, 5.0, 2.0]), 2, [1, 3])
    }

    #[test]
    fn values_are_read_in_deviations_from_the_mean() {
        let series = Series::of(&training(), Missing::Mean, true);
        assert_eq!((series.features(), series.steps), (2, Some([1, 3])));
        assert_eq!(series.mean, [3.0, 2.0]);
        let deviation = (8.0_f32 / 3.0).sqrt();
        assert_eq!(series.deviation, Some(vec![deviation, 1.0]));
        let mut read = vec![9.0];
        series.read(Sequence::of_series(&[f32::NAN, 3.0, 5.0, 2.0], 2), &mut read);
        assert_eq!(read, [9.0, 0.0, 1.0, 2.0 / deviation, 0.0]);
    }

    #[test]
    fn a_value_may_be_too_far_from_those_that_were_learnt_from() {
        let series = Series::of(&training(), Missing::Mean, true);
        let half = Series { deviation: Some(vec![0.5, 0.5]), ..series.clone() };
        let far = |series: &Series, values: &[f32]| series.too_far(Sequence::of_series(values, 2));
        assert_eq!(far(&half, &[1.0, f32::MIN, 1.0, 1.0]), Some([1, 2]));
        assert_eq!(far(&half, &[1.0, 1.0, f32::MAX, f32::MAX]), Some([2, 1]));
        assert_eq!(far(&half, &[f32::NAN, 1e38, 1.0, 1.0]), None);
        let as_it_is = Series { deviation: None, ..series };
        assert_eq!(far(&as_it_is, &[f32::MAX, f32::MIN]), None);
    }

    #[test]
    fn values_are_read_as_they_are_where_that_is_asked_for() {
        let series = Series::of(&training(), Missing::Mean, false);
        let mut read = Vec::new();
        series.read(Sequence::of_series(&[7.0, f32::NAN], 2), &mut read);
        assert_eq!(read, [7.0, 2.0]);
    }

    #[test]
    fn what_is_missing_is_read_beside_the_values() {
        let series = Series { missing_mask: true, ..Series::of(&training(), Missing::Mean, true) };
        assert_eq!((series.features(), series.inputs()), (2, 4));
        let mut read = vec![9.0];
        series.read(Sequence::of_series(&[f32::NAN, 2.0, 3.0, f32::NAN], 2), &mut read);
        assert_eq!(read, [9.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_cannot_have_been_found_is_refused() {
        let series = || Series::of(&training(), Missing::Mean, true);
        assert_eq!(series().check(), Ok(()));
        for (change, part) in [
            (&(|series: &mut Series| series.steps = Some([3, 2])) as &dyn Fn(&mut Series), "3 to 2 steps"),
            (&|series| series.steps = Some([0, 2]), "0 to 2 steps"),
            (&|series| series.names = Some(vec!["a".to_owned()]), "one name for each feature"),
            (&|series| series.mean[0] = f32::NAN, "means and standard deviations"),
            (&|series| series.deviation = Some(vec![1.0]), "means and standard deviations"),
            (&|series| series.deviation = Some(vec![1.0, 0.0]), "means and standard deviations"),
        ] {
            let mut series = series();
            change(&mut series);
            assert!(series.check().unwrap_err().contains(part), "{part}");
        }
    }

    #[test]
    fn what_was_learnt_is_written_and_read_back() {
        let series = Series::of(&training(), Missing::Last, true);
        for series in [series.clone(), Series { missing_mask: true, ..series }] {
            let text = serde_json::to_string(&series).unwrap();
            assert_eq!(serde_json::from_str::<Series>(&text).unwrap(), series);
        }
    }
}
