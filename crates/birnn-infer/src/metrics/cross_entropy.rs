//! The mean negative log-likelihood of the targets.

/// Cross-entropy of logits and labels, summed in `f64`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CrossEntropy {
    sum: f64,
    count: u64,
}

impl CrossEntropy {
    /// Of one sample: `log(sum exp logits) - logits[label]`, in nats.
    pub(crate) fn of(logits: &[f32], label: usize) -> f64 {
        let (_, sum) = exponentials(logits);
        sum.ln() - f64::from(logits[label] - largest(logits))
    }

    /// Adds one sample.
    pub(crate) fn add(&mut self, logits: &[f32], label: usize) {
        self.sum += CrossEntropy::of(logits, label);
        self.count += 1;
    }

    /// How many samples there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The mean over them, 0 where there are none.
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// `e^(logit - largest logit)` of each, and their sum. In `f64`, so that they are as exact as `f32` can tell.
pub(crate) fn exponentials(logits: &[f32]) -> (impl Iterator<Item = f64>, f64) {
    let largest = largest(logits);
    let each = logits.iter().map(move |&logit| f64::from(logit - largest).exp());
    let sum = each.clone().sum();
    (each, sum)
}

fn largest(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// -log softmax([1, 2, 3])[label], by hand.
    #[test]
    fn it_is_the_mean_of_minus_the_log_of_what_the_label_got() {
        let mut found = CrossEntropy::default();
        assert_eq!(found.mean(), 0.0);
        found.add(&[1.0, 2.0, 3.0], 2);
        assert!((found.mean() - 0.407_605_964).abs() < 1e-8, "{}", found.mean());
        found.add(&[1001.0, 1002.0, 1003.0], 0);
        assert!((found.mean() - (0.407_605_964 + 2.407_605_964) / 2.0).abs() < 1e-8, "{}", found.mean());
        assert_eq!(found.count(), 2);
    }
}
