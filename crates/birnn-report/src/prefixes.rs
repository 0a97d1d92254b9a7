//! How an answer forms while the net reads: what it is worth given the first steps alone, and the last steps
//! alone.

use birnn_data::{Sequence, Sequences, Split, Values};
use birnn_infer::{Predictor, Regress, Task, cpu, stops};

use crate::predictions::{Prediction, evenly_spaced};

/// What answers are worth that a net gives for parts of sequences: of a class the probability of the true
/// one, of numbers the error.
#[derive(Debug)]
pub struct Prefixes {
    /// Whether all have as many steps; else parts are shares of a sequence.
    pub are_steps: bool,
    /// The numbers of steps that the net was given of the longest sequence, from the fewest to all; of a
    /// shorter one the same share, rounded up.
    pub steps: Vec<usize>,
    /// The indices of the samples in their split.
    pub samples: Vec<usize>,
    /// `first[n][sample]`: of the answer given the first `steps[n]` steps.
    pub first: Vec<Vec<f64>>,
    /// As `first`, given the last steps.
    pub last: Vec<Vec<f64>>,
}

/// A sample whose prediction is followed step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// Its index in the split.
    pub sample: usize,
    /// Why it is shown.
    pub why: Why,
}

/// Why a sample is an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is the surest correct prediction.
    SurestCorrect,
    /// It is the least sure correct prediction.
    LeastSureCorrect,
    /// The prediction is correct, and takes many of the first steps.
    Late,
    /// It is the surest mistake.
    SurestMistake,
}

/// With more samples, the means change little.
const SAMPLES: usize = 500;
/// At most so many numbers of steps are tried on many samples; each costs as much as reading them.
const STOPS: usize = 16;
/// At most so many are tried on an example.
const EXAMPLE_STOPS: usize = 64;

impl Prefixes {
    /// Gives the net parts of samples from all over `split`: the probability of the true class, or how far
    /// its answer is off, in standard deviations of the training targets and on average over its numbers.
    pub fn of_many(predictor: &Predictor, split: &Split) -> Prefixes {
        Prefixes::of(predictor, split, evenly_spaced(split, SAMPLES), STOPS, worth)
    }

    /// Gives the net parts of this one, step by step: the probability of the true class, or the error
    /// likewise.
    pub fn of_example(predictor: &Predictor, split: &Split, sample: usize) -> Prefixes {
        Prefixes::of(predictor, split, vec![sample], EXAMPLE_STOPS, worth)
    }

    /// As [`Prefixes::of_example`], but what it answers for one of the numbers.
    pub(crate) fn answers(
        task: &Regress,
        number: usize,
        predictor: &Predictor,
        split: &Split,
        sample: usize,
    ) -> Prefixes {
        let width = task.scale.names.len();
        let answers = |predictor: &Predictor, split: &Split| {
            let outputs = predictor.logits_of_all(&split.sequences, cpu::threads());
            let own = task.answer(&outputs).into_iter().skip(number).step_by(width);
            own.map(f64::from).collect()
        };
        Prefixes::of(predictor, split, vec![sample], EXAMPLE_STOPS, answers)
    }

    fn of(
        predictor: &Predictor,
        split: &Split,
        samples: Vec<usize>,
        most: usize,
        worth: impl Fn(&Predictor, &Split) -> Vec<f64>,
    ) -> Prefixes {
        let split = split.select(&samples);
        let longest = split.sequences.lengths().max().unwrap_or(0);
        let steps = stops(longest, most);
        let side = |side: Side| {
            steps.iter().map(|&steps| worth(predictor, &part(&split, steps, longest, side))).collect()
        };
        let (first, last) = (side(Side::First), side(Side::Last));
        Prefixes { are_steps: split.sequences.common_length().is_some(), steps, samples, first, last }
    }
}

/// Samples worth a look: the most and the least confident correct prediction, the most confident mistake,
/// and, among the samples of `prefixes`, the correct prediction that came latest.
pub fn examples(prefixes: &Prefixes, predictions: &[Prediction]) -> Vec<Example> {
    let correct = || predictions.iter().filter(|prediction| prediction.is_correct());
    let sure = |a: &&Prediction, b: &&Prediction| a.probability.total_cmp(&b.probability);
    let early = |index: usize| prefixes.first.iter().map(|of| of[index]).sum::<f64>();
    let latest = (0..prefixes.samples.len())
        .filter(|&index| predictions[prefixes.samples[index]].is_correct())
        .min_by(|&a, &b| early(a).total_cmp(&early(b)))
        .map(|index| &predictions[prefixes.samples[index]]);
    let candidates = [
        (Why::SurestCorrect, correct().max_by(sure)),
        (Why::LeastSureCorrect, correct().min_by(sure)),
        (Why::Late, latest),
        (Why::SurestMistake, predictions.iter().filter(|one| !one.is_correct()).max_by(sure)),
    ];
    let mut examples: Vec<Example> = Vec::new();
    for (why, prediction) in candidates {
        if let Some(&Prediction { sample, .. }) = prediction
            && examples.iter().all(|example| example.sample != sample)
        {
            examples.push(Example { sample, why });
        }
    }
    examples
}

/// Which steps a part of a sequence has.
#[derive(Clone, Copy)]
enum Side {
    First,
    Last,
}

/// Of each sequence the first or the last steps: of one of `longest` steps so many, of another the same
/// share.
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
        Values::Bytes(_) => Values::Bytes(parts().filter_map(Sequence::bytes).flatten().copied().collect()),
        Values::Floats(_) => {
            Values::Floats(parts().filter_map(Sequence::floats).flatten().copied().collect())
        }
        Values::Tokens(_, forms) => {
            Values::Tokens(parts().filter_map(Sequence::tokens).flatten().copied().collect(), forms.clone())
        }
    };
    let lengths = parts().map(Sequence::steps);
    Split {
        sequences: Sequences::new(values, split.sequences.features(), lengths),
        targets: split.targets.clone(),
    }
}

/// Of each sequence's answer.
fn worth(predictor: &Predictor, split: &Split) -> Vec<f64> {
    let outputs = predictor.logits_of_all(&split.sequences, cpu::threads());
    let of = outputs.chunks_exact(predictor.task().outputs());
    match predictor.task() {
        Task::Classify(task) => {
            let labels = split.labels().unwrap_or_default();
            of.zip(labels).map(|(logits, &label)| task.probabilities(logits)[usize::from(label)]).collect()
        }
        Task::Regress(task) => {
            let wanted = task.scale.standardise(split.targets.numbers().unwrap_or_default());
            let off = |(outputs, wanted): (&[f32], &[f32])| {
                let off = outputs.iter().zip(wanted).map(|(output, wanted)| f64::from(output - wanted).abs());
                off.sum::<f64>() / outputs.len() as f64
            };
            of.zip(wanted.chunks_exact(task.scale.names.len())).map(off).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::Images;

    use super::*;

    #[test]
    fn a_part_is_the_first_or_the_last_steps_of_each_sequence() {
        let images = Images { rows: 3, cols: 2, pixels: (0..12).collect() };
        let split = Split::classified(images.into(), vec![0, 1]);
        let pixels = |part: Split| part.sequences.to_images().unwrap().pixels;
        assert_eq!(pixels(part(&split, 2, 3, Side::First)), [0, 1, 2, 3, 6, 7, 8, 9]);
        assert_eq!(pixels(part(&split, 1, 3, Side::Last)), [4, 5, 10, 11]);
        assert_eq!(part(&split, 3, 3, Side::First), split);
        // Of unequal lengths the same share of each, and at least one step.
        let sequences =
            Sequences::new(Values::Floats((0..9).map(|value| value as f32).collect()), 1, [6, 2, 1]);
        let split = Split::classified(sequences, vec![0, 1, 0]);
        let first = part(&split, 3, 6, Side::First).sequences;
        assert_eq!(first.lengths().collect::<Vec<_>>(), [3, 1, 1]);
        assert_eq!(*first.values(), Values::Floats(vec![0.0, 1.0, 2.0, 6.0, 8.0]));
        let last = part(&split, 1, 6, Side::Last).sequences;
        assert_eq!(*last.values(), Values::Floats(vec![5.0, 7.0, 8.0]));
    }

    #[test]
    fn a_sample_is_an_example_once() {
        let prediction =
            |sample, class, probability| Prediction { sample, label: 0, class, probability, p_true: 0.0 };
        let all =
            [prediction(0, 0, 0.9), prediction(1, 0, 0.6), prediction(2, 1, 0.7), prediction(3, 1, 0.8)];
        let prefixes = |samples: &[usize], first: &[f64]| Prefixes {
            are_steps: true,
            steps: vec![1],
            samples: samples.to_vec(),
            first: vec![first.to_vec()],
            last: vec![first.to_vec()],
        };
        let samples = |prefixes: &Prefixes, predictions: &[Prediction]| -> Vec<usize> {
            examples(prefixes, predictions).iter().map(|example| example.sample).collect()
        };
        assert_eq!(samples(&prefixes(&[0, 1, 2, 3], &[0.5, 0.1, 0.0, 0.0]), &all), [0, 1, 3]);
        assert!(samples(&prefixes(&[], &[]), &[]).is_empty());
    }
}
