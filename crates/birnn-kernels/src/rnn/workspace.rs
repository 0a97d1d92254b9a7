//! The buffers of passes, and how a batch is shared out.

use std::ops::Range;

use super::chunk::Chunk;
use super::gradients::Gradients;
use super::packed::Packed;
use super::spec::{OutputMode, Spec};
use super::states::States;
use crate::dropout::Dropout;
use crate::workers::Workers;

/// The buffers of passes through recurrent layers, and the workers that make them. It grows as it must, keeps
/// what it has, and can be used with any [`Packed`], one after the other.
///
/// A batch is cut by the number of workers, so the same number gives the same bytes.
#[derive(Debug)]
pub struct Workspace {
    workers: Workers,
    shards: Vec<Shard>,
    shape: Option<Shape>,
    last: Option<Pass>,
}

/// What the buffers have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) spec: Spec,
    pub(super) batch: usize,
    pub(super) time: usize,
    /// Whether there will be a backward pass.
    pub(super) save_for_backward: bool,
}

/// A pass whose results are in the buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) shape: Shape,
    /// Of the parameters.
    pub(super) version: u64,
    pub(super) dropout: Option<Dropout>,
    /// Whether a backward pass can follow, once.
    pub(super) saved: bool,
}

/// What one worker does of a batch.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) samples: Range<usize>,
    /// The first `used` have samples; the others wait for larger batches.
    chunks: Vec<Chunk>,
    used: usize,
    pub(super) gradients: Vec<Vec<Gradients>>,
}

/// Samples in a chunk: what they need at a time step stays in the second-level cache.
const CHUNK: usize = 64;

impl Workspace {
    /// An empty one, whose passes are shared out over `workers`.
    pub fn new(workers: &Workers) -> Workspace {
        let shards = (0..workers.count()).map(|_| Shard::default()).collect();
        Workspace { workers: workers.clone(), shards, shape: None, last: None }
    }

    /// The states after each direction's last step of the last pass, which was with `packed` or with other
    /// parameters of its spec.
    ///
    /// # Panics
    ///
    /// Where there was no such pass, or, with [`OutputMode::Last`] and two directions, the top layer's
    /// reverse one was not taken to its end.
    pub fn final_states(&self, packed: &Packed) -> States {
        let spec = packed.spec();
        let pass = self.last.filter(|pass| pass.shape.spec == *spec);
        let pass = pass.expect("the final states of a pass that has not been");
        assert!(
            spec.output != OutputMode::Last || spec.reverse.is_none(),
            "`OutputMode::Last` does not take the reverse direction to its end: there is no final state of it"
        );
        let mut states = States::zeros(spec, pass.shape.batch);
        for chunk in self.shards.iter().flat_map(Shard::chunks) {
            chunk.end_with(spec, &mut states);
        }
        states
    }

    /// Deals the samples out to the workers, where the shape is not that of the batch before. No pass is the
    /// last one any more.
    pub(super) fn reshape(&mut self, shape: Shape) {
        self.last = None;
        if self.shape == Some(shape) {
            return;
        }
        self.shape = Some(shape);
        let Shape { ref spec, batch, time, save_for_backward } = shape;
        let workers = self.shards.len();
        for (index, shard) in self.shards.iter_mut().enumerate() {
            let (start, end) = (batch * index / workers, batch * (index + 1) / workers);
            let len = end - start;
            shard.samples = start..end;
            shard.used = len.div_ceil(CHUNK);
            if shard.chunks.len() < shard.used {
                shard.chunks.resize_with(shard.used, Chunk::default);
            }
            for (index, chunk) in shard.chunks.iter_mut().take(shard.used).enumerate() {
                let samples = start + len * index / shard.used..start + len * (index + 1) / shard.used;
                chunk.reshape(spec, samples, time, save_for_backward);
            }
        }
    }

    /// The workers and what each of them does.
    pub(super) fn parts(&mut self) -> (&Workers, &mut [Shard]) {
        (&self.workers, &mut self.shards)
    }

    pub(super) fn last(&self) -> Option<&Pass> {
        self.last.as_ref()
    }

    pub(super) fn set_last(&mut self, pass: Pass) {
        self.last = Some(pass);
    }
}

impl Shard {
    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks[..self.used]
    }

    /// Its chunks, and the sums of their gradients by layer and direction.
    pub(super) fn parts(&mut self) -> (&mut [Chunk], &mut Vec<Vec<Gradients>>) {
        (&mut self.chunks[..self.used], &mut self.gradients)
    }
}
