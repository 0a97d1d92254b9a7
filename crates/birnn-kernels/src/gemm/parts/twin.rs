//! What processors do with bf16, in plain code: bit for bit.

use super::{DEPTH, Order, PARTS_IN_ORDER, Place, SIDE, Tile, Tiles};

/// To the nearest bf16, ties to even; subnormal numbers to zero.
fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        // Quiet, and still NaN.
        return (bits >> 16) as u16 | 0x40;
    }
    let bits = flush(value).to_bits();
    (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

fn f32_of(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Zero of its sign for a subnormal number, whatever the mode that the processor is in.
fn flush(value: f32) -> f32 {
    if value.is_subnormal() { 0.0_f32.copysign(value) } else { value }
}

fn split<const PARTS: usize>(value: f32) -> [u16; PARTS] {
    let mut rest = flush(value);
    std::array::from_fn(|_| {
        let part = bf16(rest);
        rest = flush(rest - f32_of(part));
        part
    })
}

pub(super) fn pack_rows<const PARTS: usize>(tiles: &mut Tiles, values: &[f32], stride: usize) {
    for row in 0..tiles.side {
        let values = &values[row * stride..][..tiles.k];
        for (step, values) in values.chunks(DEPTH).enumerate() {
            let to = tiles.index(row / SIDE, step);
            for at in 0..DEPTH {
                let value = values.get(at).copied().unwrap_or(0.0);
                for (part, bits) in split::<PARTS>(value).into_iter().enumerate() {
                    tiles.tiles[to + part].0[row % SIDE * DEPTH + at] = bits;
                }
            }
        }
    }
}

pub(super) fn pack_step<const PARTS: usize>(tiles: &mut Tiles, step: usize, rows: &[Option<&[f32]>; DEPTH]) {
    for column in 0..tiles.side.next_multiple_of(SIDE) {
        let to = tiles.index(column / SIDE, step);
        for (at, row) in rows.iter().enumerate() {
            let value = row.and_then(|row| row.get(column)).copied().unwrap_or(0.0);
            for (part, bits) in split::<PARTS>(value).into_iter().enumerate() {
                tiles.tiles[to + part].0[at / 2 * DEPTH + column % SIDE * 2 + at % 2] = bits;
            }
        }
    }
}

pub(super) fn transpose(tiles: &mut [Tile]) {
    for tile in tiles {
        let from = *tile;
        for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
            let (from, to) = (&from.0[row * DEPTH + column * 2..][..2], column * DEPTH + row * 2);
            tile.0[to..to + 2].copy_from_slice(from);
        }
    }
}

pub(super) fn multiply<const PARTS: usize, const COUNT: usize>(
    order: Order,
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    /// The same where the processor fuses multiplication and addition, so that this is no call for each
    /// product.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "fma")]
    fn fused<const PARTS: usize, const COUNT: usize>(
        order: Order,
        operands: &[(&Tiles, &Tiles); COUNT],
        place: Place,
        init: Option<&[f32]>,
        c: &mut [f32],
        stride: usize,
    ) {
        plain::<PARTS, COUNT>(order, operands, place, init, c, stride);
    }
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("fma") {
        #[expect(unsafe_code, reason = "the instruction was found")]
        // SAFETY: as it says.
        return unsafe { fused::<PARTS, COUNT>(order, operands, place, init, c, stride) };
    }
    plain::<PARTS, COUNT>(order, operands, place, init, c, stride);
}

#[inline(always)]
fn plain<const PARTS: usize, const COUNT: usize>(
    order: Order,
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    for (row, column) in
        (0..place.multiplied(order)).flat_map(|row| (0..place.width()).map(move |column| (row, column)))
    {
        let mut sum = init.map_or(c[row * stride + column], |init| init[column]);
        for (a, b) in operands {
            let (a, b) = (
                a.block(place.rows[row / SIDE], b.steps()),
                b.block(place.columns[column / SIDE], b.steps()),
            );
            for (a, b) in a.chunks_exact(PARTS).zip(b.chunks_exact(PARTS)) {
                for &(left, right) in PARTS_IN_ORDER[PARTS - 1] {
                    sum = dot(order, &a[left], row % SIDE, &b[right], column % SIDE, sum);
                }
            }
        }
        c[row * stride + column] = sum;
    }
}

/// One product of tiles; gives how many operations it was.
pub(super) fn spin(order: Order) -> f64 {
    let (a, b) = (super::BLANK, super::BLANK);
    for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
        std::hint::black_box(dot(order, &a, row, std::hint::black_box(&b), column, 0.0));
    }
    (2 * SIDE * SIDE * DEPTH) as f64
}

/// `sum` and the products of a row and a column of tiles.
#[inline(always)]
fn dot(order: Order, a: &Tile, row: usize, b: &Tile, column: usize, sum: f32) -> f32 {
    match order {
        Order::Tiles => dot_of_tiles(a, row, b, column, sum),
        Order::Pairs => dot_of_pairs(a, row, b, column, sum),
    }
}

/// What `tdpbf16ps` does: even and odd steps are summed apart by fused multiply-adds from zero, then
/// together, then to `sum` (Intel, "Architecture instruction set extensions programming reference", chapter
/// 3).
#[inline(always)]
fn dot_of_tiles(a: &Tile, row: usize, b: &Tile, column: usize, sum: f32) -> f32 {
    let mut sums = [0.0_f32; 2];
    for at in 0..DEPTH {
        sums[at % 2] = add_product(sums[at % 2], a, row, b, column, at);
    }
    flush(flush(sum) + flush(sums[0] + sums[1]))
}

/// What `vdpbf16ps` does pair by pair: the odd step is added to `sum`, then the even one, each by a fused
/// multiply-add (Intel, "Intel 64 and IA-32 architectures software developer's manual", volume 2, VDPBF16PS).
#[inline(always)]
fn dot_of_pairs(a: &Tile, row: usize, b: &Tile, column: usize, sum: f32) -> f32 {
    (0..DEPTH).fold(flush(sum), |sum, at| add_product(sum, a, row, b, column, at ^ 1))
}

/// `sum` and the product of a step.
#[inline(always)]
fn add_product(sum: f32, a: &Tile, row: usize, b: &Tile, column: usize, at: usize) -> f32 {
    let [a, b] = [a.0[row * DEPTH + at], b.0[at / 2 * DEPTH + column * 2 + at % 2]].map(f32_of);
    flush(flush(a).mul_add(flush(b), sum))
}
