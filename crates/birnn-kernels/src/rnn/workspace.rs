//! The buffers of passes, and how a batch is shared out.

use std::cmp::Reverse;
use std::ops::Range;

use super::chunk::Chunk;
use super::gradients::Gradients;
use super::lengths::Lengths;
use super::packed::Packed;
use super::segments::Keep;
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
    /// Steps of segments, where those are recomputed.
    recompute: Option<usize>,
    /// What the buffers have room for; of no sample at the beginning.
    batch: Batch,
    last: Option<Pass>,
}

/// A batch, and how it is shared out.
#[derive(Debug, Default)]
pub(super) struct Batch {
    spec: Option<Spec>,
    /// What is kept for a backward pass.
    keep: Keep,
    /// Steps of each sample.
    pub(super) lengths: Vec<usize>,
    /// How many steps of the batch come before each sample's own, and at the end how many there are.
    pub(super) begins: Vec<usize>,
    /// The samples, the longest first.
    order: Vec<usize>,
}

/// A pass whose results are in the buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Of the parameters.
    pub(super) version: u64,
    pub(super) dropout: Option<Dropout>,
    /// Whether a backward pass can follow, once.
    pub(super) saved: bool,
}

/// What one worker does of a batch.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Its part of [`Batch::order`].
    part: Range<usize>,
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
        Workspace { workers: workers.clone(), shards, recompute: None, batch: Batch::default(), last: None }
    }

    /// The same, which keeps for a backward pass the states between segments of so many steps, or as many
    /// more as it takes for the same bits, and recomputes all else on the way back: for one more pass
    /// forward, gates and cells of one segment are in memory, and not those of all steps. What a layer puts
    /// out stays where the layer above or the caller needs every step of it: with one layer, read by its
    /// final states, memory beside the input is least where a segment has about as many steps as there are
    /// segments, the square root of them all.
    ///
    /// # Panics
    ///
    /// Where `steps` is 0.
    pub fn with_recompute(self, steps: Option<usize>) -> Workspace {
        assert!(steps != Some(0), "segments of no step");
        Workspace { recompute: steps, ..self }
    }

    /// What a pass keeps that a backward pass follows.
    pub(super) fn keep(&self) -> Keep {
        self.recompute.map_or(Keep::All, Keep::Segments)
    }

    /// The states after each direction's last step of the last pass, which was with `packed` or with other
    /// parameters of its spec.
    ///
    /// # Panics
    ///
    /// Where there was no such pass, or it was one whose segments are to be recomputed, or, with
    /// [`OutputMode::Last`], the top layer's reverse direction was not taken to its end.
    pub fn final_states(&self, packed: &Packed) -> States {
        let spec = packed.spec();
        let is_there = self.last.is_some() && self.batch.spec == Some(*spec);
        assert!(is_there, "the final states of a pass that has not been");
        let are_kept = !matches!(self.batch.keep, Keep::Segments(_));
        assert!(are_kept, "the final states of a pass that keeps segments alone");
        assert!(
            spec.output != OutputMode::Last || spec.reverse.is_none(),
            "`OutputMode::Last` does not take the reverse direction to its end: there is no final state of it"
        );
        let mut states = States::zeros(spec, self.batch.lengths.len());
        for chunk in self.chunks() {
            chunk.end_with(spec, &mut states);
        }
        states
    }

    /// Deals the samples out to the workers, by their steps, where the batch is not laid out as the one
    /// before. No pass is the last one any more.
    pub(super) fn reshape(&mut self, spec: &Spec, lengths: Lengths, keep: Keep) {
        self.last = None;
        let Batch { lengths: before, .. } = &self.batch;
        let same = before.len() == lengths.batch() && lengths.each().eq(before.iter().copied());
        if same && (self.batch.spec, self.batch.keep) == (Some(*spec), keep) {
            return;
        }
        let batch = &mut self.batch;
        (batch.spec, batch.keep) = (Some(*spec), keep);
        if !same {
            batch.set(lengths);
        }
        let Batch { lengths, begins, order, .. } = &*batch;
        let (workers, total) = (self.shards.len(), begins[lengths.len()]);
        // A sample goes to the worker in whose part of all steps its middle falls; of equal ones its end,
        // which the results of seeded trainings rest on.
        let equal =
            order.first().map(|&sample| lengths[sample]) == order.last().map(|&sample| lengths[sample]);
        let (mut start, mut dealt) = (0, 0);
        for (index, shard) in self.shards.iter_mut().enumerate() {
            let due = total * (index + 1) / workers;
            let fitting = order[start..].iter().take_while(|&&sample| {
                let length = lengths[sample];
                let fits = dealt + if equal { length } else { length / 2 } <= due;
                dealt += if fits { length } else { 0 };
                fits
            });
            let end = start + fitting.count();
            let part = &order[start..end];
            shard.part = start..end;
            shard.used = part.len().div_ceil(CHUNK);
            if shard.chunks.len() < shard.used {
                shard.chunks.resize_with(shard.used, Chunk::default);
            }
            let count = shard.used;
            for (index, chunk) in shard.chunks.iter_mut().take(count).enumerate() {
                let samples = &part[part.len() * index / count..part.len() * (index + 1) / count];
                chunk.reshape(spec, samples, lengths, begins, keep);
            }
            start = end;
        }
    }

    /// Cuts `values`, which are `[steps, width]` of each sample, or `[width]`, and gives each shard those of
    /// its rows.
    pub(super) fn deal<'a>(
        &self,
        values: &'a mut [f32],
        width: usize,
        every_step: bool,
    ) -> Vec<Vec<&'a mut [f32]>> {
        let mut rest = values;
        let cut = |&length: &usize| {
            let length = if every_step { length * width } else { width };
            let (own, others) = std::mem::take(&mut rest).split_at_mut(length);
            rest = others;
            own
        };
        let mut samples: Vec<&mut [f32]> = self.batch.lengths.iter().map(cut).collect();
        let parts = self.shards.iter().map(|shard| &self.batch.order[shard.part.clone()]);
        parts.map(|part| part.iter().map(|&sample| std::mem::take(&mut samples[sample])).collect()).collect()
    }

    /// The workers and what each of them does.
    pub(super) fn parts(&mut self) -> (&Workers, &mut [Shard]) {
        (&self.workers, &mut self.shards)
    }

    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.shards.iter().flat_map(Shard::chunks)
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn last(&self) -> Option<&Pass> {
        self.last.as_ref()
    }

    pub(super) fn set_last(&mut self, pass: Pass) {
        self.last = Some(pass);
    }
}

impl Batch {
    fn set(&mut self, lengths: Lengths) {
        self.lengths.clear();
        self.lengths.extend(lengths.each());
        self.begins.clear();
        self.begins.push(0);
        let mut total = 0;
        self.begins.extend(self.lengths.iter().map(|length| {
            total += length;
            total
        }));
        self.order.clear();
        self.order.extend(0..self.lengths.len());
        // Those of the same length in their order.
        self.order.sort_unstable_by_key(|&sample| (Reverse(self.lengths[sample]), sample));
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
