//! What is measured: a net and the shape of a batch, and how much arithmetic a training step of it needs.

use std::fmt;

use anyhow::{Context, Result};
use birnn_data::Rng;
use birnn_model::{Architecture, CellKind, Hidden, ModelConfig, Readout};
use serde::{Deserialize, Serialize};

/// A net and the batch that it learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The recurrent cell.
    pub cell: CellKind,
    /// Images per step, or sequences.
    pub batch: usize,
    /// Time steps of each, or of the longest.
    pub time: usize,
    /// Features per time step.
    pub features: usize,
    /// Hidden units per direction.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// Whether it stays as it begins, with a learning rate of 0: its gradients vanish over many time steps,
    /// as those of a net that has learned to remember need not.
    #[serde(default)]
    pub frozen: bool,
    /// How long the others are.
    #[serde(default)]
    pub lengths: Lengths,
    /// Whether a second direction reads the sequence from its end.
    #[serde(default = "yes")]
    pub bidirectional: bool,
    /// By what it is read: its output at the last time step, or the final state of each direction.
    pub readout: Readout,
}

fn yes() -> bool {
    true
}

/// How long the sequences of a batch are, of which the longest has `time` steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lengths {
    /// All as long.
    #[default]
    Equal,
    /// Drawn from between so many, less than half of `time`, and `time`: half of `time` on average.
    From(usize),
    /// All others have so many.
    AllButOne(usize),
}

/// The tutorial's: a two-layer LSTM reads 100 digits row by row.
pub const TUTORIAL: Point = Point {
    cell: CellKind::Lstm,
    batch: 100,
    time: 28,
    features: 28,
    hidden: 128,
    layers: 2,
    frozen: false,
    lengths: Lengths::Equal,
    bidirectional: true,
    readout: Readout::Last,
};

/// Classes of the head.
pub const CLASSES: usize = 10;
/// What lengths are drawn by.
const SEED: u64 = 0;
/// The learning rate of a net that is not frozen.
const RATE: f64 = 0.003;

impl Point {
    /// The net.
    pub fn architecture(&self) -> Result<Architecture> {
        let Point { cell, hidden, layers, bidirectional, readout, .. } = *self;
        let hidden = Hidden::Same(hidden);
        let config = ModelConfig { cell, bidirectional, layers, hidden, readout, ..ModelConfig::default() };
        config.resolve().with_context(|| format!("{self} is no net"))
    }

    /// Gates of the cell: rows of its weights, in hidden sizes.
    pub fn gates(&self) -> usize {
        match self.cell {
            CellKind::Rnn => 1,
            CellKind::Gru => 3,
            CellKind::Lstm => 4,
        }
    }

    /// How many directions read the sequence.
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// The learning rate.
    pub fn rate(&self) -> f64 {
        if self.frozen { 0.0 } else { RATE }
    }

    /// The time steps of each sequence, the same each time.
    pub fn each_length(&self) -> Vec<usize> {
        let Point { batch, time, lengths, .. } = *self;
        match lengths {
            Lengths::Equal => vec![time; batch],
            Lengths::AllButOne(others) => [time].into_iter().chain(vec![others; batch - 1]).collect(),
            Lengths::From(shortest) => {
                let more = (time - shortest) as f64;
                // The mean of u^p is 1 / (p + 1), where all u from 0 to 1 are equally likely.
                let power = more / (time as f64 / 2.0 - shortest as f64) - 1.0;
                let mut rng = Rng::new(SEED, 0);
                let drawn = (1..batch)
                    .map(|_| shortest + (more * rng.uniform(0.0, 1.0).powf(power)).round() as usize);
                [time].into_iter().chain(drawn).collect()
            }
        }
    }

    /// Time steps of all sequences.
    pub fn steps(&self) -> usize {
        self.each_length().iter().sum()
    }

    /// Floating-point operations that a training step of the whole batch needs, an addition and a
    /// multiplication as two.
    ///
    /// With `G` gates, `H` hidden units and `I` inputs, a direction of a layer takes for each image and time
    /// step
    ///
    /// - `2 G H (I + H)` forward,
    /// - `2 G H (I + H)` for the gradients of its weights,
    /// - `2 G H H` for the gradient of the state before, and
    /// - `2 G H I` for that of its input, except in the first layer, whose input is the image.
    ///
    /// Only what is read counts: of a net read at the last time step the top layer's reverse direction has
    /// taken one step, and padding is never read. The head, the gates' functions and Adam are left out;
    /// together they are less than a hundredth at the tutorial's point.
    pub fn flop(&self) -> f64 {
        let [gates, hidden, steps] = [self.gates(), self.hidden, self.steps()].map(|n| n as f64);
        (0..self.layers)
            .map(|layer| {
                let outputs = self.directions() as f64 * hidden;
                let inputs = if layer == 0 { self.features as f64 } else { outputs };
                let weights = 2.0 * gates * hidden * (inputs + hidden);
                let state = 2.0 * gates * hidden * hidden;
                let input = if layer == 0 { 0.0 } else { 2.0 * gates * hidden * inputs };
                let reverse = match self.readout {
                    _ if !self.bidirectional => 0.0,
                    Readout::Last if layer + 1 == self.layers => self.batch as f64,
                    _ => steps,
                };
                (steps + reverse) * (2.0 * weights + state + input)
            })
            .sum()
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Point { cell, batch, time, features, hidden, layers, frozen, lengths, bidirectional, readout } =
            self;
        let cell = format!("{cell:?}").to_uppercase();
        let time = match lengths {
            Lengths::Equal => time.to_string(),
            Lengths::From(shortest) => format!("{shortest}-{time}"),
            Lengths::AllButOne(others) => format!("{others} (one {time})"),
        };
        let reverse = if *bidirectional { format!("+{hidden}") } else { String::new() };
        write!(f, "{cell} {layers} x {hidden}{reverse}, {batch} x {time} x {features}")?;
        // Of unequal lengths it goes without saying.
        if (*readout, *lengths) == (Readout::Final, Lengths::Equal) {
            f.write_str(", final states")?;
        }
        if *frozen { f.write_str(", frozen") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorials_step_needs_5_9_gflop() {
        assert!((TUTORIAL.flop() / 100.0 / 59e6 - 1.0).abs() < 0.01, "{}", TUTORIAL.flop());
        assert!((TUTORIAL.flop() / 5.9e9 - 1.0).abs() < 0.01);
    }

    /// Two inputs, three units, four steps, one layer: weights 2*3*(2+3) = 30 forward and again backward,
    /// state 2*3*3 = 18; four steps of one direction and one of the other.
    #[test]
    fn a_small_one_worked_by_hand() {
        let point =
            Point { cell: CellKind::Rnn, batch: 7, time: 4, features: 2, hidden: 3, layers: 1, ..TUTORIAL };
        assert_eq!(point.flop(), 7.0 * 5.0 * (30.0 + 30.0 + 18.0));
        // A second layer has six inputs; the first one is then read at every step in both directions.
        let lower = 8.0 * 78.0;
        let upper = 5.0 * (54.0 + 54.0 + 18.0 + 36.0);
        assert_eq!(Point { layers: 2, ..point }.flop(), 7.0 * (lower + upper));
        // Both directions to their ends: 4 steps of one sequence and 1 of six others.
        let unequal = Point { lengths: Lengths::AllButOne(1), readout: Readout::Final, ..point };
        assert_eq!(unequal.flop(), 2.0 * 10.0 * 78.0);
        let one_way = Point { bidirectional: false, layers: 2, ..point };
        assert_eq!(one_way.flop(), 7.0 * 4.0 * (78.0 + (36.0 + 36.0 + 18.0 + 18.0)));
    }

    #[test]
    fn a_point_says_its_net_and_shape() {
        assert_eq!(TUTORIAL.to_string(), "LSTM 2 x 128+128, 100 x 28 x 28");
        let frozen = Point { frozen: true, ..TUTORIAL };
        assert_eq!(frozen.to_string(), "LSTM 2 x 128+128, 100 x 28 x 28, frozen");
        let unequal = |lengths| Point { lengths, ..TUTORIAL }.to_string();
        assert_eq!(unequal(Lengths::From(7)), "LSTM 2 x 128+128, 100 x 7-28 x 28");
        assert_eq!(unequal(Lengths::AllButOne(7)), "LSTM 2 x 128+128, 100 x 7 (one 28) x 28");
        let one_way = Point { bidirectional: false, ..TUTORIAL };
        assert_eq!(one_way.to_string(), "LSTM 2 x 128, 100 x 28 x 28");
        let by_states = Point { readout: Readout::Final, ..TUTORIAL };
        assert_eq!(by_states.to_string(), "LSTM 2 x 128+128, 100 x 28 x 28, final states");
    }
}
