//! The buffers of some samples of a batch on their way through all layers and time steps, and back. They grow
//! and are kept.

use std::ops::Range;

use super::padded::PaddedRow;
use super::segments::{Keep, segments};
use super::spec::Spec;
use super::states::States;
use super::steps::{Steps, Way};
use crate::buffer::Buffer;
use crate::gemm::{PackedLhs, PackedRhs, PackedRows, padded_rows};

/// The samples of a chunk with all that the backward pass needs. Rows are ordered by time, then as in
/// [`Steps`].
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Which of the batch's samples each row is, and how many steps of the batch come before its own.
    pub(crate) samples: Vec<usize>,
    pub(crate) begins: Vec<usize>,
    /// The time steps of each row; `steps` below stands for all of them.
    pub(crate) steps: Steps,
    /// `[steps, features]`. Its padding may be anything: the forward product stops before it, and in the
    /// gradient of the weights it reaches those columns alone that `Gradients::add_to` leaves out.
    pub(crate) input: Buffer,
    /// The first so many as the spec has layers.
    pub(crate) layers: Vec<LayerBuffers>,
    /// The gradient with respect to the output of the layer that the backward pass has come to, `[steps,
    /// width]`, and to its input.
    pub(crate) d_output: Buffer,
    pub(crate) d_input: Buffer,
    /// `[rows, hidden]`, with room as products want it: the gradients with respect to output and cell that
    /// the step after left.
    pub(crate) dh_next: Buffer,
    pub(crate) dc_next: Buffer,
    /// `[hidden]`: the gradient with respect to the output of a step, of a row.
    pub(crate) dh: Buffer,
    /// As many as the widest row of an input, or of one direction's states, has values.
    pub(crate) zeros: Buffer,
    pub(crate) forward: ForwardBuffers,
    pub(crate) operands: Operands,
    pub(crate) packed_rows: PackedRows,
}

/// What a step needs on its way forward and no later.
#[derive(Debug, Default)]
pub(crate) struct ForwardBuffers {
    /// `[rows, gates]` of a step where products are made in blocks, or of several that few rows take: what
    /// goes into the gates. It stays in the cache, where those that are kept do not.
    pub(crate) sums: Buffer,
    /// Inputs and states.
    pub(crate) input: PackedRows,
    pub(crate) state: PackedRows,
}

/// Packed operands of the products for the weights' gradients.
#[derive(Debug, Default)]
pub(crate) struct Operands {
    /// The gradients of all gates; GRU: of the recurrent part of the candidate.
    pub(crate) gates: PackedLhs,
    pub(crate) candidate: PackedLhs,
    /// Inputs or states.
    pub(crate) rhs: PackedRhs,
}

#[derive(Debug, Default)]
pub(crate) struct LayerBuffers {
    /// `[steps, width]`; of the top layer as many steps as its directions' windows have, where more are not
    /// wanted.
    pub(crate) output: Buffer,
    /// `[rows, width]`, where `output` has no more than windows: what is read of each sample.
    pub(crate) ends: Buffer,
    /// The same after dropout; empty where there is none.
    pub(crate) dropped: Buffer,
    /// `[steps, width]`, after a backward pass that was to keep them: the gradient with respect to the
    /// output of each step, by way of later steps too; otherwise anything.
    pub(crate) d_states: Buffer,
    /// The first so many as the spec has directions.
    pub(crate) directions: Vec<DirectionBuffers>,
}

/// What one direction of a layer holds. In `kept`, every step of a window has room if a backward pass
/// follows, and otherwise a step and the one before it: see [`DirectionBuffers::place`].
#[derive(Debug, Default)]
pub(crate) struct DirectionBuffers {
    pub(crate) way: Way,
    /// Where its units begin in a row of the layer's output.
    pub(crate) offset: usize,
    keep: Keep,
    /// The steps that it takes, in segments, in its order: one, where all of them are kept.
    pub(crate) segments: Vec<Range<usize>>,
    /// The steps that are in memory: those of a segment, and the one before it.
    window: Range<usize>,
    /// Whether that goes for the output, too.
    output_in_window: bool,
    /// The states after each segment but the last, `[segments, rows, hidden]`: of an LSTM the cells, and the
    /// outputs where those are not there as a whole.
    saved_h: Buffer,
    saved_c: Buffer,
    /// `[kept, gates]`.
    pub(crate) gates: Buffer,
    /// LSTM: `[kept, hidden]`, the cell and its tanh. GRU: the recurrent part of the candidate.
    pub(crate) c: Buffer,
    pub(crate) tanh_c: Buffer,
    pub(crate) recurrent: Buffer,
    /// The states at the start, `[rows, hidden]`; empty where they are zeros.
    pub(crate) h_0: Buffer,
    pub(crate) c_0: Buffer,
}

/// Rows of a matrix where they lie.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    /// From one to the next.
    pub(crate) stride: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub(crate) fn row(self, row: usize, len: usize) -> &'a [f32] {
        &self.values[row * self.stride..][..len]
    }
}

impl Chunk {
    /// Makes room for these samples of a batch, of which none is longer than the one before. `lengths` and
    /// `begins` are those of the whole batch.
    pub(crate) fn reshape(
        &mut self,
        spec: &Spec,
        samples: &[usize],
        lengths: &[usize],
        begins: &[usize],
        keep: Keep,
    ) {
        self.samples.clear();
        self.samples.extend(samples);
        self.begins.clear();
        self.begins.extend(samples.iter().map(|&sample| begins[sample]));
        self.steps.set(samples.iter().map(|&sample| lengths[sample]));
        self.input.fit(self.steps.total() * spec.input_row(0).padded);
        if self.layers.len() < spec.layers {
            self.layers.resize_with(spec.layers, LayerBuffers::default);
        }
        for (layer, buffers) in self.layers.iter_mut().take(spec.layers).enumerate() {
            buffers.reshape(spec, layer, &self.steps, keep);
        }
        let hidden = PaddedRow::new(spec.directions().max()).padded;
        let of_backward = if keep == Keep::Nothing { 0 } else { padded_rows(samples.len()) * hidden };
        for buffer in [&mut self.dh_next, &mut self.dc_next] {
            buffer.fit(of_backward);
        }
        self.dh.fit(hidden);
        let features = (0..spec.layers).map(|layer| spec.input_row(layer).padded);
        self.zeros.zero(features.fold(hidden, usize::max));
    }

    /// What the layer above `below` reads, and how a row of it lies.
    pub(crate) fn input_of<'a>(
        input: &'a [f32],
        below: Option<&'a LayerBuffers>,
        spec: &Spec,
    ) -> (&'a [f32], PaddedRow) {
        match below {
            None => (input, spec.input_row(0)),
            Some(below) if below.dropped.is_empty() => (&below.output, spec.output_row()),
            Some(below) => (&below.dropped, spec.output_row()),
        }
    }

    /// Takes in the states at the start, of all samples of the batch.
    pub(crate) fn start_from(&mut self, spec: &Spec, initial: Option<&States>) {
        let mut index = 0;
        for layer in self.layers.iter_mut().take(spec.layers) {
            for (buffers, units) in layer.directions.iter_mut().zip(spec.directions()) {
                buffers.h_0.zero(0);
                buffers.c_0.zero(0);
                if let Some(States { h, c }) = initial {
                    let of_chunk = |values: &[f32], padded: &mut Buffer| {
                        let row = PaddedRow::new([units]);
                        padded.zero(self.samples.len() * row.padded);
                        for (&sample, padded) in self.samples.iter().zip(padded.chunks_exact_mut(row.padded))
                        {
                            row.pad(&values[sample * units..][..units], padded);
                        }
                    };
                    of_chunk(&h[index], &mut buffers.h_0);
                    if let Some(c) = c.get(index) {
                        of_chunk(c, &mut buffers.c_0);
                    }
                }
                index += 1;
            }
        }
    }

    /// Puts the states after each direction's last step where they belong among those of the batch.
    pub(crate) fn end_with(&self, spec: &Spec, States { h, c }: &mut States) {
        let width = spec.output_row().padded;
        let mut index = 0;
        for layer in self.layers.iter().take(spec.layers) {
            for (buffers, units) in layer.directions.iter().zip(spec.directions()) {
                let hidden = PaddedRow::new([units]).padded;
                for (row, &sample) in self.samples.iter().enumerate() {
                    let last = if buffers.way == Way::Forward { self.steps.last(row) } else { 0 };
                    let into = sample * units..(sample + 1) * units;
                    let output = (self.steps.start(last) + row) * width + buffers.offset;
                    h[index][into.clone()].copy_from_slice(&layer.output[output..][..units]);
                    if let Some(c) = c.get_mut(index) {
                        let cell = (buffers.place(&self.steps, last) + row) * hidden;
                        c[into].copy_from_slice(&buffers.c[cell..][..units]);
                    }
                }
                index += 1;
            }
        }
    }
}

impl LayerBuffers {
    fn reshape(&mut self, spec: &Spec, layer: usize, steps: &Steps, keep: Keep) {
        // What nobody reads but the direction itself, step by step.
        let in_window = matches!(keep, Keep::Segments(_)) && spec.is_pooled(layer);
        let count = spec.directions().count();
        if self.directions.len() < count {
            self.directions.resize_with(count, DirectionBuffers::default);
        }
        let (mut offset, mut rows) = (0, 0);
        for (index, (buffers, units)) in self.directions.iter_mut().zip(spec.directions()).enumerate() {
            let hidden = PaddedRow::new([units]).padded;
            buffers.way = spec.way(layer, index);
            (buffers.offset, buffers.keep, buffers.output_in_window) = (offset, keep, in_window);
            let least = if let Keep::Segments(least) = keep { least } else { steps.longest() };
            buffers.segments = segments(steps, buffers.way, least);
            let windows = (0..buffers.segments.len()).map(|index| buffers.window_of(index));
            let in_windows = windows.map(|of| steps.start(of.end) - steps.start(of.start)).max().unwrap_or(0);
            let kept = match buffers.way {
                Way::ReverseOnce => steps.rows(),
                // A step needs its own and the one before.
                _ if keep == Keep::Nothing => 2 * steps.rows(),
                _ => in_windows,
            };
            rows = rows.max(kept);
            let between = (buffers.segments.len() - 1) * steps.rows() * hidden;
            buffers.saved_h.fit(if in_window { between } else { 0 });
            buffers.saved_c.fit(if spec.cell.has_cell_state() { between } else { 0 });
            let of = |wanted: bool| if wanted { kept * hidden } else { 0 };
            buffers.gates.fit(kept * spec.cell.gates() * hidden);
            buffers.c.fit(of(spec.cell.has_cell_state()));
            buffers.tanh_c.fit(of(spec.cell.has_cell_state()));
            buffers.recurrent.fit(of(spec.cell.scales_recurrent_part()));
            offset += hidden;
        }
        let width = spec.output_row().padded;
        self.output.fit(if in_window { rows } else { steps.total() } * width);
        self.ends.fit(if in_window { steps.rows() * width } else { 0 });
    }
}

impl DirectionBuffers {
    /// Where the rows that take a step are kept: how many come before them. (Without a backward pass a step
    /// is written over by the next but one, though not where a sample has ended: its final state stays.)
    #[inline(always)]
    pub(crate) fn place(&self, steps: &Steps, time: usize) -> usize {
        match self.way {
            // Each row once, those first that end first.
            Way::ReverseOnce => steps.rows() - steps.at(time),
            _ if self.keep == Keep::Nothing => time % 2 * steps.rows(),
            _ => steps.start(time) - steps.start(self.window.start),
        }
    }

    /// Where the rows that take a step are in the layer's output.
    #[inline(always)]
    pub(crate) fn place_of_output(&self, steps: &Steps, time: usize) -> usize {
        if self.output_in_window { self.place(steps, time) } else { steps.start(time) }
    }

    /// How many rows of the layer come before the first of its output that is in memory.
    #[inline(always)]
    pub(crate) fn first_output(&self, steps: &Steps) -> usize {
        if self.output_in_window { steps.start(self.window.start) } else { 0 }
    }

    /// Where the outputs of some rows are that take the step whose output is at `place`.
    #[inline(always)]
    pub(crate) fn outputs(&self, place: usize, rows: &Range<usize>, width: usize) -> Range<usize> {
        // Of `ReverseOnce` a place is that of the first row that takes the step.
        let first = if self.output_in_window && self.way == Way::ReverseOnce { rows.start } else { 0 };
        (place + rows.start - first) * width..(place + rows.end - first) * width
    }

    /// The steps that a segment needs in memory.
    fn window_of(&self, index: usize) -> Range<usize> {
        let Range { start, end } = self.segments[index];
        match self.way {
            _ if index == 0 => start..end,
            Way::Forward => start - 1..end,
            Way::Reverse | Way::ReverseOnce => start..end + 1,
        }
    }

    /// Whether a segment is in memory.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.window == self.window_of(index)
    }

    /// Makes room for a segment, and brings the states before it into its place. `output` is the layer's, of
    /// rows of this width.
    pub(crate) fn enter(
        &mut self,
        index: usize,
        steps: &Steps,
        output: &mut [f32],
        width: usize,
        hidden: usize,
    ) {
        self.window = self.window_of(index);
        let Some(before) = index.checked_sub(1) else { return };
        let (time, rows) = self.between(before, steps);
        let from = before * steps.rows() * hidden;
        if !self.saved_c.is_empty() {
            let to = self.place(steps, time) * hidden;
            self.c[to..to + rows * hidden].copy_from_slice(&self.saved_c[from..][..rows * hidden]);
        }
        if self.output_in_window {
            let outputs = output[self.place(steps, time) * width..].chunks_exact_mut(width);
            for (saved, output) in self.saved_h[from..].chunks_exact(hidden).zip(outputs).take(rows) {
                output[self.offset..][..hidden].copy_from_slice(saved);
            }
        }
    }

    /// Saves the states after a segment, where another one follows.
    pub(crate) fn leave(&mut self, index: usize, steps: &Steps, output: &[f32], width: usize, hidden: usize) {
        if index + 1 == self.segments.len() {
            return;
        }
        let (time, rows) = self.between(index, steps);
        let to = index * steps.rows() * hidden;
        if !self.saved_c.is_empty() {
            let from = self.place(steps, time) * hidden;
            self.saved_c[to..][..rows * hidden].copy_from_slice(&self.c[from..from + rows * hidden]);
        }
        if self.output_in_window {
            let outputs = output[self.place(steps, time) * width..].chunks_exact(width);
            for (saved, output) in self.saved_h[to..].chunks_exact_mut(hidden).zip(outputs).take(rows) {
                saved.copy_from_slice(&output[self.offset..][..hidden]);
            }
        }
    }

    /// The last step of a segment that another one follows, and how many rows go on.
    fn between(&self, index: usize, steps: &Steps) -> (usize, usize) {
        let Range { start, end } = self.segments[index];
        match self.way {
            Way::Forward => (end - 1, steps.at(end)),
            Way::Reverse | Way::ReverseOnce => (start, steps.at(start)),
        }
    }
}
