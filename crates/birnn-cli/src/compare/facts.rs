//! What is known of a run.

use std::path::{Path, PathBuf};

use birnn_data::{DataConfig, name};
use birnn_engine::{About, Experiment};
use birnn_report::{RecordError, Records, Score};
use serde::Serialize;
use tch::Tensor;

use crate::args::{DataSets, Place};
use crate::eval::Trained;
use crate::failure::Failure;
use crate::run_data;

/// A run, its net, and how they came to be. What no record tells is `None`.
#[derive(Serialize)]
pub(super) struct Facts {
    /// A letter, for short.
    pub(super) name: String,
    /// As the user named it.
    #[serde(serialize_with = "name::serialize")]
    pub(super) run: PathBuf,
    /// The file that was read.
    #[serde(serialize_with = "name::serialize")]
    pub(super) weights: PathBuf,
    /// As in meta.json.
    pub(super) status: Option<String>,
    /// How the net does.
    #[serde(flatten)]
    pub(super) score: Option<Score>,
    pub(super) parameters: usize,
    pub(super) epochs: Option<usize>,
    /// Of training.
    pub(super) seconds: Option<f64>,
    pub(super) images_per_second: Option<f64>,
    pub(super) device: Option<String>,
    pub(super) threads: Option<i32>,
    pub(super) instructions: Option<String>,
    pub(super) libtorch: String,
    pub(super) birnn: Option<String>,
    pub(super) revision: Option<String>,
    #[serde(skip)]
    pub(super) experiment: Experiment,
    /// Its data, where that is now.
    #[serde(skip)]
    pub(super) data: DataConfig,
    #[serde(skip)]
    pub(super) about: About,
    /// Records that cannot be read.
    #[serde(skip)]
    pub(super) problems: Vec<RecordError>,
}

impl Facts {
    pub(super) fn new(
        name: String,
        run: &Path,
        trained: &Trained,
        sets: &DataSets,
        place: &Place,
    ) -> Result<Facts, Failure> {
        let about = trained.about.clone();
        let records =
            run_data::folder_of(&trained.weights).map(|folder| Records::read(&folder)).unwrap_or_default();
        let seconds: f64 = records.timing.iter().map(|epoch| epoch.seconds).sum();
        let images: f64 = records.timing.iter().map(|epoch| epoch.seconds * epoch.images_per_second).sum();
        let timed = seconds > 0.0;
        let session = records.meta.as_ref().and_then(|meta| meta.sessions.last()).cloned();
        Ok(Facts {
            name,
            run: run.to_owned(),
            weights: trained.weights.clone(),
            status: records.meta.as_ref().map(|meta| meta.status.clone()),
            score: None,
            parameters: trained.learner.parameters().iter().map(Tensor::numel).sum(),
            epochs: records.epochs.last().map(|epoch| epoch.epoch),
            seconds: timed.then_some(seconds),
            images_per_second: timed.then(|| images / seconds),
            device: records.meta.map(|meta| meta.device),
            threads: session.as_ref().map(|session| session.cpu.threads),
            instructions: session.as_ref().map(|session| session.cpu.instructions.clone()),
            libtorch: about.libtorch.clone(),
            birnn: session.as_ref().map(|session| session.birnn.clone()),
            revision: session.and_then(|session| session.revision),
            data: run_data::config(&about, &trained.weights, sets, place)?,
            experiment: about.experiment().map_err(Failure::run)?,
            about,
            problems: records.problems,
        })
    }

    /// Whether its training came to its end, as far as is known.
    pub(super) fn is_finished(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "done")
    }

    /// Why it is not finished; `None` where it is.
    pub(super) fn unfinished(&self) -> Option<String> {
        match self.status.as_deref() {
            None | Some("done") => None,
            // A process that is killed says nothing more.
            Some("running") => Some("not finished: still running, or killed".to_owned()),
            Some(status) => Some(format!("not finished: {status}")),
        }
    }

    /// Such as `mnist, 28 x 28, classes 0, 1, 2`.
    pub(super) fn images(&self) -> String {
        let dataset = self.about.data["dataset"].as_str().unwrap_or("images of unknown origin");
        let [rows, cols] = self.about.shape;
        format!("{dataset}, {rows} x {cols}, classes {}", self.about.classes.join(", "))
    }
}
