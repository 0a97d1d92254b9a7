//! 256-bit vectors, fused multiply-add.
#![expect(unsafe_code, reason = "reached from `Instructions::run` alone, where these instructions are")]

use std::arch::x86_64::{
    __m256, _mm256_add_epi32, _mm256_add_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_div_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_slli_epi32, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::simd::{Job, Simd, vectors};

#[derive(Clone, Copy)]
pub(super) struct Avx2;

impl Simd for Avx2 {
    vectors!(
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        |a, b, c| _mm256_fmadd_ps(a, b, c),
        [_mm256_add_ps, _mm256_sub_ps, _mm256_div_ps, _mm256_mul_ps],
        [_mm256_min_ps, _mm256_max_ps],
        |n| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
            _mm256_castps_si256(n),
            _mm256_set1_epi32(127)
        )))
    );

    const REGISTERS: usize = 16;

    fn call(job: impl Job) {
        // SAFETY: `Instructions::all` is the only way to this set, and has found the instructions.
        unsafe { with_instructions(job) }
    }

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn with_instructions(job: impl Job) {
    job.run::<Avx2>();
}
