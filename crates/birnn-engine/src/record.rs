//! `metrics.jsonl`: one JSON object for the data, per logged step, per epoch and for the test, on disk as soon as
//! it is known.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::EngineError;
use crate::observer::{Epoch, Observer, Step};
use crate::task::Evaluation;

/// Appends to a run's `metrics.jsonl`.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
}

/// One line of the file, told apart by `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Data(&'a serde_json::Value),
    Step(&'a Step),
    Epoch(&'a Epoch),
    Test(&'a Evaluation),
}

impl Record {
    /// Starts the file at `path` with where the data came from; there must be none.
    pub fn create(path: &Path, data: &serde_json::Value) -> Result<Record, EngineError> {
        let file = File::create_new(path).map_err(EngineError::io(path))?;
        let mut record = Record { path: path.to_owned(), file };
        record.line(&Line::Data(data))?;
        Ok(record)
    }

    /// Another handle on the same file.
    pub fn try_clone(&self) -> Result<Record, EngineError> {
        let file = self.file.try_clone().map_err(EngineError::io(&self.path))?;
        Ok(Record { path: self.path.clone(), file })
    }

    /// The result on the test images.
    pub fn test(&mut self, evaluation: &Evaluation) -> Result<(), EngineError> {
        self.line(&Line::Test(evaluation))
    }

    fn line(&mut self, line: &Line) -> Result<(), EngineError> {
        let mut write = || {
            let mut text = serde_json::to_vec(line)?;
            text.push(b'\n');
            // One write per line: a reader never sees half of one.
            self.file.write_all(&text)
        };
        write().map_err(EngineError::io(&self.path))
    }
}

impl Observer for Record {
    fn step(&mut self, step: &Step) -> Result<(), EngineError> {
        if step.loss.is_some() { self.line(&Line::Step(step)) } else { Ok(()) }
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), EngineError> {
        self.line(&Line::Epoch(epoch))
    }
}
