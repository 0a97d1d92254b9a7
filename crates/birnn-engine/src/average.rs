//! The exponential moving average of the weights (Polyak and Juditsky 1992; as PyTorch's `AveragedModel` with
//! `get_ema_multi_avg_fn` has it).

use tch::{TchError, Tensor};

use crate::optimizer::flat;

/// An average that follows the weights. It is what is judged and kept of a run.
#[derive(Debug)]
pub(crate) struct Average {
    decay: f64,
    /// Of all parameters, in their order.
    values: Tensor,
}

impl Average {
    /// Begins where the parameters are.
    pub(crate) fn new(decay: f64, parameters: &[Tensor]) -> Result<Average, TchError> {
        Ok(Average { decay, values: flat(parameters)?.f_detach()? })
    }

    /// As it was.
    pub(crate) fn restored(decay: f64, values: Tensor) -> Average {
        Average { decay, values }
    }

    pub(crate) fn values(&self) -> &Tensor {
        &self.values
    }

    /// Moves towards the parameters after `steps` updates, the first of which is 1. The first steps count for more, or
    /// where it began would stay in it for long: the decay is `(1 + steps) / (10 + steps)` at most, as TensorFlow's
    /// `ExponentialMovingAverage` has it.
    pub(crate) fn follow(&mut self, parameters: &[Tensor], steps: usize) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let steps = steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps));
        let _ = self.values.f_lerp_(&flat(parameters)?, 1.0 - decay)?;
        Ok(())
    }

    /// As parameters of the shapes of these.
    pub(crate) fn parameters(&self, like: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        let lengths: Vec<i64> = like.iter().map(|parameter| parameter.numel() as i64).collect();
        let parts = self.values.f_split_with_sizes(&lengths, 0)?;
        parts.iter().zip(like).map(|(part, parameter)| part.f_view_as(parameter)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_of_the_weights_so_far_with_the_latest_counting_most() {
        let at = |step: usize| {
            [
                Tensor::from_slice(&[step as f32, 1.0]),
                Tensor::from_slice(&[-2.0 * step as f32]).f_view([1, 1]).unwrap(),
            ]
        };
        for decay in [0.0, 0.5, 0.999] {
            let mut average = Average::new(decay, &at(0)).unwrap();
            let mut expected = 0.0;
            for step in 1..=40 {
                average.follow(&at(step), step).unwrap();
                let kept = f64::min(decay, (1 + step) as f64 / (10 + step) as f64);
                expected = kept * expected + (1.0 - kept) * step as f64;
            }
            let found = average.parameters(&at(0)).unwrap();
            assert_eq!((found[0].size(), found[1].size()), (vec![2], vec![1, 1]));
            let [first, second, third] =
                [found[0].double_value(&[0]), found[0].double_value(&[1]), found[1].double_value(&[0, 0])];
            assert!(
                (first - expected).abs() < 1e-4 && (third + 2.0 * expected).abs() < 1e-4,
                "{decay}: {first}"
            );
            assert!((second - 1.0).abs() < 1e-6, "what does not change is what it was: {second}");
        }
    }
}
