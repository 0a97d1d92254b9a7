//! 512-bit vectors, fused multiply-add.
#![expect(unsafe_code, reason = "reached from `Instructions::run` alone, where these instructions are")]

use std::arch::x86_64::{
    __m512, _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_div_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::simd::{Job, Simd, vectors};

#[derive(Clone, Copy)]
pub(super) struct Avx512;

impl Simd for Avx512 {
    vectors!(
        __m512,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        |a, b, c| _mm512_fmadd_ps(a, b, c),
        [_mm512_add_ps, _mm512_sub_ps, _mm512_div_ps, _mm512_mul_ps],
        [_mm512_min_ps, _mm512_max_ps],
        |n| _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_add_epi32(
            _mm512_castps_si512(n),
            _mm512_set1_epi32(127)
        )))
    );

    const REGISTERS: usize = 32;

    fn call(job: impl Job) {
        // SAFETY: `Instructions::all` is the only way to this set, and has found the instructions.
        unsafe { with_instructions(job) }
    }

    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
#[inline(never)]
fn with_instructions(job: impl Job) {
    job.run::<Avx512>();
}
