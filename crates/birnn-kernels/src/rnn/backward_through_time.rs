//! Backward through the time steps of one direction (Werbos 1990).

use birnn_architecture::Cell;
use std::ops::Range;

use super::cell;
use super::chunk::{DirectionBuffers, Operands, Rows};
use super::gradients::Gradients;
use super::packed::PackedDirection;
use crate::gemm::{Lhs, Shape, gemm};
use crate::isa::Simd;

/// Rows that make a product for the weights' gradients deep enough.
const DEEP: usize = 256;

/// What it needs, beside what the direction has saved.
pub(crate) struct BackwardThroughTime<'a> {
    pub(crate) kind: Cell,
    pub(crate) packed: &'a PackedDirection,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) input: &'a [f32],
    pub(crate) output: &'a [f32],
    pub(crate) dh_next: &'a mut [f32],
    pub(crate) dc_next: &'a mut [f32],
    pub(crate) dh: &'a mut [f32],
    pub(crate) zeros: &'a [f32],
    pub(crate) operands: &'a mut Operands,
}

impl<'a> BackwardThroughTime<'a> {
    /// Turns what came out of the gates into the gradient with respect to what went in, and adds the
    /// gradients with respect to the input and the parameters. `d_output` holds the gradients with respect to
    /// the outputs of all steps, or those of the step `only`.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(
        &mut self,
        direction: &mut DirectionBuffers,
        d_output: &[f32],
        only: Option<usize>,
        mut d_input: Option<&mut [f32]>,
        gradients: &mut Gradients,
    ) {
        let PackedDirection { features, gates: n, .. } = *self.packed;
        let rows = self.rows;
        self.dh_next.fill(0.0);
        self.dc_next.fill(0.0);
        let mut waiting = 0;
        for (step, prev) in direction.order().rev() {
            let time = direction.steps.start + step;
            self.step::<S>(direction, step, prev, d_output, only);
            let gates = &direction.gates[step * rows * n..(step + 1) * rows * n];
            if let Some(d_input) = &mut d_input {
                let product = Shape { m: rows, n: features, k: n, stride: features };
                let d_input = &mut d_input[time * rows * features..];
                gemm::<S>(product, Lhs::rows(gates, n), &self.packed.w_ih, d_input, None);
            }
            // The weights' gradients wait for as many steps as make a deep product, and no longer, so that
            // the gates are still in the cache.
            waiting += 1;
            if waiting * rows >= DEEP || prev.is_none() {
                let steps =
                    if direction.reverse { step + 1 - waiting..step + 1 } else { step..step + waiting };
                self.add_to_gradients::<S>(direction, steps, gradients);
                waiting = 0;
            }
        }
    }

    #[inline(always)]
    fn step<S: Simd>(
        &mut self,
        direction: &mut DirectionBuffers,
        step: usize,
        prev: Option<usize>,
        d_output: &[f32],
        only: Option<usize>,
    ) {
        let PackedDirection { hidden, gates: n, .. } = *self.packed;
        let (rows, width) = (self.rows, self.width);
        let time = direction.steps.start + step;
        self.dh.copy_from_slice(self.dh_next);
        let wanted = match only {
            None => Some(time * rows * width),
            Some(only) => (only == time).then_some(0),
        };
        if let Some(start) = wanted {
            for (row, dh) in self.dh.chunks_exact_mut(hidden).enumerate() {
                add(dh, &d_output[start + row * width + direction.offset..][..hidden]);
            }
        }
        let offset = direction.offset;
        let DirectionBuffers { gates, c, tanh_c, recurrent, h_0, c_0, steps, .. } = direction;
        let h_prev = self.h_prev(prev.map(|prev| steps.start + prev), offset, h_0);
        let c_prev = match prev {
            Some(prev) if self.kind.has_cell_state() => {
                Some(Rows { values: &c[prev * rows * hidden..], stride: hidden })
            }
            None if !c_0.is_empty() => Some(Rows { values: c_0, stride: hidden }),
            _ => None,
        };
        let gates = &mut gates[step * rows * n..(step + 1) * rows * n];
        for row in 0..rows {
            let gates = &mut gates[row * n..(row + 1) * n];
            let dh = &self.dh[row * hidden..(row + 1) * hidden];
            let at = (step * rows + row) * hidden;
            match self.kind {
                Cell::RnnTanh => cell::rnn_tanh_backward(gates, dh),
                Cell::RnnRelu => cell::rnn_relu_backward(gates, dh),
                Cell::Gru => {
                    let h_prev = h_prev.map_or(self.zeros, |h_prev| h_prev.row(row, hidden));
                    let recurrent = &mut recurrent[at..at + hidden];
                    let dh_next = &mut self.dh_next[row * hidden..(row + 1) * hidden];
                    cell::gru_backward(gates, recurrent, h_prev, dh, dh_next);
                }
                Cell::Lstm => {
                    let c_prev = c_prev.map_or(self.zeros, |c_prev| c_prev.row(row, hidden));
                    let tanh_c = &tanh_c[at..at + hidden];
                    let dc_next = &mut self.dc_next[row * hidden..(row + 1) * hidden];
                    cell::lstm_backward::<S>(gates, c_prev, tanh_c, dh, dc_next);
                }
            }
        }
        if prev.is_none() {
            return;
        }
        let product = Shape { m: rows, n: hidden, k: n, stride: hidden };
        let gates = Lhs::rows(gates, n);
        if self.kind.scales_recurrent_part() {
            gemm::<S>(Shape { k: 2 * hidden, ..product }, gates, &self.packed.w_hh, self.dh_next, None);
            let recurrent = &recurrent[step * rows * hidden..];
            let product = Shape { k: hidden, ..product };
            gemm::<S>(product, Lhs::rows(recurrent, hidden), &self.packed.w_hn, self.dh_next, None);
        } else {
            gemm::<S>(product, gates, &self.packed.w_hh, self.dh_next, Some(self.zeros));
        }
    }

    /// Adds the gradients with respect to the parameters at `steps`, once the gates hold their own.
    #[inline(always)]
    fn add_to_gradients<S: Simd>(
        &mut self,
        direction: &DirectionBuffers,
        steps: Range<usize>,
        gradients: &mut Gradients,
    ) {
        let PackedDirection { features, hidden, gates: n, .. } = *self.packed;
        let rows = self.rows;
        let time = (direction.steps.start + steps.start) * rows;
        let count = steps.len() * rows;
        let gates = &direction.gates[steps.start * rows * n..][..count * n];

        let Operands { gates: lhs, rhs, .. } = &mut *self.operands;
        lhs.pack_transposed(gates, n);
        rhs.pack::<S>(count, features, &self.input[time * features..], features);
        let product = Shape { m: n, n: features, k: count, stride: features };
        gemm::<S>(product, lhs.skip(0), rhs, &mut gradients.w_ih, None);

        // Each step's gates with the output of the step before it; the first step that is taken has none.
        let (first, after, prev) = match direction.reverse {
            false => (0, steps.start.max(1)..steps.end, steps.start.max(1) - 1),
            true => {
                let last = direction.steps.len() - 1;
                (last, steps.start..steps.end.min(last), steps.start + 1)
            }
        };
        if !after.is_empty() {
            let time = direction.steps.start + prev;
            let h_prev = self.h_prev(Some(time), direction.offset, &direction.h_0);
            self.add_to_w_hh::<S>(direction, steps.start, after, h_prev, gradients);
        }
        if steps.contains(&first) {
            let h_prev = self.h_prev(None, direction.offset, &direction.h_0);
            self.add_to_w_hh::<S>(direction, steps.start, first..first + 1, h_prev, gradients);
        }

        // Both biases have the same gradient, but for the GRU's candidate.
        for gates in gates.chunks_exact(n) {
            add(&mut gradients.b_ih, gates);
        }
        if self.kind.scales_recurrent_part() {
            for recurrent in recurrent_of(direction, &steps, rows * hidden).chunks_exact(hidden) {
                add(&mut gradients.b_hn, recurrent);
            }
        }
    }

    /// Adds the gradient with respect to the recurrent weights at `steps`, whose states before are `h_prev`;
    /// `packed` is the first step whose gates are packed.
    #[inline(always)]
    fn add_to_w_hh<S: Simd>(
        &mut self,
        direction: &DirectionBuffers,
        packed: usize,
        steps: Range<usize>,
        h_prev: Option<Rows>,
        gradients: &mut Gradients,
    ) {
        let PackedDirection { hidden, gates: n, .. } = *self.packed;
        let rows = self.rows;
        let Some(Rows { values, stride }) = h_prev else { return };
        let Operands { gates: lhs, candidate, rhs } = &mut *self.operands;
        let count = steps.len() * rows;
        rhs.pack::<S>(count, hidden, values, stride);
        let gates = lhs.skip((steps.start - packed) * rows);
        let product = Shape { m: n, n: hidden, k: count, stride: hidden };
        if self.kind.scales_recurrent_part() {
            gemm::<S>(Shape { m: 2 * hidden, ..product }, gates, rhs, &mut gradients.w_hh, None);
            candidate.pack_transposed(recurrent_of(direction, &steps, rows * hidden), hidden);
            let w_hn = &mut gradients.w_hh[2 * hidden * hidden..];
            gemm::<S>(Shape { m: hidden, ..product }, candidate.skip(0), rhs, w_hn, None);
        } else {
            gemm::<S>(product, gates, rhs, &mut gradients.w_hh, None);
        }
    }

    /// The states at time step `prev`, and in the same memory those of the steps that follow; `h_0` where
    /// there is none.
    #[inline(always)]
    fn h_prev<'h>(&self, prev: Option<usize>, offset: usize, h_0: &'h [f32]) -> Option<Rows<'h>>
    where
        'a: 'h,
    {
        match prev {
            Some(prev) => {
                let first = prev * self.rows * self.width;
                Some(Rows { values: &self.output[first + offset..], stride: self.width })
            }
            None if h_0.is_empty() => None,
            None => Some(Rows { values: h_0, stride: self.packed.hidden }),
        }
    }
}

/// GRU: the gradient with respect to the recurrent part of the candidate, at `steps`.
#[inline(always)]
fn recurrent_of<'a>(direction: &'a DirectionBuffers, steps: &Range<usize>, size: usize) -> &'a [f32] {
    &direction.recurrent[steps.start * size..steps.end * size]
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
