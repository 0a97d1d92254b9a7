//! What the processor could do at most.

use std::time::Instant;

use crate::isa::{Job, Simd};
use crate::workers::Workers;

/// Multiply-adds per second times two, of all workers at once, on values that never leave the registers: what
/// no kernel can surpass. Takes a tenth of a second.
pub fn fma_peak(workers: &Workers) -> f64 {
    let mut rates = vec![0.0; workers.count()];
    let jobs = rates.iter_mut().map(|rate| Spin { rate }).collect();
    workers.share(workers.instructions(), jobs);
    rates.iter().sum()
}

struct Spin<'a> {
    /// FLOP per second.
    rate: &'a mut f64,
}

impl Job for Spin<'_> {
    #[inline(always)]
    #[expect(unsafe_code, reason = "within `Instructions::run`")]
    fn run<S: Simd>(self) {
        /// Chains that do not wait for each other: more than any processor's latency times its units.
        const CHAINS: usize = 12;
        const ROUNDS: usize = 20_000;
        let (start, mut rounds, mut seconds) = (Instant::now(), 0, 0.0);
        // SAFETY: these instructions are there, and nothing is read or written through a pointer.
        unsafe {
            let factor = S::splat(std::hint::black_box(0.999));
            let mut sums = [factor; CHAINS];
            while seconds < 0.1 {
                for _ in 0..ROUNDS {
                    for sum in &mut sums {
                        *sum = S::vector_mul_add(*sum, factor, factor);
                    }
                }
                std::hint::black_box(&sums);
                rounds += ROUNDS;
                seconds = start.elapsed().as_secs_f64();
            }
        }
        *self.rate = (rounds * CHAINS * S::WIDTH * 2) as f64 / seconds;
    }
}
