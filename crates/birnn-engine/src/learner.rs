//! A network with its task: what is trained, evaluated and saved.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use birnn_architecture::{CRF, EMBEDDING, Inputs};
use birnn_data::{Per, Sequence, WordVectors};
use birnn_distributed::{Ranks, deal};
use birnn_infer::cpu::instructions;
use birnn_infer::{Answers, Classify, Evaluation, LOGITS, Reading, Task, TokenScores};
use birnn_kernels::{Crf, Precision};
use birnn_model::{Architecture, ModelError, Network, values_of};
use tch::{Device, TchError, Tensor, nn};

use crate::cpu_backend::CpuBackend;
use crate::device::cpu_threads;
use crate::error::EngineError;
use crate::loss::{Loss, Lowered, Transitions};
use crate::optimizer::flat;
use crate::samples::{Batch, Samples};
use crate::tokens::on_device;

/// What gives the logits of a range of samples.
type Asked<'a> = dyn Fn(Range<usize>) -> Result<Vec<f32>, EngineError> + 'a;

/// A network with its task and its parameters, on a device.
#[derive(Debug)]
pub struct Learner {
    /// What is learned.
    task: Task,
    /// What training lowers.
    loss: Loss,
    /// What the net reads at each time step.
    inputs: Inputs,
    /// The network.
    network: Network,
    /// The device of parameters and input.
    device: Device,
    /// Of all tensors, those that are trained first.
    names: Vec<String>,
    tensors: Vec<Tensor>,
    /// How many are trained.
    trained: usize,
    /// Where transitions, beginnings and ends of a conditional random field are among these.
    crf: Option<[usize; 3]>,
    precision: Precision,
    /// That of answers, on a CPU.
    asked: Precision,
    /// How the recurrent layers are computed, where not by libtorch.
    cpu_backend: Option<CpuBackend>,
}

/// What a pass over a batch, forward and back, gives.
#[derive(Debug)]
pub struct StepOutput {
    /// The mean loss, smoothed and with dropout, `f32 []`.
    pub loss: Tensor,
    /// With dropout: `f32 [batch, outputs]`; where each step is answered, `f32 [batch, time, outputs]`, or of
    /// sequences of unequal lengths `f32 [steps of all, outputs]`. Of a batch in shards, those of the first
    /// that this rank has.
    pub logits: Tensor,
    /// By all parameters, in their order, as one vector ([`flat`]).
    pub gradient: Tensor,
}

/// Sequences per forward pass of an evaluation by libtorch: larger ones are no faster and take more memory.
const EVALUATION_BATCH: usize = 500;
/// Steps of all sequences of such a pass, about, of which the outputs are held: see
/// [`Learner::evaluation_batch`].
const EVALUATION_STEPS: usize = 1 << 17;

/// An odd number without a pattern in its bits: 2^64 by the golden ratio.
const PART: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;

impl Learner {
    /// A net for these inputs, with the weights that `seed` gives.
    ///
    /// This seeds libtorch's generator, which is one for the process. On a CPU it leaves libtorch one thread,
    /// in the whole process: birnn's own kernels have the others.
    pub fn new(
        architecture: &Architecture,
        task: Task,
        loss: Loss,
        inputs: impl Into<Inputs>,
        seed: u32,
        device: Device,
    ) -> Result<Learner, EngineError> {
        let inputs = inputs.into();
        tch::manual_seed(i64::from(seed));
        let vs = nn::VarStore::new(device);
        let network = Network::new(&vs.root(), architecture, inputs, task.outputs())?;
        // Sorted by name, so that the order is the same in every process.
        let mut variables: Vec<(String, Tensor)> = vs.variables().into_iter().collect();
        let is_frozen = |name: &str| !architecture.is_trained(name);
        variables.sort_by(|(one, _), (other, _)| (is_frozen(one), one).cmp(&(is_frozen(other), other)));
        let trained = variables.iter().filter(|(name, _)| !is_frozen(name)).count();
        let (names, tensors): (Vec<String>, Vec<Tensor>) = variables.into_iter().unzip();
        let cpu_backend = if device == Device::Cpu {
            let backend = CpuBackend::new(architecture, inputs, &names, &tensors)?;
            // Its workers, as many as libtorch's threads were, are there now. libtorch is left the small
            // things, for which its threads would only be in the way: they wait by spinning.
            tch::set_num_threads(1);
            Some(backend)
        } else {
            None
        };
        let precision = Precision::Highest;
        let index = |name: &str| names.iter().position(|other| *other == format!("{CRF}.{name}"));
        let crf = ["transitions", "start_transitions", "end_transitions"].map(index);
        let crf = match crf {
            [Some(transitions), Some(start), Some(end)] => Some([transitions, start, end]),
            _ => None,
        };
        Ok(Learner {
            task,
            loss,
            inputs,
            network,
            device,
            names,
            tensors,
            trained,
            crf,
            precision,
            asked: Precision::Highest,
            cpu_backend,
        })
    }

    /// Has its answers on a CPU computed with products of this precision, however it is trained.
    pub fn ask_with(&mut self, precision: Precision) {
        self.asked = precision;
    }

    /// The same, whose recurrent layers are computed with products of this precision. On other devices than
    /// the CPU libtorch decides.
    pub fn with_precision(mut self, precision: Precision) -> Result<Learner, EngineError> {
        self.precision = precision;
        if let Some(backend) = &mut self.cpu_backend {
            backend.set_precision(precision, &self.tensors)?;
        }
        Ok(self)
    }

    /// The same, which keeps the states between segments of about so many steps, and recomputes all else on
    /// the way back: the same bits in less memory. On other devices than the CPU all is kept.
    pub fn with_recompute(mut self, steps: Option<usize>) -> Learner {
        if let Some(backend) = &mut self.cpu_backend {
            backend.set_recompute(steps);
        }
        self
    }

    /// How exact its products are to be.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What is learned.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// What training lowers.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The device of its parameters.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The trained tensors, sorted by name.
    ///
    /// They are the net's own storages, and so is a `shallow_clone` of one: nothing may write to them while
    /// this net computes in another thread. [`Learner::snapshot`] copies.
    pub fn parameters(&self) -> &[Tensor] {
        &self.tensors[..self.trained]
    }

    /// The names of the trained tensors, sorted.
    pub fn names(&self) -> &[String] {
        &self.names[..self.trained]
    }

    /// The trained tensors with their names, sorted.
    pub fn named_parameters(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.weights().take(self.trained)
    }

    /// All tensors of the net with their names, those that are trained first.
    pub fn weights(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.tensors)
    }

    /// The loss of a batch and its gradient: values, not hidden state. `rng_key` decides what dropout zeroes.
    ///
    /// On a CPU birnn's kernels compute it, elsewhere libtorch's autograd.
    ///
    /// Until it returns, nothing may write to the batch's or the parameters' storages, as another thread
    /// could by way of a `shallow_clone` of a tensor: both read them where they lie. libtorch asks the same
    /// of all who call it, and no type of tch's can hold them to it. What evaluates or predicts asks the
    /// same.
    pub fn gradients(&mut self, batch: &Batch, rng_key: i64) -> Result<StepOutput, EngineError> {
        let Learner { cpu_backend, network, loss, tensors, trained, crf, .. } = self;
        match cpu_backend {
            Some(backend) => {
                let transitions = transitions(*crf, tensors);
                with_kernels(backend, network, (loss, transitions), (tensors, *trained), batch, rng_key)
            }
            None => self.autograd(batch, rng_key),
        }
    }

    /// As [`Learner::gradients`], by libtorch's autograd.
    pub fn autograd(&self, batch: &Batch, rng_key: i64) -> Result<StepOutput, EngineError> {
        let Architecture { dropout, input_dropout, output_dropout, .. } = *self.network.architecture();
        if dropout > 0.0 || input_dropout > 0.0 || output_dropout > 0.0 {
            // Another part of the batch, other draws.
            let part = (batch.first_step as i64).wrapping_mul(PART);
            tch::manual_seed(rng_key.wrapping_add(part));
        }
        let logits = logits_of(&self.network, batch, true)?;
        let Lowered { value, differentiated } = self.loss.mean(&logits, batch, self.transitions())?;
        let gradients = Tensor::f_run_backward(&[&differentiated], self.parameters(), false, false)?;
        Ok(StepOutput { loss: value.detach(), logits: logits.detach(), gradient: flat(&gradients)? })
    }

    /// The parameters of a conditional random field, where the head is one.
    fn transitions(&self) -> Option<Transitions<'_>> {
        transitions(self.crf, &self.tensors)
    }

    /// Frees the buffers of training, so that an evaluation has their memory. The next step takes them anew.
    pub fn release(&mut self) {
        if let Some(backend) = &mut self.cpu_backend {
            backend.release();
        }
    }

    /// How the net does on `samples`, of which each rank answers a part: the same bits for any number of
    /// ranks, since no answer depends on the others.
    pub fn evaluate(&self, samples: &Samples, ranks: &Ranks) -> Result<Evaluation, EngineError> {
        let parts: Vec<Range<usize>> =
            (0..ranks.size()).map(|rank| self.part(samples, ranks.size(), rank)).collect();
        if let (Task::Classify(task), Some(tokens)) = (&self.task, samples.targets().own_tokens()) {
            return self.evaluate_tokens((task, tokens), samples, &parts, ranks);
        }
        let own = self.logits_of(samples, parts[ranks.rank()].clone())?;
        let outputs = self.task.outputs();
        let lengths: Vec<usize> =
            parts.into_iter().map(|part| samples.positions_of(part).len() * outputs).collect();
        let logits = ranks.join_floats(own, &lengths)?;
        let answers = Answers::new(logits, samples.answered(), self.crf()?);
        let found = self.task.evaluate(&answers, samples.targets());
        // The loss is of deviations, and is finite where these are not.
        match found.regressed() {
            Some(numbers) if found.loss.is_finite() && !numbers.rmse.is_finite() => {
                Err(EngineError::TooFarOff(numbers.rmse))
            }
            _ => Ok(found),
        }
    }

    /// As [`Learner::evaluate`], of tokens of the samples themselves, whose logits are not kept.
    fn evaluate_tokens(
        &self,
        (task, tokens): (&Classify, &[u32]),
        samples: &Samples,
        parts: &[Range<usize>],
        ranks: &Ranks,
    ) -> Result<Evaluation, EngineError> {
        let (own, asked) = (parts[ranks.rank()].clone(), self.asked(samples)?);
        let (batch, answered) = (self.answered_together(samples), samples.answered());
        let mut scores = TokenScores::default();
        for piece in task.pieces(answered[own.clone()].chunks(batch).map(|batch| batch.iter().sum())) {
            let piece = own.start + piece.start * batch..own.end.min(own.start + piece.end * batch);
            scores.add(task, &asked(piece.clone())?, &tokens[samples.positions_of(piece)]);
        }
        let lengths = parts.iter().map(|part| samples.positions_of(part.clone()).len() * TokenScores::WIDTH);
        let all = ranks.join_floats(scores.into_values(), &lengths.collect::<Vec<_>>())?;
        Ok(TokenScores::from_values(all).evaluation())
    }

    /// The answers that are in `logits`, which the net gave for a batch; waits for the device.
    pub fn answers(&self, logits: &Tensor, batch: &Batch) -> Result<Answers, EngineError> {
        let per = self.task.per();
        let lengths = batch.lengths().into_iter().map(|steps| per.positions(steps)).collect();
        let logits = Vec::<f32>::try_from(logits.f_view(-1)?)?;
        Ok(Answers::new(logits, lengths, self.crf()?))
    }

    /// The conditional random field over its outputs as it is now, where the head is one.
    pub fn crf(&self) -> Result<Option<Arc<Crf>>, EngineError> {
        let Some(Transitions { transitions, start, end }) = self.transitions() else { return Ok(None) };
        let [transitions, start, end] = [values_of(transitions)?.1, values_of(start)?.1, values_of(end)?.1];
        let legal = self.task.legal_tags();
        let crf = Crf::new(self.task.outputs(), &transitions, &start, &end, legal.as_ref());
        Ok(Some(Arc::new(crf)))
    }

    /// Samples that are answered together: off a CPU batches, as an answer may round otherwise beside others.
    fn answered_together(&self, samples: &Samples) -> usize {
        match self.device {
            Device::Cpu => 1,
            _ => self.evaluation_batch(samples),
        }
    }

    /// Samples per forward pass of an evaluation by libtorch. Where each step is answered, and by many
    /// outputs, as of the words of a text, there are fewer steps, so that the logits take no more memory.
    fn evaluation_batch(&self, samples: &Samples) -> usize {
        let steps = match self.task.per() {
            Per::Sequence => EVALUATION_STEPS,
            Per::Step => EVALUATION_STEPS.min((LOGITS / self.task.outputs()).max(1)),
        };
        samples.batch_size(EVALUATION_BATCH, steps)
    }

    /// The samples that a rank answers.
    fn part(&self, samples: &Samples, size: usize, rank: usize) -> Range<usize> {
        let batch = self.answered_together(samples);
        let batches = deal(samples.len().div_ceil(batch), size, rank);
        samples.len().min(batches.start * batch)..samples.len().min(batches.end * batch)
    }

    /// The logits of all `samples`, in their order: `[samples, outputs]`, or `[steps of all, outputs]` where
    /// each step is answered. They may have more or fewer time steps than those trained on.
    ///
    /// On a CPU they are worked out by `birnn_infer`, as wherever a net is asked; elsewhere by libtorch.
    pub fn logits(&self, samples: &Samples) -> Result<Vec<f32>, EngineError> {
        self.logits_of(samples, 0..samples.len())
    }

    fn logits_of(&self, samples: &Samples, range: Range<usize>) -> Result<Vec<f32>, EngineError> {
        self.asked(samples)?(range)
    }

    /// The net as it is now, to be asked for the logits of some of these samples.
    fn asked<'a>(&'a self, samples: &'a Samples) -> Result<Box<Asked<'a>>, EngineError> {
        let _guard = tch::no_grad_guard();
        if let Inputs::Values(features) = self.inputs
            && samples.features() != features
        {
            let found = vec![samples.len() as i64, -1, samples.features() as i64];
            return Err(ModelError::InputShape { features: features as i64, found }.into());
        }
        if self.device == Device::Cpu
            && let Some(sequences) = samples.in_memory()
        {
            let network = self.network_to_ask()?;
            return Ok(Box::new(move |range| {
                let reading = samples.lexicon().map_or(Reading::Values(&as_it_is), Reading::Tokens);
                Ok(network.logits_of_all(sequences, range, reading, cpu_threads() as usize))
            }));
        }
        Ok(Box::new(|range| {
            let _guard = tch::no_grad_guard();
            let mut all = Vec::new();
            for batch in samples.batches(range, self.evaluation_batch(samples)) {
                let logits = logits_of(&self.network, &batch?, false)?;
                all.extend(Vec::<f32>::try_from(logits.f_view(-1)?)?);
            }
            Ok(all)
        }))
    }

    /// The net as it is now, on plain slices, on a CPU.
    fn network_to_ask(&self) -> Result<birnn_infer::Network, TchError> {
        let values = self.weights().map(|(name, tensor)| Ok((name, values_of(tensor)?.1)));
        let values = values.collect::<Result<BTreeMap<_, _>, TchError>>()?;
        let (architecture, inputs) = (self.network.architecture(), self.inputs);
        let of = |name: &str| values.get(name).cloned().unwrap_or_default();
        let with = (instructions(), self.asked);
        Ok(birnn_infer::Network::with_precision(architecture, inputs, self.task.outputs(), with, of))
    }

    /// Copies of all parameters, to come back to.
    pub fn snapshot(&self) -> Vec<Tensor> {
        self.parameters().iter().map(|parameter| parameter.detach().copy()).collect()
    }

    /// Puts `values` back into the parameters, in their order.
    pub fn restore(&mut self, values: &[Tensor]) -> Result<(), EngineError> {
        tch::no_grad(|| {
            for (parameter, value) in self.tensors[..self.trained].iter_mut().zip(values) {
                parameter.f_copy_(value)?;
            }
            Ok(())
        })
    }

    /// Gives every tensor of the net, those that are not trained included, the value that `of` has for its
    /// name.
    pub(crate) fn restore_all(
        &mut self,
        of: impl Fn(&str) -> Result<Tensor, TchError>,
    ) -> Result<(), TchError> {
        tch::no_grad(|| {
            for (name, tensor) in self.names.iter().zip(&mut self.tensors) {
                tensor.f_copy_(&of(name)?)?;
            }
            Ok(())
        })
    }

    /// Begins with these vectors for the words that they are of.
    pub(crate) fn begin_with(&mut self, vectors: &WordVectors) -> Result<(), TchError> {
        let table = self.names.iter().zip(&mut self.tensors);
        let Some((_, table)) = table.into_iter().find(|(name, _)| **name == format!("{EMBEDDING}.weight"))
        else {
            return Ok(());
        };
        let rows: Vec<i64> = vectors.rows.iter().map(|&row| i64::from(row)).collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(self.device)?;
        let values = Tensor::f_from_slice(&vectors.values)?.f_view([-1, vectors.width as i64])?;
        let values = values.f_to_device(self.device)?;
        tch::no_grad(|| table.f_index_copy_(0, &rows, &values)).map(drop)
    }
}

/// Samples are as the net reads them already.
fn as_it_is(sample: Sequence<'_>, into: &mut Vec<f32>) {
    sample.read(into);
}

/// Those of `parameters` that are a conditional random field's.
fn transitions(crf: Option<[usize; 3]>, parameters: &[Tensor]) -> Option<Transitions<'_>> {
    let [transitions, start, end] = crf?.map(|index| &parameters[index]);
    Some(Transitions { transitions, start, end })
}

/// The loss of a batch and its gradient, the recurrent layers, and what makes vectors of tokens, by birnn's
/// kernels.
fn with_kernels(
    backend: &mut CpuBackend,
    network: &Network,
    (loss, transitions): (&Loss, Option<Transitions<'_>>),
    (tensors, trained): (&[Tensor], usize),
    batch: &Batch,
    rng_key: i64,
) -> Result<StepOutput, EngineError> {
    backend.update(tensors)?;
    let parameters = &tensors[..trained];
    let top = backend.forward(batch, rng_key, tensors)?.f_set_requires_grad(true)?;
    let logits = match &batch.lengths {
        None => network.logits(&top)?,
        Some(lengths) => network.logits_ragged(&top, lengths)?,
    };
    let Lowered { value, differentiated } = loss.mean(&logits, batch, transitions)?;
    let others = parameters.iter().enumerate().filter(|(index, _)| !backend.owns(*index));
    let inputs: Vec<&Tensor> = std::iter::once(&top).chain(others.map(|(_, tensor)| tensor)).collect();
    let gradients = Tensor::f_run_backward(&[&differentiated], &inputs, false, false)?;
    let gradient = backend.backward(&gradients[0], &gradients[1..], parameters)?;
    Ok(StepOutput { loss: value.detach(), logits: logits.detach(), gradient })
}

/// The logits of a batch, all of it by libtorch.
fn logits_of(network: &Network, batch: &Batch, train: bool) -> Result<Tensor, ModelError> {
    match (&batch.tokens, &batch.lengths) {
        (_, None) => network.forward(&batch.input, train),
        (None, Some(lengths)) => network.forward_ragged(&batch.input, lengths, train),
        (Some(tokens), Some(lengths)) => {
            let embedded = on_device(tokens, batch.target.device(), |tokens| network.embed(tokens, train))??;
            network.forward_ragged(&embedded, lengths, train)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use tch::Kind;

    use super::*;

    /// Whoever catches a panic goes on with the kernels, as if it had not been.
    #[test]
    fn a_panic_in_a_step_costs_no_kernels() {
        let batch = |labels: &[i64]| Batch {
            input: Tensor::linspace(0, 1, 12, (Kind::Float, Device::Cpu)).view([2, 3, 2]),
            tokens: None,
            lengths: None,
            target: Tensor::from_slice(labels),
            positions: labels.len(),
            first_step: 0,
        };
        let (mut learner, _) = made_up::learner(5, |_| ());
        let before = learner.gradients(&batch(&[0, 1]), 7).unwrap();
        // With more features than the net is for.
        let input = Tensor::zeros([2, 3, 5], (Kind::Float, Device::Cpu));
        let bad = Batch { input, ..batch(&[0, 1]) };
        let caught = catch_unwind(AssertUnwindSafe(|| learner.gradients(&bad, 7).map(|_| ())));
        assert!(!matches!(caught, Ok(Ok(()))), "a step that fails was wanted");
        let after = learner.gradients(&batch(&[0, 1]), 7).unwrap();
        assert!(after.gradient == before.gradient && after.loss == before.loss);
    }
}

/// Small learners for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::*;
    use crate::state::State;
    use birnn_data::Modality;
    use birnn_experiment::Experiment;
    use birnn_infer::Manifest;

    /// A net of two classes for images of 3 x 2, of four hidden units, and what its file says of it.
    pub(crate) fn learner(seed: u32, change: impl FnOnce(&mut Experiment)) -> (Learner, Manifest) {
        let mut experiment = Experiment::default();
        experiment.model.hidden = birnn_model::Hidden::Same(4);
        change(&mut experiment);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let manifest = Manifest::new(
            experiment.to_toml().unwrap(),
            Modality::Images { shape: [3, 2], preprocessing: None },
            Task::classify(classes.clone()),
            serde_json::Value::Null,
        )
        .unwrap();
        let architecture = experiment.model.resolve().unwrap();
        let task = Task::classify(classes);
        let plan = experiment.train.resolve().unwrap();
        let loss = Loss::new(&task, architecture.head, &plan, Device::Cpu).unwrap();
        (Learner::new(&architecture, task, loss, 2, seed, Device::Cpu).unwrap(), manifest)
    }

    /// Where a training by the tutorial's rule begins.
    pub(crate) fn state(learner: &Learner) -> State {
        State::new(&Experiment::default().train.resolve().unwrap(), learner).unwrap()
    }
}
