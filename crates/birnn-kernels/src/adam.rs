//! Adam's update in one pass over everything it needs.

use crate::simd::{Instructions, LANES, Simd, Work};

/// One update of Adam (Kingma and Ba 2015, algorithm 1) or AdamW (Loshchilov and Hutter 2019), all constants worked out:
/// `m += (1 - beta1) (g - m)`, `v = beta2 v + (1 - beta2) g^2`, `p = keep p - rate m / (sqrt(v) / root + eps)`.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// What one gradient adds to the first and second moment: 1 - beta, worked out in `f64`.
    pub shares: [f32; 2],
    /// Decay of the second moment.
    pub beta2: f32,
    /// The learning rate over `1 - beta1^t`.
    pub rate: f32,
    /// The root of `1 - beta2^t`.
    pub root: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// Times the parameter, added to the gradient.
    pub decay: f32,
    /// The share of the parameter that decoupled decay keeps.
    pub keep: f32,
}

impl AdamStep {
    /// Updates parameters by their gradients, with their moments.
    ///
    /// # Panics
    ///
    /// Where the lengths differ.
    pub fn update(
        &self,
        instructions: Instructions,
        parameters: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let length = parameters.len();
        assert!(
            gradient.len() == length && first.len() == length && second.len() == length,
            "lengths differ"
        );
        instructions.run(Update { step: *self, parameters, gradient, first, second });
    }
}

struct Update<'a> {
    step: AdamStep,
    parameters: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Work for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let AdamStep { shares: [share1, share2], beta2, rate, root, eps, decay, keep } = self.step;
        let one = |p: f32, g: f32, m: f32, v: f32| {
            let g = S::mul_add(decay, p, g);
            let m = S::mul_add(share1, g - m, m);
            let v = S::mul_add(beta2, v, share2 * g * g);
            (keep * p - rate * m / (v.sqrt() / root + eps), m, v)
        };
        let mut parameters = self.parameters.chunks_exact_mut(LANES);
        let mut gradient = self.gradient.chunks_exact(LANES);
        let mut first = self.first.chunks_exact_mut(LANES);
        let mut second = self.second.chunks_exact_mut(LANES);
        for (((p, g), m), v) in (&mut parameters).zip(&mut gradient).zip(&mut first).zip(&mut second) {
            // Copies, so that the compiler knows that nothing overlaps.
            let take = |from: &[f32]| std::array::from_fn::<f32, LANES, _>(|lane| from[lane]);
            let (ps, gs, ms, vs) = (take(p), take(g), take(m), take(v));
            let done: [(f32, f32, f32); LANES] =
                std::array::from_fn(|lane| one(ps[lane], gs[lane], ms[lane], vs[lane]));
            for lane in 0..LANES {
                (p[lane], m[lane], v[lane]) = done[lane];
            }
        }
        let rest = parameters.into_remainder().iter_mut().zip(gradient.remainder());
        for (((p, g), m), v) in rest.zip(first.into_remainder()).zip(second.into_remainder()) {
            (*p, *m, *v) = one(*p, *g, *m, *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_the_textbooks_whatever_the_length() {
        for length in [1, 15, 16, 50] {
            let values = |seed: usize| -> Vec<f32> {
                (0..length).map(|index| ((index * 37 + seed * 11) % 19) as f32 / 10.0 - 0.9).collect()
            };
            let (mut p, mut m, mut v) = (values(1), vec![0.0; length], vec![0.0; length]);
            let mut expected: Vec<[f64; 3]> = p.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect();
            for t in 1..=5_i32 {
                let g = values(t as usize + 1);
                let (c1, c2) = (1.0 - 0.9_f64.powi(t), 1.0 - 0.999_f64.powi(t));
                let step = AdamStep {
                    shares: [0.1, 0.001],
                    beta2: 0.999,
                    rate: (0.01 / c1) as f32,
                    root: c2.sqrt() as f32,
                    eps: 1e-8,
                    decay: 0.1,
                    keep: 0.99,
                };
                step.update(Instructions::best(), &mut p, &g, &mut m, &mut v);
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
