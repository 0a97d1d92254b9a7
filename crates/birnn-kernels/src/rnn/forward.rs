//! Forward through all layers and time steps.

use birnn_architecture::Cell;
use std::ops::Range;

use super::cell;
use super::chunk::{Chunk, DirectionBuffers, Rows};
use super::packed::{Packed, PackedDirection};
use super::padded::PaddedRow;
use super::spec::{OutputMode, Spec};
use super::states::{Input, States};
use super::workspace::{Pass, Shape, Workspace};
use crate::dropout::{Draw, Dropout};
use crate::gemm::{Lhs, Shape as Product, gemm};
use crate::isa::{Job, Simd};

/// From `input` to the outputs that [`OutputMode`] names: `[batch, width]`, or `[batch, time, width]` for
/// [`OutputMode::Sequence`]. Saves in `workspace` what [`backward`](crate::backward) needs.
///
/// # Panics
///
/// Where `batch` or `time` is 0, the lengths of the input's values, its initial states or `output` are not
/// those, or the probability of dropout is not in `[0, 1)`.
pub fn forward(
    packed: &Packed,
    workspace: &mut Workspace,
    input: Input,
    dropout: Option<Dropout>,
    output: &mut [f32],
) {
    if let Some(Dropout { probability, .. }) = dropout {
        assert!(
            (0.0..1.0).contains(&probability),
            "a probability of dropout of {probability}, not in [0, 1)"
        );
    }
    let dropout = dropout.filter(|dropout| dropout.probability > 0.0);
    pass(packed, workspace, input, dropout, true, output);
}

/// As [`forward`] without dropout, where no backward pass follows: the same values, in less memory and time.
///
/// # Panics
///
/// As [`forward`].
pub fn infer(packed: &Packed, workspace: &mut Workspace, input: Input, output: &mut [f32]) {
    pass(packed, workspace, input, None, false, output);
}

fn pass(
    packed: &Packed,
    workspace: &mut Workspace,
    input: Input,
    dropout: Option<Dropout>,
    save_for_backward: bool,
    output: &mut [f32],
) {
    let spec = *packed.spec();
    let Input { values, batch, time, initial } = input;
    assert!(batch > 0 && time > 0, "a batch of {batch} x {time} steps: one of each is the least");
    let features = spec.features;
    let count = values.len();
    assert_eq!(count, batch * time * features, "values of the input, not {batch} x {time} x {features}");
    assert_eq!(output.len(), batch * spec.output_len(time), "the length of the output");
    if let Some(initial) = initial {
        initial.check(&spec, batch);
    }
    let shape = Shape { spec, batch, time, save_for_backward };
    workspace.reshape(shape);
    let (input_len, output_len) = (time * features, spec.output_len(time));
    let (mut values, mut rest) = (values, output);
    let (workers, shards) = workspace.parts();
    let mut jobs = Vec::with_capacity(shards.len());
    for shard in shards {
        let (input, later) = values.split_at(shard.samples.len() * input_len);
        let (output, others) = std::mem::take(&mut rest).split_at_mut(shard.samples.len() * output_len);
        (values, rest) = (later, others);
        jobs.push(Forward { packed, dropout, initial, chunks: shard.parts().0, input, output });
    }
    workers.share(packed.instructions(), jobs);
    let version = packed.version();
    workspace.set_last(Pass { shape, version, dropout, saved: save_for_backward });
}

/// One worker's shard.
struct Forward<'a> {
    packed: &'a Packed,
    dropout: Option<Dropout>,
    /// Of the whole batch.
    initial: Option<&'a States>,
    chunks: &'a mut [Chunk],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Forward { packed, dropout, initial, chunks, mut input, output } = self;
        let (spec, mut output) = (packed.spec(), output);
        for chunk in chunks {
            let (own, later) = input.split_at(chunk.rows * chunk.time * spec.features);
            let (into, others) = output.split_at_mut(chunk.rows * spec.output_len(chunk.time));
            (input, output) = (later, others);
            chunk.start_from(spec, initial);
            chunk.forward::<S>(packed, dropout, own);
            chunk.put_output(spec, into);
        }
    }
}

impl Chunk {
    /// `input [rows, time, features]` through all layers.
    #[inline(always)]
    fn forward<S: Simd>(&mut self, packed: &Packed, dropout: Option<Dropout>, input: &[f32]) {
        let (spec, rows) = (packed.spec(), self.rows);
        let row_of_input = spec.input_row(0);
        for (row, sample) in input.chunks_exact(self.time * row_of_input.len).enumerate() {
            for (step, values) in sample.chunks_exact(row_of_input.len).enumerate() {
                let offset = (step * rows + row) * row_of_input.padded;
                row_of_input.pad(values, &mut self.input[offset..offset + row_of_input.padded]);
            }
        }
        let width = spec.output_row().padded;
        for (layer, directions) in packed.layers().iter().enumerate() {
            let (below, here) = self.layers.split_at_mut(layer);
            let (input, row_of_input) = Chunk::input_of(&self.input, below.last(), spec);
            let here = &mut here[0];
            for (direction, packed) in here.directions.iter_mut().zip(directions) {
                let output = Output { values: &mut here.output, width };
                direction.forward::<S>(spec.cell, packed, input, &row_of_input, output, rows, &self.zeros);
            }
            here.dropped.clear();
            if let Some(dropout) = dropout.filter(|_| layer + 1 < spec.layers) {
                here.dropped.extend_from_slice(&here.output);
                let draw = Draw::new(dropout, layer, self.time, width);
                draw.mask(self.first, rows, &mut here.dropped);
            }
        }
    }

    /// What is wanted of the top layer, one row per sample.
    fn put_output(&self, spec: &Spec, into: &mut [f32]) {
        let (row_of_output, len) = (spec.output_row(), spec.width());
        let width = row_of_output.padded;
        let output = &self.layers[spec.layers - 1].output;
        let at = |step: usize, row: usize| &output[(step * self.rows + row) * width..][..width];
        match spec.output {
            OutputMode::Sequence => {
                for (index, values) in into.chunks_exact_mut(len).enumerate() {
                    row_of_output.unpad(at(index % self.time, index / self.time), values);
                }
            }
            OutputMode::Last | OutputMode::Final => {
                for (row, values) in into.chunks_exact_mut(len).enumerate() {
                    row_of_output.unpad(at(self.time - 1, row), values);
                    let reverse = row_of_output.parts.get(1);
                    if let (OutputMode::Final, Some(&(length, offset))) = (spec.output, reverse) {
                        let first = &at(0, row)[offset..offset + length];
                        values[spec.forward..].copy_from_slice(first);
                    }
                }
            }
        }
    }
}

/// The output of a layer, `[time, rows, width]`.
struct Output<'a> {
    values: &'a mut [f32],
    width: usize,
}

impl DirectionBuffers {
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "buffers that are borrowed from different places")]
    fn forward<S: Simd>(
        &mut self,
        kind: Cell,
        packed: &PackedDirection,
        input: &[f32],
        row_of_input: &PaddedRow,
        output: Output,
        rows: usize,
        zeros: &[f32],
    ) {
        let PackedDirection { features, hidden, gates: n, .. } = *packed;
        let Output { values: output, width } = output;
        // Padding behind the last part is zero and need not be multiplied.
        let used = row_of_input.parts.last().map_or(0, |&(length, offset)| offset + length);
        let zeros = &zeros[..hidden];
        for (step, prev) in self.order() {
            let time = self.steps.start + step;
            let slot = |step: usize| step % self.slots * rows;
            let gates = &mut self.gates[slot(step) * n..][..rows * n];
            // One time step at a time, so that the gates are still in the cache when they are worked on.
            let product = Product { m: rows, n, k: used, stride: n };
            let input = Lhs::rows(&input[time * rows * features..], features);
            gemm::<S>(product, input, &packed.w_ih_t, gates, Some(&packed.b));
            let outputs = |step: usize| {
                let first = (self.steps.start + step) * rows * width;
                first..first + rows * width
            };
            let (h, h_prev) = pair(output, outputs(step), prev.map(outputs));
            let h_prev = match h_prev {
                Some(output) => Some(Rows { values: &output[self.offset..], stride: width }),
                None if self.h_0.is_empty() => None,
                None => Some(Rows { values: &self.h_0, stride: hidden }),
            };
            if let Some(h_prev) = h_prev {
                let product = Product { m: rows, n, k: hidden, stride: n };
                if kind.scales_recurrent_part() {
                    gemm::<S>(
                        Product { n: 2 * hidden, ..product },
                        h_prev.lhs(),
                        &packed.w_hh_t,
                        gates,
                        None,
                    );
                    let recurrent = &mut self.recurrent[slot(step) * hidden..][..rows * hidden];
                    let product = Product { n: hidden, stride: hidden, ..product };
                    gemm::<S>(product, h_prev.lhs(), &packed.w_hn_t, recurrent, Some(&packed.b_hn));
                } else {
                    gemm::<S>(product, h_prev.lhs(), &packed.w_hh_t, gates, None);
                }
            } else {
                let recurrent = self.recurrent.chunks_exact_mut(hidden).skip(slot(step)).take(rows);
                recurrent.for_each(|recurrent| recurrent.copy_from_slice(&packed.b_hn));
            }
            for row in 0..rows {
                let gates = &mut gates[row * n..(row + 1) * n];
                let here = row * width + self.offset;
                let h = &mut h[here..here + hidden];
                let held = |step: usize| (slot(step) + row) * hidden..(slot(step) + row + 1) * hidden;
                match kind {
                    Cell::RnnTanh => cell::rnn_tanh::<S>(gates, h),
                    Cell::RnnRelu => cell::rnn_relu(gates, h),
                    Cell::Gru => {
                        let h_prev = h_prev.map_or(zeros, |h_prev| h_prev.row(row, hidden));
                        cell::gru::<S>(gates, &self.recurrent[held(step)], h_prev, h);
                    }
                    Cell::Lstm => {
                        let (c, c_prev) = pair(&mut self.c, held(step), prev.map(held));
                        let c_0 =
                            if self.c_0.is_empty() { zeros } else { &self.c_0[row * hidden..][..hidden] };
                        let tanh_c = &mut self.tanh_c[held(step)];
                        cell::lstm::<S>(gates, c_prev.unwrap_or(c_0), c, tanh_c, h);
                    }
                }
            }
        }
    }
}

/// One part of `values` to be written, and another one to be read.
#[inline(always)]
fn pair(values: &mut [f32], now: Range<usize>, prev: Option<Range<usize>>) -> (&mut [f32], Option<&[f32]>) {
    match prev {
        None => (&mut values[now], None),
        Some(prev) if prev.start < now.start => {
            let (earlier, later) = values.split_at_mut(now.start);
            (&mut later[..now.len()], Some(&earlier[prev]))
        }
        Some(prev) => {
            let (earlier, later) = values.split_at_mut(prev.start);
            (&mut earlier[now], Some(&later[..prev.len()]))
        }
    }
}
