//! The recurrent layers by birnn's own kernels, on the CPU; head, readout and loss stay with libtorch.

use birnn_kernels::{Cell, Dropout, Read, Spec, Stack};
use birnn_model::{Architecture, Readout};
use tch::{Kind, TchError, Tensor};

use crate::device::instructions;
use crate::learner::Learner;

/// The recurrent layers of a net, with the buffers of its last batch.
#[derive(Debug)]
pub(crate) struct Fused {
    stack: Stack,
    dropout: f64,
    /// Where each parameter of the stack is among those of the net.
    places: Vec<usize>,
    /// The values of the parameters, of the input, and of what is read.
    parameters: Vec<Vec<f32>>,
    input: Vec<f32>,
    read: Vec<f32>,
    d_read: Vec<f32>,
    /// By parameter of the stack.
    gradients: Vec<Vec<f32>>,
}

impl Fused {
    /// For a net of this architecture whose parameters have these names; `threads` share the work.
    pub(crate) fn new(
        architecture: &Architecture,
        features: usize,
        names: &[String],
        threads: usize,
    ) -> Fused {
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
        let empty = vec![Vec::new(); places.len()];
        Fused {
            stack: Stack::new(spec, threads, instructions()),
            dropout,
            places,
            parameters: empty.clone(),
            input: Vec::new(),
            read: Vec::new(),
            d_read: Vec::new(),
            gradients: empty,
        }
    }

    /// Takes in the parameters, as they are now.
    pub(crate) fn load(&mut self, parameters: &[Tensor]) -> Result<(), TchError> {
        for (values, &place) in self.parameters.iter_mut().zip(&self.places) {
            fetch(&parameters[place], values)?;
        }
        self.stack.load(&self.parameters.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Ok(())
    }

    /// `input [batch, time, features]` to what [`birnn_model::Network::logits`] takes. `draws` decides what dropout zeroes,
    /// in training.
    pub(crate) fn forward(&mut self, input: &Tensor, draws: Option<i64>) -> Result<Tensor, TchError> {
        fetch(input, &mut self.input)?;
        let (batch, time) = (input.size()[0], input.size()[1]);
        let spec = self.stack.spec();
        let width = spec.width() as i64;
        let shape = if spec.read == Read::Sequence { vec![batch, time, width] } else { vec![batch, width] };
        self.read.resize(shape.iter().product::<i64>() as usize, 0.0);
        let dropout = draws.map(|key| Dropout { probability: self.dropout as f32, key: key as u64 });
        self.stack.forward(&self.input, batch as usize, time as usize, dropout, &mut self.read);
        Tensor::f_from_slice(&self.read)?.f_view(&shape[..])
    }

    /// The gradient of every parameter of the net, in their order, as one vector: of the recurrent ones from the gradient
    /// by what was read, of the others as given.
    pub(crate) fn backward(
        &mut self,
        d_read: &Tensor,
        others: &[Tensor],
        learner: &Learner,
    ) -> Result<Tensor, TchError> {
        fetch(d_read, &mut self.d_read)?;
        self.stack.backward(&self.d_read, &mut self.gradients);
        let mut flat = Vec::with_capacity(learner.parameters().iter().map(Tensor::numel).sum());
        let (mut others, mut values) = (others.iter(), Vec::new());
        for place in 0..learner.parameters().len() {
            match self.places.iter().position(|&own| own == place) {
                Some(own) => flat.extend_from_slice(&self.gradients[own]),
                None => {
                    if let Some(other) = others.next() {
                        fetch(other, &mut values)?;
                        flat.extend_from_slice(&values);
                    }
                }
            }
        }
        Tensor::f_from_slice(&flat)
    }

    /// Whether a parameter of the net is one of the stack.
    pub(crate) fn owns(&self, place: usize) -> bool {
        self.places.contains(&place)
    }
}

/// The values of an `f32` tensor.
fn fetch(tensor: &Tensor, values: &mut Vec<f32>) -> Result<(), TchError> {
    let tensor = tensor.f_detach()?.f_to_kind(Kind::Float)?.f_contiguous()?;
    values.resize(tensor.numel(), 0.0);
    tensor.f_copy_data(values, tensor.numel())
}
