//! How strongly the loss depends on the hidden state at each row: the gradient with respect to the hidden
//! states.

use birnn_data::Split;
use birnn_engine::{Learner, Samples};
use birnn_model::States;
use tch::{Device, Kind, Tensor};

use crate::error::ReportError;
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
/// A graph of all steps is held for so many at a time.
const BATCH: usize = 100;

impl StateGradients {
    /// Runs the net step by step over images of `split`, and backward.
    ///
    /// # Errors
    ///
    /// When the net cannot be run.
    pub fn new(learner: &Learner, split: &Split) -> Result<StateGradients, ReportError> {
        let samples = Samples::new(subset(split, &evenly_spaced(split, IMAGES)), learner.device())?;
        let mut directions: Vec<DirectionGradients> = Vec::new();
        for batch in samples.batches(BATCH) {
            let batch = batch?;
            let unrolled = learner.network().unrolled(&batch.input)?;
            // Summed over the batch, so that each row of a gradient is that of one image's own loss.
            let loss = learner.loss().sum(&unrolled.logits, &batch.target)?;
            let chosen = ends(&unrolled.layers);
            let states: Vec<&Tensor> = chosen.iter().flat_map(|(_, _, states)| *states).collect();
            let gradients = Tensor::f_run_backward(&[&loss], &states, false, false)?;
            let sums = gradients.iter().map(norms).collect::<Result<Vec<_>, _>>()?;
            let time = states.len() / chosen.len();
            if directions.is_empty() {
                let empty =
                    |&(layer, reverse, _): &_| DirectionGradients { layer, reverse, norms: vec![None; time] };
                directions = chosen.iter().map(empty).collect();
            }
            for (direction, sums) in directions.iter_mut().zip(sums.chunks(time)) {
                for (norm, sum) in direction.norms.iter_mut().zip(sums) {
                    *norm = sum.map(|sum| norm.unwrap_or(0.0) + sum);
                }
            }
        }
        let images = samples.len();
        for norm in directions.iter_mut().flat_map(|direction| &mut direction.norms).flatten() {
            *norm /= images as f64;
        }
        Ok(StateGradients { images, directions })
    }
}

/// The states of the bottom and the top layer, by layer and direction.
fn ends(layers: &[States]) -> Vec<(usize, bool, &[Tensor])> {
    let mut indices = vec![0, layers.len() - 1];
    indices.dedup();
    indices
        .into_iter()
        .flat_map(|layer| {
            let States { forward, reverse } = &layers[layer];
            let reverse = reverse.as_ref().map(|states| (layer, true, states.as_slice()));
            [(layer, false, forward.as_slice())].into_iter().chain(reverse)
        })
        .collect()
}

/// The norms of the rows of `gradient [images, hidden]`, added up.
fn norms(gradient: &Tensor) -> Result<Option<f64>, ReportError> {
    if !gradient.defined() {
        return Ok(None);
    }
    let rows = gradient.f_norm_scalaropt_dim(2.0, [1], false)?;
    // Not every device has f64.
    Ok(Some(f64::try_from(rows.f_to_device(Device::Cpu)?.f_sum(Kind::Double)?)?))
}
