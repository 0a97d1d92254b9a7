//! Regression: numbers for each sequence or each step, judged by how far they are off.

use birnn_data::{Per, SelfTargets, Series, TargetScale, Targets};
use birnn_experiment::RegressionLoss;
use serde::{Deserialize, Serialize};

use crate::metrics::{ErrorSums, NumberScore};

/// Numbers for each sequence, or for each step of one. The head's outputs are these in standard deviations
/// from their mean, both those of the training targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regress {
    /// What each is called, and its mean and deviation.
    pub scale: TargetScale,
    /// What there are numbers for.
    pub per: Per,
    /// The error that was lowered, which is the loss.
    pub loss: RegressionLoss,
    /// Of values of the sequence itself: which. Each output is then how far a value is off from what the net
    /// reads in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_targets: Option<SelfTargets>,
}

/// How a net did on numbers, beside the loss. With several of them each score is the mean of theirs, as
/// scikit-learn's `uniform_average`. Runs keep it for good: what is added needs a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Regressed {
    /// The root of the mean squared error, in their units.
    pub rmse: f64,
    /// The mean absolute error, in their units.
    pub mae: f64,
    /// The share of their variance that the answers explain.
    pub r2: f64,
    /// Of each number.
    #[serde(default)]
    pub numbers: Vec<NumberScore>,
    /// Of values of the sequences themselves: how far they are off, all features together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// The answers that are furthest off, in standard deviations of the training targets, the furthest first;
    /// the first [`MOST_MISSES`] of them. Left out of the metrics.
    #[serde(skip)]
    pub misses: Vec<Miss>,
}

/// How a net did on values of the sequences themselves, in standard deviations of their features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// The mean absolute error.
    pub mae: f64,
    /// That of what the net reads in their place, such as a straight line between the values around: what is
    /// had without learning.
    pub baseline_mae: f64,
}

/// An answer that is far off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Miss {
    /// The position's index among those evaluated: the sequence, or of steps the step among those of all.
    pub position: usize,
    /// Which of the numbers.
    pub number: usize,
    /// What it should have been.
    pub truth: f32,
    /// What the net answered.
    pub answer: f32,
}

/// So many answers are told of that are far off.
pub const MOST_MISSES: usize = 100;

impl Regress {
    /// The answer in the units of the targets, from outputs `[positions, numbers]`.
    pub fn answer(&self, outputs: &[f32]) -> Vec<f32> {
        self.scale.restore(outputs)
    }

    /// Of a net that answers with the values of the series itself, those of `values [steps, features]` with
    /// what is missing filled in, or those of each step's next one, from outputs `[steps, features]`.
    pub fn self_answer(&self, series: &Series, values: &[f32], outputs: &[f32]) -> Vec<f32> {
        let found = series.filled(values).into_iter().zip(self.answer(outputs)).map(|(read, off)| read + off);
        match self.self_targets {
            Some(SelfTargets::Next) | None => found.collect(),
            Some(SelfTargets::Hidden(_)) => {
                let kept = |(&value, found): (&f32, f32)| if value.is_nan() { found } else { value };
                values.iter().zip(found).map(kept).collect()
            }
        }
    }

    /// Of each number, the errors of answers `[positions, numbers]` from `truth`.
    pub fn errors(&self, answers: &[f32], truth: &[f32]) -> Vec<ErrorSums> {
        let mut found = vec![ErrorSums::default(); self.scale.names.len()];
        self.add_errors(&mut found, answers, truth);
        found
    }

    fn add_errors(&self, found: &mut [ErrorSums], answers: &[f32], truth: &[f32]) {
        let width = self.scale.names.len();
        let asked = answers.iter().zip(truth).enumerate().filter(|(_, (_, truth))| !truth.is_nan());
        for (index, (&answer, &truth)) in asked {
            found[index % width].add(answer, truth, self.scale.mean[index % width]);
        }
    }

    /// Of each number, the errors of answers `[positions, numbers]` in each of the sequences that `targets`
    /// are of, which have so many steps.
    ///
    /// # Panics
    ///
    /// Where there are not as many answers.
    pub fn errors_by_sequence(
        &self,
        answers: &[f32],
        targets: &Targets,
        lengths: impl Iterator<Item = usize>,
    ) -> Vec<Vec<ErrorSums>> {
        let (truth, width) = (self.numbers(answers, targets), self.scale.names.len());
        let mut found = vec![Vec::new(); width];
        let mut begin = 0;
        for length in lengths {
            let own = begin..begin + targets.per.positions(length) * width;
            begin = own.end;
            let errors = self.errors(&answers[own.clone()], &truth[own]);
            found.iter_mut().zip(errors).for_each(|(of, errors)| of.push(errors));
        }
        found
    }

    fn numbers<'a>(&self, outputs: &[f32], targets: &'a Targets) -> &'a [f32] {
        let numbers = targets.numbers().unwrap_or_default();
        assert_eq!(outputs.len(), numbers.len(), "the outputs of as many answers");
        numbers
    }

    /// How many numbers one loss is the mean of: those of a position or, of a sequence's own values, each by
    /// itself.
    fn numbers_of_a_loss(&self) -> usize {
        if self.self_targets.is_some() { 1 } else { self.scale.names.len() }
    }

    /// Of each position's own loss, the mean over its numbers.
    pub(super) fn loss_gradient(&self, outputs: &[f32], targets: &Targets) -> Vec<f32> {
        let wanted = self.scale.standardise(self.numbers(outputs, targets));
        let width = self.numbers_of_a_loss() as f32;
        let of = |(output, wanted): (&f32, f32)| match wanted.is_nan() {
            // Where nothing is asked for, no answer is wrong.
            true => 0.0,
            false => self.loss_of(output - wanted).1 / width,
        };
        outputs.iter().zip(wanted).map(of).collect()
    }

    /// The loss where an output is so far off, and its derivative.
    fn loss_of(&self, off: f32) -> (f32, f32) {
        match self.loss {
            RegressionLoss::Squared => (off * off, 2.0 * off),
            RegressionLoss::Absolute => (off.abs(), if off == 0.0 { 0.0 } else { off.signum() }),
            RegressionLoss::Huber if off.abs() <= 1.0 => (0.5 * off * off, off),
            RegressionLoss::Huber => (off.abs() - 0.5, off.signum()),
        }
    }

    /// How many positions there were, their mean loss, and all else.
    pub(super) fn judge(&self, outputs: &[f32], targets: &Targets) -> (u64, f64, Regressed) {
        let mut sums = NumberSums::new(self);
        sums.add(self, outputs, targets);
        let (positions, loss, detail) = sums.scores(self);
        let truth = self.numbers(outputs, targets);
        (positions, loss, Regressed { misses: self.furthest(&self.answer(outputs), truth), ..detail })
    }

    /// The first [`MOST_MISSES`] of answers `[positions, numbers]`, those furthest from `truth` first.
    fn furthest(&self, answers: &[f32], truth: &[f32]) -> Vec<Miss> {
        let width = self.scale.names.len();
        let far = |index: usize| (answers[index] - truth[index]).abs() / self.scale.deviation[index % width];
        let order = |a: &usize, b: &usize| far(*b).total_cmp(&far(*a)).then(a.cmp(b));
        let mut furthest: Vec<usize> = (0..truth.len()).filter(|&index| !truth[index].is_nan()).collect();
        if furthest.len() > MOST_MISSES {
            furthest.select_nth_unstable_by(MOST_MISSES, order);
            furthest.truncate(MOST_MISSES);
        }
        furthest.sort_by(order);
        let miss = |index: usize| Miss {
            position: index / width,
            number: index % width,
            truth: truth[index],
            answer: answers[index],
        };
        furthest.into_iter().map(miss).collect()
    }
}

/// What scores of numbers follow from: sums over answers, to which more can be added.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberSums {
    /// Of each number.
    errors: Vec<ErrorSums>,
    /// Answers that were asked for.
    count: u64,
    loss: f64,
    /// How far they are off, and how far what is read without a net, in standard deviations.
    off: f64,
    off_without: f64,
}

impl NumberSums {
    /// Of no answers yet.
    pub(super) fn new(task: &Regress) -> NumberSums {
        NumberSums { errors: vec![ErrorSums::default(); task.scale.names.len()], ..NumberSums::default() }
    }

    /// Adds the answers that are in `outputs [positions, numbers]`.
    ///
    /// # Panics
    ///
    /// Where there are not as many outputs.
    pub(super) fn add(&mut self, task: &Regress, outputs: &[f32], targets: &Targets) {
        let truth = task.numbers(outputs, targets);
        task.add_errors(&mut self.errors, &task.answer(outputs), truth);
        let wanted = task.scale.standardise(truth);
        for (output, wanted) in outputs.iter().zip(wanted).filter(|(_, wanted)| !wanted.is_nan()) {
            self.count += 1;
            self.loss += f64::from(task.loss_of(output - wanted).0);
            self.off += f64::from((output - wanted).abs());
            self.off_without += f64::from(wanted.abs());
        }
    }

    /// How many positions there were, their mean loss, and all else but the misses.
    pub(super) fn scores(&self, task: &Regress) -> (u64, f64, Regressed) {
        let mean = |sum: f64| sum / self.count.max(1) as f64;
        let filled =
            task.self_targets.map(|_| Filled { mae: mean(self.off), baseline_mae: mean(self.off_without) });
        let of = |(name, found): (&String, &ErrorSums)| {
            let of = |score: fn(&ErrorSums) -> f64| (!found.is_empty()).then(|| score(found));
            let (rmse, mae, r2) = (of(ErrorSums::rmse), of(ErrorSums::mae), of(ErrorSums::r2));
            NumberScore { target: name.clone(), rmse, mae, r2 }
        };
        let numbers: Vec<NumberScore> = task.scale.names.iter().zip(&self.errors).map(of).collect();
        let over_all = |of: fn(&NumberScore) -> Option<f64>| {
            let asked_of = numbers.iter().filter_map(of).count().max(1) as f64;
            numbers.iter().filter_map(of).sum::<f64>() / asked_of
        };
        let (rmse, mae, r2) = (over_all(|n| n.rmse), over_all(|n| n.mae), over_all(|n| n.r2));
        let detail = Regressed { rmse, mae, r2, numbers, filled, misses: Vec::new() };
        (self.count / task.numbers_of_a_loss() as u64, mean(self.loss), detail)
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::TargetValues;

    use super::*;
    use crate::task::{Evaluation, Task};

    fn task(loss: RegressionLoss) -> Task {
        task_of(loss, None)
    }

    fn task_of(loss: RegressionLoss, self_targets: Option<SelfTargets>) -> Task {
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let scale = TargetScale { names, mean: vec![10.0, 0.0], deviation: vec![2.0, 1.0] };
        Task::Regress(Regress { scale, per: Per::Sequence, loss, self_targets })
    }

    fn targets(values: &[f32]) -> Targets {
        Targets { values: TargetValues::Numbers { values: values.to_vec(), width: 2 }, per: Per::Sequence }
    }

    #[test]
    fn errors_are_in_the_units_of_the_targets() {
        // Answers 12 and 1, 8 and 3.
        let outputs = [1.0, 1.0, -1.0, 3.0];
        let truth = targets(&[12.0, 1.0, 10.0, 0.0]);
        for (loss, mean) in [
            (RegressionLoss::Squared, (1.0 + 9.0) / 4.0),
            (RegressionLoss::Absolute, (1.0 + 3.0) / 4.0),
            (RegressionLoss::Huber, (0.5 + 2.5) / 4.0),
        ] {
            let found = task(loss).evaluate(&outputs.to_vec().into(), &truth);
            assert_eq!((found.positions, found.loss), (2, mean), "{loss:?}");
            let detail = found.regressed().unwrap();
            assert_eq!((detail.numbers[0].rmse, detail.numbers[0].mae), (Some(2.0_f64.sqrt()), Some(1.0)));
            assert_eq!(detail.mae, (1.0 + 1.5) / 2.0);
            let furthest = detail.misses[0];
            assert_eq!((furthest.position, furthest.number, furthest.answer), (1, 1, 3.0));
            let text = serde_json::to_string(&found).unwrap();
            let read: Evaluation = serde_json::from_str(&text).unwrap();
            assert_eq!(read.headline(), found.headline(), "{text}");
        }
    }

    /// The furthest come first, in standard deviations; of those equally far the first.
    #[test]
    fn the_furthest_are_told() {
        let Task::Regress(task) = task(RegressionLoss::Squared) else { panic!("numbers were wanted") };
        // In standard deviations each is off by a whole number below 50, and each such number comes twelve
        // times.
        let outputs: Vec<f32> = (0..600).map(|index| (index * 37 % 50) as f32).collect();
        let truth = targets(&[10.0, 0.0].repeat(300));
        let (_, _, found) = task.judge(&outputs, &truth);
        let mut expected: Vec<usize> = (0..600).collect();
        expected.sort_by_key(|&index| (std::cmp::Reverse(index * 37 % 50), index));
        let told: Vec<usize> = found.misses.iter().map(|miss| 2 * miss.position + miss.number).collect();
        assert_eq!(told, expected[..MOST_MISSES]);
        let (_, _, few) = task.judge(&outputs[..4], &targets(&[10.0, 0.0, 10.0, 0.0]));
        let told: Vec<usize> = few.misses.iter().map(|miss| 2 * miss.position + miss.number).collect();
        assert_eq!(told, [1, 2, 3, 0]);
        assert!(task.judge(&[], &targets(&[])).2.misses.is_empty());
    }

    /// As of a series' own values: nothing is told of what was never asked for.
    #[test]
    fn a_number_that_was_never_asked_for_has_no_score() {
        let task = task_of(RegressionLoss::Squared, Some(SelfTargets::Next));
        let found =
            task.evaluate(&vec![0.0, 7.0, 1.0, 8.0].into(), &targets(&[12.0, f32::NAN, 8.0, f32::NAN]));
        let detail = found.regressed().unwrap();
        assert_eq!(
            (detail.numbers[0].rmse, detail.rmse),
            (Some(detail.rmse), detail.numbers[0].rmse.unwrap())
        );
        assert_eq!(
            detail.numbers[1],
            NumberScore { target: "b".to_owned(), rmse: None, mae: None, r2: None }
        );
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.contains("\"rmse\":null"), "{text}");
        assert_eq!(
            serde_json::from_str::<Evaluation>(&text).unwrap().regressed().unwrap().numbers,
            detail.numbers
        );
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (outputs, truth) = ([0.3, 1.4, -2.0, 0.2], targets(&[12.0, 0.0, 10.0, 0.0]));
        let losses = [RegressionLoss::Squared, RegressionLoss::Absolute, RegressionLoss::Huber];
        for (loss, own) in losses.into_iter().flat_map(|loss| [(loss, None), (loss, Some(SelfTargets::Next))])
        {
            let task = task_of(loss, own);
            let found = task.loss_gradient(&outputs.to_vec().into(), &truth);
            for index in 0..4 {
                let at = |by: f32| {
                    let mut moved = outputs;
                    moved[index] += by;
                    let evaluation = task.evaluate(&moved.to_vec().into(), &truth);
                    evaluation.loss * evaluation.positions as f64
                };
                let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
                assert!((f64::from(found[index]) - expected).abs() < 1e-3, "{loss:?}: {found:?}");
            }
        }
    }
}
