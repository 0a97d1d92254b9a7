//! Of classification: cross-entropy, the target perhaps smoothed, classes perhaps weighted.

use tch::{Reduction, TchError, Tensor};

/// Cross-entropy against one label for each sequence.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// How much a sequence counts, by its class. Over all training data the mean is 1.
    pub class_weights: Option<Vec<f32>>,
}

impl CrossEntropy {
    /// The mean over `logits [batch, classes]` and `labels [batch]`, in nats. Weighted losses are divided by how many
    /// sequences there are, and not, as PyTorch does, by their weights: a sequence counts the same in any batch.
    pub(super) fn mean(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
        let loss = |weights: Option<Tensor>, reduction| {
            logits.f_cross_entropy_loss(labels, weights, reduction, -100, self.label_smoothing)
        };
        match &self.class_weights {
            None => loss(None, Reduction::Mean),
            Some(weights) => {
                let weights = Tensor::f_from_slice(weights)?.f_to_device(logits.device())?;
                let weights = weights.f_to_kind(logits.kind())?;
                loss(Some(weights), Reduction::Sum)?.f_div_scalar(labels.size()[0])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(label_smoothing: f64, class_weights: Option<Vec<f32>>, logits: &[f32], labels: &[i64]) -> f64 {
        let logits = Tensor::from_slice(logits).view([labels.len() as i64, -1]);
        let loss = CrossEntropy { label_smoothing, class_weights };
        loss.mean(&logits, &Tensor::from_slice(labels)).unwrap().double_value(&[])
    }

    /// -(0.9 + 0.1/3) log p_label - sum over the others of 0.1/3 log p, with p = softmax([1, 0, 0]).
    #[test]
    fn smoothing_spreads_the_target() {
        let found = loss(0.1, None, &[1.0, 0.0, 0.0], &[0]);
        let log_sum = (1.0_f64.exp() + 2.0).ln();
        let expected = log_sum - (0.9 + 0.1 / 3.0);
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    #[test]
    fn a_sequence_counts_by_its_class() {
        let logits = [1.0, 0.0, 0.0, 2.0];
        let alone = |index: usize, label| loss(0.0, None, &logits[2 * index..][..2], &[label]);
        let found = loss(0.0, Some(vec![0.5, 3.0]), &logits, &[0, 1]);
        let expected = (0.5 * alone(0, 0) + 3.0 * alone(1, 1)) / 2.0;
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        let same = loss(0.2, Some(vec![1.0; 2]), &logits, &[0, 1]) - loss(0.2, None, &logits, &[0, 1]);
        assert!(same.abs() < 1e-6, "{same}");
    }
}
