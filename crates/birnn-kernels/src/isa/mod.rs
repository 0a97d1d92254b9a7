//! Vector code without build flags: everything is compiled once for each set of instructions, and one is
//! chosen at run time.
//!
//! Loops of fixed length suffice nearly everywhere, since the compiler turns them into vectors once it is
//! told of the instructions. Products name their vectors, because there it must keep every register where it
//! is.
//!
//! AVX2 and AVX-512 give the same bytes: sums run over the same index in the same order whatever the width,
//! and both fuse multiplication and addition. A test compares them.

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
pub(crate) use simd::{Job, LANES, Simd};
pub use subnormals::flush_subnormals;

/// A set of vector instructions that this processor has. Results of different sets differ by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
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

    /// The best that this processor has.
    pub fn best() -> Instructions {
        Instructions::all()[0]
    }

    /// `avx512`, `avx2` or `baseline`.
    pub fn name(self) -> &'static str {
        match self.0 {
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
        let _flushing = subnormals::Flushing::start();
        match self.0 {
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
