//! How the input was normalised that a net was trained on, made part of its weights.
//!
//! It is part of the first layer rather than a setting in the weights file: whatever reads the weights
//! (kernels, libtorch, ONNX, a state dict in PyTorch) reads `pixel / 255` and cannot forget the
//! normalisation.

use crate::error::{InferError, refuse};
use crate::infer::InferredModel;

/// What was subtracted from the input and what it was divided by, one number for all features or one for
/// each.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// The means.
    pub mean: Vec<f64>,
    /// The standard deviations, above 0.
    pub std: Vec<f64>,
}

impl InferredModel {
    /// Makes the net one of `x` where it was one of `z = (x - mean) / std`, in the first layer of each
    /// direction:
    ///
    /// `W z + b = (W / std) x + (b - sum(W * mean / std))`, of the rows of `W = weight_ih_l0` and `b =
    /// bias_ih_l0`.
    ///
    /// It is computed in `f64` and rounded once.
    ///
    /// # Errors
    ///
    /// When there are neither one number nor one for each feature, a deviation is not above 0, or a weight
    /// would not be finite.
    pub fn fold(&mut self, input: &Normalisation) -> Result<(), InferError> {
        let features = self.features;
        let each = |name: &str, values: &[f64]| match values {
            [one] => Ok(vec![*one; features]),
            values if values.len() == features => Ok(values.to_vec()),
            values => refuse(format!(
                "{name}: {} numbers for a net of {features} features; give one, or one for each",
                values.len()
            )),
        };
        let (mean, std) = (each("mean", &input.mean)?, each("std", &input.std)?);
        if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
            return refuse(format!("mean: {mean} is no number"));
        }
        if let Some(std) = std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            return refuse(format!("std: must be above 0, is {std}"));
        }
        let first = self.weights.keys().filter(|name| name.contains(".weight_ih_l0"));
        let first: Vec<(String, String)> =
            first.map(|name| (name.clone(), name.replace(".weight_ih_l0", ".bias_ih_l0"))).collect();
        for (weight, bias) in first {
            let (Some(array), Some(biases)) = (self.weights.get(&weight), self.weights.get(&bias)) else {
                continue;
            };
            if array.shape() != [biases.values().len(), features] {
                return refuse(format!("`{weight}` is {:?}, which does not fit the net", array.shape()));
            }
            let (mut scaled, mut shifted) = (array.clone(), biases.clone());
            let rows = scaled.values_mut().chunks_exact_mut(features.max(1));
            for (row, bias) in rows.zip(shifted.values_mut()) {
                let mut sum = f64::from(*bias);
                for ((weight, mean), std) in row.iter_mut().zip(&mean).zip(&std) {
                    let by_std = f64::from(*weight) / std;
                    sum -= by_std * mean;
                    *weight = by_std as f32;
                }
                *bias = sum as f32;
            }
            let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
            if !finite(scaled.values()) || !finite(shifted.values()) {
                return refuse(format!("`{weight}`: too large for f32, with this mean and std"));
            }
            self.weights.insert(weight, scaled);
            self.weights.insert(bias, shifted);
        }
        Ok(())
    }
}
