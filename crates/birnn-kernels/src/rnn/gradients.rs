//! Gradients of parameters, as one worker sums them and as they are wanted.

use super::packed::{PackedDirection, rows};
use super::padded::PaddedRow;
use crate::buffer::Buffer;

/// The gradients of one direction of one layer, as one worker sums them: padded.
#[derive(Debug, Default)]
pub(crate) struct Gradients {
    /// `[gates, features]`.
    pub(crate) w_ih: WeightSums,
    /// `[gates, hidden]`.
    pub(crate) w_hh: WeightSums,
    /// `[gates]`: of the input's bias, and, but for the GRU's candidate, of the other.
    pub(crate) b_ih: Buffer,
    /// GRU: `[hidden]`, of the recurrent bias of the candidate.
    pub(crate) b_hn: Buffer,
}

/// The gradient of a matrix of weights, which the first product puts there and others are added to: so it
/// need not be filled with zeros, which are read again before anything is added to them.
#[derive(Debug, Default)]
pub(crate) struct WeightSums {
    values: Buffer,
    /// Whether a product has been for it.
    begun: bool,
}

impl WeightSums {
    fn begin(&mut self, length: usize) {
        self.values.fit(length);
        self.begun = false;
    }

    /// The sums, and what a product is to start from: at first `zeros`, a row as wide as they are, and then
    /// what is there. The first must reach all of them.
    #[inline(always)]
    pub(crate) fn for_product<'z>(&mut self, zeros: &'z [f32]) -> (&mut [f32], Option<&'z [f32]>) {
        let init = (!self.begun).then_some(zeros);
        self.begun = true;
        (&mut self.values, init)
    }

    fn finish(&mut self) {
        if !self.begun {
            self.values.fill(0.0);
        }
    }
}

impl Gradients {
    /// Room for sums of the shape of these parameters.
    pub(crate) fn begin(&mut self, packed: &PackedDirection) {
        let PackedDirection { features, hidden, gates, .. } = *packed;
        self.w_ih.begin(gates * features);
        self.w_hh.begin(gates * hidden);
        self.b_ih.zero(gates);
        self.b_hn.zero(packed.b_hn.len());
    }

    /// After the last product: weights that none came to have a gradient of zero.
    pub(crate) fn finish(&mut self) {
        self.w_ih.finish();
        self.w_hh.finish();
    }

    /// Adds these sums to the gradients of `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh` or, where they
    /// are the `first`, puts them there.
    #[inline(always)]
    pub(crate) fn add_to(
        &self,
        packed: &PackedDirection,
        units: usize,
        input: &PaddedRow,
        [w_ih, w_hh, b_ih, b_hh]: &mut [&mut [f32]; 4],
        first: bool,
    ) {
        let PackedDirection { features, hidden, gates, .. } = *packed;
        let put = |sum: &mut f32, value: f32| *sum = if first { value } else { *sum + value };
        let put_row = |layout: &PaddedRow, padded: &[f32], row: &mut [f32]| match first {
            true => layout.unpad(padded, row),
            false => layout.pieces().for_each(|(own, there)| add(&mut row[own], &padded[there])),
        };
        let state = PaddedRow::new([units]);
        for (own, row) in rows(gates, hidden, units) {
            put_row(input, &self.w_ih.values[row * features..], &mut w_ih[own * input.len..]);
            put_row(&state, &self.w_hh.values[row * hidden..], &mut w_hh[own * units..]);
            put(&mut b_ih[own], self.b_ih[row]);
            put(&mut b_hh[own], packed.of_candidate(row).map_or(self.b_ih[row], |unit| self.b_hn[unit]));
        }
    }
}

#[inline(always)]
pub(crate) fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
