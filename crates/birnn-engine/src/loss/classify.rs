//! Of classification: cross-entropy, the target perhaps smoothed, classes perhaps weighted.

use tch::{Reduction, TchError, Tensor};

use crate::samples::NOT_ASKED;

/// Cross-entropy against one label for each position: a sequence or, where each step is answered, a step.
#[derive(Debug)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// How much a position counts, by its class, `f32 [classes]` on the device of the logits. Over all
    /// training data the mean is 1.
    pub class_weights: Option<Tensor>,
    /// Whether there are positions without a label, as of tokens of the sequences themselves those that are
    /// not asked for.
    pub is_partial: bool,
}

impl Clone for CrossEntropy {
    fn clone(&self) -> CrossEntropy {
        let class_weights = self.class_weights.as_ref().map(Tensor::shallow_clone);
        CrossEntropy { class_weights, ..*self }
    }
}

impl CrossEntropy {
    /// The mean over `logits [positions, classes]` and `labels [positions]`, of which `counted` are classes,
    /// in nats. It is each position's own loss that is weighted, the smoothed part by the same weight, and
    /// the sum is divided by how many there are: a position counts the same in any batch. PyTorch's `weight`
    /// does neither.
    pub(super) fn mean(&self, logits: &Tensor, labels: &Tensor, counted: usize) -> Result<Tensor, TchError> {
        let loss = |reduction| {
            logits.f_cross_entropy_loss(labels, None::<Tensor>, reduction, NOT_ASKED, self.label_smoothing)
        };
        match &self.class_weights {
            None if self.is_partial => loss(Reduction::Sum)?.f_div_scalar(counted.max(1) as f64),
            None => loss(Reduction::Mean),
            Some(weights) => {
                let each = weights.f_index_select(0, labels)?.f_to_kind(logits.kind())?;
                loss(Reduction::None)?.f_mul(&each)?.f_mean(logits.kind())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(label_smoothing: f64, class_weights: Option<&[f32]>, logits: &[f32], labels: &[i64]) -> f64 {
        let logits = Tensor::from_slice(logits).view([labels.len() as i64, -1]);
        let class_weights = class_weights.map(Tensor::from_slice);
        let loss = CrossEntropy { label_smoothing, class_weights, is_partial: false };
        loss.mean(&logits, &Tensor::from_slice(labels), labels.len()).unwrap().double_value(&[])
    }

    /// -(0.9 + 0.1/3) log p_label - sum over the others of 0.1/3 log p, with p = softmax([1, 0, 0]).
    #[test]
    fn smoothing_spreads_the_target() {
        let found = loss(0.1, None, &[1.0, 0.0, 0.0], &[0]);
        let log_sum = (1.0_f64.exp() + 2.0).ln();
        let expected = log_sum - (0.9 + 0.1 / 3.0);
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    /// What is not asked for counts for nothing, and has no gradient.
    #[test]
    fn positions_without_a_label_do_not_count() {
        let logits =
            Tensor::from_slice(&[1.0_f32, 0.0, 5.0, -5.0, 2.0, 0.5]).view([3, 2]).set_requires_grad(true);
        let labels = Tensor::from_slice(&[0_i64, NOT_ASKED, 1]);
        let partial = CrossEntropy { label_smoothing: 0.1, class_weights: None, is_partial: true };
        let found = partial.mean(&logits, &labels, 2).unwrap();
        let alone = |logits: &[f32], label| loss(0.1, None, logits, &[label]);
        let expected = (alone(&[1.0, 0.0], 0) + alone(&[2.0, 0.5], 1)) / 2.0;
        assert!((found.double_value(&[]) - expected).abs() < 1e-6);
        found.backward();
        assert_eq!(Vec::<f32>::try_from(logits.grad().get(1)).unwrap(), [0.0, 0.0]);
        let none = partial.mean(&logits, &Tensor::from_slice(&[NOT_ASKED; 3]), 0).unwrap();
        assert_eq!(none.double_value(&[]), 0.0);
    }

    /// Smoothed or not: a class that is spread to does not bring its own weight.
    #[test]
    fn a_sequence_counts_by_its_class() {
        let (logits, weights) = ([1.0, 0.0, 0.0, 2.0], [0.5, 3.0]);
        for smoothing in [0.0, 0.2] {
            let alone = |index: usize, label| loss(smoothing, None, &logits[2 * index..][..2], &[label]);
            let found = loss(smoothing, Some(&weights), &logits, &[0, 1]);
            let expected = (0.5 * alone(0, 0) + 3.0 * alone(1, 1)) / 2.0;
            assert!((found - expected).abs() < 1e-6, "{smoothing}: {found}, not {expected}");
        }
    }
}
