//! Dropout whose draws are counted: the same values are zeroed however the batch is cut, and again on the way back.

use crate::spec::Dropout;

/// Zeroes values of `[time, rows, width]`, and scales those that are left.
#[inline(always)]
pub(crate) fn mask(
    dropout: Dropout,
    layer: usize,
    start: usize,
    rows: usize,
    time: usize,
    width: usize,
    values: &mut [f32],
) {
    let draw = Draw::new(dropout, layer, time, width);
    let scale = 1.0 / (1.0 - dropout.probability);
    for (index, values) in values.chunks_exact_mut(width).enumerate() {
        let place = draw.place(start + index % rows, index / rows);
        for (unit, value) in values.iter_mut().enumerate() {
            *value = if draw.keeps(place.wrapping_add(unit as u32)) { *value * scale } else { 0.0 };
        }
    }
}

/// Decides which values dropout keeps.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    low: u32,
    high: u32,
    bound: u32,
    time: usize,
    width: usize,
}

impl Draw {
    /// For the output of `layer`; `width` is that of a padded row.
    #[inline(always)]
    pub(crate) fn new(dropout: Dropout, layer: usize, time: usize, width: usize) -> Draw {
        let key = mix(dropout.key ^ ((layer as u64) << 48));
        let bound = (f64::from(dropout.probability) * f64::from(1_u32 << 24)) as u32;
        Draw { low: key as u32, high: (key >> 32) as u32, bound, time, width }
    }

    /// The place of the first unit of a sample's time step.
    #[inline(always)]
    pub(crate) fn place(&self, sample: usize, step: usize) -> u32 {
        (sample * self.time + step).wrapping_mul(self.width) as u32
    }

    /// Two rounds of a 32-bit finaliser (C. Wellons, "lowbias32").
    #[inline(always)]
    pub(crate) fn keeps(&self, place: u32) -> bool {
        let mut x = place ^ self.low;
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
