//! How sure a share is, how far probabilities can be believed, and whether two shares differ.

mod paired;

use serde::Serialize;

pub use self::paired::{difference, holm, mcnemar};

/// The 97.5 % quantile of the standard normal distribution: 95 % of it lies within.
const Z: f64 = 1.959_963_984_540_054;

/// An interval of shares, from 0 to 1, or of their differences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The 95 % score interval of a share of which `part` of `whole` were seen (Wilson 1927, "Probable inference,
/// the law of succession, and statistical inference"). Unlike the usual one it stays within 0 and 1 and is of
/// use near both. `None` where nothing was seen.
pub fn wilson(part: u64, whole: u64) -> Option<Interval> {
    if whole == 0 {
        return None;
    }
    let (n, share) = (whole as f64, part as f64 / whole as f64);
    let shrink = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / shrink;
    let half = Z / shrink * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Rounding must not take the ends past what was seen.
    Some(Interval { low: (centre - half).clamp(0.0, share), high: (centre + half).clamp(share, 1.0) })
}

/// How often predictions are correct, by the probability that the net gives them (Guo et al. 2017, "On
/// calibration of modern neural networks", section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Bins of equal width, from probability 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the distance between probability and accuracy, averaged over the images.
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

impl Bin {
    /// The share that is correct; `None` where there are no predictions.
    pub fn accuracy(&self) -> Option<f64> {
        (self.count > 0).then(|| self.correct as f64 / self.count as f64)
    }
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
            let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
            let bin = (probability * bins as f64).ceil() as usize;
            let bin = &mut filled[bin.clamp(1, bins) - 1];
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

/// Mean, deviation and range of the results of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub runs: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, as that of a sample; `None` of one run.
    pub deviation: Option<f64>,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Summary {
    /// Of `values`; `None` where there is none.
    pub fn new(values: &[f64]) -> Option<Summary> {
        let runs = values.len();
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (runs > 0).then_some(Summary { runs, mean, deviation, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second four are those of Newcombe 1998, "Two-sided confidence intervals for the single
    /// proportion", table I, method 3.
    #[test]
    fn wilson_intervals_are_the_known_ones() {
        for (part, whole, low, high) in [
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (1, 10, 0.0179, 0.4042),
            (50, 100, 0.4038, 0.5962),
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(part, whole).unwrap();
            assert!((found.low - low).abs() < 6e-5, "{part}/{whole}: {found:?}");
            assert!((found.high - high).abs() < 6e-5, "{part}/{whole}: {found:?}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn an_interval_holds_what_was_seen() {
        for whole in 1..60 {
            for part in 0..=whole {
                let Interval { low, high } = wilson(part, whole).unwrap();
                let share = part as f64 / whole as f64;
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0, "{part}/{whole}");
            }
        }
    }

    #[test]
    fn the_calibration_error_of_a_made_up_net_is_known() {
        // Four answers of 0.95, three right: off by 0.2. Two of 0.55, one right: off by 0.05.
        let answers = [(0.95, true), (0.95, true), (0.95, true), (0.95, false), (0.55, true), (0.55, false)];
        let found = Calibration::new(&answers, 10);
        assert!((found.error - (4.0 * 0.2 + 2.0 * 0.05) / 6.0).abs() < 1e-12, "{found:?}");
        assert!((found.confidence - 4.9 / 6.0).abs() < 1e-12);
        assert!((found.accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!((found.bins[9].count, found.bins[5].count), (4, 2));
        assert_eq!(found.bins[9].accuracy(), Some(0.75));
        assert_eq!(found.bins[0].accuracy(), None);
    }

    #[test]
    fn every_probability_has_a_bin() {
        let answers = [0.0, 0.1, 0.100_001, 1.0, f64::NAN, 2.0, -1.0].map(|p| (p, true));
        let counts: Vec<u64> = Calibration::new(&answers, 10).bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [4, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(Calibration::new(&[], 10).error, 0.0);
    }

    #[test]
    fn a_deviation_is_that_of_a_sample() {
        let summary = Summary::new(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((summary.runs, summary.mean, summary.low, summary.high), (8, 5.0, 2.0, 9.0));
        assert!((summary.deviation.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Summary::new(&[3.0]).unwrap().deviation, None);
        assert_eq!(Summary::new(&[]), None);
    }
}
