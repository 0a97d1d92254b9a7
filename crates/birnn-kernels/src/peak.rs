//! What the processor could do at most.

use std::time::Instant;

use birnn_architecture::Precision;

use crate::gemm::Products;
use crate::gemm::parts::Parts;
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

/// As [`fma_peak`], of products of bf16 by matrix tiles; none where the instructions have no tiles.
pub fn tile_peak(workers: &Workers) -> Option<f64> {
    let Products::Parts(parts) = workers.instructions().products(Precision::Medium) else { return None };
    let mut rates = vec![0.0; workers.count()];
    let jobs = rates.iter_mut().map(|rate| SpinTiles { parts, rate }).collect();
    workers.share(workers.instructions(), jobs);
    Some(rates.iter().sum())
}

struct SpinTiles<'a> {
    parts: Parts,
    /// FLOP per second.
    rate: &'a mut f64,
}

impl Job for SpinTiles<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let _ready = self.parts.ready();
        let (start, mut flop, mut seconds) = (Instant::now(), 0.0, 0.0);
        while seconds < 0.1 {
            flop += self.parts.spin();
            seconds = start.elapsed().as_secs_f64();
        }
        *self.rate = flop / seconds;
    }
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
