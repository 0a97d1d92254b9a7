//! How strongly the loss depends on the hidden state at each row: the gradient with respect to the hidden
//! states.

use birnn_architecture::Direction;
use birnn_data::Split;
use birnn_infer::{Predictor, StateGradient, Workspace};

use crate::predictions::{evenly_spaced, subset};

/// The norm of the gradient of the loss with respect to the hidden states of the bottom and the top layer.
#[derive(Debug)]
pub struct StateGradients {
    /// The number of images that the means are over.
    pub images: usize,
    /// One per layer and direction.
    pub directions: Vec<DirectionGradients>,
}

/// One direction of one layer.
#[derive(Debug)]
pub struct DirectionGradients {
    /// From 0, the bottom.
    pub layer: usize,
    /// Whether the direction reads the image from below.
    pub reverse: bool,
    /// For each row, the mean over the images of the norm of the gradient of an image's loss with respect to
    /// the state there; `None` where the net does not use the state.
    pub norms: Vec<Option<f64>>,
}

/// Means of so many images change little with more.
const IMAGES: usize = 500;
/// The gates of all steps are held for so many at a time.
const BATCH: usize = 100;

impl StateGradients {
    /// Takes the loss of images of `split` back through the net, row by row.
    pub fn new(predictor: &Predictor, split: &Split) -> StateGradients {
        let (indices, rows) = (evenly_spaced(split, IMAGES), split.images.rows);
        let mut workspace = Workspace::new();
        let mut directions = shown(predictor, rows);
        for batch in indices.chunks(BATCH) {
            let Split { images, labels } = subset(split, batch);
            let gradients = predictor.state_gradients(&mut workspace, &images, &labels);
            for (direction, index) in &mut directions {
                for (row, sum) in norms(&gradients[*index], batch.len(), rows) {
                    *direction.norms[row].get_or_insert(0.0) += sum;
                }
            }
        }
        let images = indices.len();
        let mut directions: Vec<DirectionGradients> =
            directions.into_iter().map(|(direction, _)| direction).collect();
        for norm in directions.iter_mut().flat_map(|direction| &mut direction.norms).flatten() {
            *norm /= images as f64;
        }
        StateGradients { images, directions }
    }
}

/// The directions of the bottom and the top layer, without norms yet, each with its index among all.
fn shown(predictor: &Predictor, rows: usize) -> Vec<(DirectionGradients, usize)> {
    let architecture = predictor.network().architecture();
    let mut layers = vec![0, architecture.layers - 1];
    layers.dedup();
    let count = architecture.directions().count();
    let of = |layer: usize| {
        architecture.directions().enumerate().map(move |(index, (direction, _))| {
            let (reverse, norms) = (direction == Direction::Reverse, vec![None; rows]);
            (DirectionGradients { layer, reverse, norms }, layer * count + index)
        })
    };
    layers.into_iter().flat_map(of).collect()
}

/// For each step that a direction took, the norms of the images' gradients there, added up.
fn norms(gradient: &StateGradient, images: usize, rows: usize) -> impl Iterator<Item = (usize, f64)> {
    let StateGradient { last_only, values } = gradient;
    let steps = if *last_only { rows - 1..rows } else { 0..rows };
    let units = values.len() / (images * steps.len());
    let norm = |values: &[f32]| values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    steps.clone().enumerate().map(move |(index, step)| {
        let of_step = values.chunks_exact(units).skip(index).step_by(steps.len());
        (step, of_step.map(norm).sum())
    })
}
