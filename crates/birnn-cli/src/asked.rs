//! A trained net that the user named, to be asked.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{Images, Splits};
use birnn_infer::{Manifest, Predictor, Task, WeightsError, WeightsProblem, cpu};
use birnn_run::{WEIGHTS, weights_of};

use crate::failure::{Failure, Outcome};

/// A trained net, and who works out its answers.
pub struct Asked {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// What the file says of itself.
    pub manifest: Manifest,
    /// What it is asked for.
    pub task: Task,
    logits: Box<Logits>,
}

/// The logits for some images, one after the other.
pub type Logits = dyn Fn(&Images) -> Result<Vec<f32>, Failure>;

impl Asked {
    /// The net of a run directory, or of a weights file, to be asked on the CPU.
    pub fn on_the_cpu(run: &Path) -> Result<Asked, Failure> {
        let weights = weights_of(run)?;
        let predictor = Predictor::open(&weights).map_err(|error| unusable(run, error))?;
        let manifest = predictor.manifest().clone();
        let logits = move |images: &Images| Ok(predictor.logits_of_all(&images.pixels, cpu::threads()));
        Ok(Asked::new(weights, manifest, Box::new(logits)))
    }

    /// A net that was read from `weights`, and is asked by `logits`. Says so where something stood in for its
    /// data.
    pub fn new(weights: PathBuf, manifest: Manifest, logits: Box<Logits>) -> Asked {
        warn_of_substitution(&weights, &manifest);
        Asked { task: Task::of(&manifest), weights, manifest, logits }
    }

    /// Its logits for images of the manifest's shape, one after the other.
    pub fn logits(&self, images: &Images) -> Result<Vec<f32>, Failure> {
        (self.logits)(images)
    }
}

/// Says so where synthetic digits stood in for what a net was to be trained on.
pub fn warn_of_substitution(weights: &Path, manifest: &Manifest) {
    if let Some(dataset) = manifest.data["substitute_for"].as_str() {
        let dataset = dataset.to_uppercase();
        tracing::warn!("{}: trained on SYNTHETIC DIGITS, NOT ON {dataset}", shown(&weights));
    }
}

/// Why the weights of `run` cannot be used, and what can be done.
pub fn unusable(run: &Path, error: WeightsError) -> Failure {
    match run.is_dir() {
        true => Failure::request(format!(
            "{error}; name another of its weights files ({}), or write it anew: {}",
            WEIGHTS.join(", "),
            resume_command("train", run)
        )),
        false if matches!(error.problem, WeightsProblem::Unusable(_)) => {
            Failure::request(format!("{error}; take an intact copy of the file"))
        }
        false => error.into(),
    }
}

/// What there is to type to go on with a run or a sweep, the way that the user started this process.
pub fn resume_command(command: &str, folder: &Path) -> String {
    let program = if std::env::var_os("CARGO").is_some() { "cargo xtask" } else { "birnn" };
    format!("{program} {command} --resume {}", shown(&folder))
}

/// Whether a net is for such images and classes. Classes of other names are said to be; the same in another
/// order would be judged wrongly.
pub fn suits(weights: &Path, manifest: &Manifest, splits: &Splits) -> Outcome {
    let ([rows, cols], classes) = (splits.shape(), splits.classes.len());
    let ([net_rows, net_cols], net_classes) = (manifest.shape, manifest.classes.len());
    if (splits.shape(), classes) != (manifest.shape, net_classes) {
        return Err(Failure::request(format!(
            "{}: is for {net_rows} x {net_cols} images of {net_classes} classes, these are {rows} x {cols} \
             of {classes}; name a net for these, or other data",
            shown(&weights)
        )));
    }
    if splits.classes == manifest.classes {
        return Ok(());
    }
    let [own, given] = [&manifest.classes, &splits.classes].map(|names| birnn_data::name::first(names));
    if manifest.classes.iter().all(|name| splits.classes.contains(name)) {
        return Err(Failure::request(format!(
            "{}: its classes are in the order {own}, the data's in {given}; `data.classes` says which is \
             which",
            shown(&weights)
        )));
    }
    tracing::warn!(
        "{}: its classes are {own}, the data's {given}: they are taken for each other in this order",
        shown(&weights)
    );
    Ok(())
}

/// Says so where images are shown to a net otherwise than those that it learnt from.
pub fn warn_of_preprocessing(weights: &Path, manifest: &Manifest, splits: &Splits) {
    let (Some(net), now) = (manifest.preprocessing, splits.preprocessing) else { return };
    if (net.ground, net.transposed) != (now.ground, now.transposed) {
        tracing::warn!(
            "{}: learnt from images {net}; these are {now}: data.invert and data.transpose say how they are \
             read",
            shown(&weights)
        );
    }
}

/// Says so where files have other content than when the run was trained.
pub fn warn_of_change(run: &Path, manifest: &Manifest, splits: &Splits) {
    let files = &splits.provenance.files;
    let changed = manifest.changed_files(&serde_json::json!({ "files": files }));
    let names: Vec<String> = changed.into_iter().map(|index| shown(&files[index].path).to_string()).collect();
    if !names.is_empty() {
        tracing::warn!(
            "{}: its data is not what it was when the run was trained; other content: {}",
            shown(&run),
            names.join(", ")
        );
    }
}
