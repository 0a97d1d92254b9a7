//! Vector code without build flags: everything is compiled once for each set of instructions, and one is chosen at run time.
//!
//! Loops of fixed length suffice nearly everywhere, since the compiler turns them into vectors once it is told of the
//! instructions. Products name their vectors, because there it must keep every register where it is.
//!
//! AVX2 and AVX-512 give the same bytes: sums run over the same index in the same order whatever the width,
//! and both fuse multiplication and addition. A test compares them.

use std::fmt;

/// Implements the part of [`Simd`] that names vectors.
macro_rules! vectors {
    (
        $vector:ty, $width:literal, $splat:path, $load:path, $store:path,
        |$a:ident, $b:ident, $c:ident| $mul_add:expr
    ) => {
        type Vector = $vector;
        const WIDTH: usize = $width;

        #[inline(always)]
        unsafe fn splat(value: f32) -> $vector {
            unsafe { $splat(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> $vector {
            unsafe { $load(from.cast()) }
        }

        #[inline(always)]
        unsafe fn store(vector: $vector, to: *mut f32) {
            unsafe { $store(to.cast(), vector) }
        }

        #[inline(always)]
        unsafe fn vector_mul_add($a: $vector, $b: $vector, $c: $vector) -> $vector {
            unsafe { $mul_add }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod baseline;
mod subnormals;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
pub(crate) use baseline::Baseline;
pub use subnormals::flush_subnormals;

/// Widths are padded to a multiple of this with zeros, so that no loop has a remainder: the lanes of the widest vector.
pub(crate) const LANES: usize = 16;

/// What a set of instructions can do. Everything that is generic over one is inlined into the function of
/// [`Simd::call`] that has these instructions switched on; there, and not elsewhere, the compiler may use them.
pub(crate) trait Simd: Copy {
    /// A vector register.
    type Vector: Copy;
    /// Its lanes.
    const WIDTH: usize;
    /// How many of them there are.
    const REGISTERS: usize;

    /// Runs `job` in a function of its own that has these instructions switched on: one copy of it, wherever it is called.
    /// To be called within [`Instructions::run`] alone, which has found the instructions.
    fn call(job: impl Job);

    /// `a * b + c`, in one rounding where the instructions have that.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// The same value in all lanes.
    ///
    /// # Safety
    ///
    /// As all that follow, within [`Instructions::run`] alone.
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn splat(value: f32) -> Self::Vector;

    /// `WIDTH` values.
    ///
    /// # Safety
    ///
    /// They must be there.
    #[expect(unsafe_code, reason = "reads through a pointer")]
    unsafe fn load(from: *const f32) -> Self::Vector;

    /// `WIDTH` values.
    ///
    /// # Safety
    ///
    /// There must be room for them.
    #[expect(unsafe_code, reason = "writes through a pointer")]
    unsafe fn store(vector: Self::Vector, to: *mut f32);

    /// `a * b + c` in each lane, as [`Simd::mul_add`].
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// Work that can be compiled for any set of instructions.
pub(crate) trait Job {
    /// Does it. Implementations are `#[inline(always)]`.
    fn run<S: Simd>(self);
}

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

    /// Does `job` with these instructions, and with subnormal numbers as zeros. Afterwards this thread computes with them as
    /// before.
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
