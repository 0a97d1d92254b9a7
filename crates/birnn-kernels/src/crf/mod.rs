//! A linear-chain conditional random field: losses, gradients, marginals and the best tags.
//!
//! All is computed in `f64`. Probabilities are products of weights, the exponentials of scores, along the
//! sequence; so a step costs one product of a row by a table, and as many exponentials as there are tags.
//! Each row is scaled to a sum of one. Weights that are too far apart for this, those of emissions or
//! transitions hundreds apart, are noticed, and their sequence is computed again by its scores themselves,
//! which hold anything and cost an exponential for each transition. See [`numbers`] for both and for what
//! "too far" is.
//!
//! No loop fuses multiplication and addition or adds in an order that depends on the width of vectors: every
//! set of instructions gives the same bits, and whoever makes a [`Crf`] need not choose one.

mod best;
mod numbers;
mod passes;
mod reach;
#[cfg(test)]
mod tests;

use birnn_architecture::LegalTags;

use crate::isa::{Instructions, Job, Simd};
use best::Best;
use numbers::{Block, Linear, Numbers, Table, Weights};
use passes::Passes;

/// A linear-chain conditional random field (Lafferty, McCallum and Pereira 2001) over a number of tags, as
/// `pytorch-crf` has it. The score of tags `y` is
///
/// `start[y_0] + sum_t emissions[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_last]`,
///
/// and their probability the exponential of it over the sum of the exponentials of all sequences of tags.
/// Passes only read it, so any number of threads may share one.
///
/// Emissions are `[steps of all, tags]`: those of one sequence after the other, which have `lengths` steps,
/// at least one each. A sequence gives the same bits alone and beside any others. Where a NaN goes in,
/// losses, gradients and marginals are NaN; the best tags are legal ones nonetheless.
///
/// What is not legal has probability zero whatever its parameter says, which then has no gradient. The loss
/// of labels that are not legal is infinite. Where no tags are legal, losses and marginals are NaN. A
/// parameter of minus infinity makes illegal, too.
#[derive(Clone, Debug)]
pub struct Crf {
    instructions: Instructions,
    tags: usize,
    /// Scores, less the largest of their kind, which changes nothing; of what is illegal, minus infinity.
    log: Weights,
    /// Their exponentials.
    linear: Weights,
}

/// A loss, and its gradient with respect to the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct CrfGradient {
    /// The sum of the losses of all sequences.
    pub loss: f64,
    /// `[from, to]`.
    pub transitions: Vec<f64>,
    /// Of each tag.
    pub start: Vec<f64>,
    /// Of each tag.
    pub end: Vec<f64>,
}

/// Of so many tags the scores of transitions, and the sums over them, take half a gigabyte.
pub const MOST_TAGS: usize = 4096;

impl Crf {
    /// From `transitions [tags from, tags to]`, `start [tags]` and `end [tags]`. Without `legal` everything
    /// is.
    ///
    /// # Panics
    ///
    /// Where there is no tag or are more than [`MOST_TAGS`], or the lengths are not those.
    pub fn new(
        tags: usize,
        transitions: &[f32],
        start: &[f32],
        end: &[f32],
        legal: Option<&LegalTags>,
    ) -> Crf {
        assert!((1..=MOST_TAGS).contains(&tags), "a random field of {tags} tags");
        let transitions =
            scores(transitions, legal.map(|legal| &*legal.transitions), tags * tags, "transitions");
        let start = scores(start, legal.map(|legal| &*legal.start), tags, "starts");
        let end = scores(end, legal.map(|legal| &*legal.end), tags, "ends");
        let log = Weights {
            start: numbers::padded(&start),
            end: numbers::padded(&end),
            forward: Table::new(tags, |from, to| transitions[from * tags + to]),
            backward: Table::new(tags, |to, from| transitions[from * tags + to]),
        };
        let instructions = Instructions::best();
        let mut linear = log.clone();
        instructions.run(Exponentials(&mut linear));
        Crf { instructions, tags, log, linear }
    }

    /// How many tags there are.
    pub fn tags(&self) -> usize {
        self.tags
    }

    /// The sum of the losses, each `-log p(labels | emissions)`, and its gradient; that with respect to the
    /// emissions is written over `d_emissions`, of their shape. Whoever wants a mean scales them.
    ///
    /// # Panics
    ///
    /// Where the lengths are not of each other, a sequence has no step, or a label is not a tag.
    pub fn gradient(
        &self,
        emissions: &[f32],
        lengths: &[usize],
        labels: &[u16],
        d_emissions: &mut [f32],
    ) -> CrfGradient {
        self.check(emissions, lengths, Some(labels));
        assert_eq!(d_emissions.len(), emissions.len(), "the length of the gradient");
        let mut found = CrfGradient {
            loss: 0.0,
            transitions: vec![0.0; self.tags * self.tags],
            start: vec![0.0; self.tags],
            end: vec![0.0; self.tags],
        };
        let batch = Batch { crf: self, emissions, lengths };
        self.instructions.run(Gradient { batch, labels, d_emissions, found: &mut found });
        found
    }

    /// `-log p(labels | emissions)` of each sequence: those that [`Crf::gradient`] adds up.
    ///
    /// # Panics
    ///
    /// As [`Crf::gradient`].
    pub fn losses(&self, emissions: &[f32], lengths: &[usize], labels: &[u16]) -> Vec<f64> {
        self.check(emissions, lengths, Some(labels));
        let mut losses = vec![0.0; lengths.len()];
        let batch = Batch { crf: self, emissions, lengths };
        self.instructions.run(Losses { batch, labels, losses: &mut losses });
        losses
    }

    /// The most probable tags, those of each step of all sequences (Viterbi's algorithm). Of equally probable
    /// ones, those whose last tag is the lowest; of these, the last but one, and so on. They are legal if any
    /// are.
    ///
    /// # Panics
    ///
    /// As [`Crf::gradient`].
    pub fn decode(&self, emissions: &[f32], lengths: &[usize]) -> Vec<u16> {
        self.check(emissions, lengths, None);
        let mut tags = vec![0; emissions.len() / self.tags];
        let batch = Batch { crf: self, emissions, lengths };
        self.instructions.run(Decode { batch, tags: &mut tags });
        tags
    }

    /// The probability of each tag at each step, given the whole sequence: `[steps of all, tags]`.
    ///
    /// # Panics
    ///
    /// As [`Crf::gradient`].
    pub fn marginals(&self, emissions: &[f32], lengths: &[usize]) -> Vec<f32> {
        self.check(emissions, lengths, None);
        let mut marginals = vec![0.0; emissions.len()];
        let batch = Batch { crf: self, emissions, lengths };
        self.instructions.run(Marginals { batch, marginals: &mut marginals });
        marginals
    }

    /// That these are of each other, and of this field.
    fn check(&self, emissions: &[f32], lengths: &[usize], labels: Option<&[u16]>) {
        let steps: usize = lengths.iter().sum();
        assert!(!lengths.contains(&0), "a sequence of no steps");
        assert_eq!(emissions.len(), steps * self.tags, "the length of emissions");
        if let Some(labels) = labels {
            assert_eq!(labels.len(), steps, "the length of labels");
            let most = labels.iter().max().map_or(0, |&label| usize::from(label));
            assert!(most < self.tags, "a label {most} of {} tags", self.tags);
        }
    }

    /// Adds what the labels of a sequence take from its marginals to its gradient; what is illegal has none.
    #[inline(always)]
    fn add_observed(
        &self,
        marginals: &[Block],
        labels: &[u16],
        d_emissions: &mut [f32],
        found: &mut CrfGradient,
    ) {
        let tags = self.tags;
        let row = |step: usize| &marginals[step * self.blocks()..][..self.blocks()].as_flattened()[..tags];
        for (step, (d, &label)) in d_emissions.chunks_exact_mut(tags).zip(labels).enumerate() {
            for (tag, (d, p)) in d.iter_mut().zip(row(step)).enumerate() {
                *d = (p - f64::from(u8::from(tag == usize::from(label)))) as f32;
            }
        }
        let last = labels.len() - 1;
        for (d, scores, step) in
            [(&mut found.start, &self.log.start, 0), (&mut found.end, &self.log.end, last)]
        {
            d.iter_mut().zip(row(step)).for_each(|(d, p)| *d += p);
            let label = usize::from(labels[step]);
            d[label] -= observed(scores.as_flattened()[label]);
        }
        for pair in labels.windows(2) {
            let (from, to) = (usize::from(pair[0]), usize::from(pair[1]));
            found.transitions[from * tags + to] -= observed(self.log.forward.get(from, to));
        }
    }

    /// Blocks of a row of all tags.
    fn blocks(&self) -> usize {
        self.log.start.len()
    }
}

/// Parameters as scores, less the largest; minus infinity where they are not legal.
fn scores(values: &[f32], legal: Option<&[bool]>, length: usize, what: &str) -> Vec<f64> {
    assert_eq!(values.len(), length, "the length of {what}");
    let mut scores: Vec<f64> = values.iter().copied().map(f64::from).collect();
    if let Some(legal) = legal {
        assert_eq!(legal.len(), length, "the length of legal {what}");
        for (score, _) in scores.iter_mut().zip(legal).filter(|(_, legal)| !**legal) {
            *score = f64::NEG_INFINITY;
        }
    }
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_finite() {
        scores.iter_mut().for_each(|score| *score -= most);
    }
    scores
}

/// How often something of this score was seen by its having been seen: what is illegal does not count.
fn observed(score: f64) -> f64 {
    if score == f64::NEG_INFINITY { 0.0 } else { 1.0 }
}

/// Sequences that are asked about.
struct Batch<'a> {
    crf: &'a Crf,
    emissions: &'a [f32],
    lengths: &'a [usize],
}

impl<'a> Batch<'a> {
    /// Of each sequence, which steps are its, and their emissions.
    #[inline(always)]
    fn sequences(&self) -> impl Iterator<Item = (std::ops::Range<usize>, &'a [f32])> + use<'a> {
        let Batch { crf, emissions, lengths } = *self;
        let mut start = 0;
        lengths.iter().map(move |length| {
            let steps = start..start + length;
            start = steps.end;
            (steps.clone(), &emissions[steps.start * crf.tags..steps.end * crf.tags])
        })
    }

    fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

/// Scores to their exponentials.
struct Exponentials<'a>(&'a mut Weights);

impl Job for Exponentials<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.0.map(Linear::of_log);
    }
}

struct Losses<'a> {
    batch: Batch<'a>,
    labels: &'a [u16],
    losses: &'a mut [f64],
}

impl Job for Losses<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Losses { batch, labels, losses } = self;
        let mut passes = Passes::new(batch.crf, batch.longest());
        for ((steps, emissions), loss) in batch.sequences().zip(losses) {
            *loss = passes.loss(emissions, &labels[steps]);
        }
    }
}

struct Gradient<'a> {
    batch: Batch<'a>,
    labels: &'a [u16],
    d_emissions: &'a mut [f32],
    found: &'a mut CrfGradient,
}

impl Job for Gradient<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Gradient { batch, labels, d_emissions, found } = self;
        let crf = batch.crf;
        let mut passes = Passes::new(crf, batch.longest());
        let mut expected = Table::new(crf.tags, |_, _| 0.0);
        for (steps, emissions) in batch.sequences() {
            let labels = &labels[steps.clone()];
            found.loss += passes.loss(emissions, labels);
            passes.backward();
            passes.add_transitions(&mut expected);
            let d_emissions = &mut d_emissions[steps.start * crf.tags..steps.end * crf.tags];
            crf.add_observed(passes.marginals(), labels, d_emissions, found);
        }
        for (at, d) in found.transitions.iter_mut().enumerate() {
            *d += expected.get(at / crf.tags, at % crf.tags);
        }
    }
}

struct Marginals<'a> {
    batch: Batch<'a>,
    marginals: &'a mut [f32],
}

impl Job for Marginals<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Marginals { batch, marginals } = self;
        let tags = batch.crf.tags;
        let mut passes = Passes::new(batch.crf, batch.longest());
        for (steps, emissions) in batch.sequences() {
            passes.forward(emissions);
            passes.backward();
            let rows = passes.marginals().chunks_exact(batch.crf.blocks());
            let found = marginals[steps.start * tags..steps.end * tags].chunks_exact_mut(tags);
            for (found, row) in found.zip(rows) {
                found.iter_mut().zip(row.as_flattened()).for_each(|(found, &p)| *found = p as f32);
            }
        }
    }
}

struct Decode<'a> {
    batch: Batch<'a>,
    tags: &'a mut [u16],
}

impl Job for Decode<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Decode { batch, tags } = self;
        let mut best = Best::new(batch.crf);
        for (steps, emissions) in batch.sequences() {
            best.decode(emissions, &mut tags[steps]);
        }
    }
}
