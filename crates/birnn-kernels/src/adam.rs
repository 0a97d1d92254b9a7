//! Adam's update in one pass over everything it needs.

use crate::isa::{Job, LANES, Simd};
use crate::workers::{PIECE, Workers};

/// One update of Adam (Kingma and Ba 2015, algorithm 1) or AdamW (Loshchilov and Hutter 2019, algorithm 2),
/// all constants worked out. With the paper's `alpha`, `beta1`, `beta2` and `epsilon`, step `t`, parameters
/// `theta`, gradient `g` and moments `m` and `v`:
///
/// - `g += l2 theta`
/// - `m += one_minus_beta1 (g - m)`
/// - `v = beta2 v + one_minus_beta2 g^2`
/// - `theta = decay theta - step_size m / (sqrt(v) / sqrt_bias_correction2 + epsilon)`
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// `1 - beta1`, worked out in `f64`.
    pub one_minus_beta1: f32,
    /// The second moment's rate of decay.
    pub beta2: f32,
    /// `1 - beta2`, worked out in `f64`.
    pub one_minus_beta2: f32,
    /// `alpha / (1 - beta1^t)`.
    pub step_size: f32,
    /// `sqrt(1 - beta2^t)`.
    pub sqrt_bias_correction2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Adam's weight decay, a part of the gradient; 0 without.
    pub l2: f32,
    /// What AdamW's decoupled weight decay multiplies parameters by, `1 - alpha lambda`; 1 without.
    pub decay: f32,
}

impl AdamStep {
    /// Updates parameters by their gradients, with their moments: one long vector of each, over all
    /// parameters in order.
    ///
    /// # Panics
    ///
    /// Where the lengths differ.
    pub fn update(
        &self,
        workers: &Workers,
        parameters: &mut [&mut [f32]],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let length: usize = parameters.iter().map(|values| values.len()).sum();
        assert_eq!([gradient.len(), first.len(), second.len()], [length; 3], "the lengths of vectors");
        let (mut gradient, mut first, mut second) = (gradient, first, second);
        let mut jobs = Vec::new();
        for piece in parameters.iter_mut().flat_map(|values| values.chunks_mut(PIECE)) {
            let (g, rest) = gradient.split_at(piece.len());
            let (m, first_rest) = first.split_at_mut(piece.len());
            let (v, second_rest) = second.split_at_mut(piece.len());
            (gradient, first, second) = (rest, first_rest, second_rest);
            jobs.push(Update { step: *self, parameters: piece, gradient: g, first: m, second: v });
        }
        workers.share(workers.instructions(), jobs);
    }
}

struct Update<'a> {
    step: AdamStep,
    parameters: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Job for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Update { step, parameters, gradient, first, second } = self;
        let whole = parameters.len() / LANES * LANES;
        for offset in (0..whole).step_by(LANES) {
            lanes::<S, LANES>(&step, offset, parameters, gradient, first, second);
        }
        for offset in whole..parameters.len() {
            lanes::<S, 1>(&step, offset, parameters, gradient, first, second);
        }
    }
}

/// `N` values from `offset` on.
#[inline(always)]
fn lanes<S: Simd, const N: usize>(
    step: &AdamStep,
    offset: usize,
    parameters: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let AdamStep { one_minus_beta1, beta2, one_minus_beta2, step_size, .. } = *step;
    let AdamStep { sqrt_bias_correction2, epsilon, l2, decay, .. } = *step;
    // Copies, so that the compiler knows that nothing overlaps.
    let take = |from: &[f32]| {
        let mut values = [0.0; N];
        values.copy_from_slice(&from[offset..offset + N]);
        values
    };
    let (mut p, g, mut m, mut v) = (take(parameters), take(gradient), take(first), take(second));
    for lane in 0..N {
        let g = S::mul_add(l2, p[lane], g[lane]);
        m[lane] = S::mul_add(one_minus_beta1, g - m[lane], m[lane]);
        v[lane] = S::mul_add(beta2, v[lane], one_minus_beta2 * g * g);
        let denominator = v[lane].sqrt() / sqrt_bias_correction2 + epsilon;
        p[lane] = decay * p[lane] - step_size * m[lane] / denominator;
    }
    parameters[offset..offset + N].copy_from_slice(&p);
    first[offset..offset + N].copy_from_slice(&m);
    second[offset..offset + N].copy_from_slice(&v);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Instructions;

    /// As two parameters.
    fn halves(values: &mut [f32]) -> [&mut [f32]; 2] {
        let (one, other) = values.split_at_mut(values.len() / 3);
        [one, other]
    }

    #[test]
    fn updates_are_the_textbooks_whatever_the_length() {
        let workers = Workers::new(2, Instructions::best());
        for length in [1, 15, 16, 50, 40_000] {
            let values = |seed: usize| -> Vec<f32> {
                (0..length).map(|index| ((index * 37 + seed * 11) % 19) as f32 / 10.0 - 0.9).collect()
            };
            let (mut p, mut m, mut v) = (values(1), vec![0.0; length], vec![0.0; length]);
            let mut expected: Vec<[f64; 3]> = p.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect();
            for t in 1..=5_i32 {
                let g = values(t as usize + 1);
                let (c1, c2) = (1.0 - 0.9_f64.powi(t), 1.0 - 0.999_f64.powi(t));
                let step = AdamStep {
                    one_minus_beta1: 0.1,
                    beta2: 0.999,
                    one_minus_beta2: 0.001,
                    step_size: (0.01 / c1) as f32,
                    sqrt_bias_correction2: c2.sqrt() as f32,
                    epsilon: 1e-8,
                    l2: 0.1,
                    decay: 0.99,
                };
                step.update(&workers, &mut halves(&mut p), &g, &mut m, &mut v);
                for ([p, m, v], g) in expected.iter_mut().zip(g) {
                    let g = f64::from(g) + 0.1 * *p;
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    *p = 0.99 * *p - 0.01 / c1 * *m / ((*v / c2).sqrt() + 1e-8);
                }
            }
            for (found, [expected, ..]) in p.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{found}, not {expected}");
            }
        }
    }
}
