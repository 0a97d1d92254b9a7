//! Products of sums of bf16 parts, by matrix tiles.
//!
//! A value is split into the bf16 nearest to it, the bf16 nearest to what is left, and so on: 8, 16 or 24 bits
//! of its mantissa. The products of parts are added up in f32, the smallest first; those as small as what the
//! parts leave out are left out too (Henry, Tang and Heinecke, "Leveraging the bfloat16 artificial intelligence
//! datatype for higher-precision computations", 2019). With three parts a product is closer to the true one
//! than f32's own, since its sums are shorter.
//!
//! What is not finite has a rest that is NaN: with more than one part its products are NaN where those of f32
//! might be infinite.
//!
//! A tile has 16 rows of 16 pairs: of a left side, a row's values of 32 steps along `k`; of a right side, in
//! each row two steps of 16 columns. As matrices of pairs one is the other's transpose.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod twin;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use amx::{Configured, available};

use super::Shape;

/// How many parts a value has, and what multiplies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) unit: Unit,
    pub(crate) count: Count,
}

/// What multiplies tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The processor, within [`Configured`].
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    /// Plain code that gives the same bits.
    Twin,
}

/// How many parts a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    One = 1,
    Two = 2,
    Three = 3,
}

/// Rows or columns of a tile.
const SIDE: usize = 16;
/// Steps along `k` of a tile.
const DEPTH: usize = 32;

/// 16 rows of 64 bytes.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
struct Tile([u16; SIDE * DEPTH]);

const BLANK: Tile = Tile([0; SIDE * DEPTH]);

/// Tiles by block of 16 rows (of a right side: columns), step along `k`, part.
#[derive(Clone, Debug, Default)]
struct Tiles {
    /// Rows or columns, and what there is along `k`.
    side: usize,
    k: usize,
    parts: usize,
    tiles: Vec<Tile>,
}

/// A left side, `[m, k]`. What is in the rows of its last block after `m` may be anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftTiles(Tiles);

/// A right side, `[k, n]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RightTiles(Tiles);

/// Calls the function of a unit for a number of parts.
macro_rules! of_parts {
    ($parts:expr, $function:ident($($argument:expr),*)) => {
        match ($parts.unit, $parts.count) {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, Count::One) => amx::$function::<1>($($argument),*),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, Count::Two) => amx::$function::<2>($($argument),*),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, Count::Three) => amx::$function::<3>($($argument),*),
            (Unit::Twin, Count::One) => twin::$function::<1>($($argument),*),
            (Unit::Twin, Count::Two) => twin::$function::<2>($($argument),*),
            (Unit::Twin, Count::Three) => twin::$function::<3>($($argument),*),
        }
    };
}

impl LeftTiles {
    /// Becomes `m` rows of `k` values, `stride` from each other.
    pub(super) fn pack_rows(&mut self, parts: Parts, (m, k): (usize, usize), values: &[f32], stride: usize) {
        self.0.reshape(parts, m, k);
        of_parts!(parts, pack_rows(&mut self.0, values, stride));
    }

    /// Becomes the transpose of rows of `cols` values.
    pub(super) fn pack_transposed(&mut self, parts: Parts, rows: &[f32], cols: usize) {
        self.0.pack_pairs(parts, (rows.len() / cols, cols), rows.chunks_exact(cols).map(Some));
        self.0.transpose(parts);
    }
}

impl RightTiles {
    /// Becomes `k` rows of `n` values, after so many rows of zeros.
    pub(super) fn pack_rows<'a>(
        &mut self,
        parts: Parts,
        zeros: usize,
        (k, n): (usize, usize),
        rows: impl Iterator<Item = &'a [f32]>,
    ) {
        let rows = rows.take(k).map(|row| Some(&row[..n]));
        self.0.pack_pairs(parts, (zeros + k, n), std::iter::repeat_n(None, zeros).chain(rows));
    }

    /// Becomes the transpose of `n` rows of `k` values, one after the other.
    pub(super) fn pack_columns(&mut self, parts: Parts, (k, n): (usize, usize), values: &[f32]) {
        self.0.reshape(parts, n, k);
        of_parts!(parts, pack_rows(&mut self.0, values, k));
        self.0.transpose(parts);
    }
}

impl Tiles {
    /// Becomes one of this shape. What is in its tiles stays: whoever packs writes every value that counts.
    fn reshape(&mut self, parts: Parts, side: usize, k: usize) {
        (self.side, self.k, self.parts) = (side, k, parts.count as usize);
        self.tiles.resize(side.div_ceil(SIDE) * self.steps() * self.parts, BLANK);
    }

    fn steps(&self) -> usize {
        self.k.div_ceil(DEPTH)
    }

    /// Where a block's tiles of a step begin.
    #[inline(always)]
    fn index(&self, block: usize, step: usize) -> usize {
        (block * self.steps() + step) * self.parts
    }

    /// Becomes these `k` rows of `side` values, `None` for zeros, pairs of them side by side.
    fn pack_pairs<'a>(
        &mut self,
        parts: Parts,
        (k, side): (usize, usize),
        mut rows: impl Iterator<Item = Option<&'a [f32]>>,
    ) {
        self.reshape(parts, side, k);
        for pair in 0..self.steps() * (DEPTH / 2) {
            // In this order.
            let rows = [rows.next().flatten(), rows.next().flatten()];
            of_parts!(parts, pack_pair(self, pair, rows));
        }
    }

    /// Transposes every tile, as a matrix of pairs.
    fn transpose(&mut self, parts: Parts) {
        match parts.unit {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => amx::transpose(&mut self.tiles),
            Unit::Twin => twin::transpose(&mut self.tiles),
        }
    }
}

/// A block of `C` of two tiles by two.
const BLOCK: usize = 2 * SIDE;

/// As [`gemm`](super::gemm).
pub(super) fn gemm(
    parts: Parts,
    shape: Shape,
    LeftTiles(a): &LeftTiles,
    RightTiles(b): &RightTiles,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    let Shape { m, n, k, stride } = shape;
    let steps = b.steps();
    assert!(n.is_multiple_of(SIDE) && k > 0 && n <= stride && n <= b.side && k <= b.k, "{shape:?}");
    assert!(m <= a.side && steps <= a.steps() && a.parts == b.parts, "{shape:?}");
    // A tile that is not there is the one before it again, and what comes of it goes nowhere.
    let pair = |tiles: &'_ Tiles, at: usize, length: usize| {
        [at / SIDE, (at + length - 1) / SIDE].map(|block| tiles.index(block, 0))
    };
    let mut edge = [0.0; BLOCK * BLOCK];
    // Columns without, so that their tiles of the right side stay in the first-level cache.
    for column in (0..n).step_by(BLOCK) {
        let width = (n - column).min(BLOCK);
        let right = pair(b, column, width).map(|index| &b.tiles[index..][..steps * b.parts]);
        let init = init.map(|init| &init[column..][..width]);
        for row in (0..m).step_by(BLOCK) {
            let height = (m - row).min(BLOCK);
            let left = pair(a, row, height).map(|index| &a.tiles[index..][..steps * a.parts]);
            let sums = &mut c[row * stride + column..];
            if (height, width) == (BLOCK, BLOCK) {
                of_parts!(parts, multiply(left, right, init, sums, stride));
                continue;
            }
            let of_edge = edge.chunks_exact_mut(BLOCK);
            for (edge, sums) in of_edge.zip(sums.chunks(stride)).take(height) {
                edge[..width].copy_from_slice(init.unwrap_or(&sums[..width]));
            }
            of_parts!(parts, multiply(left, right, None, &mut edge, BLOCK));
            for (edge, sums) in edge.chunks_exact(BLOCK).zip(sums.chunks_mut(stride)).take(height) {
                sums[..width].copy_from_slice(&edge[..width]);
            }
        }
    }
}
