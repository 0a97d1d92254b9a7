//! The whole net: stacked recurrent layers, a readout, a linear head.

use birnn_architecture::{ATTENTION, Architecture, CRF, HEAD, Head, Inputs, Readout, crf_parameters};
use tch::{Kind, TchError, Tensor, nn};

use crate::embedding::{Embedding, Tokens};
use crate::error::ModelError;
use crate::layer::{Layer, uniform};
use crate::sequences::{Packing, Sequences, padded, places};

/// Stacked recurrent layers, a readout and a linear head: `[batch, time, features]` -> `[batch, outputs]`, or
/// `[batch, time, outputs]` where the readout is [`Readout::Sequence`].
///
/// Parameters live in the `VarStore` that it was built on, under PyTorch's names and in PyTorch's shapes and
/// gate order: `lstm.weight_ih_l0`, `lstm.weight_hh_l1_reverse`, ..., `fc.weight`, `fc.bias`; for the
/// attention readout also `attention.weight`, `attention.bias` and `attention.context`; for a conditional
/// random field those of pytorch-crf, `crf.transitions`, `crf.start_transitions`, `crf.end_transitions`; of a
/// net that reads [`Tokens`] those of its [`Embedding`](birnn_architecture::Embedding), `embedding.weight`,
/// `char_embedding.weight` and `char_lstm.weight_ih_l0`, ....
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    features: i64,
    embedding: Option<Embedding>,
    pub(crate) layers: Vec<Layer>,
    pooling: Pooling,
    head: Linear,
}

#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

/// The readout with the parameters it needs.
#[derive(Debug)]
enum Pooling {
    Last,
    Final,
    Mean,
    Max,
    Attention(Attention),
    Sequence,
}

/// Yang et al. 2016, eq. 5 to 7: `u_t = tanh(W h_t + b)`, `a = softmax_t(u_t . context)`, `sum_t a_t h_t`.
#[derive(Debug)]
struct Attention {
    projection: Linear,
    context: Tensor,
}

impl Network {
    /// Builds a net for these inputs, such as so many values per time step, and `outputs` values per sequence
    /// (or per time step).
    ///
    /// Weights are drawn as PyTorch draws them, U(-1/sqrt(hidden), 1/sqrt(hidden)) for the recurrent ones and
    /// U(-1/sqrt(inputs), 1/sqrt(inputs)) for the linear ones, from libtorch's generator: after
    /// `tch::manual_seed(s)` they are, bit for bit, what PyTorch has after `torch.manual_seed(s)`, on any
    /// device. Vectors of words and characters are drawn first, from U(-sqrt(3/width), sqrt(3/width)) as in
    /// Ma and Hovy 2016, section 3.1; transitions last, from U(-0.1, 0.1) as pytorch-crf does.
    pub fn new(
        path: &nn::Path,
        architecture: &Architecture,
        inputs: impl Into<Inputs>,
        outputs: usize,
    ) -> Result<Network, ModelError> {
        architecture.check()?;
        let inputs = inputs.into();
        let features = architecture.features(inputs);
        let embedding = Embedding::new(path, architecture, inputs)?;
        let width = architecture.output_features();
        let recurrent = path / architecture.cell.prefix();
        let layers = (0..architecture.layers)
            .map(|index| {
                let inputs = if index == 0 { features } else { width };
                Layer::new(&recurrent, architecture, index, inputs)
            })
            .collect::<Result<Vec<_>, _>>()?;
        for (index, layer) in layers.iter().enumerate() {
            layer.lay_out(index + 1 == layers.len() && architecture.readout == Readout::Last)?;
        }
        let pooling = match architecture.readout {
            Readout::Last => Pooling::Last,
            Readout::Final => Pooling::Final,
            Readout::Mean => Pooling::Mean,
            Readout::Max => Pooling::Max,
            Readout::Attention => Pooling::Attention(Attention::new(&(path / ATTENTION), width)?),
            Readout::Sequence => Pooling::Sequence,
        };
        let head = Linear::new(&(path / HEAD), width, outputs)?;
        if architecture.head == Head::Crf {
            // In pytorch-crf's order.
            for (name, shape) in crf_parameters(outputs) {
                let shape: Vec<i64> = shape.into_iter().map(|size| size as i64).collect();
                let _ = uniform(&(path / CRF), name, &shape, 0.1)?;
            }
        }
        let (architecture, features) = (*architecture, features as i64);
        Ok(Network { architecture, features, embedding, layers, pooling, head })
    }

    /// What the net was built from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The logits of a batch: `[batch, time, features]` -> `[batch, outputs]`, or `[batch, time, outputs]`
    /// for [`Readout::Sequence`].
    ///
    /// `train` turns dropout on, and lets cuDNN keep what its backward pass needs; the draws come from
    /// libtorch's generator, so `tch::manual_seed` before the call makes them a function of that seed. Only
    /// what is read is computed: with [`Readout::Last`] the top layer's reverse direction takes one step.
    pub fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, ModelError> {
        self.check(input)?;
        let input = Sequences { values: input.shallow_clone(), packing: None };
        let top = self.top(&input, train)?;
        self.logits(&top)
    }

    /// As [`Network::forward`], of sequences of these `lengths` that lie one after the other with no padding:
    /// `[steps of all, features]` -> `[batch, outputs]`, or `[steps of all, outputs]` for
    /// [`Readout::Sequence`]. Each gives what it gives alone, up to rounding and without dropout: `last` is
    /// its own last step, `final` each direction's own end, and no mean, maximum or attention sees another's
    /// steps.
    pub fn forward_ragged(
        &self,
        values: &Tensor,
        lengths: &[usize],
        train: bool,
    ) -> Result<Tensor, ModelError> {
        check_ragged(values, lengths, self.features, true)?;
        let packing = Packing::new(lengths, values.device())?;
        let top = self.top(&packing.pack(values)?, train)?;
        let top = if self.architecture.readout.needs_sequence() {
            packing.unpack(&top)?
        } else {
            packing.unsort(&top)?
        };
        self.logits_ragged(&top, lengths)
    }

    /// What the recurrent layers read of `tokens`: `[steps of all, features]`, for
    /// [`Network::forward_ragged`].
    ///
    /// # Errors
    ///
    /// Where the net reads no tokens, or reads characters and `tokens` has none.
    pub fn embed(&self, tokens: &Tokens<'_>, train: bool) -> Result<Tensor, ModelError> {
        self.embedding.as_ref().ok_or(ModelError::NoEmbedding)?.apply(tokens, train)
    }

    /// The logits, from what is read of the top layer: `[batch, forward + reverse]` for [`Readout::Last`] and
    /// [`Readout::Final`], which read one state of each direction; else all its outputs `[batch, time,
    /// forward + reverse]`. With it, recurrent layers computed by other means can stand in for the net's own.
    pub fn logits(&self, top: &Tensor) -> Result<Tensor, ModelError> {
        let read = match &self.pooling {
            Pooling::Last | Pooling::Final | Pooling::Sequence => top.shallow_clone(),
            Pooling::Mean => top.f_mean_dim(&[1_i64][..], false, None::<Kind>)?,
            Pooling::Max => top.f_amax([1], false)?,
            Pooling::Attention(attention) => attention.apply(top)?,
        };
        Ok(self.head.apply(&read)?)
    }

    /// As [`Network::logits`], of sequences of these lengths: where all outputs are read, these are `[steps
    /// of all, forward + reverse]`, one sequence after the other.
    pub fn logits_ragged(&self, top: &Tensor, lengths: &[usize]) -> Result<Tensor, ModelError> {
        let width = self.architecture.output_features() as i64;
        check_ragged(top, lengths, width, self.architecture.readout.needs_sequence())?;
        let read = match &self.pooling {
            Pooling::Last | Pooling::Final | Pooling::Sequence => top.shallow_clone(),
            Pooling::Mean => {
                let places = places(lengths, top.device())?;
                let counts: Vec<f32> = lengths.iter().map(|&length| length as f32).collect();
                let counts = Tensor::f_from_slice(&counts)?.f_to_device(top.device())?.f_unsqueeze(1)?;
                let sums = padded(top, lengths, &places, 0.0)?.f_sum_dim_intlist(
                    &[1_i64][..],
                    false,
                    None::<Kind>,
                )?;
                sums.f_div(&counts)?
            }
            Pooling::Max => {
                let places = places(lengths, top.device())?;
                padded(top, lengths, &places, f64::NEG_INFINITY)?.f_amax([1], false)?
            }
            Pooling::Attention(attention) => attention.apply_ragged(top, lengths)?,
        };
        Ok(self.head.apply(&read)?)
    }

    /// Whether `input` is of the shape that the net reads.
    pub(crate) fn check(&self, input: &Tensor) -> Result<(), ModelError> {
        match input.size()[..] {
            [_, time, features] if time > 0 && features == self.features => Ok(()),
            _ => Err(ModelError::InputShape { features: self.features, found: input.size() }),
        }
    }

    /// The recurrent layers: what is read of the top one.
    fn top(&self, input: &Sequences, train: bool) -> Result<Tensor, TchError> {
        let Architecture { dropout, input_dropout, output_dropout, .. } = self.architecture;
        let dropped = |values: Tensor, dropout: f64| match train && dropout > 0.0 {
            true => values.f_dropout(dropout, true),
            false => Ok(values),
        };
        let values = dropped(input.values.shallow_clone(), input_dropout)?;
        let mut sequence = Sequences { values, ..*input };
        let (below, top) = self.layers.split_at(self.layers.len() - 1);
        for layer in below {
            sequence = layer.sequence(&sequence, train)?;
            sequence.values = dropped(sequence.values, dropout)?;
        }
        let top = &top[0];
        let read = match &self.pooling {
            Pooling::Last => top.last(&sequence, train)?,
            Pooling::Final => top.final_states(&sequence, train)?,
            Pooling::Mean | Pooling::Max | Pooling::Attention(_) | Pooling::Sequence => {
                top.sequence(&sequence, train)?.values
            }
        };
        dropped(read, output_dropout)
    }
}

/// So that the net composes with tch's own modules. Panics where [`Network::forward`] would return an error.
impl nn::ModuleT for Network {
    fn forward_t(&self, input: &Tensor, train: bool) -> Tensor {
        self.forward(input, train).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Linear {
    fn new(path: &nn::Path, inputs: usize, outputs: usize) -> Result<Linear, TchError> {
        let (inputs, outputs) = (inputs as i64, outputs as i64);
        let bound = 1.0 / (inputs as f64).sqrt();
        Ok(Linear {
            weight: uniform(path, "weight", &[outputs, inputs], bound)?,
            bias: uniform(path, "bias", &[outputs], bound)?,
        })
    }

    fn apply(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))
    }
}

impl Attention {
    fn new(path: &nn::Path, width: usize) -> Result<Attention, TchError> {
        let projection = Linear::new(path, width, width)?;
        let bound = 1.0 / (width as f64).sqrt();
        Ok(Attention { projection, context: uniform(path, "context", &[width as i64], bound)? })
    }

    /// `[batch, time, width]` -> `[batch, width]`.
    fn apply(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        weighted(&self.scores(outputs)?, outputs)
    }

    /// `[steps of all, width]` -> `[batch, width]`.
    fn apply_ragged(&self, outputs: &Tensor, lengths: &[usize]) -> Result<Tensor, TchError> {
        // A weight of zero is all that padding gets.
        let places = places(lengths, outputs.device())?;
        let scores = self.scores(outputs)?.f_unsqueeze(1)?;
        let scores = padded(&scores, lengths, &places, f64::NEG_INFINITY)?.f_squeeze_dim(2)?;
        weighted(&scores, &padded(outputs, lengths, &places, 0.0)?)
    }

    /// `[.., width]` -> `[..]`.
    fn scores(&self, outputs: &Tensor) -> Result<Tensor, TchError> {
        self.projection.apply(outputs)?.f_tanh()?.f_matmul(&self.context)
    }
}

/// `scores [batch, time]` and `outputs [batch, time, width]` -> `[batch, width]`.
fn weighted(scores: &Tensor, outputs: &Tensor) -> Result<Tensor, TchError> {
    let weights = scores.f_softmax(1, None::<Kind>)?;
    weights.f_unsqueeze(1)?.f_bmm(outputs)?.f_squeeze_dim(1)
}

/// Whether `values` are `[steps of all, width]`, or `[batch, width]`, of sequences of these lengths.
pub(crate) fn check_ragged(
    values: &Tensor,
    lengths: &[usize],
    width: i64,
    every_step: bool,
) -> Result<(), ModelError> {
    if lengths.is_empty() {
        return Err(ModelError::NoSequence);
    }
    if let Some(index) = lengths.iter().position(|&length| length == 0) {
        return Err(ModelError::EmptySequence { index });
    }
    let steps = lengths.iter().fold(0, |steps: usize, &length| steps.saturating_add(length));
    let rows = if every_step { steps } else { lengths.len() } as i64;
    if values.size() != [rows, width] {
        return Err(ModelError::RaggedShape { rows, width, found: values.size() });
    }
    Ok(())
}
