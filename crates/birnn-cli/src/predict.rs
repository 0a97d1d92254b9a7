//! `birnn predict`: what pictures show.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{Preprocessing, escape, name, picture};
use birnn_engine::{About, Learner};
use serde::Serialize;

use crate::args::PredictArgs;
use crate::eval::{Trained, open};
use crate::failure::{Failure, Outcome};
use crate::{print, print_json};

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

/// The endings of what a folder is searched for.
const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "bmp", "pnm", "pgm", "ppm", "pbm"];
/// Print other classes from this probability on.
const WORTH_TELLING: f32 = 0.01;

/// Classifies every picture that can be read.
pub fn run(args: &PredictArgs) -> Outcome {
    let Trained { weights, mut learner, about } = open(&args.run, args.device)?;
    let preprocessing = preprocessing(&about, &weights);
    let (predictions, errors) = (Vec::new(), Vec::new());
    let mut report =
        Report { weights: &weights, classes: &about.classes, preprocessing, predictions, errors };
    for given in &args.images {
        let pictures = match pictures(given) {
            Ok(pictures) => pictures,
            Err(error) => {
                report.fail(given.clone(), error);
                continue;
            }
        };
        for path in pictures {
            match picture::read(&path, about.shape, &preprocessing) {
                Err(error) => report.fail(path, error.problem),
                Ok(pixels) => {
                    let prediction = prediction(path, &pixels, &mut learner, &about.classes)?;
                    if !args.json {
                        print(&line(&prediction, &about.classes))?;
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
fn preprocessing(about: &About, weights: &Path) -> Preprocessing {
    let preprocessing = about.preprocessing.unwrap_or_default();
    match about.preprocessing {
        Some(_) => tracing::info!("pictures are prepared as its training images were: {preprocessing}"),
        None => tracing::warn!(
            "{0}: it is not known what its training images were like; pictures are prepared as MNIST's: {preprocessing}; to say \
             otherwise: birnn export {0} net.ckpt, then birnn import net.ckpt --out net.safetensors --set data.invert=true \
             --set data.framing=resize, as it was",
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

/// A picture, the pictures in a folder, or those of a pattern that no shell has taken up.
fn pictures(given: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = match given {
        _ if given.is_dir() => in_folder(given)?,
        pattern if !given.exists() && pattern.to_string_lossy().contains(['*', '?', '[']) => {
            let parts = pattern.iter().map(Part::of).collect::<Result<Vec<_>, _>>();
            let mut found = Vec::new();
            matching(PathBuf::new(), &parts.map_err(|error| format!("as a pattern: {error}"))?, &mut found)?;
            found
        }
        _ => vec![given.to_owned()],
    };
    if found.is_empty() {
        return Err(match given.is_dir() {
            true => format!(
                "no pictures in this folder itself (*.{}); for those of the folders in it: '{}'",
                EXTENSIONS.join(", *."),
                shown(&given.join("*/*"))
            ),
            false => "no file is called so".to_owned(),
        });
    }
    found.sort();
    Ok(found)
}

/// Adds what there is in `folder` under names that match these parts of a path; `**` is any number of
/// folders. Names that are no UTF-8 match by what is of it, which the glob crate's own walk would pass over.
fn matching(folder: PathBuf, parts: &[Part], found: &mut Vec<PathBuf>) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        found.push(folder);
        return Ok(());
    };
    let pattern = match part {
        Part::Name(name) => {
            let path = folder.join(name);
            return if path.exists() { matching(path, rest, found) } else { Ok(()) };
        }
        Part::Pattern(pattern) => pattern,
    };
    let any_depth = pattern.as_str() == "**";
    if any_depth {
        matching(folder.clone(), rest, found)?;
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    if !place.is_dir() {
        return Ok(());
    }
    let about = |error: std::io::Error| format!("{}: {error}", name::text(place));
    for entry in std::fs::read_dir(place).map_err(about)? {
        let name = entry.map_err(about)?.file_name();
        let path = folder.join(&name);
        // A link to a folder could lead back.
        if any_depth && path.is_dir() && !path.is_symlink() {
            matching(path, parts, found)?;
        } else if !any_depth && pattern.matches(&name.to_string_lossy()) {
            matching(path, rest, found)?;
        }
    }
    Ok(())
}

/// A part of a path that was given: the name of a file or folder, or a pattern of names.
enum Part<'a> {
    Name(&'a OsStr),
    Pattern(glob::Pattern),
}

impl Part<'_> {
    fn of(part: &OsStr) -> Result<Part<'_>, glob::PatternError> {
        let text = part.to_string_lossy();
        if text.contains(['*', '?', '[']) {
            glob::Pattern::new(&text).map(Part::Pattern)
        } else {
            Ok(Part::Name(part))
        }
    }
}

/// The pictures in a folder; what else there is, is told of.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.is_dir());
    let (pictures, others): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| is_picture(path));
    if !pictures.is_empty() {
        for (others, what) in [(others, "files that are no pictures by their names"), (folders, "folders")] {
            if !others.is_empty() {
                tracing::info!("{}: left out {} {what}: {}", shown(&folder), others.len(), listed(others));
            }
        }
    }
    Ok(pictures)
}

/// The names of some files.
fn listed(mut paths: Vec<PathBuf>) -> String {
    paths.sort();
    let names: Vec<String> = paths.iter().filter_map(|path| path.file_name()).map(name::text).collect();
    name::first(&names)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

fn prediction<'a>(
    image: PathBuf,
    pixels: &[u8],
    learner: &mut Learner,
    classes: &'a [String],
) -> Result<Prediction<'a>, Failure> {
    let probabilities = learner.predict(pixels)?;
    let best = by_probability(&probabilities)[0];
    Ok(Prediction { image, class: &classes[best], probability: probabilities[best], probabilities })
}

/// The classes, the likeliest first.
fn by_probability(probabilities: &[f32]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    classes
}

/// Such as `digit.png: 7 (93.20 %), 1 (4.10 %), 9 (2.30 %)`.
fn line(found: &Prediction, classes: &[String]) -> String {
    let Prediction { image, probabilities, .. } = found;
    let told = by_probability(probabilities)
        .into_iter()
        .enumerate()
        .filter(|&(place, class)| place == 0 || probabilities[class] >= WORTH_TELLING)
        .map(|(_, class)| format!("{} ({:.2} %)", classes[class], 100.0 * probabilities[class]));
    let found = format!("{}: {}", name::text(image), told.collect::<Vec<_>>().join(", "));
    format!("{}\n", escape::line(&found))
}
