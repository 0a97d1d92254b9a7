//! Products in `f32`, in the terms of BLIS (Van Zee and van de Geijn 2015): a microkernel holds a tile of
//! `MR x NR` values of `C` in registers while packed panels of `A` and `B` stream past, and sums are put down
//! and taken up again every `KC` products.

mod microkernel;
mod pack;
mod tile;

pub(crate) use pack::{Lhs, PackedLhs, PackedRhs};

use super::Shape;
use crate::isa::{Job, LANES, Simd};
use tile::{KC, tile_shape};

/// As [`gemm`](super::gemm).
#[inline(always)]
pub(crate) fn gemm<S: Simd>(shape: Shape, a: Lhs, b: &PackedRhs, c: &mut [f32], init: Option<&[f32]>) {
    S::call(Gemm { shape, a, b, c, init });
}

struct Gemm<'a> {
    shape: Shape,
    a: Lhs<'a>,
    b: &'a PackedRhs,
    c: &'a mut [f32],
    init: Option<&'a [f32]>,
}

impl Job for Gemm<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        // Known when it is compiled: the other arms are left out.
        match (tile_shape::<S>(), LANES / S::WIDTH) {
            ((12, _), _) => self.blocks::<S, 12, 2, 1>(),
            ((_, 4), _) => self.blocks::<S, 6, 4, 4>(),
            _ => self.blocks::<S, 6, 2, 2>(),
        }
    }
}

impl Gemm<'_> {
    /// Tiles of `MR` rows and `TILE` vectors, and of `REST` vectors for the columns that are left.
    #[inline(always)]
    fn blocks<S: Simd, const MR: usize, const TILE: usize, const REST: usize>(self) {
        let Gemm { shape, a, b, c, mut init } = self;
        let Shape { m, n, k, .. } = shape;
        assert!(n.is_multiple_of(LANES) && LANES.is_multiple_of(REST * S::WIDTH) && k > 0, "{shape:?}");
        b.assert_holds::<S>(k, n);
        if m == 0 {
            return;
        }
        let depth = k.div_ceil(k.div_ceil(KC));
        for done in (0..k).step_by(depth) {
            let part = Shape { k: depth.min(k - done), ..shape };
            let a = a.skip_columns(done);
            let mut column = 0;
            while column < n {
                let panels = (n - column) / (TILE * S::WIDTH);
                let panel = b.panel(done, column);
                let c = &mut c[column..];
                let init = init.map(|init| &init[column..]);
                let abreast = microkernel::abreast::<S>(m, panels);
                match (abreast, m) {
                    (4, _) => microkernel::few::<S, 1, TILE, 4>(part, a, panel, c, init),
                    (2, 1) => microkernel::few::<S, 1, TILE, 2>(part, a, panel, c, init),
                    (2, _) => microkernel::few::<S, 2, TILE, 2>(part, a, panel, c, init),
                    _ if panels == 0 => microkernel::strip::<S, MR, REST>(part, a, panel, c, init),
                    _ => microkernel::strip::<S, MR, TILE>(part, a, panel, c, init),
                }
                column += if panels == 0 { REST } else { TILE * abreast } * S::WIDTH;
            }
            init = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::isa::Instructions;

    /// Packs `b`, whose rows have the stride `b_stride`, and, where `a` is the transpose of rows of which the
    /// first are skipped, that; and multiplies.
    struct Multiply<'a> {
        shape: Shape,
        a: &'a [f32],
        skipped: Option<usize>,
        b: &'a [f32],
        b_stride: usize,
        c: &'a mut [f32],
        init: Option<&'a [f32]>,
    }

    impl Job for Multiply<'_> {
        #[inline(always)]
        fn run<S: Simd>(self) {
            let mut b = PackedRhs::default();
            b.pack::<S>(self.shape.k, self.shape.n, self.b.chunks(self.b_stride));
            let mut packed = PackedLhs::default();
            let a = match self.skipped {
                None => Lhs::rows(self.a, self.shape.k),
                Some(skipped) => {
                    packed.pack_transposed::<S>(self.a, self.shape.m);
                    packed.skip(skipped)
                }
            };
            gemm::<S>(self.shape, a, &b, self.c, self.init);
        }
    }

    proptest! {
        #[test]
        fn products_are_right_on_every_instruction_set(
            m in prop_oneof![1_usize..=2, 1_usize..20], n in 1_usize..10, k in 1_usize..900, transposed in any::<bool>(),
            skipped in 0_usize..3, pad in 0_usize..3, started in any::<bool>(),
        ) {
            let n = n * LANES;
            // Small integers: sums are exact in any order.
            let value = |index: usize| ((index * 7919) % 17) as f32 - 8.0;
            // By rows, or the transpose of rows, the first of which are left out.
            let a: Vec<f32> = (0..m * (k + skipped)).map(value).collect();
            let entry = |row: usize, step: usize| {
                if transposed { a[(skipped + step) * m + row] } else { a[row * k + step] }
            };
            let skipped = transposed.then_some(skipped);
            let b: Vec<f32> = (0..k * (n + pad)).map(|index| value(index + 3)).collect();
            let start: Vec<f32> = (0..m * (n + pad)).map(|index| value(index + 5)).collect();
            let shape = Shape { m, n, k, stride: n + pad, padded: false };
            let init: Vec<f32> = (0..n).map(|index| value(index + 9)).collect();
            let mut expected = start.clone();
            if started {
                expected.chunks_mut(n + pad).for_each(|sums| sums[..n].copy_from_slice(&init));
            }
            for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                let sum: f32 = (0..k).map(|step| entry(row, step) * b[step * (n + pad) + column]).sum();
                expected[row * (n + pad) + column] += sum;
            }
            for instructions in Instructions::all() {
                let mut found = start.clone();
                let init = started.then_some(&init[..]);
                let c = &mut found;
                instructions.run(Multiply { shape, a: &a, skipped, b: &b, b_stride: n + pad, c, init });
                prop_assert_eq!(&found, &expected, "{}", instructions);
            }
        }
    }
}
