//! One direction of one recurrent layer, and the two of a layer side by side.
//!
//! Each direction is a call of its own where the two differ or where only part of one is read; where both
//! are alike and wholly read, one bidirectional call spares the flips.

use birnn_architecture::{Architecture, Cell, Direction as Way, Weight};
use tch::{Device, Kind, TchError, Tensor, nn};

use crate::sequences::Sequences;

/// The recurrent weights of one direction of one layer: gates stacked in PyTorch's order along the rows.
#[derive(Debug)]
pub(crate) struct Direction {
    /// `weight_ih [gates * hidden, features]`, `weight_hh [gates * hidden, hidden]`,
    /// `bias_ih [gates * hidden]`, `bias_hh [gates * hidden]`.
    pub(crate) weights: [Tensor; 4],
    pub(crate) hidden: i64,
}

/// One recurrent layer: of both directions or one of them.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) cell: Cell,
    pub(crate) forward: Option<Direction>,
    pub(crate) reverse: Option<Direction>,
}

/// What one pass over sequences leaves.
struct Pass<'a> {
    /// Of each step, in the order in which it was read: `[.., hidden]`.
    outputs: Sequences<'a>,
    /// `[batch, hidden]`: the state after the last step that the direction reads.
    state: Tensor,
}

impl Layer {
    pub(crate) fn new(
        path: &nn::Path,
        architecture: &Architecture,
        index: usize,
        features: usize,
    ) -> Result<Layer, TchError> {
        let mut layer = Layer { cell: architecture.cell, forward: None, reverse: None };
        for (way, hidden) in architecture.directions() {
            let direction = Direction::new(path, layer.cell, (index, way), features, hidden)?;
            match way {
                Way::Forward => layer.forward = Some(direction),
                Way::Reverse => layer.reverse = Some(direction),
            }
        }
        Ok(layer)
    }

    /// Lays the weights out for a GPU, one block for each call to come; `apart` is whether the directions are
    /// called for one by one, as by [`Layer::last`].
    pub(crate) fn lay_out(&self, apart: bool) -> Result<(), TchError> {
        if let Some(both) = self.both().filter(|_| !apart) {
            return lay_out(self.cell, &both);
        }
        let mut each = self.forward.iter().chain(&self.reverse);
        each.try_for_each(|direction| lay_out(self.cell, &[direction]))
    }

    /// The two directions, where one call of libtorch's can compute both: where they are of one size.
    fn both(&self) -> Option<[&Direction; 2]> {
        let both = [self.forward.as_ref()?, self.reverse.as_ref()?];
        (both[0].hidden == both[1].hidden).then_some(both)
    }

    /// What the directions give that there are, side by side: `[.., forward + reverse]`.
    fn joined(
        &self,
        ahead: impl FnOnce(&Direction) -> Result<Tensor, TchError>,
        back: impl FnOnce(&Direction) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        match (self.forward.as_ref().map(ahead), self.reverse.as_ref().map(back)) {
            (Some(ahead), Some(back)) => Tensor::f_cat(&[ahead?, back?], -1),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => unreachable!("`Architecture::check` refuses a net of no direction"),
        }
    }

    /// Every output: `[.., features]` -> `[.., forward + reverse]`.
    pub(crate) fn sequence<'a>(&self, input: &Sequences<'a>, train: bool) -> Result<Sequences<'a>, TchError> {
        if let Some(both) = self.both() {
            return Ok(run(self.cell, input, &both, train)?.0);
        }
        let values = self.joined(
            |forward| Ok(forward.pass(self.cell, input, train)?.outputs.values),
            |reverse| Ok(reverse.pass(self.cell, &input.mirrored()?, train)?.outputs.mirrored()?.values),
        )?;
        Ok(Sequences { values, ..*input })
    }

    /// The outputs at each sequence's last time step: `[batch, forward + reverse]`. The reverse direction has
    /// then read that step alone, so it takes one step instead of all.
    pub(crate) fn last(&self, input: &Sequences, train: bool) -> Result<Tensor, TchError> {
        self.joined(
            |forward| Ok(forward.pass(self.cell, input, train)?.state),
            |reverse| Ok(reverse.pass(self.cell, &input.last_steps()?, train)?.state),
        )
    }

    /// Each direction's state after its own last step: `[batch, forward + reverse]`.
    pub(crate) fn final_states(&self, input: &Sequences, train: bool) -> Result<Tensor, TchError> {
        if let Some(both) = self.both() {
            let states = run(self.cell, input, &both, train)?.1;
            return Tensor::f_cat(&[states.f_get(0)?, states.f_get(1)?], 1);
        }
        self.joined(
            |forward| Ok(forward.pass(self.cell, input, train)?.state),
            |reverse| Ok(reverse.pass(self.cell, &input.mirrored()?, train)?.state),
        )
    }
}

impl Direction {
    fn new(
        path: &nn::Path,
        cell: Cell,
        (layer, way): (usize, Way),
        features: usize,
        hidden: usize,
    ) -> Result<Direction, TchError> {
        let rows = (cell.gates() * hidden) as i64;
        let (features, hidden) = (features as i64, hidden as i64);
        let bound = 1.0 / (hidden as f64).sqrt();
        let draw = |weight: Weight, shape: &[i64]| uniform(path, &weight.name(layer, way), shape, bound);
        // PyTorch's order of drawing: the same seed gives the same weights.
        let weights = [
            draw(Weight::InputHidden, &[rows, features])?,
            draw(Weight::HiddenHidden, &[rows, hidden])?,
            draw(Weight::InputBias, &[rows])?,
            draw(Weight::HiddenBias, &[rows])?,
        ];
        Ok(Direction { weights, hidden })
    }

    fn pass<'a>(&self, cell: Cell, input: &Sequences<'a>, train: bool) -> Result<Pass<'a>, TchError> {
        let (outputs, states) = run(cell, input, &[self], train)?;
        Ok(Pass { outputs, state: states.f_get(0)? })
    }
}

/// A parameter drawn from U(-bound, bound), on the CPU so that every device starts from the same values.
pub(crate) fn uniform(path: &nn::Path, name: &str, shape: &[i64], bound: f64) -> Result<Tensor, TchError> {
    let values = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?.f_uniform_(-bound, bound)?;
    path.f_var_copy(name, &values)
}

/// On a GPU puts the weights of one call of [`run`] into one block, as cuDNN reads them: with every call it
/// would else copy them into one.
fn lay_out(cell: Cell, directions: &[&Direction]) -> Result<(), TchError> {
    let weights = weights(directions);
    if !weights[0].device().is_cuda() || !tch::Cuda::cudnn_is_available() {
        return Ok(());
    }
    // cudnnRNNMode_t.
    let mode = match cell {
        Cell::RnnRelu => 0,
        Cell::RnnTanh => 1,
        Cell::Lstm => 2,
        Cell::Gru => 3,
    };
    let (features, hidden) = (weights[0].size()[1], directions[0].hidden);
    let of_each = directions[0].weights.len() as i64;
    let _guard = tch::no_grad_guard();
    // The tensors themselves become views of the block.
    let two = directions.len() == 2;
    let _ = Tensor::f_internal_cudnn_rnn_flatten_weight(
        &weights, of_each, features, mode, hidden, 0, 1, true, two,
    )?;
    Ok(())
}

fn weights<'a>(directions: &[&'a Direction]) -> Vec<&'a Tensor> {
    directions.iter().flat_map(|direction| &direction.weights).collect()
}

/// One libtorch call over one or two directions of the same size: the outputs `[.., directions * hidden]` and
/// the final states `[directions, batch, hidden]`.
fn run<'a>(
    cell: Cell,
    input: &Sequences<'a>,
    directions: &[&Direction],
    train: bool,
) -> Result<(Sequences<'a>, Tensor), TchError> {
    let weights = weights(directions);
    let values = &input.values;
    let shape = [directions.len() as i64, input.batch(), directions[0].hidden];
    let zero = Tensor::f_zeros(shape, (values.kind(), values.device()))?;
    let two = directions.len() == 2;
    let (outputs, states) = match input.packing {
        None => match cell {
            Cell::RnnTanh => values.f_rnn_tanh(&zero, &weights, true, 1, 0.0, train, two, true),
            Cell::RnnRelu => values.f_rnn_relu(&zero, &weights, true, 1, 0.0, train, two, true),
            Cell::Gru => values.f_gru(&zero, &weights, true, 1, 0.0, train, two, true),
            Cell::Lstm => values
                .f_lstm(&[&zero, &zero], &weights, true, 1, 0.0, train, two, true)
                .map(|(outputs, states, _)| (outputs, states)),
        },
        Some(packing) => {
            let sizes = &packing.batch_sizes;
            match cell {
                Cell::RnnTanh => {
                    Tensor::f_rnn_tanh_data(values, sizes, &zero, &weights, true, 1, 0.0, train, two)
                }
                Cell::RnnRelu => {
                    Tensor::f_rnn_relu_data(values, sizes, &zero, &weights, true, 1, 0.0, train, two)
                }
                Cell::Gru => Tensor::f_gru_data(values, sizes, &zero, &weights, true, 1, 0.0, train, two),
                Cell::Lstm => {
                    Tensor::f_lstm_data(values, sizes, &[&zero, &zero], &weights, true, 1, 0.0, train, two)
                        .map(|(outputs, states, _)| (outputs, states))
                }
            }
        }
    }?;
    Ok((Sequences { values: outputs, ..*input }, states))
}
