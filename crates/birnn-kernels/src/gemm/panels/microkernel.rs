//! The innermost loops of a product in `f32`.
//!
//! Vectors are named here, in `peak.rs`, and for the gates in `vecmath.rs`. Elsewhere, loops over arrays of
//! fixed length become vector code by themselves, as long as they work on copies or on one array at a time:
//! possible aliasing keeps the compiler from it. For the tile of a product this fails: for AVX2 the compiler
//! moved sums in and out of registers, three times as slow.

use super::pack::{Lhs, Panel};
use super::tile::{nr, tile_shape};
use crate::gemm::Shape;
use crate::isa::{LANES, Simd, fetch};

/// How many panels are read side by side for so few rows, of so many that are left. Sums of one panel alone
/// would each wait for the one before it: a product takes several cycles, and two begin in each.
#[inline(always)]
pub(super) fn abreast<S: Simd>(rows: usize, panels: usize) -> usize {
    // Known when it is compiled: of narrow vectors a tile is a part of a panel.
    let is_tile = nr::<S>() == tile_shape::<S>().1 * S::WIDTH;
    match (rows, panels) {
        (1, 4..) if is_tile => 4,
        (1 | 2, 2..) if is_tile => 2,
        _ => 1,
    }
}

/// `VECTORS` vectors of each of `PANELS` panels, where `c` has so few rows that they are one tile.
#[inline(always)]
pub(super) fn few<S: Simd, const ROWS: usize, const VECTORS: usize, const PANELS: usize>(
    shape: Shape,
    a: Lhs,
    panel: Panel,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    assert_eq!(shape.m, ROWS);
    let (a, row_stride, column_stride) = a.tile(0);
    tile::<S, ROWS, VECTORS, PANELS, false>(shape, (a, (row_stride, column_stride)), panel, c, init);
}

/// `VECTORS` vectors of all rows of `c`, by tiles of `MR` rows and fewer at the end; `panel` is what they
/// read of the right side. While the first of them does, most of the next panel comes into the first-level
/// cache.
#[inline(always)]
pub(super) fn strip<S: Simd, const MR: usize, const VECTORS: usize>(
    shape: Shape,
    a: Lhs,
    panel: Panel,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    if a.is_packed() {
        rows::<S, MR, VECTORS, true>(shape, a, panel, c, init);
    } else {
        rows::<S, MR, VECTORS, false>(shape, a, panel, c, init);
    }
}

/// How many of the rows that are left, which lie where they are and not in panels, the next tile has: as many
/// as it can, but for what a tile of fewer than four rows would waste. With two vectors each it has fewer
/// sums than the processor has products under way, so that each waits for the one before it.
#[inline(always)]
fn rows_of_tile<const MR: usize>(left: usize) -> usize {
    const FEWEST: usize = 4;
    match left.checked_sub(MR) {
        None | Some(0) => left,
        Some(1..FEWEST) => left - FEWEST,
        Some(_) => MR,
    }
}

#[inline(always)]
fn rows<S: Simd, const MR: usize, const VECTORS: usize, const PACKED: bool>(
    shape: Shape,
    a: Lhs,
    panel: Panel,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    let mut row = 0;
    while row < shape.m {
        let (a, row_stride, column_stride) = a.tile(row);
        // Known when it is compiled, so that steps are told apart by displacements alone.
        let strides = if PACKED { (1, MR) } else { (row_stride, 1) };
        assert_eq!(strides, (row_stride, column_stride));
        let (a, c) = ((a, strides), &mut c[row * shape.stride..]);
        let left = shape.m - row;
        let count = if PACKED { left.min(MR) } else { rows_of_tile::<MR>(left) };
        // One arm for each number of rows; those beyond `MR` are left out when it is compiled.
        macro_rules! tile_of {
            ($($rows:literal)+) => {
                match count {
                    $($rows if $rows <= MR => tile::<S, $rows, VECTORS, 1, false>(shape, a, panel, c, init),)+
                    _ => unreachable!("a tile of {count} rows"),
                }
            };
        }
        if count == MR && row == 0 && panel.has_next {
            tile::<S, MR, VECTORS, 1, true>(shape, a, panel, c, init);
        } else {
            tile_of!(1 2 3 4 5 6 7 8 9 10 11 12);
        }
        row += count;
    }
}

/// A tile of `c` of `VECTORS` vectors of each of `PANELS` panels. Where it is `FETCHING`, what
/// the same tile of the next panel reads is brought into the first-level cache.
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "bounds checks in the innermost loop cost half of its speed; they are made before it"
)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize, const PANELS: usize, const FETCHING: bool>(
    shape: Shape,
    (a, (row_stride, column_stride)): (&[f32], (usize, usize)),
    Panel { values: b, stride: b_stride, length, .. }: Panel,
    c: &mut [f32],
    init: Option<&[f32]>,
) {
    /// Steps along `k` at a time: what is not a product is done once for all of them.
    const UNROLLED: usize = 4;
    let Shape { k, stride, .. } = shape;
    let width = VECTORS * S::WIDTH;
    // Of a whole panel known when it is compiled, too.
    let whole = VECTORS == tile_shape::<S>().1;
    assert!(b_stride == nr::<S>() || !whole && PANELS == 1);
    let b_stride = if whole { nr::<S>() } else { b_stride };
    assert!(a.len() > (ROWS - 1) * row_stride + (k - 1) * column_stride);
    assert!(b.len() >= (PANELS - 1) * length + (k - 1) * b_stride + width);
    let columns = PANELS * width;
    assert!(c.len() >= (ROWS - 1) * stride + columns && init.is_none_or(|init| init.len() >= columns));
    // SAFETY: every index is within its slice, as was asserted: row < ROWS, column < PANELS * VECTORS, and k
    // steps.
    unsafe {
        let mut sums = [[[S::splat(0.0); VECTORS]; PANELS]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            let from = init.map_or(c[row * stride..].as_ptr(), <[f32]>::as_ptr);
            for (column, sum) in sums.as_flattened_mut().iter_mut().enumerate() {
                *sum = S::load(from.add(column * S::WIDTH));
            }
        }
        let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
        for _ in 0..k / UNROLLED {
            for step in 0..UNROLLED {
                let (a, b) = (a.add(step * column_stride), b.add(step * b_stride));
                if FETCHING {
                    // Lines have as many values as the widest vector.
                    (0..width).step_by(LANES).for_each(|column| fetch(b.wrapping_add(length + column)));
                }
                products::<S, ROWS, VECTORS, PANELS>((a, row_stride), (b, length), &mut sums);
            }
            (a, b) = (a.wrapping_add(UNROLLED * column_stride), b.wrapping_add(UNROLLED * b_stride));
        }
        for _ in 0..k % UNROLLED {
            products::<S, ROWS, VECTORS, PANELS>((a, row_stride), (b, length), &mut sums);
            (a, b) = (a.wrapping_add(column_stride), b.wrapping_add(b_stride));
        }
        for (row, sums) in sums.iter().enumerate() {
            for (column, &sum) in sums.as_flattened().iter().enumerate() {
                S::store(sum, c[row * stride..].as_mut_ptr().add(column * S::WIDTH));
            }
        }
    }
}

/// Adds the products of one step along `k`.
///
/// # Safety
///
/// There are `ROWS` values `row_stride` from each other at `a`, and `VECTORS` vectors at `b` and wherever
/// another panel is `length` further.
#[inline(always)]
#[expect(unsafe_code, reason = "reads through pointers")]
unsafe fn products<S: Simd, const ROWS: usize, const VECTORS: usize, const PANELS: usize>(
    (a, row_stride): (*const f32, usize),
    (b, length): (*const f32, usize),
    sums: &mut [[[S::Vector; VECTORS]; PANELS]; ROWS],
) {
    // SAFETY: the caller's.
    unsafe {
        let mut columns = [[S::splat(0.0); VECTORS]; PANELS];
        for (panel, columns) in columns.iter_mut().enumerate() {
            for (index, column) in columns.iter_mut().enumerate() {
                *column = S::load(b.add(panel * length + index * S::WIDTH));
            }
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let a = S::splat(*a.add(row * row_stride));
            for (sum, &column) in sums.as_flattened_mut().iter_mut().zip(columns.as_flattened()) {
                *sum = S::vector_mul_add(a, column, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles<const MR: usize>(rows: usize) -> Vec<usize> {
        let mut left = rows;
        let next = || {
            let rows = rows_of_tile::<MR>(left);
            left -= rows;
            (rows > 0).then_some(rows)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn rows_are_cut_into_tiles_that_are_not_too_small() {
        assert_eq!(tiles::<12>(50), [12, 12, 12, 10, 4]);
        assert_eq!(tiles::<6>(50), [6, 6, 6, 6, 6, 6, 6, 4, 4]);
        for rows in 1..200 {
            let (wide, narrow) = (tiles::<12>(rows), tiles::<6>(rows));
            assert_eq!((wide.iter().sum::<usize>(), narrow.iter().sum::<usize>()), (rows, rows));
            assert!(rows < 4 || wide.iter().all(|tile| (4..=12).contains(tile)), "{rows}: {wide:?}");
            // Seven are no two of four each.
            assert!(rows < 4 || narrow.iter().all(|tile| (3..=6).contains(tile)), "{rows}: {narrow:?}");
        }
    }
}
