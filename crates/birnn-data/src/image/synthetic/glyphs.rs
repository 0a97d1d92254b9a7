//! The shapes of handwritten digits, as strokes of a pen.
//!
//! They were designed by hand. The ranges of their measures were chosen by comparing contact sheets with
//! MNIST's training images.

mod five_to_nine;
mod zero_to_four;

use crate::rng::Rng;

/// A point of the writing plane: x to the right and y down, a digit being about 1 high.
pub(super) type Point = [f64; 2];

/// The points that one stroke runs through smoothly. A point given twice in a row is a corner.
pub(super) type Stroke = Vec<Point>;

/// Strokes of `digit` (0 to 9) as some hand may write it: upright, without any tremor.
pub(super) fn strokes(digit: u8, rng: &mut Rng) -> Vec<Stroke> {
    let mut hand = Hand { rng };
    match digit {
        0 => hand.zero(),
        1 => hand.one(),
        2 => hand.two(),
        3 => hand.three(),
        4 => hand.four(),
        5 => hand.five(),
        6 => hand.six(),
        7 => hand.seven(),
        8 => hand.eight(),
        _ => hand.nine(),
    }
}

/// Chooses among the ways to write a digit.
struct Hand<'a> {
    rng: &'a mut Rng,
}

impl Hand<'_> {
    fn pick(&mut self, low: f64, high: f64) -> f64 {
        self.rng.uniform(low, high)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.uniform(0.0, 1.0) < probability
    }
}
