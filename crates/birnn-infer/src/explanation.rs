//! How an answer came about, for those who watch: as it forms while the net reads, and what either direction
//! has in it.

use std::ops::Range;

use birnn_data::{Part, Per, Sequences};
use serde::Serialize;

use crate::answer::Answer;
use crate::directions::Directions;
use crate::network::Workspace;
use crate::predictor::Predictor;
use crate::task::Task;

/// The answer to one sequence, and how it came about.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation<'a> {
    /// The answer.
    pub prediction: Answer<'a>,
    /// What the head gives, of the sequence or of each step; of a conditional random field what that is
    /// given.
    pub logits: Vec<Vec<f32>>,
    /// As the answer forms, where there is one for the whole sequence.
    pub forming: Option<Forming>,
    /// What either direction has in the logits, where there are two.
    pub directions: Option<Directions>,
}

/// What a net answers to the first steps of a sequence alone, and to the last: of classes their
/// probabilities, or numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forming {
    /// How many steps it was given, the last time all.
    pub steps: Vec<usize>,
    /// The answers to so many first steps.
    pub first: Vec<Vec<f32>>,
    /// The answers to so many last steps.
    pub last: Vec<Vec<f32>>,
}

/// At most so many numbers of steps, evenly spaced, the last of them `all`.
pub fn stops(all: usize, most: usize) -> Vec<usize> {
    let step = all.div_ceil(most.max(1)).max(1);
    let mut stops: Vec<usize> = (1..=all).rev().step_by(step).collect();
    stops.reverse();
    stops
}

impl Predictor {
    /// The answer to the one sequence that `sequence` is, and how it came about, given parts of it of at most
    /// so many lengths.
    ///
    /// # Panics
    ///
    /// As [`Predictor::answers_to`].
    pub fn explain(&self, workspace: &mut Workspace, sequence: &Sequences, most: usize) -> Explanation<'_> {
        let (task, modality) = (self.task(), &self.manifest().modality);
        let answers = self.answers_to(workspace, sequence);
        let positions: usize = answers.lengths.iter().sum();
        let prediction = task.answer_to((modality, sequence.get(0)), &answers, 0..positions);
        let emissions = match &answers.joint {
            Some(joint) => joint.emissions(),
            None => &answers.logits,
        };
        Explanation {
            prediction,
            logits: emissions.chunks_exact(task.outputs()).map(<[f32]>::to_vec).collect(),
            forming: (task.per() == Per::Sequence).then(|| self.forming(workspace, sequence, most)),
            directions: self.directions(sequence, 1),
        }
    }

    fn forming(&self, workspace: &mut Workspace, sequence: &Sequences, most: usize) -> Forming {
        let all = sequence.get(0).steps();
        let steps = stops(all, most);
        let mut of = |range: &dyn Fn(usize) -> Range<usize>| -> Vec<Vec<f32>> {
            let parts: Vec<Part> =
                steps.iter().map(|&steps| Part { sample: 0, steps: range(steps) }).collect();
            let answers = self.answers_to(workspace, &sequence.parts(&parts));
            let rows = answers.logits.chunks_exact(self.task().outputs());
            rows.map(|row| match self.task() {
                Task::Classify(task) => task.probabilities(row).iter().map(|&of| of as f32).collect(),
                Task::Regress(task) => task.answer(row),
            })
            .collect()
        };
        let first = of(&|steps| 0..steps);
        let last = of(&|steps| all - steps..all);
        Forming { steps, first, last }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_architecture::{Head, Readout};
    use birnn_data::Images;

    use super::*;
    use crate::container::encode;
    use crate::made_up;

    fn predictor(readout: Readout, head: Head) -> Predictor {
        let (weights, mut manifest) = made_up::of(|experiment| {
            (experiment.model.readout, experiment.model.head) = (readout, head);
        });
        if let (Task::Classify(task), Readout::Sequence) = (&mut manifest.task, readout) {
            task.per = Per::Step;
        }
        Predictor::from_bytes(Path::new("net"), &encode(&manifest, &weights).unwrap()).unwrap()
    }

    fn image(rows: usize) -> Sequences {
        Images { rows, cols: 2, pixels: (0..rows * 2).map(|index| (index * 89 % 251) as u8).collect() }.into()
    }

    /// Given all steps it is the answer, and given fewer that to an image of these alone.
    #[test]
    fn an_answer_forms_as_the_net_reads() {
        let predictor = predictor(Readout::Final, Head::Linear);
        let mut workspace = Workspace::new();
        let explanation = predictor.explain(&mut workspace, &image(5), 64);
        let Answer::Class { probabilities, .. } = &explanation.prediction else { panic!("a class") };
        let whole: Vec<f32> = probabilities.iter().map(|&of| of as f32).collect();
        let Forming { steps, first, last } = explanation.forming.unwrap();
        assert_eq!(steps, [1, 2, 3, 4, 5]);
        assert_eq!((&first[4], &last[4]), (&whole, &whole));
        for (index, &steps) in steps.iter().enumerate() {
            let alone = predictor.explain(&mut workspace, &image(steps), 1).forming.unwrap();
            assert_eq!((alone.steps, &alone.first[0]), (vec![steps], &first[index]));
        }
        assert_ne!(first[1], last[1]);
        assert_eq!(explanation.logits, [predictor.logits(&mut workspace, image(5).get(0))]);
    }

    #[test]
    fn of_steps_there_are_logits_of_each() {
        for head in [Head::Linear, Head::Crf] {
            let predictor = predictor(Readout::Sequence, head);
            let mut workspace = Workspace::new();
            let explanation = predictor.explain(&mut workspace, &image(4), 64);
            assert!(explanation.forming.is_none() && explanation.logits.len() == 4);
            let logits = predictor.logits(&mut workspace, image(4).get(0));
            assert_eq!(explanation.logits.concat(), logits, "what the random field is given");
            let json = serde_json::to_value(&explanation).unwrap();
            assert_eq!(json["directions"]["reverse"].as_array().unwrap().len(), 4);
            let of = |half: &str| json["directions"][half][2][1].as_f64().unwrap();
            let sum = json["directions"]["bias"][1].as_f64().unwrap() + of("forward") + of("reverse");
            assert!((sum - f64::from(explanation.logits[2][1])).abs() < 1e-5);
        }
    }

    #[test]
    fn stops_end_with_all() {
        assert_eq!(stops(28, 64), (1..=28).collect::<Vec<_>>());
        assert_eq!(stops(28, 16), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]);
        assert_eq!(stops(7, 3), [1, 4, 7]);
        assert_eq!((stops(1, 3), stops(5, 1)), (vec![1], vec![5]));
    }
}
