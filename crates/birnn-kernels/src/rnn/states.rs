//! What a pass is given, and the states that it starts from and ends with.

use super::lengths::Lengths;
use super::spec::Spec;

/// A batch for a stack of recurrent layers: sequences of any lengths, with no padding between them.
///
/// What a sequence gives does not depend on the others: alone, in any batch and in any order it gives the
/// same bits, but for dropout, which draws by where a step is in the batch.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// All steps of the first sequence, then those of the next: `[steps of all, features]`. Of sequences of
    /// one length that is `[batch, time, features]`.
    pub values: &'a [f32],
    /// How many steps each sequence has.
    pub lengths: Lengths<'a>,
    /// The states before each direction's first step; zeros where there are none.
    pub initial: Option<&'a States>,
}

/// The states of all layers and directions: per layer, forward then reverse.
///
/// A stack that reads forward alone can read in pieces: the states after one are those before the next. The
/// reverse direction begins at the last time step, so its state at the start is that after the end of the
/// sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// Outputs, `[batch, units]` each.
    pub h: Vec<Vec<f32>>,
    /// Cells of an LSTM, `[batch, units]` each; of other cells nothing.
    pub c: Vec<Vec<f32>>,
}

/// The gradient with respect to the states of one direction of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct StateGradient {
    /// Whether the direction takes each sequence's last step alone: the top layer's reverse one with
    /// [`OutputMode::Last`](crate::OutputMode::Last).
    pub last_only: bool,
    /// With respect to the output `h` after each step that it takes, `[steps of all, units]`, or `[batch,
    /// units]` where that is the last alone: by way of all that was made of it, which is what was wanted of
    /// the top layer, the layers above, and the steps that were taken after it.
    pub values: Vec<f32>,
}

impl<'a> Input<'a> {
    /// `values [batch, time, features]`, from states of zeros.
    pub fn new(values: &'a [f32], batch: usize, time: usize) -> Input<'a> {
        Input { values, lengths: Lengths::Equal { batch, time }, initial: None }
    }

    /// Sequences of these lengths, `values [steps of all, features]`, from states of zeros.
    pub fn ragged(values: &'a [f32], lengths: &'a [usize]) -> Input<'a> {
        Input { values, lengths: Lengths::Each(lengths), initial: None }
    }

    /// That this is a batch of such a stack.
    pub(super) fn check(&self, spec: &Spec) {
        let Input { values, lengths, initial } = *self;
        assert!(lengths.batch() > 0, "a batch of no sequence: one is the least");
        if let Some(empty) = lengths.each().position(|length| length == 0) {
            panic!("sequence {empty} of the batch has no time step: one is the least");
        }
        let (steps, features) = (lengths.steps(), spec.features);
        assert_eq!(values.len(), steps * features, "values of the input, not {steps} steps of {features}");
        if let Some(initial) = initial {
            initial.check(spec, lengths.batch());
        }
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
    fn check(&self, spec: &Spec, batch: usize) {
        let lengths = |values: &[Vec<f32>]| values.iter().map(Vec::len).collect::<Vec<_>>();
        let States { h, c } = States::zeros(spec, batch);
        let found = (lengths(&self.h), lengths(&self.c));
        assert_eq!(found, (lengths(&h), lengths(&c)), "the lengths of the initial states");
    }
}
