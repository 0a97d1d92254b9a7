//! AVX-512 with bf16: how values become tiles, and products by vectors of bf16.
#![expect(unsafe_code, reason = "reached where `is_there` has found the instructions")]

use std::arch::x86_64::{
    __m256i, __m512, __m512bh, __m512i, _mm256_storeu_si256, _mm512_castsi512_ps, _mm512_cvtepu16_epi32,
    _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_maskz_loadu_ps,
    _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set1_epi32, _mm512_setr_epi64, _mm512_setzero_ps,
    _mm512_shuffle_i64x2, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_ps,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::{BLOCK, DEPTH, Order, Place, SIDE, Tile, Tiles};

/// Whether the processor has the instructions of this file, and all others that go with them.
pub(super) fn is_there() -> bool {
    std::is_x86_feature_detected!("avx512bf16")
        && std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("fma")
}

/// Most rows of a block of sums that stays in registers: with two vectors of columns, 16 sums that do not
/// wait for each other.
const ROWS: usize = 8;

/// `c += a * b`, or `c = init + a * b`, for the rows that are there of a block of at most two tiles by two,
/// and one operand after the other.
#[inline(always)]
pub(super) fn multiply<const COUNT: usize>(
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    // SAFETY: `is_there` has found the instructions.
    unsafe {
        match place.width() {
            BLOCK => of_width::<COUNT, 2>(operands, place, init, c, stride),
            _ => of_width::<COUNT, 1>(operands, place, init, c, stride),
        }
    }
}

/// The same for so many vectors of columns.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn of_width<const COUNT: usize, const WIDE: usize>(
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    let mut first = 0;
    let rows = place.multiplied(Order::Pairs);
    while first < rows {
        let c = &mut c[first * stride..];
        first += match rows - first {
            ROWS.. => of_rows::<COUNT, WIDE, ROWS>(operands, place, first, init, c, stride),
            4.. => of_rows::<COUNT, WIDE, 4>(operands, place, first, init, c, stride),
            2.. => of_rows::<COUNT, WIDE, 2>(operands, place, first, init, c, stride),
            _ => of_rows::<COUNT, WIDE, 1>(operands, place, first, init, c, stride),
        };
    }
}

/// The same for so many rows of a block from the `first` on; gives how many they are.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn of_rows<const COUNT: usize, const WIDE: usize, const HIGH: usize>(
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    first: usize,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) -> usize {
    let mut sums = [[_mm512_setzero_ps(); WIDE]; HIGH];
    for (row, sums) in sums.iter_mut().enumerate() {
        let from = &init.unwrap_or(&c[row * stride..])[..WIDE * SIDE];
        for (sum, from) in sums.iter_mut().zip(from.as_chunks::<SIDE>().0) {
            // SAFETY: there are 16 of them.
            *sum = unsafe { _mm512_loadu_ps(from.as_ptr()) };
        }
    }
    for (a, b) in operands {
        let steps = b.steps();
        let a = a.block(place.rows[first / SIDE], steps);
        let [left, right] = place.columns;
        let b = [b.block(left, steps), b.block(right, steps)];
        for (step, a) in a.iter().enumerate() {
            let a = &pairs(a)[first % SIDE..][..HIGH];
            let b = [pairs(&b[0][step]), pairs(&b[1][step])];
            for pair in 0..SIDE {
                for (sums, a) in sums.iter_mut().zip(a) {
                    let a = as_bf16(_mm512_set1_epi32(a[pair]));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        // SAFETY: there are 16 of them.
                        let b = as_bf16(unsafe { _mm512_loadu_si512(b[pair].as_ptr().cast()) });
                        *sum = _mm512_dpbf16_ps(*sum, a, b);
                    }
                }
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        let to = &mut c[row * stride..][..WIDE * SIDE];
        for (sum, to) in sums.into_iter().zip(to.as_chunks_mut::<SIDE>().0) {
            // SAFETY: there is room for 16 of them.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), sum) };
        }
    }
    HIGH
}

/// A tile as rows of pairs.
#[inline(always)]
fn pairs(tile: &Tile) -> &[[i32; SIDE]; SIDE] {
    // SAFETY: as many bytes, of which any may be any, and more strictly aligned.
    unsafe { &*std::ptr::from_ref(tile).cast() }
}

#[inline(always)]
fn as_bf16(pairs: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes, of which any may be any.
    unsafe { std::mem::transmute(pairs) }
}

/// Multiplies pairs that never leave the registers; gives how many operations that were.
pub(super) fn spin() -> f64 {
    /// The same with the instructions. Sums do not wait for each other: there are more than any processor's
    /// latency times its units.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn with() -> f64 {
        const ROUNDS: usize = 5_000;
        let factor = as_bf16(_mm512_set1_epi32(std::hint::black_box(0)));
        let mut sums = [_mm512_setzero_ps(); 12];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, factor, factor);
            }
        }
        std::hint::black_box(&sums);
        (ROUNDS * sums.len() * 2 * DEPTH) as f64
    }
    // SAFETY: `is_there` has found the instructions.
    unsafe { with() }
}

/// The nearest bf16 of each value, and what is left of it.
///
/// The subtraction is exact, but that what is left is flushed where it is subnormal: within
/// `Instructions::run` the processor's mode is that one, as the twin has it.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
fn part_of(rest: &mut __m512) -> __m256i {
    // SAFETY: both are 32 bytes, of which any may be any.
    let rounded: __m256i = unsafe { std::mem::transmute(_mm512_cvtneps_pbh(*rest)) };
    let value = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(rounded)));
    *rest = _mm512_sub_ps(*rest, value);
    rounded
}

/// The first 16 values, or as many as there are and zeros.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
fn load(values: &[f32]) -> __m512 {
    let mask = if values.len() >= SIDE { u16::MAX } else { (1 << values.len()) - 1 };
    // SAFETY: reads no more values than there are.
    unsafe { _mm512_maskz_loadu_ps(mask, values.as_ptr()) }
}

pub(super) fn pack_rows<const PARTS: usize>(tiles: &mut Tiles, values: &[f32], stride: usize) {
    /// The same with the instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn with<const PARTS: usize>(tiles: &mut Tiles, values: &[f32], stride: usize) {
        let (steps, k) = (tiles.steps(), tiles.k);
        for row in 0..tiles.side {
            let values = &values[row * stride..][..k];
            let block = &mut tiles.tiles[row / SIDE * steps * PARTS..][..steps * PARTS];
            for (values, tiles) in values.chunks(DEPTH).zip(block.chunks_exact_mut(PARTS)) {
                let (low, high) = values.split_at(values.len().min(SIDE));
                let mut rest = [load(low), load(high)];
                for tile in tiles {
                    let to = &mut tile.0[row % SIDE * DEPTH..][..DEPTH];
                    for (rest, to) in rest.iter_mut().zip(to.chunks_exact_mut(SIDE)) {
                        // SAFETY: there is room for 16 times two bytes.
                        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), part_of(rest)) };
                    }
                }
            }
        }
    }
    // SAFETY: `is_there` has found the instructions.
    unsafe { with::<PARTS>(tiles, values, stride) }
}

pub(super) fn pack_step<const PARTS: usize>(tiles: &mut Tiles, step: usize, rows: &[Option<&[f32]>; DEPTH]) {
    /// The same with the instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn with<const PARTS: usize>(tiles: &mut Tiles, step: usize, rows: &[Option<&[f32]>; DEPTH]) {
        let (side, apart) = (tiles.side, tiles.steps() * PARTS);
        let blocks = tiles.tiles.chunks_exact_mut(apart);
        for (first, block) in (0..side).step_by(SIDE).zip(blocks) {
            let of = |row: Option<&[f32]>| row.map_or(_mm512_setzero_ps(), |row| load(&row[first..side]));
            let tiles = &mut block[step * PARTS..][..PARTS];
            for (pair, rows) in rows.as_chunks::<2>().0.iter().enumerate() {
                let mut rest = rows.map(of);
                for tile in &mut *tiles {
                    let [even, odd] = rest.each_mut().map(|rest| _mm512_cvtepu16_epi32(part_of(rest)));
                    let to = &mut tile.0[pair * DEPTH..][..DEPTH];
                    let pairs = _mm512_or_si512(even, _mm512_slli_epi32::<16>(odd));
                    // SAFETY: there is room for 32 times two bytes.
                    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), pairs) };
                }
            }
        }
    }
    // SAFETY: `is_there` has found the instructions.
    unsafe { with::<PARTS>(tiles, step, rows) }
}

pub(super) fn transpose(tiles: &mut [Tile]) {
    /// The same with the instructions.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn with(tiles: &mut [Tile]) {
        let low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        for tile in tiles {
            let mut rows: [__m512i; SIDE] = std::array::from_fn(|row| {
                // SAFETY: there are 32 times two bytes.
                unsafe { _mm512_loadu_si512(tile.0[row * DEPTH..][..DEPTH].as_ptr().cast()) }
            });
            // Within quarters of a vector: pairs of rows, then of pairs.
            let mut next = rows;
            for row in (0..SIDE).step_by(2) {
                next[row] = _mm512_unpacklo_epi32(rows[row], rows[row + 1]);
                next[row + 1] = _mm512_unpackhi_epi32(rows[row], rows[row + 1]);
            }
            for row in (0..SIDE).step_by(4) {
                for half in 0..2 {
                    let (first, second) = (next[row + half], next[row + half + 2]);
                    rows[row + 2 * half] = _mm512_unpacklo_epi64(first, second);
                    rows[row + 2 * half + 1] = _mm512_unpackhi_epi64(first, second);
                }
            }
            // Quarters: vector `4 r + c` holds columns `c`, `c + 4`, .. of rows `4 r` to `4 r + 3`.
            for column in 0..4 {
                let [a, b, c, d] = std::array::from_fn(|quarter| rows[4 * quarter + column]);
                let [ab_low, ab_high] =
                    [_mm512_permutex2var_epi64(a, low, b), _mm512_permutex2var_epi64(a, high, b)];
                let [cd_low, cd_high] =
                    [_mm512_permutex2var_epi64(c, low, d), _mm512_permutex2var_epi64(c, high, d)];
                next[column] = _mm512_shuffle_i64x2::<0x44>(ab_low, cd_low);
                next[column + 8] = _mm512_shuffle_i64x2::<0xee>(ab_low, cd_low);
                next[column + 4] = _mm512_shuffle_i64x2::<0x44>(ab_high, cd_high);
                next[column + 12] = _mm512_shuffle_i64x2::<0xee>(ab_high, cd_high);
            }
            for (row, to) in next.into_iter().zip(tile.0.chunks_exact_mut(DEPTH)) {
                // SAFETY: there is room for 32 times two bytes.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), row) };
            }
        }
    }
    // SAFETY: `is_there` has found the instructions.
    unsafe { with(tiles) }
}
