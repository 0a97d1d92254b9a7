//! What is known of a run that is compared.

use std::path::{Path, PathBuf};

use birnn_data::{DataConfig, Modality, name};
use birnn_experiment::Experiment;
use birnn_infer::{Manifest, Task};
use birnn_run::Status;
use serde::Serialize;

use super::Score;
use crate::error::ReportError;
use crate::records::{RecordError, Records};

/// A run, its net, and how they came to be. What no record says is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedRun {
    /// A letter, for short, which [`ComparisonReport`](super::ComparisonReport) gives it.
    pub name: String,
    /// As the user named it.
    #[serde(serialize_with = "name::serialize")]
    pub run: PathBuf,
    /// The weights file that was read.
    #[serde(serialize_with = "name::serialize")]
    pub weights: PathBuf,
    /// As in meta.json.
    pub status: Option<Status>,
    /// How the net does on the test samples.
    #[serde(flatten)]
    pub score: Option<Score>,
    /// The number of trained values.
    pub parameters: usize,
    /// Epochs that were trained.
    pub epochs: Option<usize>,
    /// Seconds of training.
    pub seconds: Option<f64>,
    /// Training samples per second.
    pub samples_per_second: Option<f64>,
    /// The device it was trained on.
    pub device: Option<String>,
    /// Threads of its last session.
    pub threads: Option<i32>,
    /// Vector instructions of its last session.
    pub instructions: Option<String>,
    /// The version of libtorch that the weights were computed with, where that is known.
    pub libtorch: Option<String>,
    /// The version of birnn of its last session.
    pub birnn: Option<String>,
    /// The git revision of that.
    pub revision: Option<String>,
    /// The experiment that it was trained by.
    #[serde(skip)]
    pub experiment: Experiment,
    /// Its data, where that is now.
    #[serde(skip)]
    pub data: DataConfig,
    /// What its weights file says of itself.
    #[serde(skip)]
    pub manifest: Manifest,
    /// Records that cannot be read.
    #[serde(skip)]
    pub problems: Vec<String>,
}

impl ComparedRun {
    /// The run that a user named `run`, from its `weights` file, what that says of itself, and its `records`;
    /// none of these where the weights are in no run directory. `data` is where its data is now.
    ///
    /// # Errors
    ///
    /// When its experiment is of no net.
    pub fn new(
        run: &Path,
        weights: &Path,
        manifest: Manifest,
        data: DataConfig,
        records: Records,
    ) -> Result<ComparedRun, ReportError> {
        let seconds = records.seconds().unwrap_or_default();
        let samples: f64 = records.timing.iter().map(|epoch| epoch.seconds * epoch.samples_per_second).sum();
        let timed = seconds > 0.0;
        let described = |error: &dyn ToString| ReportError::Experiment(error.to_string());
        let experiment = manifest.experiment().clone();
        let architecture = experiment.model.resolve().map_err(|error| described(&error))?;
        let session = records.meta.as_ref().and_then(|meta| meta.sessions.last()).cloned();
        Ok(ComparedRun {
            name: String::new(),
            run: run.to_owned(),
            weights: weights.to_owned(),
            status: records.meta.as_ref().map(|meta| meta.status.clone()),
            score: None,
            parameters: architecture.parameter_count(manifest.modality.inputs(), manifest.task.outputs()),
            epochs: records.epochs.last().map(|epoch| epoch.epoch),
            seconds: timed.then_some(seconds),
            samples_per_second: timed.then(|| samples / seconds),
            device: records.meta.map(|meta| meta.device),
            threads: session.as_ref().map(|session| session.cpu.threads),
            instructions: session.as_ref().map(|session| session.cpu.instructions.clone()),
            libtorch: manifest.libtorch.clone(),
            birnn: session.as_ref().map(|session| session.birnn.clone()),
            revision: session.and_then(|session| session.revision),
            experiment,
            data,
            manifest,
            problems: records.problems.iter().map(RecordError::to_string).collect(),
        })
    }

    /// Whether its training came to its end, as far as is known.
    pub fn is_finished(&self) -> bool {
        self.unfinished().is_none()
    }

    /// Why it is not finished, in words; `None` where it is.
    pub fn unfinished(&self) -> Option<String> {
        match &self.status {
            None | Some(Status::Done) => None,
            // A process that is killed writes no other status.
            Some(Status::Running) => Some("not finished: still running, or killed".to_owned()),
            Some(status) => Some(format!("not finished: {status}")),
        }
    }

    /// The samples that the net is for, such as `mnist, 28 x 28, classes 0, 1, 2`.
    pub fn samples(&self) -> String {
        let dataset = self.manifest.recorded().data();
        let dataset = dataset.as_deref().unwrap_or("data of unknown origin");
        let of = match &self.manifest.modality {
            Modality::Images { shape: [rows, cols], .. } => format!("{rows} x {cols}"),
            Modality::Series(series) => format!("series of {} values per step", series.features()),
            Modality::Text(_) => "sentences".to_owned(),
        };
        let task = &self.manifest.task;
        let scheme = match task {
            Task::Classify(task) => task.scheme.map_or_else(String::new, |scheme| format!(" as {scheme}")),
            Task::Regress(_) => String::new(),
        };
        format!("{dataset}, {of}, {}{scheme} {}", task.wanted().kind.noun(), name::first(task.names()))
    }
}

#[cfg(test)]
pub(super) mod made_up {
    use super::*;

    /// A run of a small net for images of 2 x 2 and two classes, without records.
    pub(in super::super) fn run(path: &str, change: impl FnOnce(&mut Experiment)) -> ComparedRun {
        let mut experiment = Experiment::default();
        experiment.model.hidden = birnn_architecture::Hidden::Same(2);
        change(&mut experiment);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let data = serde_json::json!({ "dataset": "mnist" });
        let manifest = Manifest::new(
            experiment.to_toml().unwrap(),
            Modality::Images { shape: [2, 2], preprocessing: None },
            Task::classify(classes),
            data,
        )
        .unwrap();
        let weights = Path::new(path).join("model.safetensors");
        let data = experiment.data.clone();
        ComparedRun::new(path.as_ref(), &weights, manifest, data, Records::default()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_finished_unless_its_records_say_otherwise() {
        let mut run = made_up::run("a", |_| ());
        assert!(run.is_finished(), "weights without records");
        assert_eq!(run.samples(), "mnist, 2 x 2, classes a, b");
        for (status, expected) in [
            (Status::Done, None),
            (Status::Running, Some("not finished: still running, or killed")),
            (Status::Stopped { step: 3 }, Some("not finished: stopped at step 3")),
        ] {
            run.status = Some(status);
            assert_eq!(run.unfinished().as_deref(), expected);
        }
    }
}
