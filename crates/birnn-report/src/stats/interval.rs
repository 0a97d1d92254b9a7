//! How sure a share is.

use serde::Serialize;

/// The 97.5 % quantile of the standard normal distribution: 95 % of it lies within.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// An interval of shares, from 0 to 1, or of their differences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether 0 is not within it.
    pub(crate) fn is_of_a_sign(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
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
}
