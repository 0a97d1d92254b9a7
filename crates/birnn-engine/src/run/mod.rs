//! A run, from its experiment and its data to its result: what `birnn train` does, for any program.
//!
//! What is cheap to check fails first, and the directory is made last:
//!
//! 1. [`Start`]: a new run of an experiment ([`Source`]), or one that goes on ([`Resumed::open`]); of several
//!    processes that train one run, all but the first have a [`Joined`].
//! 2. [`Prepared::new`]: whether its data suits it, the net, and where its training stands; of a run that
//!    goes on, whether it is still the same.
//! 3. [`Prepared::open`]: the directory, with what the run says of itself.
//! 4. [`Run::train`]: the loop, the test, and the files that the run comes to.
//!
//! Loading data (`birnn_data::load`) and choosing a device are the caller's, between the first two.

mod files;
mod joined;
mod keeping;
mod prepared;
mod resumed;

use std::path::{Path, PathBuf};
use std::time::Instant;

use birnn_data::name::{self, shown};
use birnn_distributed::Ranks;
use birnn_experiment::{DeviceChoice, Experiment, ExperimentError, Plan, Source};
use birnn_infer::{Evaluation, Manifest, ManifestError};
use birnn_run::{CONFIG, FileError, LIBTORCH, META, Meta, RunDir, RunDirError, Session, Status};
use tch::Device;

use crate::checkpoint::Checkpoint;
use crate::device;
use crate::error::EngineError;
use crate::handshake;
use crate::health;
use crate::learner::Learner;
use crate::observer::{Observer, Timed};
use crate::resume::{ResumeError, Resumed};
use crate::samples::Samples;
use crate::state::State;
use crate::train::{Trained, TrainingData, train};

pub use self::files::movable;
pub use self::joined::{HandOverError, Joined};
use self::keeping::Keeping;
pub use self::prepared::Prepared;

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
    /// Whether a run of this name can go there, as far as can be told without making anything: better said
    /// before data is downloaded than after.
    pub fn check(&self, name: &str) -> Result<(), RunDirError> {
        match self {
            Destination::Chosen(path) => RunDir::check(path),
            Destination::Numbered(runs) => RunDir::check_numbered(runs, name),
        }
    }
}

/// What a run starts from.
#[derive(Debug)]
pub enum Start {
    /// An experiment, for a new run.
    New(Source, Destination),
    /// A run that was begun before.
    Resumed(Resumed),
    /// A run of which another process keeps the files.
    Joined(Joined),
}

impl Start {
    /// The experiment.
    pub fn source(&self) -> &Source {
        match self {
            Start::New(source, _)
            | Start::Resumed(Resumed { source, .. })
            | Start::Joined(Joined { source, .. }) => source,
        }
    }

    /// The experiment, to be changed.
    pub fn source_mut(&mut self) -> &mut Source {
        match self {
            Start::New(source, _)
            | Start::Resumed(Resumed { source, .. })
            | Start::Joined(Joined { source, .. }) => source,
        }
    }

    /// The experiment of a new run, whose settings can still be others; a run that goes on has no settings to
    /// change.
    pub fn changeable(&self) -> Option<&Source> {
        match self {
            Start::New(source, _) => Some(source),
            Start::Resumed(_) | Start::Joined(_) => None,
        }
    }

    /// Whether there can be a directory for it, as [`Destination::check`] says.
    pub fn check(&self, name: &str) -> Result<(), RunDirError> {
        match self {
            Start::New(_, destination) => destination.check(name),
            Start::Resumed(_) | Start::Joined(_) => Ok(()),
        }
    }

    /// Of a run that goes on, the data set that digits drawn by code stand in for is the one of its
    /// beginning.
    fn keep_substitute(&self, substitute_for: &mut Option<String>) -> Result<(), RunError> {
        match self {
            Start::Resumed(resumed) => {
                *substitute_for = resumed.substitute_for().map_err(ResumeError::from)?;
            }
            Start::Joined(Joined { before: Some(before), .. }) => {
                substitute_for.clone_from(&before.substitute_for);
            }
            Start::New(..) | Start::Joined(_) => {}
        }
        Ok(())
    }

    fn checkpoint(&self) -> Option<&Checkpoint> {
        match self {
            Start::New(..) => None,
            Start::Resumed(Resumed { checkpoint, .. }) => checkpoint.as_ref(),
            Start::Joined(Joined { before, .. }) => before.as_ref()?.checkpoint.as_ref(),
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

/// A run that has begun.
#[derive(Debug)]
pub struct Run {
    training: Training,
    /// Its directory, be it another process that has it.
    path: PathBuf,
    /// What this process keeps of it, if it is the first.
    kept: Option<Kept>,
}

/// The files of a run.
#[derive(Debug)]
struct Kept {
    /// Locked.
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

impl Training {
    /// Steps of an epoch.
    fn steps(&self) -> usize {
        self.plan.train.steps(self.data.train.len())
    }

    /// What must be the same on all processes that train it, and where they begin.
    fn facts(&self, trainer: &Trainer) -> Result<serde_json::Value, EngineError> {
        let device = self.learner.device();
        Ok(serde_json::json!({
            "birnn": [trainer.version, trainer.revision],
            "libtorch": LIBTORCH,
            "system": [std::env::consts::OS, std::env::consts::ARCH],
            "device": device.is_cuda(),
            // On a GPU it computes nothing of what is trained.
            "cpu": (device == Device::Cpu).then(|| device::cpu(self.plan.train.precision)),
            "experiment": self.experiment.to_json(),
            "net": self.manifest.compared(),
            "step": self.state.step,
            "parameters": handshake::checksum(&self.learner, &self.state)?,
        }))
    }

    /// The run in its directory: with its experiment there is a run, before it there was nothing to go on
    /// with.
    fn begin(&self, dir: RunDir, trainer: Trainer) -> Result<Kept, RunError> {
        let meta = self.started(&dir, trainer)?;
        meta.write(&dir)?;
        let text = movable(&self.experiment, dir.path()).to_toml().map_err(RunError::Unwritable)?;
        let heading = files::heading(&self.plan.name, self.substitution.as_deref());
        dir.write(CONFIG, format!("{heading}{text}").as_bytes())?;
        Ok(Kept { dir, meta })
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
            // The run is in use by this process alone.
            session.status = session.status.ended();
        }
        sessions.push(Session {
            command: trainer.command,
            from_step: self.state.step,
            status: Status::Running,
            start: birnn_run::clock::now(),
            end: None,
            host: name::text(gethostname::gethostname()),
            cpu: device::cpu(self.plan.train.precision),
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
    /// Its directory, on the host of the first process.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its directory, where this process keeps it.
    pub fn dir(&self) -> Option<&RunDir> {
        self.kept.as_ref().map(|kept| &kept.dir)
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

    /// How many samples it is tested on in the end.
    pub fn test_samples(&self) -> usize {
        self.training.test.len()
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
    pub fn train(
        mut self,
        observers: Vec<Box<dyn Observer + '_>>,
        ranks: &Ranks,
    ) -> Result<Outcome, EngineError> {
        let ended = self.train_and_save(observers, ranks);
        let status = match &ended {
            Ok(Some(_)) => Status::Done,
            Ok(None) => Status::Stopped { step: self.training.state.step },
            Err(error @ EngineError::Diverged { .. }) => Status::Diverged(error.to_string()),
            Err(error) => Status::Failed(error.to_string()),
        };
        let written = match &mut self.kept {
            Some(Kept { dir, meta }) => {
                meta.now(status, Some(birnn_run::clock::now()));
                meta.write(dir)
            }
            None => Ok(()),
        };
        // The first failure is the one to tell of.
        let found = ended?;
        written?;
        // What the first could not write fails on all.
        ranks.gather("")?;
        let total = self.training.plan.train.total(self.training.steps());
        Ok(found.map_or(Outcome::Stopped { step: self.training.state.step, total }, Outcome::Done))
    }

    /// The result on the test samples; `None` where the training was stopped.
    fn train_and_save(
        &mut self,
        observers: Vec<Box<dyn Observer + '_>>,
        ranks: &Ranks,
    ) -> Result<Option<Evaluation>, EngineError> {
        let Training { plan, manifest, learner, state, data, test, .. } = &mut self.training;
        let mut keeping = match &self.kept {
            Some(Kept { dir, .. }) => Some(Keeping::begin(dir, manifest, learner, data, state)?),
            None => None,
        };
        let mut shown = Timed::new(observers);
        let start = Instant::now();
        let trained = {
            let mut all: Vec<Box<dyn Observer + '_>> = Vec::new();
            let mut checkpoints = None;
            if let Some(keeping) = &mut keeping {
                all.push(Box::new(&mut keeping.record));
                all.push(Box::new(&mut keeping.board));
                checkpoints = Some(&keeping.checkpoints);
            }
            all.push(Box::new(&mut shown));
            train(plan, ranks, learner, data, state, checkpoints, &mut all)?
        };
        let seconds = start.elapsed().as_secs_f64();
        if let Some(keeping) = &keeping {
            keeping.account(shown.taken, seconds);
        }
        let Trained::Done { epochs, kept } = trained else { return Ok(None) };
        if kept < epochs {
            let what = manifest.modality.noun();
            tracing::info!("keeping epoch {kept}, the best on the validation {what}");
        }
        tracing::info!("testing on {} {}", test.len(), manifest.modality.noun());
        let found = learner.evaluate(test, ranks)?;
        health::finite(state.step, "the test loss", found.loss)?;
        if let Some(keeping) = keeping {
            keeping.finish(manifest, learner, (state.step, &found, test))?;
        }
        Ok(Some(found))
    }
}
