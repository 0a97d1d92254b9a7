//! Weights on disk: one safetensors file that says what net it is, written whole or not at all.
//!
//! The metadata holds one key, `birnn`: a JSON object with the experiment, the shape and classes that the net is
//! for, where its data came from, and a SHA-256 over all of that and the tensors, since the format has none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::error::EngineError;
use crate::experiment::Experiment;
use crate::files::write_atomically;
use crate::learner::Learner;
use crate::task::Classification;

/// What a weights file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of this description.
    pub format: u32,
    /// The experiment, as TOML with every default written out.
    pub experiment: String,
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Where the training data came from.
    pub data: serde_json::Value,
    /// Over everything else in the file, in hexadecimal.
    #[serde(default)]
    sha256: String,
}

/// Why a weights file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Where a run keeps its weights while it goes on.
#[derive(Debug)]
pub struct Checkpoints {
    /// The folder; it exists.
    pub folder: PathBuf,
    /// What each file says of itself.
    pub about: About,
}

const FORMAT: u32 = 1;
/// Far above any recurrent net, far below what would hurt.
const LARGEST_FILE: u64 = 4 << 30;

impl Checkpoints {
    pub(crate) fn save_last(&self, learner: &Learner) -> Result<(), EngineError> {
        save(&self.folder.join("last.safetensors"), learner, &self.about)
    }

    pub(crate) fn save_best(&self, learner: &Learner) -> Result<(), EngineError> {
        save(&self.folder.join("best.safetensors"), learner, &self.about)
    }
}

impl About {
    /// Describes a net for images of `shape`.
    pub fn new(
        experiment: String,
        shape: [usize; 2],
        classes: Vec<String>,
        data: serde_json::Value,
    ) -> About {
        About { format: FORMAT, experiment, shape, classes, data, sha256: String::new() }
    }

    /// The experiment that the weights were trained by.
    pub fn experiment(&self) -> Result<Experiment, toml::de::Error> {
        toml::from_str(&self.experiment)
    }

    /// The digest of this description, its own field left out, and of `tensors`.
    fn digest(&self, tensors: &[(String, Vec<usize>, &[u8])]) -> String {
        let mut hash = Sha256::new();
        let bare = About { sha256: String::new(), ..self.clone() };
        hash.update(serde_json::to_vec(&bare).unwrap_or_default());
        for (name, shape, bytes) in tensors {
            hash.update(format!("{name} {shape:?} {}\n", bytes.len()));
            hash.update(bytes);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Writes the weights of `learner` to `path`: the whole file or, on failure, nothing. The same weights give the same
/// bytes.
pub fn save(path: &Path, learner: &Learner, about: &About) -> Result<(), EngineError> {
    let mut held = Vec::new();
    for (name, tensor) in learner.named_parameters() {
        let shape: Vec<usize> = tensor.size().iter().map(|&n| n as usize).collect();
        let values = Vec::<f32>::try_from(tensor.f_detach()?.f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        held.push((name.to_owned(), shape, bytes));
    }
    let tensors: Vec<_> =
        held.iter().map(|(name, shape, bytes)| (name.clone(), shape.clone(), bytes.as_slice())).collect();
    let about = About { sha256: about.digest(&tensors), ..about.clone() };
    let io = |error: String| EngineError::io(path)(std::io::Error::other(error));
    let text = serde_json::to_string(&about).map_err(|error| io(error.to_string()))?;
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| io(error.to_string()))?;
    // One key alone: a map of several would be written in an order of its own each time.
    let metadata = HashMap::from([("birnn".to_owned(), text)]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| io(error.to_string()))?;
    write_atomically(path, &bytes)
}

/// Reads weights that [`save`] wrote into a net on `device`, once the digest agrees.
pub fn load(path: &Path, device: Device) -> Result<(Learner, About), WeightsError> {
    let wrong = |problem: String| WeightsError { path: path.to_owned(), problem };
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > LARGEST_FILE {
        return Err(wrong(format!("{size} bytes are more than any net of ours; is it a weights file?")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let foreign = "not a weights file of birnn, or one cut short";
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| wrong(format!("{foreign}: {error}")))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| wrong(format!("{foreign}: {error}")))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get("birnn"));
    let text = text.ok_or_else(|| wrong(format!("{foreign}: it has no `birnn` metadata")))?;
    let about: About = serde_json::from_str(text).map_err(|error| wrong(format!("{foreign}: {error}")))?;
    if about.format != FORMAT {
        return Err(wrong(format!("format {} is not the one this birnn reads, {FORMAT}", about.format)));
    }

    let mut tensors: Vec<_> =
        file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec(), view.data())).collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    if about.digest(&tensors) != about.sha256 {
        return Err(wrong("its content does not match its SHA-256: it was altered or damaged".to_owned()));
    }
    let experiment = about.experiment().map_err(|error| wrong(error.message().to_owned()))?;
    let architecture = experiment.model.resolve().map_err(|error| wrong(error.to_string()))?;
    let task =
        Classification { classes: about.classes.clone(), label_smoothing: experiment.train.label_smoothing };
    let mut learner = Learner::new(&architecture, task, about.shape, 0, device)
        .map_err(|error| wrong(error.to_string()))?;

    let expected: Vec<_> = learner
        .named_parameters()
        .map(|(name, tensor)| {
            (name.to_owned(), tensor.size().iter().map(|&n| n as usize).collect::<Vec<_>>())
        })
        .collect();
    let found: Vec<_> = tensors.iter().map(|(name, shape, _)| (name.clone(), shape.clone())).collect();
    if expected != found {
        return Err(wrong("its tensors are not those of the net that it describes".to_owned()));
    }
    let values = tensors
        .iter()
        .map(|(_, shape, bytes)| {
            let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
            Tensor::f_from_data_size(bytes, &shape, Kind::Float)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    learner.restore(&values).map_err(|error| wrong(error.to_string()))?;
    Ok((learner, about))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learner(seed: u32) -> (Learner, About) {
        let experiment = Experiment {
            model: birnn_model::ModelConfig { hidden: birnn_model::Hidden::Same(4), ..Default::default() },
            ..Experiment::default()
        };
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let about =
            About::new(experiment.to_toml().unwrap(), [3, 2], classes.clone(), serde_json::Value::Null);
        let architecture = experiment.model.resolve().unwrap();
        let task = Classification { classes, label_smoothing: 0.0 };
        (Learner::new(&architecture, task, [3, 2], seed, Device::Cpu).unwrap(), about)
    }

    #[test]
    fn what_is_saved_loads_and_saves_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let (first, about) = learner(5);
        save(&a, &first, &about).unwrap();
        let (second, read) = load(&a, Device::Cpu).unwrap();
        assert_eq!((read.experiment, read.classes), (about.experiment.clone(), about.classes.clone()));
        assert!(first.parameters().iter().zip(second.parameters()).all(|(x, y)| x == y));
        save(&b, &second, &about).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn an_altered_or_torn_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let (learner, about) = learner(5);
        save(&path, &learner, &about).unwrap();
        let good = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = load(&path, Device::Cpu).unwrap_err().to_string();
            assert!(error.contains("weights.safetensors: ") && !error.contains('\n'), "{error}");
        };
        for offset in (0..good.len()).step_by(7) {
            let mut bytes = good.clone();
            bytes[offset] ^= 0x10;
            refused(&bytes);
        }
        for length in (0..good.len()).step_by(31) {
            refused(&good[..length]);
        }
        refused(&[good.as_slice(), b"x"].concat());
    }

    #[test]
    fn a_failed_save_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let (learner, about) = learner(5);
        let error = save(&folder.path().join("missing/x"), &learner, &about).unwrap_err();
        assert!(error.to_string().contains("missing/x"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
