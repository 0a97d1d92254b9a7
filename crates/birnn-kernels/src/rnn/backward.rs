//! Backward through all layers: from the gradient with respect to the output to those with respect to
//! parameters and input.

use super::backward_through_time::{BackwardThroughTime, DInput, Wanted};
use super::chunk::{Chunk, DirectionBuffers, LayerBuffers};
use super::forward::{Given, Output};
use super::gradients::Gradients;
use super::lengths::Lengths;
use super::packed::{Packed, PackedDirection};
use super::padded::PaddedRow;
use super::spec::{OutputMode, Spec};
use super::states::StateGradient;
use super::steps::Way;
use super::workspace::{Batch, Pass, Workspace};
use crate::dropout::{Draw, Dropout};
use crate::gemm::padded_rows;
use crate::isa::{Job, Simd};

/// From the gradient with respect to the output of the last [`forward`](crate::forward) to that with respect
/// to every parameter, in the order and of the lengths of [`Spec::parameters`], and, where `d_input` is
/// there, to the input, `[steps of all, features]`. What was in `gradients` and `d_input` is overwritten.
/// Once: what was saved is used up by it.
///
/// States at the start are taken for constants.
///
/// # Panics
///
/// Where the last call on `workspace` was not [`forward`](crate::forward) with `packed` and the parameters
/// that it has now, or the lengths are not those.
pub fn backward(
    packed: &Packed,
    workspace: &mut Workspace,
    d_output: &[f32],
    gradients: &mut [&mut [f32]],
    d_input: Option<&mut [f32]>,
) {
    let spec = packed.spec();
    let lengths: Vec<usize> = gradients.iter().map(|values| values.len()).collect();
    assert_eq!(lengths, spec.parameters(), "the lengths of the gradients");
    go_back(packed, workspace, d_output, d_input, To::Parameters);
    let (workers, shards) = workspace.parts();
    let mut into = gradients.as_chunks_mut::<4>().0.iter_mut();
    let mut jobs = Vec::new();
    for (layer, directions) in packed.layers().iter().enumerate() {
        let directions = directions.iter().zip(spec.directions()).enumerate();
        for ((direction, (packed, units)), into) in directions.zip(&mut into) {
            let sums = shards.iter().filter(|shard| !shard.chunks().is_empty());
            let sums = sums.map(|shard| &shard.gradients[layer][direction]).collect();
            jobs.push(Sum { sums, packed, units, input: spec.input_row(layer), into });
        }
    }
    workers.share(packed.instructions(), jobs);
}

/// As [`backward`], to the gradient with respect to the state after each step: per layer, forward then
/// reverse.
///
/// # Panics
///
/// As [`backward`].
pub fn state_gradients(packed: &Packed, workspace: &mut Workspace, d_output: &[f32]) -> Vec<StateGradient> {
    go_back(packed, workspace, d_output, None, To::States);
    let spec = packed.spec();
    let Batch { lengths, begins, .. } = workspace.batch();
    let mut found = Vec::new();
    for (layer, (direction, units)) in
        (0..spec.layers).flat_map(|layer| spec.directions().enumerate().map(move |part| (layer, part)))
    {
        let last_only = spec.way(layer, direction) == Way::ReverseOnce;
        let count = if last_only { lengths.len() } else { begins[lengths.len()] };
        let mut values = vec![0.0; count * units];
        for chunk in workspace.chunks() {
            chunk.put_state_gradients(spec, layer, direction, &mut values);
        }
        found.push(StateGradient { last_only, values });
    }
    found
}

/// What a backward pass goes to, beside the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// Their gradients are left with the workers.
    Parameters,
    /// Their gradients are left in the chunks.
    States,
}

/// Back through all layers and steps.
fn go_back(
    packed: &Packed,
    workspace: &mut Workspace,
    d_output: &[f32],
    d_input: Option<&mut [f32]>,
    to: To,
) {
    let spec = packed.spec();
    let last = workspace.last().filter(|pass| pass.saved && pass.version == packed.version());
    let Some(&pass) = last else {
        panic!(
            "nothing to go back from: `forward` with the same parameters must be the call before (`backward` \
             uses up what it saved)"
        )
    };
    let Batch { lengths, begins, .. } = workspace.batch();
    let steps = begins[lengths.len()];
    let expected = spec.output_len(Lengths::Each(lengths));
    assert_eq!(d_output.len(), expected, "the length of the gradient");
    if let Some(d_input) = &d_input {
        let expected = steps * spec.features;
        assert_eq!(d_input.len(), expected, "the length of the gradient with respect to the input");
    }
    let d_inputs = d_input.map(|d_input| workspace.deal(d_input, spec.features, true));
    workspace.set_last(Pass { saved: false, ..pass });
    let dropout = pass.dropout;
    let (workers, shards) = workspace.parts();
    let mut d_inputs = d_inputs.map(Vec::into_iter);
    let jobs = shards.iter_mut().map(|shard| {
        let d_inputs = d_inputs.as_mut().and_then(Iterator::next);
        let (chunks, gradients) = shard.parts();
        Backward { packed, dropout, chunks, d_output, d_inputs, to, gradients }
    });
    workers.share(packed.instructions(), jobs.collect());
}

/// One worker's shard.
struct Backward<'a> {
    packed: &'a Packed,
    dropout: Option<Dropout>,
    chunks: &'a mut [Chunk],
    /// Of the whole batch.
    d_output: &'a [f32],
    /// Of each of its samples, in the order of their rows.
    d_inputs: Option<Vec<&'a mut [f32]>>,
    to: To,
    gradients: &'a mut Vec<Vec<Gradients>>,
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Backward { packed, dropout, chunks, d_output, d_inputs, to, gradients } = self;
        if chunks.is_empty() {
            return;
        }
        let spec = packed.spec();
        let _ready = packed.products().ready();
        if to == To::Parameters {
            gradients.resize_with(spec.layers, Vec::new);
            for (gradients, packed) in gradients.iter_mut().zip(packed.layers()) {
                gradients.resize_with(packed.len(), Gradients::default);
                gradients.iter_mut().zip(packed).for_each(|(gradients, packed)| gradients.begin(packed));
            }
        }
        let mut d_inputs = d_inputs.map(Vec::into_iter);
        for chunk in chunks {
            chunk.take_d_output(spec, d_output);
            chunk.backward::<S>(packed, dropout, d_inputs.is_some(), to, gradients);
            if let Some(d_inputs) = &mut d_inputs {
                chunk.put_d_input(spec, d_inputs);
            }
        }
        if to == To::Parameters {
            gradients.iter_mut().flatten().for_each(Gradients::finish);
        }
    }
}

impl Chunk {
    /// Takes in the gradient with respect to what was wanted of the top layer: of all steps, or one row per
    /// sample.
    fn take_d_output(&mut self, spec: &Spec, d_output: &[f32]) {
        let row_of_output = spec.output_row();
        let (width, len) = (row_of_output.padded, spec.width());
        let Chunk { samples, begins, steps, d_output: padded, .. } = self;
        let count = if spec.every_step() { steps.total() } else { samples.len() };
        padded.zero(count * width);
        let mut pad = |from: usize, to: usize| {
            row_of_output.pad(&d_output[from * len..][..len], &mut padded[to * width..][..width]);
        };
        if spec.every_step() {
            steps.all().enumerate().for_each(|(index, (row, step))| pad(begins[row] + step, index));
        } else {
            samples.iter().enumerate().for_each(|(row, &sample)| pad(sample, row));
        }
    }

    /// Adds the gradients with respect to the parameters to `gradients`, by layer and direction, or puts
    /// those with respect to the states into `d_states` of each layer. `d_output` ends as the gradient with
    /// respect to the input, where `input_wanted` says so.
    #[inline(always)]
    fn backward<S: Simd>(
        &mut self,
        packed: &Packed,
        dropout: Option<Dropout>,
        input_wanted: bool,
        to: To,
        gradients: &mut [Vec<Gradients>],
    ) {
        let (spec, steps) = (packed.spec(), &self.steps);
        let width = spec.output_row().padded;
        for layer in (0..spec.layers).rev() {
            let (below, here) = self.layers.split_at_mut(layer);
            let here = &mut here[0];
            let (input, row_of_input) = Chunk::input_of(&self.input, below.last(), spec);
            let top = layer + 1 == spec.layers;
            let below_wanted = layer > 0 || input_wanted;
            here.d_states.fit(if to == To::States { steps.total() * width } else { 0 });
            self.d_input.fit(if below_wanted { steps.total() * row_of_input.padded } else { 0 });
            if here.directions[0].way == Way::ReverseOnce {
                // What it does not read has no gradient, and no other direction gives it one.
                self.d_input.fill(0.0);
            }
            for (index, packed) in packed.layers()[layer].iter().enumerate() {
                let direction = &mut here.directions[index];
                let wanted = match spec.output {
                    OutputMode::Final if top && direction.way == Way::Reverse => Wanted::First,
                    OutputMode::Final | OutputMode::Last if top => Wanted::Last,
                    _ => Wanted::All,
                };
                let (room, zeros) = (padded_rows(steps.rows()), &self.zeros);
                for segment in (0..direction.segments.len()).rev() {
                    if !direction.has(segment) {
                        let kind = spec.cell;
                        let given = Given { kind, packed, steps, input, row_of_input: &row_of_input, zeros };
                        let mut output = Output { values: &mut here.output, ends: &mut here.ends, width };
                        direction.segment::<S>(segment, given, &mut output, &mut self.forward);
                    }
                    let mut back = BackwardThroughTime {
                        kind: spec.cell,
                        packed,
                        steps,
                        width,
                        input,
                        output: &here.output,
                        d_states: (to == To::States).then_some(&mut here.d_states[..]),
                        dh_next: &mut self.dh_next[..room * packed.hidden],
                        dc_next: &mut self.dc_next[..room * packed.hidden],
                        dh: &mut self.dh[..packed.hidden],
                        zeros,
                        operands: &mut self.operands,
                        packed_rows: &mut self.packed_rows,
                    };
                    let d_input =
                        below_wanted.then_some(DInput { values: &mut self.d_input, first: index == 0 });
                    let gradients = (to == To::Parameters).then(|| &mut gradients[layer][index]);
                    back.run::<S>(direction, segment, &self.d_output, wanted, d_input, gradients);
                }
            }
            if below_wanted {
                if let (Some(dropout), Some(below)) = (dropout, layer.checked_sub(1)) {
                    let positions = steps.all().map(|(row, step)| self.begins[row] + step);
                    Draw::new(dropout, below, width).mask(positions, &mut self.d_input);
                }
                std::mem::swap(&mut self.d_output, &mut self.d_input);
            }
        }
    }

    /// Puts the gradients with respect to the states of one direction of a layer where they belong among
    /// those of the batch.
    fn put_state_gradients(&self, spec: &Spec, layer: usize, direction: usize, into: &mut [f32]) {
        let LayerBuffers { d_states, directions, .. } = &self.layers[layer];
        let DirectionBuffers { way, offset, .. } = directions[direction];
        let (units, width) = (spec.output_row().parts[direction].0, spec.output_row().padded);
        for (row, (&sample, &begin)) in self.samples.iter().zip(&self.begins).enumerate() {
            let last = self.steps.last(row);
            let (first, to) = if way == Way::ReverseOnce { (last, sample) } else { (0, begin) };
            for (step, into) in (first..=last).zip(into[to * units..].chunks_exact_mut(units)) {
                let from = (self.steps.start(step) + row) * width + offset;
                into.copy_from_slice(&d_states[from..from + units]);
            }
        }
    }

    /// The gradient with respect to the input, `[steps, features]` of each row into the next of `into`.
    fn put_d_input<'a>(&self, spec: &Spec, into: &mut impl Iterator<Item = &'a mut [f32]>) {
        let row_of_input = spec.input_row(0);
        let (len, padded) = (row_of_input.len, row_of_input.padded);
        for (row, into) in (0..self.steps.rows()).zip(into) {
            for (step, values) in into.chunks_exact_mut(len).enumerate() {
                let from = (self.steps.start(step) + row) * padded;
                row_of_input.unpad(&self.d_output[from..][..padded], values);
            }
        }
    }
}

/// One direction's gradients of all workers, to be added in their order, so that the same number of them
/// gives the same sums.
struct Sum<'a, 'g> {
    sums: Vec<&'a Gradients>,
    packed: &'a PackedDirection,
    units: usize,
    input: PaddedRow,
    into: &'a mut [&'g mut [f32]; 4],
}

impl Job for Sum<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        for (index, sum) in self.sums.iter().enumerate() {
            sum.add_to(self.packed, self.units, &self.input, self.into, index == 0);
        }
    }
}
