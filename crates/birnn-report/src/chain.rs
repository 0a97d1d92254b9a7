//! How strongly the loss depends on what the net holds in mind at each row: the gradient by the hidden
//! states.

use birnn_data::Split;
use birnn_engine::{Learner, Samples};
use birnn_model::States;
use tch::{Device, Kind, Reduction, Tensor};

use crate::answers::{spread, taken};
use crate::error::ReportError;

/// The gradient of the loss by the hidden states of the bottom and the top layer.
#[derive(Debug)]
pub struct Chain {
    /// Over how many images the means are.
    pub images: usize,
    /// One per layer and direction.
    pub links: Vec<Links>,
}

/// One direction of one layer.
#[derive(Debug)]
pub struct Links {
    /// From 0, the bottom.
    pub layer: usize,
    /// Whether the direction reads the image from below.
    pub reverse: bool,
    /// For each row, the mean over the images of the norm of the gradient of an image's loss by its state
    /// there; `None` where the net does not use the state.
    pub norms: Vec<Option<f64>>,
}

/// Means of so many images change little with more.
const IMAGES: usize = 500;
/// A graph of all steps is held for so many at a time.
const BATCH: usize = 100;

impl Chain {
    /// Runs the net step by step over images of `split`, and back.
    pub fn new(learner: &Learner, split: &Split) -> Result<Chain, ReportError> {
        let samples = Samples::new(taken(split, &spread(split, IMAGES)), learner.device)?;
        let mut links: Vec<Links> = Vec::new();
        for batch in samples.batches(BATCH) {
            let batch = batch?;
            let unrolled = learner.network.unrolled(&batch.input)?;
            // The sum, so that each row of a gradient is that of one image's own loss.
            let loss = unrolled.logits.f_cross_entropy_loss(
                &batch.labels,
                None::<Tensor>,
                Reduction::Sum,
                -100,
                0.0,
            )?;
            let chosen = ends(&unrolled.layers);
            let states: Vec<&Tensor> = chosen.iter().flat_map(|(_, _, states)| *states).collect();
            let gradients = Tensor::f_run_backward(&[&loss], &states, false, false)?;
            let sums = gradients.iter().map(norms).collect::<Result<Vec<_>, _>>()?;
            let time = states.len() / chosen.len();
            if links.is_empty() {
                let empty = |&(layer, reverse, _): &_| Links { layer, reverse, norms: vec![None; time] };
                links = chosen.iter().map(empty).collect();
            }
            for (links, sums) in links.iter_mut().zip(sums.chunks(time)) {
                for (norm, sum) in links.norms.iter_mut().zip(sums) {
                    *norm = sum.map(|sum| norm.unwrap_or(0.0) + sum);
                }
            }
        }
        let images = samples.len();
        for norm in links.iter_mut().flat_map(|links| &mut links.norms).flatten() {
            *norm /= images as f64;
        }
        Ok(Chain { images, links })
    }
}

/// The states of the bottom and the top layer, by layer and direction.
fn ends(layers: &[States]) -> Vec<(usize, bool, &[Tensor])> {
    let mut places = vec![0, layers.len() - 1];
    places.dedup();
    places
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
