//! Where a run stands between two steps.

use std::collections::BTreeMap;

use birnn_experiment::TrainPlan;
use birnn_infer::Progress;
use birnn_infer::container::{Contents, Entry};
use birnn_infer::layout::{AVERAGE, BEST, LOSS_SUM, MOMENTS};
use birnn_run::{Cpu, Mark};
use tch::{Device, Kind, TchError, Tensor};

use crate::average::Average;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::optimizer::Optimizer;
use crate::weights::{entry, group, tensor};

/// All that the rest of a run depends on, besides its plan and the weights: it starts, stops and goes on with
/// this.
#[derive(Debug)]
pub struct State {
    /// Steps taken. Where they fill whole epochs, the last of these has been evaluated too.
    pub step: usize,
    pub(crate) optimizer: Optimizer,
    /// Of the weights, where the plan has one.
    pub(crate) average: Option<Average>,
    /// Of the epoch so far: the loss of each step times its batch's positions, `f32 []`.
    pub(crate) loss_sum: Tensor,
    /// Seconds of training in the epoch so far.
    pub(crate) seconds: f64,
    pub(crate) best: Option<Best>,
}

/// The best value so far of what is monitored, and the weights that reached it.
#[derive(Debug)]
pub(crate) struct Best {
    /// From 1.
    pub(crate) epoch: usize,
    pub(crate) value: f64,
    pub(crate) parameters: Vec<Tensor>,
}

impl State {
    /// Before the first step.
    pub fn new(plan: &TrainPlan, learner: &Learner) -> Result<State, TchError> {
        Ok(State {
            step: 0,
            optimizer: Optimizer::new(plan.algorithm, learner.parameters())?,
            average: plan.ema_decay.map(|decay| Average::new(decay, learner.snapshot())),
            loss_sum: no_loss(learner.device())?,
            seconds: 0.0,
            best: None,
        })
    }

    /// Updates the weights, and their average.
    pub(crate) fn update(&mut self, learner: &Learner, gradient: &Tensor, rate: f64) -> Result<(), TchError> {
        self.optimizer.step(learner.parameters(), gradient, rate)?;
        self.step += 1;
        self.average.as_mut().map_or(Ok(()), |average| average.follow(learner.parameters(), self.step))
    }

    /// Epochs gone through, of `steps` steps each.
    pub(crate) fn epochs(&self, steps: usize) -> usize {
        self.step / steps
    }

    /// Whether what is monitored has not improved for as long as the plan allows.
    pub(crate) fn out_of_patience(&self, plan: &TrainPlan, steps: usize) -> bool {
        let since = |best: &Best| self.epochs(steps).saturating_sub(best.epoch);
        self.best.as_ref().is_some_and(|best| since(best) >= plan.patience)
    }

    /// Starts the sums of an epoch anew.
    pub(crate) fn next_epoch(&mut self) -> Result<(), TchError> {
        self.loss_sum = no_loss(self.loss_sum.device())?;
        self.seconds = 0.0;
        Ok(())
    }

    /// The numbers of a checkpoint, whose records have grown so far.
    pub(crate) fn progress(&self, cpu: Cpu, records: BTreeMap<String, Mark>) -> Progress {
        Progress {
            step: self.step,
            seconds: self.seconds,
            cpu,
            best: self.best.as_ref().map(|best| (best.epoch, best.value)),
            records: Some(records),
        }
    }

    /// The tensors of a checkpoint, those of the weights left out.
    pub(crate) fn entries(&self, names: &[String]) -> Result<Vec<Entry>, EngineError> {
        let mut entries = vec![entry(LOSS_SUM, &self.loss_sum)?];
        for (name, moment) in MOMENTS.iter().zip(self.optimizer.moments()) {
            entries.push(entry(*name, moment)?);
        }
        let average = self.average.iter().map(|average| (AVERAGE, average.parameters()));
        let best = self.best.iter().map(|best| (BEST, best.parameters.as_slice()));
        for (prefix, parameters) in average.chain(best) {
            for (name, tensor) in names.iter().zip(parameters) {
                entries.push(entry(format!("{prefix}{name}"), tensor)?);
            }
        }
        Ok(entries)
    }

    /// The state that a checkpoint was made of, on the device of `learner`.
    pub(crate) fn restored(
        progress: &Progress,
        contents: &Contents,
        learner: &Learner,
    ) -> Result<State, EngineError> {
        let device = learner.device();
        let plan = contents.plan();
        let moment = |name| Ok::<_, EngineError>(tensor(contents, name)?.f_to_device(device)?);
        let moments = [moment(MOMENTS[0])?, moment(MOMENTS[1])?];
        let parameters = |prefix| -> Result<Vec<Tensor>, EngineError> {
            let parameters = group(contents, prefix, learner.names())?;
            let parameters = parameters.iter().map(|tensor| tensor.f_to_device(device));
            Ok(parameters.collect::<Result<_, TchError>>()?)
        };
        let average = |decay| Ok::<_, EngineError>(Average::new(decay, parameters(AVERAGE)?));
        let best =
            |(epoch, value)| Ok::<_, EngineError>(Best { epoch, value, parameters: parameters(BEST)? });
        Ok(State {
            step: progress.step,
            optimizer: Optimizer::restored(plan.algorithm, progress.step, moments),
            average: plan.ema_decay.map(average).transpose()?,
            loss_sum: tensor(contents, LOSS_SUM)?.f_to_device(device)?,
            seconds: progress.seconds,
            best: progress.best.map(best).transpose()?,
        })
    }
}

fn no_loss(device: Device) -> Result<Tensor, TchError> {
    Tensor::f_zeros(&[] as &[i64], (Kind::Float, device))
}
