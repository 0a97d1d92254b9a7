//! A trained net on a device of libtorch's.

use std::path::Path;

use birnn_cli::asked::{Asked, unusable};
use birnn_cli::failure::Failure;
use birnn_data::{Sequences, Split};
use birnn_engine::{EngineError, LoadError, Samples, device, load};
use birnn_experiment::DeviceChoice;
use birnn_infer::Answers;
use birnn_kernels::Precision;
use birnn_run::weights_of;

use crate::failed::{Fails, OrFail};

/// The net of a run directory, or of a weights file, to be asked on a device, on a CPU with products of this
/// precision.
pub fn open(run: &Path, choice: DeviceChoice, precision: Precision) -> Result<Asked, Failure> {
    let device =
        device::resolve(choice, None).map_err(|error| Failure::request(format!("--device: {error}")))?;
    if device.is_cuda() && precision != Precision::Highest {
        return Err(Failure::request(format!(
            "--precision {precision}: is the CPU's; on a GPU libtorch decides how exact products are: leave it out, \
             or add --device cpu"
        )));
    }
    let weights = weights_of(run)?;
    let (mut learner, manifest) = load(&weights, device).map_err(|error| match error {
        LoadError::Weights(error) => unusable(run, error),
        LoadError::Engine(error) => error.failure(),
    })?;
    learner.ask_with(precision);
    let modality = manifest.modality.clone();
    let answers = move |sequences: &Sequences| {
        // What it is to be answered with is not asked.
        let split = Split::classified(sequences.clone(), vec![0; sequences.len()]);
        let samples = Samples::new(split, &modality, None, learner.device()).map_err(EngineError::from);
        let logits = learner.logits(&samples.or_fail()?).or_fail()?;
        let per = learner.task().per();
        let lengths = sequences.lengths().map(|steps| per.positions(steps)).collect();
        Ok(Answers::new(logits, lengths, learner.crf().or_fail()?))
    };
    Ok(Asked::new(weights, manifest, Box::new(answers)))
}
