//! How strongly the loss depends on the hidden state at each step: the gradient with respect to the hidden
//! states.

use std::ops::Range;

use birnn_architecture::Direction;
use birnn_data::Split;
use birnn_infer::{LOGITS, Predictor, StateGradient, Workspace};

use crate::predictions::evenly_spaced;

/// The norm of the gradient of the loss with respect to the hidden states of the bottom and the top layer.
#[derive(Debug)]
pub struct StateGradients {
    /// The number of samples that the means are over.
    pub samples: usize,
    /// Whether all have as many steps; else positions are shares of a sequence.
    pub are_steps: bool,
    /// One per layer and direction.
    pub directions: Vec<DirectionGradients>,
}

/// One direction of one layer.
#[derive(Debug)]
pub struct DirectionGradients {
    /// From 0, the bottom.
    pub layer: usize,
    /// Whether the direction reads the sequence from its end.
    pub reverse: bool,
    /// For each step, or each of twenty equal parts of a sequence where they have different lengths, the mean
    /// over the samples of the norm of the gradient of a sample's loss with respect to the state there;
    /// `None` where the net does not use the state.
    pub norms: Vec<Option<f64>>,
}

/// Parts of sequences of different lengths.
pub const POSITIONS: usize = 20;
/// Means of so many samples change little with more.
const SAMPLES: usize = 500;
/// The gates of all steps are held for so many at a time, and for sequences of so many steps in all, about.
const BATCH: usize = 100;
const BATCH_STEPS: usize = 10_000;

impl StateGradients {
    /// Takes the loss of samples of `split` back through the net, step by step.
    pub fn new(predictor: &Predictor, split: &Split) -> StateGradients {
        let indices = evenly_spaced(split, SAMPLES);
        let common = split.sequences.common_length();
        let positions = common.unwrap_or(POSITIONS);
        let mut workspace = Workspace::new();
        let mut directions = shown(predictor, positions);
        let mut sums = vec![vec![(0.0, 0_u32); positions]; directions.len()];
        let longest = split.sequences.lengths().max().unwrap_or(1);
        // So are logits, of which there may be as many as a language has words.
        let steps = BATCH_STEPS.min(LOGITS / predictor.task().outputs().max(1));
        for batch in indices.chunks(BATCH.min(steps / longest).max(1)) {
            let Split { sequences, targets } = split.select(batch);
            let lengths: Vec<usize> = sequences.lengths().collect();
            let gradients = predictor.state_gradients(&mut workspace, &sequences, &targets);
            for ((_, index), sums) in directions.iter().zip(&mut sums) {
                for (position, norm) in norms(&gradients[*index], &lengths, positions) {
                    sums[position].0 += norm;
                    sums[position].1 += 1;
                }
            }
        }
        for ((direction, _), sums) in directions.iter_mut().zip(sums) {
            let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
            direction.norms = sums.into_iter().map(mean).collect();
        }
        let directions = directions.into_iter().map(|(direction, _)| direction).collect();
        StateGradients { samples: indices.len(), are_steps: common.is_some(), directions }
    }
}

/// The directions of the bottom and the top layer, without norms yet, each with its index among all.
fn shown(predictor: &Predictor, positions: usize) -> Vec<(DirectionGradients, usize)> {
    let architecture = predictor.network().architecture();
    let mut layers = vec![0, architecture.layers - 1];
    layers.dedup();
    let count = architecture.directions().count();
    let of = |layer: usize| {
        architecture.directions().enumerate().map(move |(index, (direction, _))| {
            let (reverse, norms) = (direction == Direction::Reverse, vec![None; positions]);
            (DirectionGradients { layer, reverse, norms }, layer * count + index)
        })
    };
    layers.into_iter().flat_map(of).collect()
}

/// For each step that a direction took in sequences of these `lengths`, its positions and the norm of the
/// gradient there.
fn norms(
    gradient: &StateGradient,
    lengths: &[usize],
    positions: usize,
) -> impl Iterator<Item = (usize, f64)> {
    let StateGradient { last_only, values } = gradient;
    let taken = |length: usize| if *last_only { length - 1..length } else { 0..length };
    let steps: Vec<Range<usize>> = lengths
        .iter()
        .flat_map(|&length| taken(length).map(move |step| covered(step, length, positions)))
        .collect();
    let norm = |values: &[f32]| values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let units = values.len() / steps.len().max(1);
    let norms = values.chunks_exact(units.max(1)).map(norm);
    steps.into_iter().zip(norms).flat_map(|(covered, norm)| covered.map(move |position| (position, norm)))
}

/// The positions of a step in a sequence of `length`: where there are more positions than steps, all that
/// begin within it, so that none is without a step.
fn covered(step: usize, length: usize, positions: usize) -> Range<usize> {
    if length < positions {
        (step * positions).div_ceil(length)..((step + 1) * positions).div_ceil(length)
    } else {
        let position = step * positions / length;
        position..position + 1
    }
}
