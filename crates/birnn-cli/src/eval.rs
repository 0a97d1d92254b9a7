//! `birnn eval`: how a trained network does on a set of images.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{Splits, escape, name};
use birnn_engine::{About, DeviceChoice, EngineError, Evaluation, Learner, Mistake, Samples, WEIGHTS, load};
use serde::Serialize;

use crate::args::{EvalArgs, SplitName};
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::train::resume_command;
use crate::{data, print, print_json, run_data};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "name::serialize")]
    weights: &'a Path,
    dataset: &'a str,
    split: &'a str,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    mistakes: &'a [Mistake],
}

/// Evaluates a run on one of its splits.
pub fn run(args: &EvalArgs, log: &Log) -> Outcome {
    let Trained { weights, mut learner, about } = open(&args.run, args.device)?;
    let config = match &args.dataset {
        None => run_data::config(&about, &weights, &args.sets, &args.place)?,
        Some(name) => run_data::named(name, &about),
    };
    let plan = config.resolve().map_err(Failure::request)?;
    let splits = data::load(&plan, &args.place.locations(), log, None)?;
    suits(&weights, &about, &splits)?;
    run_data::warn_of_preprocessing(&weights, &about, &splits);
    if args.dataset.is_none() {
        run_data::warn_of_change(&args.run, &about, &splits);
    }
    let (name, split) = match args.split {
        SplitName::Test => ("test", splits.test),
        SplitName::Validation => ("validation", splits.validation),
        SplitName::Train => ("train", splits.train),
    };
    if split.labels.is_empty() {
        return Err(Failure::request(
            "--split: the run kept no validation images back (`data.validation` is 0)",
        ));
    }
    let samples = Samples::new(split, learner.device).map_err(EngineError::from)?;
    let evaluation = learner.evaluate(&samples)?;
    let dataset = &splits.provenance.dataset;
    if args.json {
        return print_json(&Report {
            weights: &weights,
            dataset,
            split: name,
            evaluation: &evaluation,
            mistakes: &evaluation.mistakes,
        });
    }
    print(&table(&evaluation, dataset, name, &learner))
}

/// Whether a net is for such images and classes.
pub fn suits(weights: &Path, about: &About, splits: &Splits) -> Outcome {
    let ([rows, cols], classes) = (splits.shape(), splits.classes.len());
    let ([net_rows, net_cols], net_classes) = (about.shape, about.classes.len());
    if (splits.shape(), classes) == (about.shape, net_classes) {
        return Ok(());
    }
    Err(Failure::request(format!(
        "{}: is for {net_rows} x {net_cols} images of {net_classes} classes, these are {rows} x {cols} of {classes}",
        shown(&weights)
    )))
}

/// A trained network.
pub struct Trained {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// The network.
    pub learner: Learner,
    /// What the file says of itself.
    pub about: About,
}

/// Reads the network of a run directory, or of a weights file; says so where something stood in for its data.
pub fn open(run: &Path, device: DeviceChoice) -> Result<Trained, Failure> {
    let device = device.resolve().map_err(|error| Failure::request(format!("--device: {error}")))?;
    let weights = weights_of(run)?;
    match weights.extension().and_then(|extension| extension.to_str()) {
        Some("ckpt" | "pt" | "pth") => {
            return Err(Failure::request(format!(
                "{0}: not a weights file of birnn; bring a PyTorch state dict in first: birnn import {0} --out \
                 model.safetensors",
                shown(&weights)
            )));
        }
        Some("onnx") => {
            return Err(Failure::request(format!(
                "{}: birnn writes ONNX and reads none; name the run that it is of, or its .safetensors file; or bring its \
                 .ckpt in: birnn import model.ckpt --out model.safetensors",
                shown(&weights)
            )));
        }
        _ => {}
    }
    let (learner, about) = load(&weights, device).map_err(|error| match run.is_dir() {
        true => Failure::request(format!(
            "{error}; name another of its weights files ({}), or write it anew: {}",
            WEIGHTS.join(", "),
            resume_command("train", run)
        )),
        false => error.into(),
    })?;
    if let Some(dataset) = about.data["substitute_for"].as_str() {
        let dataset = dataset.to_uppercase();
        tracing::warn!("{}: trained on SYNTHETIC DIGITS, NOT ON {dataset}", shown(&weights));
    }
    Ok(Trained { weights, learner, about })
}

/// The weights to use of a run directory: the final ones, else those of its latest checkpoint.
fn weights_of(run: &Path) -> Result<PathBuf, Failure> {
    if !run.is_dir() {
        return match run.exists() {
            true => Ok(run.to_owned()),
            false => Err(Failure::request(format!(
                "{}: there is no such run; name a run directory, or a weights file",
                shown(&run)
            ))),
        };
    }
    let weights_in = |run: &Path| WEIGHTS.iter().map(|name| run.join(name)).find(|path| path.is_file());
    let found = weights_in(run).ok_or_else(|| {
        // A folder of runs, or of a sweep, may be what was named.
        let within = std::fs::read_dir(run).into_iter().flatten().flatten().map(|entry| entry.path());
        let within = within.filter(|path| weights_in(path).is_some()).max();
        let meant = within.map_or_else(String::new, |path| format!("; did you mean {}?", shown(&path)));
        Failure::request(format!("{}: holds no weights ({}){meant}", shown(&run), WEIGHTS.join(", ")))
    })?;
    if !found.ends_with(WEIGHTS[0]) {
        tracing::info!("the run is not finished: using {}", shown(&found));
    }
    Ok(found)
}

fn table(found: &Evaluation, dataset: &str, split: &str, learner: &Learner) -> String {
    let names: Vec<_> = learner.task.classes.iter().map(|name| escape::line(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!(
        "{dataset}, {} {split} images: accuracy {:.2} %, loss {:.4}\n\n",
        found.images,
        100.0 * found.accuracy,
        found.loss
    );
    // Writing into a string does not fail.
    let _ = writeln!(text, "{:width$}  precision   recall       f1  images", "class");
    for score in &found.classes {
        let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        let name = escape::line(&score.class);
        let _ = writeln!(
            text,
            "{name:width$}  {precision:7.2} %  {recall:4.2} %  {f1:4.2} %  {:6}",
            score.images
        );
    }
    text.push_str("\nconfusion: one row per label, one column per prediction\n");
    let cell = found.confusion.iter().flatten().max().map_or(1, |most| most.to_string().len()).max(2);
    let _ = write!(text, "{:width$}", "");
    for column in 0..names.len() {
        let _ = write!(text, " {column:>cell$}");
    }
    text.push('\n');
    for (name, row) in names.iter().zip(&found.confusion) {
        let _ = write!(text, "{name:width$}");
        for count in row {
            let _ = write!(text, " {count:>cell$}");
        }
        text.push('\n');
    }
    text
}
