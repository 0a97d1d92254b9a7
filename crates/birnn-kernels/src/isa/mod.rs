//! Vector code without build flags: everything is compiled once for each set of instructions, and one is
//! chosen at run time.
//!
//! Loops of fixed length suffice nearly everywhere, since the compiler turns them into vectors once it is
//! told of the instructions. Products name their vectors, because there it must keep every register where it
//! is.
//!
//! AVX2 and AVX-512 give the same bytes: sums run over the same index in the same order whatever the width,
//! and both fuse multiplication and addition. A test compares them. Matrix tiles, or vectors of bf16 where
//! these are quicker than f32, multiply bf16 where a lower precision is asked for; all else that goes with
//! them is AVX-512's.

use std::fmt;
#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod baseline;
mod simd;
mod subnormals;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
pub(crate) use baseline::Baseline;
pub(crate) use simd::{Job, LANES, Simd, fetch};
pub(crate) use subnormals::Flushing;
pub use subnormals::flush_subnormals;

use birnn_architecture::Precision;

use crate::gemm::Products;
#[cfg(target_arch = "x86_64")]
use crate::gemm::parts::Unusable;
use crate::gemm::parts::{Count, Order, Parts, Unit};

/// A set of vector instructions that this processor has. Results of different sets differ by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// AVX-512, and matrix tiles of bf16 for products.
    #[cfg(target_arch = "x86_64")]
    Amx,
    /// AVX-512, and vectors of bf16 for products.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    /// The same results as of one of these, by plain code and the best vectors that there are.
    Twin(Order),
    /// 512-bit vectors, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the architecture has: 128-bit vectors, on ARM with fused multiply-add.
    Baseline,
}

impl Instructions {
    /// All that this processor has, the best first.
    pub fn all() -> Vec<Instructions> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            let has = |unit: Unit| unit.available() == Ok(true);
            all.extend(has(Unit::Amx).then_some(Set::Amx));
            let wide = std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512vl")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq");
            match (wide, has(Unit::Avx512)) {
                (true, true) => all.extend(quicker_first()),
                (true, false) => all.push(Set::Avx512),
                (false, _) => {}
            }
            all.push(Set::Avx2);
        }
        all.push(Set::Baseline);
        all.into_iter().map(Instructions).collect()
    }

    /// The best of those whose products are of f32 at every precision.
    fn of_f32() -> Instructions {
        let all = Instructions::all();
        let exact = all.into_iter().find(|instructions| !instructions.multiplies_bf16(Precision::Medium));
        exact.unwrap_or(Instructions(Set::Baseline))
    }

    /// The best that this processor has.
    pub fn best() -> Instructions {
        // Nothing is better than tiles: what else there is need not be found out.
        #[cfg(target_arch = "x86_64")]
        if Unit::Amx.available() == Ok(true) {
            return Instructions(Set::Amx);
        }
        Instructions::all()[0]
    }

    /// Those of matrix tiles and of vectors of bf16, which are computed in plain code, hundreds of times as
    /// slow: the same bytes on every processor that fuses multiplication and addition. So what such
    /// processors do can be tested anywhere.
    pub fn twins() -> [Instructions; 2] {
        [Order::Tiles, Order::Pairs].map(|order| Instructions(Set::Twin(order)))
    }

    /// The twin of those that multiply bf16.
    #[cfg(test)]
    pub(crate) fn twin(self) -> Option<Instructions> {
        let Products::Parts(Parts { unit, .. }) = self.products(Precision::Medium) else { return None };
        Some(Instructions(Set::Twin(unit.order())))
    }

    /// What this processor has for products of bf16 and cannot be used.
    pub fn problems() -> Vec<Problem> {
        #[cfg(target_arch = "x86_64")]
        return [(Unit::Amx, "matrix tiles (AMX)"), (Unit::Avx512, "vectors of bf16 (AVX512_BF16)")]
            .into_iter()
            .filter_map(|(unit, name)| {
                let (why, remedy) = match unit.available().err()? {
                    Unusable::Forbidden => (
                        "the system does not permit this process to use them",
                        "precisions below `highest` are quicker with them; a container's host may have to permit them",
                    ),
                    Unusable::OtherBits => (
                        "they give other bits than they should",
                        "products that they would compute are of f32; please report it with the processor's name",
                    ),
                };
                Some(Problem { unit: name, why, remedy })
            })
            .collect();
        #[cfg(not(target_arch = "x86_64"))]
        Vec::new()
    }

    /// Whether products of recurrent layers are of bf16 where this precision is asked for.
    pub fn multiplies_bf16(self, precision: Precision) -> bool {
        self.products(precision) != Products::F32
    }

    /// Those of them that results of this precision depend on: what multiplies bf16 is not asked where
    /// products are of f32.
    pub fn at(self, precision: Precision) -> Instructions {
        match (self.multiplies_bf16(Precision::Medium), self.multiplies_bf16(precision)) {
            (true, false) => Instructions::of_f32(),
            _ => self,
        }
    }

    /// What products of recurrent layers multiply, to be as exact as `precision` asks.
    pub(crate) fn products(self, precision: Precision) -> Products {
        let unit = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx => Unit::Amx,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => Unit::Avx512,
            Set::Twin(order) => Unit::Twin(order),
            _ => return Products::F32,
        };
        let count = match (precision, unit.order()) {
            (Precision::Medium, _) => Count::One,
            (Precision::High, Order::Tiles) => Count::Two,
            // Two parts have three products, and the quickest vectors multiply bf16 twice as fast as f32.
            (Precision::High, Order::Pairs) | (Precision::Highest, _) => return Products::F32,
        };
        Products::Parts(Parts { unit, count })
    }

    /// `amx`, `avx512-bf16`, `avx512`, `avx2` or `baseline`; or of a twin `amx-twin`, `avx512-bf16-twin`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx => "amx",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => "avx512-bf16",
            Set::Twin(Order::Tiles) => "amx-twin",
            Set::Twin(Order::Pairs) => "avx512-bf16-twin",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            Set::Baseline => "baseline",
        }
    }

    /// Does `job` with these instructions, and with subnormal numbers as zeros. Afterwards this thread
    /// computes with them as before.
    pub(crate) fn run(self, job: impl Job) {
        let _flushing = Flushing::start();
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx | Set::Avx512Bf16 | Set::Avx512 => Avx512::call(job),
            Set::Twin(_) => Instructions::of_f32().run(job),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Avx2::call(job),
            Set::Baseline => Baseline::call(job),
        }
    }
}

/// What multiplies bf16 and is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is called.
    pub unit: &'static str,
    /// Why it is not.
    pub why: &'static str,
    /// What can be done.
    pub remedy: &'static str,
}

/// AVX-512 with vectors of bf16 and without, the quicker one first. That the instruction is there does not
/// tell: Intel's processors have it at half of f32's rate. Measured once, the best of some turns each, since
/// others use the processor too.
#[cfg(target_arch = "x86_64")]
fn quicker_first() -> [Set; 2] {
    static QUICKER: OnceLock<[Set; 2]> = OnceLock::new();
    *QUICKER.get_or_init(|| {
        let mut best = [0.0_f64; 2];
        for _ in 0..5 {
            for (best, set) in best.iter_mut().zip([Set::Avx512Bf16, Set::Avx512]) {
                *best = best.max(crate::peak::glimpse(Instructions(set), Precision::Medium));
            }
        }
        by_rates(best)
    })
}

/// The same by the rates of products of bf16 and of f32. In between, bf16's have to be laid out first, and
/// chance would decide.
#[cfg(target_arch = "x86_64")]
fn by_rates([bf16, f32]: [f64; 2]) -> [Set; 2] {
    if bf16 > 1.3 * f32 { [Set::Avx512Bf16, Set::Avx512] } else { [Set::Avx512, Set::Avx512Bf16] }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_bf16_are_used_where_they_are_quicker_and_asked_for() {
        assert_eq!(by_rates([2.0, 1.0])[0], Set::Avx512Bf16);
        for rates in [[0.5, 1.0], [1.2, 1.0]] {
            assert_eq!(by_rates(rates)[0], Set::Avx512);
        }
        let quicker = Instructions(Set::Avx512Bf16);
        assert!(quicker.at(Precision::Medium) == quicker);
        for precision in [Precision::Highest, Precision::High] {
            assert!(!quicker.at(precision).multiplies_bf16(precision));
        }
        assert_eq!(Instructions::best(), Instructions::all()[0]);
    }
}
