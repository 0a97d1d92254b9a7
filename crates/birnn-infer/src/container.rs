//! A network on disk: one safetensors file that says what net it is, written whole or not at all, verified
//! when read.
//!
//! The metadata holds one key, `birnn`: a JSON object, [`Manifest`], with the experiment, the shape and
//! classes that the net is for, where its data came from, and the SHA-256 of the whole file, taken with 64
//! zeros in its own place. A checkpoint is such a file with the state of its training beside the weights.
//!
//! Only data is loaded: what a file says of itself is held against its length, and its tensors against the
//! net that it describes, before memory is taken for either.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use birnn_architecture::Architecture;
use birnn_data::hexadecimal;
use birnn_experiment::{Experiment, TrainPlan};
use birnn_run::FileError;
use birnn_run::disk::{Disk, replace};
use safetensors::tensor::{Metadata, TensorView};
use sha2::{Digest, Sha256};

use crate::error::{SaveError, WeightsError, WeightsProblem, wrong};
use crate::format::{LARGEST_FILE, LARGEST_HEADER, NO_DIGEST, check_header};
use crate::layout::AVERAGE;
use crate::manifest::Manifest;

pub use safetensors::tensor::Dtype;

/// A tensor on its way into a file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// What its bytes are.
    pub dtype: Dtype,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values, little-endian, the last dimension first.
    pub bytes: Vec<u8>,
}

/// What a verified file holds: every tensor of its layout, and no other.
#[derive(Debug)]
pub struct Contents {
    manifest: Manifest,
    architecture: Architecture,
    plan: TrainPlan,
    tensors: Metadata,
    data: Vec<u8>,
}

/// Writes weights to `path`: the whole file or, on failure, nothing. The same weights give the same bytes.
/// What [`read`] would refuse is not written.
pub fn save(disk: &dyn Disk, path: &Path, weights: &[Entry], manifest: &Manifest) -> Result<(), SaveError> {
    let problem = |source| SaveError::Manifest { path: path.to_owned(), source };
    manifest.check_weights().map_err(problem)?;
    let bytes = encode(manifest, weights).map_err(FileError::of(path))?;
    Ok(replace(disk, path, &bytes, None)?)
}

/// Reads and verifies a file, without a thought of what it is wanted for.
pub fn read(path: &Path) -> Result<Contents, WeightsError> {
    let open = || {
        let file = birnn_data::open_file(path)?;
        let size = file.metadata()?.len();
        Contents::decode(file, size)
    };
    open().map_err(wrong(path))
}

impl Entry {
    /// An `f32` tensor under `name`.
    pub fn floats(name: impl Into<String>, shape: Vec<usize>, values: &[f32]) -> Entry {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Entry { name: name.into(), dtype: Dtype::F32, shape, bytes }
    }
}

/// The bytes of a file, its digest in place.
pub fn encode(manifest: &Manifest, entries: &[Entry]) -> io::Result<Vec<u8>> {
    let views = entries
        .iter()
        .map(|entry| Ok((&entry.name, TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(io::Error::other)?;
    // One key alone: a map of several would be written in an order of its own each time.
    let metadata = HashMap::from([("birnn".to_owned(), manifest.encode()?)]);
    let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    check_header(header).map_err(io::Error::other)?;
    let offset =
        find(&bytes, &NO_DIGEST).ok_or_else(|| io::Error::other("there is no place for a digest"))?;
    let digest = digest(&[&bytes]);
    bytes[offset..offset + digest.len()].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

impl Contents {
    /// Reads a file of `size` bytes. The error says what is wrong; only one that is no
    /// [`WeightsProblem::Io`] tells of the file.
    pub fn decode(mut source: impl Read, size: u64) -> Result<Contents, WeightsProblem> {
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
        let manifest = tensors.metadata().as_ref().and_then(|metadata| metadata.get("birnn"));
        let none = "it has no `birnn` metadata; for other people's weights there is `birnn import`";
        let manifest = Manifest::parse(manifest.ok_or_else(|| foreign(none.to_owned()))?)?;
        let expected = size - 8 - length;
        if tensors.data_len() as u64 != expected {
            let bytes = tensors.data_len();
            return Err(format!("its tensors take {bytes} bytes, and {expected} follow its header").into());
        }
        let experiment = manifest.experiment();
        let architecture = experiment.model.resolve().map_err(|error| error.to_string())?;
        let plan = experiment.train.resolve().map_err(|error| error.message)?;
        if experiment.data.window.is_some_and(|window| !window.has_steps()) {
            return Err("data.window: its series are cut into parts of no steps".into());
        }
        manifest.compare(&tensors, &architecture, &plan)?;

        let data = read(expected)?;
        let offset = find(&header, manifest.sha256().as_bytes());
        let (before, after) = header.split_at(offset.ok_or("its digest is not to be found in it")?);
        let after = &after[manifest.sha256().len()..];
        // A fuzzer would never get past the digest, and it is the rest of the reader that it is to try.
        if digest(&[&start, before, &NO_DIGEST, after, &data]) != manifest.sha256() && !cfg!(fuzzing) {
            return Err("its content does not match its SHA-256: it was altered or damaged".into());
        }
        Ok(Contents { manifest, architecture, plan, tensors, data })
    }

    /// What the file says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The experiment that the net is of.
    pub fn experiment(&self) -> &Experiment {
        self.manifest.experiment()
    }

    /// What the net is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// How it was trained.
    pub fn plan(&self) -> &TrainPlan {
        &self.plan
    }

    /// The name of the tensor that the net is asked with for the parameter `name`: of those that are
    /// evaluated and kept, which in a checkpoint of training with a moving average are its own.
    pub fn asked(&self, name: &str) -> String {
        let is_averaged = self.manifest.training.is_some() && self.plan.ema_decay.is_some();
        match is_averaged && self.architecture.is_trained(name) {
            true => format!("{AVERAGE}{name}"),
            false => name.to_owned(),
        }
    }

    /// The shape of the tensor `name`.
    pub fn shape(&self, name: &str) -> &[usize] {
        self.tensors.info(name).map(|info| info.shape.as_slice()).unwrap_or_default()
    }

    /// The values of the `f32` tensor `name`.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.bytes(name).as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    /// The bytes under `name`.
    pub fn bytes(&self, name: &str) -> &[u8] {
        let range = self.tensors.info(name).map(|info| info.data_offsets);
        range.and_then(|(start, end)| self.data.get(start..end)).unwrap_or_default()
    }
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
    use birnn_data::{Modality, Per};
    use birnn_run::disk::System;

    use super::*;
    use crate::made_up;
    use crate::task::{Classify, Task};

    fn images(shape: [usize; 2]) -> Modality {
        Modality::Images { shape, preprocessing: None }
    }

    #[test]
    fn what_is_saved_loads_and_saves_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let (weights, manifest) = made_up::net();
        save(&System, &a, &weights, &manifest).unwrap();
        let contents = read(&a).unwrap();
        let found = contents.manifest();
        assert_eq!((found.experiment_toml(), &found.task), (manifest.experiment_toml(), &manifest.task));
        let again: Vec<Entry> = weights
            .iter()
            .map(|Entry { name, .. }| {
                Entry::floats(name, contents.shape(name).to_vec(), &contents.values(name))
            })
            .collect();
        assert!(weights.iter().zip(&again).all(|(x, y)| (&x.shape, &x.bytes) == (&y.shape, &y.bytes)));
        save(&System, &b, &again, found).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn an_altered_or_torn_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let (weights, manifest) = made_up::net();
        save(&System, &path, &weights, &manifest).unwrap();
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
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

    /// More than any file holds.
    const LARGE: &str = "[model]\nlayers = 100\nhidden = 65536";

    /// A file with a digest of its own, whose description and tensors are these, must be refused with `part`.
    #[track_caller]
    fn hostile(change: impl FnOnce(&mut Manifest, &mut Vec<Entry>), part: &str) {
        let (weights, mut manifest) = made_up::net();
        let mut entries = weights;
        change(&mut manifest, &mut entries);
        let bytes = encode(&manifest, &entries).unwrap();
        let error = Contents::decode(bytes.as_slice(), bytes.len() as u64).unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }

    #[test]
    fn what_a_file_says_of_itself_is_held_against_what_it_holds() {
        hostile(|manifest, _| manifest.format = 2, "its format is 2, and birnn ");
        hostile(
            |manifest, _| manifest.format = 2,
            " reads 3 to 8: the older birnn that its run's meta.json names reads it",
        );
        hostile(|manifest, _| manifest.format = 99, ": a newer birnn reads it");
        hostile(|manifest, _| manifest.modality = images([3, usize::MAX]), "images of 2 classes cannot be");
        hostile(|manifest, _| manifest.modality = images([1 << 40, 2]), "cannot be");
        hostile(|manifest, _| made_up::classes(manifest).clear(), "of 0 classes cannot be");
        hostile(
            |manifest, _| made_up::classes(manifest).push("c".to_owned()),
            "`fc.bias` is F32 [2] and should be F32 [3]",
        );
        let of_steps = |manifest: &mut Manifest| {
            let classes = manifest.task.classes().to_vec();
            manifest.task = Task::Classify(Classify::new(classes, Per::Step));
        };
        hostile(
            |manifest, _| made_up::by(LARGE, manifest),
            "`fc.weight` is F32 [2, 8] and should be F32 [2, 131072]",
        );
        hostile(|manifest, _| made_up::by("[model]\nlayers = 0", manifest), "model.layers");
        let window = "[data]\nwindow = { length = 0 }";
        hostile(
            |manifest, _| made_up::by(window, manifest),
            "data.window: its series are cut into parts of no steps",
        );
        hostile(|manifest, _| of_steps(manifest), "a net with the readout `last` cannot answer each step");
        hostile(|_, entries| entries.truncate(3), "is missing");
        hostile(
            |_, entries| entries.push(Entry::floats("../../x", vec![1], &[1.0])),
            "the tensor `../../x` is none of the net",
        );
        hostile(|_, entries| entries[0].dtype = Dtype::I32, "is I32 [2] and should be F32 [2]");
    }

    #[test]
    fn an_experiment_that_cannot_be_is_refused() {
        let (_, manifest) = made_up::net();
        for (experiment, part) in [("[[[", "unquoted keys"), ("seed = \"x\"", "invalid type: string")] {
            let mut json: serde_json::Value = serde_json::from_str(&manifest.encode().unwrap()).unwrap();
            json["experiment"] = experiment.into();
            let error = Manifest::parse(&json.to_string()).unwrap_err().to_string();
            assert!(error.contains(part), "no `{part}` in: {error}");
            let of_images = Modality::Images { shape: [3, 2], preprocessing: None };
            let made = Manifest::new(
                experiment.to_owned(),
                of_images,
                manifest.task.clone(),
                serde_json::Value::Null,
            );
            assert!(made.unwrap_err().to_string().contains(part));
        }
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

    /// Gives the bytes of a file up to an offset at which the disk fails.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::from_raw_os_error(5)) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn a_disk_that_fails_is_no_damage() {
        let (weights, manifest) = made_up::net();
        let bytes = encode(&manifest, &weights).unwrap();
        for length in (0..bytes.len()).step_by(7) {
            let error = Contents::decode(Failing(&bytes[..length]), bytes.len() as u64).unwrap_err();
            assert!(matches!(error, WeightsProblem::Io(_)), "at {length}: {error}");
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let (weights, good) = made_up::net();
        let refused = |change: &dyn Fn(&mut Manifest), part: &str| {
            let mut manifest = good.clone();
            change(&mut manifest);
            let errors = [
                save(&System, &path, &weights, &manifest).unwrap_err().to_string(),
                manifest.check().unwrap_err().to_string(),
            ];
            assert!(errors.iter().all(|error| error.contains(part)), "no `{part}` in: {errors:?}");
            assert!(!path.exists());
        };
        refused(
            &|manifest| *made_up::classes(manifest) = vec!["x".to_owned(); 65_537],
            "3 x 2 images of 65537 classes cannot be; at most ",
        );
        refused(&|manifest| made_up::classes(manifest).clear(), "of 0 classes cannot be");
        refused(&|manifest| manifest.modality = images([1 << 17, 2]), "131072 x 2 images");
        refused(&|manifest| manifest.modality = images([2, 0]), "2 x 0 images");
        refused(&|manifest| made_up::by(LARGE, manifest), "make `model.hidden` smaller");
        refused(&|manifest| made_up::by("[model]\nlayers = 0", manifest), "layers");
        let named = |name: &'static str| {
            move |manifest: &mut Manifest| made_up::classes(manifest)[0] = name.repeat(33 << 20)
        };
        refused(&named("x"), "and 33554432 are read: shorten names");
        // Half of that, and twice as long once it is JSON.
        let quoted = |manifest: &mut Manifest| made_up::classes(manifest)[0] = "\"".repeat(12 << 20);
        refused(&quoted, "and 33554432 are read: shorten names");
        save(&System, &path, &weights, &good).unwrap();
    }

    #[test]
    fn a_failed_save_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (weights, manifest) = made_up::net();
        let error = save(&System, &folder.path().join("missing/x"), &weights, &manifest).unwrap_err();
        assert!(error.to_string().contains("missing/x"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
