//! What a run wrote down while it went on: `metrics.jsonl`, `timing.jsonl`, `meta.json`.

use std::io;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_infer::{Epoch, Evaluation, MetricsLine, Step, Timing};
use birnn_run::{METRICS, Meta, MetaError, MetaProblem, TIMING};
use serde::de::DeserializeOwned;

/// The records of a run. What is missing or damaged leaves its part empty, and a [`RecordError`] says why.
#[derive(Debug, Default)]
pub struct Records {
    /// The logged steps, in order.
    pub steps: Vec<Step>,
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// How long the epochs took.
    pub timing: Vec<Timing>,
    /// How the net does on the test samples, once it is trained.
    pub test: Option<Evaluation>,
    /// What the run says of itself.
    pub meta: Option<Meta>,
    /// What could not be read.
    pub problems: Vec<RecordError>,
}

/// Why a record is not all there.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read, most often because it is not there.
    #[error("{}: {source}", shown(.path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what a run writes; it and those after it are left out.
    #[error("{}:{line}: {problem}", shown(.path))]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

impl Records {
    /// Reads the records in a run's folder, as far as they can be read.
    pub fn read(folder: &Path) -> Records {
        let mut records = Records::default();
        for line in records.lines::<MetricsLine>(&folder.join(METRICS)) {
            match line {
                MetricsLine::Step(step) => records.steps.push(step.into_owned()),
                MetricsLine::Epoch(epoch) => records.epochs.push(epoch.into_owned()),
                MetricsLine::Test(test) => records.test = Some(test.into_owned()),
                MetricsLine::Data(_) | MetricsLine::Other => {}
            }
        }
        records.timing = records.lines(&folder.join(TIMING));
        records.meta = records.meta(folder);
        records
    }

    /// Seconds of training, over all sessions of the run, evaluation and checkpoints left out; `None` before
    /// the first epoch is over.
    pub fn seconds(&self) -> Option<f64> {
        let seconds: f64 = self.timing.iter().map(|timing| timing.seconds).sum();
        (!self.timing.is_empty()).then_some(seconds)
    }

    fn meta(&mut self, folder: &Path) -> Option<Meta> {
        let read = Meta::read(folder).map_err(|MetaError { path, problem }| match problem {
            MetaProblem::Io(source) => RecordError::Io { path, source },
            MetaProblem::Damaged(error) => damaged(&path, error.line(), &error),
        });
        read.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The lines of a file up to one that is damaged.
    fn lines<T: DeserializeOwned>(&mut self, path: &Path) -> Vec<T> {
        let mut lines = Vec::new();
        let bytes = self.bytes(path).unwrap_or_default();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(line) => lines.push(line),
                Err(error) => {
                    self.problems.push(damaged(path, index + 1, &error));
                    break;
                }
            }
        }
        lines
    }

    fn bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        std::fs::read(path)
            .map_err(|source| self.problems.push(RecordError::Io { path: path.to_owned(), source }))
            .ok()
    }
}

fn damaged(path: &Path, line: usize, error: &serde_json::Error) -> RecordError {
    let problem = error.to_string();
    // It counts from the line that it was given.
    let problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
    RecordError::Line { path: path.to_owned(), line, problem }
}

#[cfg(test)]
pub(crate) mod made_up {
    use birnn_infer::{Classified, Detail};

    use super::*;

    /// How a net did of which only this is known.
    pub(crate) fn evaluation(samples: u64, correct: u64, loss: f64) -> Evaluation {
        let accuracy = correct as f64 / samples.max(1) as f64;
        let detail = Detail::Classify(Classified { correct, accuracy, ..Classified::default() });
        Evaluation { positions: samples, loss, detail }
    }

    /// The first epoch, of so many steps.
    pub(crate) fn epoch(step: usize, validation: Option<Evaluation>) -> Epoch {
        Epoch { epoch: 1, step, train_loss: 1.0, rate: 0.1, timing: Timing::default(), validation }
    }
}

#[cfg(test)]
mod tests {
    use birnn_run::META;

    use super::*;

    const STEP: &str = r#"{"event":"step","step":2,"epoch":1,"rate":0.003,"images":50,"loss":2.3}"#;
    const EPOCH: &str =
        r#"{"event":"epoch","epoch":1,"step":5,"train_loss":2.2,"rate":0.003,"validation":null}"#;

    fn read(metrics: Option<&str>, timing: Option<&str>, meta: Option<&str>) -> Records {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [(METRICS, metrics), (TIMING, timing), (META, meta)] {
            if let Some(text) = text {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
        }
        Records::read(folder.path())
    }

    #[test]
    fn a_damaged_line_costs_what_follows_and_is_named() {
        let metrics = format!("{{\"event\":\"data\"}}\n{STEP}\n{EPOCH}\n{{\"event\":\"st\n{STEP}\n");
        let timing = "{\"epoch\":1,\"seconds\":1.5,\"images_per_second\":100.0}\n";
        let found = read(Some(&metrics), Some(timing), Some("{\n\"name\": 3}"));
        assert_eq!((found.steps.len(), found.epochs.len(), found.timing.len()), (1, 1, 1));
        assert!(found.meta.is_none());
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("metrics.jsonl:4: "), "{problems:?}");
        assert!(problems[1].contains("meta.json:2: "), "{problems:?}");
    }

    #[test]
    fn what_is_missing_is_told_of_and_nothing_else() {
        let found = read(None, None, None);
        assert_eq!(found.problems.len(), 3);
        assert!(found.problems.iter().all(|problem| matches!(problem, RecordError::Io { .. })));
        let found = read(Some(STEP), Some(""), None);
        assert_eq!((found.steps.len(), found.problems.len()), (1, 1));
    }

    #[test]
    fn an_event_of_a_later_version_is_passed_over() {
        let found = read(Some(&format!("{{\"event\":\"weather\",\"rain\":true}}\n{STEP}")), Some(""), None);
        assert_eq!(found.steps.len(), 1);
        assert_eq!(found.problems.len(), 1, "meta.json alone");
    }
}
