//! Vector code without build flags: everything is compiled once for each set of instructions, and one is chosen at run time.
//!
//! Loops of fixed length suffice nearly everywhere, since the compiler turns them into vectors once it is told of the
//! instructions. Products name their vectors, because there it must keep every register where it is.
//!
//! AVX2 and AVX-512 give the same bytes: sums run over the same index in the same order whatever the width,
//! and both fuse multiplication and addition. A test compares them.

use std::fmt;

use crate::product::{Left, Matrix, Product, gemm};

/// Widths are padded to a multiple of this with zeros, so that no loop has a remainder: the lanes of the widest vector.
pub(crate) const LANES: usize = 16;

/// What a set of instructions can do. Everything that is generic over one is inlined into the function of
/// [`Instructions::run`] that has these instructions switched on; there, and not elsewhere, the compiler may use them.
pub(crate) trait Simd: Copy {
    /// A vector register.
    type Vector: Copy;
    /// Its lanes.
    const WIDTH: usize;

    /// `a * b + c`, in one rounding where the instructions have that.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// `c += a * b`, or `c = start + a * b` with the same row `start [n]` for all rows of `c`.
    fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>);

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

    /// `a * b + c`, as [`Simd::mul_add`].
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn add_product(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// Work that can be compiled for any set of instructions.
pub(crate) trait Work {
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

    /// The columns of a tile of a product.
    pub(crate) fn panel(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 64,
            _ => 16,
        }
    }

    /// Does `work` with these instructions.
    #[cfg_attr(
        target_arch = "x86_64",
        expect(
            unsafe_code,
            reason = "`all` is the only way to these values, and has found the instructions"
        )
    )]
    pub(crate) fn run(self, work: impl Work) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::with_avx512(work) },
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::with_avx2(work) },
            Set::Baseline => work.run::<Baseline>(),
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Implements the part of [`Simd`] that names vectors.
macro_rules! vectors {
    ($vector:ty, $width:literal, $splat:path, $load:path, $store:path, |$a:ident, $b:ident, $c:ident| $fused:expr) => {
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
        unsafe fn add_product($a: $vector, $b: $vector, $c: $vector) -> $vector {
            unsafe { $fused }
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "reached from `Instructions::run` alone, where these instructions are")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    use super::{Left, Matrix, Product, Simd, Work, gemm};

    #[derive(Clone, Copy)]
    struct Avx512;

    #[derive(Clone, Copy)]
    struct Avx2;

    impl Simd for Avx512 {
        vectors!(__m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, |a, b, c| _mm512_fmadd_ps(
            a, b, c
        ));

        #[inline(always)]
        fn mul_add(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }

        #[inline(always)]
        fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
            unsafe { gemm_avx512(product, a, b, c, start) }
        }
    }

    impl Simd for Avx2 {
        vectors!(__m256, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, |a, b, c| _mm256_fmadd_ps(
            a, b, c
        ));

        #[inline(always)]
        fn mul_add(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }

        #[inline(always)]
        fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
            unsafe { gemm_avx2(product, a, b, c, start) }
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn with_avx512(work: impl Work) {
        work.run::<Avx512>();
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn with_avx2(work: impl Work) {
        work.run::<Avx2>();
    }

    // One copy of the product for each set, for all places that need one.

    /// 24 of 32 registers for sums.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    fn gemm_avx512(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Avx512, 4, 1>(product, a, b, c, start);
    }

    /// 12 of 16 registers for sums.
    #[target_feature(enable = "avx2,fma")]
    fn gemm_avx2(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Avx2, 2, 2>(product, a, b, c, start);
    }
}

/// 128-bit vectors.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "every processor of this architecture has these instructions")]
impl Simd for Baseline {
    vectors!(
        std::arch::x86_64::__m128,
        4,
        std::arch::x86_64::_mm_set1_ps,
        std::arch::x86_64::_mm_loadu_ps,
        std::arch::x86_64::_mm_storeu_ps,
        |a, b, c| std::arch::x86_64::_mm_add_ps(std::arch::x86_64::_mm_mul_ps(a, b), c)
    );

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        // Without the instruction `mul_add` would be a call into the C library.
        a * b + c
    }

    fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Self, 2, 2>(product, a, b, c, start);
    }
}

#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "every processor of this architecture has these instructions")]
#[allow(unused_unsafe, reason = "some of them are safe where they are always there")]
impl Simd for Baseline {
    vectors!(
        std::arch::aarch64::float32x4_t,
        4,
        std::arch::aarch64::vdupq_n_f32,
        std::arch::aarch64::vld1q_f32,
        std::arch::aarch64::vst1q_f32,
        |a, b, c| std::arch::aarch64::vfmaq_f32(c, a, b)
    );

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Self, 4, 4>(product, a, b, c, start);
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[expect(unsafe_code, reason = "plain values, whatever the instructions")]
#[allow(unused_unsafe, reason = "what is not an instruction is safe")]
impl Simd for Baseline {
    vectors!(
        [f32; 4],
        4,
        four,
        std::ptr::read_unaligned::<[f32; 4]>,
        std::ptr::write_unaligned::<[f32; 4]>,
        |a, b, c| std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    );

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    fn gemm(product: Product, a: Left, b: &Matrix, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Self, 2, 2>(product, a, b, c, start);
    }
}

/// The same value four times.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn four(value: f32) -> [f32; 4] {
    [value; 4]
}
