//! Forward through all layers and time steps.

use birnn_architecture::Cell;
use std::ops::Range;

use super::cell::{self, Gates};
use super::chunk::{Chunk, DirectionBuffers, ForwardBuffers, LayerBuffers, Rows};
use super::packed::{Packed, PackedDirection};
use super::padded::PaddedRow;
use super::segments::Keep;
use super::spec::{OutputMode, Spec};
use super::states::{Input, States};
use super::steps::{Step, Steps, Way};
use super::workspace::{Pass, Workspace};
use crate::dropout::{Draw, Dropout};
use crate::gemm::{Shape as Product, gemm, gemm_of_two, padded_rows};
use crate::isa::{Job, Simd};

/// From `input` to the outputs that [`OutputMode`] names: `[batch, width]`, or `[steps of all, width]` for
/// [`OutputMode::Sequence`], sequence after sequence as in the input. Saves in `workspace` what
/// [`backward`](crate::backward) needs.
///
/// # Panics
///
/// Where there is no sequence or one without a step, the lengths of the input's values, its initial states or
/// `output` are not those, or the probability of dropout is not in `[0, 1)`.
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
    let keep = workspace.keep();
    pass(packed, workspace, input, dropout, keep, output);
}

/// As [`forward`] without dropout, where no backward pass follows: the same values, in less memory and time.
///
/// # Panics
///
/// As [`forward`].
pub fn infer(packed: &Packed, workspace: &mut Workspace, input: Input, output: &mut [f32]) {
    pass(packed, workspace, input, None, Keep::Nothing, output);
}

fn pass(
    packed: &Packed,
    workspace: &mut Workspace,
    input: Input,
    dropout: Option<Dropout>,
    keep: Keep,
    output: &mut [f32],
) {
    let spec = packed.spec();
    input.check(spec);
    assert_eq!(output.len(), spec.output_len(input.lengths), "the length of the output");
    workspace.reshape(spec, input.lengths, keep);
    let outputs = workspace.deal(output, spec.width(), spec.every_step());
    let (workers, shards) = workspace.parts();
    let jobs = shards.iter_mut().zip(outputs).map(|(shard, outputs)| {
        let Input { values, initial, .. } = input;
        Forward { packed, dropout, initial, chunks: shard.parts().0, values, outputs }
    });
    workers.share(packed.instructions(), jobs.collect());
    workspace.set_last(Pass { version: packed.version(), dropout, saved: keep != Keep::Nothing });
}

/// One worker's shard.
struct Forward<'a> {
    packed: &'a Packed,
    dropout: Option<Dropout>,
    chunks: &'a mut [Chunk],
    /// Of the whole batch.
    values: &'a [f32],
    initial: Option<&'a States>,
    /// Of each of its samples, in the order of their rows.
    outputs: Vec<&'a mut [f32]>,
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Forward { packed, dropout, chunks, values, initial, outputs } = self;
        let spec = packed.spec();
        let _ready = packed.products().ready();
        let mut outputs = outputs.into_iter();
        for chunk in chunks {
            chunk.take_input(spec, values);
            chunk.start_from(spec, initial);
            chunk.forward::<S>(packed, dropout);
            chunk.put_output(spec, &mut outputs);
        }
    }
}

impl Chunk {
    /// Takes in the values of its samples, of those of the whole batch.
    fn take_input(&mut self, spec: &Spec, values: &[f32]) {
        let row_of_input = spec.input_row(0);
        let (len, padded) = (row_of_input.len, row_of_input.padded);
        for (row, begin) in self.begins.iter().enumerate() {
            for step in 0..=self.steps.last(row) {
                let own = &values[(begin + step) * len..][..len];
                row_of_input.pad(own, &mut self.input[(self.steps.start(step) + row) * padded..][..padded]);
            }
        }
    }

    /// Through all layers.
    #[inline(always)]
    fn forward<S: Simd>(&mut self, packed: &Packed, dropout: Option<Dropout>) {
        let spec = packed.spec();
        let width = spec.output_row().padded;
        for (layer, directions) in packed.layers().iter().enumerate() {
            let (below, here) = self.layers.split_at_mut(layer);
            let (input, row_of_input) = Chunk::input_of(&self.input, below.last(), spec);
            let here = &mut here[0];
            for (direction, packed) in here.directions.iter_mut().zip(directions) {
                let output = Output { values: &mut here.output, width, ends: &mut here.ends };
                let (steps, zeros) = (&self.steps, &self.zeros);
                let given =
                    Given { kind: spec.cell, packed, steps, input, row_of_input: &row_of_input, zeros };
                direction.forward::<S>(given, output, &mut self.forward);
            }
            let dropout = dropout.filter(|_| layer + 1 < spec.layers);
            here.dropped.fit(if dropout.is_some() { here.output.len() } else { 0 });
            if let Some(dropout) = dropout {
                here.dropped.copy_from_slice(&here.output);
                let positions = self.steps.all().map(|(row, step)| self.begins[row] + step);
                Draw::new(dropout, layer, width).mask(positions, &mut here.dropped);
            }
        }
    }

    /// What is wanted of the top layer, for each row into the next of `outputs`.
    fn put_output<'a>(&self, spec: &Spec, outputs: &mut impl Iterator<Item = &'a mut [f32]>) {
        let (row_of_output, len) = (spec.output_row(), spec.width());
        let width = row_of_output.padded;
        let LayerBuffers { output, ends, .. } = &self.layers[spec.layers - 1];
        let at = |step: usize, row: usize| &output[(self.steps.start(step) + row) * width..][..width];
        if !ends.is_empty() {
            for (ends, into) in ends.chunks_exact(width).zip(outputs) {
                row_of_output.unpad(ends, into);
            }
            return;
        }
        for (row, into) in (0..self.steps.rows()).zip(outputs) {
            let last = self.steps.last(row);
            match spec.output {
                OutputMode::Sequence => {
                    for (step, values) in into.chunks_exact_mut(len).enumerate() {
                        row_of_output.unpad(at(step, row), values);
                    }
                }
                OutputMode::Last | OutputMode::Final => {
                    row_of_output.unpad(at(last, row), into);
                    let reverse = row_of_output.parts.last().filter(|_| spec.reverse.is_some());
                    if let (OutputMode::Final, Some(&(length, offset))) = (spec.output, reverse) {
                        into[len - length..].copy_from_slice(&at(0, row)[offset..offset + length]);
                    }
                }
            }
        }
    }
}

/// The output of a layer: where it lies as [`LayerBuffers`] says.
pub(super) struct Output<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) ends: &'a mut [f32],
    pub(super) width: usize,
}

/// What a direction computes with.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) kind: Cell,
    pub(super) packed: &'a PackedDirection,
    pub(super) steps: &'a Steps,
    pub(super) input: &'a [f32],
    pub(super) row_of_input: &'a PaddedRow,
    pub(super) zeros: &'a [f32],
}

/// Steps that so few rows take have their inputs multiplied together: reading the weights takes longer than
/// the products do, and is then done once for all of them. Each row's sums are the same, to the bit.
const FEW: usize = 4;

/// Of so many rows at most: as many as a block of matrix tiles has.
const AHEAD: usize = 32;

impl DirectionBuffers {
    /// Through all steps.
    #[inline(always)]
    fn forward<S: Simd>(&mut self, given: Given, mut output: Output, buffers: &mut ForwardBuffers) {
        for index in 0..self.segments.len() {
            self.segment::<S>(index, given, &mut output, buffers);
            self.leave(index, given.steps, output.values, output.width, given.packed.hidden);
        }
    }

    /// The steps from one on, as it takes them, whose inputs are multiplied together; none where that would
    /// be one alone.
    fn ahead(&self, index: usize, steps: &Steps, from: usize) -> Range<usize> {
        let Range { start, end } = self.segments[index];
        let (count, forward) = match self.way {
            Way::Forward => (end - from, true),
            Way::Reverse => (from + 1 - start, false),
            // It takes a part of the rows of each.
            Way::ReverseOnce => return 0..0,
        };
        let times = |count: usize| if forward { from..from + count } else { from + 1 - count..from + 1 };
        let are_few = |times: &Range<usize>| {
            let rows = steps.start(times.end) - steps.start(times.start);
            rows <= AHEAD && steps.at(times.start) <= FEW
        };
        (2..=count).map(times).take_while(are_few).last().unwrap_or(0..0)
    }

    /// Through the steps of a segment, after which it is in memory.
    #[inline(always)]
    pub(super) fn segment<S: Simd>(
        &mut self,
        index: usize,
        given: Given,
        output: &mut Output,
        buffers: &mut ForwardBuffers,
    ) {
        let Given { kind, packed, steps, input, row_of_input, zeros } = given;
        let PackedDirection { features, hidden, gates: n, products, .. } = *packed;
        let Output { values: ref mut output, ref mut ends, width } = *output;
        self.enter(index, steps, output, width, hidden);
        // What is behind the last part may be anything: see `Chunk::input`.
        let used = row_of_input.parts.last().map_or(0, |&(length, offset)| offset + length);
        let zeros = &zeros[..hidden];
        let in_blocks = products.in_blocks();
        if in_blocks {
            buffers.sums.fit_at_least(padded_rows(steps.rows()) * n);
        }
        let mut ahead = 0..0;
        for step in steps.order(self.way, self.segments[index].clone()) {
            let Step { time, ref rows, first_new, prev } = step;
            let (start, place) = (steps.start(time), self.place(steps, time));
            if !ahead.contains(&time) {
                ahead = self.ahead(index, steps, time);
                let rows = steps.start(ahead.start)..steps.start(ahead.end);
                if !rows.is_empty() {
                    buffers.sums.fit_at_least(padded_rows(rows.len()) * n);
                    let input = &input[rows.start * features..];
                    let input = buffers.input.lhs(products, (rows.len(), used), input, features);
                    let product = Product { m: rows.len(), n, k: used, stride: n, padded: in_blocks };
                    gemm::<S>(product, input, packed.w_ih.transposed(), &mut buffers.sums, Some(&packed.b));
                }
            }
            let is_ahead = ahead.contains(&time);
            // How many rows there are before this step's where sums of what goes into the gates are made, if
            // not in its place.
            let apart = match is_ahead {
                true => Some(start - steps.start(ahead.start)),
                false => in_blocks.then_some(0),
            };
            let place_of_output = self.place_of_output(steps, time);
            let place_prev = prev.map(|prev| self.place(steps, prev));
            let (going_on, beginning) = (step.going_on(), step.beginning());
            let outputs = self.outputs(place_of_output, rows, width);
            let outputs_prev =
                prev.map(|prev| self.outputs(self.place_of_output(steps, prev), &going_on, width));
            let gates = &mut self.gates[place * n..][..rows.len() * n];
            let (h, h_prev) = pair(output, outputs, outputs_prev);
            let h_prev = h_prev.map(|output| Rows { values: &output[self.offset..], stride: width });
            let h_0 = (!self.h_0.is_empty() && !beginning.is_empty())
                .then(|| Rows { values: &self.h_0[first_new * hidden..], stride: hidden });
            for (h_prev, part) in [(h_prev, &going_on), (h_0, &beginning)] {
                let (m, first) = (part.len(), part.start - rows.start);
                if m == 0 {
                    continue;
                }
                let sums = match apart {
                    Some(before) => &mut buffers.sums[(before + first) * n..],
                    None => &mut gates[first * n..],
                };
                let product = Product { m, n, k: used, stride: n, padded: in_blocks && !is_ahead };
                let recurrent = match kind.scales_recurrent_part() {
                    true => &mut self.recurrent[(place + first) * hidden..][..m * hidden],
                    false => &mut [],
                };
                let input = &input[(start + part.start) * features..];
                let input = (!is_ahead).then(|| buffers.input.lhs(products, (m, used), input, features));
                let at_once = h_prev.is_some() && !kind.scales_recurrent_part();
                if let Some(input) = input.filter(|_| !at_once) {
                    gemm::<S>(product, input, packed.w_ih.transposed(), sums, Some(&packed.b));
                }
                let Some(h_prev) = h_prev else {
                    recurrent.chunks_exact_mut(hidden).for_each(|row| row.copy_from_slice(&packed.b_hn));
                    continue;
                };
                let h_prev = buffers.state.lhs(products, (m, hidden), h_prev.values, h_prev.stride);
                let w_hh = packed.w_hh.transposed();
                if kind.scales_recurrent_part() {
                    let product = Product { n: 2 * hidden, k: hidden, ..product };
                    gemm::<S>(product, h_prev, w_hh, sums, None);
                    let product = Product { n: hidden, stride: hidden, padded: false, ..product };
                    gemm::<S>(product, h_prev, packed.w_hn.transposed(), recurrent, Some(&packed.b_hn));
                } else if let Some(input) = input {
                    let both = [(input, packed.w_ih.transposed()), (h_prev, w_hh)];
                    gemm_of_two::<S>(product, both, hidden, sums, Some(&packed.b));
                } else {
                    gemm::<S>(Product { k: hidden, ..product }, h_prev, w_hh, sums, None);
                }
            }
            for row in rows.clone() {
                let index = row - rows.start;
                let own = index * n..(index + 1) * n;
                let sums = apart.map(|before| &buffers.sums[(before + index) * n..][..n]);
                let gates = Gates { values: &mut gates[own], sums };
                let here = index * width + self.offset;
                let h = &mut h[here..here + hidden];
                let goes_on = row < first_new;
                let held = |place: usize| (place + index) * hidden..(place + index + 1) * hidden;
                match kind {
                    Cell::RnnTanh => cell::rnn_tanh::<S>(gates, h),
                    Cell::RnnRelu => cell::rnn_relu(gates, h),
                    Cell::Gru => {
                        let h_prev = match (goes_on, h_prev, h_0) {
                            (true, Some(h_prev), _) => h_prev.row(index, hidden),
                            (false, _, Some(h_0)) => h_0.row(row - first_new, hidden),
                            _ => zeros,
                        };
                        cell::gru::<S>(gates, &self.recurrent[held(place)], h_prev, h);
                    }
                    Cell::Lstm => {
                        let (c, c_prev) =
                            pair(&mut self.c, held(place), place_prev.filter(|_| goes_on).map(held));
                        let c_0 =
                            if self.c_0.is_empty() { zeros } else { &self.c_0[row * hidden..][..hidden] };
                        let tanh_c = &mut self.tanh_c[held(place)];
                        cell::lstm::<S>(gates, c_prev.unwrap_or(c_0), c, tanh_c, h);
                    }
                }
            }
            if !ends.is_empty() {
                let read = match self.way {
                    Way::Reverse if time > 0 => 0..0,
                    Way::Reverse => rows.clone(),
                    Way::Forward | Way::ReverseOnce => steps.ending(time),
                };
                for row in read {
                    let h = &h[(row - rows.start) * width + self.offset..][..hidden];
                    ends[row * width + self.offset..][..hidden].copy_from_slice(h);
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
