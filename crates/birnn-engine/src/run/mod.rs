//! A run, from its experiment and its data to its result: what `birnn train` does, for any program.
//!
//! What is cheap to check fails first, and the directory is made last:
//!
//! 1. [`Start`]: a new run of an experiment ([`Source`]), or one that goes on ([`Resumed::open`]).
//! 2. [`Prepared::new`]: whether its data suits it, the net, and where its training stands; of a run that goes
//!    on, whether it is still the same.
//! 3. [`Prepared::open`]: the directory, with what the run says of itself.
//! 4. [`Run::train`]: the loop, the test, and the files that the run comes to.
//!
//! Loading data (`birnn_data::load`) and choosing a device are the caller's, between the first two.

mod files;
mod resumed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use birnn_data::name::{self, shown};
use birnn_data::{Dataset, Fallback, Ground, Modality, Splits};
use birnn_experiment::{DeviceChoice, Experiment, ExperimentError, Plan, Source};
use birnn_infer::{Evaluation, Manifest, ManifestError, Task};
use birnn_run::disk::Disk;
use birnn_run::{CONFIG, FileError, LIBTORCH, META, Meta, RunDir, RunDirError, Session, Status};
use tch::Device;

use crate::checkpoint::Checkpoints;
use crate::device;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::loss::Loss;
use crate::observer::{Observer, Timed};
use crate::record::Record;
use crate::resume::{ResumeError, Resumed};
use crate::samples::Samples;
use crate::state::State;
use crate::tensorboard::TensorBoard;
use crate::train::{Trained, TrainingData, train};

pub use self::files::movable;

/// Why there is no run, or why it did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be gone on with.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The experiment is wrong, or not for this data.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The directory cannot be had.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The net cannot be kept in a file.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The experiment cannot be written down.
    #[error("{0}")]
    Unwritable(toml::ser::Error),
    /// A file of the run could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The training failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Where a new run goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A directory, new or empty.
    Chosen(PathBuf),
    /// The next number under this folder and the run's name.
    Numbered(PathBuf),
}

impl Destination {
    /// Whether a run can go there, as far as can be told without making anything: better said before data is
    /// downloaded than after.
    pub fn check(&self) -> Result<(), RunDirError> {
        match self {
            Destination::Chosen(path) => RunDir::check(path),
            Destination::Numbered(_) => Ok(()),
        }
    }
}

/// What a run starts from.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each run, which is moved a few times")]
pub enum Start {
    /// An experiment, for a new run.
    New(Source, Destination),
    /// A run that was begun before.
    Resumed(Resumed),
}

impl Start {
    /// The experiment.
    pub fn source(&self) -> &Source {
        match self {
            Start::New(source, _) | Start::Resumed(Resumed { source, .. }) => source,
        }
    }

    /// The experiment, to be changed.
    pub fn source_mut(&mut self) -> &mut Source {
        match self {
            Start::New(source, _) | Start::Resumed(Resumed { source, .. }) => source,
        }
    }

    /// The experiment of a new run, whose settings can still be others; a run that goes on has no settings to
    /// change.
    pub fn changeable(&self) -> Option<&Source> {
        match self {
            Start::New(source, _) => Some(source),
            Start::Resumed(_) => None,
        }
    }

    /// Whether there can be a directory for it, as [`Destination::check`] says.
    pub fn check(&self) -> Result<(), RunDirError> {
        match self {
            Start::New(_, destination) => destination.check(),
            Start::Resumed(_) => Ok(()),
        }
    }
}

/// Who trains, for the run's own account.
#[derive(Clone, Debug)]
pub struct Trainer {
    /// The command line.
    pub command: Vec<String>,
    /// The version of birnn.
    pub version: String,
    /// The git revision that it was built from, where it was built from one.
    pub revision: Option<String>,
}

/// A run that could begin: everything is checked that can be without a directory.
#[derive(Debug)]
pub struct Prepared {
    start: Start,
    training: Training,
    warnings: Vec<ExperimentError>,
    /// What it is, in a line.
    summary: String,
}

/// What is trained, by what and on what.
#[derive(Debug)]
struct Training {
    plan: Plan,
    experiment: Experiment,
    manifest: Manifest,
    learner: Learner,
    state: State,
    data: TrainingData,
    test: Samples,
    /// The data set that drawn digits stand in for.
    substitution: Option<String>,
}

/// A run with its directory, locked.
#[derive(Debug)]
pub struct Run {
    training: Training,
    dir: RunDir,
    meta: Meta,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With a result.
    Done(Evaluation),
    /// An observer asked to stop; what is to be gone on with is saved.
    Stopped {
        /// Steps taken.
        step: usize,
        /// Steps that the whole run has.
        total: usize,
    },
}

impl Prepared {
    /// A run on `device`, on the data of its experiment.
    pub fn new(start: Start, device: Device, mut splits: Splits) -> Result<Prepared, RunError> {
        let plan = start.source().plan()?;
        let steps = splits.modality.steps().unwrap_or_default();
        let mut warnings = Vec::new();
        if let Some(source) = start.changeable() {
            source.suits(steps[1])?;
            warnings = source.warnings(Some((splits.train.len(), steps)));
            warnings.extend(splits.warnings.iter().map(|warning| source.locate(warning.clone().into())));
        }
        let resumed = match &start {
            Start::New(..) => None,
            Start::Resumed(resumed) => Some(resumed),
        };
        if let Some(resumed) = resumed {
            splits.provenance.substitute_for = resumed.substitute_for().map_err(ResumeError::from)?;
        }
        let experiment = resolved(start.source().experiment(), &plan, device::choice(device), &splits);
        let summary = summary(&plan, &splits, &String::from(experiment.train.device));
        let checkpoint = resumed.and_then(|resumed| resumed.checkpoint.as_ref());
        let mut modality = splits.modality.clone();
        // A run whose checkpoints do not say what its images are like goes on as what it was.
        if let Modality::Images { preprocessing, .. } = &mut modality
            && let Some(Modality::Images { preprocessing: before, .. }) =
                checkpoint.map(|checkpoint| &checkpoint.manifest().modality)
        {
            *preprocessing = *before;
        }
        let manifest = Manifest::new(
            experiment.to_toml().map_err(RunError::Unwritable)?,
            modality,
            splits.classes.clone(),
            serde_json::to_value(&splits.provenance).unwrap_or_default(),
        );
        // Before memory is taken for the net, and a directory made.
        manifest.check()?;
        if let Some(resumed) = resumed {
            resumed.verify(&manifest)?;
            resumed.fits(plan.train.epochs, splits.train.len().div_ceil(plan.train.batch_size))?;
        }
        let substitution = splits.provenance.substitute_for;
        let task = Task::of(&manifest);
        let modality = &manifest.modality;
        let ground = match modality {
            Modality::Images { preprocessing: Some(preprocessing), .. } => preprocessing.ground,
            _ => Ground::Dark,
        };
        let augment = plan.data.augment.map(|augment| augment.on(ground));
        let samples =
            |split, augment| Samples::new(split, modality, augment, device).map_err(EngineError::from);
        let data = TrainingData {
            train: samples(splits.train, augment)?,
            validation: samples(splits.validation, None)?,
        };
        let test = samples(splits.test, None)?;
        let mut loss = Loss::new(&task, &plan.train);
        if let Some(weights) = &plan.train.class_weights {
            let counts = data.train.counts(task.outputs());
            let weights = weights.resolve(&manifest.classes, &counts);
            let weights = weights.map_err(|invalid| start.source().locate(invalid))?;
            loss = loss.weighted(&weights, device).map_err(EngineError::from)?;
        }
        let features = modality.features();
        let mut learner = Learner::new(&plan.architecture, task, loss, features, plan.seed, device)?;
        let state = match checkpoint {
            Some(checkpoint) => checkpoint.restore(&mut learner)?,
            None => State::new(plan.train.algorithm, &learner).map_err(EngineError::from)?,
        };
        let training = Training { plan, experiment, manifest, learner, state, data, test, substitution };
        Ok(Prepared { start, training, warnings, summary })
    }

    /// What of its settings and its data is hardly meant, each with its place in the experiment. A run that
    /// goes on has had its warnings.
    pub fn warnings(&self) -> &[ExperimentError] {
        &self.warnings
    }

    /// Takes up the directory of a run that goes on, or makes a new one; from then on there is a run.
    pub fn open(self, disk: Arc<dyn Disk>, trainer: Trainer) -> Result<Run, RunError> {
        let Prepared { start, training, summary, .. } = self;
        tracing::info!("{summary}");
        let dir = match start {
            Start::Resumed(resumed) => {
                resumed::go_on(&resumed, &training.plan, training.steps())?;
                resumed.run
            }
            Start::New(_, Destination::Chosen(path)) => RunDir::chosen(&path, disk)?,
            Start::New(_, Destination::Numbered(runs)) => RunDir::numbered(&runs, &training.plan.name, disk)?,
        };
        let meta = training.started(&dir, trainer)?;
        meta.write(&dir)?;
        // With it there is a run; before it there was nothing to go on with.
        let text = movable(&training.experiment, dir.path()).map_err(RunError::Unwritable)?;
        let heading = files::heading(&training.plan.name, training.substitution.as_deref());
        dir.write(CONFIG, format!("{heading}{text}").as_bytes())?;
        Ok(Run { training, dir, meta })
    }
}

impl Training {
    /// Steps of an epoch.
    fn steps(&self) -> usize {
        self.data.train.len().div_ceil(self.plan.train.batch_size)
    }

    /// What the run records of itself when a session starts, those before included.
    fn started(&self, dir: &RunDir, trainer: Trainer) -> Result<Meta, FileError> {
        let (meta, unread) = Meta::take_up(dir)?;
        if let Some(kept) = unread {
            let path = dir.path().join(META);
            tracing::warn!(
                "{}: cannot be read, and is begun anew; it is kept as {}",
                shown(&path),
                shown(&kept)
            );
        }
        let mut sessions = meta.map_or_else(Vec::new, |meta| meta.sessions);
        for session in &mut sessions {
            session.status = resumed::ended(session);
        }
        sessions.push(Session {
            command: trainer.command,
            from_step: self.state.step,
            status: Status::Running,
            start: birnn_run::clock::now(),
            end: None,
            host: name::text(gethostname::gethostname()),
            cpu: device::cpu(),
            birnn: trainer.version,
            revision: trainer.revision,
        });
        Ok(Meta {
            name: self.plan.name.clone(),
            seed: self.plan.seed,
            device: String::from(self.experiment.train.device),
            libtorch: LIBTORCH.to_owned(),
            status: Status::Running,
            sessions,
            data: self.manifest.data.clone(),
        })
    }
}

impl Run {
    /// Its directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// What is run.
    pub fn plan(&self) -> &Plan {
        &self.training.plan
    }

    /// The device, as it would be asked for.
    pub fn device(&self) -> DeviceChoice {
        self.training.experiment.train.device
    }

    /// What its files say of its net.
    pub fn manifest(&self) -> &Manifest {
        &self.training.manifest
    }

    /// How many samples an epoch shows.
    pub fn samples(&self) -> usize {
        self.training.data.train.len()
    }

    /// How many steps an epoch has.
    pub fn steps(&self) -> usize {
        self.training.steps()
    }

    /// Steps taken before this session.
    pub fn step(&self) -> usize {
        self.training.state.step
    }

    /// The data set that drawn digits stand in for, if they do.
    pub fn substitution(&self) -> Option<&str> {
        self.training.substitution.as_deref()
    }

    /// Trains, tests and saves, and says in `meta.json` how it ended. `observers` are told beside the run's
    /// own records.
    pub fn train(mut self, observers: Vec<Box<dyn Observer + '_>>) -> Result<Outcome, EngineError> {
        let ended = self.train_and_save(observers);
        let status = match &ended {
            Ok(Some(_)) => Status::Done,
            Ok(None) => Status::Stopped { step: self.training.state.step },
            Err(error @ EngineError::Diverged { .. }) => Status::Diverged(error.to_string()),
            Err(error) => Status::Failed(error.to_string()),
        };
        self.meta.now(status, Some(birnn_run::clock::now()));
        let written = self.meta.write(&self.dir);
        // The first failure is the one to tell of.
        let found = ended?;
        written?;
        let total = self.training.plan.train.total(self.training.steps());
        Ok(found.map_or(Outcome::Stopped { step: self.training.state.step, total }, Outcome::Done))
    }

    /// The result on the test samples; `None` where the training was stopped.
    fn train_and_save(
        &mut self,
        observers: Vec<Box<dyn Observer + '_>>,
    ) -> Result<Option<Evaluation>, EngineError> {
        let Training { plan, manifest, learner, state, data, test, .. } = &mut self.training;
        let dir = &self.dir;
        let checkpoints = Checkpoints::new(dir, manifest.clone())?;
        let mut record = Timed::new(Record::open(dir, &manifest.data)?);
        let mut board = Timed::new(TensorBoard::open(dir, manifest, learner, &data.validation, state.step)?);
        if state.step > 0 && dir.has_new_records() {
            // One was lost. What is begun in its place is not what the checkpoint knows.
            checkpoints.save(learner, state)?;
        }
        let mut shown = Timed::new(observers);
        let mut all: Vec<Box<dyn Observer + '_>> =
            vec![Box::new(&mut record), Box::new(&mut board), Box::new(&mut shown)];
        let start = Instant::now();
        let trained = train(&plan.train, plan.seed, learner, data, state, &checkpoints, &mut all)?;
        drop(all);
        let seconds = start.elapsed().as_secs_f64();
        let [metrics, events, shown] =
            [record.taken, board.taken, shown.taken].map(|taken| 100.0 * taken.as_secs_f64() / seconds);
        tracing::debug!(
            "of {seconds:.1} s, metrics took {metrics:.3} %, TensorBoard's events {events:.3} %, what is \
             shown {shown:.3} %"
        );
        let Trained::Done { epochs, kept } = trained else { return Ok(None) };
        if kept < epochs {
            let what = manifest.modality.noun();
            tracing::info!("keeping epoch {kept}, the best on the validation {what}");
        }
        tracing::info!("testing on {} {}", test.len(), manifest.modality.noun());
        let found = learner.evaluate(test)?;
        record.observer.test(&found)?;
        board.observer.test(state.step, &found, test)?;
        let weights = checkpoints.save_final(learner)?;
        files::save_state_dict(dir, manifest, learner)?;
        tracing::info!("saved {}, and {} for PyTorch", shown_path(&weights), files::STATE_DICT);
        dir.flush_records()?;
        Ok(Some(found))
    }
}

fn shown_path(path: &Path) -> String {
    shown(&path).to_string()
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
        Modality::Series(_) if shortest == longest => format!(" of {longest} steps"),
        Modality::Series(_) => format!(" of {shortest} to {longest} steps"),
    };
    format!(
        "{name}: {architecture}, seed {seed}, on {device}; {}: {} training {what}{steps}{kept_back}, {} test {what}",
        provenance.dataset, provenance.train, provenance.test
    )
}
