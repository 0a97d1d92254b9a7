//! One recurrent layer as nodes, sequences being `[time, batch, features]` throughout.
//!
//! As in `birnn-model/src/layer.rs`, the two directions are one call where they are alike and wholly read,
//! and a call each otherwise. A reverse direction of its own is a forward one between two flips, and not a
//! node with `direction = "reverse"`: readers that look at the number of directions alone (tract 0.23) take
//! that for forward, and say nothing. What is flipped of padded series is each one's own steps.

use birnn_architecture::{Direction as Way, Weight};

use super::graph::{Graph, int, string, strings};
use super::sequences::Sequences;
use crate::{Architecture, Array, Cell, StateDict};

/// One recurrent layer: of both directions or one of them.
pub(super) struct Layer<'a> {
    cell: Cell,
    forward: Option<Direction<'a>>,
    reverse: Option<Direction<'a>>,
}

/// The weights of one direction, in PyTorch's order of gates.
struct Direction<'a> {
    /// Of the node, and the first part of all that belongs to it: `lstm_l0`, `lstm_l1_reverse`.
    name: String,
    hidden: usize,
    weight_ih: &'a Array,
    weight_hh: &'a Array,
    bias_ih: &'a Array,
    bias_hh: &'a Array,
}

/// What is read of a recurrent node.
#[derive(Clone, Copy)]
enum Read {
    /// Y: `[time, directions, batch, hidden]`.
    Outputs,
    /// Y_h: `[directions, batch, hidden]`.
    State,
}

impl<'a> Layer<'a> {
    /// `weights` must have been held against the architecture. What the names of its own begin with is
    /// `prefix`.
    pub fn new(prefix: &str, architecture: &Architecture, index: usize, weights: &'a StateDict) -> Layer<'a> {
        let cell = architecture.cell;
        let direction = |way, hidden| Direction::new(prefix, cell, index, way, hidden, weights);
        Layer {
            cell,
            forward: architecture.forward.map(|hidden| direction(Way::Forward, hidden)),
            reverse: architecture.reverse.map(|hidden| direction(Way::Reverse, hidden)),
        }
    }

    /// Every output: `[time, batch, features]` -> `[time, batch, forward + reverse]`.
    pub fn sequence(&self, graph: &mut Graph, input: &Sequences) -> Sequences {
        if let Some(both) = self.both() {
            let name = &both[0].name;
            let outputs = self.recurrent(graph, &both, input, Read::Outputs);
            let by_step = graph.transpose(&format!("{name}_transpose"), &outputs, &[0, 2, 1, 3]);
            let values = graph.reshape(&format!("{name}_reshape"), &by_step, &[0, 0, -1]);
            return Sequences { values, ..input.clone() };
        }
        let ahead = self.forward.as_ref().map(|forward| self.outputs(graph, forward, input).values);
        let back = self.reverse.as_ref().map(|reverse| {
            let flipped = input.mirrored(graph, &format!("{}_flip", reverse.name));
            let back = self.outputs(graph, reverse, &flipped);
            back.mirrored(graph, &format!("{}_flip_back", reverse.name)).values
        });
        Sequences { values: self.joined(graph, ahead, back, 2), ..input.clone() }
    }

    /// The outputs at each sequence's last time step: `[batch, forward + reverse]`. The reverse direction has
    /// then read that step alone.
    pub fn last(&self, graph: &mut Graph, input: &Sequences) -> String {
        let ahead = self.forward.as_ref().map(|forward| self.state(graph, forward, input));
        let back = self.reverse.as_ref().map(|reverse| {
            let last_steps = input.last_steps(graph);
            self.state(graph, reverse, &last_steps)
        });
        self.joined(graph, ahead, back, 1)
    }

    /// Each direction's state after its own last step: `[batch, forward + reverse]`.
    pub fn final_states(&self, graph: &mut Graph, input: &Sequences) -> String {
        if let Some(both) = self.both() {
            let name = &both[0].name;
            let states = self.recurrent(graph, &both, input, Read::State);
            let by_sample = graph.transpose(&format!("{name}_transpose"), &states, &[1, 0, 2]);
            return graph.reshape(&format!("{name}_reshape"), &by_sample, &[0, -1]);
        }
        let ahead = self.forward.as_ref().map(|forward| self.state(graph, forward, input));
        let back = self.reverse.as_ref().map(|reverse| {
            let flipped = input.mirrored(graph, &format!("{}_flip", reverse.name));
            self.state(graph, reverse, &flipped)
        });
        self.joined(graph, ahead, back, 1)
    }

    /// The two directions, where one node can be both: where they are of one size.
    fn both(&self) -> Option<[&Direction<'a>; 2]> {
        let both = [self.forward.as_ref()?, self.reverse.as_ref()?];
        (both[0].hidden == both[1].hidden).then_some(both)
    }

    /// What the directions give that there are, side by side.
    fn joined(&self, graph: &mut Graph, ahead: Option<String>, back: Option<String>, axis: i64) -> String {
        match (&self.forward, ahead, back) {
            (Some(forward), Some(ahead), Some(back)) => {
                graph.concat(&format!("{}_concat", forward.name), [&ahead, &back], axis)
            }
            (_, Some(one), None) | (_, None, Some(one)) => one,
            _ => unreachable!("`Architecture::check` refuses a net of no direction"),
        }
    }

    /// One direction's outputs: `[time, batch, hidden]`.
    fn outputs(&self, graph: &mut Graph, direction: &Direction, input: &Sequences) -> Sequences {
        let outputs = self.recurrent(graph, &[direction], input, Read::Outputs);
        let values = graph.squeeze(&format!("{}_squeeze", direction.name), &outputs, 1);
        Sequences { values, ..input.clone() }
    }

    /// One direction's state after the last step: `[batch, hidden]`.
    fn state(&self, graph: &mut Graph, direction: &Direction, input: &Sequences) -> String {
        let state = self.recurrent(graph, &[direction], input, Read::State);
        graph.squeeze(&format!("{}_squeeze", direction.name), &state, 0)
    }

    /// One node over one or two directions of the same size.
    fn recurrent(
        &self,
        graph: &mut Graph,
        directions: &[&Direction],
        input: &Sequences,
        read: Read,
    ) -> String {
        let Direction { name, hidden, weight_ih, .. } = directions[0];
        let (op, order) = operator(self.cell);
        let (count, rows) = (directions.len(), order.len() * hidden);

        let w = directions.iter().flat_map(|direction| reordered(direction.weight_ih, order));
        let w = graph.floats(&format!("{name}.W"), &[count, rows, weight_ih.shape()[1]], w);
        let r = directions.iter().flat_map(|direction| reordered(direction.weight_hh, order));
        let r = graph.floats(&format!("{name}.R"), &[count, rows, *hidden], r);
        let b = directions.iter().flat_map(|direction| {
            reordered(direction.bias_ih, order).chain(reordered(direction.bias_hh, order))
        });
        let b = graph.floats(&format!("{name}.B"), &[count, 2 * rows], b);

        let direction = if count == 2 { "bidirectional" } else { "forward" };
        let mut attributes = vec![int("hidden_size", *hidden as i64), string("direction", direction)];
        attributes.extend(match self.cell {
            Cell::Lstm => None,
            Cell::Gru => Some(int("linear_before_reset", 1)),
            Cell::RnnTanh => Some(strings("activations", &["Tanh"; 2][..count])),
            Cell::RnnRelu => Some(strings("activations", &["Relu"; 2][..count])),
        });
        let output = match read {
            Read::Outputs => format!("{name}.Y"),
            Read::State => format!("{name}.Y_h"),
        };
        let outputs: &[&str] = match read {
            Read::Outputs => &[&output],
            Read::State => &["", &output],
        };
        let mut inputs = vec![&*input.values, &w, &r, &b];
        inputs.extend(input.lengths.as_ref().map(|lengths| &*lengths.each));
        graph.node_into(op, name, &inputs, outputs, attributes);
        output
    }
}

impl<'a> Direction<'a> {
    fn new(
        prefix: &str,
        cell: Cell,
        index: usize,
        way: Way,
        hidden: usize,
        weights: &'a StateDict,
    ) -> Direction<'a> {
        let weight =
            |weight: Weight| &weights[&format!("{prefix}{}", cell.parameter_name(weight, index, way))];
        let suffix = if way == Way::Reverse { "_reverse" } else { "" };
        Direction {
            name: format!("{prefix}{}_l{index}{suffix}", cell.prefix()),
            hidden,
            weight_ih: weight(Weight::InputHidden),
            weight_hh: weight(Weight::HiddenHidden),
            bias_ih: weight(Weight::InputBias),
            bias_hh: weight(Weight::HiddenBias),
        }
    }
}

/// ONNX's name for the cell, and for each of its gates its index among PyTorch's: i, o, f, c of i, f, g, o
/// for the LSTM; z, r, h of r, z, n for the GRU.
fn operator(cell: Cell) -> (&'static str, &'static [usize]) {
    match cell {
        Cell::RnnTanh | Cell::RnnRelu => ("RNN", &[0]),
        Cell::Gru => ("GRU", &[1, 0, 2]),
        Cell::Lstm => ("LSTM", &[0, 3, 1, 2]),
    }
}

/// The values with the gates, stacked in the rows, in another order.
fn reordered<'v>(array: &'v Array, order: &'static [usize]) -> impl Iterator<Item = &'v f32> {
    let gate = array.values().len() / order.len();
    order.iter().flat_map(move |&index| &array.values()[index * gate..][..gate])
}
