//! A trained net on a device of libtorch's.

use std::path::Path;

use birnn_cli::asked::{Asked, unusable};
use birnn_cli::failure::Failure;
use birnn_data::{Images, Split};
use birnn_engine::{EngineError, LoadError, Samples, device, load};
use birnn_experiment::DeviceChoice;
use birnn_run::weights_of;

use crate::failed::{Fails, OrFail};

/// The net of a run directory, or of a weights file, to be asked on a device.
pub fn open(run: &Path, choice: DeviceChoice) -> Result<Asked, Failure> {
    let device = device::resolve(choice).map_err(|error| Failure::request(format!("--device: {error}")))?;
    let weights = weights_of(run)?;
    let (learner, manifest) = load(&weights, device).map_err(|error| match error {
        LoadError::Weights(error) => unusable(run, error),
        LoadError::Engine(error) => error.failure(),
    })?;
    let logits = move |images: &Images| {
        let split = Split { images: images.clone(), labels: vec![0; images.len()] };
        let samples = Samples::new(split, learner.device()).map_err(EngineError::from).or_fail()?;
        learner.logits(&samples).or_fail()
    };
    Ok(Asked::new(weights, manifest, Box::new(logits)))
}
