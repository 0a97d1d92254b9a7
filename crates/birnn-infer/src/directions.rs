//! What each direction of the top layer has in the logits: the head is linear, so a logit is its bias and
//! what the head makes of either half of the states that it sees.

use std::sync::Arc;

use birnn_architecture::Direction;
use birnn_data::{Sequence, Sequences};
use birnn_kernels::Crf;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::answers::Answers;
use crate::network::{Network, Reading, Workspace};
use crate::predictor::Predictor;
use crate::task::runner_up;

/// The logits of some sequences, or of their steps, in parts; of a conditional random field those that it is
/// given. As JSON `bias`, and of each position `forward` and `reverse`.
#[derive(Clone, Debug)]
pub struct Directions {
    /// `[outputs]`.
    bias: Vec<f32>,
    /// What the forward half adds, then what the reverse half adds: `[positions, 2, outputs]`.
    halves: Vec<f32>,
    lengths: Vec<usize>,
    crf: Option<Arc<Crf>>,
}

/// What a logit, or how much one is above another, is the sum of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contributions {
    /// Of the head's bias.
    pub bias: f64,
    /// Of the states that read from the beginning.
    pub forward: f64,
    /// Of the states that read from the end.
    pub reverse: f64,
}

impl Contributions {
    /// The whole.
    pub fn sum(self) -> f64 {
        self.bias + self.forward + self.reverse
    }

    /// How much more each is than another's.
    pub fn less(self, other: Contributions) -> Contributions {
        Contributions {
            bias: self.bias - other.bias,
            forward: self.forward - other.forward,
            reverse: self.reverse - other.reverse,
        }
    }

    /// Each with another's added.
    pub fn and(self, other: Contributions) -> Contributions {
        Contributions {
            bias: self.bias + other.bias,
            forward: self.forward + other.forward,
            reverse: self.reverse + other.reverse,
        }
    }

    /// Each as so many times less.
    pub fn over(self, count: f64) -> Contributions {
        let Contributions { bias, forward, reverse } = self;
        Contributions { bias: bias / count, forward: forward / count, reverse: reverse / count }
    }
}

impl Predictor {
    /// Its logits for many sequences, in parts, as [`Predictor::answers_to_all`] has the whole; of a net that
    /// reads both ways.
    ///
    /// # Panics
    ///
    /// As [`Predictor::logits`].
    pub fn directions(&self, sequences: &Sequences, threads: usize) -> Option<Directions> {
        if self.network().architecture().directions().count() < 2 {
            return None;
        }
        self.check(sequences);
        let lexicon = self.lexicon(sequences);
        let halves = self.reading(lexicon.as_ref(), |reading| {
            self.network().each_batch(sequences, 0..sequences.len(), threads, |workspace, batch| {
                self.network().halves_of(workspace, batch, reading)
            })
        });
        Some(Directions {
            bias: self.network().bias(),
            halves,
            lengths: self.positions_of(sequences),
            crf: self.network().crf(self.task().legal_tags().as_ref()),
        })
    }
}

impl Network {
    /// What the head makes of no states.
    fn bias(&self) -> Vec<f32> {
        self.apply_head(&vec![0.0; self.head.inputs()])
    }

    /// What the head makes of the forward half of the states of these sequences, then of the reverse half.
    fn halves_of<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        reading: Reading<'_>,
    ) -> Vec<f32> {
        let (bias, forward) = (self.bias(), self.architecture().forward.unwrap_or(0));
        let states = self.states_of(workspace, sequences, reading);
        // A half by itself is the states with zeros in place of the other.
        let (mut one, mut other) = (states.clone(), states);
        let width = self.head.inputs();
        one.chunks_exact_mut(width).for_each(|state| state[forward..].fill(0.0));
        other.chunks_exact_mut(width).for_each(|state| state[..forward].fill(0.0));
        let [one, other] = [one, other].map(|half| self.apply_head(&half));
        let rows = one.chunks_exact(bias.len()).zip(other.chunks_exact(bias.len()));
        let less =
            |row: &[f32]| -> Vec<f32> { row.iter().zip(&bias).map(|(all, bias)| all - bias).collect() };
        rows.flat_map(|(one, other)| [less(one), less(other)].concat()).collect()
    }
}

impl Serialize for Directions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |half: usize| -> Vec<&[f32]> {
            (0..self.positions()).map(|position| self.at(position)[half]).collect()
        };
        let mut parts = serializer.serialize_struct("Directions", 3)?;
        parts.serialize_field("bias", &self.bias)?;
        parts.serialize_field("forward", &of(0))?;
        parts.serialize_field("reverse", &of(1))?;
        parts.end()
    }
}

impl Directions {
    /// Of the logit of a class at a position.
    pub fn of_logit(&self, position: usize, class: usize) -> Contributions {
        let [forward, reverse] = self.at(position).map(|half| f64::from(half[class]));
        Contributions { bias: f64::from(self.bias[class]), forward, reverse }
    }

    /// Of how much the logit of a class is above the largest of all others, which it is below where the tags
    /// beside it decided; `None` where there is no other.
    pub fn of_margin(&self, position: usize, class: usize) -> Option<Contributions> {
        let logits: Vec<f32> =
            (0..self.bias.len()).map(|class| self.of_logit(position, class).sum() as f32).collect();
        let other = runner_up(&logits, class)?;
        Some(self.of_logit(position, class).less(self.of_logit(position, other)))
    }

    /// What is answered by one direction alone: what the other adds to each logit is set to the mean of that
    /// over all positions. What is the same everywhere tells nothing of a step, but the head was learnt with
    /// it: without it, logits would be off by what is known of no step in particular.
    pub fn alone(&self, direction: Direction) -> Answers {
        let (own, other) = match direction {
            Direction::Forward => (0, 1),
            Direction::Reverse => (1, 0),
        };
        let mut constant: Vec<f64> = self.bias.iter().copied().map(f64::from).collect();
        let positions = self.positions();
        for position in 0..positions {
            let added = constant.iter_mut().zip(self.at(position)[other]);
            added.for_each(|(sum, &value)| *sum += f64::from(value) / positions as f64);
        }
        let of_position = |position: usize| {
            let values = self.at(position)[own].iter().zip(&constant);
            values.map(|(&value, constant)| (f64::from(value) + constant) as f32)
        };
        let emissions = (0..positions).flat_map(of_position).collect();
        Answers::new(emissions, self.lengths.clone(), self.crf.clone())
    }

    /// How many positions there are.
    pub fn positions(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// What either half adds to each logit at a position.
    fn at(&self, position: usize) -> [&[f32]; 2] {
        let outputs = self.bias.len();
        let (forward, reverse) = self.halves[2 * position * outputs..][..2 * outputs].split_at(outputs);
        [forward, reverse]
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_architecture::{Head, Hidden, Readout};
    use birnn_data::{Images, Per};
    use birnn_experiment::Experiment;

    use super::*;
    use crate::container::encode;
    use crate::made_up;
    use crate::task::Task;

    const FORWARD: usize = 5;

    fn predictor(change: impl FnOnce(&mut Experiment)) -> Predictor {
        let (weights, mut manifest) = made_up::of(|experiment| {
            experiment.model.readout = Readout::Sequence;
            experiment.model.hidden = Hidden::Each { forward: FORWARD, reverse: 3 };
            change(experiment);
        });
        let readout = manifest.experiment().model.readout;
        if let (Task::Classify(task), Readout::Sequence) = (&mut manifest.task, readout) {
            task.per = Per::Step;
        }
        Predictor::from_bytes(Path::new("net"), &encode(&manifest, &weights).unwrap()).unwrap()
    }

    fn images(count: usize) -> Sequences {
        let pixels = (0..count * 6).map(|index| (index * 89 % 251) as u8).collect();
        Images { rows: 3, cols: 2, pixels }.into()
    }

    fn both(layers: usize, head: Head) -> (Predictor, Sequences, Directions) {
        let predictor = predictor(|experiment| {
            (experiment.model.layers, experiment.model.head) = (layers, head);
        });
        let images = images(70);
        let directions = predictor.directions(&images, 2).unwrap();
        (predictor, images, directions)
    }

    #[test]
    fn bias_and_both_halves_are_the_logit() {
        for (layers, head) in [(1, Head::Linear), (3, Head::Linear), (1, Head::Crf), (2, Head::Crf)] {
            let (predictor, images, directions) = both(layers, head);
            let logits = predictor.logits_of_all(&images, 1);
            assert_eq!(directions.positions(), 210);
            for (index, &logit) in logits.iter().enumerate() {
                let found = directions.of_logit(index / 2, index % 2);
                assert!((found.sum() - f64::from(logit)).abs() < 1e-5, "{found:?}, not {logit}");
                assert!(found.forward != 0.0 && found.reverse != 0.0, "{found:?}");
            }
        }
    }

    /// The first step alone is to the forward half what it is in the image, and the steps from the second on
    /// are to the reverse half; to the other half neither is.
    #[test]
    fn halves_are_of_what_their_direction_has_read() {
        let (predictor, images, directions) = both(1, Head::Linear);
        for (steps, same) in [(0..1, Direction::Forward), (1..3, Direction::Reverse)] {
            let (first, pixels) = (7 * 3 + steps.start, images.get(7).part(steps.clone()).bytes().unwrap());
            let part = Images { rows: steps.len(), cols: 2, pixels: pixels.to_vec() }.into();
            let found = predictor.directions(&part, 1).unwrap().of_logit(0, 1);
            let off = found.less(directions.of_logit(first, 1));
            let (same, other) = match same {
                Direction::Forward => (off.forward, off.reverse),
                Direction::Reverse => (off.reverse, off.forward),
            };
            assert!(same.abs() < 1e-6 && other.abs() > 1e-4, "{steps:?}: {off:?}");
        }
    }

    #[test]
    fn a_margin_is_above_the_largest_of_the_others() {
        let directions = Directions {
            bias: vec![0.5, 0.0, 0.0, -1.0],
            halves: vec![1.0, 2.0, 0.0, 2.0, 1.0, 1.0, 2.0, 2.0],
            lengths: vec![1],
            crf: None,
        };
        // Logits 2.5, 3, 2, 3.
        for (class, [bias, forward, reverse]) in
            [(1, [1.0, 0.0, -1.0]), (3, [-1.0, 0.0, 1.0]), (0, [0.5, -1.0, 0.0]), (2, [0.0, -2.0, 1.0])]
        {
            let found = directions.of_margin(0, class);
            assert_eq!(found, Some(Contributions { bias, forward, reverse }), "{class}");
        }
        let only = Directions { bias: vec![0.0], halves: vec![1.0, 1.0], lengths: vec![1], crf: None };
        assert_eq!(only.of_margin(0, 0), None);
    }

    /// Its own part stays, and the mean of all logits is what it was.
    #[test]
    fn alone_a_direction_has_the_mean_of_the_other() {
        let (predictor, images, directions) = both(1, Head::Linear);
        let logits = predictor.logits_of_all(&images, 1);
        let mean = |logits: &[f32], class: usize| {
            logits.iter().skip(class).step_by(2).map(|&logit| f64::from(logit)).sum::<f64>() / 210.0
        };
        for direction in [Direction::Forward, Direction::Reverse] {
            let alone = directions.alone(direction);
            assert_eq!((alone.lengths.as_slice(), alone.joint.is_none()), (&[3; 70][..], true));
            let own = |position: usize, class: usize| {
                let found = directions.of_logit(position, class);
                if direction == Direction::Forward { found.forward } else { found.reverse }
            };
            for class in 0..2 {
                assert!((mean(&alone.logits, class) - mean(&logits, class)).abs() < 1e-5);
                let constant =
                    |position: usize| f64::from(alone.logits[2 * position + class]) - own(position, class);
                assert!((1..210).all(|position| (constant(position) - constant(0)).abs() < 1e-5));
            }
            assert_ne!(alone.logits, logits);
        }
    }

    /// Of a conditional random field tags are found together by one direction, too.
    #[test]
    fn alone_a_direction_answers_through_the_random_field() {
        let (predictor, images, directions) = both(1, Head::Crf);
        let alone = directions.alone(Direction::Reverse);
        assert_eq!(alone.joint.as_ref().map(|joint| joint.tags.len()), Some(210));
        let whole = predictor.answers_to_all(&images, 1);
        let sums = |answers: &Answers| -> Vec<f64> {
            answers.logits.chunks(2).map(|of| of.iter().map(|&log| f64::from(log).exp()).sum()).collect()
        };
        assert!(sums(&alone).iter().chain(&sums(&whole)).all(|sum| (sum - 1.0).abs() < 1e-5));
        assert_ne!(alone.logits, whole.logits);
    }

    /// Whatever is read of the states.
    #[test]
    fn bias_and_both_halves_are_the_logit_of_a_sequence() {
        for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
            let whole = predictor(|experiment| experiment.model.readout = readout);
            let (logits, directions) =
                (whole.logits_of_all(&images(9), 1), whole.directions(&images(9), 1).unwrap());
            assert_eq!(directions.positions(), 9, "{readout}");
            for (index, &logit) in logits.iter().enumerate() {
                let found = directions.of_logit(index / 2, index % 2).sum();
                assert!((found - f64::from(logit)).abs() < 1e-5, "{readout}: {found}, not {logit}");
            }
        }
    }

    #[test]
    fn of_one_direction_there_are_none() {
        for hidden in [Hidden::Same(4), Hidden::Reverse { reverse: 4 }] {
            let one = predictor(|experiment| {
                experiment.model.hidden = hidden;
                experiment.model.bidirectional = false;
            });
            assert!(one.directions(&images(2), 1).is_none());
        }
    }
}
