//! Some samples of a batch on their way through all layers and time steps, and back.

use std::ops::Range;

use crate::back::Back;
use crate::cell;
use crate::dropout::mask;
use crate::product::{Across, Left, Matrix, Product};
use crate::simd::{Instructions, Simd};
use crate::spec::{Cell, Dropout, Parts, Read, Spec};
use crate::weights::{Gradients, Weights};

/// The samples of a chunk with all that the way back needs. Rows are ordered by time, then by sample.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The first sample's place in the batch.
    start: usize,
    /// How many samples.
    rows: usize,
    time: usize,
    /// `[time, rows, features]`.
    input: Vec<f32>,
    layers: Vec<Layer>,
    /// The gradient by the output of the layer that the way back has come to, `[time, rows, width]`.
    d_out: Vec<f32>,
    d_input: Vec<f32>,
    /// `[rows, hidden]`: what the step after left of the gradients by output and cell.
    carry: Vec<f32>,
    d_cell: Vec<f32>,
    /// `[rows, hidden]`: the gradient by the output of a step.
    d_step: Vec<f32>,
    /// `[hidden]`, the state before the first step.
    zeros: Vec<f32>,
    operands: Operands,
}

/// Operands of the products for the weights' gradients, laid out for them.
#[derive(Debug)]
pub(crate) struct Operands {
    /// Gates.
    pub(crate) left: Across,
    /// Inputs or states.
    pub(crate) right: Matrix,
}

#[derive(Debug)]
struct Layer {
    /// `[time, rows, width]`.
    out: Vec<f32>,
    /// The same after dropout; empty where there is none.
    dropped: Vec<f32>,
    directions: Vec<Direction>,
}

/// What one direction of a layer keeps, for the time steps that it takes.
#[derive(Debug)]
pub(crate) struct Direction {
    /// In time's order, whichever way they are taken.
    pub(crate) steps: Range<usize>,
    pub(crate) reverse: bool,
    /// Where its units begin in a row of the layer's output.
    pub(crate) place: usize,
    /// How many steps have room in what follows: all, where there is a way back, else as many as a step needs.
    slots: usize,
    /// `[slots, rows, gates * hidden]`.
    pub(crate) gates: Vec<f32>,
    /// LSTM: `[slots, rows, hidden]`, the cell and its tanh. GRU: the recurrent part of the new gate.
    pub(crate) cell: Vec<f32>,
    pub(crate) squashed: Vec<f32>,
    pub(crate) recurrent: Vec<f32>,
}

/// What all chunks of a stack have in common.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    pub(crate) spec: &'a Spec,
    /// By layer and direction.
    pub(crate) weights: &'a [Vec<Weights>],
    pub(crate) dropout: Option<Dropout>,
}

impl Chunk {
    /// `keeps` what the way back needs, or not.
    pub(crate) fn new(
        spec: &Spec,
        samples: Range<usize>,
        time: usize,
        keeps: bool,
        instructions: Instructions,
    ) -> Chunk {
        let rows = samples.len();
        let widest = (1..spec.layers.max(2)).map(|layer| spec.input(layer).padded).max().unwrap_or(0);
        let hidden = Parts::new([spec.directions().max().unwrap_or(0)]).padded;
        let on_the_way_back = |count: usize| vec![0.0; if keeps { count } else { 0 }];
        Chunk {
            start: samples.start,
            rows,
            time,
            input: vec![0.0; time * rows * spec.input(0).padded],
            layers: (0..spec.layers).map(|layer| Layer::new(spec, layer, rows, time, keeps)).collect(),
            d_out: Vec::new(),
            d_input: on_the_way_back(if spec.layers > 1 { time * rows * widest } else { 0 }),
            carry: on_the_way_back(rows * hidden),
            d_cell: on_the_way_back(rows * hidden),
            d_step: on_the_way_back(rows * hidden),
            zeros: vec![0.0; hidden],
            operands: Operands { left: Across::default(), right: Matrix::new(0, 0, instructions.panel()) },
        }
    }

    /// The samples of the batch that are in it.
    pub(crate) fn samples(&self) -> Range<usize> {
        self.start..self.start + self.rows
    }

    /// From `input [rows, time, features]` to what is read, one row per sample.
    #[inline(always)]
    pub(crate) fn forward<S: Simd>(&mut self, common: Common, input: &[f32], read: &mut [f32]) {
        let (spec, rows) = (common.spec, self.rows);
        let parts = spec.input(0);
        for (row, sample) in input.chunks_exact(self.time * parts.len).enumerate() {
            for (step, values) in sample.chunks_exact(parts.len).enumerate() {
                let place = (step * rows + row) * parts.padded;
                parts.spread(values, &mut self.input[place..place + parts.padded]);
            }
        }
        let width = spec.output().padded;
        for layer in 0..spec.layers {
            let (below, here) = self.layers.split_at_mut(layer);
            let (input, parts) = match below.last() {
                None => (&self.input, spec.input(0)),
                Some(below) if below.dropped.is_empty() => (&below.out, spec.output()),
                Some(below) => (&below.dropped, spec.output()),
            };
            let here = &mut here[0];
            for (direction, weights) in here.directions.iter_mut().zip(&common.weights[layer]) {
                direction.forward::<S>(
                    spec.cell,
                    weights,
                    input,
                    &parts,
                    &mut here.out,
                    width,
                    rows,
                    &self.zeros,
                );
            }
            here.dropped.clear();
            if let Some(dropout) = common.dropout.filter(|_| layer + 1 < spec.layers) {
                here.dropped.extend_from_slice(&here.out);
                mask(dropout, layer, self.start, rows, self.time, width, &mut here.dropped);
            }
        }
        self.read(spec, read);
    }

    fn read(&self, spec: &Spec, read: &mut [f32]) {
        let (parts, len) = (spec.output(), spec.width());
        let out = &self.layers[spec.layers - 1].out;
        let at = |step: usize, row: usize| &out[(step * self.rows + row) * parts.padded..][..parts.padded];
        match spec.read {
            Read::Sequence => {
                for (index, values) in read.chunks_exact_mut(len).enumerate() {
                    parts.gather(at(index % self.time, index / self.time), values);
                }
            }
            Read::Last | Read::Final => {
                for (row, values) in read.chunks_exact_mut(len).enumerate() {
                    parts.gather(at(self.time - 1, row), values);
                    if let (Read::Final, Some(&(length, place))) = (spec.read, parts.parts.get(1)) {
                        let back = &at(0, row)[place..place + length];
                        values[spec.forward..].copy_from_slice(back);
                    }
                }
            }
        }
    }

    /// From the gradient by what was read to the gradients by the parameters, which are added to `gradients`, by layer and
    /// direction.
    #[inline(always)]
    pub(crate) fn backward<S: Simd>(
        &mut self,
        common: Common,
        d_read: &[f32],
        gradients: &mut [Vec<Gradients>],
    ) {
        let (spec, rows, time) = (common.spec, self.rows, self.time);
        let parts = spec.output();
        let width = parts.padded;
        // Where one step alone is read, there is one step of gradients.
        let seen = if spec.read == Read::Sequence { time } else { 1 };
        self.d_out.clear();
        self.d_out.resize(seen * rows * width, 0.0);
        for (index, values) in d_read.chunks_exact(spec.width()).enumerate() {
            let (row, step) = (index / seen, index % seen);
            let place = (step * rows + row) * width;
            parts.spread(values, &mut self.d_out[place..place + width]);
        }
        for layer in (0..spec.layers).rev() {
            let (below, here) = self.layers.split_at_mut(layer);
            let here = &mut here[0];
            let (input, features) = match below.last() {
                None => (&self.input, spec.input(0).padded),
                Some(below) if below.dropped.is_empty() => (&below.out, width),
                Some(below) => (&below.dropped, width),
            };
            let top = layer + 1 == spec.layers;
            if layer > 0 {
                self.d_input.clear();
                self.d_input.resize(time * rows * features, 0.0);
            }
            for (index, direction) in here.directions.iter_mut().enumerate() {
                // The step whose output was read.
                let only = match spec.read {
                    Read::Final if top => Some(if direction.reverse { 0 } else { time - 1 }),
                    Read::Last if top => Some(time - 1),
                    _ => None,
                };
                let weights = &common.weights[layer][index];
                let mut back = Back {
                    kind: spec.cell,
                    weights,
                    rows,
                    width,
                    input,
                    out: &here.out,
                    carry: &mut self.carry[..rows * weights.hidden],
                    d_cell: &mut self.d_cell[..rows * weights.hidden],
                    d_step: &mut self.d_step[..rows * weights.hidden],
                    zeros: &self.zeros[..weights.hidden],
                    operands: &mut self.operands,
                };
                let d_input = (layer > 0).then_some(&mut self.d_input[..]);
                back.through::<S>(direction, &self.d_out, only, d_input, &mut gradients[layer][index]);
            }
            if layer > 0 {
                if let Some(dropout) = common.dropout {
                    mask(dropout, layer - 1, self.start, rows, time, width, &mut self.d_input);
                }
                std::mem::swap(&mut self.d_out, &mut self.d_input);
            }
        }
    }
}

impl Layer {
    fn new(spec: &Spec, layer: usize, rows: usize, time: usize, keeps: bool) -> Layer {
        let mut place = 0;
        let width = spec.output().padded;
        let top = layer + 1 == spec.layers;
        let directions = spec.directions().enumerate().map(|(index, units)| {
            let hidden = Parts::new([units]).padded;
            let reverse = index == 1;
            // At the last time step the reverse direction has taken one step.
            let start = if top && reverse && spec.read == Read::Last { time - 1 } else { 0 };
            // A step needs its own and the one before.
            let slots = if keeps { time - start } else { 2 };
            let count = slots * rows;
            let kept = |wanted: bool| vec![0.0; if wanted { count * hidden } else { 0 }];
            let direction = Direction {
                steps: start..time,
                reverse,
                place,
                slots,
                gates: vec![0.0; count * spec.cell.gates() * hidden],
                cell: kept(spec.cell == Cell::Lstm),
                squashed: kept(spec.cell == Cell::Lstm),
                recurrent: kept(spec.cell == Cell::Gru),
            };
            place += hidden;
            direction
        });
        Layer { directions: directions.collect(), out: vec![0.0; time * rows * width], dropped: Vec::new() }
    }
}

impl Direction {
    /// The time steps in the order in which they are taken, each with the one before.
    pub(crate) fn order(&self) -> impl DoubleEndedIterator<Item = (usize, Option<usize>)> + use<> {
        let (count, reverse) = (self.steps.len(), self.reverse);
        (0..count).map(move |taken| match reverse {
            false => (taken, taken.checked_sub(1)),
            true => (count - 1 - taken, (taken > 0).then_some(count - taken)),
        })
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "buffers that are borrowed from different places")]
    fn forward<S: Simd>(
        &mut self,
        kind: Cell,
        weights: &Weights,
        input: &[f32],
        parts: &Parts,
        out: &mut [f32],
        width: usize,
        rows: usize,
        zeros: &[f32],
    ) {
        let (n, hidden, features) = (weights.rows, weights.hidden, weights.features);
        // Padding behind the last part is zero and need not be multiplied.
        let used = parts.parts.last().map_or(0, |&(length, place)| place + length);
        let zeros = &zeros[..hidden];
        for (step, before) in self.order() {
            let time = self.steps.start + step;
            let slot = |step: usize| step % self.slots * rows;
            let gates = &mut self.gates[slot(step) * n..][..rows * n];
            // One time step at a time, so that the gates are still in the cache when they are worked on.
            let product = Product { m: rows, n, k: used, c: n };
            let input = Left::rows(&input[time * rows * features..], features);
            S::gemm(product, input, &weights.ih_across, gates, Some(&weights.bias));
            let outputs = |step: usize| {
                let first = (self.steps.start + step) * rows * width;
                first..first + rows * width
            };
            let (outs, state) = pair(out, outputs(step), before.map(outputs));
            if let Some(state) = state {
                let state = Left::rows(&state[self.place..], width);
                let product = Product { m: rows, n, k: hidden, c: n };
                let hh = &weights.hh_across;
                if kind == Cell::Gru {
                    S::gemm(Product { n: 2 * hidden, ..product }, state, hh, gates, None);
                    let recurrent = &mut self.recurrent[slot(step) * hidden..][..rows * hidden];
                    let product = Product { n: hidden, c: hidden, ..product };
                    S::gemm(product, state, &weights.new_across, recurrent, Some(&weights.bias_new));
                } else {
                    S::gemm(product, state, hh, gates, None);
                }
            } else {
                let recurrent = self.recurrent.chunks_exact_mut(hidden).skip(slot(step)).take(rows);
                recurrent.for_each(|recurrent| recurrent.copy_from_slice(&weights.bias_new));
            }
            for row in 0..rows {
                let gates = &mut gates[row * n..(row + 1) * n];
                let here = row * width + self.place;
                let out = &mut outs[here..here + hidden];
                let kept = |step: usize| (slot(step) + row) * hidden..(slot(step) + row + 1) * hidden;
                match kind {
                    Cell::RnnTanh => cell::rnn_tanh::<S>(gates, out),
                    Cell::RnnRelu => cell::rnn_relu(gates, out),
                    Cell::Gru => {
                        let before = state.map_or(zeros, |state| &state[here..here + hidden]);
                        cell::gru::<S>(gates, &self.recurrent[kept(step)], before, out);
                    }
                    Cell::Lstm => {
                        let (now, before) = pair(&mut self.cell, kept(step), before.map(kept));
                        let squashed = &mut self.squashed[kept(step)];
                        cell::lstm::<S>(gates, before.unwrap_or(zeros), now, squashed, out);
                    }
                }
            }
        }
    }
}

/// One part of `values` to be written, and another one to be read.
#[inline(always)]
fn pair(values: &mut [f32], now: Range<usize>, before: Option<Range<usize>>) -> (&mut [f32], Option<&[f32]>) {
    match before {
        None => (&mut values[now], None),
        Some(before) if before.start < now.start => {
            let (earlier, later) = values.split_at_mut(now.start);
            (&mut later[..now.len()], Some(&earlier[before]))
        }
        Some(before) => {
            let (earlier, later) = values.split_at_mut(before.start);
            (&mut earlier[now], Some(&later[..before.len()]))
        }
    }
}
