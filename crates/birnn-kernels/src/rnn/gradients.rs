//! Gradients of parameters, as one worker sums them and as they are wanted.

use super::packed::PackedDirection;
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

/// The gradient of a matrix of weights, which the first product puts there and others are added to: so it need not be filled
/// with zeros, which are read again before anything is added to them.
#[derive(Debug, Default)]
pub(crate) struct WeightSums {
    values: Buffer,
    /// Whether there is a product in it.
    begun: bool,
}

impl WeightSums {
    fn clear(&mut self, length: usize) {
        self.values.fit(length);
        self.begun = false;
    }

    /// The sums, and what a product with so many columns starts from: nothing, of `zeros`, or what is there.
    #[inline(always)]
    pub(crate) fn next<'z>(&mut self, zeros: &'z [f32]) -> (&mut [f32], Option<&'z [f32]>) {
        let init = (!std::mem::replace(&mut self.begun, true)).then_some(zeros);
        (&mut self.values, init)
    }

    /// Where no product came, it is zero.
    fn finish(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.values.fill(0.0);
        }
    }
}

impl Gradients {
    /// Nothing yet, of the shape of these parameters.
    pub(crate) fn clear(&mut self, packed: &PackedDirection) {
        let PackedDirection { features, hidden, gates, .. } = *packed;
        self.w_ih.clear(gates * features);
        self.w_hh.clear(gates * hidden);
        self.b_ih.zero(gates);
        self.b_hn.zero(packed.b_hn.len());
    }

    /// All that is to be added to it has been.
    pub(crate) fn finish(&mut self) {
        self.w_ih.finish();
        self.w_hh.finish();
    }

    /// Adds these sums to the gradients of `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`, or puts them
    /// there.
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
        let state = PaddedRow::new([units]);
        let put = |layout: &PaddedRow, padded: &[f32], row: &mut [f32]| {
            let mut to = 0;
            for &(length, offset) in &layout.parts {
                let (row, padded) = (&mut row[to..to + length], &padded[offset..offset + length]);
                if first {
                    row.copy_from_slice(padded);
                } else {
                    row.iter_mut().zip(padded).for_each(|(sum, value)| *sum += value);
                }
                to += length;
            }
        };
        for gate in 0..gates / hidden {
            for unit in 0..units {
                let (to, from) = (gate * units + unit, gate * hidden + unit);
                put(
                    input,
                    &self.w_ih.values[from * features..][..features],
                    &mut w_ih[to * input.len..][..input.len],
                );
                put(&state, &self.w_hh.values[from * hidden..][..hidden], &mut w_hh[to * units..][..units]);
            }
            let (to, from) = (gate * units, gate * hidden);
            let of_input = &self.b_ih[from..];
            put(&state, of_input, &mut b_ih[to..][..units]);
            let is_candidate = !self.b_hn.is_empty() && gate + 1 == gates / hidden;
            put(&state, if is_candidate { &self.b_hn } else { of_input }, &mut b_hh[to..][..units]);
        }
    }
}
