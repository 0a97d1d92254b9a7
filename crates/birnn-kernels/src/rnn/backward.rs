//! Backward through all layers: from the gradient with respect to the output to those with respect to
//! parameters and input.

use super::backward_through_time::BackwardThroughTime;
use super::chunk::{Chunk, zero};
use super::gradients::Gradients;
use super::packed::{Packed, PackedDirection};
use super::padded::PaddedRow;
use super::spec::{OutputMode, Spec};
use super::workspace::{Pass, Workspace};
use crate::dropout::{Draw, Dropout};
use crate::isa::{Job, Simd};

/// From the gradient with respect to the output of the last [`forward`](crate::forward) to that with respect
/// to every parameter, in the order and of the lengths of [`Spec::parameters`], and, where `d_input` is
/// there, to the input, `[batch, time, features]`. What was in `gradients` and `d_input` is overwritten.
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
    let last = workspace.last().filter(|pass| pass.saved && pass.version == packed.version());
    let Some(&pass) = last else {
        panic!(
            "nothing to go back from: `forward` with the same parameters must be the call before (`backward` \
             uses up what it saved)"
        )
    };
    let Pass { shape, dropout, .. } = pass;
    let (input_len, output_len) = (shape.time * spec.features, spec.output_len(shape.time));
    assert_eq!(d_output.len(), shape.batch * output_len, "the length of the gradient");
    let lengths: Vec<usize> = gradients.iter().map(|values| values.len()).collect();
    assert_eq!(lengths, spec.parameters(), "the lengths of the gradients");
    if let Some(d_input) = &d_input {
        assert_eq!(
            d_input.len(),
            shape.batch * input_len,
            "the length of the gradient with respect to the input"
        );
    }
    workspace.set_last(Pass { saved: false, ..pass });
    let (workers, shards) = workspace.parts();
    let mut rest = d_input;
    let mut jobs = Vec::with_capacity(shards.len());
    for shard in &mut *shards {
        let d_output = &d_output[shard.samples.start * output_len..shard.samples.end * output_len];
        let d_input = rest.take().map(|all| {
            let (own, others) = all.split_at_mut(shard.samples.len() * input_len);
            rest = Some(others);
            own
        });
        let (chunks, gradients) = shard.parts();
        jobs.push(Backward { packed, dropout, chunks, d_output, d_input, gradients });
    }
    workers.share(packed.instructions(), jobs);
    let mut into = gradients.iter_mut();
    let mut jobs = Vec::new();
    for (layer, directions) in packed.layers().iter().enumerate() {
        for (direction, (packed, units)) in directions.iter().zip(spec.directions()).enumerate() {
            let sums = shards.iter().filter(|shard| !shard.chunks().is_empty());
            let sums = sums.map(|shard| &shard.gradients[layer][direction]).collect();
            let Some(into) = four(&mut into) else { return };
            jobs.push(Sum { sums, packed, units, input: spec.input_row(layer), into });
        }
    }
    workers.share(packed.instructions(), jobs);
}

/// One worker's shard.
struct Backward<'a> {
    packed: &'a Packed,
    dropout: Option<Dropout>,
    chunks: &'a mut [Chunk],
    d_output: &'a [f32],
    d_input: Option<&'a mut [f32]>,
    gradients: &'a mut Vec<Vec<Gradients>>,
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Backward { packed, dropout, chunks, mut d_output, mut d_input, gradients } = self;
        let spec = packed.spec();
        gradients.resize_with(spec.layers, Vec::new);
        for (gradients, packed) in gradients.iter_mut().zip(packed.layers()) {
            gradients.resize_with(packed.len(), Gradients::default);
            gradients.iter_mut().zip(packed).for_each(|(gradients, packed)| gradients.clear(packed));
        }
        for chunk in chunks {
            let (own, later) = d_output.split_at(chunk.rows * spec.output_len(chunk.time));
            d_output = later;
            chunk.take_d_output(spec, own);
            chunk.backward::<S>(packed, dropout, d_input.is_some(), gradients);
            d_input = d_input.take().map(|d_input| {
                let (own, others) = d_input.split_at_mut(chunk.rows * chunk.time * spec.features);
                chunk.put_d_input(spec, own);
                others
            });
        }
    }
}

impl Chunk {
    /// Takes in the gradient with respect to what was wanted of the top layer, one row per sample.
    fn take_d_output(&mut self, spec: &Spec, d_output: &[f32]) {
        let row_of_output = spec.output_row();
        let width = row_of_output.padded;
        // Where one step alone is wanted, there is one step of gradients.
        let steps = if spec.output == OutputMode::Sequence { self.time } else { 1 };
        zero(&mut self.d_output, steps * self.rows * width);
        for (index, values) in d_output.chunks_exact(spec.width()).enumerate() {
            let (row, step) = (index / steps, index % steps);
            let offset = (step * self.rows + row) * width;
            row_of_output.pad(values, &mut self.d_output[offset..offset + width]);
        }
    }

    /// Adds the gradients with respect to the parameters to `gradients`, by layer and direction. `d_output`
    /// ends as the gradient with respect to the input, where that is `wanted`.
    #[inline(always)]
    fn backward<S: Simd>(
        &mut self,
        packed: &Packed,
        dropout: Option<Dropout>,
        wanted: bool,
        gradients: &mut [Vec<Gradients>],
    ) {
        let (spec, rows, time) = (packed.spec(), self.rows, self.time);
        let width = spec.output_row().padded;
        for layer in (0..spec.layers).rev() {
            let (below, here) = self.layers.split_at_mut(layer);
            let here = &mut here[0];
            let (input, row_of_input) = Chunk::input_of(&self.input, below.last(), spec);
            let top = layer + 1 == spec.layers;
            let goes_on = layer > 0 || wanted;
            if goes_on {
                zero(&mut self.d_input, time * rows * row_of_input.padded);
            }
            for (index, packed) in packed.layers()[layer].iter().enumerate() {
                let direction = &mut here.directions[index];
                // The step whose output was wanted.
                let only = match spec.output {
                    OutputMode::Final if top => Some(if direction.reverse { 0 } else { time - 1 }),
                    OutputMode::Last if top => Some(time - 1),
                    _ => None,
                };
                let mut back = BackwardThroughTime {
                    kind: spec.cell,
                    packed,
                    rows,
                    width,
                    input,
                    output: &here.output,
                    dh_next: &mut self.dh_next[..rows * packed.hidden],
                    dc_next: &mut self.dc_next[..rows * packed.hidden],
                    dh: &mut self.dh[..rows * packed.hidden],
                    zeros: &self.zeros[..packed.hidden],
                    operands: &mut self.operands,
                };
                let d_input = goes_on.then_some(&mut self.d_input[..]);
                back.run::<S>(direction, &self.d_output, only, d_input, &mut gradients[layer][index]);
            }
            if goes_on {
                if let (Some(dropout), Some(below)) = (dropout, layer.checked_sub(1)) {
                    let draw = Draw::new(dropout, below, time, width);
                    draw.mask(self.first, rows, &mut self.d_input);
                }
                std::mem::swap(&mut self.d_output, &mut self.d_input);
            }
        }
    }

    /// The gradient with respect to the input, `[rows, time, features]`.
    fn put_d_input(&self, spec: &Spec, into: &mut [f32]) {
        let row_of_input = spec.input_row(0);
        for (index, values) in into.chunks_exact_mut(row_of_input.len).enumerate() {
            let offset = (index % self.time * self.rows + index / self.time) * row_of_input.padded;
            row_of_input.unpad(&self.d_output[offset..offset + row_of_input.padded], values);
        }
    }
}

/// One direction's gradients of all workers, to be added in their order, so that the same number of them
/// gives the same sums.
struct Sum<'a> {
    sums: Vec<&'a Gradients>,
    packed: &'a PackedDirection,
    units: usize,
    input: PaddedRow,
    into: [&'a mut [f32]; 4],
}

impl Job for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self) {
        for (index, sum) in self.sums.iter().enumerate() {
            sum.add_to(self.packed, self.units, &self.input, &mut self.into, index == 0);
        }
    }
}

/// The next four.
fn four<'a>(slices: &mut std::slice::IterMut<'a, &mut [f32]>) -> Option<[&'a mut [f32]; 4]> {
    Some([slices.next()?, slices.next()?, slices.next()?, slices.next()?])
}
