//! What a user writes under `[train]`, and the resolved plan the loop runs on.

use std::fmt;

use birnn_architecture::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::class_weights::ClassWeights;
use crate::device::DeviceChoice;
use crate::invalid::{Invalid, at_least_one, fraction, positive};
use crate::optimizer::{Algorithm, OptimizerConfig};
use crate::schedule::{Schedule, ScheduleConfig};

/// The `[train]` table as written. [`TrainConfig::resolve`] checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Where to compute: `auto` for the best there is, `cpu`, `cuda` or `cuda:N`.
    pub device: DeviceChoice,
    /// How often to go through the training samples.
    #[schemars(range(min = 1))]
    pub epochs: usize,
    /// Samples per step; the last step of an epoch takes what is left.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Parts of each batch whose gradients are worked out apart and added in one order, whoever has them: as
    /// many processes can share a step at most. The result depends on the parts, and not on the processes.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub shards: usize,
    /// How exact products in the recurrent layers are, on a CPU: `highest` of f32, `high` of two bf16 parts,
    /// `medium` of bf16; where the processor has nothing quicker for it, of f32.
    #[serde(skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// On a CPU: keep the states between segments of about so many steps, and recompute all else on the way
    /// back; 0: keep all. The result is the same.
    #[serde(skip_serializing_if = "is_default")]
    pub recompute: usize,
    /// Whether sequences of about the same length are put into the same batch.
    #[serde(skip_serializing_if = "is_false")]
    pub group_by_length: bool,
    /// Share of the target spread evenly over all classes.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub label_smoothing: f64,
    /// How much a sample counts in the loss, by its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Scales the gradient down to this norm where it is larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub clip_norm: Option<f64>,
    /// Keeps an exponential moving average of the weights, and evaluates and saves that. At each step the
    /// average keeps this share of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub ema_decay: Option<f64>,
    /// Steps between two logged losses.
    #[schemars(range(min = 1))]
    pub log_every: usize,
    /// Steps between two checkpoints; the end of an epoch always makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub checkpoint_every: Option<usize>,
    /// The update rule.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// By what of the evaluations on validation samples the best epoch is told, whose weights are kept.
    #[serde(skip_serializing_if = "Monitor::is_default")]
    pub monitor: Monitor,
    /// Ends the run when what is monitored no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<EarlyStop>,
}

/// What of an evaluation is monitored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Monitor {
    /// The loss: the lower the better.
    #[default]
    Loss,
    /// The share of correct answers.
    Accuracy,
    /// The mean of the classes' F1, each class counting the same.
    MacroF1,
    /// Of tags that mark spans: the F1 of these, of all types together.
    F1,
    /// Of numbers: the root of the mean squared error, in their units; the lower the better.
    Rmse,
    /// Of numbers: the mean absolute error, in their units, or of `infill` and `next` in standard deviations
    /// of the features; the lower the better.
    Mae,
    /// Of numbers: the share of their variance that the answers explain.
    R2,
}

impl Monitor {
    fn is_default(&self) -> bool {
        *self == Monitor::default()
    }

    /// As experiments have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
            Monitor::MacroF1 => "macro-f1",
            Monitor::F1 => "f1",
            Monitor::Rmse => "rmse",
            Monitor::Mae => "mae",
            Monitor::R2 => "r2",
        }
    }

    /// Whether a value is better than another.
    pub fn is_better(self, value: f64, than: f64) -> bool {
        match self {
            Monitor::Loss | Monitor::Rmse | Monitor::Mae => value < than,
            Monitor::Accuracy | Monitor::MacroF1 | Monitor::F1 | Monitor::R2 => value > than,
        }
    }
}

/// For people, such as `validation macro F1`.
impl fmt::Display for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
            Monitor::MacroF1 => "macro F1",
            Monitor::F1 => "F1",
            Monitor::Rmse => "RMSE",
            Monitor::Mae => "MAE",
            Monitor::R2 => "R2",
        })
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Ends the run when what is monitored has not improved for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    /// Epochs without improvement before the run ends.
    #[schemars(range(min = 1))]
    pub patience: usize,
}

/// Training settings with nothing left to decide.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainPlan {
    /// How often to go through the training samples, at least 1.
    pub epochs: usize,
    /// Samples per step, at least 1.
    pub batch_size: usize,
    /// Parts of each batch, from 1 to the size of one.
    pub shards: usize,
    /// How exact products in the recurrent layers are, on a CPU.
    pub precision: Precision,
    /// Steps of segments that are recomputed on the way back, on a CPU, at least 1; where all is kept, none.
    pub recompute: Option<usize>,
    /// Whether sequences of about the same length are put into the same batch.
    pub group_by_length: bool,
    /// In `[0, 1)`.
    pub label_smoothing: f64,
    /// How much a sample counts in the loss, by its class; the same where that is not said.
    pub class_weights: Option<ClassWeights>,
    /// Largest norm of the gradient; infinite where it is not clipped.
    pub clip_norm: f64,
    /// In `[0, 1)`: the share that the average of the weights keeps of itself at a step, where there is one.
    pub ema_decay: Option<f64>,
    /// Steps between two logged losses, at least 1.
    pub log_every: usize,
    /// Steps between two checkpoints; `usize::MAX` where only the end of an epoch makes one.
    pub checkpoint_every: usize,
    /// The update rule.
    pub algorithm: Algorithm,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// By what the best epoch is told.
    pub monitor: Monitor,
    /// Epochs without improvement before the run ends; `usize::MAX` for never.
    pub patience: usize,
}

impl TrainPlan {
    /// The steps of an epoch of so many samples.
    pub fn steps(&self, samples: usize) -> usize {
        samples.div_ceil(self.batch_size)
    }

    /// The steps of a whole run whose epochs have `steps` each. Who asks for more epochs than can be counted
    /// to wants to stop it otherwise.
    pub fn total(&self, steps: usize) -> usize {
        self.epochs.saturating_mul(steps)
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            device: DeviceChoice::Auto,
            epochs: 2,
            batch_size: 100,
            shards: 1,
            precision: Precision::default(),
            recompute: 0,
            group_by_length: false,
            label_smoothing: 0.0,
            class_weights: None,
            clip_norm: None,
            ema_decay: None,
            log_every: 100,
            checkpoint_every: None,
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::default(),
            monitor: Monitor::default(),
            early_stop: None,
        }
    }
}

impl TrainConfig {
    /// Checks every setting but the device, which only the machine can answer for.
    pub fn resolve(&self) -> Result<TrainPlan, Invalid> {
        at_least_one("train.epochs", self.epochs)?;
        at_least_one("train.batch_size", self.batch_size)?;
        at_least_one("train.shards", self.shards)?;
        if self.shards > self.batch_size {
            let (shards, samples) = (self.shards, self.batch_size);
            let message =
                format!("is {shards}, and a batch has {samples} samples (train.batch_size): so many at most");
            return Err(Invalid::new("train.shards", message));
        }
        at_least_one("train.log_every", self.log_every)?;
        fraction("train.label_smoothing", self.label_smoothing)?;
        if let Some(weights) = &self.class_weights {
            weights.check()?;
        }
        if let Some(norm) = self.clip_norm {
            positive("train.clip_norm", norm)?;
        }
        if let Some(decay) = self.ema_decay {
            fraction("train.ema_decay", decay)?;
        }
        if let Some(steps) = self.checkpoint_every {
            at_least_one("train.checkpoint_every", steps)?;
        }
        if let Some(stop) = self.early_stop {
            at_least_one("train.early_stop.patience", stop.patience)?;
        }
        Ok(TrainPlan {
            epochs: self.epochs,
            batch_size: self.batch_size,
            shards: self.shards,
            precision: self.precision,
            recompute: (self.recompute > 0).then_some(self.recompute),
            group_by_length: self.group_by_length,
            label_smoothing: self.label_smoothing,
            class_weights: self.class_weights.clone(),
            clip_norm: self.clip_norm.unwrap_or(f64::INFINITY),
            ema_decay: self.ema_decay,
            log_every: self.log_every,
            checkpoint_every: self.checkpoint_every.unwrap_or(usize::MAX),
            algorithm: self.optimizer.resolve()?,
            schedule: self.schedule.resolve(self.optimizer.lr)?,
            monitor: self.monitor,
            patience: self.early_stop.map_or(usize::MAX, |stop| stop.patience),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(key: &str, change: impl FnOnce(&mut TrainConfig)) {
        let mut config = TrainConfig::default();
        change(&mut config);
        assert_eq!(config.resolve().unwrap_err().key, key);
    }

    #[test]
    fn impossible_settings_are_refused_by_key() {
        refused("train.epochs", |c| c.epochs = 0);
        refused("train.batch_size", |c| c.batch_size = 0);
        refused("train.log_every", |c| c.log_every = 0);
        refused("train.shards", |c| c.shards = 0);
        refused("train.shards", |c| c.shards = 101);
        refused("train.checkpoint_every", |c| c.checkpoint_every = Some(0));
        refused("train.label_smoothing", |c| c.label_smoothing = 1.0);
        refused("train.label_smoothing", |c| c.label_smoothing = f64::NAN);
        refused("train.label_smoothing", |c| c.label_smoothing = 0.999_999_99);
        refused("train.clip_norm", |c| c.clip_norm = Some(0.0));
        refused("train.clip_norm", |c| c.clip_norm = Some(f64::INFINITY));
        refused("train.clip_norm", |c| c.clip_norm = Some(1e-46));
        refused("train.clip_norm", |c| c.clip_norm = Some(1e39));
        refused("train.ema_decay", |c| c.ema_decay = Some(1.0));
        refused("train.ema_decay", |c| c.ema_decay = Some(-0.1));
        refused("train.early_stop.patience", |c| c.early_stop = Some(EarlyStop { patience: 0 }));
        refused("train.optimizer.lr", |c| c.optimizer.lr = -1.0);
    }

    #[test]
    fn what_a_number_is_in_32_bits_is_said() {
        let config = TrainConfig { label_smoothing: 0.999_999_99, ..TrainConfig::default() };
        let message = config.resolve().unwrap_err().message;
        assert_eq!(message, "must be at least 0 and below 1, is 0.99999999, which in 32 bits is 1");
    }

    #[test]
    fn steps_beyond_all_numbers_are_the_most_that_there_can_be() {
        let plan = TrainConfig { epochs: i64::MAX as usize, ..TrainConfig::default() }.resolve().unwrap();
        assert_eq!(plan.total(600), usize::MAX);
        assert_eq!(TrainConfig::default().resolve().unwrap().total(600), 1200);
    }

    #[test]
    fn the_default_is_the_tutorials_recipe() {
        let plan = TrainConfig::default().resolve().unwrap();
        assert_eq!((plan.epochs, plan.batch_size), (2, 100));
        assert_eq!(plan.schedule.rate(0, 1200), 0.003);
    }
}
