//! Of regression: an error of numbers in standard deviations of the training targets.

use birnn_experiment::RegressionLoss;
use birnn_infer::Regress;
use tch::{Device, Reduction, TchError, Tensor};

/// The error of numbers, in standard deviations of the training targets.
#[derive(Debug)]
pub struct NumberError {
    kind: RegressionLoss,
    /// Whether there are targets that are none, as of a sequence's own values those that are not asked for.
    is_partial: bool,
    /// Of the training targets, `f32 [numbers]` on the device of the outputs.
    mean: Tensor,
    deviation: Tensor,
}

impl Clone for NumberError {
    fn clone(&self) -> NumberError {
        let NumberError { kind, is_partial, mean, deviation } = self;
        NumberError {
            kind: *kind,
            is_partial: *is_partial,
            mean: mean.shallow_clone(),
            deviation: deviation.shallow_clone(),
        }
    }
}

impl NumberError {
    pub(super) fn new(task: &Regress, device: Device) -> Result<NumberError, TchError> {
        let of = |values: &[f32]| Tensor::f_from_slice(values)?.f_to_device(device);
        let (mean, deviation) = (of(&task.scale.mean)?, of(&task.scale.deviation)?);
        Ok(NumberError { kind: task.loss, is_partial: task.self_targets.is_some(), mean, deviation })
    }

    /// The mean over `outputs [positions, numbers]` and `targets [positions, numbers]`, these in their own
    /// units; of targets some of which are none (NaN), over those `counted` ones that are there.
    pub(super) fn mean(
        &self,
        outputs: &Tensor,
        targets: &Tensor,
        counted: usize,
    ) -> Result<Tensor, TchError> {
        let wanted = targets.f_sub(&self.mean)?.f_div(&self.deviation)?.f_to_kind(outputs.kind())?;
        if !self.is_partial {
            return self.error(outputs, &wanted, Reduction::Mean);
        }
        // An output that nothing is asked of is held against itself, and has no gradient.
        let wanted = outputs.detach().f_where_self(&targets.f_isnan()?, &wanted)?;
        self.error(outputs, &wanted, Reduction::Sum)?.f_div_scalar(counted.max(1) as f64)
    }

    fn error(&self, outputs: &Tensor, wanted: &Tensor, reduction: Reduction) -> Result<Tensor, TchError> {
        match self.kind {
            RegressionLoss::Squared => outputs.f_mse_loss(wanted, reduction),
            RegressionLoss::Absolute => outputs.f_l1_loss(wanted, reduction),
            RegressionLoss::Huber => outputs.f_huber_loss(wanted, reduction, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::{Per, TargetScale, TargetValues, Targets};
    use birnn_infer::Task;

    use super::*;

    /// What is lowered is what an evaluation calls the loss.
    #[test]
    fn the_loss_is_that_of_an_evaluation() {
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let scale = TargetScale { names, mean: vec![10.0, 0.0], deviation: vec![2.0, 1.0] };
        let (outputs, truth) = ([0.3, 1.4, -2.0, 0.2], [12.0, 0.0, 10.0, 0.0]);
        let values = TargetValues::Numbers { values: truth.to_vec(), width: 2 };
        let targets = Targets { values, per: Per::Sequence };
        for loss in [RegressionLoss::Squared, RegressionLoss::Absolute, RegressionLoss::Huber] {
            let task = Regress { scale: scale.clone(), per: Per::Sequence, loss, self_targets: None };
            let error = NumberError::new(&task, Device::Cpu).unwrap();
            let of = |values: &[f32]| Tensor::from_slice(values).view([2, 2]);
            let found = error.mean(&of(&outputs), &of(&truth), 2).unwrap().double_value(&[]);
            let expected = Task::Regress(task).evaluate(&outputs.to_vec().into(), &targets).loss;
            assert!((found - expected).abs() < 1e-6, "{loss:?}: {found}, not {expected}");
        }
    }
}
