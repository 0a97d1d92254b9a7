//! The answer to one sequence, as programs are told it.

use std::ops::Range;

use birnn_data::{Modality, Per, Sequence};
use serde::{Serialize, Serializer};

use crate::answers::Answers;
use crate::task::{Class, Classify, Task};

/// What a net answers for one sequence; as JSON its probabilities are f32.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer<'a> {
    /// Its class.
    Class {
        /// The class.
        class: &'a str,
        /// Of that class.
        #[serde(serialize_with = "single")]
        probability: f64,
        /// In the order of the classes.
        #[serde(serialize_with = "singles")]
        probabilities: Vec<f64>,
    },
    /// The class of each step.
    Tags {
        /// The classes.
        tags: Vec<&'a str>,
        /// Of the tag of each step.
        #[serde(serialize_with = "singles")]
        probability: Vec<f64>,
        /// Of each step, in the order of the classes.
        #[serde(serialize_with = "singles_of_each")]
        probabilities: Vec<Vec<f64>>,
    },
    /// Numbers.
    Values {
        /// In the order of the targets.
        values: Vec<f32>,
    },
    /// The numbers of each step.
    ValuesOfSteps {
        /// Of each step, in the order of the targets.
        values: Vec<Vec<f32>>,
    },
}

impl Task {
    /// What `answers` say of `sequence`, whose answers are at `positions` among them; it is read as
    /// `modality` says.
    pub fn answer_to<'a>(
        &'a self,
        (modality, sequence): (&Modality, Sequence<'_>),
        answers: &Answers,
        positions: Range<usize>,
    ) -> Answer<'a> {
        let own = &answers.logits[positions.start * self.outputs()..positions.end * self.outputs()];
        match self {
            Task::Classify(task) if task.per == Per::Step => tags(task, answers, positions, own),
            Task::Classify(task) => {
                let probabilities = task.probabilities(own);
                let Class { class, probability } = task.ranked(&probabilities)[0];
                Answer::Class { class: &task.classes[class], probability, probabilities }
            }
            Task::Regress(task) => {
                let values = match (task.self_targets, modality, sequence.floats()) {
                    (Some(_), Modality::Series(series), Some(read)) => task.self_answer(series, read, own),
                    _ => task.answer(own),
                };
                match task.per {
                    Per::Sequence => Answer::Values { values },
                    Per::Step => {
                        let steps = values.chunks_exact(task.scale.names.len());
                        Answer::ValuesOfSteps { values: steps.map(<[f32]>::to_vec).collect() }
                    }
                }
            }
        }
    }
}

fn tags<'a>(task: &'a Classify, answers: &Answers, positions: Range<usize>, own: &[f32]) -> Answer<'a> {
    let found: Vec<Class> = positions.map(|position| task.answer_at(answers, position)).collect();
    Answer::Tags {
        tags: found.iter().map(|found| task.classes[found.class].as_str()).collect(),
        probability: found.iter().map(|found| found.probability).collect(),
        probabilities: own.chunks_exact(task.classes.len()).map(|step| task.probabilities(step)).collect(),
    }
}

fn single<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f32(*value as f32)
}

fn singles<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|&value| value as f32))
}

fn singles_of_each<S: Serializer>(steps: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    let single = |step: &Vec<f64>| step.iter().map(|&value| value as f32).collect::<Vec<f32>>();
    serializer.collect_seq(steps.iter().map(single))
}
