//! What a net answers wrongly, as `--json` prints it.

use birnn_data::{Per, Sequences};
use birnn_infer::{Evaluation, Miss, Mistake};
use serde::Serialize;

/// Of classes the answers that are not correct, of numbers the largest errors.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wrong {
    Mistakes(Vec<WrongClass>),
    Misses(Vec<WrongNumber>),
}

/// An answer's place among those evaluated.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Place {
    /// The index of the image or series.
    sample: usize,
    /// Of what each step is answered with, the index of the step in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct WrongClass {
    #[serde(flatten)]
    place: Place,
    /// The indices of the true class and of the predicted one.
    label: usize,
    class: usize,
    probability: f32,
}

#[derive(Serialize)]
pub(super) struct WrongNumber {
    #[serde(flatten)]
    place: Place,
    /// Which of the numbers.
    number: usize,
    truth: f32,
    answer: f32,
}

impl Wrong {
    /// What `found` tells of answers for `sequences`, or for their steps.
    pub(super) fn new(found: &Evaluation, per: Per, sequences: &Sequences) -> Wrong {
        let place = |position: usize| Place::of(position, per, sequences);
        if let Some(found) = found.regressed() {
            let miss = |&Miss { position, number, truth, answer }: &Miss| WrongNumber {
                place: place(position),
                number,
                truth,
                answer,
            };
            return Wrong::Misses(found.misses.iter().map(miss).collect());
        }
        let mistake = |&Mistake { sample, label, class, probability }: &Mistake| WrongClass {
            place: place(sample),
            label,
            class,
            probability,
        };
        let mistakes = found.classified().map_or(&[][..], |found| &found.mistakes);
        Wrong::Mistakes(mistakes.iter().map(mistake).collect())
    }
}

impl Place {
    /// Of an answer by its index among those of all `sequences`, or of all their steps.
    fn of(position: usize, per: Per, sequences: &Sequences) -> Place {
        let sample = sequences.of_position(position, per);
        let step = (per == Per::Step).then(|| position - sequences.steps_of(sample).start);
        Place { sample, step }
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::Values;

    use super::*;

    #[test]
    fn a_step_is_one_of_its_series() {
        let sequences = Sequences::new(Values::Floats(vec![0.0; 6]), 1, [3, 1, 2]);
        let places =
            |per, count| (0..count).map(|index| Place::of(index, per, &sequences)).collect::<Vec<_>>();
        let expected = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)];
        assert_eq!(places(Per::Step, 6), expected.map(|(sample, step)| Place { sample, step: Some(step) }));
        assert_eq!(places(Per::Sequence, 3), [0, 1, 2].map(|sample| Place { sample, step: None }));
    }
}
