//! What a stack is and what is wanted of it.

use crate::dropout::Draw;
use crate::simd::LANES;

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Elman network with tanh.
    RnnTanh,
    /// Elman network with relu.
    RnnRelu,
    /// Gated recurrent unit, PyTorch's variant (reset gate after the recurrent product).
    Gru,
    /// Long short-term memory.
    Lstm,
}

/// What is read of the top layer. Only that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The outputs at the last time step: `[batch, forward + reverse]`.
    Last,
    /// Each direction's output after its own last step: `[batch, forward + reverse]`.
    Final,
    /// All outputs: `[batch, time, forward + reverse]`.
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
    /// Units of the forward direction.
    pub forward: usize,
    /// Units of the reverse direction, if there is one.
    pub reverse: Option<usize>,
    /// What is read of the top layer.
    pub read: Read,
}

/// Zeroes values between layers. What it draws is a function of `key`, the layer, the sample, the time step and the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of zeroing a value, in `[0, 1)`.
    pub probability: f32,
    /// Decides which.
    pub key: u64,
}

impl Cell {
    /// How many gates stand stacked in the rows of a weight.
    pub fn gates(self) -> usize {
        match self {
            Cell::RnnTanh | Cell::RnnRelu => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }
}

impl Spec {
    /// Values per time step, or per sample, of what is read.
    pub fn width(&self) -> usize {
        self.forward + self.reverse.unwrap_or(0)
    }

    /// The hidden units of each direction of a layer.
    pub(crate) fn directions(&self) -> impl Iterator<Item = usize> + use<> {
        [Some(self.forward), self.reverse].into_iter().flatten()
    }

    /// Which values of the output of `layer` dropout keeps, for one sample of a batch at one of `time` steps:
    /// `[forward + reverse]`.
    pub fn kept(&self, dropout: Dropout, layer: usize, time: usize, sample: usize, step: usize) -> Vec<bool> {
        let output = self.output();
        let draw = Draw::new(dropout, layer, time, output.padded);
        let first = draw.place(sample, step);
        let units = output.parts.iter().flat_map(|&(length, place)| place..place + length);
        units.map(|unit| draw.keeps(first.wrapping_add(unit as u32))).collect()
    }

    /// How the values of a layer's input lie: the parts of a row, each padded on its own.
    pub(crate) fn input(&self, layer: usize) -> Parts {
        if layer == 0 { Parts::new([self.features]) } else { self.output() }
    }

    /// How the values of a layer's output lie.
    pub(crate) fn output(&self) -> Parts {
        Parts::new(self.directions())
    }

    /// The lengths of all parameters, in the order of [`crate::Stack::load`].
    pub fn parameters(&self) -> Vec<usize> {
        let gates = self.cell.gates();
        (0..self.layers)
            .flat_map(|layer| {
                let features = self.input(layer).len;
                self.directions().flat_map(move |hidden| {
                    let rows = gates * hidden;
                    [rows * features, rows * hidden, rows, rows]
                })
            })
            .collect()
    }
}

/// A row that is made of parts, each padded to a multiple of [`LANES`].
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Each part's length and where it lies in the padded row.
    pub(crate) parts: Vec<(usize, usize)>,
    /// Without padding.
    pub(crate) len: usize,
    /// With it.
    pub(crate) padded: usize,
}

impl Parts {
    pub(crate) fn new(lengths: impl IntoIterator<Item = usize>) -> Parts {
        let (mut parts, mut len, mut padded) = (Vec::new(), 0, 0);
        for length in lengths {
            parts.push((length, padded));
            len += length;
            padded += length.next_multiple_of(LANES);
        }
        Parts { parts, len, padded }
    }

    /// Copies a row into its padded place.
    pub(crate) fn spread(&self, row: &[f32], padded: &mut [f32]) {
        let mut from = 0;
        for &(length, place) in &self.parts {
            padded[place..place + length].copy_from_slice(&row[from..from + length]);
            from += length;
        }
    }

    /// Copies a padded row to where it has no padding.
    pub(crate) fn gather(&self, padded: &[f32], row: &mut [f32]) {
        let mut to = 0;
        for &(length, place) in &self.parts {
            row[to..to + length].copy_from_slice(&padded[place..place + length]);
            to += length;
        }
    }
}
