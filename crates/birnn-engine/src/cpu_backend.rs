//! The recurrent layers by birnn's own kernels, on the CPU; head, readout and loss stay with libtorch.
//!
//! Readout, head and loss see the kernels' output as a tensor that requires a gradient, as if it were a
//! parameter. So every readout and task works with the kernels as it does with autograd.
//!
//! Dropout in the kernels is a function of the position of a value. On other devices libtorch's generator
//! draws, so a CPU and a GPU drop different values.

use birnn_architecture::Architecture;
use birnn_kernels::{Dropout, Input, OutputMode, Packed, Precision, Workspace, backward, forward};
use tch::{Device, Kind, TchError, Tensor};

use crate::device::workers;
use crate::memory::{values, values_mut};
use crate::samples::Batch;

/// The recurrent layers of a net, with the buffers of its last batch.
#[derive(Debug)]
pub(crate) struct CpuBackend {
    packed: Packed,
    workspace: Workspace,
    dropout: f64,
    /// Where each parameter of the recurrent layers is among those of the net.
    indices: Vec<usize>,
}

impl CpuBackend {
    /// For a net of this architecture with these parameters and their names.
    pub(crate) fn new(
        architecture: &Architecture,
        features: usize,
        names: &[String],
        parameters: &[Tensor],
    ) -> Result<CpuBackend, TchError> {
        let wanted = architecture.recurrent_parameters(features);
        // A net has the parameters of its architecture.
        let indices: Vec<usize> =
            wanted.iter().filter_map(|(wanted, _)| names.iter().position(|name| name == wanted)).collect();
        let spec = birnn_infer::spec(architecture, features);
        let packed = Packed::new(spec, workers().instructions(), &slices(parameters, &indices)?);
        Ok(CpuBackend {
            packed,
            workspace: Workspace::new(workers()),
            dropout: architecture.dropout,
            indices,
        })
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
        Ok(())
    }

    /// Takes in the parameters, as they are now.
    pub(crate) fn update(&mut self, parameters: &[Tensor]) -> Result<(), TchError> {
        self.packed.update(workers(), &slices(parameters, &self.indices)?);
        Ok(())
    }

    /// The sequences of a batch to what [`birnn_model::Network::logits`] takes, or `logits_ragged` where there are
    /// lengths, for [`CpuBackend::backward`] to come back from; `rng_key` decides what dropout zeroes.
    pub(crate) fn forward(&mut self, batch: &Batch, rng_key: i64) -> Result<Tensor, TchError> {
        let input = plain(&batch.input)?;
        let spec = self.packed.spec();
        let width = spec.width() as i64;
        let mut shape = input.size();
        // All steps are read, or one of each sequence.
        if spec.output != OutputMode::Sequence {
            shape = vec![batch.samples() as i64, width];
        } else if let Some(last) = shape.last_mut() {
            *last = width;
        }
        let mut output = Tensor::f_empty(&shape[..], (Kind::Float, Device::Cpu))?;
        #[expect(unsafe_code, reason = "the kernels read and write tensors where they lie")]
        // SAFETY: nothing changes the input meanwhile, and the output is new here and known to nobody else.
        let (values, into) = unsafe { (values(&input)?, values_mut(&mut output)?) };
        let input = match &batch.lengths {
            None => Input::new(values, batch.samples(), input.size()[1] as usize),
            Some(lengths) => Input::ragged(values, lengths),
        };
        let dropout =
            Dropout { probability: self.dropout as f32, key: rng_key as u64, first_step: batch.first_step };
        forward(&self.packed, &mut self.workspace, input, Some(dropout), into);
        Ok(output)
    }

    /// The gradient of every parameter of the net, in their order, as one vector: of the recurrent ones from
    /// the gradient with respect to the output, of the others as given.
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
        let (mut rest, d_output, others) = unsafe {
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
        backward(&self.packed, &mut self.workspace, d_output, &mut own, None);
        for (slice, other) in slices.into_iter().flatten().zip(others) {
            slice.copy_from_slice(other);
        }
        Ok(flat)
    }

    /// Frees what the last pass kept. The next one takes it anew.
    pub(crate) fn release(&mut self) {
        self.workspace = Workspace::new(workers());
    }

    /// Whether a parameter of the net is one of the recurrent layers.
    pub(crate) fn owns(&self, index: usize) -> bool {
        self.indices.contains(&index)
    }
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
