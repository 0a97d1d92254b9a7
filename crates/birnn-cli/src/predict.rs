//! `birnn predict`: what pictures show.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::picture::{FindError, Pictures};
use birnn_data::{Images, Preprocessing, escape, name, picture};
use birnn_infer::{Class, Manifest, Task};
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
    /// How pictures are prepared.
    preprocessing: Preprocessing,
    predictions: Vec<Prediction<'a>>,
    errors: Vec<Unread>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    #[serde(serialize_with = "name::serialize")]
    image: PathBuf,
    class: &'a str,
    probability: f32,
    /// In the order of the classes.
    probabilities: Vec<f32>,
}

#[derive(Serialize)]
struct Unread {
    #[serde(serialize_with = "name::serialize")]
    image: PathBuf,
    error: String,
}

/// Print other classes from this probability on.
const WORTH_TELLING: f64 = 0.01;

/// Classifies every picture that can be read.
pub fn run(args: &PredictArgs, asked: Asked) -> Outcome {
    let Asked { weights, manifest, .. } = &asked;
    let preprocessing = preprocessing(manifest, weights);
    let (predictions, errors) = (Vec::new(), Vec::new());
    let mut report = Report { weights, classes: &manifest.classes, preprocessing, predictions, errors };
    for given in &args.images {
        let pictures = match pictures(given) {
            Ok(pictures) => pictures,
            Err(error) => {
                report.fail(given.clone(), error.to_string());
                continue;
            }
        };
        for path in pictures {
            match picture::read(&path, manifest.shape, &preprocessing) {
                Err(error) => report.fail(path, error.problem),
                Ok(pixels) => {
                    let (prediction, line) = prediction(path, pixels, &asked)?;
                    if !args.json {
                        print(&line)?;
                    }
                    report.predictions.push(prediction);
                }
            }
        }
    }
    if args.json {
        print_json(&report)?;
    }
    let all = report.predictions.len() + report.errors.len();
    match report.errors.as_slice() {
        [] => Ok(()),
        [only] if all == 1 => Err(Failure::request(only)),
        errors => {
            errors.iter().for_each(|error| tracing::error!("{error}"));
            Err(Failure::request(format!("{} of {all} could not be read", errors.len())))
        }
    }
}

/// How pictures are prepared for the net: as its training images were, or as well as can be guessed aloud.
fn preprocessing(manifest: &Manifest, weights: &Path) -> Preprocessing {
    let preprocessing = manifest.preprocessing.unwrap_or_default();
    match manifest.preprocessing {
        Some(_) => tracing::info!("pictures are prepared as its training images were: {preprocessing}"),
        None => tracing::warn!(
            "{0}: it is not known what its training images were like; pictures are prepared as MNIST's: \
             {preprocessing}; to say otherwise: birnn export {0} net.ckpt, then birnn import net.ckpt --out \
             net.safetensors --set data.invert=true --set data.framing=resize, as it was",
            shown(&weights)
        ),
    }
    preprocessing
}

impl Report<'_> {
    fn fail(&mut self, image: PathBuf, error: String) {
        self.errors.push(Unread { image, error });
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", name::text(&self.image), self.error)
    }
}

/// The pictures that are meant; what a folder has beside them is told of.
fn pictures(given: &Path) -> Result<Vec<PathBuf>, FindError> {
    let Pictures { paths, other_files, folders } = picture::find(given)?;
    for (left_out, what) in [(other_files, "files that are no pictures by their names"), (folders, "folders")]
    {
        if !left_out.is_empty() {
            let names: Vec<_> = left_out.iter().filter_map(|path| path.file_name()).map(name::text).collect();
            let (folder, count, names) = (shown(given), left_out.len(), name::first(&names));
            tracing::info!("{folder}: left out {count} {what}: {names}");
        }
    }
    Ok(paths)
}

fn prediction(image: PathBuf, pixels: Vec<u8>, asked: &Asked) -> Result<(Prediction<'_>, String), Failure> {
    let [rows, cols] = asked.manifest.shape;
    let logits = asked.logits(&Images { rows, cols, pixels })?;
    let Task::Classify(task) = &asked.task;
    let probabilities = task.probabilities(&logits);
    let ranked = task.ranked(&probabilities);
    let line = line(&image, &ranked, &task.classes);
    let Class { class, probability } = ranked[0];
    let probabilities = probabilities.into_iter().map(|probability| probability as f32).collect();
    let class = &task.classes[class];
    Ok((Prediction { image, class, probability: probability as f32, probabilities }, line))
}

/// Such as `digit.png: 7 (93.20 %), 1 (4.10 %), 9 (2.30 %)`.
fn line(image: &Path, ranked: &[Class], classes: &[String]) -> String {
    let told = ranked
        .iter()
        .enumerate()
        .filter(|&(rank, answer)| rank == 0 || answer.probability >= WORTH_TELLING)
        .map(|(_, answer)| format!("{} ({:.2} %)", classes[answer.class], 100.0 * answer.probability));
    let found = format!("{}: {}", name::text(image), told.collect::<Vec<_>>().join(", "));
    format!("{}\n", escape::line(&found))
}
