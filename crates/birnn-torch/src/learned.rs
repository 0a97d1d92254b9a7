//! A trained net on a device of libtorch's.

use std::path::{Path, PathBuf};

use birnn_cli::asked::{Asked, unusable, warn_of_substitution};
use birnn_cli::failure::Failure;
use birnn_data::{Images, Split};
use birnn_engine::{EngineError, Learner, LoadError, Samples, device, load};
use birnn_experiment::DeviceChoice;
use birnn_infer::Manifest;
use birnn_run::weights_of;

use crate::failed::{Fails, OrFail};

/// A trained net on a device.
pub struct Learned {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// The network.
    pub learner: Learner,
    /// What the file says of itself.
    pub manifest: Manifest,
}

impl Learned {
    /// The net of a run directory, or of a weights file.
    pub fn open(run: &Path, choice: DeviceChoice) -> Result<Learned, Failure> {
        let device =
            device::resolve(choice).map_err(|error| Failure::request(format!("--device: {error}")))?;
        let weights = weights_of(run)?;
        let (learner, manifest) = load(&weights, device).map_err(|error| match error {
            LoadError::Weights(error) => unusable(run, error),
            LoadError::Engine(error) => error.failure(),
        })?;
        Ok(Learned { weights, learner, manifest })
    }

    /// Says so where something stood in for its data.
    pub fn warn_of_substitution(&self) {
        warn_of_substitution(&self.weights, &self.manifest);
    }

    /// To be asked for what pictures show.
    pub fn asked(self) -> Asked {
        let Learned { weights, learner, manifest } = self;
        let logits = move |images: &Images| {
            let split = Split { images: images.clone(), labels: vec![0; images.len()] };
            let samples = Samples::new(split, learner.device()).map_err(EngineError::from).or_fail()?;
            learner.logits(&samples).or_fail()
        };
        Asked::new(weights, manifest, Box::new(logits))
    }
}
