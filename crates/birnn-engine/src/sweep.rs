//! A sweep on disk: the experiment with its `[sweep]` in a directory, and a run in it for each trial.
//!
//! A run of a sweep is one like any other. Which are done, begun or waiting is read from the runs' own files;
//! nothing else is stored.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use birnn_data::PATH_SETTINGS;
use birnn_data::name::shown;
use birnn_experiment::{Experiment, ExperimentError, Source, Trial, differing};
use birnn_infer::MetricsLine;
use birnn_run::disk::Disk;
use birnn_run::{CONFIG, FINAL, FileError, METRICS, Meta, RunDir, RunDirError, Status};

use crate::run::{Destination, movable};

/// The experiment with its `[sweep]`, in the directory of a sweep.
const SWEEP: &str = "sweep.toml";
/// Settings that a run writes down as it found them, or that change no result.
const DECIDED: [&str; 3] = ["train.device", "train.checkpoint_every", "data.fallback"];

/// The directory of a sweep, locked.
#[derive(Debug)]
pub struct SweepDir {
    dir: RunDir,
    trials: Vec<Trial>,
}

/// Why there is no sweep to go on with, or none can be begun.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The directory cannot be had.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The experiment of a run cannot be read.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The experiment cannot be written down.
    #[error("{0}")]
    Unwritable(toml::ser::Error),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A run that was begun is not the one that the sweep asks for in its place.
    #[error(
        "{}: its {key} is not what {SWEEP} now asks for; put {SWEEP} back as it was, or start another sweep",
        shown(.run)
    )]
    Differs {
        /// The run.
        run: PathBuf,
        /// The first setting that is another.
        key: String,
    },
}

impl SweepDir {
    /// A new sweep of `source`'s trials, filed under `name`.
    pub fn create(
        source: &Source,
        name: &str,
        trials: Vec<Trial>,
        destination: &Destination,
        disk: Arc<dyn Disk>,
    ) -> Result<SweepDir, SweepError> {
        // Paths that no TOML can hold are said before there is a directory.
        source.experiment().to_toml().map_err(SweepError::Unwritable)?;
        let dir = match destination {
            Destination::Chosen(path) => RunDir::chosen(path, disk)?,
            Destination::Numbered(sweeps) => RunDir::numbered(sweeps, name, disk)?,
        };
        let text = movable(source.experiment(), dir.path()).map_err(SweepError::Unwritable)?;
        let heading = format!("# The sweep `{name}` with every default written out.\n\n");
        dir.write(SWEEP, format!("{heading}{text}").as_bytes())?;
        Ok(SweepDir { dir, trials })
    }

    /// The directory of a sweep to go on with, and its experiment.
    pub fn lock(folder: &Path, disk: Arc<dyn Disk>) -> Result<(RunDir, Source), SweepError> {
        let dir = RunDir::with(folder, SWEEP, disk)?;
        let source = Source::read(&dir.path().join(SWEEP), &[])?;
        Ok((dir, source))
    }

    /// Goes on with a sweep whose experiment is `source`. Runs that were begun must be those of its trials.
    pub fn resume(dir: RunDir, source: &Source, trials: Vec<Trial>) -> Result<SweepDir, SweepError> {
        let sweep = SweepDir { dir, trials };
        (0..sweep.trials.len()).try_for_each(|index| sweep.agree(index, source))?;
        Ok(sweep)
    }

    /// Its directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Its trials.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The experiment file that its runs are trained from.
    pub fn experiment_path(&self) -> PathBuf {
        self.dir.path().join(SWEEP)
    }

    /// The name of a trial's run in the directory.
    pub fn run_name(index: usize) -> String {
        format!("{:03}", index + 1)
    }

    /// The directory of a trial's run.
    pub fn run_path(&self, index: usize) -> PathBuf {
        self.dir.path().join(SweepDir::run_name(index))
    }

    /// Whether a trial's run was begun: then it is to be gone on with.
    pub fn is_begun(&self, index: usize) -> bool {
        self.run_path(index).join(CONFIG).exists()
    }

    /// Whether a trial's run is done and can tell what it came to.
    pub fn is_done(&self, index: usize) -> bool {
        let run = self.run_path(index);
        let is_test = |line: &str| matches!(serde_json::from_str(line), Ok(MetricsLine::Test(_)));
        self.status(index) == Some(Status::Done)
            && run.join(FINAL).is_file()
            && std::fs::read_to_string(run.join(METRICS)).is_ok_and(|text| text.lines().any(is_test))
    }

    /// What a trial's run says of how it stands; `None` where it has not begun.
    pub fn status(&self, index: usize) -> Option<Status> {
        Meta::read(&self.run_path(index)).map(|meta| meta.status)
    }

    /// Makes sure that a run that was begun is the one that `source`, the sweep's own experiment, asks for in
    /// its place.
    fn agree(&self, index: usize, source: &Source) -> Result<(), SweepError> {
        if !self.is_begun(index) {
            return Ok(());
        }
        let (trial, run) = (&self.trials[index], self.run_path(index));
        let (is, asked) = (Source::read(&run.join(CONFIG), &[])?, source.with(&trial.sets())?);
        let plain = |source: &Source| Experiment { sweep: None, ..source.experiment().clone() }.to_json();
        let differing = differing(&[plain(&is), plain(&asked)]);
        // Where synthetic digits stood in for it, the run says so, and goes on with them.
        let substituted = || Meta::read(&run).is_some_and(|meta| !meta.data["substitute_for"].is_null());
        let decided = |key: &str| {
            DECIDED.iter().chain(&PATH_SETTINGS).any(|decided| *decided == key)
                || key == "data.dataset" && substituted()
        };
        match differing.into_keys().find(|key| !decided(key)) {
            None => Ok(()),
            Some(key) => Err(SweepError::Differs { run, key }),
        }
    }
}
