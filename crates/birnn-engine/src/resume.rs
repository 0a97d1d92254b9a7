//! Going on with a run: only as the run that it was.
//!
//! Only what changes no result may change, and `train.epochs`. Anything else would make "resumed" mean less.
//! A longer run under a schedule that decays is allowed, with a warning: it is not the run that it would have
//! been.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use birnn_data::name::{shown, typed};
use birnn_data::{PATH_SETTINGS, Recorded};
use birnn_experiment::{ExperimentError, Source, differing};
use birnn_infer::{Manifest, WeightsError};
use birnn_run::disk::Disk;
use birnn_run::{
    CHECKPOINTS, CONFIG, FINAL, METRICS, Meta, MetaError, RunDir, RunDirError, Session, Status, TIMING,
};
use serde_json::Value;

use crate::checkpoint::{Checkpoint, CheckpointError, Newest, PassedOver};

/// A run taken up again.
#[derive(Debug)]
pub struct Resumed {
    /// Its directory, locked.
    pub run: RunDir,
    /// Where it goes on; `None` where it was stopped before its first checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// Newer checkpoints that were passed over, and are where they were.
    pub passed_over: Vec<PassedOver>,
    /// Its experiment, `--set` arguments applied.
    pub source: Source,
}

/// Why a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The directory cannot be had.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// Its experiment cannot be read or run.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// It is not known which of its checkpoints is the newest that is good.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// How it stands cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// There are checkpoints, all of them damaged.
    #[error(
        "{run}: no checkpoint can be used: {}; put back a copy of one, or train anew: birnn train \
         {}",
        list(.problems), typed(&.run.join(CONFIG)), run = shown(.run)
    )]
    NoneVerifies {
        /// The run.
        run: PathBuf,
        /// Each checkpoint with what is wrong with it.
        problems: Vec<WeightsError>,
    },
    /// It had checkpoints, and has none any more.
    #[error(
        "{}: its checkpoints are gone; put one back, or train anew: birnn train {}",
        shown(.0), typed(&.0.join(CONFIG))
    )]
    Gone(PathBuf),
    /// It would not be the same run.
    #[error(
        "{}: the run would not be the same: {}; only {} may change: put the rest back as it \
         was, or train anew", shown(.run), .differences.join("; "), FREE.join(", ")
    )]
    Differs {
        /// The run.
        run: PathBuf,
        /// Each key with what it was and what it is.
        differences: Vec<String>,
    },
    /// Files of its data have other content.
    #[error(
        "{}: the run would not be the same: its data has other content now: {files}; put that back, or say \
         where it is: {where}", shown(run), where = say_where(keys)
    )]
    OtherData {
        /// The run.
        run: PathBuf,
        /// The names of the files.
        files: String,
        /// The settings that name files of one's own, such as `train`.
        keys: Vec<&'static str>,
    },
    /// More epochs are behind it than it is to have.
    #[error(
        "{}: train.epochs is {wanted}, and {done} epochs are done already; {done} is the least",
        shown(.run)
    )]
    TooFewEpochs {
        /// The run.
        run: PathBuf,
        /// The setting.
        wanted: usize,
        /// Epochs gone through, the one begun included.
        done: usize,
    },
}

/// Settings on which no result depends.
pub(crate) const NO_RESULT: [&str; 2] = ["train.checkpoint_every", "train.recompute"];

/// What a run may go on with although it is not what it was: no result depends on it, or it only makes the
/// run longer. Where the user's own files lie does not matter, since their content is compared.
const FREE: [&str; 3] = ["train.epochs", NO_RESULT[0], NO_RESULT[1]];

impl Resumed {
    /// Locks the directory of a run, finds the newest checkpoint that verifies, and makes sure that
    /// config.toml with `sets` applied is still the experiment of the checkpoint.
    pub fn open(path: &Path, sets: &[String], disk: Arc<dyn Disk>) -> Result<Resumed, ResumeError> {
        let run = RunDir::existing(path, disk)?;
        let (checkpoint, passed_over) = match Checkpoint::newest(&run)? {
            Newest::Good(checkpoint, passed_over) => (Some(*checkpoint), passed_over),
            Newest::None(problems) if !problems.is_empty() => {
                return Err(ResumeError::NoneVerifies { run: path.to_owned(), problems });
            }
            Newest::None(_) if had_checkpoint(&run)? => return Err(ResumeError::Gone(path.to_owned())),
            Newest::None(_) => (None, Vec::new()),
        };
        let config = path.join(CONFIG);
        let read = |sets: &[String]| match &checkpoint {
            Some(checkpoint) if !config.exists() => {
                Source::parse(&config, checkpoint.manifest().experiment_toml().to_owned(), sets)
            }
            _ => Source::read(&config, sets),
        };
        let source = read(sets)?;
        let before = match &checkpoint {
            Some(checkpoint) => checkpoint.experiment().clone(),
            None => read(&[])?.experiment().clone(),
        };
        let resumed = Resumed { run, checkpoint, passed_over, source };
        resumed.agree(&before.to_json(), &resumed.source.experiment().to_json())?;
        Ok(resumed)
    }

    /// Makes sure that the data and libtorch are still those of the checkpoint.
    pub fn verify(&self, now: &Manifest) -> Result<(), ResumeError> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let changed = checkpoint.manifest().changed_files(&now.data);
        if !changed.is_empty() {
            let names: Vec<&str> = now.recorded().file_names().map(|name| name.unwrap_or("?")).collect();
            let files = changed.into_iter().map(|index| names[index]).collect::<Vec<_>>().join(", ");
            let paths = self.source.experiment().data.paths();
            let keys = paths.into_iter().filter(|(_, path)| path.is_some()).map(|(key, _)| key).collect();
            return Err(ResumeError::OtherData { run: self.run.path().to_owned(), files, keys });
        }
        self.agree(&checkpoint.manifest().compared(), &now.compared())
    }

    /// Makes sure that a run of `epochs` epochs, of `steps` steps each, has not gone on for longer than that.
    pub fn fits(&self, epochs: usize, steps: usize) -> Result<(), ResumeError> {
        let done = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step().div_ceil(steps));
        if done > epochs {
            let run = self.run.path().to_owned();
            return Err(ResumeError::TooFewEpochs { run, wanted: epochs, done });
        }
        Ok(())
    }

    /// The data set that digits drawn by code stood in for when the run began.
    pub fn substitute_for(&self) -> Result<Option<String>, MetaError> {
        let of = |recorded: Recorded<'_>| recorded.substitute_for().map(str::to_owned);
        Ok(match &self.checkpoint {
            Some(checkpoint) => of(checkpoint.manifest().recorded()),
            None => Meta::find(self.run.path())?.and_then(|meta| of(meta.recorded())),
        })
    }

    fn agree(&self, before: &Value, now: &Value) -> Result<(), ResumeError> {
        let differences = differences(before, now);
        if differences.is_empty() {
            return Ok(());
        }
        Err(ResumeError::Differs { run: self.run.path().to_owned(), differences })
    }
}

/// Whether a run without checkpoints must have had one: then it is not to be started anew over what it left.
fn had_checkpoint(run: &RunDir) -> Result<bool, MetaError> {
    let there = |name: &str| run.path().join(name).exists();
    let lines = std::fs::read_to_string(run.path().join(TIMING)).unwrap_or_default().lines().count();
    // What goes on from a step has had a checkpoint, whatever became of it.
    let moved_on = |session: &Session| {
        let status = &session.status;
        session.from_step > 0 || *status != Status::Running && session.end.is_some() && !status.has_failed()
    };
    // The folder is made before the metrics, an epoch's checkpoint after its line, the final weights after
    // the last.
    if (there(METRICS) && !there(CHECKPOINTS)) || there(FINAL) || lines > 1 {
        return Ok(true);
    }
    let sessions = Meta::find(run.path())?.map_or_else(Vec::new, |meta| meta.sessions);
    Ok(sessions.iter().any(moved_on))
}

/// Each key whose value differs, with what it was and what it is.
fn differences(before: &Value, now: &Value) -> Vec<String> {
    let show =
        |value: &Option<Value>| value.as_ref().map_or_else(|| "absent".to_owned(), ToString::to_string);
    differing(&[before.clone(), now.clone()])
        .iter()
        .filter(|(key, values)| {
            !FREE.iter().chain(&PATH_SETTINGS).any(|free| free == key) && !is_another_gpu(key, values)
        })
        .map(|(key, values)| format!("{key} was {} and is {}", show(&values[0]), show(&values[1])))
        .collect()
}

/// Whether it is about which of a machine's GPUs computes: as a rule they are of one model, and another is
/// warned of.
fn is_another_gpu(key: &str, values: &[Option<Value>]) -> bool {
    let is_gpu = |value: &Option<Value>| {
        value.as_ref().and_then(Value::as_str).is_some_and(|device| device.starts_with("cuda"))
    };
    key == "train.device" && values.iter().all(is_gpu)
}

/// How to say where files are that these settings name; without any, where a published data set is.
fn say_where(keys: &[&str]) -> String {
    match keys {
        [] => "--data-dir PATH".to_owned(),
        keys => {
            let sets: Vec<String> = keys.iter().map(|key| format!("--set data.{key}=PATH")).collect();
            format!("--data-dir PATH, or {}", sets.join(" "))
        }
    }
}

fn list(problems: &[WeightsError]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_but_for_what_may() {
        let before = json!({ "seed": 1, "a": { "x": [1], "y": "z" }, "train": { "epochs": 2 } });
        let now = json!({ "seed": 2, "a": { "x": [1, 4] }, "train": { "epochs": 5 } });
        let expected = ["a.x.1 was absent and is 4", "a.y was \"z\" and is absent", "seed was 1 and is 2"];
        assert_eq!(differences(&before, &now), expected);
        assert!(differences(&before, &before).is_empty());
        let on = |device: &str| json!({ "train": { "device": device } });
        assert!(differences(&on("cuda:1"), &on("cuda:0")).is_empty());
        assert_eq!(differences(&on("cuda:1"), &on("cpu")), ["train.device was \"cuda:1\" and is \"cpu\""]);
    }
}
