//! What a weights file says of itself: the net, what it is for, where it came from, and where its training
//! stands.

use std::collections::BTreeMap;

use birnn_architecture::{Architecture, Head, Inputs, Readout};
use birnn_data::{
    Conversion, MOST_CLASSES, Missing, Modality, Per, Preprocessing, Recorded, SelfTargets, Series, Text,
    Wanted,
};
use birnn_experiment::{Experiment, HideConfig, Invalid, TrainPlan};
use birnn_kernels::MOST_TAGS;
use birnn_run::{Cpu, LIBTORCH, Mark};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::described_task::DescribedTask;
use crate::error::{ManifestError, WeightsProblem};
use crate::format::{
    FORMAT, FORMAT_OF_CHECKPOINTS, FORMAT_OF_WEIGHTS, FORMAT_WITH_PREPROCESSING, FORMAT_WITH_SERIES,
    FORMAT_WITH_TASKS, FORMAT_WITH_TEXT, LARGEST_FILE, LARGEST_SIDE, NO_DIGEST, OLDEST_FORMAT, check_header,
};
use crate::task::Task;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "Described")]
pub struct Manifest {
    /// Of the whole file, in hexadecimal.
    sha256: String,
    /// The version of this description.
    pub format: u32,
    /// The experiment as the file has it, of which the digest is.
    experiment_toml: String,
    /// What that says.
    experiment: Experiment,
    /// What it reads.
    pub modality: Modality,
    /// What it is asked for.
    pub task: Task,
    /// Where the training data came from.
    pub data: Value,
    /// The version of libtorch that the weights were computed with; `None` of those from elsewhere.
    pub libtorch: Option<String>,
    /// Where the training stands; weights alone have nothing here.
    pub training: Option<Progress>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
struct Described {
    /// The first field, so that nothing before it in the file looks like it.
    sha256: String,
    format: u32,
    /// TOML with every default written out.
    experiment: String,
    /// Of images: rows and columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<[usize; 2]>,
    #[serde(flatten)]
    task: DescribedTask,
    /// Of images: what they were like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preprocessing: Option<Preprocessing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    series: Option<Series>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    data: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    libtorch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<Progress>,
}

impl TryFrom<Described> for Manifest {
    type Error = String;

    fn try_from(described: Described) -> Result<Manifest, String> {
        let Described { sha256, format, experiment: experiment_toml, task, data, libtorch, training, .. } =
            described;
        let experiment = parsed(&experiment_toml)?;
        let modality = match (described.shape, described.series, described.text) {
            (Some(shape), None, None) => Modality::Images { shape, preprocessing: described.preprocessing },
            (None, Some(series), None) => Modality::Series(series),
            (None, None, Some(text)) => Modality::Text(text),
            (None, None, None) => {
                return Err("missing field `shape`, of images, `series` or `text`".to_owned());
            }
            _ => return Err("it is said to read several of images, series and text".to_owned()),
        };
        let task = task.try_into()?;
        Ok(Manifest { sha256, format, experiment_toml, experiment, modality, task, data, libtorch, training })
    }
}

fn parsed(experiment: &str) -> Result<Experiment, String> {
    toml::from_str(experiment).map_err(|error: toml::de::Error| error.message().to_owned())
}

impl From<Manifest> for Described {
    fn from(manifest: Manifest) -> Described {
        let Manifest { sha256, format, experiment_toml, modality, task, data, libtorch, training, .. } =
            manifest;
        let (shape, preprocessing, series, text) = match modality {
            Modality::Images { shape, preprocessing } => (Some(shape), preprocessing, None, None),
            Modality::Series(series) => (None, None, Some(series), None),
            Modality::Text(text) => (None, None, None, Some(text)),
        };
        Described {
            sha256,
            format,
            experiment: experiment_toml,
            shape,
            task: task.into(),
            preprocessing,
            series,
            text,
            data,
            libtorch,
            training,
        }
    }
}

/// Where a training stands, as far as numbers tell; its tensors are beside it in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Seconds of training in the epoch so far.
    pub seconds: f64,
    /// What the CPU computed with.
    pub cpu: Cpu,
    /// The best epoch so far, and its value of what the experiment monitors.
    pub best: Option<(usize, f64)>,
    /// How far the run's records had grown, by name. `None` in formats before 5, whose checkpoints hold the
    /// records themselves.
    #[serde(default)]
    pub records: Option<BTreeMap<String, Mark>>,
}

/// So many copies of the weights can be in a checkpoint: the weights, two moments, the best weights, the
/// average.
fn copies(plan: &TrainPlan) -> u64 {
    4 + u64::from(plan.ema_decay.is_some())
}

/// Bytes in a header for a tensor besides its name, at most: a prefix, its shape and its offsets in the file.
const ENTRY: usize = 160;
/// Bytes in a header for all else, at most: where the training stands, and how far records have grown.
const OTHERS: u64 = 4096;

impl Manifest {
    /// Describes the weights of a net that reads `modality`, trained by the experiment that this TOML is,
    /// with this build's libtorch.
    ///
    /// # Errors
    ///
    /// Where it is no experiment.
    pub fn new(
        experiment_toml: String,
        modality: Modality,
        task: Task,
        data: Value,
    ) -> Result<Manifest, ManifestError> {
        let experiment = parsed(&experiment_toml).map_err(ManifestError::Unreadable)?;
        let (sha256, libtorch) = (no_digest(), Some(LIBTORCH.to_owned()));
        let (format, training) = (0, None);
        Ok(Manifest { sha256, format, experiment_toml, experiment, modality, task, data, libtorch, training }
            .of_weights())
    }

    /// As the description of a checkpoint.
    pub fn of_checkpoint(&self, progress: Progress) -> Manifest {
        Manifest { training: Some(progress), ..self.clone() }.with_format()
    }

    /// As the description of weights alone.
    pub fn of_weights(self) -> Manifest {
        Manifest { training: None, ..self }.with_format()
    }

    /// In the oldest format that can say what it says.
    fn with_format(self) -> Manifest {
        let tags_spans = matches!(&self.task, Task::Classify(task) if task.scheme.is_some());
        let has_crf = self.experiment.model.head == Head::Crf;
        let format = match (&self.modality, &self.training) {
            (Modality::Text(_), _) => FORMAT_WITH_TEXT,
            _ if tags_spans || has_crf => FORMAT_WITH_TEXT,
            _ if self.task.wanted() != Wanted::default() => FORMAT_WITH_TASKS,
            (Modality::Series(Series { names, columns, missing_mask, .. }), _)
                if names.is_some() || columns.is_some() || *missing_mask =>
            {
                FORMAT_WITH_TASKS
            }
            (Modality::Series(_), _) => FORMAT_WITH_SERIES,
            (Modality::Images { .. }, Some(_)) => FORMAT_OF_CHECKPOINTS,
            (Modality::Images { .. }, None) => FORMAT_OF_WEIGHTS,
        };
        Manifest { format, ..self }
    }

    /// What two descriptions of the same run have in common: not how they are filed, nor their experiments,
    /// which are compared setting by setting, nor what images are like, which a run keeps.
    pub fn compared(&self) -> Value {
        let mut told = serde_json::to_value(self).unwrap_or_default();
        let others = ["sha256", "format", "experiment", "training", "preprocessing"];
        if let Some(told) = told.as_object_mut() {
            others.iter().for_each(|other| drop(told.remove(*other)));
        }
        // The same content under another name is the same data.
        let files = told.pointer_mut("/data/files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("name");
        }
        told
    }

    /// Rows and columns of the images that it reads, if it reads images.
    pub fn shape(&self) -> Option<[usize; 2]> {
        self.modality.shape()
    }

    /// What makes images as this net reads them images as the other one does; `None` where that is not known.
    pub fn conversion_to(&self, other: &Manifest) -> Option<Conversion> {
        let (own, others) = (&self.experiment.data, &other.experiment.data);
        if !own.dataset.is_own() && !others.dataset.is_own() {
            return Some(Conversion::between(&self.modality, &other.modality));
        }
        // Of one's own images nobody else knows whether they are upright, or which is light: of the same
        // files the settings say it.
        let conversion = Conversion::between_settings(own, others);
        let is_known = conversion.is_none() || self.recorded().has_same_files(other.recorded());
        is_known.then_some(conversion)
    }

    /// The experiment that the weights were trained by.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The same as TOML, with every default written out.
    pub fn experiment_toml(&self) -> &str {
        &self.experiment_toml
    }

    /// The SHA-256 of its file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.sha256
    }

    /// The indices of those files among the data's, as provenance lists them, whose content is no longer what
    /// it was; `now` is the provenance of today.
    pub fn changed_files(&self, now: &Value) -> Vec<usize> {
        self.recorded().changed_files(Recorded(now))
    }

    /// Whether the net was trained to answer with what its reverse direction has read: what it is judged by
    /// whole sequences is of no use.
    pub fn reads_what_it_is_asked(&self) -> bool {
        self.experiment.reads_what_it_is_asked()
    }

    /// Where the training data came from, to be asked.
    pub fn recorded(&self) -> Recorded<'_> {
        Recorded(&self.data)
    }

    /// Whether checkpoints with this description can be read again.
    pub fn check(&self) -> Result<(), ManifestError> {
        self.check_copies(copies)
    }

    /// As [`Manifest::check`], of files with the weights alone.
    pub fn check_weights(&self) -> Result<(), ManifestError> {
        self.check_copies(|_| 1)
    }

    fn check_copies(&self, copies: fn(&TrainPlan) -> u64) -> Result<(), ManifestError> {
        let unreadable = ManifestError::Unreadable;
        self.check_modality().map_err(unreadable)?;
        let architecture = self.experiment.model.resolve().map_err(|error| unreadable(error.to_string()))?;
        self.check_inputs(&architecture).map_err(unreadable)?;
        self.check_task(&architecture).map_err(unreadable)?;
        if let Task::Classify(task) = &self.task {
            task.tag_set().map_err(|problem| unreadable(problem.to_string()))?;
        }
        let copies = copies(&self.experiment.train.resolve().map_err(|error| unreadable(error.message))?);
        let (features, outputs) = (self.modality.inputs(), self.task.outputs());
        let weights = architecture.parameters(features, outputs);
        // Of what is not trained there is one copy alone.
        let size_of = |(name, shape): &(String, Vec<usize>)| {
            let bytes = 4 * shape.iter().product::<usize>() as u64;
            bytes.saturating_mul(if architecture.is_trained(name) { copies } else { 1 })
        };
        let size = weights.iter().map(size_of).fold(0, u64::saturating_add);
        if size > LARGEST_FILE {
            return Err(ManifestError::TooLarge { size, largest: LARGEST_FILE });
        }
        let names: usize = weights.iter().map(|(name, _)| name.len() + ENTRY).sum();
        // In the header the description is a JSON string, with quotes and backslashes of its own.
        let described = self.encode().and_then(|text| serde_json::to_string(&text));
        let described = described.map_err(|error| unreadable(error.to_string()))?.len() as u64;
        check_header(described + copies * names as u64 + OTHERS).map_err(unreadable)
    }

    /// Whether a net has vectors for what it reads, and only where it reads words.
    pub(crate) fn check_inputs(&self, architecture: &Architecture) -> Result<(), String> {
        match (self.modality.inputs(), architecture.embedding) {
            (Inputs::Values(_), None) | (Inputs::Tokens { .. }, Some(_)) => Ok(()),
            (Inputs::Tokens { .. }, None) => Err("a net that reads words needs vectors for them".to_owned()),
            (Inputs::Values(_), Some(_)) => Err("a net with vectors for words reads none".to_owned()),
        }
    }

    /// Whether a net answers what it is asked for: each step, or a whole sequence.
    pub(crate) fn check_task(&self, architecture: &Architecture) -> Result<(), String> {
        let readout = architecture.readout;
        if architecture.head == Head::Crf && self.task.per() == Per::Sequence {
            return Err("a conditional random field answers each step, and one answer is wanted".to_owned());
        }
        if architecture.head == Head::Crf && self.task.self_targets().is_some() {
            return Err("a conditional random field tells tags, and no tokens of texts themselves".to_owned());
        }
        if architecture.head == Head::Crf && !matches!(self.task, Task::Classify(_)) {
            return Err("a conditional random field tells tags, and no numbers".to_owned());
        }
        if let Some(tags) = self.too_many_tags(architecture) {
            return Err(format!("a conditional random field of {tags} tags; at most {MOST_TAGS} can be"));
        }
        match (self.task.per(), readout == Readout::Sequence) {
            (Per::Step, true) | (Per::Sequence, false) => Ok(()),
            (Per::Step, false) => Err(format!("a net with the readout `{readout}` cannot answer each step")),
            (Per::Sequence, true) => {
                Err("a net that answers each step has no answer to a whole sequence".to_owned())
            }
        }
    }

    /// How many tags a conditional random field would have, where these are more than it can know.
    pub fn too_many_tags(&self, architecture: &Architecture) -> Option<usize> {
        Some(self.task.outputs()).filter(|&tags| architecture.head == Head::Crf && tags > MOST_TAGS)
    }

    /// Whether a net can be for such images or series.
    fn check_modality(&self) -> Result<(), String> {
        let outputs = self.task.outputs();
        let can_be = |size: usize| (1..=LARGEST_SIDE).contains(&size);
        let (fits, what) = match &self.modality {
            Modality::Images { shape: [rows, cols], .. } => {
                (can_be(*rows) && can_be(*cols), format!("{rows} x {cols} images"))
            }
            Modality::Series(series) => {
                series.check()?;
                let inputs = series.inputs();
                (can_be(inputs), format!("series of {inputs} values per step"))
            }
            Modality::Text(text) => {
                text.check()?;
                (true, "sentences".to_owned())
            }
        };
        if let Task::Regress(task) = &self.task {
            task.scale.check()?;
        }
        self.check_self_targets()?;
        let (most_outputs, outputs_are) = match &self.task {
            // As many as the text that it reads has words, as is checked above.
            Task::Classify(task) if task.self_targets.is_some() => (usize::MAX, "tokens"),
            Task::Classify(_) => (MOST_CLASSES, "classes"),
            Task::Regress(_) => (LARGEST_SIDE, "numbers"),
        };
        if !fits || !(1..=most_outputs).contains(&outputs) {
            let most = match &self.modality {
                Modality::Images { .. } => format!("{LARGEST_SIDE} x {LARGEST_SIDE}"),
                Modality::Series(_) => format!("{LARGEST_SIDE} values"),
                Modality::Text(_) => "any length".to_owned(),
            };
            return Err(format!(
                "{what} of {outputs} {outputs_are} cannot be; at most {most} of {most_outputs} can"
            ));
        }
        Ok(())
    }

    /// Whether a net that answers with values or tokens of what it reads has one answer for each.
    fn check_self_targets(&self) -> Result<(), String> {
        let Some(targets) = self.task.self_targets() else { return Ok(()) };
        let hides = match targets {
            SelfTargets::Hidden(hide) => {
                let checked = HideConfig::from(hide).resolve();
                checked.map_err(|Invalid { key, message }| format!("{key}: {message}"))?;
                true
            }
            SelfTargets::Next => false,
        };
        let suits = match (&self.modality, &self.task) {
            (Modality::Series(series), Task::Regress(task)) => {
                task.scale.names.len() == series.features() && !(hides && series.missing == Missing::Refuse)
            }
            (Modality::Text(text), Task::Classify(task)) => task.classes == text.words,
            _ => false,
        };
        match suits {
            true => Ok(()),
            false => Err("what it answers with are not the values of what it reads".to_owned()),
        }
    }

    /// As JSON with a place for the digest, in which zeros stand until it is known.
    pub fn encode(&self) -> serde_json::Result<String> {
        // What was read from a file has that file's digest.
        serde_json::to_string(&Manifest { sha256: no_digest(), ..self.clone() })
    }

    /// The digest that the file is to have.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The format is looked at first: what else there is depends on it.
    pub fn parse(text: &str) -> Result<Manifest, WeightsProblem> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(WeightsProblem::Format { format });
        }
        let described: Described = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut manifest = Manifest::try_from(described)?.with_format();
        if format < FORMAT_WITH_PREPROCESSING
            && let Modality::Images { shape, .. } = manifest.modality
        {
            let preprocessing = manifest.known_preprocessing();
            manifest.modality = Modality::Images { shape, preprocessing };
        }
        manifest.check_modality()?;
        if manifest.sha256.len() != NO_DIGEST.len() {
            return Err("its digest is none".into());
        }
        Ok(manifest)
    }

    /// What is known of the data set that it was trained by.
    fn known_preprocessing(&self) -> Option<Preprocessing> {
        let data = self.experiment.data.resolve().ok()?;
        // Weights from elsewhere have the tutorial's data in their experiment, and may have seen any other.
        if self.recorded().is_import() { None } else { data.preprocessing() }
    }
}

fn no_digest() -> String {
    String::from_utf8_lossy(&NO_DIGEST).into_owned()
}
