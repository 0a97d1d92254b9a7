//! An exponential moving average of the weights, after the idea of averaging them (Polyak and Juditsky 1992).

use birnn_kernels::move_average;
use tch::{Device, TchError, Tensor};

use crate::device::workers;
use crate::memory::{disjoint, values, values_mut};

/// An average that follows the weights. It is what is evaluated and kept of a run.
#[derive(Debug)]
pub(crate) struct Average {
    decay: f64,
    parameters: Vec<Tensor>,
}

impl Average {
    /// Goes on from these parameters, which are its own.
    pub(crate) fn new(decay: f64, parameters: Vec<Tensor>) -> Average {
        Average { decay, parameters }
    }

    pub(crate) fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// Moves towards `parameters` after `steps` updates, the first of which is 1. The first steps count for
    /// more, or where it began would stay in it for long: the decay is `(1 + steps) / (10 + steps)` at most,
    /// as TensorFlow's `ExponentialMovingAverage` has it.
    pub(crate) fn follow(&mut self, parameters: &[Tensor], steps: usize) -> Result<(), TchError> {
        let steps = steps as f64;
        let weight = 1.0 - self.decay.min((1.0 + steps) / (10.0 + steps));
        if parameters.iter().all(|parameter| parameter.device() == Device::Cpu) {
            disjoint(parameters.iter().chain(&self.parameters))?;
            #[expect(
                unsafe_code,
                reason = "the kernel reads parameters and moves their average where they lie"
            )]
            // SAFETY: none of them shares values with another, and nothing changes parameters until this is
            // done.
            unsafe {
                let averages = self.parameters.iter_mut().map(|average| values_mut(average));
                let mut averages = averages.collect::<Result<Vec<_>, _>>()?;
                let parameters = parameters.iter().map(|parameter| values(parameter));
                move_average(
                    workers(),
                    &mut averages,
                    &parameters.collect::<Result<Vec<_>, _>>()?,
                    weight as f32,
                );
            }
            return Ok(());
        }
        tch::no_grad(|| {
            for (average, parameter) in self.parameters.iter_mut().zip(parameters) {
                let _ = average.f_lerp_(parameter, weight)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the parameters 0, 11, 12 and 24 in turn.
    #[track_caller]
    fn ends_at(decay: f64, expected: f64) {
        let at = |value: f32| vec![Tensor::from_slice(&[value, 1.0])];
        let mut average = Average::new(decay, at(0.0));
        for (step, value) in [(1, 11.0), (2, 12.0), (3, 24.0)] {
            average.follow(&at(value), step).unwrap();
        }
        let [found, same] = [0, 1].map(|index| average.parameters()[0].double_value(&[index]));
        assert!((found - expected).abs() < 1e-5, "{decay}: {found}");
        assert!((same - 1.0).abs() < 1e-6, "what does not change stays: {same}");
    }

    #[test]
    fn it_follows_quickly_at_first_and_then_as_it_is_told() {
        // 11 * 9/11 = 9; 9 * 3/12 + 12 * 9/12 = 11.25; 11.25 * 4/13 + 24 * 9/13.
        ends_at(0.999, (11.25 * 4.0 + 24.0 * 9.0) / 13.0);
        // 9; 9 * 0.2 + 12 * 0.8 = 11.4; 11.4 * 0.2 + 24 * 0.8.
        ends_at(0.2, 11.4 * 0.2 + 24.0 * 0.8);
        ends_at(0.0, 24.0);
    }
}
