//! Checkpoints: a run's weights with all that its training needs to go on, the last two of them.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use birnn_experiment::Experiment;
use birnn_infer::container::{Contents, encode, read};
use birnn_infer::layout::{RECORD, RECORDS_OF_FORMAT_4};
use birnn_infer::{Manifest, Progress, WeightsError, WeightsProblem, wrong};
use birnn_run::{
    BEST, CHECKPOINTS, Cpu, FINAL, FileError, LAST, LostRecord, Mark, PREVIOUS, RECORDS, RunDir,
};
use tch::Device;

use crate::device::cpu;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::state::State;
use crate::weights::{learner, save, tensor, weights_of};

/// Where a run keeps its checkpoints, and its best weights, while it goes on.
#[derive(Debug)]
pub struct Checkpoints<'a> {
    run: &'a RunDir,
    manifest: Manifest,
}

/// A checkpoint that was read and verified.
#[derive(Debug)]
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    contents: Contents,
    progress: Progress,
}

/// The newest checkpoint of a run.
pub(crate) enum Newest {
    /// It verifies; those after it do not.
    Good(Box<Checkpoint>, Vec<PassedOver>),
    /// None does; each with what is wrong with it.
    None(Vec<WeightsError>),
}

/// A checkpoint that was passed over for an older one.
#[derive(Debug)]
pub struct PassedOver {
    name: &'static str,
    /// What is wrong with it.
    pub error: WeightsError,
}

impl PassedOver {
    /// Puts it out of the way, lest it take the place of the good one at the next save, and says where it is
    /// kept.
    pub(crate) fn set_aside(&self, run: &RunDir) -> Result<PathBuf, FileError> {
        run.set_aside(self.name)
    }
}

/// Why it is not known which checkpoint is the newest that is good.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// One is of a format that only another birnn knows.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// One cannot be read just now.
    #[error(transparent)]
    File(#[from] FileError),
}

impl<'a> Checkpoints<'a> {
    /// Makes the folder where it is missing. `manifest` describes the net in every file.
    pub fn new(run: &'a RunDir, manifest: Manifest) -> Result<Checkpoints<'a>, EngineError> {
        manifest.check()?;
        run.create_folder(CHECKPOINTS)?;
        Ok(Checkpoints { run, manifest })
    }

    /// Flushes the run's records, makes a checkpoint that knows how far they have grown, and keeps the one
    /// before.
    pub fn save(&self, learner: &Learner, state: &State) -> Result<(), EngineError> {
        let start = Instant::now();
        let progress = state.progress(cpu(learner.precision()), self.run.records().marks()?);
        let manifest = self.manifest.of_checkpoint(progress);
        let mut entries = weights_of(learner)?;
        entries.extend(state.entries(learner.names())?);
        let bytes = encode(&manifest, &entries).map_err(FileError::of(self.run.path().join(LAST)))?;
        self.run.replace(LAST, &bytes, Some(PREVIOUS))?;
        let milliseconds = 1e3 * start.elapsed().as_secs_f64();
        tracing::debug!("checkpoint of step {}: {} bytes, {milliseconds:.1} ms", state.step, bytes.len());
        Ok(())
    }

    /// Keeps the weights as those of the best epoch so far.
    pub fn save_best(&self, learner: &Learner) -> Result<(), EngineError> {
        self.save_weights(BEST, learner).map(|_| ())
    }

    /// Keeps the weights as the run's result, and says where.
    pub fn save_final(&self, learner: &Learner) -> Result<PathBuf, EngineError> {
        self.save_weights(FINAL, learner)
    }

    fn save_weights(&self, name: &str, learner: &Learner) -> Result<PathBuf, EngineError> {
        let path = self.run.path().join(name);
        self.run.in_place(|| save(self.run.disk(), &path, learner, &self.manifest))?;
        Ok(path)
    }
}

impl Checkpoint {
    /// Reads a file and verifies all of it.
    pub fn read(path: &Path) -> Result<Checkpoint, WeightsError> {
        Checkpoint::new(path, read(path)?)
    }

    /// As [`Checkpoint::read`], with the bytes at hand; `path` is what errors go by.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
        Checkpoint::new(path, Contents::decode(bytes, bytes.len() as u64).map_err(wrong(path))?)
    }

    fn new(path: &Path, contents: Contents) -> Result<Checkpoint, WeightsError> {
        let progress = contents
            .manifest()
            .training
            .clone()
            .ok_or_else(|| wrong(path)("it holds weights and no training to go on with".to_owned()))?;
        Ok(Checkpoint { path: path.to_owned(), contents, progress })
    }

    /// The newest checkpoint of a run that verifies, and those newer ones that do not. One of a format that
    /// is not known here is no damaged one: then it is for another birnn to go on. Nor is one that cannot be
    /// read just now, for want of memory or of the disk that it is on.
    pub(crate) fn newest(run: &RunDir) -> Result<Newest, CheckpointError> {
        let mut damaged: Vec<PassedOver> = Vec::new();
        for name in [LAST, PREVIOUS] {
            let path = run.path().join(name);
            // One that cannot be opened may be a good one.
            match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened.map_err(FileError::of(&path))?,
            };
            match Checkpoint::read(&path) {
                Ok(checkpoint) => return Ok(Newest::Good(Box::new(checkpoint), damaged)),
                Err(error @ WeightsError { problem: WeightsProblem::Format { .. }, .. }) => {
                    return Err(error.into());
                }
                Err(WeightsError { path, problem: WeightsProblem::Io(error) }) => {
                    return Err(FileError::of(path)(error).into());
                }
                Err(error) => damaged.push(PassedOver { name, error }),
            }
        }
        Ok(Newest::None(damaged.into_iter().map(|passed_over| passed_over.error).collect()))
    }

    /// What the file says of the net.
    pub fn manifest(&self) -> &Manifest {
        self.contents.manifest()
    }

    /// The experiment that it is a checkpoint of.
    pub fn experiment(&self) -> &Experiment {
        self.contents.experiment()
    }

    /// Steps taken.
    pub fn step(&self) -> usize {
        self.progress.step
    }

    /// What the CPU computed with at the time.
    pub fn cpu(&self) -> &Cpu {
        &self.progress.cpu
    }

    /// Cuts off what the run's records have beyond the checkpoint, so that they go on without a gap or a
    /// repeat. Those that are not what they were then are begun anew, and told of.
    pub fn resume_records(&self, run: &RunDir) -> Result<Vec<LostRecord>, EngineError> {
        let mut lost = Vec::new();
        for name in RECORDS {
            let mark = match &self.progress.records {
                Some(marks) => marks.get(name).cloned(),
                // Those that came later it knows nothing of.
                None if !RECORDS_OF_FORMAT_4.contains(&name) => None,
                None => {
                    let bytes = self.contents.bytes(&format!("{RECORD}{name}"));
                    run.write(name, bytes)?;
                    Some(Mark::of(bytes))
                }
            };
            // A run need not have all of them.
            if let Some(mark) = mark {
                lost.extend(run.records().resume(name, &mark)?);
            }
        }
        Ok(lost)
    }

    /// The net, with its weights, on `device`.
    pub fn learner(&self, device: Device) -> Result<Learner, EngineError> {
        learner(&self.contents, device)
    }

    /// Puts the weights into `learner`, and gives the state that goes with them.
    pub fn restore(&self, learner: &mut Learner) -> Result<State, EngineError> {
        learner.restore_all(|name| tensor(&self.contents, name)).map_err(EngineError::from)?;
        State::restored(&self.progress, &self.contents, learner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use birnn_infer::container::{Dtype, Entry};
    use birnn_run::disk::System;
    use birnn_run::{LOG, METRICS};

    use super::*;
    use crate::learner::made_up;

    #[test]
    fn a_net_that_could_not_be_read_again_is_refused_before_it_is_trained() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let (_, Manifest { modality, task, data, .. }) = made_up::learner(1, |_| ());
        let sized = |hidden: &str| {
            let experiment = format!("[model]\nlayers = 8\nhidden = {hidden}");
            let manifest = Manifest::new(experiment, modality.clone(), task.clone(), data.clone()).unwrap();
            Checkpoints::new(&run, manifest).map(|_| ())
        };
        let error = sized("10_000\n[train]\nema_decay = 0.9").unwrap_err().to_string();
        assert!(error.contains("can take 35"), "a fifth copy of the weights: {error}");
        let error = sized("10_000").unwrap_err().to_string();
        assert!(
            error.contains("can take 28") && error.contains("bytes, and 17179869184 are the limit"),
            "{error}"
        );
        assert!(!run.path().join("checkpoints").exists());
        sized("1000").unwrap();
    }

    /// What the records hold is no part of it, or a run would write the square of what they hold.
    #[test]
    fn a_checkpoint_is_no_longer_after_a_thousand_epochs() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let (learner, manifest) = made_up::learner(1, |_| ());
        let state = made_up::state(&learner);
        let checkpoints = Checkpoints::new(&run, manifest).unwrap();
        let length = |epochs: usize| {
            for _ in 0..epochs {
                run.log().unwrap().append(&[b'x'; 1000]).unwrap();
            }
            checkpoints.save(&learner, &state).unwrap();
            std::fs::metadata(run.path().join(LAST)).unwrap().len()
        };
        let (short, long) = (length(1), length(999));
        assert!(long - short < 16, "{short} bytes, then {long}");
    }

    #[test]
    fn a_run_without_records_has_checkpoints_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let (learner, manifest) = made_up::learner(1, |_| ());
        Checkpoints::new(&run, manifest).unwrap().save(&learner, &made_up::state(&learner)).unwrap();
        let Newest::Good(checkpoint, passed_over) = Checkpoint::newest(&run).unwrap() else {
            panic!("there is one")
        };
        assert!(passed_over.is_empty() && checkpoint.resume_records(&run).unwrap().is_empty());
    }

    /// Formats 3 and 4 held the records.
    #[test]
    fn a_checkpoint_that_holds_its_records_gives_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let (learner, manifest) = made_up::learner(1, |_| ());
        let state = made_up::state(&learner);
        let mut entries = weights_of(&learner).unwrap();
        entries.extend(state.entries(learner.names()).unwrap());
        for name in RECORDS {
            let bytes = format!("{name} as it was\n").into_bytes();
            let (name, shape) = (format!("{RECORD}{name}"), vec![bytes.len()]);
            entries.push(Entry { name, dtype: Dtype::U8, shape, bytes });
        }
        let progress = Progress {
            records: None,
            ..state.progress(cpu(learner.precision()), std::collections::BTreeMap::new())
        };
        let mut manifest = manifest.of_checkpoint(progress);
        manifest.format = 4;
        let bytes = encode(&manifest, &entries).unwrap();
        std::fs::write(run.path().join(METRICS), "what came after, or nothing").unwrap();
        let checkpoint = Checkpoint::parse(Path::new("x"), &bytes).unwrap();
        assert!(checkpoint.resume_records(&run).unwrap().is_empty());
        for name in RECORDS {
            let text = std::fs::read_to_string(run.path().join(name)).unwrap();
            assert_eq!(text, format!("{name} as it was\n"));
        }
        run.log().unwrap().append(b"and on").unwrap();
        let log = std::fs::read_to_string(run.path().join(LOG)).unwrap();
        assert_eq!(log, "train.log as it was\nand on");
    }

    /// It may be a good one: the next attempt will tell.
    #[test]
    fn a_checkpoint_that_cannot_be_read_just_now_is_not_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let (_, manifest) = made_up::learner(1, |_| ());
        Checkpoints::new(&run, manifest).unwrap();
        let last = run.path().join(LAST);
        // A folder cannot be read.
        std::fs::create_dir(&last).unwrap();
        let Err(error) = Checkpoint::newest(&run) else { panic!("it cannot be read") };
        let error = error.to_string();
        assert!(error.contains("last.safetensors: is a folder"), "{error}");
        assert!(last.exists());
    }

    #[test]
    fn weights_alone_are_no_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let (learner, manifest) = made_up::learner(1, |_| ());
        save(&System, &path, &learner, &manifest).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("model.safetensors: it holds weights and no training to go on with"),
            "{error}"
        );
    }
}
