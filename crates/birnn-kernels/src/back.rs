//! The way back through the time steps of one direction.

use std::ops::Range;

use crate::cell;
use crate::chunk::{Direction, Operands};
use crate::product::{Left, Product};
use crate::simd::Simd;
use crate::spec::Cell;
use crate::weights::{Gradients, Weights};

/// Rows that make a product for the weights' gradients deep enough.
const DEEP: usize = 256;

/// What it needs, beside what the direction has kept.
pub(crate) struct Back<'a> {
    pub(crate) kind: Cell,
    pub(crate) weights: &'a Weights,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) input: &'a [f32],
    pub(crate) out: &'a [f32],
    pub(crate) carry: &'a mut [f32],
    pub(crate) d_cell: &'a mut [f32],
    pub(crate) d_step: &'a mut [f32],
    pub(crate) zeros: &'a [f32],
    pub(crate) operands: &'a mut Operands,
}

impl Back<'_> {
    /// Turns what came out of the gates into the gradient of what went in, and adds the gradients by the input and the
    /// parameters. `d_out` holds the gradients by the outputs of all steps, or those of the step `only`.
    #[inline(always)]
    pub(crate) fn through<S: Simd>(
        &mut self,
        direction: &mut Direction,
        d_out: &[f32],
        only: Option<usize>,
        mut d_input: Option<&mut [f32]>,
        gradients: &mut Gradients,
    ) {
        let (rows, n, features) = (self.rows, self.weights.rows, self.weights.features);
        self.carry.fill(0.0);
        self.d_cell.fill(0.0);
        let mut waiting = 0;
        for (step, before) in direction.order().rev() {
            let time = direction.steps.start + step;
            self.step::<S>(direction, step, before, d_out, only);
            let gates = &direction.gates[step * rows * n..(step + 1) * rows * n];
            if let Some(d_input) = &mut d_input {
                let product = Product { m: rows, n: features, k: n, c: features };
                let d_input = &mut d_input[time * rows * features..];
                S::gemm(product, Left::rows(gates, n), &self.weights.ih, d_input, None);
            }
            // The weights' gradients wait for as many steps as make a deep product, and no longer, so that the gates are
            // still in the cache.
            waiting += 1;
            if waiting * rows >= DEEP || before.is_none() {
                let steps =
                    if direction.reverse { step + 1 - waiting..step + 1 } else { step..step + waiting };
                self.by_parameters::<S>(direction, steps, gradients);
                waiting = 0;
            }
        }
    }

    #[inline(always)]
    fn step<S: Simd>(
        &mut self,
        direction: &mut Direction,
        step: usize,
        before: Option<usize>,
        d_out: &[f32],
        only: Option<usize>,
    ) {
        let (n, hidden, rows, width) = (self.weights.rows, self.weights.hidden, self.rows, self.width);
        let time = direction.steps.start + step;
        self.d_step.copy_from_slice(self.carry);
        let seen = match only {
            None => Some(time * rows * width),
            Some(only) => (only == time).then_some(0),
        };
        if let Some(start) = seen {
            for (row, d_step) in self.d_step.chunks_exact_mut(hidden).enumerate() {
                add(d_step, &d_out[start + row * width + direction.place..][..hidden]);
            }
        }
        let gates = &mut direction.gates[step * rows * n..(step + 1) * rows * n];
        for row in 0..rows {
            let gates = &mut gates[row * n..(row + 1) * n];
            let d_step = &self.d_step[row * hidden..(row + 1) * hidden];
            let at = (step * rows + row) * hidden;
            match self.kind {
                Cell::RnnTanh => cell::rnn_tanh_back(gates, d_step),
                Cell::RnnRelu => cell::rnn_relu_back(gates, d_step),
                Cell::Gru => {
                    let state = before.map_or(self.zeros, |before| {
                        let time = direction.steps.start + before;
                        &self.out[(time * rows + row) * width + direction.place..][..hidden]
                    });
                    let recurrent = &mut direction.recurrent[at..at + hidden];
                    let carry = &mut self.carry[row * hidden..(row + 1) * hidden];
                    cell::gru_back(gates, recurrent, state, d_step, carry);
                }
                Cell::Lstm => {
                    let cell = before.map_or(self.zeros, |before| {
                        &direction.cell[(before * rows + row) * hidden..][..hidden]
                    });
                    let squashed = &direction.squashed[at..at + hidden];
                    let d_cell = &mut self.d_cell[row * hidden..(row + 1) * hidden];
                    cell::lstm_back::<S>(gates, cell, squashed, d_step, d_cell);
                }
            }
        }
        if before.is_none() {
            return;
        }
        let product = Product { m: rows, n: hidden, k: n, c: hidden };
        let (gates, hh) = (Left::rows(gates, n), &self.weights.hh);
        if self.kind == Cell::Gru {
            S::gemm(Product { k: 2 * hidden, ..product }, gates, hh, self.carry, None);
            let recurrent = &direction.recurrent[step * rows * hidden..];
            let product = Product { k: hidden, ..product };
            S::gemm(product, Left::rows(recurrent, hidden), &self.weights.new, self.carry, None);
        } else {
            S::gemm(product, gates, hh, self.carry, Some(self.zeros));
        }
    }

    /// Adds the gradients by the parameters at `steps`, once the gates hold their own.
    #[inline(always)]
    fn by_parameters<S: Simd>(
        &mut self,
        direction: &Direction,
        steps: Range<usize>,
        gradients: &mut Gradients,
    ) {
        let Weights { rows: n, hidden, features, .. } = *self.weights;
        let (rows, width) = (self.rows, self.width);
        let Operands { left, right } = &mut *self.operands;
        let time = |step: usize| (direction.steps.start + step) * rows;
        let count = steps.len() * rows;
        let gates = &direction.gates[steps.start * rows * n..][..count * n];

        left.fill(gates, n);
        right.fill(count, features, &self.input[time(steps.start) * features..], features);
        let product = Product { m: n, n: features, k: count, c: features };
        S::gemm(product, left.left(0), right, &mut gradients.ih, None);

        // Each step's gates with the output of the step before it, where there is one.
        let (paired, before) = match direction.reverse {
            false => (steps.start.max(1)..steps.end, steps.start.max(1) - 1),
            true => (steps.start..steps.end.min(direction.steps.len() - 1), steps.start + 1),
        };
        let recurrent = |steps: Range<usize>| {
            &direction.recurrent[steps.start * rows * hidden..steps.end * rows * hidden]
        };
        if !paired.is_empty() {
            let (alone, count) = ((paired.start - steps.start) * rows, paired.len() * rows);
            right.fill(count, hidden, &self.out[time(before) * width + direction.place..], width);
            let product = Product { m: n, n: hidden, k: count, c: hidden };
            if self.kind == Cell::Gru {
                S::gemm(
                    Product { m: 2 * hidden, ..product },
                    left.left(alone),
                    right,
                    &mut gradients.hh,
                    None,
                );
                left.fill(recurrent(paired), hidden);
                let new = &mut gradients.hh[2 * hidden * hidden..];
                S::gemm(Product { m: hidden, ..product }, left.left(0), right, new, None);
            } else {
                S::gemm(product, left.left(alone), right, &mut gradients.hh, None);
            }
        }

        // Both biases have the same gradient, but for the GRU's new gate.
        for gates in gates.chunks_exact(n) {
            add(&mut gradients.bias_ih, gates);
        }
        if self.kind == Cell::Gru {
            for recurrent in recurrent(steps).chunks_exact(hidden) {
                add(&mut gradients.bias_new, recurrent);
            }
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
