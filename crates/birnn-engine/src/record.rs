//! `metrics.jsonl`: one JSON object for the data, per logged step, per epoch and for the test;
//! `timing.jsonl`: one per epoch. Lines are handed to the system as soon as they are known, and are on the
//! disk itself before the next checkpoint.
//!
//! The metrics are a function of the experiment: a run that is repeated, or stopped and resumed, writes the
//! same bytes. How long it took is not, and has a file of its own.

use std::borrow::Cow;

use birnn_infer::Evaluation;
use birnn_run::{METRICS, RecordFile, RunDir, TIMING};
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::learner::Learner;
use crate::observer::{Control, Epoch, Observer, Step, StepContext};

/// Appends to a run's `metrics.jsonl` and `timing.jsonl`.
#[derive(Debug)]
pub struct Record {
    metrics: RecordFile,
    timing: RecordFile,
}

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
    /// How the net does on the test images, once it is trained.
    Test(Cow<'a, Evaluation>),
    /// Whatever a later version adds. It is read and never written.
    #[serde(other)]
    Other,
}

impl Record {
    /// Goes on with both files where the run did, else begins them. The first line of the metrics says where
    /// the data came from.
    pub fn open(run: &RunDir, data: &serde_json::Value) -> Result<Record, EngineError> {
        let record = Record { metrics: run.records().get(METRICS)?, timing: run.records().get(TIMING)? };
        if record.metrics.is_empty() {
            record.line(&MetricsLine::Data(Cow::Borrowed(data)))?;
        }
        Ok(record)
    }

    /// The result on the test images.
    pub fn test(&self, evaluation: &Evaluation) -> Result<(), EngineError> {
        self.line(&MetricsLine::Test(Cow::Borrowed(evaluation)))
    }

    fn line(&self, line: &MetricsLine) -> Result<(), EngineError> {
        Ok(self.metrics.append_json(line)?)
    }
}

impl Observer for Record {
    fn step(&mut self, step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        if step.loss.is_some() {
            self.line(&MetricsLine::Step(Cow::Borrowed(step)))?;
        }
        Ok(Control::Continue)
    }

    fn epoch(&mut self, epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        self.line(&MetricsLine::Epoch(Cow::Borrowed(epoch)))?;
        Ok(self.timing.append_json(&epoch.timing)?)
    }
}
