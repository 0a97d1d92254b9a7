//! A run, from its experiment and its data to its result: what `birnn train` does, for any program.
//!
//! What is cheap to check fails first, and the directory is made last:
//!
//! 1. [`Prepared::new`]: the net, and where its training stands; of a run that goes on, whether it is still
//!    the same.
//! 2. [`Prepared::open`]: the directory, with what the run says of itself.
//! 3. [`Run::train`]: the loop, the test, and the files that the run comes to.
//!
//! Reading the experiment ([`Source`]), resuming ([`Resumed::open`]) and loading data (`birnn_data::load`)
//! come before; each can be had without the others.

mod files;
mod resumed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use birnn_data::name::{self, shown};
use birnn_data::{Dataset, Fallback, Ground, Splits};
use birnn_experiment::{DeviceChoice, Experiment, Plan, Source};
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
    plan: Plan,
    experiment: Experiment,
    manifest: Manifest,
    learner: Learner,
    state: State,
    data: TrainingData,
    test: Samples,
    resumed: Option<Resumed>,
    /// The data set that drawn digits stand in for.
    substitution: Option<String>,
}

/// A run with its directory, locked.
#[derive(Debug)]
pub struct Run {
    prepared: Prepared,
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
    /// A run of `source`'s experiment on `device`, on data that fits it; or one that goes on.
    pub fn new(
        source: &Source,
        plan: Plan,
        device: Device,
        mut splits: Splits,
        resumed: Option<Resumed>,
    ) -> Result<Prepared, RunError> {
        if let Some(resumed) = &resumed {
            splits.provenance.substitute_for = resumed.substitute_for();
        }
        let experiment = resolved(source.experiment(), &plan, device::choice(device), &splits);
        let shape = splits.shape();
        tracing::info!("{}", summary(&plan, &splits, &String::from(experiment.train.device)));
        let checkpoint = resumed.as_ref().and_then(|resumed| resumed.checkpoint.as_ref());
        let manifest = Manifest::new(
            experiment.to_toml().map_err(RunError::Unwritable)?,
            shape,
            splits.classes.clone(),
            // A run whose checkpoints do not say what its images are like goes on as what it was.
            checkpoint.map_or(Some(splits.preprocessing), |checkpoint| checkpoint.manifest().preprocessing),
            serde_json::to_value(&splits.provenance).unwrap_or_default(),
        );
        // Before memory is taken for the net, and a directory made.
        manifest.check()?;
        if let Some(resumed) = &resumed {
            resumed.verify(&manifest)?;
            resumed.fits(plan.train.epochs, splits.train.labels.len().div_ceil(plan.train.batch_size))?;
        }
        let substitution = splits.provenance.substitute_for;
        let task = Task::of(&manifest);
        let loss = Loss::new(&task, &plan.train);
        let ground = manifest.preprocessing.map_or(Ground::Dark, |preprocessing| preprocessing.ground);
        let augment = plan.data.augment.map(|augment| augment.on(ground));
        let data = TrainingData {
            train: Samples::varied(splits.train, augment, device).map_err(EngineError::from)?,
            validation: Samples::new(splits.validation, device).map_err(EngineError::from)?,
        };
        let test = Samples::new(splits.test, device).map_err(EngineError::from)?;
        let mut learner = Learner::new(&plan.architecture, task, loss, shape, plan.seed, device)?;
        let state = match checkpoint {
            Some(checkpoint) => checkpoint.restore(&mut learner)?,
            None => State::new(plan.train.algorithm, &learner).map_err(EngineError::from)?,
        };
        Ok(Prepared { plan, experiment, manifest, learner, state, data, test, resumed, substitution })
    }

    /// Takes up the directory of a run that goes on, or makes a new one; from then on there is a run.
    pub fn open(
        mut self,
        destination: &Destination,
        disk: Arc<dyn Disk>,
        trainer: Trainer,
    ) -> Result<Run, RunError> {
        let dir = match (self.resumed.take(), destination) {
            (Some(resumed), _) => {
                resumed::go_on(&resumed, &self.plan, self.steps())?;
                resumed.run
            }
            (None, Destination::Chosen(path)) => RunDir::chosen(path, disk)?,
            (None, Destination::Numbered(runs)) => RunDir::numbered(runs, &self.plan.name, disk)?,
        };
        let meta = self.started(&dir, trainer)?;
        meta.write(&dir)?;
        // With it there is a run; before it there was nothing to go on with.
        let text = movable(&self.experiment, dir.path()).map_err(RunError::Unwritable)?;
        let heading = files::heading(&self.plan.name, self.substitution.as_deref());
        dir.write(CONFIG, format!("{heading}{text}").as_bytes())?;
        Ok(Run { prepared: self, dir, meta })
    }

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
        &self.prepared.plan
    }

    /// The device, as it would be asked for.
    pub fn device(&self) -> DeviceChoice {
        self.prepared.experiment.train.device
    }

    /// What its files say of its net.
    pub fn manifest(&self) -> &Manifest {
        &self.prepared.manifest
    }

    /// How many samples an epoch shows.
    pub fn samples(&self) -> usize {
        self.prepared.data.train.len()
    }

    /// How many steps an epoch has.
    pub fn steps(&self) -> usize {
        self.prepared.steps()
    }

    /// Steps taken before this session.
    pub fn step(&self) -> usize {
        self.prepared.state.step
    }

    /// The data set that drawn digits stand in for, if they do.
    pub fn substitution(&self) -> Option<&str> {
        self.prepared.substitution.as_deref()
    }

    /// Trains, tests and saves, and says in `meta.json` how it ended. `observers` are told beside the run's
    /// own records.
    pub fn train(mut self, observers: Vec<Box<dyn Observer + '_>>) -> Result<Outcome, EngineError> {
        let ended = self.train_and_save(observers);
        let status = match &ended {
            Ok(Some(_)) => Status::Done,
            Ok(None) => Status::Stopped { step: self.prepared.state.step },
            Err(error @ EngineError::Diverged { .. }) => Status::Diverged(error.to_string()),
            Err(error) => Status::Failed(error.to_string()),
        };
        self.meta.now(status, Some(birnn_run::clock::now()));
        let written = self.meta.write(&self.dir);
        // The first failure is the one to tell of.
        let found = ended?;
        written?;
        let total = self.prepared.plan.train.total(self.prepared.steps());
        Ok(found.map_or(Outcome::Stopped { step: self.prepared.state.step, total }, Outcome::Done))
    }

    /// The result on the test samples; `None` where the training was stopped.
    fn train_and_save(
        &mut self,
        observers: Vec<Box<dyn Observer + '_>>,
    ) -> Result<Option<Evaluation>, EngineError> {
        let Prepared { plan, manifest, learner, state, data, test, .. } = &mut self.prepared;
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
            tracing::info!("keeping epoch {kept}, the best on the validation images");
        }
        tracing::info!("testing on {} images", test.len());
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
    let kept_back = match provenance.validation {
        0 => String::new(),
        count => format!(", {count} kept back"),
    };
    format!(
        "{name}: {architecture}, seed {seed}, on {device}; {}: {} training images{kept_back}, {} test images",
        provenance.dataset, provenance.train, provenance.test
    )
}
