//! Many times of the same thing as a median and quartiles.

use serde::{Deserialize, Serialize};

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The middle one.
    pub median: f64,
    /// A quarter took less.
    pub p25: f64,
    /// A quarter took more.
    pub p75: f64,
    /// How many were timed.
    pub count: usize,
}

impl Stats {
    /// Of at least one time.
    pub fn of(mut times: Vec<f64>) -> Stats {
        times.sort_by(f64::total_cmp);
        let [p25, median, p75] = [0.25, 0.5, 0.75].map(|p| quantile(&times, p));
        Stats { median, p25, p75, count: times.len() }
    }
}

/// Between the two nearest of sorted times, in proportion, as numpy does.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times: &[f64], [p25, median, p75]: [f64; 3]) {
        assert_eq!(Stats::of(times.to_vec()), Stats { median, p25, p75, count: times.len() });
    }

    #[test]
    fn quartiles_are_numpys() {
        check(&[7.0], [7.0, 7.0, 7.0]);
        check(&[5.0, 1.0, 3.0, 2.0, 4.0], [2.0, 3.0, 4.0]);
        check(&[1.0, 2.0, 3.0, 10.0], [1.75, 2.5, 4.75]);
    }
}
