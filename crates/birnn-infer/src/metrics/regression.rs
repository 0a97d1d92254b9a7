//! How far numbers are from what they should be.

use serde::{Deserialize, Serialize};

/// What RMSE, MAE and R2 of one target follow from: sums over answers, in `f64`, which add up over parts of
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ErrorSums {
    count: f64,
    absolute: f64,
    squared: f64,
    /// Of the targets, less an offset.
    truth: f64,
    truth_squared: f64,
}

/// How a net did on one number; nothing where it was never asked for. It is in the number's units but for R2,
/// which has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberScore {
    /// What the number is called.
    pub target: String,
    /// The root of the mean squared error.
    pub rmse: Option<f64>,
    /// The mean absolute error.
    pub mae: Option<f64>,
    /// The share of its variance among the targets that the answers explain; below 0 where their mean would
    /// have been the better answer.
    pub r2: Option<f64>,
}

impl ErrorSums {
    /// Adds an answer. `offset` is anything near the targets, the same for all: it keeps their squares exact.
    pub fn add(&mut self, answer: f32, truth: f32, offset: f32) {
        let error = f64::from(answer) - f64::from(truth);
        let truth = f64::from(truth) - f64::from(offset);
        *self = self.and(&ErrorSums {
            count: 1.0,
            absolute: error.abs(),
            squared: error * error,
            truth,
            truth_squared: truth * truth,
        });
    }

    /// Of both together.
    pub fn and(&self, other: &ErrorSums) -> ErrorSums {
        ErrorSums {
            count: self.count + other.count,
            absolute: self.absolute + other.absolute,
            squared: self.squared + other.squared,
            truth: self.truth + other.truth,
            truth_squared: self.truth_squared + other.truth_squared,
        }
    }

    /// How many answers.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Whether there is no answer.
    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// The root of the mean squared error; 0 of none.
    pub fn rmse(&self) -> f64 {
        (self.squared / self.count.max(1.0)).sqrt()
    }

    /// The mean absolute error; 0 of none.
    pub fn mae(&self) -> f64 {
        self.absolute / self.count.max(1.0)
    }

    /// `1 - squared errors / squared deviations of the targets from their mean`. Of targets that are all the
    /// same it is 1 where the answers are they, or else 0, as scikit-learn has it.
    pub fn r2(&self) -> f64 {
        let spread = self.truth_squared - self.truth * self.truth / self.count.max(1.0);
        // Of equal targets both are the same but for rounding, of which each sum has half an epsilon for each
        // target at most, and the square of a sum twice as much.
        let rounding = 2.0 * f64::EPSILON * self.count * self.truth_squared;
        match spread > rounding {
            _ if self.is_empty() => 0.0,
            true => 1.0 - self.squared / spread,
            false if self.squared == 0.0 => 1.0,
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn's example of its documentation: MSE 0.375, MAE 0.5, R2 0.9486.
    #[test]
    fn scores_are_the_known_ones() {
        let pairs = [(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)];
        for offset in [0.0, 3.0, -1000.0] {
            let (mut all, mut parts) = (ErrorSums::default(), [ErrorSums::default(); 2]);
            for (index, (answer, truth)) in pairs.into_iter().enumerate() {
                all.add(answer, truth, offset);
                parts[index % 2].add(answer, truth, offset);
            }
            assert!((all.rmse() - 0.375_f64.sqrt()).abs() < 1e-12 && (all.mae() - 0.5).abs() < 1e-12);
            assert!((all.r2() - 0.948_608_137).abs() < 1e-8, "{}", all.r2());
            assert!((parts[0].and(&parts[1]).r2() - all.r2()).abs() < 1e-9);
        }
        let mut same = ErrorSums::default();
        same.add(2.0, 2.0, 0.0);
        assert_eq!((same.r2(), ErrorSums::default().rmse()), (1.0, 0.0));
        same.add(3.0, 2.0, 0.0);
        assert_eq!(same.r2(), 0.0);
    }

    /// Of equal targets what is left of the sums of squares is rounding, at any offset; what is not, however
    /// small, is theirs.
    #[test]
    fn equal_targets_have_no_spread() {
        let r2 = |count: usize, truth: &dyn Fn(usize) -> f32, off: f32, offset: f32| {
            let mut all = ErrorSums::default();
            (0..count).for_each(|index| all.add(truth(index) + off, truth(index), offset));
            all.r2()
        };
        for count in [1, 2, 9, 1000, 100_000] {
            for (truth, offset) in [(0.1, 0.0), (0.1, 0.3), (7.3, -1234.567), (1e6, 0.7), (1e-20, 3e5)] {
                assert_eq!(r2(count, &|_| truth, 1.0, offset), 0.0, "{count} times {truth} less {offset}");
                assert_eq!(r2(count, &|_| truth, 0.0, offset), 1.0, "{count} times {truth} less {offset}");
            }
        }
        // Half are above by 2 ^ -6 and half below, and all answers by 2 ^ -7 off.
        let (step, off) = (0.015_625, 0.007_812_5);
        for offset in [1000.0, 1001.0, 2000.0, 0.0] {
            for count in [8, 1000] {
                let found =
                    r2(count, &|index| 1000.0 + if index % 2 == 0 { step } else { -step }, off, offset);
                assert!((found - 0.75).abs() < 1e-4, "{count}, {offset}: {found}");
            }
        }
    }
}
