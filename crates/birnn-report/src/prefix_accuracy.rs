//! How a prediction forms while the net reads: the probability of the true class given the first steps alone,
//! and the last steps alone.

use birnn_data::{Sequences, Split, Values};
use birnn_infer::{Predictor, Task, cpu};

use crate::predictions::{Prediction, evenly_spaced};

/// The probability of the true class given parts of sequences.
#[derive(Debug)]
pub struct PrefixAccuracy {
    /// The numbers of steps that the net was given of the longest sequence, from the fewest to all; of a shorter one
    /// the same share, rounded up.
    pub rows: Vec<usize>,
    /// The indices of the images in their split.
    pub images: Vec<usize>,
    /// `above[n][image]`: the probability of the true class given the first `rows[n]` rows.
    pub above: Vec<Vec<f64>>,
    /// As `above`, given the last rows.
    pub below: Vec<Vec<f64>>,
}

/// An image whose prediction is followed row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// Its index in the split.
    pub image: usize,
    /// Why it is shown.
    pub why: &'static str,
}

/// With more images, the means change little.
const IMAGES: usize = 500;
/// At most so many numbers of rows are tried on many images; each costs as much as reading them.
const STOPS: usize = 16;
/// At most so many are tried on examples.
const EXAMPLE_STOPS: usize = 64;

impl PrefixAccuracy {
    /// Gives the net parts of images from all over `split`.
    pub fn of_many(predictor: &Predictor, split: &Split) -> PrefixAccuracy {
        PrefixAccuracy::of(predictor, split, evenly_spaced(split, IMAGES), STOPS)
    }

    /// Gives the net parts of these images, row by row.
    pub fn of_examples(predictor: &Predictor, split: &Split, examples: &[Example]) -> PrefixAccuracy {
        let images = examples.iter().map(|example| example.image).collect();
        PrefixAccuracy::of(predictor, split, images, EXAMPLE_STOPS)
    }

    fn of(predictor: &Predictor, split: &Split, images: Vec<usize>, most: usize) -> PrefixAccuracy {
        let split = split.select(&images);
        let longest = split.sequences.lengths().max().unwrap_or(0);
        let rows = stops(longest, most);
        let side = |side: Side| {
            rows.iter().map(|&rows| p_true(predictor, &part(&split, rows, longest, side))).collect()
        };
        let (above, below) = (side(Side::First), side(Side::Last));
        PrefixAccuracy { rows, images, above, below }
    }
}

/// Images worth a look: the most and the least confident correct prediction, the most confident mistake, and,
/// among the images of `prefixes`, the correct prediction that came latest.
pub fn examples(prefixes: &PrefixAccuracy, predictions: &[Prediction]) -> Vec<Example> {
    let correct = || predictions.iter().filter(|prediction| prediction.is_correct());
    let sure = |a: &&Prediction, b: &&Prediction| a.probability.total_cmp(&b.probability);
    let early = |index: usize| prefixes.above.iter().map(|of| of[index]).sum::<f64>();
    let latest = (0..prefixes.images.len())
        .filter(|&index| predictions[prefixes.images[index]].is_correct())
        .min_by(|&a, &b| early(a).total_cmp(&early(b)))
        .map(|index| &predictions[prefixes.images[index]]);
    let candidates = [
        ("the surest correct prediction", correct().max_by(sure)),
        ("the least sure correct prediction", correct().min_by(sure)),
        ("a correct prediction that comes late from above", latest),
        ("the surest mistake", predictions.iter().filter(|one| !one.is_correct()).max_by(sure)),
    ];
    let mut examples: Vec<Example> = Vec::new();
    for (why, prediction) in candidates {
        if let Some(&Prediction { image, .. }) = prediction
            && examples.iter().all(|example| example.image != image)
        {
            examples.push(Example { image, why });
        }
    }
    examples
}

/// Numbers of rows to try, evenly spaced, the last of them all.
fn stops(all: usize, most: usize) -> Vec<usize> {
    let step = all.div_ceil(most).max(1);
    let mut stops: Vec<usize> = (1..=all).rev().step_by(step).collect();
    stops.reverse();
    stops
}

/// Which steps a part of a sequence has.
#[derive(Clone, Copy)]
enum Side {
    First,
    Last,
}

/// Of each sequence the first or the last steps: of one of `longest` steps so many, of another the same share.
fn part(split: &Split, steps: usize, longest: usize, side: Side) -> Split {
    let parts = || {
        split.sequences.iter().map(|sequence| {
            let all = sequence.steps();
            let steps = (steps * all).div_ceil(longest);
            sequence.part(match side {
                Side::First => 0..steps,
                Side::Last => all - steps..all,
            })
        })
    };
    let values = match split.sequences.values() {
        Values::Bytes(_) => {
            Values::Bytes(parts().filter_map(|part| part.bytes()).flatten().copied().collect())
        }
        Values::Floats(_) => {
            Values::Floats(parts().filter_map(|part| part.floats()).flatten().copied().collect())
        }
    };
    let lengths = parts().map(|part| part.steps());
    Split {
        sequences: Sequences::new(values, split.sequences.features(), lengths),
        labels: split.labels.clone(),
    }
}

/// The probability of each sequence's true class.
fn p_true(predictor: &Predictor, split: &Split) -> Vec<f64> {
    let logits = predictor.logits_of_all(&split.sequences, cpu::threads());
    let Task::Classify(task) = predictor.task();
    let of = logits.chunks_exact(task.classes.len()).zip(&split.labels);
    of.map(|(logits, &label)| task.probabilities(logits)[usize::from(label)]).collect()
}

#[cfg(test)]
mod tests {
    use birnn_data::Images;

    use super::*;

    #[test]
    fn a_part_is_the_first_or_the_last_steps_of_each_sequence() {
        let images = Images { rows: 3, cols: 2, pixels: (0..12).collect() };
        let split = Split { sequences: images.into(), labels: vec![0, 1] };
        let pixels = |part: Split| part.sequences.to_images().unwrap().pixels;
        assert_eq!(pixels(part(&split, 2, 3, Side::First)), [0, 1, 2, 3, 6, 7, 8, 9]);
        assert_eq!(pixels(part(&split, 1, 3, Side::Last)), [4, 5, 10, 11]);
        assert_eq!(part(&split, 3, 3, Side::First), split);
        // Of unequal lengths the same share of each, and at least one step.
        let sequences =
            Sequences::new(Values::Floats((0..9).map(|value| value as f32).collect()), 1, [6, 2, 1]);
        let split = Split { sequences, labels: vec![0, 1, 0] };
        let first = part(&split, 3, 6, Side::First).sequences;
        assert_eq!(first.lengths().collect::<Vec<_>>(), [3, 1, 1]);
        assert_eq!(*first.values(), Values::Floats(vec![0.0, 1.0, 2.0, 6.0, 8.0]));
        let last = part(&split, 1, 6, Side::Last).sequences;
        assert_eq!(*last.values(), Values::Floats(vec![5.0, 7.0, 8.0]));
    }

    #[test]
    fn an_image_is_an_example_once() {
        let prediction =
            |image, class, probability| Prediction { image, label: 0, class, probability, p_true: 0.0 };
        let all =
            [prediction(0, 0, 0.9), prediction(1, 0, 0.6), prediction(2, 1, 0.7), prediction(3, 1, 0.8)];
        let prefixes = |images: &[usize], above: &[f64]| PrefixAccuracy {
            rows: vec![1],
            images: images.to_vec(),
            above: vec![above.to_vec()],
            below: vec![above.to_vec()],
        };
        let images = |prefixes: &PrefixAccuracy, predictions: &[Prediction]| -> Vec<usize> {
            examples(prefixes, predictions).iter().map(|example| example.image).collect()
        };
        assert_eq!(images(&prefixes(&[0, 1, 2, 3], &[0.5, 0.1, 0.0, 0.0]), &all), [0, 1, 3]);
        assert!(images(&prefixes(&[], &[]), &[]).is_empty());
    }

    #[test]
    fn the_last_stop_is_all_rows() {
        assert_eq!(stops(28, 64), (1..=28).collect::<Vec<_>>());
        assert_eq!(stops(28, 16), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]);
        assert_eq!(stops(7, 3), [1, 4, 7]);
        assert_eq!(stops(1, 3), [1]);
    }
}
