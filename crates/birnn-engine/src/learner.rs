//! A network with its task: what is trained, evaluated, saved and asked.

use birnn_model::{Architecture, Network};
use tch::{Device, Kind, Tensor, nn};

use crate::error::EngineError;
use crate::samples::{Batch, Samples};
use crate::task::{Classification, Evaluation};

/// A network with its task and its parameters, on a device.
#[derive(Debug)]
pub struct Learner {
    /// What is learned.
    pub task: Classification,
    /// Time steps and features per step that the net is for.
    pub shape: [usize; 2],
    /// The network.
    pub network: Network,
    /// The device of parameters and input.
    pub device: Device,
    names: Vec<String>,
    parameters: Vec<Tensor>,
}

/// Images per forward pass of an evaluation: larger ones are no faster on a CPU and take more memory.
const EVALUATION_BATCH: usize = 500;

impl Learner {
    /// A net with the weights that `seed` gives; `shape` is rows and columns of an image.
    pub fn new(
        architecture: &Architecture,
        task: Classification,
        shape: [usize; 2],
        seed: u32,
        device: Device,
    ) -> Result<Learner, EngineError> {
        tch::manual_seed(i64::from(seed));
        let vs = nn::VarStore::new(device);
        let network = Network::new(&vs.root(), architecture, shape[1], task.classes.len())?;
        // Sorted by name, so that the order is the same in every process.
        let (names, parameters) = std::collections::BTreeMap::from_iter(vs.variables()).into_iter().unzip();
        Ok(Learner { task, shape, network, device, names, parameters })
    }

    /// The trained tensors, sorted by name.
    pub fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }

    /// The names of the trained tensors, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The trained tensors with their names, sorted.
    pub fn named_parameters(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.parameters)
    }

    /// The loss of a batch, and its gradient by every parameter: values, not hidden state.
    pub fn gradients(&self, batch: &Batch) -> Result<(Tensor, Vec<Tensor>), EngineError> {
        let logits = self.network.forward(&batch.input, true)?;
        let loss = self.task.loss(&logits, &batch.labels)?;
        let gradients = Tensor::f_run_backward(&[&loss], &self.parameters, false, false)?;
        Ok((loss.detach(), gradients))
    }

    /// How the net does on `samples`.
    pub fn evaluate(&self, samples: &Samples) -> Result<Evaluation, EngineError> {
        let _guard = tch::no_grad_guard();
        let mut tally = self.task.tally(self.device)?;
        for batch in samples.batches(EVALUATION_BATCH) {
            let batch = batch?;
            let logits = self.network.forward(&batch.input, false)?;
            self.task.count(&mut tally, &logits, &batch.labels)?;
        }
        Ok(self.task.evaluation(&tally)?)
    }

    /// The probability of each class for one image of `rows * cols` bytes.
    pub fn predict(&self, image: &[u8]) -> Result<Vec<f32>, EngineError> {
        let _guard = tch::no_grad_guard();
        let [rows, cols] = self.shape.map(|n| n as i64);
        let image = Tensor::f_from_slice(image)?.f_view([1, rows, cols])?.f_to_device(self.device)?;
        let logits = self.network.forward(&crate::samples::normalise(&image)?, false)?;
        Ok(Vec::try_from(logits.f_softmax(1, None::<Kind>)?.f_view(-1)?)?)
    }

    /// Copies of all parameters, to come back to.
    pub fn snapshot(&self) -> Vec<Tensor> {
        self.parameters.iter().map(|parameter| parameter.detach().copy()).collect()
    }

    /// Puts `values` back into the parameters, in their order.
    pub fn restore(&mut self, values: &[Tensor]) -> Result<(), EngineError> {
        tch::no_grad(|| {
            for (parameter, value) in self.parameters.iter_mut().zip(values) {
                parameter.f_copy_(value)?;
            }
            Ok(())
        })
    }
}

/// Small learners for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::*;
    use crate::experiment::Experiment;
    use crate::weights::About;

    /// A net of two classes for images of 3 x 2, of four hidden units, and what its file says of it.
    pub(crate) fn learner(seed: u32, change: impl FnOnce(&mut Experiment)) -> (Learner, About) {
        let mut experiment = Experiment::default();
        experiment.model.hidden = birnn_model::Hidden::Same(4);
        change(&mut experiment);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let about =
            About::new(experiment.to_toml().unwrap(), [3, 2], classes.clone(), serde_json::Value::Null);
        let architecture = experiment.model.resolve().unwrap();
        let task = Classification { classes, label_smoothing: experiment.train.label_smoothing };
        (Learner::new(&architecture, task, [3, 2], seed, Device::Cpu).unwrap(), about)
    }
}
