//! How a product is cut.

use crate::isa::{LANES, Simd};

/// Rows of a tile: with as many columns as make it full, its sums take most registers of every set of
/// instructions.
pub(super) const MR: usize = 6;

/// The sums of a tile are taken up, gone on with and put down again after no more than so many products: what
/// it reads then stays in the second-level cache, and its first-level cache has room for it.
pub(super) const KC: usize = 384;

/// Vectors side by side in a tile: its sums take 24 of 32 registers, or 12 of 16.
pub(super) const fn tile_vectors<S: Simd>() -> usize {
    if S::REGISTERS >= 32 { 4 } else { 2 }
}

/// Columns of a packed panel.
pub(super) const fn nr<S: Simd>() -> usize {
    let tile = tile_vectors::<S>() * S::WIDTH;
    if tile > LANES { tile } else { LANES }
}
