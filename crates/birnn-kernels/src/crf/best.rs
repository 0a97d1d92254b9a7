//! The most probable tags of a sequence (Viterbi 1967). Pointers back are not kept: those of the tags that
//! are found are found again, from the same sums.

use super::Crf;
use super::numbers::{BLOCK, Block, Weights, larger, largest, zip};

/// What stands for scores that are not finite: sums of as many as there are steps are.
const MOST: f64 = 1e300;

/// Finds one sequence's after the other's, in the same buffers.
pub(super) struct Best {
    tags: usize,
    /// Minus infinity where it is illegal, and there alone.
    weights: Weights,
    /// The score of the best that ends with a tag: `[steps, blocks]`.
    scores: Vec<Block>,
    /// Of what is compared: `[blocks]`.
    sums: Vec<Block>,
}

impl Best {
    pub(super) fn new(crf: &Crf) -> Best {
        let mut weights = crf.log.clone();
        weights.map(|log| if log == f64::NEG_INFINITY { log } else { finite(log) });
        Best { tags: crf.tags, weights, scores: Vec::new(), sums: vec![[0.0; BLOCK]; crf.blocks()] }
    }

    #[inline(always)]
    pub(super) fn decode(&mut self, emissions: &[f32], tags: &mut [u16]) {
        self.forward(emissions);
        let blocks = self.sums.len();
        let Best { weights, scores, sums, .. } = self;
        let mut rows = scores.chunks_exact(blocks).rev();
        let mut next = None;
        for (tag, row) in tags.iter_mut().rev().zip(&mut rows) {
            match next {
                None => sums.copy_from_slice(&weights.end),
                Some(next) => weights.backward.copy_row(next, sums),
            }
            sums.iter_mut().zip(row).for_each(|(sum, score)| *sum = zip(*sum, *score, |a, b| a + b));
            let best = first_largest(&sums.as_flattened()[..self.tags]);
            next = Some(best);
            *tag = best as u16;
        }
    }

    #[inline(always)]
    fn forward(&mut self, emissions: &[f32]) {
        let blocks = self.sums.len();
        let steps = emissions.len() / self.tags;
        self.scores.resize(steps * blocks, [0.0; BLOCK]);
        for (step, emissions) in emissions.chunks_exact(self.tags).enumerate() {
            let (before, now) = self.scores.split_at_mut(step * blocks);
            let now = &mut now[..blocks];
            match step {
                0 => now.copy_from_slice(&self.weights.start),
                _ => largest(&self.weights.forward, &before[(step - 1) * blocks..], now),
            }
            let scores = now.as_flattened_mut().iter_mut().zip(emissions);
            scores.for_each(|(score, &emission)| *score += finite(f64::from(emission)));
        }
    }
}

/// The place of the largest; of several, the first.
#[inline(always)]
fn first_largest(values: &[f64]) -> usize {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, larger);
    values.iter().position(|&value| value == most).unwrap_or(0)
}

/// What is not a number is the least there is.
#[inline(always)]
fn finite(score: f64) -> f64 {
    if score.is_nan() { -MOST } else { score.clamp(-MOST, MOST) }
}
