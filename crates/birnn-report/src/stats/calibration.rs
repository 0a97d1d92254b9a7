//! How far probabilities can be believed.

/// How often predictions are correct, by the probability that the net gives them (Guo et al. 2017, "On
/// calibration of modern neural networks", section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Bins of equal width, from probability 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the distance between probability and accuracy, averaged over the samples.
    pub error: f64,
    /// Mean probability of the predicted classes.
    pub confidence: f64,
    /// The share of predictions that are correct.
    pub accuracy: f64,
}

/// The predictions whose probability `p` is `low < p <= high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The number of predictions.
    pub count: u64,
    /// How many of them are correct.
    pub correct: u64,
    /// Mean probability; 0 where there are none.
    pub confidence: f64,
}

impl Calibration {
    /// From each prediction's probability and whether it is correct. What is no number counts as probability
    /// 0.
    pub fn new(predictions: &[(f64, bool)], bins: usize) -> Calibration {
        let width = 1.0 / bins as f64;
        let empty = |bin: usize| Bin {
            low: bin as f64 * width,
            high: (bin + 1) as f64 * width,
            count: 0,
            correct: 0,
            confidence: 0.0,
        };
        let mut filled: Vec<Bin> = (0..bins).map(empty).collect();
        for &(probability, correct) in predictions {
            let probability = known(probability);
            let bin = &mut filled[bin_of(probability, bins)];
            bin.count += 1;
            bin.correct += u64::from(correct);
            bin.confidence += probability;
        }
        let count = predictions.len().max(1) as f64;
        let confidence = filled.iter().map(|bin| bin.confidence).sum::<f64>() / count;
        let correct: u64 = filled.iter().map(|bin| bin.correct).sum();
        let error = filled.iter().map(|bin| (bin.confidence - bin.correct as f64).abs()).sum::<f64>() / count;
        for bin in &mut filled {
            bin.confidence /= bin.count.max(1) as f64;
        }
        Calibration { bins: filled, error, confidence, accuracy: correct as f64 / count }
    }
}

/// The index of the bin that a probability is in, of so many.
pub(crate) fn bin_of(probability: f64, bins: usize) -> usize {
    ((known(probability) * bins as f64).ceil() as usize).clamp(1, bins) - 1
}

fn known(probability: f64) -> f64 {
    if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calibration_error_of_a_made_up_net_is_known() {
        // Four predictions of 0.95, three correct: off by 0.2. Two of 0.55, one correct: off by 0.05.
        let answers = [(0.95, true), (0.95, true), (0.95, true), (0.95, false), (0.55, true), (0.55, false)];
        let found = Calibration::new(&answers, 10);
        assert!((found.error - (4.0 * 0.2 + 2.0 * 0.05) / 6.0).abs() < 1e-12, "{found:?}");
        assert!((found.confidence - 4.9 / 6.0).abs() < 1e-12);
        assert!((found.accuracy - 4.0 / 6.0).abs() < 1e-12);
        let counts = |bin: usize| (found.bins[bin].correct, found.bins[bin].count);
        assert_eq!((counts(9), counts(5), counts(0)), ((3, 4), (1, 2), (0, 0)));
    }

    #[test]
    fn every_probability_has_a_bin() {
        let answers = [0.0, 0.1, 0.100_001, 1.0, f64::NAN, 2.0, -1.0].map(|p| (p, true));
        let counts: Vec<u64> = Calibration::new(&answers, 10).bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [4, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(Calibration::new(&[], 10).error, 0.0);
    }
}
