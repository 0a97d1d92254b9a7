//! Operands as the microkernel for `f32` reads them: in one piece.

use super::tile::{nr, tile_shape};
use crate::buffer::Buffer;
use crate::isa::{LANES, Simd};

/// The left side of a product, `[m, k]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lhs<'a> {
    values: &'a [f32],
    /// From one row to the next, within a panel.
    row_stride: usize,
    column_stride: usize,
    /// Rows of a panel, and from one panel to the next.
    panel_rows: usize,
    panel_stride: usize,
}

impl<'a> Lhs<'a> {
    /// Rows where they lie, `stride` from each other.
    #[inline(always)]
    pub(crate) fn rows(values: &'a [f32], stride: usize) -> Lhs<'a> {
        Lhs { values, row_stride: stride, column_stride: 1, panel_rows: 1, panel_stride: stride }
    }

    /// Whether it lies in panels of as many rows as a tile has.
    #[inline(always)]
    pub(super) fn is_packed(&self) -> bool {
        self.panel_rows > 1
    }

    /// Without the first columns.
    #[inline(always)]
    pub(super) fn skip_columns(self, columns: usize) -> Lhs<'a> {
        Lhs { values: &self.values[columns * self.column_stride..], ..self }
    }

    /// From `row` on: the values, and the strides of rows and columns within a tile.
    #[inline(always)]
    pub(super) fn tile(&self, row: usize) -> (&'a [f32], usize, usize) {
        let start = row / self.panel_rows * self.panel_stride + row % self.panel_rows * self.row_stride;
        (&self.values[start..], self.row_stride, self.column_stride)
    }
}

/// The transpose of a matrix as the left side: as many of its columns as a tile has rows, stored together row
/// by row, then the next. So a tile reads it in one piece; where the rows are long, going down its columns
/// would miss the caches at each step.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedLhs {
    rows: usize,
    /// Columns of what was packed that are in a panel.
    panel_rows: usize,
    panels: Buffer,
}

impl PackedLhs {
    /// Becomes the transpose of rows of `cols` values.
    #[inline(always)]
    pub(crate) fn pack_transposed<S: Simd>(&mut self, rows: &[f32], cols: usize) {
        // Known when it is compiled: the other is left out.
        match tile_shape::<S>().0 {
            12 => self.pack_panels::<12>(rows, cols),
            _ => self.pack_panels::<6>(rows, cols),
        }
    }

    /// In panels of `MR` columns.
    #[inline(always)]
    fn pack_panels<const MR: usize>(&mut self, rows: &[f32], cols: usize) {
        /// Rows that are gone through together, so that what is written lies together as well.
        const BLOCK: usize = 4;
        (self.rows, self.panel_rows) = (rows.len() / cols, MR);
        self.panels.fit(cols.div_ceil(MR) * self.rows * MR);
        for (block, rows) in rows.chunks(BLOCK * cols).enumerate() {
            let first = block * BLOCK * MR;
            for (tile, panel) in self.panels.chunks_exact_mut(self.rows * MR).enumerate() {
                for (row, panel) in rows.chunks_exact(cols).zip(panel[first..].chunks_exact_mut(MR)) {
                    match row[tile * MR..].first_chunk::<MR>() {
                        Some(whole) => panel.copy_from_slice(whole),
                        None => panel[..cols - tile * MR].copy_from_slice(&row[tile * MR..]),
                    }
                }
            }
        }
    }

    /// Without the first of the rows that were packed: `[cols, rows - first]`.
    #[inline(always)]
    pub(crate) fn skip(&self, first: usize) -> Lhs<'_> {
        let (rows, panel_rows) = (self.rows, self.panel_rows);
        let values = &self.panels[first * panel_rows..];
        Lhs { values, row_stride: 1, column_stride: panel_rows, panel_rows, panel_stride: rows * panel_rows }
    }
}

/// The right side of a product, `[k, n]`: cut into panels of `NR` columns, each stored by rows, one panel
/// after the other, so that what a tile reads of it lies in one piece. `NR` depends on the instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedRhs {
    k: usize,
    n: usize,
    /// Columns of a panel; the last one has what is left.
    nr: usize,
    panels: Buffer,
}

/// A part of a right side.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// From its first value to the end of all panels.
    pub(super) values: &'a [f32],
    /// From one row to the next.
    pub(super) stride: usize,
    /// Of all its rows.
    pub(super) length: usize,
    /// Whether another panel of so many columns follows.
    pub(super) has_next: bool,
}

impl PackedRhs {
    /// Becomes a matrix of this shape: as it was where it had it, and otherwise of zeros.
    pub(crate) fn reshape<S: Simd>(&mut self, k: usize, n: usize) {
        if (self.k, self.n, self.nr) != (k, n, nr::<S>()) {
            (self.k, self.n, self.nr) = (k, n, nr::<S>());
            self.panels.zero(k * n);
        }
    }

    /// Becomes a matrix of these `k` rows of `n` values.
    #[inline(always)]
    pub(crate) fn pack<'a, S: Simd>(&mut self, k: usize, n: usize, rows: impl Iterator<Item = &'a [f32]>) {
        // Known when it is compiled: the other is left out.
        match nr::<S>() {
            32 => self.pack_panels::<32>(k, n, rows),
            _ => self.pack_panels::<16>(k, n, rows),
        }
    }

    /// In panels of `NR` columns.
    #[inline(always)]
    fn pack_panels<'a, const NR: usize>(
        &mut self,
        k: usize,
        n: usize,
        rows: impl Iterator<Item = &'a [f32]>,
    ) {
        (self.k, self.n, self.nr) = (k, n, NR);
        self.panels.fit(k * n);
        for (row, values) in rows.take(k).enumerate() {
            let (whole, rest) = values[..n].as_chunks::<NR>();
            for (panel, columns) in whole.iter().enumerate() {
                // Of a length that is known, and so without a call.
                self.panels[(panel * k + row) * NR..][..NR].copy_from_slice(columns);
            }
            self.set(row, n - rest.len(), rest);
        }
    }

    /// Replaces a part of a row, from `column` on.
    #[inline(always)]
    pub(crate) fn set(&mut self, row: usize, column: usize, values: &[f32]) {
        let (mut column, mut values) = (column, values);
        while !values.is_empty() {
            let (start, stride) = self.column(column);
            let length = values.len().min(stride - column % self.nr);
            let (now, later) = values.split_at(length);
            self.panels[start + row * stride..][..length].copy_from_slice(now);
            (column, values) = (column + length, later);
        }
    }

    /// The beginning of a row.
    pub(crate) fn get(&self, row: usize, values: &mut [f32]) {
        for (panel, values) in values.chunks_mut(self.nr).enumerate() {
            let (start, stride) = self.column(panel * self.nr);
            values.copy_from_slice(&self.panels[start + row * stride..][..values.len()]);
        }
    }

    /// Becomes the transpose of another one.
    pub(crate) fn transpose<S: Simd>(&mut self, other: &PackedRhs) {
        self.reshape::<S>(other.n, other.k);
        let blocks = |length: usize| (0..length).step_by(LANES);
        for (row, column) in blocks(other.k).flat_map(|row| blocks(other.n).map(move |column| (row, column)))
        {
            let (from, from_stride) = other.column(column);
            let (to, to_stride) = self.column(row);
            let from = &other.panels[from + row * from_stride..];
            let to = &mut self.panels[to + column * to_stride..];
            for r in 0..LANES.min(other.k - row) {
                for c in 0..LANES.min(other.n - column) {
                    to[c * to_stride + r] = from[r * from_stride + c];
                }
            }
        }
    }

    /// What a tile reads from this row and column on.
    #[inline(always)]
    pub(super) fn panel(&self, row: usize, column: usize) -> Panel<'_> {
        let (start, stride) = self.column(column);
        let (length, has_next) = (self.k * stride, column / self.nr * self.nr + 2 * self.nr <= self.n);
        Panel { values: &self.panels[start + row * stride..], stride, length, has_next }
    }

    /// That it has at least this shape and was packed for these instructions.
    #[inline(always)]
    pub(super) fn assert_holds<S: Simd>(&self, k: usize, n: usize) {
        assert!(k <= self.k && n <= self.n, "{k} x {n} of {} x {}", self.k, self.n);
        assert!(self.nr == nr::<S>(), "panels of {} columns, not {}", self.nr, nr::<S>());
    }

    /// Where a column begins, and the stride of its rows.
    #[inline(always)]
    fn column(&self, column: usize) -> (usize, usize) {
        let first = column / self.nr * self.nr;
        (first * self.k + column - first, self.nr.min(self.n - first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Instructions, Job};

    struct Transpose;

    impl Job for Transpose {
        fn run<S: Simd>(self) {
            let (k, n) = (48, 80);
            let (mut matrix, mut transpose) = (PackedRhs::default(), PackedRhs::default());
            matrix.reshape::<S>(k, n);
            let value = |row: usize, col: usize| (row * 1000 + col) as f32;
            for row in 0..k {
                let values: Vec<f32> = (0..n).map(|col| value(row, col)).collect();
                matrix.set(row, 0, &values[..7]);
                matrix.set(row, 7, &values[7..]);
            }
            transpose.transpose::<S>(&matrix);
            let at = |matrix: &PackedRhs, row: usize, col: usize| matrix.panel(row, col).values[0];
            for (row, col) in (0..k).flat_map(|row| (0..n).map(move |col| (row, col))) {
                let found = (at(&matrix, row, col), at(&transpose, col, row));
                assert_eq!(found, (value(row, col), value(row, col)));
            }
        }
    }

    #[test]
    fn a_transpose_is_one() {
        for instructions in Instructions::all() {
            instructions.run(Transpose);
        }
    }
}
