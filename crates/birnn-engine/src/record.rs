//! Writes `metrics.jsonl` and `timing.jsonl` ([`MetricsLine`] says what is in them). Lines are handed to the
//! system as soon as they are known, and are on the disk itself before the next checkpoint.

use std::borrow::Cow;

use birnn_infer::{Epoch, Evaluation, MetricsLine, Step};
use birnn_run::{METRICS, RecordFile, RunDir, TIMING};

use crate::error::EngineError;
use crate::learner::Learner;
use crate::observer::{Control, Observer, StepContext};

/// Appends to a run's `metrics.jsonl` and `timing.jsonl`.
#[derive(Debug)]
pub struct Record {
    metrics: RecordFile,
    timing: RecordFile,
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

    /// The result on the test samples.
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
