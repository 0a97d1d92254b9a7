//! `birnn predict`: what pictures show, what series are of, what the words of sentences are, and what numbers
//! follow from them.

mod annotate;
pub mod stream;
mod table;

use std::path::Path;

use birnn_data::{Per, Preprocessing, SelfTargets, Sequences, Series, escape, name};
use birnn_infer::{Answer, Classify, Task, significant_among};
use serde::Serialize;

use self::table::Columns;
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

/// Print other classes from this probability on.
const WORTH_TELLING: f64 = 0.01;

/// Why nets that answer with tokens of the samples themselves are not asked here.
fn no_tags(targets: SelfTargets) -> Failure {
    let (what, command) = match targets {
        SelfTargets::Next => ("the token that comes next", "`birnn continue` prints what follows"),
        SelfTargets::Hidden(_) => ("tokens that are hidden", "`birnn fill` puts them in"),
    };
    Failure::request(format!("the net answers with {what}, and not with tags: {command}"))
}

/// Answers for every sample that can be read.
pub fn run(args: &PredictArgs, asked: Asked) -> Outcome {
    let Asked { weights, manifest, .. } = &asked;
    let reading = Reading::of(manifest, weights);
    if let (ReadingKind::Text(_), Some(targets)) = (&reading.kind, manifest.task.self_targets()) {
        return Err(no_tags(targets));
    }
    let (preprocessing, series) = match reading.kind {
        ReadingKind::Pictures(_, preprocessing) => (Some(preprocessing), None),
        ReadingKind::Series(series, _) => (None, Some(series)),
        ReadingKind::Text(Per::Step) if !args.json && !args.csv => {
            return annotate::run(&args.samples, &asked, &reading);
        }
        ReadingKind::Text(_) => (None, None),
    };
    let (predictions, errors) = (Vec::new(), Vec::new());
    let classes = manifest.task.classes();
    let targets = if classes.is_empty() { manifest.task.names() } else { &[] };
    let report = Report { weights, classes, targets, preprocessing, series, predictions, errors };
    let has_windows = reading.data.window.is_some();
    let form = match (args.json, args.csv) {
        (true, _) => Form::Json,
        (_, true) => Form::Csv(Columns { task: &asked.task, modality: &manifest.modality, has_windows }),
        (false, false) => Form::Lines,
    };
    let mut answers = Answers { asked: &asked, form, count: 0, report };
    answers.report.errors =
        reading.each(&args.samples, |samples, sequences| answers.answer(samples, sequences))?;
    if args.json {
        print_json(&answers.report)?;
    }
    outcome(answers.count, &answers.report.errors)
}

/// How answers are told.
enum Form<'a> {
    /// For people, each at once.
    Lines,
    /// As rows of a table, each at once.
    Csv(Columns<'a>),
    /// Together, at the end.
    Json,
}

/// Answers as they are found, and what could not be read.
struct Answers<'a> {
    asked: &'a Asked,
    form: Form<'a>,
    count: usize,
    report: Report<'a>,
}

impl Answers<'_> {
    /// Asks for the answer to each of `sequences`, which are `samples`.
    fn answer(&mut self, samples: Vec<Sample>, sequences: &Sequences) -> Result<(), Failure> {
        let task = &self.asked.task;
        let answers = self.asked.answers(sequences)?;
        // Of a file there may be nothing that can be read.
        if let Form::Csv(columns) = self.form
            && self.count == 0
            && !samples.is_empty()
        {
            print(&columns.header())?;
        }
        let mut begin = 0;
        for ((sample, length), sequence) in samples.into_iter().zip(sequences.lengths()).zip(sequences.iter())
        {
            let tokens: Vec<String> = sequence.words().map(str::to_owned).collect();
            let positions = begin..begin + task.per().positions(length);
            begin = positions.end;
            let answer = task.answer_to((&self.asked.manifest.modality, sequence), &answers, positions);
            self.count += 1;
            match self.form {
                Form::Lines => {
                    let told = told(task, &answer, sample.first_step());
                    print(&format!("{}\n", escape::line(&format!("{sample}: {told}"))))?;
                }
                Form::Csv(columns) => print(&columns.rows(&sample, length, &tokens, &answer))?,
                Form::Json => self.report.predictions.push(Prediction { sample, tokens, answer }),
            }
        }
        Ok(())
    }
}

/// An answer for people, to a sequence whose first step is `first` of its series.
fn told(task: &Task, answer: &Answer<'_>, first: usize) -> String {
    match (task, answer) {
        (Task::Classify(task), Answer::Class { probabilities, .. }) => class(task, probabilities),
        (_, Answer::Class { class, .. }) => (*class).to_owned(),
        (_, Answer::Tags { tags, probability, .. }) => runs(tags, probability, first),
        (_, Answer::Values { values }) => numbers(task, values),
        (_, Answer::ValuesOfSteps { values }) => numbers(task, &values.concat()),
    }
}

/// Such as `7 (93.20 %), 1 (4.10 %), 9 (2.30 %)`.
fn class(task: &Classify, probabilities: &[f64]) -> String {
    let ranked = task.ranked(probabilities).into_iter().enumerate();
    let told = ranked
        .filter(|&(rank, answer)| rank == 0 || answer.probability >= WORTH_TELLING)
        .map(|(_, answer)| format!("{} ({:.2} %)", task.classes[answer.class], 100.0 * answer.probability));
    told.collect::<Vec<_>>().join(", ")
}

/// Such as `1-40 walk (98.10 %), 41-60 freeze (71.22 %)`: steps from `first` on, with the mean of the
/// probabilities.
fn runs(tags: &[&str], probability: &[f64], first: usize) -> String {
    let mut told = Vec::new();
    let (mut begin, mut probability) = (first, probability);
    for run in tags.chunk_by(|one, next| one == next) {
        let end = begin + run.len() - 1;
        let steps = if begin == end { begin.to_string() } else { format!("{begin}-{end}") };
        let (own, rest) = probability.split_at(run.len());
        let mean = own.iter().sum::<f64>() / run.len() as f64;
        told.push(format!("{steps} {} ({:.2} %)", run[0], 100.0 * mean));
        (begin, probability) = (end + 1, rest);
    }
    told.join(", ")
}

/// Such as `height 1.832, weight 80.12`; of steps all of them, one after the other.
fn numbers(task: &Task, values: &[f32]) -> String {
    let names = task.names();
    let deviation = |index: usize| match task {
        Task::Regress(task) => f64::from(task.scale.deviation[index]),
        Task::Classify(_) => 1.0,
    };
    let told = names.iter().enumerate().map(|(index, name)| {
        let own = values.iter().skip(index).step_by(names.len());
        let own: Vec<String> =
            own.map(|&value| significant_among(f64::from(value), deviation(index))).collect();
        format!("{name} {}", own.join(" "))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the place of a window does, its steps count in the series that it is of.
    #[test]
    fn steps_of_a_window_are_those_of_its_series() {
        let tags = ["walk", "walk", "rest", "walk"];
        for (first, expected) in [
            (1, "1-2 walk (97.50 %), 3 rest (60.00 %), 4 walk (100.00 %)"),
            (251, "251-252 walk (97.50 %), 253 rest (60.00 %), 254 walk (100.00 %)"),
        ] {
            assert_eq!(runs(&tags, &[1.0, 0.95, 0.6, 1.0], first), expected);
        }
    }
}
