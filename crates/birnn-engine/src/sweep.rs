//! A sweep: the experiment with its `[sweep]` in a directory, a run in it for each trial, and the order in
//! which these are trained.
//!
//! A run of a sweep is one like any other. Which are done, begun or waiting is read from the runs' own files;
//! nothing else is stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use birnn_data::PATH_SETTINGS;
use birnn_data::name::shown;
use birnn_experiment::{Experiment, ExperimentError, Source, Trial, differing};
use birnn_infer::MetricsLine;
use birnn_run::disk::Disk;
use birnn_run::{CONFIG, FINAL, FileError, METRICS, Meta, MetaError, RunDir, RunDirError, Status};

use crate::resume::Resumed;
use crate::run::{Destination, RunError, Start, movable};

/// The experiment with its `[sweep]`, in the directory of a sweep.
const SWEEP: &str = "sweep.toml";
/// Settings that a run writes down as it found them, or that change no result.
const DECIDED: [&str; 3] = ["train.device", "train.checkpoint_every", "data.fallback"];

/// The directory of a sweep, locked.
#[derive(Debug)]
pub struct SweepDir {
    dir: RunDir,
    trials: Vec<Trial>,
    /// Why runs failed, by their indices.
    failed: BTreeMap<usize, Status>,
}

/// How the run of a trial ended; `S` is what the caller has to say of a stop.
#[derive(Clone, Debug)]
pub enum Ended<S> {
    /// Trained, tested and saved.
    Done,
    /// For this reason, which the runs of other trials need not have.
    Failed(String),
    /// As asked: nothing more is to be trained.
    Stopped(S),
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept<S> {
    /// Every trial has a run that is done or failed.
    Through,
    /// In the run of the trial with this index, as asked.
    Stopped(usize, S),
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
    /// How a run stands cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
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
        Ok(SweepDir { dir, trials, failed: BTreeMap::new() })
    }

    /// The directory of a sweep to go on with, and its experiment.
    pub fn lock(folder: &Path, disk: Arc<dyn Disk>) -> Result<(RunDir, Source), SweepError> {
        let dir = RunDir::with(folder, SWEEP, disk)?;
        let source = Source::read(&dir.path().join(SWEEP), &[])?;
        Ok((dir, source))
    }

    /// Goes on with a sweep whose experiment is `source`. Runs that were begun must be those of its trials.
    pub fn resume(dir: RunDir, source: &Source, trials: Vec<Trial>) -> Result<SweepDir, SweepError> {
        let sweep = SweepDir { dir, trials, failed: BTreeMap::new() };
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

    /// How many trials' runs are done and can tell what they came to.
    pub fn done(&self) -> Result<usize, MetaError> {
        (0..self.trials.len()).try_fold(0, |done, index| Ok(done + usize::from(self.is_done(index)?)))
    }

    /// The runs that failed, by their indices, with how they stand. One that failed before it had a directory
    /// cannot tell itself.
    pub fn failed(&self) -> &BTreeMap<usize, Status> {
        &self.failed
    }

    /// Has `train` train the run of each trial that is not done yet, one after the other; after each, `after`
    /// sees how things stand. A run that failed stops no other, and neither does one that has diverged before:
    /// the same seed, settings and steps would end where they ended.
    ///
    /// # Errors
    ///
    /// Those of `train`: then no run of the sweep could do better; of `after`; and where it cannot be read how
    /// a run stands.
    pub fn run<S, E: From<MetaError>>(
        &mut self,
        mut train: impl FnMut(&SweepDir, usize) -> Result<Ended<S>, E>,
        mut after: impl FnMut(&SweepDir) -> Result<(), E>,
    ) -> Result<Swept<S>, E> {
        for index in 0..self.trials.len() {
            if self.is_done(index)? {
                continue;
            }
            if let Some(diverged @ Status::Diverged(_)) = self.status(index)? {
                self.failed.insert(index, diverged);
                continue;
            }
            let ended = train(self, index);
            if let Ok(Ended::Failed(why)) = &ended {
                self.failed.insert(index, Status::Failed(why.clone()));
            }
            after(self)?;
            if let Ended::Stopped(stop) = ended? {
                return Ok(Swept::Stopped(index, stop));
            }
        }
        Ok(Swept::Through)
    }

    /// What the run of a trial starts from: the sweep's experiment with the trial's settings or, where it was
    /// begun, itself.
    pub fn start(&self, index: usize, disk: Arc<dyn Disk>) -> Result<Start, RunError> {
        let path = self.run_path(index);
        if self.is_begun(index) {
            return Ok(Start::Resumed(Resumed::open(&path, &[], disk)?));
        }
        let source = Source::read(&self.experiment_path(), &self.trials[index].sets())?;
        Ok(Start::New(source, Destination::Chosen(path)))
    }

    fn is_begun(&self, index: usize) -> bool {
        self.run_path(index).join(CONFIG).exists()
    }

    fn is_done(&self, index: usize) -> Result<bool, MetaError> {
        let run = self.run_path(index);
        let is_test = |line: &str| matches!(serde_json::from_str(line), Ok(MetricsLine::Test(_)));
        Ok(self.status(index)? == Some(Status::Done)
            && run.join(FINAL).is_file()
            && std::fs::read_to_string(run.join(METRICS)).is_ok_and(|text| text.lines().any(is_test)))
    }

    /// What a trial's run says of how it stands; `None` where it has not begun.
    fn status(&self, index: usize) -> Result<Option<Status>, MetaError> {
        Ok(Meta::find(&self.run_path(index))?.map(|meta| meta.status))
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
        for key in differing.into_keys() {
            let decided = DECIDED.iter().chain(&PATH_SETTINGS).any(|decided| *decided == key)
                // Where synthetic digits stood in for it, the run says so, and goes on with them.
                || key == "data.dataset" && self.is_substituted(index)?;
            if !decided {
                return Err(SweepError::Differs { run, key });
            }
        }
        Ok(())
    }

    fn is_substituted(&self, index: usize) -> Result<bool, MetaError> {
        let meta = Meta::find(&self.run_path(index))?;
        Ok(meta.is_some_and(|meta| meta.recorded().substitute_for().is_some()))
    }
}

#[cfg(test)]
mod tests {
    use birnn_run::disk::System;

    use super::*;

    #[test]
    fn what_failed_stops_no_other_and_what_diverged_is_not_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::parse(Path::new("x.toml"), "[sweep]\nseeds = 5\n".to_owned(), &[]).unwrap();
        let destination = Destination::Chosen(folder.path().join("s"));
        let trials = source.trials().unwrap();
        let mut sweep = SweepDir::create(&source, "x", trials, &destination, Arc::new(System)).unwrap();
        let meta = r#"{"name": "x", "seed": 1, "device": "cpu", "libtorch": "", "sessions": [], "data": null,
                       "status": "diverged: step 3"}"#;
        std::fs::create_dir(sweep.run_path(1)).unwrap();
        std::fs::write(sweep.run_path(1).join("meta.json"), meta).unwrap();
        let (mut tried, mut seen) = (Vec::new(), Vec::new());
        let swept = sweep.run(
            |_, index| {
                tried.push(index);
                Ok::<_, MetaError>(match index {
                    0 => Ended::Failed("the disk is full".to_owned()),
                    3 => Ended::Stopped("by Ctrl-C"),
                    _ => Ended::Done,
                })
            },
            |sweep| {
                seen.push(sweep.failed().len());
                Ok(())
            },
        );
        assert!(matches!(swept, Ok(Swept::Stopped(3, "by Ctrl-C"))), "{swept:?}");
        assert_eq!((tried, seen), (vec![0, 2, 3], vec![1, 2, 2]));
        let failed: Vec<String> = sweep.failed().values().map(ToString::to_string).collect();
        assert_eq!(failed, ["failed: the disk is full", "diverged: step 3"]);
        // Where it cannot be read how a run stands, none is trained in its place.
        std::fs::write(sweep.run_path(1).join("meta.json"), "").unwrap();
        let swept = sweep.run(|_, _| Ok(Ended::<()>::Done), |_| Ok::<_, MetaError>(()));
        assert!(swept.is_err_and(|error| error.path.ends_with("002/meta.json")));
    }
}
