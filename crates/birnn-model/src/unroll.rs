//! The net step by step, so that the state at each time step can be looked at and differentiated by.
//!
//! [`Network::forward`] hands whole sequences to libtorch, which keeps the states in between to itself. Here
//! each step is a call of its own: slower, and the same logits up to rounding.

use birnn_architecture::{Cell, Readout};
use tch::{Kind, TchError, Tensor};

use crate::error::ModelError;
use crate::layer::{Direction, Layer};
use crate::network::Network;

/// What a pass over a batch leaves, step by step. All of it is one graph, so that [`Tensor::run_backward`]
/// gives the gradient of whatever is made of the logits by any of the states.
#[derive(Debug)]
pub struct Unrolled {
    /// As [`Network::forward`] gives them without dropout.
    pub logits: Tensor,
    /// The states of each layer, from the bottom.
    pub layers: Vec<States>,
}

/// The hidden states of one layer. `forward[t]` and `reverse[t]` are what the directions hold once they have
/// read the input's time step `t`, which is the forward direction's `t + 1`-th step and the reverse
/// direction's `time - t`-th.
#[derive(Debug)]
pub struct States {
    /// `[batch, hidden]` for each time step of the input; `None` where the net reads in reverse alone.
    pub forward: Option<Vec<Tensor>>,
    /// `[batch, hidden]` for each time step of the input; `None` where the net reads forward alone.
    pub reverse: Option<Vec<Tensor>>,
}

impl Network {
    /// As [`Network::forward`] without dropout, one step at a time: `[batch, time, features]`.
    ///
    /// All states are computed, those that the readout does not look at among them: the gradient with
    /// respect to these is undefined.
    pub fn unrolled(&self, input: &Tensor) -> Result<Unrolled, ModelError> {
        self.check(input)?;
        let mut steps = input.f_unbind(1)?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let states = States::of(layer, &steps)?;
            steps = states.outputs()?;
            layers.push(states);
        }
        let (first, last) = (0, steps.len() - 1);
        let ends = |states: &States, reverse_at: usize| states.joined(last, reverse_at);
        let top = &layers[layers.len() - 1];
        let read = match self.architecture().readout {
            Readout::Last => ends(top, last)?,
            Readout::Final => ends(top, first)?,
            readout => {
                debug_assert!(readout.needs_sequence());
                Tensor::f_stack(&steps, 1)?
            }
        };
        Ok(Unrolled { logits: self.logits(&read)?, layers })
    }
}

impl States {
    fn of(layer: &Layer, steps: &[Tensor]) -> Result<States, TchError> {
        let forward = layer.forward.as_ref().map(|forward| forward.states(layer.cell, steps.iter()));
        let reverse = layer.reverse.as_ref().map(|reverse| reverse.states(layer.cell, steps.iter().rev()));
        let mut reverse = reverse.transpose()?;
        reverse.iter_mut().for_each(|states| states.reverse());
        Ok(States { forward: forward.transpose()?, reverse })
    }

    /// What the layer above sees: `[batch, forward + reverse]` for each time step.
    fn outputs(&self) -> Result<Vec<Tensor>, TchError> {
        let steps = self.forward.iter().chain(&self.reverse).next().map_or(0, Vec::len);
        (0..steps).map(|time| self.joined(time, time)).collect()
    }

    /// The states of the directions at a time step each, side by side.
    fn joined(&self, forward_at: usize, reverse_at: usize) -> Result<Tensor, TchError> {
        let ahead = self.forward.iter().map(|states| &states[forward_at]);
        let states: Vec<&Tensor> =
            ahead.chain(self.reverse.iter().map(|states| &states[reverse_at])).collect();
        Tensor::f_cat(&states, 1)
    }
}

impl Direction {
    /// The state after each of `steps`, in the order in which they are read.
    fn states<'a>(
        &self,
        cell: Cell,
        steps: impl Iterator<Item = &'a Tensor>,
    ) -> Result<Vec<Tensor>, TchError> {
        let [w_ih, w_hh, b_ih, b_hh] = &self.weights;
        let (b_ih, b_hh) = (Some(b_ih), Some(b_hh));
        let mut states: Vec<Tensor> = Vec::new();
        // The LSTM's cell state, which nothing outside the cell sees.
        let mut memory: Option<Tensor> = None;
        for step in steps {
            let zero = || Tensor::f_zeros([step.size()[0], self.hidden], (Kind::Float, step.device()));
            let before = match states.last() {
                Some(state) => state.shallow_clone(),
                None => zero()?,
            };
            let after = match cell {
                Cell::RnnTanh => step.f_rnn_tanh_cell(&before, w_ih, w_hh, b_ih, b_hh)?,
                Cell::RnnRelu => step.f_rnn_relu_cell(&before, w_ih, w_hh, b_ih, b_hh)?,
                Cell::Gru => step.f_gru_cell(&before, w_ih, w_hh, b_ih, b_hh)?,
                Cell::Lstm => {
                    let held = match memory.take() {
                        Some(held) => held,
                        None => zero()?,
                    };
                    let (state, held) = step.f_lstm_cell(&[&before, &held], w_ih, w_hh, b_ih, b_hh)?;
                    memory = Some(held);
                    state
                }
            };
            states.push(after);
        }
        Ok(states)
    }
}
