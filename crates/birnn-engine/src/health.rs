//! Watches that losses, gradients and parameters stay finite.

use tch::Tensor;

use crate::error::EngineError;
use crate::optimizer::flat;

/// The losses and gradients of the steps since the last look. Looking waits for the device, so it is done now
/// and then.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Per step: its number, its loss `[]`, the norm of its gradient `[]`.
    pending: Vec<(usize, Tensor, Tensor)>,
}

impl Health {
    /// Takes down the loss and the gradient's norm of a step, numbered from 1.
    pub(crate) fn watch(&mut self, step: usize, loss: &Tensor, norm: Tensor) {
        self.pending.push((step, loss.shallow_clone(), norm));
    }

    /// Looks at all steps taken down: the latest loss, or the first step at which something was not finite.
    pub(crate) fn look(&mut self) -> Result<Option<f64>, EngineError> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(None);
        }
        let rows: Vec<&Tensor> = pending.iter().flat_map(|(_, loss, norm)| [loss, norm]).collect();
        let values = Vec::<f32>::try_from(Tensor::f_stack(&rows, 0)?)?;
        for ((step, ..), values) in pending.iter().zip(values.chunks(2)) {
            for (what, &value) in ["the loss", "the norm of the gradient"].into_iter().zip(values) {
                finite(*step, what, f64::from(value))?;
            }
        }
        Ok(values.len().checked_sub(2).map(|last| f64::from(values[last])))
    }

    /// As [`Health::look`], and at the parameters after `step`: an update can overflow where its gradient did
    /// not.
    pub(crate) fn look_at_all(&mut self, step: usize, parameters: &[Tensor]) -> Result<(), EngineError> {
        self.look()?;
        // NaN where one is among them.
        let largest = f64::try_from(flat(parameters)?.f_detach()?.f_abs()?.f_max()?)?;
        finite(step, "the largest parameter", largest)
    }
}

/// Whether `value` is finite after `step`.
pub(crate) fn finite(step: usize, what: &'static str, value: f64) -> Result<(), EngineError> {
    if value.is_finite() { Ok(()) } else { Err(EngineError::Diverged { step, what, value }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(value: f32) -> Tensor {
        Tensor::from(value)
    }

    #[track_caller]
    fn found(steps: &[(f32, f32)], expected: Result<f64, &str>) {
        let mut health = Health::default();
        for (index, &(loss, norm)) in steps.iter().enumerate() {
            health.watch(index + 8, &scalar(loss), scalar(norm));
        }
        match (health.look(), expected) {
            (Ok(loss), Ok(expected)) => assert_eq!(loss, Some(expected)),
            (Err(error), Err(part)) => assert!(error.to_string().starts_with(part), "{error}"),
            (found, _) => panic!("{found:?}"),
        }
        assert_eq!(health.look().unwrap(), None, "what was looked at is not looked at again");
    }

    #[test]
    fn the_first_step_that_is_not_finite_is_named() {
        found(&[(1.0, 2.0), (0.5, 1.0)], Ok(0.5));
        found(&[(1.0, 2.0), (f32::NAN, 1.0), (0.5, f32::NAN)], Err("step 9: the loss is NaN"));
        found(&[(1.0, 2.0), (1.0, 1.0), (f32::INFINITY, f32::NAN)], Err("step 10: the loss is inf"));
        found(&[(1.0, f32::INFINITY)], Err("step 8: the norm of the gradient is inf"));
    }

    #[test]
    fn a_parameter_that_is_not_finite_is_found_anywhere() {
        let of = |value: f32| {
            Health::default()
                .look_at_all(7, &[Tensor::from_slice(&[0.5, 1.0]), Tensor::from_slice(&[-3.0, value])])
        };
        of(f32::MAX).unwrap();
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = of(value).unwrap_err().to_string();
            assert!(error.starts_with("step 7: the largest parameter is "), "{error}");
        }
    }
}
