//! What a run records of itself: the lines of `metrics.jsonl`, one per logged step, per epoch and for the
//! test, and of `timing.jsonl`, one per epoch.
//!
//! The metrics are a function of the experiment: a run that is repeated, or stopped and resumed, writes the
//! same bytes. How long it took is not, and has a file of its own.
//!
//! They stand beside [`Evaluation`], which they hold: whoever writes them trains, and whoever reads them need
//! not.

use std::borrow::Cow;

use birnn_experiment::Monitor;
use serde::{Deserialize, Serialize};

use crate::task::Evaluation;

/// One line of the metrics, told apart by `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum MetricsLine<'a> {
    /// Where the data came from.
    Data(Cow<'a, serde_json::Value>),
    /// A logged step.
    Step(Cow<'a, Step>),
    /// An epoch.
    Epoch(Cow<'a, Epoch>),
    /// How the net does on the test samples, once it is trained.
    Test(Cow<'a, Evaluation>),
    /// Whatever a later version adds. It is read and never written.
    #[serde(other)]
    Other,
}

/// One update of the parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// From 1, over the whole run.
    pub step: usize,
    /// From 1.
    pub epoch: usize,
    /// The learning rate of the update.
    pub rate: f64,
    /// Samples that it saw.
    #[serde(alias = "images")]
    pub samples: usize,
    /// Its loss, on logged steps: fetching it waits for the device.
    pub loss: Option<f64>,
}

/// One pass over the training samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The last step's number, from 1, over the whole run.
    pub step: usize,
    /// Mean loss of its steps, as they were taken: smoothed and with dropout.
    pub train_loss: f64,
    /// The last step's learning rate.
    pub rate: f64,
    /// How long it took. Left out of the metrics: these say the same each time that a run is repeated.
    #[serde(skip)]
    pub timing: Timing,
    /// How the net does on the samples kept back, if any were.
    pub validation: Option<Evaluation>,
}

/// How long an epoch took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// From 1.
    pub epoch: usize,
    /// Training time, over all sessions of the run, evaluation and checkpoints left out.
    pub seconds: f64,
    /// Training samples per second.
    #[serde(alias = "images_per_second")]
    pub samples_per_second: f64,
}

/// Whether the weights of an epoch are kept whose validation gave this value of what is monitored, in place
/// of those of the best so far: of equal ones the first counts.
pub fn is_kept(monitor: Monitor, value: f64, best: Option<f64>) -> bool {
    best.is_none_or(|best| monitor.is_better(value, best))
}

/// How the weights that a run of these epochs kept do on the validation samples, if any were kept back.
pub fn kept(epochs: &[Epoch], monitor: Monitor) -> Option<&Evaluation> {
    let judged = epochs.iter().filter_map(|epoch| epoch.validation.as_ref());
    judged.reduce(|best, other| {
        let is_kept = is_kept(monitor, other.monitored(monitor), Some(best.monitored(monitor)));
        if is_kept { other } else { best }
    })
}
