//! Optimizers as functions of parameters, gradients and their own state.
//!
//! The state is ordinary tensors, so that it can be saved and compared; the formulas are PyTorch's, and the
//! tests hold them against libtorch's own optimizers.
//!
//! birnn has its own because tch's optimizers can neither return nor accept their state, so a run could never
//! be resumed exactly.

use birnn_experiment::{Adam, Algorithm, Sgd};
use birnn_kernels::AdamStep;
use tch::{Device, TchError, Tensor};

use crate::device::workers;
use crate::memory::{disjoint, values, values_mut};

/// An algorithm at work. Its state is one long vector over all parameters, in their order: a few long
/// operations are quicker than many short ones.
#[derive(Debug)]
pub struct Optimizer {
    algorithm: Algorithm,
    /// Updates made so far.
    steps: usize,
    /// Adam's first moment, or the momentum.
    first: Tensor,
    /// Adam's second moment; empty for SGD.
    second: Tensor,
}

impl Optimizer {
    /// Starts with zero state for all of `parameters`, on their device.
    pub fn new(algorithm: Algorithm, parameters: &[Tensor]) -> Result<Optimizer, TchError> {
        let zeros = flat(parameters)?.f_detach()?.f_zeros_like()?;
        let [first, second] = algorithm.moments(zeros.numel()).map(|length| length as i64);
        let (first, second) = (zeros.f_narrow(0, 0, first)?, zeros.f_narrow(0, 0, second)?.f_zeros_like()?);
        Ok(Optimizer { algorithm, steps: 0, first, second })
    }

    /// As it was after `steps` updates.
    pub(crate) fn restored(algorithm: Algorithm, steps: usize, [first, second]: [Tensor; 2]) -> Optimizer {
        Optimizer { algorithm, steps, first, second }
    }

    /// The vectors of its state, in the order of their names.
    pub(crate) fn moments(&self) -> [&Tensor; 2] {
        [&self.first, &self.second]
    }

    /// Updates every parameter in place at learning rate `lr`. `gradient` is that of all parameters, in their
    /// order, as one vector ([`flat`]).
    ///
    /// # Errors
    ///
    /// Where libtorch fails, as on a GPU with a gradient of another length. The update is none then, but
    /// counts as one.
    ///
    /// # Panics
    ///
    /// On a CPU with Adam where the gradient has another length.
    pub fn step(&mut self, parameters: &[Tensor], gradient: &Tensor, lr: f64) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        if let (Algorithm::Adam(adam), Device::Cpu) = (self.algorithm, gradient.device()) {
            let step = adam_step(&adam, self.steps, lr);
            return apply(step, parameters, gradient, &mut self.first, &mut self.second);
        }
        let mut gradient = gradient.shallow_clone();
        let (coupled_decay, decoupled_decay) = match self.algorithm {
            Algorithm::Adam(Adam { weight_decay, decoupled: true, .. }) => (0.0, weight_decay),
            Algorithm::Adam(Adam { weight_decay, .. }) | Algorithm::Sgd(Sgd { weight_decay, .. }) => {
                (weight_decay, 0.0)
            }
        };
        if coupled_decay > 0.0 {
            gradient = flat(parameters)?.f_mul_scalar_(coupled_decay)?.f_add_(&gradient)?;
        }
        let update = match self.algorithm {
            Algorithm::Adam(adam) => {
                // Far above any run.
                let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                adam_update(&adam, &gradient, &mut self.first, &mut self.second, steps, lr)?
            }
            Algorithm::Sgd(sgd) => sgd_update(&sgd, gradient, &mut self.first, lr)?,
        };
        let mut start = 0;
        for parameter in parameters {
            let (mut parameter, length) = (parameter.shallow_clone(), parameter.numel() as i64);
            if decoupled_decay > 0.0 {
                let _ = parameter.f_mul_scalar_(1.0 - lr * decoupled_decay)?;
            }
            let _ = parameter.f_sub_(&update.f_narrow(0, start, length)?.f_view_as(&parameter)?)?;
            start += length;
        }
        Ok(())
    }
}

/// Adam by birnn's kernel, in one pass.
fn apply(
    step: AdamStep,
    parameters: &[Tensor],
    gradient: &Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
) -> Result<(), TchError> {
    let gradient = gradient.f_contiguous()?;
    let mut parameters: Vec<Tensor> = parameters.iter().map(Tensor::shallow_clone).collect();
    disjoint(parameters.iter().chain([&gradient, first, second]))?;
    #[expect(unsafe_code, reason = "the kernel updates parameters and moments where they lie")]
    // SAFETY: none of them shares values with another, and the net that has the same parameters does nothing
    // until this is done.
    unsafe {
        let parameters = parameters.iter_mut().map(|parameter| values_mut(parameter));
        let mut parameters = parameters.collect::<Result<Vec<_>, _>>()?;
        step.update(workers(), &mut parameters, values(&gradient)?, values_mut(first)?, values_mut(second)?);
    }
    Ok(())
}

/// All values of `tensors` in one long vector.
pub fn flat(tensors: &[Tensor]) -> Result<Tensor, TchError> {
    let rows = tensors.iter().map(|tensor| tensor.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
    Tensor::f_cat(&rows, 0)
}

/// The update after `steps`, the first of which is 1, with every constant worked out.
fn adam_step(adam: &Adam, steps: usize, lr: f64) -> AdamStep {
    let Adam { betas: [beta1, beta2], eps, weight_decay, decoupled } = *adam;
    let steps = i32::try_from(steps).unwrap_or(i32::MAX);
    AdamStep {
        one_minus_beta1: (1.0 - beta1) as f32,
        beta2: beta2 as f32,
        one_minus_beta2: (1.0 - beta2) as f32,
        step_size: (lr / (1.0 - beta1.powi(steps))) as f32,
        sqrt_bias_correction2: (1.0 - beta2.powi(steps)).sqrt() as f32,
        epsilon: eps as f32,
        l2: if decoupled { 0.0 } else { weight_decay as f32 },
        decay: if decoupled { (1.0 - lr * weight_decay) as f32 } else { 1.0 },
    }
}

/// What is to be taken off the parameters.
fn adam_update(
    adam: &Adam,
    gradient: &Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    steps: i32,
    lr: f64,
) -> Result<Tensor, TchError> {
    let [beta1, beta2] = adam.betas;
    let _ = first.f_lerp_(gradient, 1.0 - beta1)?;
    let _ = second.f_mul_scalar_(beta2)?.f_add_(&gradient.f_square()?.f_mul_scalar_(1.0 - beta2)?)?;
    let correction1 = 1.0 - beta1.powi(steps);
    let correction2 = 1.0 - beta2.powi(steps);
    let denominator = second.f_sqrt()?.f_div_scalar_(correction2.sqrt())?.f_add_scalar_(adam.eps)?;
    first.f_div(&denominator)?.f_mul_scalar_(lr / correction1)
}

/// What is to be taken off the parameters.
fn sgd_update(sgd: &Sgd, gradient: Tensor, velocity: &mut Tensor, lr: f64) -> Result<Tensor, TchError> {
    if sgd.momentum == 0.0 {
        return gradient.f_mul_scalar(lr);
    }
    let _ = velocity.f_mul_scalar_(sgd.momentum)?.f_add_(&gradient)?;
    let update = match sgd.nesterov {
        true => gradient.f_add(&velocity.f_mul_scalar(sgd.momentum)?)?,
        false => velocity.shallow_clone(),
    };
    update.f_mul_scalar(lr)
}

#[cfg(test)]
mod tests {
    use birnn_experiment::{OptimizerConfig, OptimizerKind};
    use tch::{Kind, nn};

    use super::*;

    /// Ten updates of a small regression, by libtorch's optimizer and by ours, from the same start.
    #[track_caller]
    fn same_as_libtorch(config: OptimizerConfig, theirs: impl nn::OptimizerConfig) {
        let options = (Kind::Float, Device::Cpu);
        let x = Tensor::linspace(-1, 1, 12, options).view([4, 3]);
        let y = Tensor::linspace(0, 1, 4, options);
        let start = Tensor::linspace(-0.5, 0.7, 3, options);
        let loss = |weight: &Tensor| (x.matmul(weight) - &y).square().mean(Kind::Float);

        let vs = nn::VarStore::new(Device::Cpu);
        let reference = vs.root().var_copy("w", &start);
        let mut theirs = theirs.build(&vs, config.lr).unwrap();
        let ours = [start.copy().set_requires_grad(true)];
        let mut optimizer = Optimizer::new(config.resolve().unwrap(), &ours).unwrap();
        for _ in 0..10 {
            theirs.backward_step(&loss(&reference));
            let gradients = Tensor::run_backward(&[loss(&ours[0])], &ours, false, false);
            optimizer.step(&ours, &flat(&gradients).unwrap(), config.lr).unwrap();
        }
        let difference = (&ours[0] - reference).abs().max().double_value(&[]);
        assert!(difference < 1e-6, "{config:?}: {difference:e}");
        assert!(ours[0] != start);
    }

    #[test]
    fn every_rule_is_libtorchs() {
        let adam = OptimizerConfig { lr: 0.03, ..OptimizerConfig::default() };
        same_as_libtorch(adam.clone(), nn::adam(0.9, 0.999, 0.0));
        let betas = Some([0.8, 0.95]);
        same_as_libtorch(OptimizerConfig { betas, ..adam.clone() }, nn::adam(0.8, 0.95, 0.0));
        let decayed = OptimizerConfig { weight_decay: Some(0.1), ..adam.clone() };
        same_as_libtorch(decayed.clone(), nn::adam(0.9, 0.999, 0.1));
        let kind = OptimizerKind::AdamW;
        same_as_libtorch(OptimizerConfig { kind, ..decayed }, nn::adamw(0.9, 0.999, 0.1));
        same_as_libtorch(OptimizerConfig { kind, ..adam.clone() }, nn::adamw(0.9, 0.999, 0.01));

        let sgd = OptimizerConfig { kind: OptimizerKind::Sgd, ..adam };
        same_as_libtorch(sgd.clone(), nn::sgd(0.0, 0.0, 0.0, false));
        let momentum = OptimizerConfig { momentum: Some(0.9), weight_decay: Some(0.1), ..sgd };
        same_as_libtorch(momentum.clone(), nn::sgd(0.9, 0.0, 0.1, false));
        same_as_libtorch(OptimizerConfig { nesterov: Some(true), ..momentum }, nn::sgd(0.9, 0.0, 0.1, true));
    }
}
