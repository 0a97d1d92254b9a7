//! Of classification: cross-entropy, the target perhaps smoothed.

use tch::{Reduction, TchError, Tensor};

/// Cross-entropy against one label for each sequence.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
}

/// The mean over `logits [batch, classes]` and `labels [batch]`, in nats.
pub(super) fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor, TchError> {
    logits.f_cross_entropy_loss(labels, None::<Tensor>, Reduction::Mean, -100, smoothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// -(0.9 + 0.1/3) log p_label - sum over the others of 0.1/3 log p, with p = softmax([1, 0, 0]).
    #[test]
    fn smoothing_spreads_the_target() {
        let logits = Tensor::from_slice(&[1.0_f32, 0.0, 0.0]).view([1, 3]);
        let labels = Tensor::from_slice(&[0_i64]);
        let loss = cross_entropy(&logits, &labels, 0.1).unwrap().double_value(&[]);
        let log_sum = (1.0_f64.exp() + 2.0).ln();
        let expected = log_sum - (0.9 + 0.1 / 3.0);
        assert!((loss - expected).abs() < 1e-6, "{loss}, not {expected}");
    }
}
