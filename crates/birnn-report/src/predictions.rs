//! What the net predicts for each sample, and how that adds up.

use birnn_data::Split;
use birnn_infer::{Class, Detail, Evaluation, Predictor, Task, cpu};

use crate::stats::Calibration;

/// The prediction for one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The sample's index in the split.
    pub sample: usize,
    /// The sample's true class.
    pub label: usize,
    /// The predicted class: the one with the highest probability.
    pub class: usize,
    /// The probability of the predicted class.
    pub probability: f64,
    /// The probability of the true class.
    pub p_true: f64,
}

/// The predictions for all samples of a split.
#[derive(Debug)]
pub struct Predictions {
    /// In the order of the samples.
    pub predictions: Vec<Prediction>,
    /// Scores and confusion.
    pub evaluation: Evaluation,
    /// How far the probabilities can be believed.
    pub calibration: Calibration,
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
    /// Classifies all samples of `split`, which are of the kind that the net reads.
    pub fn new(predictor: &Predictor, split: &Split) -> Predictions {
        let logits = predictor.logits_of_all(&split.sequences, cpu::threads());
        let evaluation = predictor.task().evaluate(&logits, &split.labels);
        let Task::Classify(task) = predictor.task();
        let answers = logits.chunks_exact(task.classes.len()).zip(&split.labels).enumerate();
        let predictions: Vec<Prediction> = answers
            .map(|(sample, (logits, &label))| {
                let (Class { class, probability }, label) = (task.answer(logits), usize::from(label));
                Prediction { sample, label, class, probability, p_true: task.probabilities(logits)[label] }
            })
            .collect();
        let sure: Vec<(f64, bool)> =
            predictions.iter().map(|prediction| (prediction.probability, prediction.is_correct())).collect();
        Predictions { predictions, evaluation, calibration: Calibration::new(&sure, BINS) }
    }

    /// The wrong predictions, the most confident first.
    pub fn mistakes(&self) -> Vec<Prediction> {
        let Detail::Classify(found) = &self.evaluation.detail;
        found.mistakes.iter().map(|mistake| self.predictions[mistake.sample]).collect()
    }
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
        let split = Split { sequences, labels: (100..110).collect() };
        assert_eq!(evenly_spaced(&split, 4), [0, 2, 5, 7]);
        assert_eq!(evenly_spaced(&split, 50).len(), 10);
        assert!(evenly_spaced(&split.select(&[]), 5).is_empty());
    }
}
