//! Products of matrices: tiles that stay in registers, of operands that are read in one piece.
//!
//! This is the only file that names vectors, apart from `peak.rs`. Elsewhere, loops over arrays of fixed
//! length become vector code by themselves, as long as they work on copies or on one array at a time:
//! possible aliasing keeps the compiler from it. For the tile of a product this fails: for AVX2 the compiler
//! moved sums in and out of registers, three times as slow.
//!
//! Operands of the gradients of weights are copied first, into the order in which a tile reads them. Their
//! natural order is down the columns of the gates, which misses the caches at every step once there are many
//! units.

use crate::simd::{LANES, Simd};

/// The shape of a product `c [m, n] += a [m, k] * b [k, n]`. Rows of `c` are contiguous, `n` is a multiple of [`LANES`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// From one row of `c` to the next.
    pub(crate) c: usize,
}

/// Rows of a tile: with as many columns as make it full, its sums take most registers of every set of instructions.
const TILE: usize = 6;

/// The left side of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<'a> {
    values: &'a [f32],
    /// From one row to the next, within as many rows as a tile has.
    down: usize,
    /// From one column to the next.
    right: usize,
    /// From one tile's rows to those of the next.
    tile: usize,
}

impl<'a> Left<'a> {
    /// By rows, so far apart.
    #[inline(always)]
    pub(crate) fn rows(values: &'a [f32], apart: usize) -> Left<'a> {
        Left { values, down: apart, right: 1, tile: TILE * apart }
    }

    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[row / TILE * self.tile + row % TILE * self.down + column * self.right..]
    }
}

/// The transpose of a matrix: as many of its columns as a tile has rows, stored together row by row, then the next. So a tile
/// reads it in one piece; where the rows are long, going down its columns would miss the caches at each step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Across {
    rows: usize,
    values: Vec<f32>,
}

impl Across {
    /// Becomes the transpose of rows of `cols` values.
    #[inline(always)]
    pub(crate) fn fill(&mut self, rows: &[f32], cols: usize) {
        /// Rows that are gone through together, so that what is written lies together as well.
        const BLOCK: usize = 4;
        self.rows = rows.len() / cols;
        self.values.resize(cols.div_ceil(TILE) * self.rows * TILE, 0.0);
        for (block, rows) in rows.chunks(BLOCK * cols).enumerate() {
            let first = block * BLOCK * TILE;
            for (tile, into) in self.values.chunks_exact_mut(self.rows * TILE).enumerate() {
                for (row, into) in rows.chunks_exact(cols).zip(into[first..].chunks_exact_mut(TILE)) {
                    match row[tile * TILE..].first_chunk::<TILE>() {
                        Some(whole) => into.copy_from_slice(whole),
                        None => into[..cols - tile * TILE].copy_from_slice(&row[tile * TILE..]),
                    }
                }
            }
        }
    }

    /// As the left side of a product, without the first rows: `[cols, rows - first]`.
    #[inline(always)]
    pub(crate) fn left(&self, first: usize) -> Left<'_> {
        Left { values: &self.values[first * TILE..], down: 1, right: TILE, tile: self.rows * TILE }
    }
}

/// A matrix cut into panels of columns, as wide as a tile, each stored by rows, one panel after the other: what a tile reads of
/// it lies in one piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    rows: usize,
    cols: usize,
    /// Columns of a panel; the last one has what is left.
    panel: usize,
    values: Vec<f32>,
}

impl Matrix {
    pub(crate) fn new(rows: usize, cols: usize, panel: usize) -> Matrix {
        Matrix { rows, cols, panel, values: vec![0.0; rows * cols] }
    }

    /// Where a column begins, and how far apart its rows are.
    #[inline(always)]
    fn column(&self, column: usize) -> (usize, usize) {
        let first = column / self.panel * self.panel;
        (first * self.rows + column - first, self.panel.min(self.cols - first))
    }

    /// Becomes a matrix of `rows` rows of `cols` values, `apart` from each other.
    #[inline(always)]
    pub(crate) fn fill(&mut self, rows: usize, cols: usize, values: &[f32], apart: usize) {
        (self.rows, self.cols) = (rows, cols);
        self.values.resize(rows * cols, 0.0);
        for (row, values) in values.chunks(apart).take(rows).enumerate() {
            self.put(row, 0, &values[..cols]);
        }
    }

    /// Replaces a part of a row.
    #[inline(always)]
    pub(crate) fn put(&mut self, row: usize, column: usize, values: &[f32]) {
        let (mut column, mut values) = (column, values);
        while !values.is_empty() {
            let (start, stride) = self.column(column);
            let length = values.len().min(stride - column % self.panel);
            let (now, later) = values.split_at(length);
            self.values[start + row * stride..][..length].copy_from_slice(now);
            (column, values) = (column + length, later);
        }
    }

    /// Becomes the transpose of another matrix.
    pub(crate) fn transpose(&mut self, other: &Matrix) {
        let blocks = |length: usize| (0..length).step_by(LANES);
        for (row, column) in
            blocks(other.rows).flat_map(|row| blocks(other.cols).map(move |column| (row, column)))
        {
            let (from, apart) = other.column(column);
            let (to, stride) = self.column(row);
            let from = &other.values[from + row * apart..];
            let to = &mut self.values[to + column * stride..];
            for r in 0..LANES.min(other.rows - row) {
                for c in 0..LANES.min(other.cols - column) {
                    to[c * stride + r] = from[r * apart + c];
                }
            }
        }
    }
}

/// The sums of a tile are taken up, gone on with and put down again after no more than so many products: what it reads then
/// stays in the second-level cache, and its first-level cache has room for it.
pub(crate) const DEPTH: usize = 384;

/// Tiles of `TILE` rows by `COLS` vectors of `c` stay in registers while `a` and `b` stream past; what is left of the columns is
/// done `REST` vectors at a time.
#[inline(always)]
pub(crate) fn gemm<S: Simd, const COLS: usize, const REST: usize>(
    product: Product,
    a: Left,
    b: &Matrix,
    c: &mut [f32],
    mut start: Option<&[f32]>,
) {
    let Product { m, n, k, .. } = product;
    assert!(n.is_multiple_of(LANES) && LANES.is_multiple_of(REST * S::WIDTH) && k > 0, "{product:?}");
    assert!(k <= b.rows && n <= b.cols, "{k} x {n} of {} x {}", b.rows, b.cols);
    if m == 0 {
        return;
    }
    let depth = k.div_ceil(k.div_ceil(DEPTH));
    for done in (0..k).step_by(depth) {
        let part = Product { k: depth.min(k - done), ..product };
        let a = Left { values: a.at(0, done), ..a };
        let mut column = 0;
        while column < n {
            let whole = column + COLS * S::WIDTH <= n;
            let (place, apart) = b.column(column);
            let b = (&b.values[place + done * apart..], apart);
            let c = &mut c[column..];
            let start = start.map(|start| &start[column..]);
            if whole {
                strip::<S, COLS>(part, a, b, c, start);
            } else {
                strip::<S, REST>(part, a, b, c, start);
            }
            column += if whole { COLS } else { REST } * S::WIDTH;
        }
        start = None;
    }
}

/// `COLS` vectors of all rows.
#[inline(always)]
fn strip<S: Simd, const COLS: usize>(
    product: Product,
    a: Left,
    b: (&[f32], usize),
    c: &mut [f32],
    start: Option<&[f32]>,
) {
    let mut row = 0;
    while row < product.m {
        let a = Left { values: a.at(row, 0), ..a };
        let c = &mut c[row * product.c..];
        row += match product.m - row {
            TILE.. => tile::<S, TILE, COLS>(product, a, b, c, start),
            4.. => tile::<S, 4, COLS>(product, a, b, c, start),
            2.. => tile::<S, 2, COLS>(product, a, b, c, start),
            _ => tile::<S, 1, COLS>(product, a, b, c, start),
        };
    }
}

/// A tile of `c` of `COLS` vectors; gives the number of its rows.
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "bounds checks in the innermost loop cost half of its speed; they are made before it"
)]
fn tile<S: Simd, const ROWS: usize, const COLS: usize>(
    product: Product,
    Left { values: a, down, right, .. }: Left,
    (b, next): (&[f32], usize),
    c: &mut [f32],
    start: Option<&[f32]>,
) -> usize {
    let Product { k, c: below, .. } = product;
    let width = COLS * S::WIDTH;
    assert!(a.len() > (ROWS - 1) * down + (k - 1) * right && b.len() >= (k - 1) * next + width);
    assert!(c.len() >= (ROWS - 1) * below + width && start.is_none_or(|start| start.len() >= width));
    // SAFETY: every place is within its slice, as was asserted: row < ROWS, col < COLS, step < k.
    unsafe {
        let mut sums = [[S::splat(0.0); COLS]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            let from = start.map_or(c[row * below..].as_ptr(), <[f32]>::as_ptr);
            for (col, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(from.add(col * S::WIDTH));
            }
        }
        let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
        for _ in 0..k {
            let mut columns = [S::splat(0.0); COLS];
            for (col, column) in columns.iter_mut().enumerate() {
                *column = S::load(b.add(col * S::WIDTH));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = S::splat(*a.add(row * down));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = S::add_product(a, column, *sum);
                }
            }
            (a, b) = (a.wrapping_add(right), b.wrapping_add(next));
        }
        for (row, sums) in sums.iter().enumerate() {
            for (col, &sum) in sums.iter().enumerate() {
                S::store(sum, c[row * below..].as_mut_ptr().add(col * S::WIDTH));
            }
        }
    }
    ROWS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::{Instructions, Work};

    struct Multiply<'a>(Product, Left<'a>, &'a Matrix, &'a mut [f32], Option<&'a [f32]>);

    impl Work for Multiply<'_> {
        #[inline(always)]
        fn run<S: Simd>(self) {
            S::gemm(self.0, self.1, self.2, self.3, self.4);
        }
    }

    proptest! {
        #[test]
        fn products_are_right_on_every_instruction_set(
            m in 1_usize..20, n in 1_usize..10, k in 1_usize..900, across in any::<bool>(), skipped in 0_usize..3,
            pad in 0_usize..3, started in any::<bool>(),
        ) {
            let n = n * LANES;
            // Small integers: sums are exact in any order.
            let value = |index: usize| ((index * 7919) % 17) as f32 - 8.0;
            // By rows, or the transpose of rows, the first of which are left out.
            let a: Vec<f32> = (0..m * (k + skipped)).map(value).collect();
            let entry = |row: usize, step: usize| if across { a[(skipped + step) * m + row] } else { a[row * k + step] };
            let mut transposed = Across::default();
            transposed.fill(&a, m);
            let left = if across { transposed.left(skipped) } else { Left::rows(&a, k) };
            let b: Vec<f32> = (0..k * (n + pad)).map(|index| value(index + 3)).collect();
            let start: Vec<f32> = (0..m * (n + pad)).map(|index| value(index + 5)).collect();
            let product = Product { m, n, k, c: n + pad };
            let row: Vec<f32> = (0..n).map(|index| value(index + 9)).collect();
            let mut expected = start.clone();
            if started {
                expected.chunks_mut(n + pad).for_each(|sums| sums[..n].copy_from_slice(&row));
            }
            for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                let sum: f32 = (0..k).map(|step| entry(row, step) * b[step * (n + pad) + column]).sum();
                expected[row * (n + pad) + column] += sum;
            }
            for instructions in Instructions::all() {
                let mut right = Matrix::new(0, 0, instructions.panel());
                right.fill(k, n, &b, n + pad);
                let mut found = start.clone();
                instructions.run(Multiply(product, left, &right, &mut found, started.then_some(&row)));
                prop_assert_eq!(&found, &expected, "{}", instructions);
            }
        }
    }

    #[test]
    fn a_transpose_is_one() {
        let (rows, cols) = (48, 80);
        let (mut matrix, mut across) = (Matrix::new(rows, cols, 64), Matrix::new(cols, rows, 16));
        let value = |row: usize, col: usize| (row * 1000 + col) as f32;
        for row in 0..rows {
            let values: Vec<f32> = (0..cols).map(|col| value(row, col)).collect();
            matrix.put(row, 0, &values[..7]);
            matrix.put(row, 7, &values[7..]);
        }
        across.transpose(&matrix);
        let at = |matrix: &Matrix, row: usize, col: usize| {
            let (start, apart) = matrix.column(col);
            matrix.values[start + row * apart]
        };
        for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
            assert_eq!((at(&matrix, row, col), at(&across, col, row)), (value(row, col), value(row, col)));
        }
    }
}
