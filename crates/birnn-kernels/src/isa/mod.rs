//! Vector code without build flags: everything is compiled once for each set of instructions, and one is
//! chosen at run time.
//!
//! Loops of fixed length suffice nearly everywhere, since the compiler turns them into vectors once it is
//! told of the instructions. Products name their vectors, because there it must keep every register where it
//! is.
//!
//! AVX2 and AVX-512 give the same bytes: sums run over the same index in the same order whatever the width,
//! and both fuse multiplication and addition. A test compares them. Matrix tiles multiply bf16 where a lower
//! precision is asked for; all else that goes with them is AVX-512's.

use std::fmt;

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
use crate::gemm::parts::{Count, Parts, Unit};

/// A set of vector instructions that this processor has. Results of different sets differ by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// AVX-512, and matrix tiles of bf16 for products.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    /// The same results as of [`Set::Amx`], by plain code and the best vectors that there are.
    Twin,
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
            #[cfg(target_os = "linux")]
            all.extend((crate::gemm::parts::available() == Ok(true)).then_some(Instructions(Set::Amx)));
            let wide = std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512vl")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq");
            all.extend(wide.then_some(Instructions(Set::Avx512)));
            all.push(Instructions(Set::Avx2));
        }
        all.push(Instructions(Set::Baseline));
        all
    }

    /// The best vectors alone.
    fn vectors() -> Instructions {
        let all = Instructions::all();
        let vectors = all.iter().copied().find(|instructions| !instructions.tiles());
        vectors.unwrap_or(Instructions(Set::Baseline))
    }

    /// The best that this processor has.
    pub fn best() -> Instructions {
        Instructions::all()[0]
    }

    /// Those of matrix tiles, which are computed in plain code, hundreds of times as slow: the same bytes on
    /// every processor that fuses multiplication and addition. So what tiles do can be tested anywhere.
    pub fn twin() -> Instructions {
        Instructions(Set::Twin)
    }

    /// Why matrix tiles that this processor has are not used.
    pub fn tiles_problem() -> Option<&'static str> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        return crate::gemm::parts::available().err();
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        None
    }

    /// Whether there are matrix tiles, so that products of a lower precision are quicker.
    pub fn tiles(self) -> bool {
        self.products(Precision::Medium) != Products::F32
    }

    /// Those of them that results of this precision depend on: tiles are not asked where products are of f32.
    pub fn at(self, precision: Precision) -> Instructions {
        match (self.tiles(), self.products(precision)) {
            (true, Products::F32) => Instructions::vectors(),
            _ => self,
        }
    }

    /// What products of recurrent layers multiply, to be as exact as `precision` asks.
    pub(crate) fn products(self, precision: Precision) -> Products {
        let unit = match self.0 {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Set::Amx => Unit::Amx,
            Set::Twin => Unit::Twin,
            _ => return Products::F32,
        };
        let count = match precision {
            Precision::Highest => return Products::F32,
            Precision::High => Count::Two,
            Precision::Medium => Count::One,
        };
        Products::Parts(Parts { unit, count })
    }

    /// `amx`, `avx512`, `avx2` or `baseline`; or `twin`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Set::Amx => "amx",
            Set::Twin => "twin",
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
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Set::Amx => Avx512::call(job),
            Set::Twin => Instructions::vectors().run(job),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Avx512::call(job),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Avx2::call(job),
            Set::Baseline => Baseline::call(job),
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
