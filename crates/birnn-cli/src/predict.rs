//! `birnn predict`: what pictures show, or what series are of.

mod pictures;
mod series;

use std::path::{Path, PathBuf};

use birnn_data::{Modality, Preprocessing, Sequences, Series, escape, name};
use birnn_infer::{Class, Task};
use serde::Serialize;

use crate::args::PredictArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "name::serialize")]
    weights: &'a Path,
    classes: &'a [String],
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
    class: &'a str,
    probability: f32,
    /// In the order of the classes.
    probabilities: Vec<f32>,
}

#[derive(Serialize)]
struct Unread {
    #[serde(flatten)]
    sample: Sample,
    error: String,
}

/// Where a sample is, by which its answer is known.
#[derive(Serialize)]
#[serde(untagged)]
enum Sample {
    Picture {
        #[serde(serialize_with = "name::serialize")]
        image: PathBuf,
    },
    Series {
        #[serde(serialize_with = "name::serialize")]
        file: PathBuf,
        /// From 1; of a file that cannot be read there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
}

/// Print other classes from this probability on.
const WORTH_TELLING: f64 = 0.01;

/// Names the class of every sample that can be read.
pub fn run(args: &PredictArgs, asked: Asked) -> Outcome {
    let Asked { weights, manifest, .. } = &asked;
    let (preprocessing, series) = match &manifest.modality {
        Modality::Images { preprocessing, .. } => {
            (Some(pictures::preprocessing(*preprocessing, weights)), None)
        }
        Modality::Series(series) => (None, Some(series)),
    };
    let (predictions, errors) = (Vec::new(), Vec::new());
    let report = Report { weights, classes: &manifest.classes, preprocessing, series, predictions, errors };
    let mut answers = Answers { asked: &asked, prints: !args.json, report };
    match &manifest.modality {
        Modality::Images { shape, .. } => {
            pictures::each(&args.samples, *shape, preprocessing.unwrap_or_default(), &mut answers)?;
        }
        Modality::Series(series) => series::each(&args.samples, series, &mut answers)?,
    }
    let Report { predictions, errors, .. } = &answers.report;
    if args.json {
        print_json(&answers.report)?;
    }
    let all = predictions.len() + errors.len();
    match errors.as_slice() {
        [] => Ok(()),
        [only] if all == 1 => Err(Failure::request(only)),
        errors => {
            errors.iter().for_each(|error| tracing::error!("{error}"));
            Err(Failure::request(format!("{} of {all} could not be read", errors.len())))
        }
    }
}

/// Answers as they are found, and what could not be read.
struct Answers<'a> {
    asked: &'a Asked,
    /// Whether each is printed at once.
    prints: bool,
    report: Report<'a>,
}

impl Answers<'_> {
    /// Asks for the class of each of `sequences`, which are `samples`.
    fn answer(&mut self, samples: Vec<Sample>, sequences: &Sequences) -> Result<(), Failure> {
        let Task::Classify(task) = &self.asked.task;
        let logits = self.asked.logits(sequences)?;
        for (sample, logits) in samples.into_iter().zip(logits.chunks_exact(task.classes.len())) {
            let probabilities = task.probabilities(logits);
            let ranked = task.ranked(&probabilities);
            if self.prints {
                print(&line(&sample, &ranked, &task.classes))?;
            }
            let Class { class, probability } = ranked[0];
            let probabilities = probabilities.into_iter().map(|probability| probability as f32).collect();
            let (class, probability) = (task.classes[class].as_str(), probability as f32);
            self.report.predictions.push(Prediction { sample, class, probability, probabilities });
        }
        Ok(())
    }

    fn fail(&mut self, sample: Sample, error: String) {
        self.report.errors.push(Unread { sample, error });
    }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sample::Picture { image } => f.write_str(&name::text(image)),
            Sample::Series { file, line: None } => f.write_str(&name::text(file)),
            Sample::Series { file, line: Some(line) } => write!(f, "{}:{line}", name::text(file)),
        }
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.sample, self.error)
    }
}

/// Such as `digit.png: 7 (93.20 %), 1 (4.10 %), 9 (2.30 %)`.
fn line(sample: &Sample, ranked: &[Class], classes: &[String]) -> String {
    let told = ranked
        .iter()
        .enumerate()
        .filter(|&(rank, answer)| rank == 0 || answer.probability >= WORTH_TELLING)
        .map(|(_, answer)| format!("{} ({:.2} %)", classes[answer.class], 100.0 * answer.probability));
    let found = format!("{sample}: {}", told.collect::<Vec<_>>().join(", "));
    format!("{}\n", escape::line(&found))
}
