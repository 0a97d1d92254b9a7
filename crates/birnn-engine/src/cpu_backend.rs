//! The recurrent layers by birnn's own kernels, on the CPU; head, readout and loss stay with libtorch.
//!
//! Readout, head and loss see the kernels' output as a tensor that requires a gradient, as if it were a
//! parameter. So every readout and task works with the kernels as it does with autograd.
//!
//! Dropout in the kernels is a function of the position of a value. On other devices libtorch's generator
//! draws, so a CPU and a GPU drop different values.

use birnn_architecture::{Architecture, Inputs};
use birnn_kernels::{Dropout, Input, OutputMode, Packed, Precision, Workspace, backward, forward};
use tch::{Device, Kind, TchError, Tensor};

use crate::device::workers;
use crate::embedding::EmbeddingBackend;
use crate::memory::{values, values_mut};
use crate::samples::Batch;

/// The recurrent layers of a net, with the buffers of its last batch.
#[derive(Debug)]
pub(crate) struct CpuBackend {
    packed: Packed,
    workspace: Workspace,
    recompute: Option<usize>,
    embedding: Option<EmbeddingBackend>,
    dropout: f64,
    input_dropout: f64,
    output_dropout: f64,
    /// What dropout drew for the last batch, for the way back.
    drawn: Option<Drawn>,
    /// Where each parameter of the recurrent layers is among those of the net.
    indices: Vec<usize>,
}

impl CpuBackend {
    /// For a net of this architecture with these tensors and their names, those that are trained first.
    pub(crate) fn new(
        architecture: &Architecture,
        inputs: Inputs,
        names: &[String],
        parameters: &[Tensor],
    ) -> Result<CpuBackend, TchError> {
        let wanted = architecture.recurrent_parameters(inputs);
        // A net has the parameters of its architecture.
        let indices: Vec<usize> =
            wanted.iter().filter_map(|(wanted, _)| names.iter().position(|name| name == wanted)).collect();
        let spec = birnn_infer::spec(architecture, architecture.features(inputs));
        let packed = Packed::new(spec, workers().instructions(), &slices(parameters, &indices)?);
        let all = all_slices(parameters)?;
        let index = |wanted: &str| names.iter().position(|name| name == wanted);
        Ok(CpuBackend {
            packed,
            workspace: Workspace::new(workers()),
            recompute: None,
            embedding: EmbeddingBackend::new(architecture, inputs, index, &|index| all[index]),
            dropout: architecture.dropout,
            input_dropout: architecture.input_dropout,
            output_dropout: architecture.output_dropout,
            drawn: None,
            indices,
        })
    }

    /// From now on, segments of so many steps are recomputed on the way back.
    pub(crate) fn set_recompute(&mut self, steps: Option<usize>) {
        self.recompute = steps;
        self.release();
    }

    /// From now on, products are of this precision.
    pub(crate) fn set_precision(
        &mut self,
        precision: Precision,
        parameters: &[Tensor],
    ) -> Result<(), TchError> {
        let slices = slices(parameters, &self.indices)?;
        self.packed =
            Packed::with_precision(*self.packed.spec(), self.packed.instructions(), precision, &slices);
        if let Some(embedding) = &mut self.embedding {
            let all = all_slices(parameters)?;
            embedding.set_precision(precision, &|index| all[index]);
        }
        Ok(())
    }

    /// Takes in the parameters, as they are now.
    pub(crate) fn update(&mut self, parameters: &[Tensor]) -> Result<(), TchError> {
        self.packed.update(workers(), &slices(parameters, &self.indices)?);
        Ok(())
    }

    /// The sequences of a batch to what [`birnn_model::Network::logits`] takes, or `logits_ragged` where
    /// there are lengths, for [`CpuBackend::backward`] to come back from; `rng_key` decides what dropout
    /// zeroes.
    pub(crate) fn forward(
        &mut self,
        batch: &Batch,
        rng_key: i64,
        parameters: &[Tensor],
    ) -> Result<Tensor, TchError> {
        let spec = *self.packed.spec();
        let tensor = plain(&batch.input)?;
        let steps = match &batch.lengths {
            None => batch.samples() * tensor.size()[1] as usize,
            Some(lengths) => lengths.iter().sum(),
        };
        let embedded = match (&mut self.embedding, &batch.tokens) {
            (Some(embedding), Some(tokens)) => {
                let all = all_slices(parameters)?;
                Some(embedding.forward(tokens, &|index| all[index]))
            }
            _ => None,
        };
        // All steps are read, or one of each sequence.
        let width = spec.width();
        let shape = match (spec.output, &batch.lengths) {
            (OutputMode::Sequence, None) => vec![batch.samples(), steps / batch.samples(), width],
            (OutputMode::Sequence, Some(_)) => vec![steps, width],
            _ => vec![batch.samples(), width],
        };
        let shape: Vec<i64> = shape.into_iter().map(|size| size as i64).collect();
        let mut output = Tensor::f_empty(&shape[..], (Kind::Float, Device::Cpu))?;
        #[expect(unsafe_code, reason = "the kernels read and write tensors where they lie")]
        // SAFETY: nothing changes the input meanwhile, and the output is new here and known to nobody else.
        let (values, into) = unsafe { (values(&tensor)?, values_mut(&mut output)?) };
        let dropout =
            Dropout { probability: self.dropout as f32, key: rng_key as u64, first_step: batch.first_step };
        let rows = match self.output_dropout > 0.0 {
            true => rows_of(batch, spec.output, steps),
            false => Vec::new(),
        };
        let drawn = Drawn { dropout, steps, rows };
        let dropped = match (self.input_dropout > 0.0, embedded) {
            (false, embedded) => embedded,
            (true, embedded) => {
                let mut values = embedded.unwrap_or_else(|| values.to_vec());
                drawn.input(self.input_dropout, &mut values);
                Some(values)
            }
        };
        let values = dropped.as_deref().unwrap_or(values);
        let input = match &batch.lengths {
            None => Input::new(values, batch.samples(), steps / batch.samples()),
            Some(lengths) => Input::ragged(values, lengths),
        };
        forward(&self.packed, &mut self.workspace, input, Some(dropout), into);
        if self.output_dropout > 0.0 {
            drawn.output(self.output_dropout, width, into);
        }
        self.drawn = Some(drawn);
        Ok(output)
    }

    /// The gradient of every parameter of the net, in their order, as one vector: of the recurrent ones, and
    /// of those that make vectors of tokens, from the gradient with respect to the output; of the others as
    /// given. `parameters` are those that are trained.
    pub(crate) fn backward(
        &mut self,
        d_output: &Tensor,
        others: &[Tensor],
        parameters: &[Tensor],
    ) -> Result<Tensor, TchError> {
        let total: usize = parameters.iter().map(Tensor::numel).sum();
        let mut flat = Tensor::f_empty([total as i64], (Kind::Float, Device::Cpu))?;
        let d_output = plain(d_output)?;
        let others = others.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        #[expect(unsafe_code, reason = "the kernels read and write tensors where they lie")]
        // SAFETY: nothing changes the gradients meanwhile, and the vector is new here and known to nobody
        // else.
        let (mut rest, mut d_output, others) = unsafe {
            let others = others.iter().map(|other| values(other)).collect::<Result<Vec<_>, _>>()?;
            (values_mut(&mut flat)?, values(&d_output)?, others)
        };
        let mut slices: Vec<Option<&mut [f32]>> = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let (slice, after) = rest.split_at_mut(parameter.numel());
            slices.push(Some(slice));
            rest = after;
        }
        let mut own: Vec<&mut [f32]> =
            self.indices.iter().filter_map(|&index| slices[index].take()).collect();
        let spec = *self.packed.spec();
        let dropped = self.drawn.as_ref().filter(|_| self.output_dropout > 0.0).map(|drawn| {
            let mut values = d_output.to_vec();
            drawn.output(self.output_dropout, spec.width(), &mut values);
            values
        });
        d_output = dropped.as_deref().unwrap_or(d_output);
        let steps = self.drawn.as_ref().map_or(0, |drawn| drawn.steps);
        let learns = self.embedding.as_ref().filter(|embedding| embedding.is_trained());
        let mut d_input = learns.map(|_| vec![0.0; steps * spec.features]);
        backward(&self.packed, &mut self.workspace, d_output, &mut own, d_input.as_deref_mut());
        if let (Some(embedding), Some(mut d_input)) = (&mut self.embedding, d_input) {
            if let Some(drawn) = self.drawn.as_ref().filter(|_| self.input_dropout > 0.0) {
                drawn.input(self.input_dropout, &mut d_input);
            }
            embedding.backward(&d_input, |index| slices.get_mut(index).and_then(Option::take));
        }
        for (slice, other) in slices.into_iter().flatten().zip(others) {
            slice.copy_from_slice(other);
        }
        Ok(flat)
    }

    /// Frees what the last pass kept. The next one takes it anew.
    pub(crate) fn release(&mut self) {
        self.workspace = Workspace::new(workers()).with_recompute(self.recompute);
        if let Some(embedding) = &mut self.embedding {
            embedding.release();
        }
    }

    /// Whether a parameter of the net is one of the recurrent layers, or of those that make vectors of
    /// tokens.
    pub(crate) fn owns(&self, index: usize) -> bool {
        let embeds = |embedding: &EmbeddingBackend| embedding.owns(index);
        self.indices.contains(&index) || self.embedding.as_ref().is_some_and(embeds)
    }
}

/// What dropout drew around the recurrent layers for a batch.
#[derive(Debug)]
struct Drawn {
    dropout: Dropout,
    /// Steps of all sequences.
    steps: usize,
    /// For each row of the output, how many steps come before its own; none where no output is dropped.
    rows: Vec<usize>,
}

impl Drawn {
    /// Of what is read, `[steps of all, features]`.
    fn input(&self, probability: f64, values: &mut [f32]) {
        let dropout = Dropout { probability: probability as f32, ..self.dropout };
        let positions: Vec<usize> = (0..self.steps).collect();
        dropout.apply(workers(), 0, values.len() / self.steps.max(1), &positions, values);
    }

    /// Of what is read of the top layer, rows of `width`.
    fn output(&self, probability: f64, width: usize, values: &mut [f32]) {
        let dropout = Dropout { probability: probability as f32, ..self.dropout };
        dropout.apply(workers(), 1, width, &self.rows, values);
    }
}

/// Where the rows that are read of the top layer are among the steps of a batch: all steps, or of each
/// sequence its first.
fn rows_of(batch: &Batch, output: OutputMode, steps: usize) -> Vec<usize> {
    match (output, &batch.lengths) {
        (OutputMode::Sequence, _) => (0..steps).collect(),
        (_, None) => (0..steps).step_by(steps / batch.samples().max(1)).collect(),
        (_, Some(lengths)) => lengths
            .iter()
            .scan(0, |begin, length| {
                let own = *begin;
                *begin += length;
                Some(own)
            })
            .collect(),
    }
}

/// The values of all parameters.
fn all_slices(parameters: &[Tensor]) -> Result<Vec<&[f32]>, TchError> {
    let all: Vec<usize> = (0..parameters.len()).collect();
    slices(parameters, &all)
}

/// The values of the parameters at `indices`.
fn slices<'a>(parameters: &'a [Tensor], indices: &[usize]) -> Result<Vec<&'a [f32]>, TchError> {
    #[expect(unsafe_code, reason = "the kernels read the parameters where they lie")]
    // SAFETY: nothing changes parameters before they are laid out in the kernels' own memory.
    let slices = indices.iter().map(|&index| unsafe { values(&parameters[index]) });
    slices.collect()
}

/// As `f32` in one piece.
fn plain(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_to_kind(Kind::Float)?.f_contiguous()
}
