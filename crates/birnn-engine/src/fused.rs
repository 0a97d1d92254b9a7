//! The recurrent layers by birnn's own kernels, on the CPU; head, readout and loss stay with libtorch.
//!
//! Readout, head and loss see the kernels' output as a tensor that requires a gradient, as if it were a
//! parameter. So every readout and task works with the kernels as it does with autograd.
//!
//! Dropout in the kernels is a function of the position of a value. On other devices libtorch's generator
//! draws, so a CPU and a GPU drop different values.

use birnn_kernels::{Cell, Dropout, Read, Spec, Stack};
use birnn_model::{Architecture, Readout};
use tch::{Device, Kind, TchError, Tensor};

use crate::device::workers;
use crate::memory::{values, values_mut};

/// The recurrent layers of a net, with the buffers of its last batch.
#[derive(Debug)]
pub(crate) struct Fused {
    stack: Stack,
    dropout: f64,
    /// Where each parameter of the stack is among those of the net.
    places: Vec<usize>,
}

impl Fused {
    /// For a net of this architecture whose parameters have these names.
    pub(crate) fn new(architecture: &Architecture, features: usize, names: &[String]) -> Fused {
        let Architecture { cell, layers, forward, reverse, dropout, readout } = *architecture;
        let spec = Spec {
            cell: match cell {
                birnn_model::Cell::RnnTanh => Cell::RnnTanh,
                birnn_model::Cell::RnnRelu => Cell::RnnRelu,
                birnn_model::Cell::Gru => Cell::Gru,
                birnn_model::Cell::Lstm => Cell::Lstm,
            },
            features,
            layers,
            forward,
            reverse,
            read: match readout {
                Readout::Last => Read::Last,
                Readout::Final => Read::Final,
                Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => Read::Sequence,
            },
        };
        let directions = if reverse.is_some() { &["", "_reverse"][..] } else { &[""] };
        let names_of = |layer: usize, direction: &str| {
            ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
                .map(|name| format!("{}.{name}_l{layer}{direction}", cell.prefix()))
        };
        let wanted = (0..layers)
            .flat_map(|layer| directions.iter().flat_map(move |direction| names_of(layer, direction)));
        // A net has the parameters of its architecture.
        let places: Vec<usize> =
            wanted.filter_map(|wanted| names.iter().position(|name| *name == wanted)).collect();
        Fused { stack: Stack::new(spec, workers()), dropout, places }
    }

    /// Takes in the parameters, as they are now.
    pub(crate) fn load(&mut self, parameters: &[Tensor]) -> Result<(), TchError> {
        #[expect(unsafe_code, reason = "the kernels read the parameters where they lie")]
        // SAFETY: nothing changes parameters before they are laid out in the stack's own memory.
        let own = self.places.iter().map(|&place| unsafe { values(&parameters[place]) });
        self.stack.load(&own.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// `input [batch, time, features]` to what [`birnn_model::Network::logits`] takes; in training, where
    /// there are `draws` that decide what dropout zeroes, for [`Fused::backward`] to come back from.
    pub(crate) fn forward(&mut self, input: &Tensor, draws: Option<i64>) -> Result<Tensor, TchError> {
        let input = plain(input)?;
        let (batch, time) = (input.size()[0], input.size()[1]);
        let spec = self.stack.spec();
        let width = spec.width() as i64;
        let shape = if spec.read == Read::Sequence { vec![batch, time, width] } else { vec![batch, width] };
        let mut read = Tensor::f_empty(&shape[..], (Kind::Float, Device::Cpu))?;
        let (batch, time) = (batch as usize, time as usize);
        #[expect(unsafe_code, reason = "the kernels read and write tensors where they lie")]
        // SAFETY: nothing changes the input meanwhile, and what is read is new here and known to nobody else.
        let (input, out) = unsafe { (values(&input)?, values_mut(&mut read)?) };
        match draws {
            Some(key) => {
                let dropout = Dropout { probability: self.dropout as f32, key: key as u64 };
                self.stack.forward(input, batch, time, Some(dropout), out);
            }
            None => self.stack.infer(input, batch, time, out),
        }
        Ok(read)
    }

    /// The gradient of every parameter of the net, in their order, as one vector: of the recurrent ones from
    /// the gradient by what was read, of the others as given.
    pub(crate) fn backward(
        &mut self,
        d_read: &Tensor,
        others: &[Tensor],
        parameters: &[Tensor],
    ) -> Result<Tensor, TchError> {
        let total: usize = parameters.iter().map(Tensor::numel).sum();
        let mut flat = Tensor::f_empty([total as i64], (Kind::Float, Device::Cpu))?;
        let d_read = plain(d_read)?;
        let others = others.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        #[expect(unsafe_code, reason = "the kernels read and write tensors where they lie")]
        // SAFETY: nothing changes the gradients meanwhile, and the vector is new here and known to nobody
        // else.
        let (mut rest, d_read, others) = unsafe {
            let others = others.iter().map(|other| values(other)).collect::<Result<Vec<_>, _>>()?;
            (values_mut(&mut flat)?, values(&d_read)?, others)
        };
        let mut slices: Vec<Option<&mut [f32]>> = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let (slice, after) = rest.split_at_mut(parameter.numel());
            slices.push(Some(slice));
            rest = after;
        }
        let mut own: Vec<&mut [f32]> = self.places.iter().filter_map(|&place| slices[place].take()).collect();
        self.stack.backward(d_read, &mut own);
        for (slice, other) in slices.into_iter().flatten().zip(others) {
            slice.copy_from_slice(other);
        }
        Ok(flat)
    }

    /// Whether a parameter of the net is one of the stack.
    pub(crate) fn owns(&self, place: usize) -> bool {
        self.places.contains(&place)
    }
}

/// As `f32` in one piece.
fn plain(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_to_kind(Kind::Float)?.f_contiguous()
}
