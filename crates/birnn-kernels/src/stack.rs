//! The whole stack, and the workers that take a batch through it.

use std::ops::Range;

use crate::chunk::{Chunk, Common};
use crate::simd::{Instructions, Simd, Work};
use crate::spec::{Dropout, Read, Spec};
use crate::weights::{Gradients, Weights};

/// A stack of recurrent layers with its parameters, and the buffers of its last batch.
#[derive(Debug)]
pub struct Stack {
    spec: Spec,
    instructions: Instructions,
    weights: Vec<Vec<Weights>>,
    workers: Vec<Worker>,
    batch: usize,
    time: usize,
    dropout: Option<Dropout>,
}

/// What one thread does of a batch.
#[derive(Debug)]
struct Worker {
    samples: Range<usize>,
    chunks: Vec<Chunk>,
    gradients: Vec<Vec<Gradients>>,
}

/// Samples in a chunk: what they need at a time step stays in the second-level cache.
const CHUNK: usize = 64;

impl Stack {
    /// A stack whose work is shared by `workers` threads, at least one.
    pub fn new(spec: Spec, workers: usize, instructions: Instructions) -> Stack {
        let weights: Vec<Vec<Weights>> = (0..spec.layers)
            .map(|layer| {
                spec.directions().map(|hidden| Weights::new(&spec, layer, hidden, instructions)).collect()
            })
            .collect();
        let worker = || Worker {
            samples: 0..0,
            chunks: Vec::new(),
            gradients: weights.iter().map(|layer| layer.iter().map(Gradients::new).collect()).collect(),
        };
        let workers = (0..workers.max(1)).map(|_| worker()).collect();
        Stack { spec, instructions, weights, workers, batch: 0, time: 0, dropout: None }
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
        for (layer, directions) in self.weights.iter_mut().enumerate() {
            let input = self.spec.input(layer);
            for (weights, units) in directions.iter_mut().zip(self.spec.directions()) {
                if let Some(&[ih, hh, bias_ih, bias_hh]) = parameters.next() {
                    weights.load([ih, hh, bias_ih, bias_hh], units, &input);
                }
            }
        }
    }

    /// `input [batch, time, features]` to what is read: `[batch, width]`, or `[batch, time, width]` for
    /// [`Read::Sequence`].
    ///
    /// # Panics
    ///
    /// Where `batch` or `time` is 0, or the lengths of `input` and `read` are not those.
    pub fn forward(
        &mut self,
        input: &[f32],
        batch: usize,
        time: usize,
        dropout: Option<Dropout>,
        read: &mut [f32],
    ) {
        assert!(batch > 0 && time > 0, "a batch of {batch} x {time} steps");
        assert_eq!(input.len(), batch * time * self.spec.features, "the length of the input");
        assert_eq!(read.len(), self.read_len(batch, time), "the length of what is read");
        self.cut(batch, time);
        self.dropout = dropout.filter(|dropout| dropout.probability > 0.0);
        let common = Common { spec: &self.spec, weights: &self.weights, dropout: self.dropout };
        let (wide, long) = (time * self.spec.features, read.len() / batch);
        let (mut input, mut read) = (input, read);
        let mut jobs = Vec::with_capacity(self.workers.len());
        for worker in &mut self.workers {
            let (own, rest) = input.split_at(worker.samples.len() * wide);
            let (into, others) = std::mem::take(&mut read).split_at_mut(worker.samples.len() * long);
            (input, read) = (rest, others);
            jobs.push(Forward { common, chunks: &mut worker.chunks, input: own, read: into, wide, long });
        }
        share(self.instructions, jobs);
    }

    /// From the gradient by what the last [`Stack::forward`] read to the gradient by every parameter, in the order of
    /// [`Stack::load`]; `gradients` are overwritten.
    ///
    /// # Panics
    ///
    /// Where no batch went forward, or the lengths are not those.
    pub fn backward(&mut self, d_read: &[f32], gradients: &mut [Vec<f32>]) {
        assert!(self.batch > 0, "backward before forward");
        assert_eq!(d_read.len(), self.read_len(self.batch, self.time), "the length of the gradient");
        let common = Common { spec: &self.spec, weights: &self.weights, dropout: self.dropout };
        let long = d_read.len() / self.batch;
        let mut jobs = Vec::with_capacity(self.workers.len());
        for worker in &mut self.workers {
            let d_read = &d_read[worker.samples.start * long..worker.samples.end * long];
            jobs.push(Backward {
                common,
                chunks: &mut worker.chunks,
                d_read,
                gradients: &mut worker.gradients,
                long,
            });
        }
        share(self.instructions, jobs);
        for (gradient, length) in gradients.iter_mut().zip(self.spec.parameters()) {
            gradient.clear();
            gradient.resize(length, 0.0);
        }
        let mut into = gradients.chunks_exact_mut(4);
        for layer in 0..self.spec.layers {
            let input = self.spec.input(layer);
            for (index, units) in self.spec.directions().enumerate() {
                let Some(into) = into.next() else { return };
                // In the workers' order, so that the same number of them gives the same sums.
                for worker in self.workers.iter().filter(|worker| !worker.chunks.is_empty()) {
                    worker.gradients[layer][index].add_to(&self.weights[layer][index], units, &input, into);
                }
            }
        }
    }

    fn read_len(&self, batch: usize, time: usize) -> usize {
        let steps = if self.spec.read == Read::Sequence { time } else { 1 };
        batch * steps * self.spec.width()
    }

    /// Deals the samples out to the workers, where the shape is not that of the batch before.
    fn cut(&mut self, batch: usize, time: usize) {
        if (batch, time) == (self.batch, self.time) {
            return;
        }
        (self.batch, self.time) = (batch, time);
        let workers = self.workers.len();
        for (index, worker) in self.workers.iter_mut().enumerate() {
            worker.samples = batch * index / workers..batch * (index + 1) / workers;
            let count = worker.samples.len().div_ceil(CHUNK);
            let Range { start, .. } = worker.samples;
            let len = worker.samples.len();
            worker.chunks = (0..count)
                .map(|chunk| start + len * chunk / count..start + len * (chunk + 1) / count)
                .map(|samples| Chunk::new(&self.spec, samples, time))
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

/// Does the first job on this thread and each other on one of its own.
fn share<W: Work + Send>(instructions: Instructions, jobs: Vec<W>) {
    let mut jobs = jobs.into_iter();
    let first = jobs.next();
    std::thread::scope(|scope| {
        for job in jobs {
            scope.spawn(move || instructions.run(job));
        }
        if let Some(job) = first {
            instructions.run(job);
        }
    });
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
