//! Dropout whose draws are counted: the same values are zeroed however the batch is cut, and again on the way
//! back.

use crate::isa::{Job, Simd};
use crate::workers::Workers;

/// Zeroes values between layers. What it draws is a function of `key`, the layer, where a time step is in the
/// batch, and the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of zeroing a value, in `[0, 1)`.
    pub probability: f32,
    /// Decides which.
    pub key: u64,
    /// How many steps come before this batch, where it is a part of a larger one: its draws are those of that
    /// part.
    pub first_step: usize,
}

impl Dropout {
    /// Zeroes values of rows, `[rows, width]`, that no layer of recurrent layers gives: what they read, or
    /// what is read of them. `place` tells these apart, and `positions` says for each row how many steps of
    /// the batch come before its own.
    pub fn apply(self, workers: &Workers, place: u8, width: usize, positions: &[usize], values: &mut [f32]) {
        let draw = Draw::new(self, OUTSIDE + usize::from(place), width);
        let rows = positions.len().div_ceil(workers.count()).max(1);
        let parts = positions.chunks(rows).zip(values.chunks_mut(rows * width.max(1)));
        let jobs = parts.map(|(positions, values)| Mask { draw, positions, values });
        workers.share(workers.instructions(), jobs.collect());
    }
}

/// Some rows of values.
struct Mask<'a> {
    draw: Draw,
    positions: &'a [usize],
    values: &'a mut [f32],
}

impl Job for Mask<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.draw.mask(self.positions.iter().copied(), self.values);
    }
}

/// Layers that there never are.
const OUTSIDE: usize = 1 << 12;

/// Decides which values of a layer's output dropout keeps.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    low: u32,
    high: u32,
    bound: u32,
    scale: f32,
    width: usize,
    first_step: usize,
}

impl Draw {
    /// For the output of `layer`; `width` is that of a padded row.
    #[inline(always)]
    pub(crate) fn new(dropout: Dropout, layer: usize, width: usize) -> Draw {
        let key = mix(dropout.key ^ ((layer as u64) << 48));
        let bound = (f64::from(dropout.probability) * f64::from(1_u32 << 24)) as u32;
        let scale = 1.0 / (1.0 - dropout.probability);
        let first_step = dropout.first_step;
        Draw { low: key as u32, high: (key >> 32) as u32, bound, scale, width, first_step }
    }

    /// Zeroes values of rows, `[rows, width]`, and scales those that are left; `positions` says for each row
    /// how many steps of the batch come before its own.
    #[inline(always)]
    pub(crate) fn mask(&self, positions: impl Iterator<Item = usize>, values: &mut [f32]) {
        for (position, values) in positions.zip(values.chunks_exact_mut(self.width)) {
            let offset = self.offset(position);
            for (unit, value) in values.iter_mut().enumerate() {
                *value = if self.keeps(offset.wrapping_add(unit as u32)) { *value * self.scale } else { 0.0 };
            }
        }
    }

    /// The offset of a step in `[steps, width]`, modulo 2^32.
    #[inline(always)]
    pub(crate) fn offset(&self, position: usize) -> u32 {
        (position + self.first_step).wrapping_mul(self.width) as u32
    }

    /// Two rounds of a 32-bit finaliser (C. Wellons, "lowbias32").
    #[inline(always)]
    pub(crate) fn keeps(&self, offset: u32) -> bool {
        let mut x = offset ^ self.low;
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        x = (x ^ (x >> 16)) ^ self.high;
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x ^= x >> 15;
        x >> 8 >= self.bound
    }
}

/// SplitMix64's finaliser (Steele et al. 2014).
fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
