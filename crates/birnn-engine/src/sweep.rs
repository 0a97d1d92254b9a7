//! A sweep: the experiment with its `[sweep]` in a directory, a run in it for each trial, and the order in
//! which these are trained.
//!
//! A run of a sweep is one like any other. Which are done, begun or waiting is read from the runs' own files;
//! nothing else is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use birnn_data::name::shown;
use birnn_data::{FolderLock, PATH_SETTINGS};
use birnn_distributed::Ranks;
use birnn_experiment::{Experiment, ExperimentError, MOST_RUNS, Source, Trial, differing};
use birnn_infer::MetricsLine;
use birnn_run::disk::Disk;
use birnn_run::{CONFIG, FINAL, FileError, METRICS, Meta, MetaError, RunDir, RunDirError, Status};

use crate::error::EngineError;
use crate::handshake;
use crate::resume::{NO_RESULT, Resumed};
use crate::run::{Destination, RunError, Start, movable};

/// The experiment with its `[sweep]`, in the directory of a sweep.
const SWEEP: &str = "sweep.toml";
/// Settings that a run writes down as it found them, or that change no result.
const DECIDED: [&str; 4] = ["train.device", "data.fallback", NO_RESULT[0], NO_RESULT[1]];

/// The directory of a sweep.
#[derive(Debug)]
pub struct SweepDir {
    path: PathBuf,
    /// Locked, in the process that has the sweep's own files.
    dir: Option<RunDir>,
    trials: Vec<Trial>,
    /// Why runs failed, by their indices.
    failed: BTreeMap<usize, Status>,
    /// Those that need no training any more.
    settled: BTreeSet<usize>,
    /// How the runs are shared out among several processes, if there are any.
    claims: Option<Claims>,
}

/// Which of several processes trains which run: a folder for each that is locked by who does, with a note in
/// it where the run failed. A lock goes with its process; then another takes the run up. None of it outlives
/// the sweep, or is needed to go on with it, so it is not written by way of its `Disk`.
#[derive(Debug)]
struct Claims {
    folder: PathBuf,
}

/// The folder of claims, in the directory of a sweep.
const CLAIMS: &str = "claims";
/// Why a run failed, in its claim.
const FAILED: &str = "failed";
/// Between one look at the runs of other processes and the next.
const GLANCE: Duration = Duration::from_millis(200);

/// What came of claiming a run.
enum Claim {
    /// It is this process's until this is dropped.
    Taken(FolderLock),
    /// Another process has it.
    Held,
    /// The sweep has ended.
    Over,
}

impl Claims {
    fn take(&self, index: usize) -> Result<Claim, FileError> {
        use std::io::ErrorKind::{AlreadyExists, NotFound};
        let folder = self.of(index);
        let made = std::fs::create_dir(&folder).or_else(|error| match error.kind() {
            AlreadyExists => Ok(()),
            _ => Err(error),
        });
        match made.and_then(|()| FolderLock::try_take(&folder, FolderLock::open)) {
            Ok(Some(lock)) => Ok(Claim::Taken(lock)),
            Ok(None) => Ok(Claim::Held),
            Err(error) if error.kind() == NotFound && self.are_over() => Ok(Claim::Over),
            Err(error) => Err(FileError::of(&folder)(error)),
        }
    }

    /// Whether there are none any more.
    fn are_over(&self) -> bool {
        !self.folder.exists()
    }

    /// Why a run failed in whichever process.
    fn failed(&self, index: usize) -> Result<Option<String>, FileError> {
        let path = self.of(index).join(FAILED);
        match std::fs::read_to_string(&path) {
            Ok(why) => Ok(Some(why)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::of(&path)(error)),
        }
    }

    fn note(&self, index: usize, why: &str) -> Result<(), FileError> {
        let (path, beside) = (self.of(index).join(FAILED), self.of(index).join("failing"));
        // Others read it at any moment, and an empty one is a failure, too.
        std::fs::write(&beside, why)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(FileError::of(&path))
    }

    /// None but these.
    fn begin(&self) -> Result<(), FileError> {
        self.end()?;
        std::fs::create_dir(&self.folder).map_err(FileError::of(&self.folder))
    }

    /// Removes all of them at once: who looks for them meanwhile finds all or none.
    fn end(&self) -> Result<(), FileError> {
        let away = self.folder.with_extension("over");
        let gone = |done: std::io::Result<()>| match done {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(std::fs::remove_dir_all(&away))
            .and_then(|()| gone(std::fs::rename(&self.folder, &away)))
            .map_err(FileError::of(&self.folder))?;
        // Nobody looks for them any more. Who is about to let one go may hold this up; what is left goes with
        // the next.
        let _ = std::fs::remove_dir_all(&away);
        Ok(())
    }

    fn of(&self, index: usize) -> PathBuf {
        self.folder.join(SweepDir::run_name(index))
    }
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
    /// It did not begin: another process has the run, and this sweep is shared with it.
    Held,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept<S> {
    /// Every trial has a run that is done or failed.
    Through,
    /// As asked: in the run of the trial with this index, or while other processes train.
    Stopped(Option<usize>, S),
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
        "{}: its {key} is not what {SWEEP} asks for; put back the {SWEEP} that it was begun by, start another sweep, or, where \
         the run was gone on with by itself, move it away, to have it trained anew",
        shown(.run)
    )]
    Differs {
        /// The run.
        run: PathBuf,
        /// The first setting that is another.
        key: String,
    },
    /// A run that was begun is beyond those that the sweep asks for.
    #[error(
        "{}: {SWEEP} asks for {asked} runs, and this one is there, too; put back the {SWEEP} that it was begun by, or move it away",
        shown(.run)
    )]
    NotAsked {
        /// The run.
        run: PathBuf,
        /// How many runs are asked for.
        asked: usize,
    },
}

/// Makes sure that all ranks are asked for the same new sweep, of which the first has the files.
pub fn same_sweep(ranks: &Ranks, source: &Source) -> Result<(), EngineError> {
    handshake::same_facts(ranks, &serde_json::json!({ "experiment": source.experiment().to_json() }))
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
        // A default that depends on what is varied is each run's own.
        let text =
            movable(source.experiment(), dir.path()).to_toml_as_written().map_err(SweepError::Unwritable)?;
        let heading = format!("# The sweep `{name}`.\n\n");
        dir.write(SWEEP, format!("{heading}{text}").as_bytes())?;
        Ok(SweepDir::of(dir, trials))
    }

    fn of(dir: RunDir, trials: Vec<Trial>) -> SweepDir {
        let path = dir.path().to_owned();
        SweepDir {
            path,
            dir: Some(dir),
            trials,
            failed: BTreeMap::new(),
            settled: BTreeSet::new(),
            claims: None,
        }
    }

    /// The directory of a sweep that another process has opened and shares ([`SweepDir::share`]).
    pub fn join(path: &Path) -> Result<SweepDir, SweepError> {
        let trials = Source::read(&path.join(SWEEP), &[])?.trials()?;
        let claims = Claims { folder: path.join(CLAIMS) };
        Ok(SweepDir {
            path: path.to_owned(),
            dir: None,
            trials,
            failed: BTreeMap::new(),
            settled: BTreeSet::new(),
            claims: Some(claims),
        })
    }

    /// From now on other processes may train runs of it, too.
    pub fn share(&mut self) -> Result<(), FileError> {
        let claims = Claims { folder: self.path.join(CLAIMS) };
        claims.begin()?;
        self.claims = Some(claims);
        Ok(())
    }

    /// The directory of a sweep to go on with, and its experiment.
    pub fn lock(folder: &Path, disk: Arc<dyn Disk>) -> Result<(RunDir, Source), SweepError> {
        let dir = RunDir::with(folder, SWEEP, disk)?;
        let source = Source::read(&dir.path().join(SWEEP), &[])?;
        Ok((dir, source))
    }

    /// Goes on with a sweep whose experiment is `source`. Runs that were begun must be those of its trials.
    pub fn resume(dir: RunDir, source: &Source, trials: Vec<Trial>) -> Result<SweepDir, SweepError> {
        let sweep = SweepDir::of(dir, trials);
        // Of processes that shared it before; who shares it now makes its own.
        Claims { folder: sweep.path.join(CLAIMS) }.end()?;
        (0..sweep.trials.len()).try_for_each(|index| sweep.agree(index, source))?;
        match (sweep.trials.len()..MOST_RUNS).find(|&index| sweep.is_begun(index)) {
            Some(index) => {
                Err(SweepError::NotAsked { run: sweep.run_path(index), asked: sweep.trials.len() })
            }
            None => Ok(sweep),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its directory, in the process that has the sweep's own files.
    pub fn dir(&self) -> Option<&RunDir> {
        self.dir.as_ref()
    }

    /// Whether other processes train runs of it, too.
    pub fn is_shared(&self) -> bool {
        self.claims.is_some()
    }

    /// Its trials.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The experiment file that its runs are trained from.
    pub fn experiment_path(&self) -> PathBuf {
        self.path.join(SWEEP)
    }

    /// The name of a trial's run in the directory.
    pub fn run_name(index: usize) -> String {
        format!("{:03}", index + 1)
    }

    /// The directory of a trial's run.
    pub fn run_path(&self, index: usize) -> PathBuf {
        self.path.join(SweepDir::run_name(index))
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
    /// sees how things stand. A run that failed stops no other, and neither does one that has diverged
    /// before: the same seed, settings and steps would end where they ended.
    ///
    /// Where the sweep is shared, each process trains what no other does, and ends when all runs are done or
    /// failed; while it waits for others, `stop` is asked whether it is to.
    ///
    /// # Errors
    ///
    /// Those of `train`: then no run of the sweep could do better; of `after`; and where it cannot be read
    /// how a run stands.
    pub fn run<S, E: From<MetaError> + From<FileError>>(
        &mut self,
        mut train: impl FnMut(&SweepDir, usize) -> Result<Ended<S>, E>,
        mut after: impl FnMut(&SweepDir) -> Result<(), E>,
        mut stop: impl FnMut() -> Option<S>,
    ) -> Result<Swept<S>, E> {
        self.settled.clear();
        loop {
            let mut others_train = false;
            for index in 0..self.trials.len() {
                if self.is_settled::<E>(index)? {
                    continue;
                }
                let claim = match &self.claims {
                    Some(claims) => match claims.take(index)? {
                        Claim::Taken(lock) => Some(lock),
                        Claim::Held => {
                            others_train = true;
                            continue;
                        }
                        Claim::Over => return Ok(Swept::Through),
                    },
                    None => None,
                };
                // Another process may have been through with it just before.
                if claim.is_some() && self.is_settled::<E>(index)? {
                    continue;
                }
                // Then it could not be told that it was.
                if self.claims.as_ref().is_some_and(Claims::are_over) {
                    return Ok(Swept::Through);
                }
                let ended = train(self, index);
                if matches!(ended, Ok(Ended::Held)) {
                    others_train = true;
                    continue;
                }
                if let Ok(Ended::Failed(why)) = &ended {
                    self.claims.as_ref().map_or(Ok(()), |claims| claims.note(index, why))?;
                    self.failed.insert(index, Status::Failed(why.clone()));
                }
                let seen = after(self);
                // What it was is told, rather than what came of it.
                let ended = ended?;
                seen?;
                if let Ended::Stopped(stop) = ended {
                    return Ok(Swept::Stopped(Some(index), stop));
                }
            }
            if !others_train {
                break;
            }
            if let Some(stop) = stop() {
                return Ok(Swept::Stopped(None, stop));
            }
            std::thread::sleep(GLANCE);
        }
        if let (Some(_), Some(claims)) = (&self.dir, &self.claims) {
            claims.end()?;
        }
        Ok(Swept::Through)
    }

    /// Whether a trial needs no training: its run is done, has diverged, or has failed in another process.
    /// Who waits for others asks this again and again, and reads files only as long as the answer can become
    /// another.
    fn is_settled<E: From<MetaError> + From<FileError>>(&mut self, index: usize) -> Result<bool, E> {
        if self.settled.contains(&index) {
            return Ok(true);
        }
        let is_settled = self.becomes_settled::<E>(index)?;
        if is_settled {
            self.settled.insert(index);
        }
        Ok(is_settled)
    }

    fn becomes_settled<E: From<MetaError> + From<FileError>>(&mut self, index: usize) -> Result<bool, E> {
        if self.is_done(index)? {
            return Ok(true);
        }
        let failed = match &self.claims {
            Some(claims) => claims.failed(index)?.map(Status::Failed),
            None => None,
        };
        let diverged = self.status(index)?.filter(|status| matches!(status, Status::Diverged(_)));
        match failed.or(diverged) {
            Some(status) => {
                self.failed.insert(index, status);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// What the run of a trial starts from: the sweep's experiment with the trial's settings or, where it was
    /// begun, itself.
    pub fn start(&self, index: usize, disk: Arc<dyn Disk>) -> Result<Start, RunError> {
        let path = self.run_path(index);
        if self.is_begun(index) {
            return Ok(Start::Resumed(Resumed::open(&path, &[], disk)?));
        }
        let source = Source::read(&self.experiment_path(), &[])?.of_trial(&self.trials[index])?;
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
                Ok::<_, SweepError>(match index {
                    0 => Ended::Failed("the disk is full".to_owned()),
                    3 => Ended::Stopped("by Ctrl-C"),
                    _ => Ended::Done,
                })
            },
            |sweep| {
                seen.push(sweep.failed().len());
                Ok(())
            },
            || None,
        );
        assert!(matches!(swept, Ok(Swept::Stopped(Some(3), "by Ctrl-C"))), "{swept:?}");
        assert_eq!((tried, seen), (vec![0, 2, 3], vec![1, 2, 2]));
        let failed: Vec<String> = sweep.failed().values().map(ToString::to_string).collect();
        assert_eq!(failed, ["failed: the disk is full", "diverged: step 3"]);
        // Where it cannot be read how a run stands, none is trained in its place.
        std::fs::write(sweep.run_path(1).join("meta.json"), "").unwrap();
        let swept = sweep.run(|_, _| Ok(Ended::<()>::Done), |_| Ok::<_, SweepError>(()), || None);
        let is_of_meta =
            |error| matches!(error, SweepError::Meta(error) if error.path.ends_with("002/meta.json"));
        assert!(swept.is_err_and(is_of_meta));
    }

    /// What one process has claimed, another leaves alone; what failed in one, none tries again.
    #[test]
    fn processes_share_the_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::parse(Path::new("x.toml"), "[sweep]\nseeds = 4\n".to_owned(), &[]).unwrap();
        let destination = Destination::Chosen(folder.path().join("s"));
        let trials = source.trials().unwrap();
        let mut first = SweepDir::create(&source, "x", trials, &destination, Arc::new(System)).unwrap();
        first.share().unwrap();
        let mut second = SweepDir::join(first.path()).unwrap();
        assert_eq!(second.trials(), first.trials());
        let claims = first.path().join(CLAIMS);
        // What another process said of a run and cannot be read is no word that it did not fail.
        let unreadable = claims.join(SweepDir::run_name(2)).join(FAILED);
        std::fs::create_dir_all(&unreadable).unwrap();
        let swept = second.run(|_, _| Ok(Ended::<()>::Held), |_| Ok::<_, SweepError>(()), || None);
        assert!(matches!(&swept, Err(SweepError::File(error)) if error.path == unreadable), "{swept:?}");
        std::fs::remove_dir(&unreadable).unwrap();
        // The first has the run 001, and while it trains it the second tries all others, which fail.
        let mut tried = Vec::new();
        let swept = first.run(
            |_, index| {
                let others = |_: &SweepDir, index| {
                    tried.push(index);
                    Ok::<_, SweepError>(Ended::Failed(format!("of {index}")))
                };
                if index == 0 {
                    // A run that is resumed by itself meanwhile is no failure of the sweep.
                    let held =
                        second.run(|_, _| Ok::<_, SweepError>(Ended::Held), |_| Ok(()), || Some("enough"));
                    assert!(matches!(held, Ok(Swept::Stopped(None, "enough"))), "{held:?}");
                    // Asked when all but the claimed one are settled.
                    let swept = second.run(others, |_| Ok(()), || Some("enough"));
                    assert!(matches!(swept, Ok(Swept::Stopped(None, "enough"))), "{swept:?}");
                }
                Ok::<_, SweepError>(Ended::<&str>::Failed(format!("of {index}")))
            },
            |_| Ok(()),
            || None,
        );
        assert!(matches!(swept, Ok(Swept::Through)), "{swept:?}");
        assert_eq!(tried, [1, 2, 3]);
        assert_eq!(
            first.failed().values().map(ToString::to_string).collect::<Vec<_>>(),
            ["failed: of 0", "failed: of 1", "failed: of 2", "failed: of 3"]
        );
        assert!(!claims.exists());
    }
}
