//! What every processor of the architecture has: 128-bit vectors.
#![expect(unsafe_code, reason = "every processor of the architecture has these instructions")]
#![cfg_attr(
    not(target_arch = "x86_64"),
    allow(unused_unsafe, reason = "some of them are safe where they are always there")
)]

use super::simd::{Job, Simd, vectors};

#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Simd for Baseline {
    #[cfg(target_arch = "x86_64")]
    vectors!(
        std::arch::x86_64::__m128,
        4,
        std::arch::x86_64::_mm_set1_ps,
        std::arch::x86_64::_mm_loadu_ps,
        std::arch::x86_64::_mm_storeu_ps,
        |a, b, c| std::arch::x86_64::_mm_add_ps(std::arch::x86_64::_mm_mul_ps(a, b), c)
    );
    #[cfg(target_arch = "aarch64")]
    vectors!(
        std::arch::aarch64::float32x4_t,
        4,
        std::arch::aarch64::vdupq_n_f32,
        std::arch::aarch64::vld1q_f32,
        std::arch::aarch64::vst1q_f32,
        |a, b, c| std::arch::aarch64::vfmaq_f32(c, a, b)
    );
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    vectors!(
        [f32; 4],
        4,
        four,
        std::ptr::read_unaligned::<[f32; 4]>,
        std::ptr::write_unaligned::<[f32; 4]>,
        |a, b, c| std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    );

    const REGISTERS: usize = if cfg!(target_arch = "aarch64") { 32 } else { 16 };

    #[inline(never)]
    fn call(job: impl Job) {
        job.run::<Baseline>();
    }

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        // Without the instruction `mul_add` would be a call into the C library.
        if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
    }
}

/// The same value four times.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn four(value: f32) -> [f32; 4] {
    [value; 4]
}
