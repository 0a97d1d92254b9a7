//! Two nets on the same samples: is one correct more often than chance explains, and by how much.
//!
//! Samples that both nets classify correctly, or both wrongly, say nothing of that. What counts are those
//! that one alone classifies correctly.

use super::interval::{Interval, Z};

/// The two-sided exact test of McNemar (1947, "Note on the sampling error of the difference between
/// correlated proportions"), as the base-10 logarithm of its p-value: the chance that `only_a + only_b`
/// throws of a fair coin are split as unevenly or more. Without such samples it is certain, so 0.
///
/// The logarithm, since the p-values of nets that differ much are below what `f64` holds.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let (throws, fewer) = (only_a + only_b, only_a.min(only_b));
    if only_a == only_b {
        return 0.0;
    }
    // The binomial tail, relative to its last and largest term; each term before is a known share of the one
    // after.
    let (mut term, mut tail) = (1.0, 1.0);
    for k in (1..=fewer).rev() {
        term *= k as f64 / (throws - k + 1) as f64;
        tail += term;
        if term < f64::EPSILON * tail {
            break;
        }
    }
    let choose: f64 = (1..=fewer).map(|i| ((throws - fewer + i) as f64 / i as f64).ln()).sum();
    let ln = choose - throws as f64 * std::f64::consts::LN_2 + tail.ln() + std::f64::consts::LN_2;
    // Rounding must not make it more than certain.
    (ln / std::f64::consts::LN_10).min(0.0)
}

/// The p-values of several tests, as logarithms, raised so that the chance of even one mistaken finding among
/// all of them stays below the level that each is compared with (Holm 1979, "A simple sequentially rejective
/// multiple test procedure").
pub fn holm(log10_p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..log10_p.len()).collect();
    order.sort_by(|&a, &b| log10_p[a].total_cmp(&log10_p[b]));
    let mut adjusted = vec![0.0; log10_p.len()];
    let mut least = f64::NEG_INFINITY;
    for (rank, &test) in order.iter().enumerate() {
        let left = (log10_p.len() - rank) as f64;
        least = (log10_p[test] + left.log10()).min(0.0).max(least);
        adjusted[test] = least;
    }
    adjusted
}

/// The 95 % interval of the difference of two accuracies, A's less B's, on the same `samples`: Wald's with
/// one sample added to each of the two counts (Bonett and Price 2012, "Adjusted Wald confidence interval for
/// a difference of binomial proportions based on paired data"; recommended by Fagerland et al. 2014,
/// "Recommended tests and confidence intervals for paired binomial proportions").
pub fn difference(only_a: u64, only_b: u64, samples: u64) -> Interval {
    let n = samples as f64 + 2.0;
    let (a, b) = ((only_a + 1) as f64 / n, (only_b + 1) as f64 / n);
    let centre = a - b;
    let half = Z * ((a + b - centre * centre) / n).sqrt();
    Interval { low: (centre - half).max(-1.0), high: (centre + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From exact fractions of whole numbers. 1 to 7 and 6 to 16 are the examples of Fagerland et al. 2014.
    #[test]
    fn p_values_are_the_exact_ones() {
        for (a, b, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 5, 1.0),
            (0, 5, 0.0625),
            (1, 7, 0.070_312_5),
            (6, 16, 0.052_478_790_283_203_125),
            (12, 2, 0.012_939_453_125),
            (9, 75, 4.308_584_029_113_881e-14),
            (121, 59, 4.434_449_263_755_176e-6),
            (40, 61, 0.046_044_066_929_342_806),
            (86, 150, 3.715_936_139_571_442e-5),
            (4900, 5100, 0.046_585_527_704_947_39),
        ] {
            for found in [mcnemar(a, b), mcnemar(b, a)] {
                let found = 10_f64.powf(found);
                assert!((found / p - 1.0).abs() < 1e-9, "{a}, {b}: {found}, not {p}");
            }
        }
    }

    #[test]
    fn p_values_beyond_what_floats_hold_are_still_known() {
        for (a, b, log10) in [(0, 2000, -601.758_961_332_298_3), (300, 9700, -2_426.438_641_687_914)] {
            let found = mcnemar(a, b);
            assert!((found - log10).abs() < 1e-8, "{a}, {b}: {found}");
        }
        assert!(mcnemar(400_000, 600_000) < -8000.0);
        assert!(mcnemar(u64::from(u32::MAX), 0).is_finite());
    }

    /// The p-values of Holm's method as R's `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")` has them.
    #[test]
    fn many_tests_are_held_to_more() {
        let adjusted = |p: &[f64]| -> Vec<f64> {
            holm(&p.iter().map(|p| p.log10()).collect::<Vec<_>>()).iter().map(|p| 10_f64.powf(*p)).collect()
        };
        for (found, expected) in adjusted(&[0.01, 0.04, 0.03, 0.005]).iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        assert_eq!(adjusted(&[0.8, 0.9]), [1.0, 1.0]);
        assert!((adjusted(&[0.2])[0] - 0.2).abs() < 1e-12, "one test stays as it is");
        assert!(holm(&[]).is_empty());
    }

    /// The first two as published for the examples of Fagerland et al. 2014, in their R package
    /// `contingencytables`.
    #[test]
    fn intervals_of_differences_are_the_known_ones() {
        for (a, b, samples, low, high) in [
            (6, 16, 161, -0.1195, -0.0032),
            (1, 7, 21, -0.5084, -0.0134),
            (7, 1, 21, 0.0134, 0.5084),
            (12, 2, 50, 0.0509, 0.3337),
            (150, 86, 1600, 0.0212, 0.0587),
            (0, 0, 10_000, -0.0003, 0.0003),
        ] {
            let found = difference(a, b, samples);
            assert!((found.low - low).abs() < 6e-5, "{a}, {b} of {samples}: {found:?}");
            assert!((found.high - high).abs() < 6e-5, "{a}, {b} of {samples}: {found:?}");
        }
    }

    #[test]
    fn an_interval_stays_among_differences_that_can_be() {
        for samples in 0..30 {
            for a in 0..=samples {
                for b in 0..=samples - a {
                    let Interval { low, high } = difference(a, b, samples);
                    assert!(-1.0 <= low && low < high && high <= 1.0, "{a}, {b} of {samples}");
                }
            }
        }
    }
}
