//! `birnn predict`: what pictures show, what series are of, what the words of sentences are, and what numbers follow
//! from them.

mod annotate;
pub mod stream;

use std::ops::Range;
use std::path::Path;

use birnn_data::{Modality, Per, Preprocessing, Sequences, Series, escape, name};
use birnn_infer::{Class, Classify, Regress, Task, significant};
use serde::Serialize;

use crate::args::PredictArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};
use crate::samples::{Reading, ReadingKind, Sample, Unread, outcome};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "name::serialize")]
    weights: &'a Path,
    /// What the classes are called, where it tells such.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    classes: &'a [String],
    /// What the numbers are called, where it tells such.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    targets: &'a [String],
    /// How pictures are prepared, if the net reads images.
    #[serde(skip_serializing_if = "Option::is_none")]
    preprocessing: Option<Preprocessing>,
    /// How series are read, if it reads these.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<&'a Series>,
    predictions: Vec<Prediction<'a>>,
    errors: Vec<Unread>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    #[serde(flatten)]
    sample: Sample,
    /// Of a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<String>,
    #[serde(flatten)]
    answer: Answer<'a>,
}

/// What a net answers for one sequence.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    /// Its class.
    Class {
        class: &'a str,
        probability: f32,
        /// In the order of the classes.
        probabilities: Vec<f32>,
    },
    /// The class of each step.
    Tags {
        tags: Vec<&'a str>,
        /// Of the tag of each step.
        probability: Vec<f32>,
        /// Of each step, in the order of the classes.
        probabilities: Vec<Vec<f32>>,
    },
    /// Numbers.
    Values { values: Vec<f32> },
    /// The numbers of each step.
    ValuesOfSteps { values: Vec<Vec<f32>> },
}

/// Print other classes from this probability on.
const WORTH_TELLING: f64 = 0.01;

/// Answers for every sample that can be read.
pub fn run(args: &PredictArgs, asked: Asked) -> Outcome {
    let Asked { weights, manifest, .. } = &asked;
    let reading = Reading::of(manifest, weights);
    let (preprocessing, series) = match reading.kind {
        ReadingKind::Pictures(_, preprocessing) => (Some(preprocessing), None),
        ReadingKind::Series(series) => (None, Some(series)),
        ReadingKind::Text(Per::Step) if !args.json => {
            return annotate::run(&args.samples, &asked, &reading);
        }
        ReadingKind::Text(_) => (None, None),
    };
    let (predictions, errors) = (Vec::new(), Vec::new());
    let classes = manifest.task.classes();
    let targets = if classes.is_empty() { manifest.task.names() } else { &[] };
    let report = Report { weights, classes, targets, preprocessing, series, predictions, errors };
    let mut answers = Answers { asked: &asked, prints: !args.json, count: 0, report };
    answers.report.errors =
        reading.each(&args.samples, |samples, sequences| answers.answer(samples, sequences))?;
    if args.json {
        print_json(&answers.report)?;
    }
    outcome(answers.count, &answers.report.errors)
}

/// Answers as they are found, and what could not be read.
struct Answers<'a> {
    asked: &'a Asked,
    /// Whether each is printed at once, and not kept for the report.
    prints: bool,
    count: usize,
    report: Report<'a>,
}

impl Answers<'_> {
    /// Asks for the answer to each of `sequences`, which are `samples`.
    fn answer(&mut self, samples: Vec<Sample>, sequences: &Sequences) -> Result<(), Failure> {
        let task = &self.asked.task;
        let answers = self.asked.answers(sequences)?;
        let mut begin = 0;
        for ((sample, length), sequence) in samples.into_iter().zip(sequences.lengths()).zip(sequences.iter())
        {
            let tokens: Vec<String> = sequence.words().map(str::to_owned).collect();
            let positions = begin..begin + if task.per() == Per::Step { length } else { 1 };
            begin = positions.end;
            let own = &answers.logits[positions.start * task.outputs()..positions.end * task.outputs()];
            let (answer, told) = match task {
                Task::Classify(task) if task.per == Per::Step => {
                    tags(task, &answers, positions, sample.first_step())
                }
                Task::Classify(task) => class(task, own),
                Task::Regress(task) => {
                    let modality = &self.asked.manifest.modality;
                    let found = match (task.self_targets, modality, sequence.floats()) {
                        (Some(_), Modality::Series(series), Some(read)) => {
                            task.self_answer(series, read, own)
                        }
                        _ => task.answer(own),
                    };
                    values(task, found)
                }
            };
            self.count += 1;
            match self.prints {
                true => print(&format!("{}\n", escape::line(&format!("{sample}: {told}"))))?,
                false => self.report.predictions.push(Prediction { sample, tokens, answer }),
            }
        }
        Ok(())
    }
}

/// The class of a sequence, and for people such as `7 (93.20 %), 1 (4.10 %), 9 (2.30 %)`.
fn class<'a>(task: &'a Classify, logits: &[f32]) -> (Answer<'a>, String) {
    let classes = &task.classes;
    let probabilities = task.probabilities(logits);
    let ranked = task.ranked(&probabilities);
    let told = ranked
        .iter()
        .enumerate()
        .filter(|&(rank, answer)| rank == 0 || answer.probability >= WORTH_TELLING)
        .map(|(_, answer)| format!("{} ({:.2} %)", classes[answer.class], 100.0 * answer.probability));
    let told = told.collect::<Vec<_>>().join(", ");
    let Class { class, probability } = ranked[0];
    let probabilities = single(&probabilities);
    let (class, probability) = (classes[class].as_str(), probability as f32);
    (Answer::Class { class, probability, probabilities }, told)
}

/// The class of each step, and for people such as `1-40 walk (98.10 %), 41-60 freeze (71.22 %)`: steps from `first` on,
/// with the mean of the probabilities.
fn tags<'a>(
    task: &'a Classify,
    answers: &birnn_infer::Answers,
    positions: Range<usize>,
    first: usize,
) -> (Answer<'a>, String) {
    let outputs = task.classes.len();
    let steps = answers.logits[positions.start * outputs..positions.end * outputs].chunks_exact(outputs);
    let answers: Vec<Class> = positions.map(|position| task.answer_at(answers, position)).collect();
    let mut told = Vec::new();
    let mut begin = first;
    for run in answers.chunk_by(|one, next| one.class == next.class) {
        let end = begin + run.len() - 1;
        let steps = if begin == end { begin.to_string() } else { format!("{begin}-{end}") };
        let mean = run.iter().map(|answer| answer.probability).sum::<f64>() / run.len() as f64;
        told.push(format!("{steps} {} ({:.2} %)", task.classes[run[0].class], 100.0 * mean));
        begin = end + 1;
    }
    let tags = answers.iter().map(|answer| task.classes[answer.class].as_str()).collect();
    let probability = answers.iter().map(|answer| answer.probability as f32).collect();
    let probabilities = steps.map(|logits| single(&task.probabilities(logits))).collect();
    (Answer::Tags { tags, probability, probabilities }, told.join(", "))
}

/// The numbers, and for people such as `height 1.832, weight 80.12`; of steps all of them, one after the other.
fn values<'a>(task: &Regress, answers: Vec<f32>) -> (Answer<'a>, String) {
    let names = &task.scale.names;
    let told = names.iter().enumerate().map(|(index, name)| {
        let own = answers.iter().skip(index).step_by(names.len());
        let own: Vec<String> = own.map(|&value| significant(f64::from(value))).collect();
        format!("{name} {}", own.join(" "))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let answer = match task.per {
        Per::Sequence => Answer::Values { values: answers },
        Per::Step => {
            Answer::ValuesOfSteps { values: answers.chunks_exact(names.len()).map(<[f32]>::to_vec).collect() }
        }
    };
    (answer, told)
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the place of a window does, its steps count in the series that it is of.
    #[test]
    fn steps_of_a_window_are_those_of_its_series() {
        let task = Classify::new(["walk", "rest"].map(str::to_owned).to_vec(), Per::Step);
        let logits = [[50.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 0.0]];
        for (first, expected) in [
            (1, "1-2 walk (100.00 %), 3 rest (100.00 %), 4 walk (100.00 %)"),
            (251, "251-252 walk (100.00 %), 253 rest (100.00 %), 254 walk (100.00 %)"),
        ] {
            let answers = logits.as_flattened().to_vec().into();
            assert_eq!(tags(&task, &answers, 0..4, first).1, expected);
        }
    }
}
