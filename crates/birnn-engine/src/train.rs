//! The loop: the only one. Every task, device and kernel goes through it.

use std::time::Instant;

use tch::{Kind, TchError, Tensor};

use crate::checkpoint::Checkpoints;
use crate::config::TrainPlan;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::observer::{Epoch, Observer, Step};
use crate::optimizer::Optimizer;
use crate::samples::Samples;

/// What the loop learns from and judges by.
#[derive(Debug)]
pub struct TrainingData {
    /// Every epoch shows each of these once.
    pub train: Samples,
    /// Judged by after each epoch; may be empty.
    pub validation: Samples,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Epochs gone through.
    pub epochs: usize,
    /// The epoch, from 1, whose weights the net now has: the best on validation images, else the last.
    pub kept: usize,
}

/// Trains `learner` in place. The order of samples is a pure function of `(seed, epoch)`, what dropout draws one of
/// `(seed, step)`: the same plan, seed, device and thread count give the same weights, bit for bit.
pub fn train(
    plan: &TrainPlan,
    seed: u32,
    learner: &mut Learner,
    data: &TrainingData,
    checkpoints: &Checkpoints,
    observer: &mut dyn Observer,
) -> Result<Trained, EngineError> {
    let seed = u64::from(seed);
    let steps = data.train.len().div_ceil(plan.batch_size);
    let mut optimizer = Optimizer::new(plan.rule, learner.parameters())?;
    let mut best: Option<Best> = None;
    let mut epochs = 0;

    for epoch in 0..plan.epochs {
        let start = Instant::now();
        let order = data.train.order(seed, epoch)?;
        let mut loss_sum = Tensor::f_zeros(&[] as &[i64], (Kind::Float, learner.device))?;
        let mut rate = 0.0;

        for index in 0..steps {
            let step = epoch * steps + index;
            rate = plan.schedule.rate(step, plan.epochs * steps);
            tch::manual_seed(draws_of(seed, step));

            let batch = data.train.batch(&order, index, plan.batch_size)?;
            let (loss, mut gradients) = learner.gradients(&batch)?;
            clip(&mut gradients, plan.clip_norm)?;
            optimizer.step(learner.parameters(), &gradients, rate)?;

            let step = step + 1;
            let images = batch.labels.size()[0] as usize;
            let _ = loss_sum.f_add_(&loss.f_mul_scalar(images as f64)?)?;
            // Reading the loss waits for the device, so it is done on logged steps only.
            let loss = if step.is_multiple_of(plan.log_every) { Some(f64::try_from(loss)?) } else { None };
            observer.step(&Step { step, epoch: epoch + 1, rate, images, loss })?;
            if step.is_multiple_of(plan.checkpoint_every) {
                checkpoints.save_last(learner)?;
            }
        }

        let train_loss = f64::try_from(loss_sum)? / data.train.len() as f64;
        let seconds = start.elapsed().as_secs_f64();
        let validation = match data.validation.is_empty() {
            true => None,
            false => Some(learner.evaluate(&data.validation)?),
        };
        epochs = epoch + 1;
        checkpoints.save_last(learner)?;
        if let Some(validation) = &validation
            && best.as_ref().is_none_or(|best| validation.loss < best.loss)
        {
            checkpoints.save_best(learner)?;
            best = Some(Best { epoch: epochs, loss: validation.loss, parameters: learner.snapshot() });
        }
        let images_per_second = data.train.len() as f64 / seconds;
        let step = epochs * steps;
        observer.epoch(&Epoch {
            epoch: epochs,
            step,
            train_loss,
            rate,
            seconds,
            images_per_second,
            validation,
        })?;
        if best.as_ref().is_some_and(|best| epochs - best.epoch >= plan.patience) {
            tracing::info!(
                "stopping early: the validation loss has not improved for {} epochs",
                plan.patience
            );
            break;
        }
    }

    match best {
        Some(best) => {
            learner.restore(&best.parameters)?;
            Ok(Trained { epochs, kept: best.epoch })
        }
        None => Ok(Trained { epochs, kept: epochs }),
    }
}

/// The lowest validation loss so far, and the weights that reached it.
struct Best {
    epoch: usize,
    loss: f64,
    parameters: Vec<Tensor>,
}

/// The seed of libtorch's generator at a step: SplitMix64's finaliser over both numbers (Steele et al. 2014).
fn draws_of(seed: u64, step: usize) -> i64 {
    let mut z = (seed << 32 ^ step as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as i64
}

/// Scales the gradient so that its norm, over all parameters, is at most `max_norm`; nothing waits for the device.
/// PyTorch's `clip_grad_norm_`, its 1e-6 included.
fn clip(gradients: &mut [Tensor], max_norm: f64) -> Result<(), TchError> {
    if max_norm.is_infinite() {
        return Ok(());
    }
    let norms = gradients.iter().map(Tensor::f_norm).collect::<Result<Vec<_>, _>>()?;
    let norm = Tensor::f_stack(&norms, 0)?.f_norm()?;
    let scale = norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar_(max_norm)?.f_clamp_max_(1.0)?;
    for gradient in gradients {
        let _ = gradient.f_mul_(&scale)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_scales_only_what_is_too_long() {
        let norm_after = |max| {
            let mut gradients = [Tensor::from_slice(&[3.0_f32, 0.0]), Tensor::from_slice(&[4.0_f32])];
            clip(&mut gradients, max).unwrap();
            let direction = gradients[0].double_value(&[0]) / gradients[1].double_value(&[0]);
            assert!((direction - 0.75).abs() < 1e-6);
            gradients[0].norm().hypot(&gradients[1].norm()).double_value(&[])
        };
        assert!((norm_after(1.0) - 1.0).abs() < 1e-5);
        assert!((norm_after(4.0) - 4.0).abs() < 1e-5);
        assert_eq!(norm_after(6.0), 5.0);
        assert_eq!(norm_after(f64::INFINITY), 5.0);
    }

    #[test]
    fn every_step_of_every_seed_draws_its_own() {
        let mut draws: Vec<_> =
            (0..4).flat_map(|seed| (0..1000).map(move |step| draws_of(seed, step))).collect();
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 4000);
    }
}
