//! The loop: the only one. Every task, device and kernel goes through it.

use std::time::Instant;

use birnn_data::splitmix;
use birnn_distributed::Ranks;
use birnn_experiment::Plan;
use birnn_infer::{Epoch, Step, Timing, is_kept};
use tch::{Device, TchError, Tensor};

use crate::checkpoint::Checkpoints;
use crate::error::EngineError;
use crate::handshake;
use crate::health::{self, Health};
use crate::learner::{Learner, StepOutput};
use crate::observer::{Control, Observer, StepContext};
use crate::samples::Samples;
use crate::shards::{self, Stepped};
use crate::state::{Best, State};

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
pub enum Trained {
    /// There is nothing more to do.
    Done {
        /// Epochs gone through.
        epochs: usize,
        /// The epoch, from 1, whose weights, or their average, the net now has: the best on validation
        /// samples, else the last.
        kept: usize,
    },
    /// An observer asked to stop; the checkpoint is made.
    Stopped,
}

/// Trains `learner` in place, from `state` on. The order of samples is a pure function of `(seed, epoch)`,
/// what dropout and variations of images draw one of `(seed, step)`: the same plan, seed, device and thread
/// count give the same weights, bit for bit, however often the run was stopped.
///
/// With several `ranks` all of them call this, alike but for `checkpoints` and `observer`: one keeps what is
/// trained, and each hears of its own part of a step. What one asks for, all do after the step that follows.
///
/// # Panics
///
/// Where there is no sample to train on.
pub fn train(
    plan: &Plan,
    ranks: &Ranks,
    learner: &mut Learner,
    data: &TrainingData,
    state: &mut State,
    checkpoints: Option<&Checkpoints>,
    observer: &mut dyn Observer,
) -> Result<Trained, EngineError> {
    let (seed, plan) = (u64::from(plan.seed), &plan.train);
    let steps = plan.steps(data.train.len());
    let mut health = Health::default();
    let unfinished = |state: &State| state.epochs(steps) < plan.epochs && !state.out_of_patience(plan, steps);
    let save = |learner: &Learner, state: &State| {
        handshake::same_parameters(ranks, learner, state)?;
        checkpoints.map_or(Ok(()), |checkpoints| checkpoints.save(learner, state))
    };
    // What this rank asks for, until all have heard of it.
    let mut asks = Control::Continue;

    let begins_at = state.step;
    while unfinished(state) {
        let epoch = state.epochs(steps);
        let grouped = plan.group_by_length.then_some(plan.batch_size);
        let order = data.train.order(seed, epoch, grouped)?;
        let mut rate = 0.0;
        let mut control = Control::Continue;
        let mut start = Instant::now();

        for index in state.step % steps..steps {
            rate = plan.schedule.rate(state.step, plan.total(steps));

            let rng_key = rng_key(seed, state.step);
            let batch = (&order, data.train.range(index, plan.batch_size));
            let stepped = shards::step(learner, &data.train, batch, rng_key, (plan.shards, ranks), asks)?;
            let Stepped { loss, mut gradient, positions, samples, shard, asked } = stepped;
            let norm = clip(&mut gradient, plan.clip_norm)?;
            state.update(learner, &gradient, rate)?;

            let _ = state.loss_sum.f_add_(&loss.f_mul_scalar(positions as f64)?)?;
            health.watch(state.step, &loss, norm);
            // Looking at the loss waits for the device, so it is done on logged steps only.
            let logged = if state.step.is_multiple_of(plan.log_every) { health.look()? } else { None };
            let step = Step { step: state.step, epoch: epoch + 1, rate, samples, loss: logged };
            if let Some((batch, logits)) = shard {
                let output = StepOutput { loss, logits, gradient };
                asks = observer.step(&step, &StepContext { learner, batch: &batch, output: &output })?;
            }
            control = asked.unwrap_or(asks);
            // After its last step an epoch is evaluated first, and then saved in any case.
            let within = index + 1 < steps;
            if within && (control > Control::Continue || state.step.is_multiple_of(plan.checkpoint_every)) {
                health.look_at_all(state.step, learner.parameters())?;
                state.seconds += start.elapsed().as_secs_f64();
                save(learner, state)?;
                if control == Control::Stop {
                    return Ok(Trained::Stopped);
                }
                start = Instant::now();
            }
        }

        health.look_at_all(state.step, learner.parameters())?;
        let train_loss = f64::try_from(&state.loss_sum)? / data.train.positions().max(1) as f64;
        let seconds = state.seconds + start.elapsed().as_secs_f64();
        state.next_epoch()?;
        let epoch = epoch + 1;
        learner.release();
        // What is evaluated and kept is the average, and what is trained comes back after it.
        let trained = state.average.as_ref().map(|_| learner.snapshot());
        if let Some(average) = &state.average {
            learner.restore(average.parameters())?;
        }
        let validation = match data.validation.is_empty() {
            true => None,
            false => Some(learner.evaluate(&data.validation, ranks)?),
        };
        let loss = validation.as_ref().map(|validation| validation.loss);
        health::finite(state.step, "the validation loss", loss.unwrap_or_default())?;
        let samples_per_second = data.train.len() as f64 / seconds;
        let timing = Timing { epoch, seconds, samples_per_second };
        let monitored = validation.as_ref().map(|validation| validation.monitored(plan.monitor));
        observer.epoch(&Epoch { epoch, step: state.step, train_loss, rate, validation, timing }, learner)?;
        if let Some(value) = monitored
            && is_kept(plan.monitor, value, state.best.as_ref().map(|best| best.value))
        {
            checkpoints.map_or(Ok(()), |checkpoints| checkpoints.save_best(learner))?;
            state.best = Some(Best { epoch, value, parameters: learner.snapshot() });
        }
        if let Some(trained) = trained {
            learner.restore(&trained)?;
        }
        save(learner, state)?;
        if control == Control::Stop && unfinished(state) {
            return Ok(Trained::Stopped);
        }
    }

    let epochs = state.epochs(steps);
    if epochs < plan.epochs {
        let (patience, monitor) = (plan.patience, plan.monitor);
        let why =
            format!("the validation {monitor} has not improved for {patience} epochs (train.early_stop)");
        match state.step > begins_at {
            true => tracing::info!("stopping early: {why}"),
            false => tracing::warn!("nothing is left to train, whatever train.epochs is: {why}"),
        }
    }
    match &state.best {
        Some(best) => {
            learner.restore(&best.parameters)?;
            Ok(Trained::Done { epochs, kept: best.epoch })
        }
        None => {
            if let Some(average) = &state.average {
                learner.restore(average.parameters())?;
            }
            Ok(Trained::Done { epochs, kept: epochs })
        }
    }
}

/// What dropout and variations of images draw by at a step.
fn rng_key(seed: u64, step: usize) -> i64 {
    splitmix(seed << 32 ^ step as u64) as i64
}

/// Scales the gradient so that its norm is at most `max_norm`, as PyTorch's `clip_grad_norm_` does, its 1e-6
/// included. Gives the norm that it had, `[]`; nothing waits for the device.
fn clip(gradient: &mut Tensor, max_norm: f64) -> Result<Tensor, TchError> {
    let norm = gradient.f_norm()?;
    if max_norm.is_finite() {
        let scale = norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar_(max_norm)?.f_clamp_max_(1.0)?;
        // On the CPU looking costs nothing, and a pass over the gradient does.
        if scale.device() != Device::Cpu || f64::try_from(&scale)? != 1.0 {
            let _ = gradient.f_mul_(&scale)?;
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_scales_only_what_is_too_long() {
        let norm_after = |max| {
            let mut gradient = Tensor::from_slice(&[3.0_f32, 0.0, 4.0]);
            assert_eq!(clip(&mut gradient, max).unwrap().double_value(&[]), 5.0);
            assert!((gradient.double_value(&[0]) / gradient.double_value(&[2]) - 0.75).abs() < 1e-6);
            gradient.norm().double_value(&[])
        };
        assert!((norm_after(1.0) - 1.0).abs() < 1e-5);
        assert!((norm_after(4.0) - 4.0).abs() < 1e-5);
        assert_eq!(norm_after(6.0), 5.0);
        assert_eq!(norm_after(f64::INFINITY), 5.0);
    }

    #[test]
    fn every_step_of_every_seed_draws_its_own() {
        let mut keys: Vec<_> =
            (0..4).flat_map(|seed| (0..1000).map(move |step| rng_key(seed, step))).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4000);
    }
}
