//! What the processor could do at most.

use std::time::Instant;

use birnn_architecture::Precision;

use crate::gemm::Products;
#[cfg(target_arch = "x86_64")]
use crate::isa::Instructions;
use crate::isa::{Job, Simd};
use crate::workers::Workers;

/// How long each worker multiplies, in seconds.
const LONG: f64 = 0.1;

/// Multiply-adds per second times two, of all workers at once, on values that never leave the registers: what
/// no kernel can surpass. Takes a tenth of a second.
pub fn fma_peak(workers: &Workers) -> f64 {
    of_workers(workers, Products::F32)
}

/// As [`fma_peak`], of products of bf16; none where the instructions have none.
pub fn bf16_peak(workers: &Workers) -> Option<f64> {
    let products = workers.instructions().products(Precision::Medium);
    (products != Products::F32).then(|| of_workers(workers, products))
}

fn of_workers(workers: &Workers, products: Products) -> f64 {
    let mut rates = vec![0.0; workers.count()];
    let jobs = rates.iter_mut().map(|rate| Spin { products, seconds: LONG, rate }).collect();
    workers.share(workers.instructions(), jobs);
    rates.iter().sum()
}

/// The same of this thread alone and for some tens of microseconds.
#[cfg(target_arch = "x86_64")]
pub(crate) fn glimpse(instructions: Instructions, precision: Precision) -> f64 {
    let mut rate = 0.0;
    instructions.run(Spin { products: instructions.products(precision), seconds: 0.0, rate: &mut rate });
    rate
}

struct Spin<'a> {
    products: Products,
    /// At least; once in any case.
    seconds: f64,
    /// FLOP per second.
    rate: &'a mut f64,
}

impl Job for Spin<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let _ready = self.products.ready();
        let (start, mut flop) = (Instant::now(), 0.0);
        let seconds = loop {
            flop += match self.products {
                Products::F32 => spin::<S>(),
                Products::Parts(parts) => parts.spin(),
            };
            let seconds = start.elapsed().as_secs_f64();
            if seconds >= self.seconds {
                break seconds;
            }
        };
        *self.rate = flop / seconds;
    }
}

/// Multiplies and adds what never leaves the registers; gives how many operations that were.
#[inline(always)]
#[expect(unsafe_code, reason = "within `Instructions::run`")]
fn spin<S: Simd>() -> f64 {
    /// Chains that do not wait for each other: more than any processor's latency times its units.
    const CHAINS: usize = 12;
    const ROUNDS: usize = 5_000;
    // SAFETY: these instructions are there, and nothing is read or written through a pointer.
    unsafe {
        let factor = S::splat(std::hint::black_box(0.999));
        let mut sums = [factor; CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = S::vector_mul_add(*sum, factor, factor);
            }
        }
        std::hint::black_box(&sums);
    }
    (ROUNDS * CHAINS * S::WIDTH * 2) as f64
}
