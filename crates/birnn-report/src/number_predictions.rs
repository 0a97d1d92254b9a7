//! Which numbers the net answers with, and how far they are off.

use std::ops::Range;

use birnn_data::{Modality, SelfTargets, Series, Split};
use birnn_infer::{Answers, ErrorSums, Evaluation, Miss, Regress, Regressed, Task, significant_among};

use crate::judged::Judged;
use crate::predictions::{positions, ranges};
use crate::stats::{ScoreIntervals, bootstrap};

/// The numbers that a net answers with for all samples of a split.
#[derive(Debug)]
pub struct NumberPredictions {
    /// What they are and mean.
    pub task: Regress,
    /// `[positions, numbers]`, in their units; in the order of the samples and their steps.
    pub answers: Vec<f32>,
    /// What they should be, likewise.
    pub truth: Vec<f32>,
    /// Of values of the samples themselves, whether each was asked for: of the others both above are what is
    /// known.
    pub(crate) asked: Option<Vec<bool>>,
    /// How many positions each sample has: one, or one for each step.
    pub positions: Vec<usize>,
    /// How the net did.
    pub evaluation: Evaluation,
    /// Scores, and the answers that are furthest off: what the evaluation tells of numbers.
    pub regressed: Regressed,
    /// Of each number, its errors in each sample.
    pub errors: Vec<Vec<ErrorSums>>,
    /// Of each number, how sure its scores are.
    pub judged: Vec<Judged>,
}

impl NumberPredictions {
    /// The `answers` of a net of this task, which is to answer with numbers, to all samples of `split`, read
    /// as `modality` says; none where these have other targets.
    pub(crate) fn new(
        (whole, task): (&Task, &Regress),
        answers: Answers,
        modality: &Modality,
        split: &Split,
    ) -> Option<NumberPredictions> {
        let evaluation = whole.evaluate(&answers, &split.targets);
        let outputs = answers.logits;
        let regressed = evaluation.regressed()?.clone();
        let answers = task.answer(&outputs);
        let errors = task.errors_by_sequence(&answers, &split.targets, split.sequences.lengths());
        let judged = Judged::all(task, &errors, &split.targets);
        let targets = split.targets.numbers()?;
        let (truth, answers, asked) = match (modality, task.self_targets) {
            (Modality::Series(series), Some(_)) => {
                let (truth, answers) = of_self_targets(task, series, split, targets, &outputs);
                (truth, answers, Some(targets.iter().map(|target| !target.is_nan()).collect()))
            }
            _ => (targets.to_vec(), answers, None),
        };
        let positions = positions(split, task.per);
        let task = task.clone();
        Some(NumberPredictions {
            task,
            answers,
            truth,
            asked,
            positions,
            evaluation,
            regressed,
            errors,
            judged,
        })
    }

    /// Whether the number at this index, of all, was asked for.
    fn is_asked(&self, index: usize) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked[index])
    }

    /// The truth and the answer of one of the numbers wherever it was asked for.
    pub(crate) fn asked_pairs(&self, number: usize) -> impl Iterator<Item = (f64, f64)> {
        self.asked_at(number, 0..self.truth.len() / self.names().len())
    }

    fn asked_at(&self, number: usize, positions: Range<usize>) -> impl Iterator<Item = (f64, f64)> {
        let (width, begin) = (self.names().len(), positions.start);
        let pairs = self.pairs(number, positions).enumerate();
        pairs.filter(move |(at, _)| self.is_asked((begin + at) * width + number)).map(|(_, pair)| pair)
    }

    /// What the numbers are called.
    pub(crate) fn names(&self) -> &[String] {
        &self.task.scale.names
    }

    /// As [`SelfTargets::behind`].
    pub(crate) fn behind(&self) -> usize {
        self.task.self_targets.map_or(0, SelfTargets::behind)
    }

    /// A value of one of the numbers as text.
    pub(crate) fn told(&self, number: usize, value: f64) -> String {
        significant_among(value, f64::from(self.task.scale.deviation[number]))
    }

    /// The positions of each sample, as a range of all.
    pub(crate) fn of_samples(&self) -> impl Iterator<Item = Range<usize>> {
        ranges(&self.positions)
    }

    /// The truth and the answer of one of the numbers at each of these positions.
    pub(crate) fn pairs(
        &self,
        number: usize,
        positions: Range<usize>,
    ) -> impl ExactSizeIterator<Item = (f64, f64)> {
        let width = self.names().len();
        let at = move |position: usize| position * width + number;
        positions
            .map(move |position| (f64::from(self.truth[at(position)]), f64::from(self.answers[at(position)])))
    }

    /// The 95 % intervals of the scores of all numbers, which are the means of theirs.
    pub(crate) fn intervals(&self) -> Option<ScoreIntervals> {
        bootstrap(&self.errors)
    }

    /// Of each sample, the errors of all numbers together: of several each in standard deviations of its
    /// training targets, else in its units.
    pub(crate) fn together(&self) -> Vec<ErrorSums> {
        let deviation = &self.task.scale.deviation;
        if let [only] = &self.errors[..] {
            return only.clone();
        }
        let of = |positions: Range<usize>| {
            let mut found = ErrorSums::default();
            for (number, &unit) in deviation.iter().enumerate() {
                for (truth, answer) in self.asked_at(number, positions.clone()) {
                    found.add(answer as f32 / unit, truth as f32 / unit, 0.0);
                }
            }
            found
        };
        self.of_samples().map(of).collect()
    }

    /// The samples of which something was asked, that which is answered best first.
    pub(crate) fn by_error(&self) -> Vec<usize> {
        let errors = self.together();
        let mut order: Vec<usize> = (0..errors.len()).filter(|&sample| !errors[sample].is_empty()).collect();
        order.sort_by(|&a, &b| errors[a].rmse().total_cmp(&errors[b].rmse()));
        order
    }

    /// How large the error of an answer is, in standard deviations of the training targets.
    fn error(&self, miss: &Miss) -> f32 {
        (miss.answer - miss.truth).abs() / self.task.scale.deviation[miss.number]
    }

    /// The largest error at these positions, the first of several; `None` where there are no positions.
    pub(crate) fn largest_error(&self, positions: Range<usize>) -> Option<Miss> {
        let width = self.names().len();
        let miss = |index: usize| Miss {
            position: index / width,
            number: index % width,
            truth: self.truth[index],
            answer: self.answers[index],
        };
        let larger = |a: Miss, b: Miss| if self.error(&b).total_cmp(&self.error(&a)).is_gt() { b } else { a };
        (positions.start * width..positions.end * width).map(miss).reduce(larger)
    }

    /// Of each sample its largest error, if it has any, with the sample; the largest of all first.
    pub(crate) fn misses(&self) -> Vec<(usize, Miss)> {
        let of_samples = self.of_samples().map(|positions| self.largest_error(positions));
        let mut found: Vec<(usize, Miss)> = of_samples
            .enumerate()
            .filter_map(|(sample, miss)| Some((sample, miss.filter(|miss| miss.answer != miss.truth)?)))
            .collect();
        found.sort_by(|(_, a), (_, b)| self.error(b).total_cmp(&self.error(a)));
        found
    }
}

/// Values of the samples themselves, and the answers for them, in their own units: what was asked for, and
/// beside it what is known. `targets` and `outputs` are how far each value is off from what the net reads in
/// its place.
fn of_self_targets(
    task: &Regress,
    series: &Series,
    split: &Split,
    targets: &[f32],
    outputs: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let (mut truth, mut answers) = (Vec::with_capacity(targets.len()), Vec::with_capacity(targets.len()));
    let mut begin = 0;
    for one in split.sequences.iter() {
        let values = one.floats().unwrap_or_default();
        let own = begin..begin + values.len();
        begin = own.end;
        let found = task.self_answer(series, values, &outputs[own.clone()]);
        for ((read, off), found) in series.filled(values).into_iter().zip(&targets[own]).zip(found) {
            // What was not asked for is, for every net, what it reads.
            truth.push(if off.is_nan() { read } else { read + off });
            answers.push(if off.is_nan() { read } else { found });
        }
    }
    (truth, answers)
}

#[cfg(test)]
mod tests {
    use crate::answered::Answered;
    use crate::compare::made_up::numbers;

    /// However many of one sample's errors are larger than those of all others.
    #[test]
    fn each_sample_is_told_of_by_its_largest_error() {
        let mut off = vec![9.0; 150];
        off[70] = -10.0;
        off.extend([1.0, 2.0, 0.0, 2.0]);
        let Answered::Numbers(mut all) = numbers(&off) else { panic!("numbers were wanted") };
        all.positions = vec![150, 1, 1, 1, 1];
        let told: Vec<_> = all.misses().iter().map(|(sample, miss)| (*sample, miss.position)).collect();
        assert_eq!(told, [(0, 70), (2, 151), (4, 153), (1, 150)]);
    }
}
