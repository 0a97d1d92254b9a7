//! Products of matrices, `C[m, n] += A[m, k] B[k, n]`.
//!
//! How a packed operand lies in memory is known in here alone: whoever multiplies packs rows of `f32` and
//! hands over what comes of it. Each kernel has a layout of its own: [`panels`] multiplies in f32 by vectors,
//! [`parts`] sums of bf16 parts by matrix tiles or vectors of bf16. [`Products`] says which it is.
//!
//! Operands of the gradients of weights are packed first. Their natural order is down the columns of the
//! gates, which misses the caches at every step once there are many units.

pub(crate) mod panels;
pub(crate) mod parts;

use crate::buffer::Buffer;
use crate::isa::Simd;
use parts::{Configured, LeftTiles, Parts, RightTiles};

/// What numbers products multiply. They are added up in f32 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Products {
    #[default]
    F32,
    Parts(Parts),
}

impl Products {
    /// What a thread holds while it makes such products.
    pub(crate) fn ready(self) -> Option<Configured> {
        match self {
            Products::F32 => None,
            Products::Parts(parts) => parts.ready(),
        }
    }

    /// Whether blocks of `C` had better be whole, and in the cache: see [`Shape::padded`].
    pub(crate) fn in_blocks(self) -> bool {
        self != Products::F32
    }
}

/// The shape of a product. Rows of `C` are contiguous, and `n` is a multiple of [`LANES`](crate::isa::LANES).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// From one row of `C` to the next.
    pub(crate) stride: usize,
    /// Whether what follows the last row of `C` may be overwritten, as far as `C` reaches: see
    /// [`padded_rows`].
    pub(crate) padded: bool,
}

/// How many rows `C` should have room for, so that every kernel's blocks of it are whole.
pub(crate) fn padded_rows(m: usize) -> usize {
    m.next_multiple_of(parts::BLOCK)
}

/// `c += a * b`, or `c = init + a * b` with the same row `init [n]` for all rows of `c`. A row of `c` depends
/// on its row of `a` alone, to the bit, and not on how many rows there are.
///
/// # Panics
///
/// Where `k` is 0, `n` no multiple of [`LANES`](crate::isa::LANES), an operand has fewer values than the
/// shape says, or they are packed for different products.
#[inline(always)]
pub(crate) fn gemm<S: Simd>(shape: Shape, a: Lhs, b: &PackedRhs, c: &mut [f32], init: Option<&[f32]>) {
    match (a, b) {
        (Lhs::F32(a), PackedRhs::F32(b)) => panels::gemm::<S>(shape, a, b, c, init),
        (Lhs::Parts(parts, a), PackedRhs::Parts(b)) => parts::gemm(parts, shape, [(a, b); 1], c, init),
        _ => panic!("operands that are packed for different products"),
    }
}

/// As [`gemm`], for the sum of two products, of which `shape.k` is that of the first.
#[inline(always)]
pub(crate) fn gemm_of_two<S: Simd>(
    shape: Shape,
    [(a, b), (a_2, b_2)]: [(Lhs, &PackedRhs); 2],
    k_2: usize,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    match (a, b, a_2, b_2) {
        (Lhs::Parts(parts, a), PackedRhs::Parts(b), Lhs::Parts(_, a_2), PackedRhs::Parts(b_2)) => {
            parts::gemm(parts, shape, [(a, b), (a_2, b_2)], c, init);
        }
        _ => {
            gemm::<S>(shape, a, b, c, init);
            gemm::<S>(Shape { k: k_2, ..shape }, a_2, b_2, c, None);
        }
    }
}

/// The left side of a product, `[m, k]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lhs<'a> {
    F32(panels::Lhs<'a>),
    Parts(Parts, &'a LeftTiles),
}

/// Rows made into what a product has on its left, in memory that is kept.
#[derive(Debug, Default)]
pub(crate) struct PackedRows {
    tiles: LeftTiles,
}

impl PackedRows {
    /// `m` rows of `k` values, `stride` from each other: where they lie, or packed.
    #[inline(always)]
    pub(crate) fn lhs<'a>(
        &'a mut self,
        products: Products,
        (m, k): (usize, usize),
        values: &'a [f32],
        stride: usize,
    ) -> Lhs<'a> {
        match products {
            Products::F32 => Lhs::F32(panels::Lhs::rows(values, stride)),
            Products::Parts(parts) => {
                self.tiles.pack_rows(parts, (m, k), values, stride);
                Lhs::Parts(parts, &self.tiles)
            }
        }
    }
}

/// The transpose of a matrix as the left side.
#[derive(Debug, Default)]
pub(crate) struct PackedLhs {
    products: Products,
    panels: panels::PackedLhs,
    tiles: LeftTiles,
}

impl PackedLhs {
    /// Becomes the transpose of rows of `cols` values.
    #[inline(always)]
    pub(crate) fn pack_transposed<S: Simd>(&mut self, products: Products, rows: &[f32], cols: usize) {
        self.products = products;
        match products {
            Products::F32 => self.panels.pack_transposed::<S>(rows, cols),
            Products::Parts(parts) => self.tiles.pack_transposed(parts, rows, cols),
        }
    }

    /// Without the first of the rows that were packed, where these can be left out: see [`PackedRhs::pack`].
    #[inline(always)]
    pub(crate) fn skip(&self, first: usize) -> Lhs<'_> {
        match self.products {
            Products::F32 => Lhs::F32(self.panels.skip(first)),
            Products::Parts(parts) => Lhs::Parts(parts, &self.tiles),
        }
    }
}

/// The right side of a product, `[k, n]`.
#[derive(Clone, Debug)]
pub(crate) enum PackedRhs {
    F32(panels::PackedRhs),
    Parts(RightTiles),
}

impl Default for PackedRhs {
    fn default() -> PackedRhs {
        PackedRhs::F32(panels::PackedRhs::default())
    }
}

impl PackedRhs {
    /// Becomes a matrix of these `k` rows of `n` values, the right side for a left side whose first `skipped`
    /// rows were to be left out: where they are not, zeros are put before these.
    #[inline(always)]
    pub(crate) fn pack<'a, S: Simd>(
        &mut self,
        products: Products,
        skipped: usize,
        (k, n): (usize, usize),
        rows: impl Iterator<Item = &'a [f32]>,
    ) {
        match products {
            Products::F32 => self.panels().pack::<S>(k, n, rows),
            Products::Parts(parts) => self.tiles().pack_rows(parts, skipped, (k, n), rows),
        }
    }

    /// As panels, whatever it was.
    fn panels(&mut self) -> &mut panels::PackedRhs {
        if let PackedRhs::Parts(_) = self {
            *self = PackedRhs::default();
        }
        match self {
            PackedRhs::F32(panels) => panels,
            PackedRhs::Parts(_) => unreachable!("these are panels now"),
        }
    }

    /// As tiles, whatever it was.
    fn tiles(&mut self) -> &mut RightTiles {
        if let PackedRhs::F32(_) = self {
            *self = PackedRhs::Parts(RightTiles::default());
        }
        match self {
            PackedRhs::Parts(tiles) => tiles,
            PackedRhs::F32(_) => unreachable!("these are tiles now"),
        }
    }
}

/// A matrix of weights, `[k, n]`, and its transpose, as right sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedWeights {
    products: Products,
    /// Of products of parts, row by row: what both sides are made of, where that was set row by row.
    values: Buffer,
    shape: (usize, usize),
    plain: PackedRhs,
    transposed: PackedRhs,
}

impl PackedWeights {
    /// Becomes a matrix of this shape: as it was where it had it, and otherwise of zeros.
    pub(crate) fn reshape<S: Simd>(&mut self, products: Products, k: usize, n: usize) {
        match products {
            Products::F32 => self.plain.panels().reshape::<S>(k, n),
            Products::Parts(_)
                if (self.products, self.shape) == (products, (k, n)) && self.values.len() == k * n => {}
            Products::Parts(_) => self.values.zero(k * n),
        }
        (self.products, self.shape) = (products, (k, n));
    }

    /// Replaces a part of a row, from `column` on. [`PackedWeights::finish`] comes when all are there.
    #[inline(always)]
    pub(crate) fn set(&mut self, row: usize, column: usize, values: &[f32]) {
        match self.products {
            Products::F32 => self.plain.panels().set(row, column, values),
            Products::Parts(_) => {
                self.values[row * self.shape.1 + column..][..values.len()].copy_from_slice(values);
            }
        }
    }

    /// Makes both sides of what was set.
    pub(crate) fn finish<S: Simd>(&mut self) {
        match self.products {
            Products::F32 => {
                let plain = self.plain.panels();
                self.transposed.panels().transpose::<S>(plain);
            }
            Products::Parts(parts) => {
                PackedWeights::pack(parts, self.shape, &self.values, [&mut self.plain, &mut self.transposed]);
            }
        }
    }

    /// Becomes the matrix of these `k` rows of `n` values in products of parts, both sides of it: what
    /// [`PackedWeights::set`] and [`PackedWeights::finish`] come to, without a copy in between.
    pub(crate) fn set_all(&mut self, parts: Parts, k: usize, n: usize, values: &[f32]) {
        (self.products, self.shape) = (Products::Parts(parts), (k, n));
        self.values.fit(0);
        PackedWeights::pack(parts, self.shape, values, [&mut self.plain, &mut self.transposed]);
    }

    fn pack(parts: Parts, (k, n): (usize, usize), values: &[f32], [plain, transposed]: [&mut PackedRhs; 2]) {
        if k * n > 0 {
            plain.tiles().pack_rows(parts, 0, (k, n), values.chunks_exact(n));
            transposed.tiles().pack_columns(parts, (n, k), values);
        }
    }

    /// `[k, n]`.
    #[inline(always)]
    pub(crate) fn plain(&self) -> &PackedRhs {
        &self.plain
    }

    /// `[n, k]`.
    #[inline(always)]
    pub(crate) fn transposed(&self) -> &PackedRhs {
        &self.transposed
    }
}
