//! From an experiment and its data to a run that could begin.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use birnn_data::{Dataset, Fallback, Ground, Modality, SelfTargets, Splits, name};
use birnn_distributed::Ranks;
use birnn_experiment::{DeviceChoice, Experiment, ExperimentError, Invalid, Plan};
use birnn_infer::{Manifest, Task};
use birnn_kernels::{MOST_TAGS, Precision};
use birnn_run::RunDir;
use birnn_run::disk::Disk;
use tch::Device;

use super::resumed;
use super::{Destination, Run, RunError, Start, Trainer, Training};
use crate::device;
use crate::error::EngineError;
use crate::handshake;
use crate::hiding::Hiding;
use crate::learner::Learner;
use crate::loss::Loss;
use crate::samples::Samples;
use crate::state::State;
use crate::tokens::WordDropout;
use crate::train::TrainingData;

/// A run that could begin: everything is checked that can be without a directory.
#[derive(Debug)]
pub struct Prepared {
    start: Start,
    training: Training,
    warnings: Vec<ExperimentError>,
    /// What it is, in a line.
    summary: String,
}

impl Prepared {
    /// A run on `device`, on the data of its experiment.
    pub fn new(start: Start, device: Device, mut splits: Splits) -> Result<Prepared, RunError> {
        let plan = start.source().plan()?;
        let warnings = warnings(&start, &plan, device, &splits)?;
        start.keep_substitute(&mut splits.provenance.substitute_for)?;
        let experiment = resolved(start.source().experiment(), &plan, device::choice(device), &splits);
        let summary = summary(&plan, &splits, &String::from(experiment.train.device));
        let manifest = described(&start, &plan, &experiment, &splits)?;
        if let Start::Resumed(resumed) = &start {
            resumed.verify(&manifest)?;
            resumed.fits(plan.train.epochs, plan.train.steps(splits.train.len()))?;
        }
        let (substitution, vectors) = (splits.provenance.substitute_for.take(), splits.vectors.take());
        let (data, test) = samples(splits, &plan, &experiment, &manifest.modality, device)?;
        let mut learner = learner(&start, &plan, &manifest, &data.train, device)?;
        let state = match start.checkpoint() {
            Some(checkpoint) => checkpoint.restore(&mut learner)?,
            None => {
                if let Some(vectors) = &vectors {
                    learner.begin_with(vectors).map_err(EngineError::from)?;
                }
                State::new(&plan.train, &learner).map_err(EngineError::from)?
            }
        };
        let training = Training { plan, experiment, manifest, learner, state, data, test, substitution };
        Ok(Prepared { start, training, warnings, summary })
    }

    /// What of its settings and its data is hardly meant, each with its place in the experiment. A run that
    /// goes on has had its warnings.
    pub fn warnings(&self) -> &[ExperimentError] {
        &self.warnings
    }

    /// Takes up the directory of a run that goes on, or makes a new one; from then on there is a run. Of
    /// several processes, the first does, once all have found that they are about the same run.
    pub fn open(self, disk: Arc<dyn Disk>, trainer: Trainer, ranks: &Ranks) -> Result<Run, RunError> {
        let Prepared { start, training, summary, .. } = self;
        if ranks.size() > 1 {
            handshake::same_facts(ranks, &training.facts(&trainer)?)?;
        }
        tracing::info!("{summary}");
        let dir = match start {
            Start::Resumed(resumed) => {
                resumed::go_on(&resumed, &training.plan, training.steps(), training.learner.device())?;
                Some(resumed.run)
            }
            Start::New(_, Destination::Chosen(path)) => Some(RunDir::chosen(&path, disk)?),
            Start::New(_, Destination::Numbered(runs)) => {
                Some(RunDir::numbered(&runs, &training.plan.name, disk)?)
            }
            Start::Joined(_) => None,
        };
        let kept = dir.map(|dir| training.begin(dir, trainer)).transpose()?;
        let path = kept.as_ref().map(|kept| kept.dir.path().as_os_str().as_encoded_bytes());
        let path = ranks.from_first(path).map_err(EngineError::from)?;
        let path = PathBuf::from(OsString::from_vec(path));
        Ok(Run { training, path, kept })
    }
}

/// What of the settings and the data is hardly meant. A run that goes on has had its warnings.
///
/// # Errors
///
/// Where the longest sequences are more than a setting can be with.
fn warnings(
    start: &Start,
    plan: &Plan,
    device: Device,
    splits: &Splits,
) -> Result<Vec<ExperimentError>, ExperimentError> {
    let Some(source) = start.changeable() else { return Ok(Vec::new()) };
    let steps = splits.modality.steps().unwrap_or_default();
    source.suits(steps[1], splits.modality.features())?;
    let of_device =
        [precision_warning(plan.train.precision, device), recompute_warning(plan.train.recompute, device)];
    let of_data = splits.warnings.iter().map(|warning| warning.clone().into());
    let mut warnings = source.warnings(Some((splits.train.len(), steps)));
    warnings.extend(of_device.into_iter().flatten().chain(of_data).map(|warning| source.locate(warning)));
    Ok(warnings)
}

/// What the run's files will say of its net, checked before memory is taken for the net, and a directory
/// made.
fn described(
    start: &Start,
    plan: &Plan,
    experiment: &Experiment,
    splits: &Splits,
) -> Result<Manifest, RunError> {
    let mut modality = splits.modality.clone();
    // A run whose checkpoints do not say what its images are like goes on as what it was.
    if let Modality::Images { preprocessing, .. } = &mut modality
        && let Some(Modality::Images { preprocessing: before, .. }) =
            start.checkpoint().map(|checkpoint| &checkpoint.manifest().modality)
    {
        *preprocessing = *before;
    }
    let manifest = Manifest::new(
        experiment.to_toml().map_err(RunError::Unwritable)?,
        modality,
        Task::new(plan.task, splits.outputs.clone()),
        serde_json::to_value(&splits.provenance).unwrap_or_default(),
    )?;
    if let Task::Classify(task) = &manifest.task {
        task.tag_set().map_err(|problem| of_scheme(start, format!("of the classes: {problem}")))?;
    }
    if let Some(tags) = manifest.too_many_tags(&plan.architecture) {
        let message = format!(
            "a conditional random field knows {MOST_TAGS} tags at most, and these are {tags}; `head = \"linear\"` \
             has no such limit"
        );
        return Err(start.source().locate(Invalid { key: "model.head".to_owned(), message }).into());
    }
    if let Some(forbidden) = manifest.forbidden_tags(splits) {
        return Err(of_scheme(start, forbidden.to_string()).into());
    }
    manifest.check()?;
    Ok(manifest)
}

/// The samples on the device: those of training, with what is drawn anew for them in each epoch, and those of
/// the test.
fn samples(
    splits: Splits,
    plan: &Plan,
    experiment: &Experiment,
    modality: &Modality,
    device: Device,
) -> Result<(TrainingData, Samples), EngineError> {
    let ground = match modality {
        Modality::Images { preprocessing: Some(preprocessing), .. } => preprocessing.ground,
        _ => Ground::Dark,
    };
    let augment = plan.data.augment.map(|augment| augment.on(ground));
    let word_dropout = experiment.embedding().map_or_else(WordDropout::default, |embedding| WordDropout {
        any: embedding.word_dropout,
        rare: embedding.rare_word_dropout,
    });
    let samples = |split, augment| Samples::new(split, modality, augment, device);
    let mut train = samples(splits.train, augment)?.with_word_dropout(word_dropout);
    if let (Some(sequences), Some(SelfTargets::Hidden(hide))) = (splits.unhidden, plan.data.self_targets)
        && let Some(hiding) = Hiding::new(sequences, modality, hide)
    {
        train = train.with_hidden(hiding);
    }
    let data = TrainingData { train, validation: samples(splits.validation, None)? };
    Ok((data, samples(splits.test, None)?))
}

/// The net that is to learn, its parameters drawn by the seed.
fn learner(
    start: &Start,
    plan: &Plan,
    manifest: &Manifest,
    train: &Samples,
    device: Device,
) -> Result<Learner, RunError> {
    let task = manifest.task.clone();
    let mut loss =
        Loss::new(&task, plan.architecture.head, &plan.train, device).map_err(EngineError::from)?;
    if let Some(weights) = &plan.train.class_weights {
        let weights = weights.resolve(task.classes(), &train.counts(task.outputs()));
        let weights = weights.map_err(|invalid| start.source().locate(invalid))?;
        loss = loss.weighted(&weights, device).map_err(EngineError::from)?;
    }
    let inputs = manifest.modality.inputs();
    let learner = Learner::new(&plan.architecture, task, loss, inputs, plan.seed, device)?;
    Ok(learner.with_precision(plan.train.precision)?.with_recompute(plan.train.recompute))
}

/// That the data does not fit the scheme of tags that the experiment asks for.
fn of_scheme(start: &Start, message: String) -> ExperimentError {
    start.source().locate(Invalid { key: "task.scheme".to_owned(), message })
}

/// That products are more exact than asked for, where they are.
fn precision_warning(precision: Precision, device: Device) -> Option<Invalid> {
    let instructions = device::workers().instructions();
    let message = match (precision, device) {
        (Precision::Highest, _) => return None,
        (_, Device::Cpu) if instructions.multiplies_bf16(precision) => return None,
        (_, Device::Cpu) => format!(
            "is `{precision}`, and {instructions} has nothing quicker for it than f32, in which products are \
             computed: a processor that is quicker at bf16 gives other results"
        ),
        _ => {
            format!("is `{precision}`, which is the CPU's: on a GPU libtorch decides how exact products are")
        }
    };
    Some(Invalid { key: "train.precision".to_owned(), message })
}

/// That all is kept, where it is.
fn recompute_warning(steps: Option<usize>, device: Device) -> Option<Invalid> {
    let message = "is the CPU's: on a GPU libtorch keeps all that it needs".to_owned();
    let is_of_no_use = steps.is_some() && device != Device::Cpu;
    is_of_no_use.then(|| Invalid { key: "train.recompute".to_owned(), message })
}

/// The experiment that repeats this run: what stood in for the data, and the device, are now decided.
fn resolved(experiment: &Experiment, plan: &Plan, device: DeviceChoice, splits: &Splits) -> Experiment {
    let mut experiment = experiment.clone();
    experiment.name = Some(plan.name.clone());
    experiment.train.device = device;
    if splits.provenance.substitute_for.is_some() {
        experiment.data.dataset = Dataset::Synthetic;
    }
    // Repeated or evaluated where its data is missing, the run must not go on with other data.
    experiment.data.fallback = Fallback::None;
    // This is one run of it.
    experiment.sweep = None;
    experiment
}

fn summary(plan: &Plan, splits: &Splits, device: &str) -> String {
    let Plan { name, seed, architecture, .. } = plan;
    let provenance = &splits.provenance;
    let (what, [shortest, longest]) = (splits.modality.noun(), splits.modality.steps().unwrap_or_default());
    let kept_back = match provenance.validation {
        0 => String::new(),
        count => format!(", {count} kept back"),
    };
    let steps = match &splits.modality {
        Modality::Images { .. } => String::new(),
        Modality::Text(_) => format!(" of {shortest} to {longest} tokens"),
        Modality::Series(_) if shortest == longest => format!(" of {longest} steps"),
        Modality::Series(_) => format!(" of {shortest} to {longest} steps"),
    };
    let names = match &splits.modality {
        Modality::Series(series) => series.names.as_deref(),
        Modality::Images { .. } | Modality::Text(_) => None,
    };
    let names = names.map_or_else(String::new, |names| format!(" ({})", name::first(names)));
    let division = provenance.division.as_ref().map_or_else(String::new, |division| format!(", {division}"));
    format!(
        "{name}: {architecture}, seed {seed}, on {device}; {}: {} training {what}{steps}{names}{kept_back}, {} test {what}{division}",
        provenance.dataset, provenance.train, provenance.test
    )
}
