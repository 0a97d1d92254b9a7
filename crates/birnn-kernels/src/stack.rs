//! The whole stack, and the workers that take a batch through it.

use std::ops::Range;

use crate::chunk::{Chunk, Common};
use crate::simd::{Simd, Work};
use crate::spec::{Dropout, Parts, Read, Spec};
use crate::weights::{Gradients, Weights};
use crate::workers::Workers;

/// A stack of recurrent layers with its parameters, and the buffers of its last batch.
#[derive(Debug)]
pub struct Stack {
    spec: Spec,
    workers: Workers,
    weights: Vec<Vec<Weights>>,
    shares: Vec<Share>,
    shape: Shape,
    dropout: Option<Dropout>,
    /// Whether it has parameters, and whether what the last pass kept can still go back with them.
    loaded: bool,
    kept: bool,
}

/// What the buffers are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    batch: usize,
    time: usize,
    /// Whether there is a way back.
    keeps: bool,
}

/// What one worker does of a batch.
#[derive(Debug)]
struct Share {
    samples: Range<usize>,
    chunks: Vec<Chunk>,
    gradients: Vec<Vec<Gradients>>,
}

/// Samples in a chunk: what they need at a time step stays in the second-level cache.
const CHUNK: usize = 64;

impl Stack {
    /// A stack whose work is shared by `workers`. It has no parameters yet.
    ///
    /// # Panics
    ///
    /// Where there is no layer, no feature, or a direction without units.
    pub fn new(spec: Spec, workers: &Workers) -> Stack {
        let all_there = spec.layers > 0 && spec.features > 0 && spec.directions().all(|units| units > 0);
        assert!(all_there, "a stack needs a layer, a feature and a unit at least: {spec:?}");
        let instructions = workers.instructions();
        let weights: Vec<Vec<Weights>> = (0..spec.layers)
            .map(|layer| {
                spec.directions().map(|hidden| Weights::new(&spec, layer, hidden, instructions)).collect()
            })
            .collect();
        let share = || Share {
            samples: 0..0,
            chunks: Vec::new(),
            gradients: weights.iter().map(|layer| layer.iter().map(Gradients::new).collect()).collect(),
        };
        let shares = (0..workers.count()).map(|_| share()).collect();
        Stack {
            spec,
            workers: workers.clone(),
            weights,
            shares,
            shape: Shape::default(),
            dropout: None,
            loaded: false,
            kept: false,
        }
    }

    /// What it is.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Takes in the parameters: for each layer and each direction `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, of the
    /// lengths of [`Spec::parameters`].
    ///
    /// # Panics
    ///
    /// Where there are more, fewer, or of other lengths.
    pub fn load(&mut self, parameters: &[&[f32]]) {
        let lengths: Vec<usize> = parameters.iter().map(|values| values.len()).collect();
        assert_eq!(lengths, self.spec.parameters(), "the lengths of the parameters");
        let mut parameters = parameters.chunks_exact(4);
        let mut jobs = Vec::new();
        for (layer, directions) in self.weights.iter_mut().enumerate() {
            for (weights, units) in directions.iter_mut().zip(self.spec.directions()) {
                if let Some(&[ih, hh, bias_ih, bias_hh]) = parameters.next() {
                    let parameters = [ih, hh, bias_ih, bias_hh];
                    jobs.push(Load { weights, parameters, units, input: self.spec.input(layer) });
                }
            }
        }
        self.workers.share(jobs);
        (self.loaded, self.kept) = (true, false);
    }

    /// `input [batch, time, features]` to what is read: `[batch, width]`, or `[batch, time, width]` for
    /// [`Read::Sequence`]. Keeps what [`Stack::backward`] needs.
    ///
    /// # Panics
    ///
    /// Where `batch` or `time` is 0, the lengths of `input` and `read` are not those, there are no parameters yet, or the
    /// probability of dropout is not in `[0, 1)`.
    pub fn forward(
        &mut self,
        input: &[f32],
        batch: usize,
        time: usize,
        dropout: Option<Dropout>,
        read: &mut [f32],
    ) {
        if let Some(Dropout { probability, .. }) = dropout {
            assert!(
                (0.0..1.0).contains(&probability),
                "a probability of dropout of {probability}, not in [0, 1)"
            );
        }
        self.dropout = dropout.filter(|dropout| dropout.probability > 0.0);
        self.pass(input, Shape { batch, time, keeps: true }, read);
        self.kept = true;
    }

    /// As [`Stack::forward`] without dropout, for when nothing goes back: the same values, in less memory and time.
    ///
    /// # Panics
    ///
    /// As [`Stack::forward`].
    pub fn infer(&mut self, input: &[f32], batch: usize, time: usize, read: &mut [f32]) {
        self.dropout = None;
        self.kept = false;
        self.pass(input, Shape { batch, time, keeps: false }, read);
    }

    fn pass(&mut self, input: &[f32], shape: Shape, read: &mut [f32]) {
        let Shape { batch, time, .. } = shape;
        assert!(self.loaded, "a stack without parameters: `load` comes first");
        assert!(batch > 0 && time > 0, "a batch of {batch} x {time} steps: one of each is the least");
        let features = self.spec.features;
        assert_eq!(
            input.len(),
            batch * time * features,
            "values of the input, not {batch} x {time} x {features}"
        );
        assert_eq!(read.len(), self.read_len(shape), "the length of what is read");
        self.cut(shape);
        let common = Common { spec: &self.spec, weights: &self.weights, dropout: self.dropout };
        let (wide, long) = (time * self.spec.features, read.len() / batch);
        let (mut input, mut read) = (input, read);
        let mut jobs = Vec::with_capacity(self.shares.len());
        for share in &mut self.shares {
            let (own, rest) = input.split_at(share.samples.len() * wide);
            let (into, others) = std::mem::take(&mut read).split_at_mut(share.samples.len() * long);
            (input, read) = (rest, others);
            jobs.push(Forward { common, chunks: &mut share.chunks, input: own, read: into, wide, long });
        }
        self.workers.share(jobs);
    }

    /// From the gradient by what the last [`Stack::forward`] read to the gradient by every parameter, once: what was kept is used
    /// up by it. In the order of
    /// [`Stack::load`] and of the same lengths; what was in `gradients` is overwritten.
    ///
    /// # Panics
    ///
    /// Where the last call was not [`Stack::forward`], or the lengths are not those.
    pub fn backward(&mut self, d_read: &[f32], gradients: &mut [&mut [f32]]) {
        let kept = std::mem::take(&mut self.kept);
        assert!(
            kept,
            "nothing to go back from: `forward` must be the call before (`backward` uses up what it kept)"
        );
        assert_eq!(d_read.len(), self.read_len(self.shape), "the length of the gradient");
        let lengths: Vec<usize> = gradients.iter().map(|values| values.len()).collect();
        assert_eq!(lengths, self.spec.parameters(), "the lengths of the gradients");
        let common = Common { spec: &self.spec, weights: &self.weights, dropout: self.dropout };
        let long = d_read.len() / self.shape.batch;
        let mut jobs = Vec::with_capacity(self.shares.len());
        for share in &mut self.shares {
            let d_read = &d_read[share.samples.start * long..share.samples.end * long];
            jobs.push(Backward {
                common,
                chunks: &mut share.chunks,
                d_read,
                gradients: &mut share.gradients,
                long,
            });
        }
        self.workers.share(jobs);
        let mut into = gradients.iter_mut();
        let mut jobs = Vec::new();
        for layer in 0..self.spec.layers {
            for (direction, units) in self.spec.directions().enumerate() {
                let sums = self.shares.iter().filter(|share| !share.chunks.is_empty());
                let sums = sums.map(|share| &share.gradients[layer][direction]).collect();
                let weights = &self.weights[layer][direction];
                let Some(into) = four(&mut into) else { return };
                jobs.push(Sum { sums, weights, units, input: self.spec.input(layer), into });
            }
        }
        self.workers.share(jobs);
    }

    fn read_len(&self, shape: Shape) -> usize {
        let steps = if self.spec.read == Read::Sequence { shape.time } else { 1 };
        shape.batch * steps * self.spec.width()
    }

    /// Deals the samples out to the workers, where the shape is not that of the batch before.
    fn cut(&mut self, shape: Shape) {
        if shape == self.shape {
            return;
        }
        self.shape = shape;
        let Shape { batch, time, keeps } = shape;
        let instructions = self.workers.instructions();
        let workers = self.shares.len();
        for (index, share) in self.shares.iter_mut().enumerate() {
            share.samples = batch * index / workers..batch * (index + 1) / workers;
            let count = share.samples.len().div_ceil(CHUNK);
            let Range { start, .. } = share.samples;
            let len = share.samples.len();
            share.chunks = (0..count)
                .map(|chunk| start + len * chunk / count..start + len * (chunk + 1) / count)
                .map(|samples| Chunk::new(&self.spec, samples, time, keeps, instructions))
                .collect();
        }
    }
}

struct Forward<'a> {
    common: Common<'a>,
    chunks: &'a mut [Chunk],
    input: &'a [f32],
    read: &'a mut [f32],
    /// Values of a sample in the input, and in what is read.
    wide: usize,
    long: usize,
}

struct Backward<'a> {
    common: Common<'a>,
    chunks: &'a mut [Chunk],
    d_read: &'a [f32],
    gradients: &'a mut [Vec<Gradients>],
    long: usize,
}

impl Work for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let first = self.chunks.first().map_or(0, |chunk| chunk.samples().start);
        for chunk in self.chunks {
            let Range { start, end } = chunk.samples();
            let (start, end) = (start - first, end - first);
            let input = &self.input[start * self.wide..end * self.wide];
            chunk.forward::<S>(self.common, input, &mut self.read[start * self.long..end * self.long]);
        }
    }
}

impl Work for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.gradients.iter_mut().flatten().for_each(Gradients::clear);
        let first = self.chunks.first().map_or(0, |chunk| chunk.samples().start);
        for chunk in self.chunks {
            let Range { start, end } = chunk.samples();
            let d_read = &self.d_read[(start - first) * self.long..(end - first) * self.long];
            chunk.backward::<S>(self.common, d_read, self.gradients);
        }
    }
}

/// One direction's parameters to be taken in.
struct Load<'a> {
    weights: &'a mut Weights,
    parameters: [&'a [f32]; 4],
    units: usize,
    input: Parts,
}

impl Work for Load<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.weights.load(self.parameters, self.units, &self.input);
    }
}

/// One direction's gradients of all workers, to be added in their order, so that the same number of them gives the same sums.
struct Sum<'a> {
    sums: Vec<&'a Gradients>,
    weights: &'a Weights,
    units: usize,
    input: Parts,
    into: [&'a mut [f32]; 4],
}

impl Work for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self) {
        for (index, sum) in self.sums.iter().enumerate() {
            sum.add_to(self.weights, self.units, &self.input, &mut self.into, index == 0);
        }
    }
}

/// The next four.
fn four<'a>(slices: &mut std::slice::IterMut<'a, &mut [f32]>) -> Option<[&'a mut [f32]; 4]> {
    Some([slices.next()?, slices.next()?, slices.next()?, slices.next()?])
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
