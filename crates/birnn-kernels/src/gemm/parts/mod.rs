//! Products of sums of bf16 parts, by matrix tiles or by vectors of bf16.
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

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod twin;

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

use super::Shape;
#[cfg(target_arch = "x86_64")]
use crate::isa::Flushing;
#[cfg(target_arch = "x86_64")]
pub(crate) use amx::Configured;

/// How many parts a value has, and what multiplies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) unit: Unit,
    pub(crate) count: Count,
}

/// What multiplies parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The processor's matrix tiles, within [`Configured`].
    #[cfg(target_arch = "x86_64")]
    Amx,
    /// Its vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Plain code that gives the bits of one of these.
    Twin(Order),
}

/// The order in which a unit adds products up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// That of matrix tiles.
    Tiles,
    /// That of vectors of bf16, pair by pair.
    Pairs,
}

/// Why a unit that the processor has is not used.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The system does not permit this process to use it.
    Forbidden,
    /// It gives other bits than its twin.
    OtherBits,
}

/// How many parts a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    One = 1,
    Two = 2,
}

/// What a thread holds while it makes products, where a processor has nothing to be held.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) enum Configured {}

impl Unit {
    pub(crate) fn order(self) -> Order {
        match self {
            #[cfg(target_arch = "x86_64")]
            Unit::Amx => Order::Tiles,
            #[cfg(target_arch = "x86_64")]
            Unit::Avx512 => Order::Pairs,
            Unit::Twin(order) => order,
        }
    }

    /// Whether the processor has it, and if it has and it cannot be used, why not. Found out once: by the
    /// system's permission, and small products that are held against the twin's.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn available(self) -> Result<bool, Unusable> {
        static AVAILABLE: [OnceLock<Result<bool, Unusable>>; 2] = [const { OnceLock::new() }; 2];
        let (at, find, counts): (_, fn() -> _, &[Count]) = match self {
            Unit::Amx => (0, amx::find, &[Count::One, Count::Two]),
            Unit::Avx512 => (1, || Ok(avx512::is_there()), &[Count::One]),
            Unit::Twin(_) => return Ok(true),
        };
        *AVAILABLE[at].get_or_init(|| match find() {
            Ok(true) if !agrees(self, counts) => Err(Unusable::OtherBits),
            found => found,
        })
    }
}

impl Parts {
    /// What a thread holds while it makes such products.
    pub(crate) fn ready(self) -> Option<Configured> {
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            Unit::Amx => Some(Configured::start()),
            _ => None,
        }
    }

    /// Multiplies what never leaves the registers; gives how many operations that were.
    pub(crate) fn spin(self) -> f64 {
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            Unit::Amx => amx::spin(),
            #[cfg(target_arch = "x86_64")]
            Unit::Avx512 => avx512::spin(),
            Unit::Twin(order) => twin::spin(order),
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

/// The order in which the products of parts are added: of the left and of the right.
const PARTS_IN_ORDER: [&[(usize, usize)]; 2] = [&[(0, 0)], &[(0, 1), (0, 0), (1, 0)]];

/// Calls a function for a number of parts.
macro_rules! of_count {
    ($count:expr, $module:ident::$function:ident $(<$more:ident>)? ($($argument:expr),*)) => {
        match $count {
            Count::One => $module::$function::<1 $(, $more)?>($($argument),*),
            Count::Two => $module::$function::<2 $(, $more)?>($($argument),*),
        }
    };
}

impl LeftTiles {
    /// Becomes `m` rows of `k` values, `stride` from each other.
    pub(super) fn pack_rows(&mut self, parts: Parts, (m, k): (usize, usize), values: &[f32], stride: usize) {
        self.0.reshape(parts, m, k);
        self.0.pack_rows(parts, values, stride);
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
        self.0.pack_rows(parts, values, k);
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

    /// Writes the values of all rows, `stride` from each other.
    fn pack_rows(&mut self, parts: Parts, values: &[f32], stride: usize) {
        match parts.unit {
            Unit::Twin(_) => of_count!(parts.count, twin::pack_rows(self, values, stride)),
            #[cfg(target_arch = "x86_64")]
            _ => of_count!(parts.count, avx512::pack_rows(self, values, stride)),
        }
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
            match parts.unit {
                Unit::Twin(_) => of_count!(parts.count, twin::pack_step(self, step, &rows)),
                #[cfg(target_arch = "x86_64")]
                _ => of_count!(parts.count, avx512::pack_step(self, step, &rows)),
            }
        }
    }

    /// Transposes every tile, as a matrix of pairs.
    fn transpose(&mut self, parts: Parts) {
        let count = self.count();
        let tiles = &mut self.tiles[..count];
        match parts.unit {
            Unit::Twin(_) => twin::transpose(tiles),
            #[cfg(target_arch = "x86_64")]
            _ => avx512::transpose(tiles),
        }
    }
}

/// Rows or columns of a block of `C` of two tiles by two.
pub(super) const BLOCK: usize = 2 * SIDE;

/// Which blocks of rows of the left side and of columns of the right one a block of `C` is the product of.
/// Where there is no second one it is the first again, and the block of `C` is a tile high, or wide.
#[derive(Clone, Copy)]
struct Place {
    rows: [usize; 2],
    columns: [usize; 2],
    /// How many of its rows are there; the others are padding.
    there: usize,
}

impl Place {
    /// Rows of its tiles.
    #[inline(always)]
    fn height(self) -> usize {
        if self.rows[0] == self.rows[1] { SIDE } else { BLOCK }
    }

    /// Rows of `C` that are multiplied: of tiles all, and by vectors, which take their time for each, those
    /// that are there.
    #[inline(always)]
    fn multiplied(self, order: Order) -> usize {
        match order {
            Order::Tiles => self.height(),
            Order::Pairs => self.there,
        }
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
            let place = Place { rows: blocks(row, height), columns, there: height };
            let sums = &mut c[row * stride + column..];
            let whole = place.multiplied(parts.unit.order());
            if height == whole || (padded && sums.len() >= (whole - 1) * stride + width) {
                multiply(parts, &operands, place, init, sums, stride);
                continue;
            }
            if init.is_none() {
                for (edge, sums) in edge.chunks_exact_mut(BLOCK).zip(sums.chunks(stride)).take(height) {
                    copy(&sums[..width], &mut edge[..width]);
                }
            }
            multiply(parts, &operands, place, init, &mut edge, BLOCK);
            for (edge, sums) in edge.chunks_exact(BLOCK).zip(sums.chunks_mut(stride)).take(height) {
                copy(&edge[..width], &mut sums[..width]);
            }
        }
    }
}

/// `c += a * b`, or `c = init + a * b`, for a block and one operand after the other.
#[inline(always)]
fn multiply<const COUNT: usize>(
    parts: Parts,
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    match parts.unit {
        #[cfg(target_arch = "x86_64")]
        Unit::Amx => of_count!(parts.count, amx::multiply<COUNT>(operands, place, init, c, stride)),
        #[cfg(target_arch = "x86_64")]
        Unit::Avx512 => {
            assert_eq!(parts.count, Count::One, "vectors multiply one part");
            avx512::multiply(operands, place, init, c, stride);
        }
        Unit::Twin(order) => {
            of_count!(parts.count, twin::multiply<COUNT>(order, operands, place, init, c, stride));
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

/// Whether a unit gives the bits of its twin: a small product by each number of parts that it is used for.
#[cfg(target_arch = "x86_64")]
fn agrees(unit: Unit, counts: &[Count]) -> bool {
    let _flushing = Flushing::start();
    // Blocks of every size that there is: of a tile or two, either way.
    let (m, n, k) = (BLOCK + 3, BLOCK + SIDE, DEPTH + 5);
    // Of one size in a row and in a column, where it shows in which order products are added up; and each of
    // its own, from 1 down to 1e-37.
    let sizes: [fn(u32, usize) -> f32; 2] =
        [|_, line| 2_f32.powi(-((line % 6 * 10) as i32)), |bits, _| 10_f32.powi(-((bits % 37) as i32))];
    let cases = counts.iter().flat_map(|&count| sizes.map(|size| (count, size)));
    cases.into_iter().all(|(count, size)| {
        let value = |index: usize, line: usize| {
            let bits = (index as u32 + 1).wrapping_mul(0x9e37_79b9);
            (bits as f32 / u32::MAX as f32 - 0.5) * size(bits, line)
        };
        let a: Vec<f32> = (0..m * k).map(|index| value(index, index / k)).collect();
        let b: Vec<f32> = (0..k * n).map(|index| value(index + m * k, index % n)).collect();
        let product = |unit: Unit| -> Vec<u32> {
            let parts = Parts { unit, count };
            let _ready = parts.ready();
            let (mut left, mut right, mut c) =
                (LeftTiles::default(), RightTiles::default(), vec![0.0; m * n]);
            left.pack_rows(parts, (m, k), &a, k);
            right.pack_rows(parts, 0, (k, n), b.chunks_exact(n));
            let shape = Shape { m, n, k, stride: n, padded: false };
            gemm(parts, shape, [(&left, &right)], &mut c, Some(&b[..n]));
            c.into_iter().map(f32::to_bits).collect()
        };
        product(unit) == product(Unit::Twin(unit.order()))
    })
}

#[cfg(test)]
mod tests {
    use birnn_architecture::Precision;
    use proptest::prelude::*;

    use super::*;
    use crate::gemm::Products;
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

    /// Else all that follows would be held against itself.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_is_there_computes_what_it_should() {
        for unit in [Unit::Amx, Unit::Avx512] {
            assert_ne!(unit.available(), Err(Unusable::OtherBits), "{unit:?}");
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
            // A part is off by 2⁻⁸ of a value at most, two by 2⁻¹⁷. A product has both sides' errors, and
            // without that of both rests 2⁻¹⁶ more.
            let exact = if high { 2.0 * 2_f64.powi(-17) + 2_f64.powi(-16) } else { 2.0 * 2_f64.powi(-8) };
            let within = exact * 1.02; // Errors' own products, and sums in f32.
            let precision = if high { Precision::High } else { Precision::Medium };
            let answer = |instructions: Instructions, parts: Parts| {
                let mut found = Vec::new();
                instructions.run(Multiply { parts, shape, zeros, a: &a, b: &b, into: &mut found });
                found
            };
            let bits = |answer: &[Vec<f32>]| answer.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let mut twins: Vec<(Instructions, Vec<Vec<f32>>)> = Vec::new();
            for instructions in [Instructions::twins().to_vec(), Instructions::all()].concat() {
                let (Some(twin), Products::Parts(parts)) = (instructions.twin(), instructions.products(precision))
                else { continue };
                let found = answer(instructions, parts);
                match twins.iter().find(|(of, _)| *of == twin) {
                    Some((_, of_twin)) => prop_assert!(bits(&found) == bits(of_twin), "{instructions}: other than the twin's"),
                    None => twins.push((twin, found)),
                }
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
                for (twin, answer) in &twins {
                    for found in &answer[..2] {
                        prop_assert!(near(found[at], around + product, size), "{twin} {row} {column}");
                    }
                    if column < n {
                        let init = f64::from(b[column]);
                        prop_assert!(near(answer[2][at], init + 2.0 * product, init.abs() + 2.0 * size));
                    }
                }
            }
        }
    }
}
