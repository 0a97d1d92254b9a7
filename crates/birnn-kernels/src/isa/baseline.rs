//! What every processor of the architecture has: 128-bit vectors.
#![expect(unsafe_code, reason = "every processor of the architecture has these instructions")]
#![cfg_attr(
    not(target_arch = "x86_64"),
    allow(unused_unsafe, reason = "some of them are safe where they are always there")
)]

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64 as arch;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as arch;

use super::simd::{Job, Simd, vectors};

#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Simd for Baseline {
    #[cfg(target_arch = "x86_64")]
    vectors!(
        arch::__m128,
        4,
        arch::_mm_set1_ps,
        arch::_mm_loadu_ps,
        arch::_mm_storeu_ps,
        |a, b, c| arch::_mm_add_ps(arch::_mm_mul_ps(a, b), c),
        [arch::_mm_add_ps, arch::_mm_sub_ps, arch::_mm_div_ps, arch::_mm_mul_ps],
        [arch::_mm_min_ps, arch::_mm_max_ps],
        |n| arch::_mm_castsi128_ps(arch::_mm_slli_epi32::<23>(arch::_mm_add_epi32(
            arch::_mm_castps_si128(n),
            arch::_mm_set1_epi32(127)
        )))
    );
    #[cfg(target_arch = "aarch64")]
    vectors!(
        arch::float32x4_t,
        4,
        arch::vdupq_n_f32,
        arch::vld1q_f32,
        arch::vst1q_f32,
        |a, b, c| arch::vfmaq_f32(c, a, b),
        [arch::vaddq_f32, arch::vsubq_f32, arch::vdivq_f32, arch::vmulq_f32],
        [arch::vminq_f32, arch::vmaxq_f32],
        |n| arch::vreinterpretq_f32_s32(arch::vshlq_n_s32::<23>(arch::vaddq_s32(
            arch::vreinterpretq_s32_f32(n),
            arch::vdupq_n_s32(127)
        )))
    );
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    vectors!(
        [f32; 4],
        4,
        plain::splat,
        std::ptr::read_unaligned::<[f32; 4]>,
        std::ptr::write_unaligned::<[f32; 4]>,
        |a, b, c| std::array::from_fn(|lane| a[lane] * b[lane] + c[lane]),
        [plain::add, plain::sub, plain::div, plain::mul],
        [plain::min, plain::max],
        |n| n.map(|n| f32::from_bits(n.to_bits().wrapping_add(127) << 23))
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

/// Four values without vector instructions.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod plain {
    type Four = [f32; 4];

    pub(super) fn splat(value: f32) -> Four {
        [value; 4]
    }

    fn each(a: Four, b: Four, of: impl Fn(f32, f32) -> f32) -> Four {
        std::array::from_fn(|lane| of(a[lane], b[lane]))
    }

    pub(super) fn add(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a + b)
    }

    pub(super) fn sub(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a - b)
    }

    pub(super) fn div(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a / b)
    }

    pub(super) fn mul(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a * b)
    }

    /// `b` where one of them is NaN, as on x86.
    pub(super) fn min(a: Four, b: Four) -> Four {
        each(a, b, |a, b| if a < b { a } else { b })
    }

    /// `b` where one of them is NaN, as on x86.
    pub(super) fn max(a: Four, b: Four) -> Four {
        each(a, b, |a, b| if a > b { a } else { b })
    }
}
