//! A net's weights between its tensors and a file.

use std::path::Path;

use birnn_infer::container::{self, Contents, Entry};
use birnn_infer::{Manifest, WeightsError};
use birnn_model::values_of;
use birnn_run::disk::Disk;
use tch::{Device, Kind, TchError, Tensor};

use crate::error::EngineError;
use crate::learner::Learner;
use crate::loss::Loss;

/// Writes the weights of `learner` to `path`: the whole file or, on failure, nothing. The same weights give
/// the same bytes. What [`load`] would refuse is not written.
pub fn save(disk: &dyn Disk, path: &Path, learner: &Learner, manifest: &Manifest) -> Result<(), EngineError> {
    Ok(container::save(disk, path, &weights_of(learner)?, manifest)?)
}

/// Why there is no net of a weights file on a device.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file is good, and the device has no room for the net, or cannot have it otherwise.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Reads the net of a weights file or a checkpoint onto `device`, once the digest agrees.
pub fn load(path: &Path, device: Device) -> Result<(Learner, Manifest), LoadError> {
    let contents = container::read(path)?;
    let learner = learner(&contents, device)?;
    // What is loaded are weights, be it from a checkpoint.
    Ok((learner, contents.manifest().clone().of_weights()))
}

/// The net that a file holds, on `device`.
pub(crate) fn learner(contents: &Contents, device: Device) -> Result<Learner, EngineError> {
    let manifest = contents.manifest();
    let task = manifest.task.clone();
    let loss = Loss::new(&task, contents.architecture().head, contents.plan(), device)?;
    let mut learner =
        Learner::new(contents.architecture(), task, loss, manifest.modality.inputs(), 0, device)?;
    learner.restore_all(|name| tensor(contents, &contents.asked(name)))?;
    Ok(learner)
}

/// The entries of a net's weights.
pub(crate) fn weights_of(learner: &Learner) -> Result<Vec<Entry>, EngineError> {
    learner.weights().map(|(name, tensor)| Ok(entry(name, tensor)?)).collect()
}

/// An `f32` tensor under `name`.
pub(crate) fn entry(name: impl Into<String>, tensor: &Tensor) -> Result<Entry, TchError> {
    let (shape, values) = values_of(tensor)?;
    Ok(Entry::floats(name, shape, &values))
}

/// The tensors of a file called `prefix` and one of `names`, in the order of the names, on the CPU.
pub(crate) fn group(contents: &Contents, prefix: &str, names: &[String]) -> Result<Vec<Tensor>, EngineError> {
    names.iter().map(|name| Ok(tensor(contents, &format!("{prefix}{name}"))?)).collect()
}

/// An `f32` tensor of a file, on the CPU.
pub(crate) fn tensor(contents: &Contents, name: &str) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = contents.shape(name).iter().map(|&n| n as i64).collect();
    Tensor::f_from_data_size(contents.bytes(name), &shape, Kind::Float)
}

#[cfg(test)]
mod tests {
    use birnn_run::disk::System;

    use super::*;
    use crate::learner::made_up;

    #[test]
    fn what_is_saved_loads_and_saves_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let (first, manifest) = made_up::learner(5, |_| ());
        save(&System, &a, &first, &manifest).unwrap();
        let (second, read) = load(&a, Device::Cpu).unwrap();
        assert_eq!((read.experiment_toml(), &read.task), (manifest.experiment_toml(), &manifest.task));
        assert!(first.parameters().iter().zip(second.parameters()).all(|(x, y)| x == y));
        save(&System, &b, &second, &read).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    }
}
