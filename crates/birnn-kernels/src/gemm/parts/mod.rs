//! Products of sums of bf16 parts, by matrix tiles.
//!
//! A value is split into the bf16 nearest to it and the bf16 nearest to what is left: 8 or 16 bits of its
//! mantissa. The products of parts are added up in f32, the smaller first; that of both rests is left out, as
//! it is as small as what the parts leave out (Henry, Tang and Heinecke, "Leveraging the bfloat16 artificial
//! intelligence datatype for higher-precision computations", 2019). Three parts would be as exact as f32, and
//! took as long: their six products need twice the bytes of f32 from the second-level cache.
//!
//! What is not finite has a rest that is NaN: with two parts its products are NaN where those of f32 might be
//! infinite.
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
}

/// Where there are no tiles, nothing has to be configured.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) enum Configured {}

impl Parts {
    /// What a thread holds while it makes such products.
    pub(crate) fn ready(self) -> Option<Configured> {
        match self.unit {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => Some(Configured::start()),
            Unit::Twin => None,
        }
    }

    /// Multiplies tiles that never leave the registers; gives how many operations that were.
    pub(crate) fn spin(self) -> f64 {
        match self.unit {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => amx::spin(20_000),
            Unit::Twin => twin::spin(),
        }
    }
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
    /// At least as many as that needs: of two matrices by turns the larger one is not filled anew.
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
    ($parts:expr, $function:ident $(<$count:ident>)? ($($argument:expr),*)) => {
        match ($parts.unit, $parts.count) {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, Count::One) => amx::$function::<1 $(, $count)?>($($argument),*),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, Count::Two) => amx::$function::<2 $(, $count)?>($($argument),*),
            (Unit::Twin, Count::One) => twin::$function::<1 $(, $count)?>($($argument),*),
            (Unit::Twin, Count::Two) => twin::$function::<2 $(, $count)?>($($argument),*),
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
        let count = self.count();
        if self.tiles.len() < count {
            self.tiles.resize(count, BLANK);
        }
    }

    fn count(&self) -> usize {
        self.side.div_ceil(SIDE) * self.steps() * self.parts
    }

    fn steps(&self) -> usize {
        self.k.div_ceil(DEPTH)
    }

    /// Where a block's tiles of a step begin.
    #[inline(always)]
    fn index(&self, block: usize, step: usize) -> usize {
        (block * self.steps() + step) * self.parts
    }

    /// A block's tiles of the first steps.
    #[inline(always)]
    fn block(&self, block: usize, steps: usize) -> &[Tile] {
        &self.tiles[self.index(block, 0)..][..steps * self.parts]
    }

    /// Becomes these `k` rows of `side` values, `None` for zeros, pairs of them side by side.
    fn pack_pairs<'a>(
        &mut self,
        parts: Parts,
        (k, side): (usize, usize),
        mut rows: impl Iterator<Item = Option<&'a [f32]>>,
    ) {
        self.reshape(parts, side, k);
        for step in 0..self.steps() {
            let rows = std::array::from_fn(|_| rows.next().flatten());
            of_parts!(parts, pack_step(self, step, &rows));
        }
    }

    /// Transposes every tile, as a matrix of pairs.
    fn transpose(&mut self, parts: Parts) {
        let count = self.count();
        let tiles = &mut self.tiles[..count];
        match parts.unit {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => amx::transpose(tiles),
            Unit::Twin => twin::transpose(tiles),
        }
    }
}

/// Rows or columns of a block of `C` of two tiles by two.
pub(super) const BLOCK: usize = 2 * SIDE;

/// Which blocks of rows of the left side and of columns of the right one a block of `C` is the product of. Where there is
/// no second one it is the first again, and the block of `C` is a tile high, or wide.
#[derive(Clone, Copy)]
struct Place {
    rows: [usize; 2],
    columns: [usize; 2],
}

impl Place {
    /// Rows of `C`.
    #[inline(always)]
    fn height(self) -> usize {
        if self.rows[0] == self.rows[1] { SIDE } else { BLOCK }
    }

    /// Columns of `C`.
    #[inline(always)]
    fn width(self) -> usize {
        if self.columns[0] == self.columns[1] { SIDE } else { BLOCK }
    }
}

/// As [`gemm`](super::gemm), for the sum of `COUNT` products.
pub(super) fn gemm<const COUNT: usize>(
    parts: Parts,
    shape: Shape,
    operands: [(&LeftTiles, &RightTiles); COUNT],
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    let Shape { m, n, k, stride, padded } = shape;
    assert!(n.is_multiple_of(SIDE) && k > 0 && n <= stride, "{shape:?}");
    let operands = operands.map(|(LeftTiles(a), RightTiles(b))| (a, b));
    assert!(k <= operands[0].0.k.min(operands[0].1.k), "{shape:?}");
    for (a, b) in operands {
        assert!(m <= a.side && n <= b.side && b.steps() <= a.steps(), "{shape:?}");
        assert!([a.parts, b.parts] == [parts.count as usize; 2], "{parts:?}");
    }
    let blocks = |at: usize, length: usize| [at / SIDE, (at + length - 1) / SIDE];
    let mut edge = [0.0; BLOCK * BLOCK];
    // Columns without, so that their tiles of the right side stay in the first-level cache.
    for column in (0..n).step_by(BLOCK) {
        let width = (n - column).min(BLOCK);
        let columns = blocks(column, width);
        let init = init.map(|init| &init[column..][..width]);
        for row in (0..m).step_by(BLOCK) {
            let height = (m - row).min(BLOCK);
            let place = Place { rows: blocks(row, height), columns };
            let sums = &mut c[row * stride + column..];
            let whole = place.height();
            if height == whole || (padded && sums.len() >= (whole - 1) * stride + width) {
                of_parts!(parts, multiply<COUNT>(&operands, place, init, sums, stride));
                continue;
            }
            if init.is_none() {
                for (edge, sums) in edge.chunks_exact_mut(BLOCK).zip(sums.chunks(stride)).take(height) {
                    copy(&sums[..width], &mut edge[..width]);
                }
            }
            of_parts!(parts, multiply<COUNT>(&operands, place, init, &mut edge, BLOCK));
            for (edge, sums) in edge.chunks_exact(BLOCK).zip(sums.chunks_mut(stride)).take(height) {
                copy(&edge[..width], &mut sums[..width]);
            }
        }
    }
}

/// Copies a row of a block; one of all its columns without a call, which would take longer than the copy.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    match (<&[f32; BLOCK]>::try_from(from), <&mut [f32; BLOCK]>::try_from(&mut *to)) {
        (Ok(from), Ok(to)) => *to = *from,
        _ => to.copy_from_slice(from),
    }
}

#[cfg(test)]
mod tests {
    use birnn_architecture::Precision;
    use proptest::prelude::*;

    use super::*;
    use crate::isa::{Instructions, Job, Simd};

    const AROUND: f32 = 7.0;

    /// `c + a * b` by rows, from transposes, and with zeros before, as all that there is multiplies it.
    struct Multiply<'a> {
        parts: Parts,
        shape: Shape,
        zeros: usize,
        a: &'a [f32],
        b: &'a [f32],
        into: &'a mut Vec<Vec<f32>>,
    }

    impl Job for Multiply<'_> {
        #[inline(always)]
        fn run<S: Simd>(self) {
            let Multiply { parts, shape, zeros, a, b, into } = self;
            let Shape { m, n, k, stride, .. } = shape;
            let _ready = parts.ready();
            let transpose = |values: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                (0..rows * columns).map(|at| values[at % rows * columns + at / rows]).collect()
            };
            let mut left = [LeftTiles::default(), LeftTiles::default()];
            left[0].pack_rows(parts, (m, k), a, k);
            left[1].pack_transposed(parts, &[vec![AROUND; zeros * m], transpose(a, m, k)].concat(), m);
            let mut right = [RightTiles::default(), RightTiles::default()];
            right[0].pack_columns(parts, (k, n), &transpose(b, k, n));
            right[1].pack_rows(parts, zeros, (k, n), b.chunks_exact(n));
            for (left, right) in left.iter().zip(&right) {
                let mut c = vec![AROUND; m * stride];
                gemm(parts, shape, [(left, right)], &mut c, None);
                into.push(c);
            }
            // The sum of two, from a row.
            let mut c = vec![AROUND; m.next_multiple_of(BLOCK) * stride];
            let [of_rows, of_columns] = [(&left[0], &right[0]), (&left[1], &right[1])];
            gemm(parts, Shape { padded: true, ..shape }, [of_rows, of_columns], &mut c, Some(&b[..n]));
            c.truncate(m * stride);
            into.push(c);
        }
    }

    proptest! {
        #![proptest_config(crate::cases(60))]
        #[test]
        fn products_are_as_exact_as_their_parts_and_the_twins(
            m in 1_usize..70, n in 1_usize..5, k in 1_usize..80, zeros in 0_usize..5, pad in 0_usize..3,
            scale in -60_i32..60, high in any::<bool>(), seed in any::<u32>(),
        ) {
            let n = n * SIDE;
            let value = |at: usize| {
                let bits = (at as u32).wrapping_mul(0x9e37_79b9).wrapping_add(seed) >> 8;
                (bits as f32 / (1 << 23) as f32 - 1.0) * 2_f32.powi(scale)
            };
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let b: Vec<f32> = (0..k * n).map(|at| value(at + m * k) * 2_f32.powi(-scale)).collect();
            let shape = Shape { m, n, k, stride: n + pad, padded: false };
            // A part is off by 2⁻⁸ of a value at most, two by 2⁻¹⁷. A product has both sides' errors, and without
            // that of both rests 2⁻¹⁶ more.
            let exact = if high { 2.0 * 2_f64.powi(-17) + 2_f64.powi(-16) } else { 2.0 * 2_f64.powi(-8) };
            let within = exact * 1.02; // Errors' own products, and sums in f32.
            let precision = if high { Precision::High } else { Precision::Medium };
            let mut answers = Vec::new();
            for instructions in [vec![Instructions::twin()], Instructions::all()].concat() {
                let crate::gemm::Products::Parts(parts) = instructions.products(precision) else { continue };
                let mut found = Vec::new();
                instructions.run(Multiply { parts, shape, zeros, a: &a, b: &b, into: &mut found });
                answers.push(found);
            }
            // Columns after the matrix stay as they were.
            for (row, column) in (0..m).flat_map(|row| (0..n + pad).map(move |column| (row, column))) {
                let at = row * (n + pad) + column;
                let (mut product, mut size) = (0.0, 0.0);
                for step in 0..if column < n { k } else { 0 } {
                    let term = f64::from(a[row * k + step]) * f64::from(b[step * n + column]);
                    (product, size) = (product + term, size + term.abs());
                }
                let near = |found: f32, expected: f64, size: f64| {
                    (f64::from(found) - expected).abs() <= within * (size + 1.0)
                };
                let around = f64::from(AROUND);
                for found in &answers[0][..2] {
                    prop_assert!(near(found[at], around + product, size), "{row} {column}");
                }
                if column < n {
                    let init = f64::from(b[column]);
                    prop_assert!(near(answers[0][2][at], init + 2.0 * product, init.abs() + 2.0 * size));
                }
            }
            for answer in &answers[1..] {
                prop_assert!(answer == &answers[0], "other than the twin's");
            }
        }
    }
}
