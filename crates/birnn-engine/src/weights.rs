//! A network on disk: one safetensors file that says what net it is, written whole or not at all, verified when read.
//!
//! The metadata holds one key, `birnn`: a JSON object, [`About`], with the experiment, the shape and classes that the net
//! is for, where its data came from, and the SHA-256 of the whole file, taken with 64 zeros in its own place. A
//! checkpoint is such a file with the state of its training beside the weights.
//!
//! Only data is loaded: what a file says of itself is held against its length, and its tensors against the net that it
//! describes, before memory is taken for either.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use birnn_data::Preprocessing;
use safetensors::tensor::{Dtype, Metadata, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::device::Cpu;
use crate::disk::{Disk, replace};
use crate::error::EngineError;
use crate::experiment::Experiment;
use crate::learner::Learner;
use crate::run_dir::RECORDS;
use crate::task::Classification;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Of the whole file, in hexadecimal. The first field, so that its place is the first that looks like it.
    sha256: String,
    /// The version of this description.
    format: u32,
    /// The experiment, as TOML with every default written out.
    pub experiment: String,
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// The names of the classes.
    pub classes: Vec<String>,
    /// What its images were like; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// Where the training data came from.
    pub data: serde_json::Value,
    /// The version of libtorch that the weights were computed with.
    pub libtorch: String,
    /// Where the training stands; weights alone have nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) training: Option<Place>,
}

/// Where a training stands, as far as numbers tell; its tensors are beside it in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Steps taken.
    pub(crate) step: usize,
    /// Seconds of training in the epoch so far.
    pub(crate) seconds: f64,
    /// What the CPU computed with.
    pub(crate) cpu: Cpu,
    /// The epoch with the lowest validation loss so far, and that loss.
    pub(crate) best: Option<(usize, f64)>,
}

/// Why a weights file or checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right.
    pub problem: WeightsProblem,
}

/// What is wrong with a weights file or checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WeightsProblem {
    /// It is damaged, or none of birnn's, or not for what it is wanted for.
    #[error("{0}")]
    Unusable(String),
    /// It may be as good as any, and this birnn does not know its format.
    #[error("its format is {format}, and birnn {} reads {OLDEST_FORMAT} to {FORMAT}: {} reads it", env!("CARGO_PKG_VERSION"), writer(*.format))]
    Format {
        /// The version of its description.
        format: u32,
    },
}

/// Who reads a format that this birnn does not.
fn writer(format: u32) -> &'static str {
    if format > FORMAT { "a newer birnn" } else { "the older birnn that its run's meta.json names" }
}

impl<T: Into<String>> From<T> for WeightsProblem {
    fn from(problem: T) -> WeightsProblem {
        WeightsProblem::Unusable(problem.into())
    }
}

/// A tensor on its way into a file.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// What a verified file holds: every tensor of its layout, and no other.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) about: About,
    pub(crate) experiment: Experiment,
    tensors: Metadata,
    data: Vec<u8>,
}

/// The tensors that a file must hold, with their shapes where these are given.
type Layout = BTreeMap<String, (Dtype, Option<Vec<usize>>)>;

const FORMAT: u32 = 4;
/// The first that says what the images were like.
const FORMAT_WITH_PREPROCESSING: u32 = 4;
/// The first that is still read.
const OLDEST_FORMAT: u32 = 3;
/// Names and sizes of some thousand tensors, and the description, have room in it.
const LARGEST_HEADER: u64 = 4 << 20;
/// What a run could not read again is not written, and what it would not have written is not read.
const LARGEST_FILE: u64 = 16 << 30;
/// Rows or columns of an image, far above any that a recurrent net reads.
const LARGEST_SIDE: usize = 1 << 16;
/// Labels are bytes.
const MOST_CLASSES: usize = 256;
/// Stands for the digest while it is computed.
const NO_DIGEST: [u8; 64] = [b'0'; 64];

impl About {
    /// Describes a net for images of `shape`, trained with this build's libtorch.
    pub fn new(
        experiment: String,
        shape: [usize; 2],
        classes: Vec<String>,
        preprocessing: Option<Preprocessing>,
        data: serde_json::Value,
    ) -> About {
        let sha256 = String::from_utf8_lossy(&NO_DIGEST).into_owned();
        let (format, libtorch) = (FORMAT, crate::LIBTORCH.to_owned());
        About { sha256, format, experiment, shape, classes, preprocessing, data, libtorch, training: None }
    }

    /// The experiment that the weights were trained by.
    pub fn experiment(&self) -> Result<Experiment, toml::de::Error> {
        toml::from_str(&self.experiment)
    }
}

/// So many copies of the weights are in a checkpoint: the weights, two moments, the best weights.
const COPIES: u64 = 4;

impl About {
    /// Whether checkpoints with this description can be read again.
    pub fn check(&self) -> Result<(), EngineError> {
        self.check_copies(COPIES)
    }

    /// Whether a file with this description and so many copies of the weights can be read again.
    fn check_copies(&self, copies: u64) -> Result<(), EngineError> {
        self.check_images().map_err(EngineError::Unreadable)?;
        // What does not parse is no description of a run.
        let Ok(Ok(architecture)) = self.experiment().map(|experiment| experiment.model.resolve()) else {
            return Ok(());
        };
        let weights = architecture.parameters(self.shape[1], self.classes.len());
        let bytes = 4 * weights.iter().map(|(_, shape)| shape.iter().product::<usize>() as u64).sum::<u64>();
        match bytes.saturating_mul(copies) {
            size if size > LARGEST_FILE => Err(EngineError::TooLarge { size, largest: LARGEST_FILE }),
            _ => Ok(()),
        }
    }

    /// Whether a net can be for such images.
    fn check_images(&self) -> Result<(), String> {
        let ([rows, cols], classes) = (self.shape, self.classes.len());
        let sides = [rows, cols].iter().all(|side| (1..=LARGEST_SIDE).contains(side));
        if !sides || !(1..=MOST_CLASSES).contains(&classes) {
            return Err(format!(
                "{rows} x {cols} images of {classes} classes cannot be; at most {LARGEST_SIDE} x {LARGEST_SIDE} of {MOST_CLASSES} \
                 can"
            ));
        }
        Ok(())
    }
}

/// Writes the weights of `learner` to `path`: the whole file or, on failure, nothing. The same weights give the same
/// bytes. What [`load`] would refuse is not written.
pub fn save(disk: &dyn Disk, path: &Path, learner: &Learner, about: &About) -> Result<(), EngineError> {
    about.check_copies(1).map_err(|error| match error {
        EngineError::Unreadable(problem) => EngineError::Unreadable(format!("{}: {problem}", path.display())),
        error => error,
    })?;
    let bytes = encode(about, weights_of(learner)?).map_err(EngineError::io(path))?;
    replace(disk, path, &bytes, None)
}

/// Reads the net of a weights file or a checkpoint onto `device`, once the digest agrees.
pub fn load(path: &Path, device: Device) -> Result<(Learner, About), WeightsError> {
    let contents = read(path)?;
    let learner = contents.learner(device).map_err(wrong(path))?;
    // What is loaded are weights, be it from a checkpoint.
    Ok((learner, About { training: None, ..contents.about }))
}

/// Reads and verifies a file, without a thought of what it is wanted for.
pub(crate) fn read(path: &Path) -> Result<Contents, WeightsError> {
    let open = || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    };
    let (file, size) = open().map_err(|error: io::Error| wrong(path)(error.to_string()))?;
    Contents::decode(file, size).map_err(wrong(path))
}

/// For `map_err`: joins a problem with the file it is about.
pub(crate) fn wrong<P: Into<WeightsProblem>>(path: &Path) -> impl Fn(P) -> WeightsError {
    move |problem| WeightsError { path: path.to_owned(), problem: problem.into() }
}

/// The entries of a net's weights, sorted by name.
pub(crate) fn weights_of(learner: &Learner) -> Result<Vec<Entry>, EngineError> {
    learner.named_parameters().map(|(name, tensor)| Entry::new(name, tensor)).collect()
}

impl Entry {
    /// An `f32` tensor under `name`.
    pub(crate) fn new(name: impl Into<String>, tensor: &Tensor) -> Result<Entry, EngineError> {
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut bytes = vec![0; 4 * tensor.numel()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        Ok(Entry { name: name.into(), dtype: Dtype::F32, shape: shape_of(&tensor), bytes })
    }

    /// The bytes of a file under `name`.
    pub(crate) fn file(name: String, bytes: Vec<u8>) -> Entry {
        Entry { name, dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
    }
}

/// The bytes of a file, its digest in place.
pub(crate) fn encode(about: &About, entries: Vec<Entry>) -> io::Result<Vec<u8>> {
    let views = entries
        .iter()
        .map(|entry| Ok((&entry.name, TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(io::Error::other)?;
    // What was read from a file has that file's digest.
    let about = About { sha256: String::from_utf8_lossy(&NO_DIGEST).into_owned(), ..about.clone() };
    // One key alone: a map of several would be written in an order of its own each time.
    let metadata = HashMap::from([("birnn".to_owned(), serde_json::to_string(&about)?)]);
    let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    if header > LARGEST_HEADER {
        let message =
            format!("its description takes {header} bytes, and {LARGEST_HEADER} are read: shorten names");
        return Err(io::Error::other(message));
    }
    let place = find(&bytes, &NO_DIGEST).ok_or_else(|| io::Error::other("there is no place for a digest"))?;
    let digest = digest(&[&bytes]);
    bytes[place..place + digest.len()].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

impl Contents {
    /// Reads a file of `size` bytes. The error says what is wrong.
    pub(crate) fn decode(mut source: impl Read, size: u64) -> Result<Contents, WeightsProblem> {
        let foreign = |problem: String| format!("not a weights file of birnn, or one cut short: {problem}");
        if size > LARGEST_FILE {
            return Err(foreign(format!("{size} bytes are more than any net of ours takes")).into());
        }
        let mut read = |count: u64| {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(count as usize).map_err(|error| error.to_string())?;
            source.by_ref().take(count).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            if bytes.len() as u64 == count { Ok(bytes) } else { Err("it ends too soon".to_owned()) }
        };
        let start = read(8.min(size)).map_err(foreign)?;
        let length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let length = match length {
            Some(length) if length > LARGEST_HEADER => Err("it does not start as one"),
            Some(length) if length <= size - 8 => Ok(length),
            _ if size == 0 => Err("it is empty"),
            _ => Err("it ends within its header"),
        };
        let length = length.map_err(|problem| foreign(problem.to_owned()))?;
        let header = read(length).map_err(foreign)?;
        let tensors: Metadata =
            serde_json::from_slice(&header).map_err(|error| foreign(error.to_string()))?;
        let about = tensors.metadata().as_ref().and_then(|metadata| metadata.get("birnn"));
        let about = about.ok_or_else(|| {
            foreign(
                "it has no `birnn` metadata; for other people's weights there is `birnn import`".to_owned(),
            )
        })?;
        let about = About::parse(about).map_err(|problem| match problem {
            WeightsProblem::Unusable(problem) => foreign(problem).into(),
            problem => problem,
        })?;
        let expected = size - 8 - length;
        if tensors.data_len() as u64 != expected {
            return Err(foreign(format!(
                "its tensors take {} bytes, and {expected} follow its header",
                tensors.data_len()
            ))
            .into());
        }
        let experiment = about.experiment().map_err(|error| error.message().to_owned())?;
        about.compare(&tensors, &experiment)?;

        let data = read(expected).map_err(foreign)?;
        let place = find(&header, about.sha256.as_bytes());
        let (before, after) = header.split_at(place.ok_or("its digest is not to be found in it")?);
        let after = &after[about.sha256.len()..];
        // A fuzzer would never get past the digest, and it is the rest of the reader that it is to try.
        if digest(&[&start, before, &NO_DIGEST, after, &data]) != about.sha256 && !cfg!(fuzzing) {
            return Err("its content does not match its SHA-256: it was altered or damaged".into());
        }
        Ok(Contents { about, experiment, tensors, data })
    }

    /// The net, on `device`.
    pub(crate) fn learner(&self, device: Device) -> Result<Learner, String> {
        let architecture = self.experiment.model.resolve().map_err(|error| error.to_string())?;
        let label_smoothing = self.experiment.train.label_smoothing;
        let task = Classification { classes: self.about.classes.clone(), label_smoothing };
        let build = || {
            let mut learner = Learner::new(&architecture, task, self.about.shape, 0, device)?;
            let weights = self.group("", learner.names())?;
            learner.restore(&weights)?;
            Ok(learner)
        };
        build().map_err(|error: EngineError| error.to_string())
    }

    /// The tensors called `prefix` and one of `names`, in the order of the names.
    pub(crate) fn group(&self, prefix: &str, names: &[String]) -> Result<Vec<Tensor>, EngineError> {
        names.iter().map(|name| self.tensor(&format!("{prefix}{name}"))).collect()
    }

    /// An `f32` tensor, on the CPU.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, EngineError> {
        let shape: Vec<i64> = self
            .tensors
            .info(name)
            .map(|info| info.shape.iter().map(|&n| n as i64).collect())
            .unwrap_or_default();
        Ok(Tensor::f_from_data_size(self.bytes(name), &shape, Kind::Float)?)
    }

    /// The bytes under `name`.
    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        let range = self.tensors.info(name).map(|info| info.data_offsets);
        range.and_then(|(start, end)| self.data.get(start..end)).unwrap_or_default()
    }
}

impl About {
    /// The format is looked at first: what else there is depends on it.
    fn parse(text: &str) -> Result<About, WeightsProblem> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(WeightsProblem::Format { format });
        }
        let mut about: About = serde_json::from_str(text).map_err(|error| error.to_string())?;
        about.format = FORMAT;
        if format < FORMAT_WITH_PREPROCESSING {
            about.preprocessing = about.known_preprocessing();
        }
        about.check_images()?;
        if about.sha256.len() != NO_DIGEST.len() {
            return Err("its digest is none".into());
        }
        Ok(about)
    }

    /// What is known of the data set that it was trained by.
    fn known_preprocessing(&self) -> Option<Preprocessing> {
        let data = self.experiment().ok()?.data.resolve().ok()?;
        // Weights from elsewhere have the tutorial's data in their experiment, and may have seen any other.
        self.data.get("imported_from").is_none().then(|| data.preprocessing())?
    }

    /// Every tensor that a file with this description must hold, with its size where that is given.
    fn layout(&self, experiment: &Experiment) -> Result<Layout, String> {
        let architecture = experiment.model.resolve().map_err(|error| error.to_string())?;
        let weights = architecture.parameters(self.shape[1], self.classes.len());
        let floats = |name: String, shape| (name, (Dtype::F32, Some(shape)));
        let mut layout: Layout = weights.iter().cloned().map(|(name, shape)| floats(name, shape)).collect();
        if let Some(place) = &self.training {
            let rule = experiment.train.resolve().map_err(|error| error.message)?.rule;
            let count = weights.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            layout.extend(rule.moments(count).map(|(name, length)| floats(name.to_owned(), vec![length])));
            layout.extend([floats(LOSS_SUM.to_owned(), Vec::new())]);
            if place.best.is_some() {
                let best = weights.into_iter().map(|(name, shape)| floats(format!("{BEST}{name}"), shape));
                layout.extend(best);
            }
            layout.extend(RECORDS.map(|name| (format!("{RECORD}{name}"), (Dtype::U8, None))));
        }
        Ok(layout)
    }

    /// Whether the tensors are those of the net, and of its training where there is one.
    fn compare(&self, tensors: &Metadata, experiment: &Experiment) -> Result<(), String> {
        let layout = self.layout(experiment)?;
        let mut found = tensors.tensors();
        for (name, (dtype, shape)) in &layout {
            let info = found.remove(name).ok_or_else(|| format!("the tensor `{name}` is missing"))?;
            if info.dtype != *dtype || shape.as_ref().is_some_and(|shape| *shape != info.shape) {
                let shape = shape.clone().unwrap_or_else(|| vec![info.shape.iter().product()]);
                return Err(format!(
                    "the tensor `{name}` is {:?} {:?} and should be {dtype:?} {shape:?}",
                    info.dtype, info.shape
                ));
            }
        }
        match found.keys().min() {
            Some(name) => Err(format!("the tensor `{name}` is none of the net that it describes")),
            None => Ok(()),
        }
    }
}

/// Names in a checkpoint that no weight has.
pub(crate) const LOSS_SUM: &str = "training.loss_sum";
pub(crate) const BEST: &str = "best.";
pub(crate) const RECORD: &str = "records.";

fn shape_of(tensor: &Tensor) -> Vec<usize> {
    tensor.size().into_iter().map(|n| n as usize).collect()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// SHA-256 in hexadecimal.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;
    use crate::learner::made_up;

    #[test]
    fn what_is_saved_loads_and_saves_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let (first, about) = made_up::learner(5, |_| ());
        save(&System, &a, &first, &about).unwrap();
        let (second, read) = load(&a, Device::Cpu).unwrap();
        assert_eq!((&read.experiment, &read.classes), (&about.experiment, &about.classes));
        assert!(first.parameters().iter().zip(second.parameters()).all(|(x, y)| x == y));
        save(&System, &b, &second, &read).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn an_altered_or_torn_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let (learner, about) = made_up::learner(5, |_| ());
        save(&System, &path, &learner, &about).unwrap();
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = load(&path, Device::Cpu).unwrap_err().to_string();
            assert!(error.contains("weights.safetensors: ") && !error.contains('\n'), "{error}");
        };
        for offset in 0..good.len() {
            let mut bytes = good.clone();
            bytes[offset] ^= 1 << (offset % 8);
            refused(&bytes);
        }
        for length in (0..good.len()).step_by(31) {
            refused(&good[..length]);
        }
        refused(&[good.as_slice(), b"x"].concat());
    }

    /// A file with a digest of its own, whose description and tensors are these, must be refused with `part`.
    #[track_caller]
    fn hostile(change: impl FnOnce(&mut About, &mut Vec<Entry>), part: &str) {
        let (learner, mut about) = made_up::learner(5, |_| ());
        let mut entries = weights_of(&learner).unwrap();
        change(&mut about, &mut entries);
        let bytes = encode(&about, entries).unwrap();
        let error = Contents::decode(bytes.as_slice(), bytes.len() as u64).unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }

    #[test]
    fn what_a_file_says_of_itself_is_held_against_what_it_holds() {
        hostile(|about, _| about.format = 2, "its format is 2, and birnn ");
        hostile(
            |about, _| about.format = 2,
            " reads 3 to 4: the older birnn that its run's meta.json names reads it",
        );
        hostile(|about, _| about.format = 99, ": a newer birnn reads it");
        hostile(|about, _| about.shape = [3, usize::MAX], "images of 2 classes cannot be");
        hostile(|about, _| about.shape = [1 << 40, 2], "cannot be");
        hostile(|about, _| about.classes.clear(), "of 0 classes cannot be");
        hostile(|about, _| about.classes.push("c".to_owned()), "`fc.bias` is F32 [2] and should be F32 [3]");
        let large = |about: &mut About| {
            about.experiment = "[model]\nlayers = 100\nhidden = 65536".to_owned();
        };
        hostile(|about, _| large(about), "`fc.weight` is F32 [2, 8] and should be F32 [2, 131072]");
        hostile(|about, _| about.experiment = "[model]\nlayers = 0".to_owned(), "model.layers");
        hostile(|about, _| about.experiment = "[[[".to_owned(), "unquoted keys");
        hostile(|_, entries| entries.truncate(3), "is missing");
        hostile(
            |_, entries| entries.push(Entry::file("../../x".to_owned(), vec![1, 2])),
            "the tensor `../../x` is none of the net",
        );
        hostile(|_, entries| entries[0].dtype = Dtype::I32, "is I32 [2] and should be F32 [2]");
    }

    #[test]
    fn sizes_are_checked_before_memory_is_taken() {
        let of = |length: u64, size: u64| {
            let start = length.to_le_bytes();
            Contents::decode(start.as_slice(), size).unwrap_err().to_string()
        };
        assert!(of(u64::MAX, 1 << 30).contains("does not start as one"));
        assert!(of(1 << 30, 1 << 31).contains("does not start as one"));
        assert!(of(9, 16).contains("ends within its header"));
        assert!(of(0, 0).contains("it is empty"));
        assert!(of(100, 1 << 31).contains("it ends too soon"));
        assert!(of(100, u64::MAX).contains("more than any net"));
        for size in 0..8 {
            assert!(Contents::decode(&[0; 8][..size], size as u64).is_err());
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let (learner, good) = made_up::learner(5, |_| ());
        let refused = |change: &dyn Fn(&mut About), part: &str| {
            let mut about = good.clone();
            change(&mut about);
            for error in [save(&System, &path, &learner, &about), about.check()].map(Result::unwrap_err) {
                assert!(error.to_string().contains(part), "no `{part}` in: {error}");
            }
            assert!(!path.exists());
        };
        refused(
            &|about| about.classes = vec!["x".to_owned(); 257],
            "3 x 2 images of 257 classes cannot be; at most ",
        );
        refused(&|about| about.classes.clear(), "of 0 classes cannot be");
        refused(&|about| about.shape = [1 << 17, 2], "131072 x 2 images");
        refused(&|about| about.shape = [2, 0], "2 x 0 images");
        let large = "[model]\nlayers = 100\nhidden = 65536".to_owned();
        refused(&|about| about.experiment = large.clone(), "make `model.hidden` smaller");
        let mut long = good.clone();
        long.classes[0] = "x".repeat(5 << 20);
        let error = save(&System, &path, &learner, &long).unwrap_err().to_string();
        assert!(error.contains("and 4194304 are read: shorten names"), "{error}");
        save(&System, &path, &learner, &good).unwrap();
    }

    #[test]
    fn a_failed_save_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (learner, about) = made_up::learner(5, |_| ());
        let error = save(&System, &folder.path().join("missing/x"), &learner, &about).unwrap_err();
        assert!(error.to_string().contains("missing/x"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
