//! Exponential, sigmoid and tanh, a few operations each and without a branch.

use crate::isa::{Instructions, Job, LANES, Simd};

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

/// `N` vectors side by side. A value takes twenty operations, each of which waits for the one before: while
/// one vector waits, the others go on. All of it is reached from [`Job::run`] alone, which
/// [`Instructions::run`] calls with a set of instructions that it has found: so are the instructions of every
/// `unsafe` below there.
#[derive(Clone, Copy)]
pub(crate) struct Abreast<S: Simd, const N: usize>([S::Vector; N]);

#[expect(unsafe_code, reason = "within `Instructions::run`, where the instructions are, alone")]
impl<S: Simd, const N: usize> Abreast<S, N> {
    /// # Safety
    ///
    /// So many values are there.
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        let mut vectors = Self::splat(0.0).0;
        for (index, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: the caller's.
            *vector = unsafe { S::load(from.add(index * S::WIDTH)) };
        }
        Abreast(vectors)
    }

    /// # Safety
    ///
    /// There is room for so many values.
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (index, &vector) in self.0.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { S::store(vector, to.add(index * S::WIDTH)) };
        }
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see the type, here and below.
        Abreast([unsafe { S::splat(value) }; N])
    }

    /// In each vector.
    #[inline(always)]
    fn with(mut self, other: Self, of: impl Fn(S::Vector, S::Vector) -> S::Vector) -> Self {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own = of(*own, other);
        }
        self
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| unsafe { S::vector_add(a, b) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| unsafe { S::vector_sub(a, b) })
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.with(other, |a, b| unsafe { S::vector_mul(a, b) })
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self.with(other, |a, b| unsafe { S::vector_div(a, b) })
    }

    #[inline(always)]
    fn mul_add(mut self, factor: Self, summand: Self) -> Self {
        for ((own, factor), summand) in self.0.iter_mut().zip(factor.0).zip(summand.0) {
            *own = unsafe { S::vector_mul_add(*own, factor, summand) };
        }
        self
    }

    #[inline(always)]
    fn clamp(mut self, least: f32, most: f32) -> Self {
        for own in &mut self.0 {
            *own = unsafe { S::vector_clamp(*own, S::splat(least), S::splat(most)) };
        }
        self
    }

    #[inline(always)]
    fn power_of_two(mut self) -> Self {
        for own in &mut self.0 {
            *own = unsafe { S::power_of_two(*own) };
        }
        self
    }

    /// `x = n * ln 2 + r` with `|r| <= ln 2 / 2`: `exp(r) - 1` and `2^n`.
    #[inline(always)]
    fn reduced(self) -> (Self, Self) {
        let of = Self::splat;
        let x = self.clamp(LEAST, MOST);
        let shifted = x.mul_add(of(LOG2_E), of(ROUND));
        let n = shifted.minus(of(ROUND));
        let r = n.mul_add(of(-LN2_LOW), n.mul_add(of(-LN2_HIGH), x));
        // Taylor to the seventh power: the rest is below 6e-9 of the value.
        let mut p = of(1.0 / 5040.0);
        for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0] {
            p = p.mul_add(r, of(c));
        }
        (p.times(r), shifted.power_of_two())
    }

    /// `e^x`, within 2 ulp from -70 on; below, where multiplication and addition round apart, a product that
    /// is subnormal is lost, up to a quarter of the value.
    #[inline(always)]
    fn exp(self) -> Self {
        let (p, scale) = self.reduced();
        scale.mul_add(p, scale)
    }
}

/// What becomes of what goes into a gate. Implementations are `#[inline(always)]`.
pub(crate) trait Curve {
    fn of<S: Simd, const N: usize>(x: Abreast<S, N>) -> Abreast<S, N>;
}

/// `1 / (1 + e^-x)`.
pub(crate) struct Sigmoid;

impl Curve for Sigmoid {
    #[inline(always)]
    fn of<S: Simd, const N: usize>(x: Abreast<S, N>) -> Abreast<S, N> {
        let one = Abreast::splat(1.0);
        one.over(one.plus(x.times(Abreast::splat(-1.0)).exp()))
    }
}

/// `(e^2x - 1) / (e^2x + 1)`, from `e^2x - 1` itself, so that small values keep their digits.
pub(crate) struct Tanh;

impl Curve for Tanh {
    #[inline(always)]
    fn of<S: Simd, const N: usize>(x: Abreast<S, N>) -> Abreast<S, N> {
        // Beyond 10 it is 1 in `f32`.
        let (p, scale) = x.clamp(-10.0, 10.0).times(Abreast::splat(2.0)).reduced();
        let less_one = scale.mul_add(p, scale.minus(Abreast::splat(1.0)));
        less_one.over(less_one.plus(Abreast::splat(2.0)))
    }
}

/// `from` by the curve; the same values where `from` is none.
#[inline(always)]
#[expect(unsafe_code, reason = "values are read and written where they lie, perhaps in the same place")]
pub(crate) fn along<S: Simd, C: Curve>(values: &mut [f32], from: Option<&[f32]>) {
    let count = values.len();
    assert!(count.is_multiple_of(LANES) && from.is_none_or(|from| from.len() == count));
    let to = values.as_mut_ptr();
    let from = from.map_or(to.cast_const(), <[f32]>::as_ptr);
    // SAFETY: whole vectors within both, each read before it is written.
    unsafe {
        let mut at = 0;
        while at + ABREAST * S::WIDTH <= count {
            C::of(Abreast::<S, ABREAST>::load(from.add(at))).store(to.add(at));
            at += ABREAST * S::WIDTH;
        }
        while at < count {
            C::of(Abreast::<S, 1>::load(from.add(at))).store(to.add(at));
            at += S::WIDTH;
        }
    }
}

/// Vectors side by side.
const ABREAST: usize = 4;

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
        self.run(OfTanh(values));
    }
}

struct OfTanh<'a>(&'a mut [f32]);

impl Job for OfTanh<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (whole, rest) = self.0.split_at_mut(self.0.len() / LANES * LANES);
        along::<S, Tanh>(whole, None);
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        along::<S, Tanh>(&mut last, None);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    struct Exp;

    impl Curve for Exp {
        #[inline(always)]
        fn of<S: Simd, const N: usize>(x: Abreast<S, N>) -> Abreast<S, N> {
            x.exp()
        }
    }

    struct Along<'a, C>(&'a mut [f32], PhantomData<C>);

    impl<C: Curve> Job for Along<'_, C> {
        #[inline(always)]
        fn run<S: Simd>(self) {
            along::<S, C>(self.0, None);
        }
    }

    fn of<C: Curve>(instructions: Instructions, x: f32) -> f32 {
        let mut values = [x; LANES];
        instructions.run(Along::<C>(&mut values, PhantomData));
        values[0]
    }

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
        for own in Instructions::all() {
            assert!(worst(-70.0, 87.0, |x| of::<Exp>(own, x), f64::exp) < 3.0);
            assert!(worst(-80.0, 20.0, |x| of::<Sigmoid>(own, x), |x| 1.0 / (1.0 + (-x).exp())) < 4.0);
            assert!(worst(-12.0, 12.0, |x| of::<Tanh>(own, x), f64::tanh) < 4.0);
            assert!(worst(-1e-3, 1e-3, |x| of::<Tanh>(own, x), f64::tanh) < 4.0);
        }
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
        for own in Instructions::all() {
            for x in [f32::MAX, 1e4, 100.0] {
                assert_eq!((of::<Sigmoid>(own, x), of::<Tanh>(own, x)), (1.0, 1.0));
                assert!(of::<Sigmoid>(own, -x) < 1e-37);
                assert_eq!(of::<Tanh>(own, -x), -1.0);
            }
            assert_eq!((of::<Sigmoid>(own, 0.0), of::<Tanh>(own, 0.0)), (0.5, 0.0));
            assert!(of::<Sigmoid>(own, f32::NAN).is_nan() && of::<Tanh>(own, f32::NAN).is_nan());
        }
    }

    /// A value is what it is wherever it lies.
    #[test]
    fn all_values_of_a_slice_are_followed() {
        for own in Instructions::all() {
            for length in [1, 15, 16, 64, 80, 203] {
                let mut values: Vec<f32> = (0..length).map(|index| index as f32 / 50.0 - 2.0).collect();
                let expected: Vec<f32> = values.iter().map(|&value| of::<Tanh>(own, value)).collect();
                own.tanh(&mut values);
                assert_eq!(values, expected, "{own}");
            }
        }
    }
}
