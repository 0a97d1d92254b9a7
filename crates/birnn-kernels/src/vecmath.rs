//! Exponential, sigmoid and tanh, a few operations each and without a branch, so that the compiler turns
//! loops over them into vector code.

use crate::isa::{Instructions, Job, Simd};

/// `log2(e)`.
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 in two parts (Cody and Waite): the first has so few bits that its product with a small integer is
/// exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Adding 1.5 * 2^23 leaves an integer in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// Beyond these, `exp` is 0 or infinite in `f32`; within, its scale is a normal number.
const LEAST: f32 = -87.0;
const MOST: f32 = 88.0;

/// `x = n * ln 2 + r` with `|r| <= ln 2 / 2`: `exp(r) - 1` and `2^n`.
#[inline(always)]
fn reduced<S: Simd>(x: f32) -> (f32, f32) {
    let x = x.clamp(LEAST, MOST);
    let shifted = S::mul_add(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = S::mul_add(n, -LN2_LOW, S::mul_add(n, -LN2_HIGH, x));
    // Taylor to the seventh power: the rest is below 6e-9 of the value.
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0] {
        p = S::mul_add(p, r, c);
    }
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (p * r, scale)
}

/// `e^x`, within 2 ulp where the result is a normal number.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    let (p, scale) = reduced::<S>(x);
    S::mul_add(scale, p, scale)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}

/// `(e^2x - 1) / (e^2x + 1)`, from `e^2x - 1` itself, so that small values keep their digits.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: f32) -> f32 {
    // Beyond 10 it is 1 in `f32`.
    let (p, scale) = reduced::<S>(2.0 * x.clamp(-10.0, 10.0));
    let less_one = S::mul_add(scale, p, scale - 1.0);
    less_one / (less_one + 2.0)
}

/// `log2(e)`, ln 2 in two parts and 1.5 * 2^52: what is above, for `f64`.
const LOG2_E_F64: f64 = std::f64::consts::LOG2_E;
const LN2_HIGH_F64: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW_F64: f64 = 1.908_214_929_270_587_7e-10;
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
/// Below it `exp` is less than any normal number, and zero here.
const LEAST_F64: f64 = -708.0;
const MOST_F64: f64 = 709.0;
/// `1 / n!` from 13 down to 1.
const TAYLOR: [f64; 13] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
];

/// `e^x`, within 2 ulp; 0 below -708. Multiplication and addition stay two roundings, so that every set of
/// instructions gives the same bits.
#[inline(always)]
pub(crate) fn exp_f64(x: f64) -> f64 {
    let within = x.clamp(LEAST_F64, MOST_F64);
    let shifted = within * LOG2_E_F64 + ROUND_F64;
    let n = shifted - ROUND_F64;
    let r = (within - n * LN2_HIGH_F64) - n * LN2_LOW_F64;
    // The rest is below 5e-18 of the value.
    let mut p = TAYLOR[0];
    for c in &TAYLOR[1..] {
        p = p * r + c;
    }
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < LEAST_F64 { 0.0 } else { scale * (p * r) + scale }
}

impl Instructions {
    /// Replaces each value by its hyperbolic tangent, within a few units of the last place.
    pub fn tanh(self, values: &mut [f32]) {
        self.run(Tanh(values));
    }
}

struct Tanh<'a>(&'a mut [f32]);

impl Job for Tanh<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        for value in self.0 {
            *value = tanh::<S>(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Baseline;

    /// The largest error in units of the last place, over a dense grid.
    fn worst(from: f32, to: f32, ours: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) -> f64 {
        const POINTS: u32 = 400_000;
        (0..=POINTS)
            .map(|index| {
                let x = from + (to - from) * index as f32 / POINTS as f32;
                let expected = truth(f64::from(x));
                let ulp = f64::from((expected as f32).next_up() - expected as f32).abs();
                (f64::from(ours(x)) - expected).abs() / ulp
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_a_few_units_of_the_last_place() {
        assert!(worst(-86.0, 87.0, exp::<Baseline>, f64::exp) < 3.0);
        assert!(worst(-80.0, 20.0, sigmoid::<Baseline>, |x| 1.0 / (1.0 + (-x).exp())) < 4.0);
        assert!(worst(-12.0, 12.0, tanh::<Baseline>, f64::tanh) < 4.0);
        assert!(worst(-1e-3, 1e-3, tanh::<Baseline>, f64::tanh) < 4.0);
    }

    #[test]
    fn errors_in_f64_are_a_few_units_of_the_last_place() {
        // The C library's is within one unit itself.
        for index in 0..=400_000 {
            let x = -708.0 + 1417.0 * f64::from(index) / 400_000.0;
            let ulp = x.exp().next_up() - x.exp();
            let error = (exp_f64(x) - x.exp()).abs() / ulp;
            assert!(error <= 2.0, "{error} at {x}");
        }
        assert_eq!([0.0, -708.1, -1e300, f64::NEG_INFINITY].map(exp_f64), [1.0, 0.0, 0.0, 0.0]);
        assert!(exp_f64(f64::NAN).is_nan());
    }

    #[test]
    fn extremes_are_finite_and_right() {
        for x in [f32::MAX, 1e4, 100.0] {
            assert_eq!((sigmoid::<Baseline>(x), tanh::<Baseline>(x)), (1.0, 1.0));
            assert!(sigmoid::<Baseline>(-x) < 1e-37);
            assert_eq!(tanh::<Baseline>(-x), -1.0);
        }
        assert_eq!((sigmoid::<Baseline>(0.0), tanh::<Baseline>(0.0)), (0.5, 0.0));
        assert!(sigmoid::<Baseline>(f32::NAN).is_nan() && tanh::<Baseline>(f32::NAN).is_nan());
    }
}
