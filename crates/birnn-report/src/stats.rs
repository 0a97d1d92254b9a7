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

/// The 95 % score interval of a share of which `part` of `whole` were seen (Wilson 1927, "Probable inference, the law of
/// succession, and statistical inference"). Unlike the usual one it stays within 0 and 1 and is of use near both. `None`
/// where nothing was seen.
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

/// How often answers are right, by the probability that the net gives them (Guo et al. 2017, "On calibration of modern
/// neural networks", section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Bins of equal width, from probability 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the distance between probability and accuracy, averaged over the images.
    pub error: f64,
    /// Mean probability of the answers.
    pub confidence: f64,
    /// The share of answers that are right.
    pub accuracy: f64,
}

/// The answers whose probability `p` is `low < p <= high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many answers.
    pub count: u64,
    /// How many of them are right.
    pub right: u64,
    /// Mean probability; 0 where there are none.
    pub confidence: f64,
}

impl Bin {
    /// The share that is right; `None` where there are no answers.
    pub fn accuracy(&self) -> Option<f64> {
        (self.count > 0).then(|| self.right as f64 / self.count as f64)
    }
}

impl Calibration {
    /// From each answer's probability and whether it is right. What is no number counts as probability 0.
    pub fn new(answers: &[(f64, bool)], bins: usize) -> Calibration {
        let width = 1.0 / bins as f64;
        let empty = |bin: usize| Bin {
            low: bin as f64 * width,
            high: (bin + 1) as f64 * width,
            count: 0,
            right: 0,
            confidence: 0.0,
        };
        let mut filled: Vec<Bin> = (0..bins).map(empty).collect();
        for &(probability, right) in answers {
            let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
            let place = (probability * bins as f64).ceil() as usize;
            let bin = &mut filled[place.clamp(1, bins) - 1];
            bin.count += 1;
            bin.right += u64::from(right);
            bin.confidence += probability;
        }
        let count = answers.len().max(1) as f64;
        let confidence = filled.iter().map(|bin| bin.confidence).sum::<f64>() / count;
        let right: u64 = filled.iter().map(|bin| bin.right).sum();
        let error = filled.iter().map(|bin| (bin.confidence - bin.right as f64).abs()).sum::<f64>() / count;
        for bin in &mut filled {
            bin.confidence /= bin.count.max(1) as f64;
        }
        Calibration { bins: filled, error, confidence, accuracy: right as f64 / count }
    }
}

/// How the results of several runs lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
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

impl Spread {
    /// Of `values`; `None` where there is none.
    pub fn new(values: &[f64]) -> Option<Spread> {
        let runs = values.len();
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (runs > 0).then_some(Spread { runs, mean, deviation, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second four are those of Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I,
    /// method 3.
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
    fn a_spread_is_that_of_a_sample() {
        let spread = Spread::new(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((spread.runs, spread.mean, spread.low, spread.high), (8, 5.0, 2.0, 9.0));
        assert!((spread.deviation.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::new(&[3.0]).unwrap().deviation, None);
        assert_eq!(Spread::new(&[]), None);
    }
}
