//! An average that follows values, in one pass over both.

use crate::isa::{Job, Simd};
use crate::workers::{PIECE, Workers};

/// `average += weight (values - average)`, for a weight in `[0, 1]`: the larger share is what is added to, so
/// that a weight of 1 gives the values themselves, as in PyTorch's `lerp`.
///
/// # Panics
///
/// Where the lengths differ.
pub fn move_average(workers: &Workers, averages: &mut [&mut [f32]], values: &[&[f32]], weight: f32) {
    assert_eq!(averages.len(), values.len(), "the number of vectors");
    let mut jobs = Vec::new();
    for (average, values) in averages.iter_mut().zip(values) {
        assert_eq!(average.len(), values.len(), "the lengths of vectors");
        let pieces = average.chunks_mut(PIECE).zip(values.chunks(PIECE));
        jobs.extend(pieces.map(|(average, values)| Follow { average, values, weight }));
    }
    workers.share(workers.instructions(), jobs);
}

struct Follow<'a> {
    average: &'a mut [f32],
    values: &'a [f32],
    weight: f32,
}

impl Job for Follow<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Follow { average, values, weight } = self;
        let near = weight < 0.5;
        for (average, &value) in average.iter_mut().zip(values) {
            let difference = value - *average;
            *average = match near {
                true => S::mul_add(weight, difference, *average),
                false => S::mul_add(weight - 1.0, difference, value),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Instructions;

    #[test]
    fn it_is_between_what_it_was_and_the_values() {
        for instructions in Instructions::all() {
            let workers = Workers::new(2, instructions);
            for (length, weight) in [(1, 0.25), (16, 0.25), (50, 0.75), (40_000, 0.001), (40_000, 1.0)] {
                let of = |seed: usize| -> Vec<f32> {
                    (0..length).map(|index| ((index * 37 + seed) % 19) as f32 - 9.0).collect()
                };
                let (mut average, values) = (of(1), of(7));
                let (head, tail) = average.split_at_mut(length / 3);
                let (value_head, value_tail) = values.split_at(length / 3);
                move_average(&workers, &mut [head, tail], &[value_head, value_tail], weight);
                for ((found, before), value) in average.iter().zip(of(1)).zip(&values) {
                    let expected = before + weight * (value - before);
                    assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
                    assert!(weight < 1.0 || found == value);
                }
            }
        }
    }
}
