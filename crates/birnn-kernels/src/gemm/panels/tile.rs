//! How a product is cut.

use crate::isa::{LANES, Simd};

/// The sums of a tile are taken up, gone on with and put down again after no more than so many products: what
/// it reads then stays in the second-level cache, and its first-level cache has room for it.
pub(super) const KC: usize = 384;

/// A tile's rows, and vectors side by side in it: its sums take 24 of 32 registers, or 12 of 16. Of wide
/// vectors more rows than columns, as a panel of few columns stays in the first-level cache, of which others
/// may have a part.
pub(super) const fn tile_shape<S: Simd>() -> (usize, usize) {
    match (S::REGISTERS, S::WIDTH) {
        (32.., LANES..) => (12, 2),
        (32.., _) => (6, 4),
        _ => (6, 2),
    }
}

/// Columns of a packed panel.
pub(super) const fn nr<S: Simd>() -> usize {
    let tile = tile_shape::<S>().1 * S::WIDTH;
    if tile > LANES { tile } else { LANES }
}
