//! What a stack of recurrent layers is, and what is wanted of it.

use birnn_architecture::Cell;

use super::lengths::Lengths;
use super::padded::PaddedRow;
use super::steps::Way;
use crate::dropout::{Draw, Dropout};

/// Which outputs of the top layer are wanted. Only what they need is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// Those at each sequence's last time step: `[batch, forward + reverse]`.
    Last,
    /// Each direction's own after its last step: `[batch, forward + reverse]`.
    Final,
    /// All: `[steps of all sequences, forward + reverse]`.
    Sequence,
}

/// A stack of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The recurrent cell.
    pub cell: Cell,
    /// Values per time step of the input.
    pub features: usize,
    /// Stacked layers.
    pub layers: usize,
    /// Units of the forward direction, if there is one.
    pub forward: Option<usize>,
    /// Units of the reverse direction, if there is one.
    pub reverse: Option<usize>,
    /// Which outputs of the top layer are wanted.
    pub output: OutputMode,
}

impl Spec {
    /// Whether of each sample one row of a layer's output is wanted, and not those of all steps.
    pub(super) fn is_pooled(&self, layer: usize) -> bool {
        layer + 1 == self.layers && !self.every_step()
    }

    /// Values of an output, per sample and, with [`OutputMode::Sequence`], time step: `forward + reverse`.
    pub fn width(&self) -> usize {
        self.directions().sum()
    }

    /// The lengths of all parameters: per layer, forward then reverse, `weight_ih [gates * units, inputs]`,
    /// `weight_hh [gates * units, units]`, `bias_ih [gates * units]`, `bias_hh [gates * units]`.
    pub fn parameters(&self) -> Vec<usize> {
        let gates = self.cell.gates();
        (0..self.layers)
            .flat_map(|layer| {
                let inputs = self.input_row(layer).len;
                self.directions().flat_map(move |units| {
                    let rows = gates * units;
                    [rows * inputs, rows * units, rows, rows]
                })
            })
            .collect()
    }

    /// Which values of the output of `layer` dropout keeps at one time step: `[forward + reverse]`.
    /// `position` is how many steps of the batch come before that one: `sample * time + step` where all
    /// sequences have `time` steps.
    pub fn kept(&self, dropout: Dropout, layer: usize, position: usize) -> Vec<bool> {
        let row = self.output_row();
        let draw = Draw::new(dropout, layer, row.padded);
        let first = draw.offset(position);
        let units = row.parts.iter().flat_map(|&(length, offset)| offset..offset + length);
        units.map(|unit| draw.keeps(first.wrapping_add(unit as u32))).collect()
    }

    /// The hidden units of each direction of a layer.
    pub(crate) fn directions(&self) -> impl Iterator<Item = usize> + use<> {
        [self.forward, self.reverse].into_iter().flatten()
    }

    /// How a direction of a layer, counted among those that there are, goes through the steps.
    pub(crate) fn way(&self, layer: usize, direction: usize) -> Way {
        match direction {
            0 if self.forward.is_some() => Way::Forward,
            _ if layer + 1 == self.layers && self.output == OutputMode::Last => Way::ReverseOnce,
            _ => Way::Reverse,
        }
    }

    /// How the values of a layer's input lie at a time step.
    pub(crate) fn input_row(&self, layer: usize) -> PaddedRow {
        if layer == 0 { PaddedRow::new([self.features]) } else { self.output_row() }
    }

    /// How the values of a layer's output lie at a time step.
    pub(crate) fn output_row(&self) -> PaddedRow {
        PaddedRow::new(self.directions())
    }

    /// Values of the output.
    pub(crate) fn output_len(&self, lengths: Lengths) -> usize {
        self.width() * if self.every_step() { lengths.steps() } else { lengths.batch() }
    }

    /// Whether the outputs of all steps are wanted.
    pub(crate) fn every_step(&self) -> bool {
        self.output == OutputMode::Sequence
    }
}
