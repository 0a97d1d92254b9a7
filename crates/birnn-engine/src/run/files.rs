//! The files of a run that are neither records nor checkpoints.

use std::path::Path;

use birnn_convert::Net;
use birnn_experiment::Experiment;
use birnn_formats::{Array, StateDict};
use birnn_infer::Manifest;
use birnn_model::values_of;
use birnn_run::{FileError, RunDir};
use tch::Tensor;

use crate::error::EngineError;
use crate::learner::Learner;

/// The final weights, readable by `torch.load`: the tutorial's last line.
pub(super) const STATE_DICT: &str = "model.ckpt";
/// What no state dict can say: classes, and how images are prepared.
const DESCRIPTION: &str = "model.ckpt.json";

/// Writes the final weights for PyTorch, with what no state dict can say beside them.
pub(super) fn save_state_dict(
    dir: &RunDir,
    manifest: &Manifest,
    learner: &Learner,
) -> Result<(), EngineError> {
    let array = |(name, tensor): (&str, &Tensor)| {
        let (shape, values) = values_of(tensor)?;
        Ok((name.to_owned(), Array::new(shape, values)))
    };
    let weights = learner.weights().map(array).collect::<Result<StateDict, EngineError>>()?;
    let net = Net { architecture: *learner.network().architecture(), manifest: manifest.clone(), weights };
    let [state_dict, description] = net.to_pytorch().map_err(FileError::of(dir.path().join(STATE_DICT)))?;
    dir.write(STATE_DICT, &state_dict)?;
    Ok(dir.write(DESCRIPTION, &description)?)
}

/// An experiment as it is kept in `folder`: paths to what lies beside it in the project, which is where the
/// user is, are relative, so that the project can be moved.
pub fn movable(experiment: &Experiment, folder: &Path) -> Experiment {
    let mut experiment = experiment.clone();
    let project = std::env::current_dir().ok();
    if let Some(relative) = project.and_then(|project| birnn_data::relative_to(folder, &project)) {
        experiment.relate(&relative);
    }
    experiment
}

/// What `config.toml` begins with.
pub(super) fn heading(name: &str, substitution: Option<&str>) -> String {
    let warning = substitution.map_or_else(String::new, |dataset| {
        format!("# SYNTHETIC DIGITS stood in for `{dataset}`, which could be neither found nor downloaded.\n")
    });
    format!(
        "# The run `{name}` with every default written out: training this file again repeats it.\n{warning}\n"
    )
}
