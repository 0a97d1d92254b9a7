//! Which points are measured, all around the tutorial's.

use birnn_model::{CellKind, Readout};
use birnn_report::chart::Scale;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::point::{Lengths, Point, TUTORIAL};

/// One question to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sweep {
    /// LSTM, GRU and RNN at the tutorial's point; always measured.
    Cells,
    /// Images per step.
    Batch,
    /// Time steps.
    Time,
    /// Time steps over which gradients vanish.
    Vanishing,
    /// Sequences of unequal lengths.
    Lengths,
    /// Hidden units.
    Hidden,
    /// Layers.
    Layers,
    /// One direction and two, by length and batch, forward alone and as a training step.
    Directions,
    /// Threads.
    Threads,
    /// Test images.
    Evaluation,
    /// Where birnn's time goes.
    Parts,
    /// How exact products are.
    Precision,
    /// With a core taken by another process.
    Busy,
    /// Peak memory.
    Memory,
    /// Peak memory and time of long sequences, with segments recomputed and without.
    Recompute,
}

/// One pixel at a time.
pub const PIXELS: Point = Point { time: 784, features: 1, ..TUTORIAL };
/// Nets of long sequences: pixel by pixel, and of 10,000 steps, with one layer and two.
pub const LONG: [Point; 3] = [PIXELS, Point { layers: 1, ..VERY_LONG }, VERY_LONG];
const VERY_LONG: Point = Point { batch: 16, time: 10_000, readout: Readout::Final, ..PIXELS };
/// What spoken digits are like: 64 of 6 to 92 steps of 13 coefficients.
const SPOKEN: Point = Point {
    batch: 64,
    time: 92,
    features: 13,
    hidden: 100,
    layers: 1,
    lengths: Lengths::From(6),
    readout: Readout::Final,
    ..TUTORIAL
};
/// Batches and lengths at which directions are counted.
const DIRECTIONS: [(usize, usize); 5] = [(1, 28), (10, 28), (100, 28), (100, 112), (100, 448)];
/// Steps of 63 sequences, beside which one becomes longer.
const BESIDE: usize = 20;

impl Sweep {
    /// Its points, where it is a row of points that one process can measure.
    pub fn points(self) -> Vec<Point> {
        match self {
            Sweep::Cells => each([CellKind::Lstm, CellKind::Gru, CellKind::Rnn], |point, cell| {
                point.cell = cell;
            }),
            Sweep::Batch => {
                let sizes = [1, 2, 4, 8, 16, 32, 64, 100, 256, 1000, 4096];
                each(sizes, |point, batch| point.batch = batch)
            }
            Sweep::Time => {
                let mut points = each([28, 56, 112, 224, 448, 784], |point, time| point.time = time);
                points.push(PIXELS);
                points
            }
            // The readout sees the last step, and each step before it has a smaller gradient than the next.
            Sweep::Vanishing => {
                let long = [224, 784].map(|time| Point { time, frozen: true, ..TUTORIAL });
                [TUTORIAL].into_iter().chain(long).collect()
            }
            Sweep::Lengths => {
                let vowels = Point { batch: 32, time: 29, features: 12, lengths: Lengths::From(7), ..SPOKEN };
                let words =
                    Point { time: 78, features: 150, hidden: 200, lengths: Lengths::From(1), ..vowels };
                let mut points = vec![vowels, SPOKEN, Point { cell: CellKind::Gru, ..SPOKEN }, words];
                let lengths = Lengths::AllButOne(BESIDE);
                points.extend([1, 2, 4, 8, 16].map(|times| Point {
                    time: times * BESIDE,
                    lengths,
                    ..SPOKEN
                }));
                points
            }
            Sweep::Hidden => each([32, 64, 128, 256, 512, 1024], |point, hidden| point.hidden = hidden),
            Sweep::Layers => each([1, 2, 3, 4], |point, layers| point.layers = layers),
            // Both read by their final states, so that neither direction is spared a step.
            Sweep::Directions => DIRECTIONS
                .into_iter()
                .flat_map(|(batch, time)| {
                    [false, true].map(|bidirectional| Point {
                        batch,
                        time,
                        bidirectional,
                        readout: Readout::Final,
                        ..TUTORIAL
                    })
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What its points differ in, and the scale of both axes of a plot of them; for those that are plotted.
    pub fn axis(self) -> Option<(&'static str, Scale)> {
        match self {
            Sweep::Batch => Some(("images per step", Scale::Logarithmic)),
            Sweep::Time => Some(("time steps per image", Scale::Logarithmic)),
            Sweep::Lengths => Some(("steps of one sequence beside 63 of 20", Scale::Logarithmic)),
            Sweep::Hidden => Some(("hidden units per direction", Scale::Logarithmic)),
            Sweep::Layers => Some(("layers", Scale::Linear)),
            Sweep::Threads => Some(("threads", Scale::Linear)),
            _ => None,
        }
    }

    /// The value of one of its points on that axis; `None` of one that differs in more than that.
    pub fn x(self, point: &Point) -> Option<usize> {
        match self {
            Sweep::Batch => Some(point.batch),
            Sweep::Time if *point == PIXELS => None,
            Sweep::Time => Some(point.time),
            Sweep::Lengths => matches!(point.lengths, Lengths::AllButOne(_)).then_some(point.time),
            Sweep::Hidden => Some(point.hidden),
            Sweep::Layers => Some(point.layers),
            _ => None,
        }
    }

    /// As in its option.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Every point of these sweeps once.
pub fn points(sweeps: &[Sweep]) -> Vec<Point> {
    let mut points = Vec::new();
    for point in sweeps.iter().flat_map(|sweep| sweep.points()) {
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// Every number of threads up to eight, then in doubles, and all cores.
pub fn threads(cores: usize) -> Vec<usize> {
    let doubles = (4..).map(|power| 1 << power).take_while(|&count| count < cores);
    let mut counts: Vec<usize> = (1..=cores.min(8)).chain(doubles).collect();
    if cores > 8 {
        counts.push(cores);
    }
    counts
}

fn each<T, const N: usize>(values: [T; N], set: impl Fn(&mut Point, T)) -> Vec<Point> {
    let point = |value| {
        let mut point = TUTORIAL;
        set(&mut point, value);
        point
    };
    values.into_iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_several_sweeps_is_measured_once() {
        assert_eq!(points(&[Sweep::Cells, Sweep::Layers]).len(), 3 + 4 - 1);
        let elsewhere = [Sweep::Lengths, Sweep::Directions];
        for sweep in Sweep::value_variants() {
            let points = sweep.points();
            assert!(
                points.is_empty() || points.contains(&TUTORIAL) || elsewhere.contains(sweep),
                "{sweep:?}"
            );
        }
    }

    #[test]
    fn half_of_a_padded_batch_is_padding_or_almost_all() {
        for point in Sweep::Lengths.points() {
            let each = point.each_length();
            assert_eq!((each.len(), each.iter().max()), (point.batch, Some(&point.time)), "{point}");
            match point.lengths {
                Lengths::From(shortest) => {
                    assert!(each.iter().all(|&length| length >= shortest), "{point}");
                    let real = point.steps() as f64 / (point.batch * point.time) as f64;
                    assert!((0.45..0.55).contains(&real), "{point}: {real}");
                }
                lengths => {
                    assert_eq!(lengths, Lengths::AllButOne(20), "as the axis says");
                    assert_eq!(point.steps(), 63 * 20 + point.time, "{point}");
                }
            }
        }
    }

    #[test]
    fn many_cores_are_not_all_counted() {
        assert_eq!(threads(2), [1, 2]);
        assert_eq!(threads(9), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(threads(48)[8..], [16, 32, 48]);
    }
}
