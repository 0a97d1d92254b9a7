//! The buffers of some samples of a batch on their way through all layers and time steps, and back. They grow
//! and are kept.

use std::ops::Range;

use super::padded::PaddedRow;
use super::spec::{OutputMode, Spec};
use super::states::States;
use crate::gemm::{Lhs, PackedLhs, PackedRhs};

/// The samples of a chunk with all that the backward pass needs. Rows are ordered by time, then by sample.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The index of the first sample in the batch.
    pub(crate) first: usize,
    /// How many samples.
    pub(crate) rows: usize,
    pub(crate) time: usize,
    /// `[time, rows, features]`.
    pub(crate) input: Vec<f32>,
    /// The first so many as the spec has layers.
    pub(crate) layers: Vec<LayerBuffers>,
    /// The gradient with respect to the output of the layer that the backward pass has come to, `[time, rows,
    /// width]`, and to its input.
    pub(crate) d_output: Vec<f32>,
    pub(crate) d_input: Vec<f32>,
    /// `[rows, hidden]`: the gradients with respect to output and cell that the step after left.
    pub(crate) dh_next: Vec<f32>,
    pub(crate) dc_next: Vec<f32>,
    /// `[rows, hidden]`: the gradient with respect to the output of a step.
    pub(crate) dh: Vec<f32>,
    /// `[hidden]`.
    pub(crate) zeros: Vec<f32>,
    pub(crate) operands: Operands,
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
    /// `[time, rows, width]`.
    pub(crate) output: Vec<f32>,
    /// The same after dropout; empty where there is none.
    pub(crate) dropped: Vec<f32>,
    /// The first so many as the spec has directions.
    pub(crate) directions: Vec<DirectionBuffers>,
}

/// What one direction of a layer holds, for the time steps that it takes.
#[derive(Debug, Default)]
pub(crate) struct DirectionBuffers {
    /// In time's order, whichever way they are taken.
    pub(crate) steps: Range<usize>,
    pub(crate) reverse: bool,
    /// Where its units begin in a row of the layer's output.
    pub(crate) offset: usize,
    /// How many steps have room in what follows: all that are saved for a backward pass, else as many as a
    /// step needs.
    pub(crate) slots: usize,
    /// `[slots, rows, gates]`.
    pub(crate) gates: Vec<f32>,
    /// LSTM: `[slots, rows, hidden]`, the cell and its tanh. GRU: the recurrent part of the candidate.
    pub(crate) c: Vec<f32>,
    pub(crate) tanh_c: Vec<f32>,
    pub(crate) recurrent: Vec<f32>,
    /// The states at the start, `[rows, hidden]`; empty where they are zeros.
    pub(crate) h_0: Vec<f32>,
    pub(crate) c_0: Vec<f32>,
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
    pub(crate) fn lhs(self) -> Lhs<'a> {
        Lhs::rows(self.values, self.stride)
    }

    #[inline(always)]
    pub(crate) fn row(self, row: usize, len: usize) -> &'a [f32] {
        &self.values[row * self.stride..][..len]
    }
}

impl Chunk {
    /// Makes room for these samples of a batch of `time` steps.
    pub(crate) fn reshape(
        &mut self,
        spec: &Spec,
        samples: Range<usize>,
        time: usize,
        save_for_backward: bool,
    ) {
        let rows = samples.len();
        (self.first, self.rows, self.time) = (samples.start, rows, time);
        zero(&mut self.input, time * rows * spec.input_row(0).padded);
        if self.layers.len() < spec.layers {
            self.layers.resize_with(spec.layers, LayerBuffers::default);
        }
        for (layer, buffers) in self.layers.iter_mut().take(spec.layers).enumerate() {
            buffers.reshape(spec, layer, rows, time, save_for_backward);
        }
        let hidden = PaddedRow::new(spec.directions().max()).padded;
        let of_backward = if save_for_backward { rows * hidden } else { 0 };
        for buffer in [&mut self.dh_next, &mut self.dc_next, &mut self.dh] {
            zero(buffer, of_backward);
        }
        zero(&mut self.zeros, hidden);
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
                buffers.h_0.clear();
                buffers.c_0.clear();
                if let Some(States { h, c }) = initial {
                    let of_chunk = |values: &[f32], padded: &mut Vec<f32>| {
                        let row = PaddedRow::new([units]);
                        padded.resize(self.rows * row.padded, 0.0);
                        let values = values.chunks_exact(units).skip(self.first);
                        padded
                            .chunks_exact_mut(row.padded)
                            .zip(values)
                            .for_each(|(to, from)| row.pad(from, to));
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
                let last = if buffers.reverse { 0 } else { self.time - 1 };
                let hidden = PaddedRow::new([units]).padded;
                let output = Rows {
                    values: &layer.output[last * self.rows * width..][buffers.offset..],
                    stride: width,
                };
                let offsets = || (self.first * units..).step_by(units).take(self.rows).enumerate();
                for (row, offset) in offsets() {
                    h[index][offset..offset + units].copy_from_slice(output.row(row, units));
                }
                if let Some(c) = c.get_mut(index) {
                    let slot = last % buffers.slots;
                    let cell = Rows { values: &buffers.c[slot * self.rows * hidden..], stride: hidden };
                    for (row, offset) in offsets() {
                        c[offset..offset + units].copy_from_slice(cell.row(row, units));
                    }
                }
                index += 1;
            }
        }
    }
}

impl LayerBuffers {
    fn reshape(&mut self, spec: &Spec, layer: usize, rows: usize, time: usize, save_for_backward: bool) {
        zero(&mut self.output, time * rows * spec.output_row().padded);
        self.dropped.clear();
        let count = spec.directions().count();
        if self.directions.len() < count {
            self.directions.resize_with(count, DirectionBuffers::default);
        }
        let top = layer + 1 == spec.layers;
        let mut offset = 0;
        for (index, (buffers, units)) in self.directions.iter_mut().zip(spec.directions()).enumerate() {
            let hidden = PaddedRow::new([units]).padded;
            let reverse = index == 1;
            // At the last time step the reverse direction has taken one step.
            let start = if top && reverse && spec.output == OutputMode::Last { time - 1 } else { 0 };
            // A step needs its own and the one before.
            let slots = if save_for_backward { time - start } else { 2 };
            (buffers.steps, buffers.reverse, buffers.offset, buffers.slots) =
                (start..time, reverse, offset, slots);
            let count = slots * rows;
            let of = |wanted: bool| if wanted { count * hidden } else { 0 };
            zero(&mut buffers.gates, count * spec.cell.gates() * hidden);
            zero(&mut buffers.c, of(spec.cell.has_cell_state()));
            zero(&mut buffers.tanh_c, of(spec.cell.has_cell_state()));
            zero(&mut buffers.recurrent, of(spec.cell.scales_recurrent_part()));
            offset += hidden;
        }
    }
}

impl DirectionBuffers {
    /// The time steps in the order in which they are taken, each with the one before.
    pub(crate) fn order(&self) -> impl DoubleEndedIterator<Item = (usize, Option<usize>)> + use<> {
        let (count, reverse) = (self.steps.len(), self.reverse);
        (0..count).map(move |taken| match reverse {
            false => (taken, taken.checked_sub(1)),
            true => (count - 1 - taken, (taken > 0).then_some(count - taken)),
        })
    }
}

/// So many zeros, in the memory that is there.
pub(crate) fn zero(buffer: &mut Vec<f32>, length: usize) {
    buffer.clear();
    buffer.resize(length, 0.0);
}
