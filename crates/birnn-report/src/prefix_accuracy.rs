//! How a prediction forms while the net reads: the probability of the true class given the first rows alone,
//! and the last rows alone.

use birnn_data::{Images, Split};
use birnn_infer::{Predictor, Task, cpu};

use crate::predictions::{Prediction, evenly_spaced, subset};

/// The probability of the true class given parts of images.
#[derive(Debug)]
pub struct PrefixAccuracy {
    /// The numbers of rows that the net was given, from the fewest to all.
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
        let split = subset(split, &images);
        let rows = stops(split.images.rows, most);
        if images.is_empty() {
            return PrefixAccuracy { rows, images, above: Vec::new(), below: Vec::new() };
        }
        let side = |first: fn(usize, usize) -> usize| {
            let all = split.images.rows;
            rows.iter().map(|&rows| p_true(predictor, &part(&split, first(all, rows), rows))).collect()
        };
        let above = side(|_, _| 0);
        let below = side(|all, rows| all - rows);
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

/// `rows` rows of each image, from row `first`.
fn part(split: &Split, first: usize, rows: usize) -> Split {
    let Images { cols, .. } = split.images;
    let image = |index| &split.images.get(index)[first * cols..(first + rows) * cols];
    let pixels = (0..split.labels.len()).flat_map(image).copied().collect();
    Split { images: Images { rows, cols, pixels }, labels: split.labels.clone() }
}

/// The probability of each image's true class.
fn p_true(predictor: &Predictor, split: &Split) -> Vec<f64> {
    let logits = predictor.logits_of_all(&split.images, cpu::threads());
    let Task::Classify(task) = predictor.task();
    let of = logits.chunks_exact(task.classes.len()).zip(&split.labels);
    of.map(|(logits, &label)| task.probabilities(logits)[usize::from(label)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_first_or_the_last_rows_of_each_image() {
        let pixels = (0..12).collect();
        let split = Split { images: Images { rows: 3, cols: 2, pixels }, labels: vec![0, 1] };
        assert_eq!(part(&split, 0, 2).images.pixels, [0, 1, 2, 3, 6, 7, 8, 9]);
        assert_eq!(part(&split, 2, 1).images.pixels, [4, 5, 10, 11]);
        assert_eq!(part(&split, 0, 3), split);
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
