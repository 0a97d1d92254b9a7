//! What several runs of one experiment come to.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::interval::Interval;

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

    /// The 95 % interval of the mean, by Student's t: that of all seeds that there could be. `None` of one
    /// run.
    pub fn interval(&self) -> Option<Interval> {
        let freedom = self.runs as f64 - 1.0;
        let t = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.975);
        let half = t * self.deviation? / (self.runs as f64).sqrt();
        Some(Interval { low: self.mean - half, high: self.mean + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_is_that_of_a_sample() {
        let summary = Summary::new(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((summary.runs, summary.mean, summary.low, summary.high), (8, 5.0, 2.0, 9.0));
        assert!((summary.deviation.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Summary::new(&[3.0]).unwrap().deviation, None);
        assert_eq!(Summary::new(&[]), None);
    }

    /// Half the width is 2.776 / sqrt(5) deviations of five runs, 12.706 / sqrt(2) of two.
    #[test]
    fn an_interval_is_students() {
        let half = |values: &[f64]| {
            let Interval { low, high } = Summary::new(values)?.interval()?;
            Some((high - low) / 2.0)
        };
        assert!((half(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap() - 2.776_445 * 0.5_f64.sqrt()).abs() < 1e-5);
        assert!((half(&[0.0, 2.0]).unwrap() - 12.706_205).abs() < 1e-5);
        assert_eq!(half(&[1.0]), None);
    }
}
