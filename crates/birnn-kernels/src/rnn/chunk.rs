//! The buffers of some samples of a batch on their way through all layers and time steps, and back. They grow
//! and are kept.

use super::padded::PaddedRow;
use super::spec::Spec;
use super::states::States;
use super::steps::{Steps, Way};
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
    pub(crate) input: Vec<f32>,
    /// The first so many as the spec has layers.
    pub(crate) layers: Vec<LayerBuffers>,
    /// The gradient with respect to the output of the layer that the backward pass has come to, `[steps,
    /// width]`, and to its input.
    pub(crate) d_output: Vec<f32>,
    pub(crate) d_input: Vec<f32>,
    /// `[rows, hidden]`, with room as products want it: the gradients with respect to output and cell that the
    /// step after left.
    pub(crate) dh_next: Vec<f32>,
    pub(crate) dc_next: Vec<f32>,
    /// `[rows, hidden]`: the gradient with respect to the output of a step.
    pub(crate) dh: Vec<f32>,
    /// As many as the widest row has values.
    pub(crate) zeros: Vec<f32>,
    pub(crate) forward: ForwardBuffers,
    pub(crate) operands: Operands,
    pub(crate) rows: PackedRows,
}

/// What a step needs on its way forward and no later.
#[derive(Debug, Default)]
pub(crate) struct ForwardBuffers {
    /// `[rows, gates]`, where products are made in blocks: what goes into the gates. It stays in the cache, where those that are kept do not.
    pub(crate) sums: Vec<f32>,
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
    /// `[steps, width]`.
    pub(crate) output: Vec<f32>,
    /// The same after dropout; empty where there is none.
    pub(crate) dropped: Vec<f32>,
    /// `[steps, width]`, after a backward pass that was to keep them: the gradient with respect to the
    /// output of each step, by way of later steps too; else empty.
    pub(crate) d_states: Vec<f32>,
    /// The first so many as the spec has directions.
    pub(crate) directions: Vec<DirectionBuffers>,
}

/// What one direction of a layer holds. In `kept`, every step that it takes has room if a backward pass
/// follows, and otherwise a step and the one before it: see [`DirectionBuffers::place`].
#[derive(Debug, Default)]
pub(crate) struct DirectionBuffers {
    pub(crate) way: Way,
    /// Where its units begin in a row of the layer's output.
    pub(crate) offset: usize,
    save_for_backward: bool,
    /// `[kept, gates]`.
    pub(crate) gates: Vec<f32>,
    /// LSTM: `[kept, hidden]`, the cell and its tanh. GRU: the recurrent part of the candidate.
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
        save_for_backward: bool,
    ) {
        self.samples.clear();
        self.samples.extend(samples);
        self.begins.clear();
        self.begins.extend(samples.iter().map(|&sample| begins[sample]));
        self.steps.set(samples.iter().map(|&sample| lengths[sample]));
        fit(&mut self.input, self.steps.total() * spec.input_row(0).padded);
        if self.layers.len() < spec.layers {
            self.layers.resize_with(spec.layers, LayerBuffers::default);
        }
        for (layer, buffers) in self.layers.iter_mut().take(spec.layers).enumerate() {
            buffers.reshape(spec, layer, &self.steps, save_for_backward);
        }
        let hidden = PaddedRow::new(spec.directions().max()).padded;
        let of_backward = if save_for_backward { padded_rows(samples.len()) * hidden } else { 0 };
        for buffer in [&mut self.dh_next, &mut self.dc_next, &mut self.dh] {
            fit(buffer, of_backward);
        }
        let features = (0..spec.layers).map(|layer| spec.input_row(layer).padded);
        zero(&mut self.zeros, features.fold(hidden, usize::max));
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
                        padded.resize(self.samples.len() * row.padded, 0.0);
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
    fn reshape(&mut self, spec: &Spec, layer: usize, steps: &Steps, save_for_backward: bool) {
        fit(&mut self.output, steps.total() * spec.output_row().padded);
        let count = spec.directions().count();
        if self.directions.len() < count {
            self.directions.resize_with(count, DirectionBuffers::default);
        }
        let mut offset = 0;
        for (index, (buffers, units)) in self.directions.iter_mut().zip(spec.directions()).enumerate() {
            let hidden = PaddedRow::new([units]).padded;
            buffers.way = spec.way(layer, index);
            (buffers.offset, buffers.save_for_backward) = (offset, save_for_backward);
            let kept = match buffers.way {
                Way::ReverseOnce => steps.rows(),
                _ if save_for_backward => steps.total(),
                // A step needs its own and the one before.
                _ => 2 * steps.rows(),
            };
            let of = |wanted: bool| if wanted { kept * hidden } else { 0 };
            fit(&mut buffers.gates, kept * spec.cell.gates() * hidden);
            fit(&mut buffers.c, of(spec.cell.has_cell_state()));
            fit(&mut buffers.tanh_c, of(spec.cell.has_cell_state()));
            fit(&mut buffers.recurrent, of(spec.cell.scales_recurrent_part()));
            offset += hidden;
        }
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
            _ if self.save_for_backward => steps.start(time),
            _ => time % 2 * steps.rows(),
        }
    }
}

/// Room for so many values, in the memory that is there or in just enough: each that matters is written
/// before it is read. (Tests would see one that is not.)
pub(crate) fn fit(buffer: &mut Vec<f32>, length: usize) {
    if buffer.capacity() < length {
        buffer.clear();
        buffer.reserve_exact(length);
    }
    buffer.resize(length, 0.0);
    if cfg!(test) {
        buffer.fill(f32::NAN);
    }
}

/// So many zeros, in the memory that is there.
pub(crate) fn zero(buffer: &mut Vec<f32>, length: usize) {
    buffer.clear();
    buffer.resize(length, 0.0);
}
