//! A trained net that the user named, to be asked.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{Images, Splits};
use birnn_infer::{Manifest, Predictor, Task, WeightsError, cpu};
use birnn_run::WEIGHTS;

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

    /// A net that was read from `weights`, and is asked by `logits`. Says so where something stood in for its data.
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
        false => error.into(),
    }
}

/// What there is to type to go on with a run or a sweep, the way that the user started this process.
pub fn resume_command(command: &str, folder: &Path) -> String {
    let program = if std::env::var_os("CARGO").is_some() { "cargo xtask" } else { "birnn" };
    format!("{program} {command} --resume {}", shown(&folder))
}

/// Whether a net is for such images and classes.
pub fn suits(weights: &Path, manifest: &Manifest, splits: &Splits) -> Outcome {
    let ([rows, cols], classes) = (splits.shape(), splits.classes.len());
    let ([net_rows, net_cols], net_classes) = (manifest.shape, manifest.classes.len());
    if (splits.shape(), classes) == (manifest.shape, net_classes) {
        return Ok(());
    }
    Err(Failure::request(format!(
        "{}: is for {net_rows} x {net_cols} images of {net_classes} classes, these are {rows} x {cols} of {classes}",
        shown(&weights)
    )))
}

/// The weights file that is meant: a file itself, or of a run directory the final weights, else those of its latest
/// checkpoint.
pub fn weights_of(run: &Path) -> Result<PathBuf, Failure> {
    let found = if run.is_dir() { in_folder(run)? } else { run.to_owned() };
    let refuse = |problem: &str| Err(Failure::request(format!("{}: {problem}", shown(&found))));
    if !found.exists() {
        return refuse("there is no such run; name a run directory, or a weights file");
    }
    match found.extension().and_then(|extension| extension.to_str()) {
        Some("ckpt" | "pt" | "pth") => refuse(&format!(
            "not a weights file of birnn; bring a PyTorch state dict in first: birnn import {} --out model.safetensors",
            shown(&found)
        )),
        Some("onnx") => refuse(
            "birnn writes ONNX and reads none; name the run that it is of, or its .safetensors file; or bring its .ckpt \
             in: birnn import model.ckpt --out model.safetensors",
        ),
        _ => Ok(found),
    }
}

fn in_folder(run: &Path) -> Result<PathBuf, Failure> {
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
