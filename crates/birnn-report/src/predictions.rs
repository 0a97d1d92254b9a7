//! Which class the net predicts for each sample, or for each of its steps, and how that adds up.

use std::ops::Range;

use birnn_data::{Per, Split};
use birnn_infer::{Answers, Class, Classified, Classify, Evaluation, SpanCounts, SpanScore, Task};

use crate::stats::{Calibration, Share, bin_of};

/// The prediction for one sample, or for one step of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The sample's index in the split; of steps the step's among those of all.
    pub sample: usize,
    /// The true class.
    pub label: usize,
    /// The predicted class: the one with the highest probability, or of a conditional random field the one of
    /// the most probable tags together.
    pub class: usize,
    /// The probability of the predicted class.
    pub probability: f64,
    /// The probability of the true class.
    pub p_true: f64,
}

/// The predictions for all samples of a split.
#[derive(Debug)]
pub struct Predictions {
    /// In the order of the samples and their steps.
    pub predictions: Vec<Prediction>,
    /// What each is for.
    pub per: Per,
    /// How many predictions each sample has: one, or one for each step.
    pub positions: Vec<usize>,
    /// How the net did.
    pub evaluation: Evaluation,
    /// Scores and confusion: what the evaluation tells of classes.
    pub classified: Classified,
    /// How far the probabilities can be believed.
    pub calibration: Calibration,
    /// Of tags that mark spans: the spans of each sample.
    pub spans: Option<Vec<SpanScore>>,
}

/// As many as Guo et al. use.
const BINS: usize = 15;

impl Prediction {
    /// Whether the predicted class is the true one.
    pub fn is_correct(&self) -> bool {
        self.label == self.class
    }
}

impl Predictions {
    /// The `answers` of a net of this task, which is to classify, to all samples of `split`; none where these
    /// have other targets.
    pub(crate) fn new(
        (whole, task): (&Task, &Classify),
        answers: &Answers,
        split: &Split,
    ) -> Option<Predictions> {
        let evaluation = whole.evaluate(answers, &split.targets);
        let classified = evaluation.classified()?.clone();
        let of_each = answers.logits.chunks_exact(task.classes.len()).zip(split.labels()?).enumerate();
        let predictions: Vec<Prediction> = of_each
            .map(|(sample, (logits, &label))| {
                let Class { class, probability } = task.answer_at(answers, sample);
                let label = usize::from(label);
                Prediction { sample, label, class, probability, p_true: task.probabilities(logits)[label] }
            })
            .collect();
        let sure: Vec<(f64, bool)> =
            predictions.iter().map(|prediction| (prediction.probability, prediction.is_correct())).collect();
        let calibration = Calibration::new(&sure, BINS);
        let positions = positions(split, task.per);
        let per = task.per;
        let mut predictions =
            Predictions { predictions, per, positions, evaluation, classified, calibration, spans: None };
        predictions.spans = predictions.spans_of_samples(task);
        Some(predictions)
    }

    /// The spans of each sample, read strictly, where tags mark such.
    fn spans_of_samples(&self, task: &Classify) -> Option<Vec<SpanScore>> {
        let tags = task.tag_set().ok().flatten()?;
        let of_sample = |range: Range<usize>| {
            let own = &self.predictions[range];
            let of = |class: fn(&Prediction) -> usize| own.iter().map(class).collect::<Vec<_>>();
            let mut counts = SpanCounts::new(tags.clone());
            counts.add(&of(|one| one.label), &of(|one| one.class));
            counts.finish().strict.all
        };
        Some(self.of_samples().map(of_sample).collect())
    }

    /// Shares of the predictions with their intervals, `count` of them: `of` tells in which of them a
    /// prediction counts, and whether as part of it.
    pub(crate) fn shares(&self, count: usize, of: impl Fn(&Prediction) -> (usize, bool)) -> Vec<Share> {
        Share::all(count, &self.positions, self.predictions.iter().map(of))
    }

    /// The share that is correct.
    pub(crate) fn accuracy(&self) -> Option<Share> {
        self.shares(1, |prediction| (0, prediction.is_correct())).pop()
    }

    /// Of each bin of the calibration, the share that is correct.
    pub(crate) fn of_bins(&self) -> Vec<Share> {
        let bins = self.calibration.bins.len();
        self.shares(bins, |prediction| (bin_of(prediction.probability, bins), prediction.is_correct()))
    }

    /// The predictions for each sample, as a range of all.
    pub(crate) fn of_samples(&self) -> impl Iterator<Item = Range<usize>> {
        ranges(&self.positions)
    }

    /// The wrong predictions, the most confident first.
    pub fn mistakes(&self) -> Vec<Prediction> {
        self.classified.mistakes.iter().map(|mistake| self.predictions[mistake.sample]).collect()
    }
}

/// How many answers each sample of a split has.
pub(crate) fn positions(split: &Split, per: Per) -> Vec<usize> {
    split.sequences.lengths().map(|steps| per.positions(steps)).collect()
}

/// Where the answers of each sample are among all, from how many each has.
pub(crate) fn ranges(positions: &[usize]) -> impl Iterator<Item = Range<usize>> {
    positions.iter().scan(0, |begin, &own| {
        let range = *begin..*begin + own;
        *begin = range.end;
        Some(range)
    })
}

/// The indices of at most `most` of a split's samples, evenly spaced.
pub(crate) fn evenly_spaced(split: &Split, most: usize) -> Vec<usize> {
    let all = split.len();
    let count = all.min(most);
    (0..count).map(|index| index * all / count).collect()
}

#[cfg(test)]
mod tests {
    use birnn_data::Images;

    use super::*;

    #[test]
    fn a_subset_is_evenly_spaced() {
        let sequences = Images { rows: 1, cols: 2, pixels: (0..20).collect() }.into();
        let split = Split::classified(sequences, (100..110).collect());
        assert_eq!(evenly_spaced(&split, 4), [0, 2, 5, 7]);
        assert_eq!(evenly_spaced(&split, 50).len(), 10);
        assert!(evenly_spaced(&split.select(&[]), 5).is_empty());
    }
}
