//! A network on disk: one safetensors file that says what net it is, written whole or not at all, verified
//! when read.
//!
//! The metadata holds one key, `birnn`: a JSON object, [`About`], with the experiment, the shape and
//! classes that the net is for, where its data came from, and the SHA-256 of the whole file, taken with 64
//! zeros in its own place. A checkpoint is such a file with the state of its training beside the weights.
//!
//! Only data is loaded: what a file says of itself is held against its length, and its tensors against the
//! net that it describes, before memory is taken for either.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use birnn_data::{hexadecimal, name::shown};
use safetensors::tensor::{Dtype, Metadata, TensorView};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::about::{About, FORMAT, OLDEST_FORMAT};
use crate::disk::{Disk, replace};
use crate::error::EngineError;
use crate::experiment::Experiment;
use crate::learner::Learner;
use crate::task::Classification;

/// Why a weights file or checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(.path))]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right.
    pub problem: WeightsProblem,
}

/// What is wrong with a weights file or checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WeightsProblem {
    /// The system cannot read it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is damaged, or not for what it is wanted for.
    #[error("{0}")]
    Unusable(String),
    /// Nothing in it says that it is one of birnn's.
    #[error("not a weights file of birnn, or one cut short: {0}")]
    Foreign(String),
    /// It may be as good as any, and this birnn does not know its format.
    #[error(
        "its format is {format}, and birnn {} reads {OLDEST_FORMAT} to {FORMAT}: {} reads it",
        env!("CARGO_PKG_VERSION"), writer(*.format)
    )]
    Format {
        /// The version of its description.
        format: u32,
    },
}

/// Who reads a format that this birnn does not.
fn writer(format: u32) -> &'static str {
    if format > FORMAT { "a newer birnn" } else { "the older birnn that its run's meta.json names" }
}

impl From<String> for WeightsProblem {
    fn from(problem: String) -> WeightsProblem {
        WeightsProblem::Unusable(problem)
    }
}

impl From<&str> for WeightsProblem {
    fn from(problem: &str) -> WeightsProblem {
        problem.to_owned().into()
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

/// Names and sizes of some thousand tensors, and the description, have room in it.
const LARGEST_HEADER: u64 = 4 << 20;
/// What a run could not read again is not written, and what it would not have written is not read.
pub(crate) const LARGEST_FILE: u64 = 16 << 30;
/// Stands for the digest while it is computed.
pub(crate) const NO_DIGEST: [u8; 64] = [b'0'; 64];

/// Writes the weights of `learner` to `path`: the whole file or, on failure, nothing. The same weights give
/// the same bytes. What [`load`] would refuse is not written.
pub fn save(disk: &dyn Disk, path: &Path, learner: &Learner, about: &About) -> Result<(), EngineError> {
    about.check_weights().map_err(|error| match error {
        EngineError::Unreadable(problem) => EngineError::Unreadable(format!("{}: {problem}", shown(path))),
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
    Ok((learner, contents.about.of_weights()))
}

/// Reads and verifies a file, without a thought of what it is wanted for.
pub(crate) fn read(path: &Path) -> Result<Contents, WeightsError> {
    let open = || {
        let file = birnn_data::open_file(path)?;
        let size = file.metadata()?.len();
        Contents::decode(file, size)
    };
    open().map_err(wrong(path))
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
}

/// The bytes of a file, its digest in place.
pub(crate) fn encode(about: &About, entries: Vec<Entry>) -> io::Result<Vec<u8>> {
    let views = entries
        .iter()
        .map(|entry| Ok((&entry.name, TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(io::Error::other)?;
    // One key alone: a map of several would be written in an order of its own each time.
    let metadata = HashMap::from([("birnn".to_owned(), about.encode()?)]);
    let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    check_header(header).map_err(io::Error::other)?;
    let place = find(&bytes, &NO_DIGEST).ok_or_else(|| io::Error::other("there is no place for a digest"))?;
    let digest = digest(&[&bytes]);
    bytes[place..place + digest.len()].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// Whether a header of so many bytes can be read again.
pub(crate) fn check_header(bytes: u64) -> Result<(), String> {
    match bytes > LARGEST_HEADER {
        true => {
            Err(format!("its description takes {bytes} bytes, and {LARGEST_HEADER} are read: shorten names"))
        }
        false => Ok(()),
    }
}

impl Contents {
    /// Reads a file of `size` bytes. The error says what is wrong; only one that is no
    /// [`WeightsProblem::Io`] tells of the file.
    pub(crate) fn decode(mut source: impl Read, size: u64) -> Result<Contents, WeightsProblem> {
        let foreign = WeightsProblem::Foreign;
        let mut read = |count: u64| {
            let mut bytes = Vec::new();
            // For want of memory, or of a disk that works, a good file cannot be read just now.
            bytes.try_reserve_exact(count as usize).map_err(io::Error::from)?;
            source.by_ref().take(count).read_to_end(&mut bytes)?;
            if bytes.len() as u64 == count { Ok(bytes) } else { Err(foreign("it ends too soon".to_owned())) }
        };
        if size > LARGEST_FILE {
            return Err(foreign(format!("{size} bytes are more than any net of ours takes")));
        }
        let start = read(8.min(size))?;
        let length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let length = match length {
            Some(length) if length > LARGEST_HEADER => Err("it does not start as one"),
            Some(length) if length <= size - 8 => Ok(length),
            _ if size == 0 => Err("it is empty"),
            _ => Err("it ends within its header"),
        };
        let length = length.map_err(|problem| foreign(problem.to_owned()))?;
        let header = read(length)?;
        let tensors: Metadata =
            serde_json::from_slice(&header).map_err(|error| foreign(error.to_string()))?;
        let about = tensors.metadata().as_ref().and_then(|metadata| metadata.get("birnn"));
        let none = "it has no `birnn` metadata; for other people's weights there is `birnn import`";
        let about = About::parse(about.ok_or_else(|| foreign(none.to_owned()))?)?;
        let expected = size - 8 - length;
        if tensors.data_len() as u64 != expected {
            let bytes = tensors.data_len();
            return Err(format!("its tensors take {bytes} bytes, and {expected} follow its header").into());
        }
        let experiment = about.experiment().map_err(|error| error.message().to_owned())?;
        about.compare(&tensors, &experiment)?;

        let data = read(expected)?;
        let place = find(&header, about.sha256().as_bytes());
        let (before, after) = header.split_at(place.ok_or("its digest is not to be found in it")?);
        let after = &after[about.sha256().len()..];
        // A fuzzer would never get past the digest, and it is the rest of the reader that it is to try.
        if digest(&[&start, before, &NO_DIGEST, after, &data]) != about.sha256() && !cfg!(fuzzing) {
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
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;
    use crate::learner::made_up;

    impl Entry {
        /// Bytes under `name`, as only files of an older format hold them, or damaged ones.
        pub(crate) fn raw(name: String, bytes: Vec<u8>) -> Entry {
            Entry { name, dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
        }
    }

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
            " reads 3 to 5: the older birnn that its run's meta.json names reads it",
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
            |_, entries| entries.push(Entry::raw("../../x".to_owned(), vec![1, 2])),
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

    /// Gives the bytes of a file up to a place where the disk fails.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::from_raw_os_error(5)) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn a_disk_that_fails_is_no_damage() {
        let (learner, about) = made_up::learner(5, |_| ());
        let bytes = encode(&about, weights_of(&learner).unwrap()).unwrap();
        for length in (0..bytes.len()).step_by(7) {
            let error = Contents::decode(Failing(&bytes[..length]), bytes.len() as u64).unwrap_err();
            assert!(matches!(error, WeightsProblem::Io(_)), "at {length}: {error}");
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
        refused(&|about| about.experiment = "[[[".to_owned(), "unquoted keys");
        refused(&|about| about.experiment = "[model]\nlayers = 0".to_owned(), "layers");
        let named = |name: &'static str| move |about: &mut About| about.classes[0] = name.repeat(5 << 20);
        refused(&named("x"), "and 4194304 are read: shorten names");
        // Half of that, and twice as long once it is JSON.
        let quoted = |about: &mut About| about.classes[0] = "\"".repeat(3 << 19);
        refused(&quoted, "and 4194304 are read: shorten names");
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
