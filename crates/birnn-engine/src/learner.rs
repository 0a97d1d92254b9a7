//! A network with its task: what is trained, evaluated, saved and asked.

use birnn_model::{Architecture, Network};
use tch::{Device, Kind, TchError, Tensor, nn};

use crate::cpu_backend::CpuBackend;
use crate::device::cpu_threads;
use crate::error::EngineError;
use crate::optimizer::flat;
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
    /// How the recurrent layers are computed, where not by libtorch.
    cpu_backend: Option<CpuBackend>,
}

/// What a pass over a batch, forward and back, gives.
#[derive(Debug)]
pub struct Pass {
    /// The mean loss, smoothed and with dropout, `f32 []`.
    pub loss: Tensor,
    /// With dropout, `f32 [batch, classes]`.
    pub logits: Tensor,
    /// By all parameters, in their order, as one vector ([`flat`]).
    pub gradient: Tensor,
}

/// Images per forward pass of an evaluation, for each thread of the kernels and for libtorch: larger ones
/// are no faster and take more memory.
const EVALUATION_PER_THREAD: usize = 64;
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
        let (names, parameters): (Vec<String>, Vec<Tensor>) =
            std::collections::BTreeMap::from_iter(vs.variables()).into_iter().unzip();
        let cpu_backend = if device == Device::Cpu {
            let backend = CpuBackend::new(architecture, shape[1], &names, &parameters)?;
            // Its workers, as many as libtorch's threads were, are there now. libtorch is left the small
            // things, for which its threads would only be in the way: they wait by spinning.
            tch::set_num_threads(1);
            Some(backend)
        } else {
            None
        };
        Ok(Learner { task, shape, network, device, names, parameters, cpu_backend })
    }

    /// The trained tensors, sorted by name.
    ///
    /// They are the net's own storages, and so is a `shallow_clone` of one: nothing may write to them while
    /// this net computes in another thread. [`Learner::snapshot`] copies.
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

    /// The loss of a batch and its gradient: values, not hidden state. `draws` decides what dropout zeroes.
    ///
    /// On a CPU birnn's kernels compute it, elsewhere libtorch's autograd.
    ///
    /// Until it returns, nothing may write to the batch's or the parameters' storages, as another thread
    /// could by way of a `shallow_clone` of a tensor: both read them where they lie. libtorch asks the same
    /// of all who call it, and no type of tch's can hold them to it. What evaluates or predicts asks the
    /// same.
    pub fn gradients(&mut self, batch: &Batch, draws: i64) -> Result<Pass, EngineError> {
        let Learner { cpu_backend, network, task, parameters, .. } = self;
        match cpu_backend {
            Some(backend) => with_kernels(backend, network, task, parameters, batch, draws),
            None => self.autograd(batch, draws),
        }
    }

    /// As [`Learner::gradients`], by libtorch's autograd.
    pub fn autograd(&self, batch: &Batch, draws: i64) -> Result<Pass, EngineError> {
        tch::manual_seed(draws);
        let logits = self.network.forward(&batch.input, true)?;
        let loss = self.task.loss(&logits, &batch.labels)?;
        let gradients = Tensor::f_run_backward(&[&loss], &self.parameters, false, false)?;
        Ok(Pass { loss: loss.detach(), logits: logits.detach(), gradient: flat(&gradients)? })
    }

    /// How the net does on `samples`.
    pub fn evaluate(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        let task = self.task.clone();
        let mut tally = task.tally(self.device)?;
        self.each_batch(samples, |logits, labels| task.count(&mut tally, logits, labels))?;
        Ok(task.evaluation(&tally)?)
    }

    /// The logits of all `samples`, in their order: `[images, classes]`, or `[images, time, classes]` of a
    /// net without a readout.
    pub fn logits(&mut self, samples: &Samples) -> Result<Tensor, EngineError> {
        let mut all = Vec::new();
        self.each_batch(samples, |logits, _| {
            all.push(logits.shallow_clone());
            Ok(())
        })?;
        Ok(Tensor::f_cat(&all, 0)?)
    }

    /// Shows `see` the logits and labels of all `samples`, batch by batch.
    fn each_batch(
        &mut self,
        samples: &Samples,
        mut see: impl FnMut(&Tensor, &Tensor) -> Result<(), TchError>,
    ) -> Result<(), EngineError> {
        let _guard = tch::no_grad_guard();
        self.load()?;
        let size = match self.cpu_backend {
            Some(_) => EVALUATION_PER_THREAD * cpu_threads() as usize,
            None => EVALUATION_BATCH,
        };
        for batch in samples.batches(size) {
            let batch = batch?;
            see(&self.forward(&batch.input)?, &batch.labels)?;
        }
        Ok(())
    }

    /// The probability of each class for one image of `rows * cols` bytes.
    pub fn predict(&mut self, image: &[u8]) -> Result<Vec<f32>, EngineError> {
        let _guard = tch::no_grad_guard();
        let [rows, cols] = self.shape.map(|n| n as i64);
        let image = Tensor::f_from_slice(image)?.f_view([1, rows, cols])?.f_to_device(self.device)?;
        self.load()?;
        let logits = self.forward(&crate::samples::normalise(&image)?)?;
        Ok(Vec::try_from(logits.f_softmax(1, None::<Kind>)?.f_view(-1)?)?)
    }

    /// Lets the kernels take in the parameters as they are now.
    fn load(&mut self) -> Result<(), EngineError> {
        match &mut self.cpu_backend {
            Some(backend) => Ok(backend.update(&self.parameters)?),
            None => Ok(()),
        }
    }

    /// The logits of a batch, without dropout.
    fn forward(&mut self, input: &Tensor) -> Result<Tensor, EngineError> {
        match &mut self.cpu_backend {
            Some(backend) => Ok(self.network.logits(&backend.forward(input, None)?)?),
            None => Ok(self.network.forward(input, false)?),
        }
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

/// The loss of a batch and its gradient, the recurrent layers by birnn's kernels.
fn with_kernels(
    backend: &mut CpuBackend,
    network: &Network,
    task: &Classification,
    parameters: &[Tensor],
    batch: &Batch,
    draws: i64,
) -> Result<Pass, EngineError> {
    backend.update(parameters)?;
    let top = backend.forward(&batch.input, Some(draws))?.f_set_requires_grad(true)?;
    let logits = network.logits(&top)?;
    let loss = task.loss(&logits, &batch.labels)?;
    let others = parameters.iter().enumerate().filter(|(place, _)| !backend.owns(*place));
    let inputs: Vec<&Tensor> = std::iter::once(&top).chain(others.map(|(_, tensor)| tensor)).collect();
    let gradients = Tensor::f_run_backward(&[&loss], &inputs, false, false)?;
    let gradient = backend.backward(&gradients[0], &gradients[1..], parameters)?;
    Ok(Pass { loss: loss.detach(), logits: logits.detach(), gradient })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Whoever catches a panic goes on with the kernels, as if it had not been.
    #[test]
    fn a_panic_in_a_step_costs_no_kernels() {
        let batch = |labels: &[i64]| Batch {
            input: Tensor::linspace(0, 1, 12, (Kind::Float, Device::Cpu)).view([2, 3, 2]),
            labels: Tensor::from_slice(labels),
        };
        let (mut learner, _) = made_up::learner(5, |_| ());
        let before = learner.gradients(&batch(&[0, 1]), 7).unwrap();
        // With more features than the net is for.
        let input = Tensor::zeros([2, 3, 5], (Kind::Float, Device::Cpu));
        let bad = Batch { input, ..batch(&[0, 1]) };
        let caught = catch_unwind(AssertUnwindSafe(|| learner.gradients(&bad, 7).map(|_| ())));
        assert!(!matches!(caught, Ok(Ok(()))), "a step that fails was wanted");
        assert!(learner.cpu_backend.is_some());
        let after = learner.gradients(&batch(&[0, 1]), 7).unwrap();
        assert!(after.gradient == before.gradient && after.loss == before.loss);
    }
}

/// Small learners for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::*;
    use crate::about::About;
    use crate::experiment::Experiment;
    use crate::state::State;

    /// A net of two classes for images of 3 x 2, of four hidden units, and what its file says of it.
    pub(crate) fn learner(seed: u32, change: impl FnOnce(&mut Experiment)) -> (Learner, About) {
        let mut experiment = Experiment::default();
        experiment.model.hidden = birnn_model::Hidden::Same(4);
        change(&mut experiment);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let about =
            About::new(experiment.to_toml().unwrap(), [3, 2], classes.clone(), None, serde_json::Value::Null);
        let architecture = experiment.model.resolve().unwrap();
        let task = Classification { classes, label_smoothing: experiment.train.label_smoothing };
        (Learner::new(&architecture, task, [3, 2], seed, Device::Cpu).unwrap(), about)
    }

    /// Where a training by the tutorial's rule begins.
    pub(crate) fn state(learner: &Learner) -> State {
        State::new(Experiment::default().train.resolve().unwrap().rule, learner).unwrap()
    }
}
