//! What a pass is given, and the states that it starts from and ends with.

use super::spec::Spec;

/// A batch for a stack of recurrent layers.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// `[batch, time, features]`.
    pub values: &'a [f32],
    /// Samples, at least one.
    pub batch: usize,
    /// Time steps, at least one.
    pub time: usize,
    /// The states before each direction's first step; zeros where there are none.
    pub initial: Option<&'a States>,
}

/// The states of all layers and directions: per layer, forward then reverse.
///
/// A sequence of one direction can be read in pieces: the states after one are those before the next. The
/// reverse direction begins at the last time step, so its state at the start is that after the end of the
/// sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// Outputs, `[batch, units]` each.
    pub h: Vec<Vec<f32>>,
    /// Cells of an LSTM, `[batch, units]` each; of other cells nothing.
    pub c: Vec<Vec<f32>>,
}

impl<'a> Input<'a> {
    /// `values [batch, time, features]`, from states of zeros.
    pub fn new(values: &'a [f32], batch: usize, time: usize) -> Input<'a> {
        Input { values, batch, time, initial: None }
    }
}

impl States {
    /// Zeros, from which a pass starts that is given none.
    pub fn zeros(spec: &Spec, batch: usize) -> States {
        let directions = |_| spec.directions().map(|units| vec![0.0; batch * units]);
        let h: Vec<Vec<f32>> = (0..spec.layers).flat_map(directions).collect();
        let c = if spec.cell.has_cell_state() { h.clone() } else { Vec::new() };
        States { h, c }
    }

    /// That they are of this shape.
    pub(super) fn check(&self, spec: &Spec, batch: usize) {
        let lengths = |values: &[Vec<f32>]| values.iter().map(Vec::len).collect::<Vec<_>>();
        let States { h, c } = States::zeros(spec, batch);
        let found = (lengths(&self.h), lengths(&self.c));
        assert_eq!(found, (lengths(&h), lengths(&c)), "the lengths of the initial states");
    }
}
