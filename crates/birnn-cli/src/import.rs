//! `birnn import`: weights that PyTorch or safetensors saved, as a network of birnn's.

use std::path::Path;

use birnn_data::Fallback;
use birnn_engine::{About, Classification, Device, EngineError, Experiment, Learner, Plan, Source};
use birnn_formats::{Found, check, read};
use birnn_model::{ModelConfig, Readout};
use serde::Serialize;

use crate::args::ImportArgs;
use crate::export::Format;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{data, fault, print};

/// Reads weights, finds out or checks what net they are of, and writes it.
pub fn run(args: &ImportArgs, log: &Log) -> Outcome {
    let disk = fault::disk()?;
    let format = Format::of(&args.out, args.force)?;
    let problem = |problem: String| Failure::request(format!("{}: {problem}", args.weights.display()));
    let found = Found::new(read(&args.weights)?).map_err(|error| problem(error.to_string()))?;
    for (theirs, ours) in &found.renamed {
        let [theirs, ours] = [theirs, ours].map(|module| module.trim_end_matches('.'));
        tracing::info!("{}: its `{theirs}` is birnn's `{ours}`", args.weights.display());
    }
    let source = match &args.config {
        Some(config) => Source::read(config, &args.sets.sets)?,
        None => inferred(&found, &args.weights, &args.sets.sets)?,
    };
    let plan = source.plan()?;
    let (shape, classes) = match (plan.data.source.known(), &args.config) {
        // A config speaks of data; without one, the weights tell of it as much as they do.
        (Some((shape, classes)), config)
            if config.is_some() || (shape[1], classes.len()) == (found.features, found.outputs) =>
        {
            (shape, classes)
        }
        (_, None) => ([found.features; 2], (0..found.outputs).map(|class| class.to_string()).collect()),
        (_, Some(_)) => {
            let splits = data::load(&plan.data, &args.place.locations(), log, Some(&source))?;
            (splits.shape(), splits.classes)
        }
    };
    check(&found.weights, &plan.architecture, shape[1], classes.len()).map_err(|mismatch| {
        let Found { features, outputs, .. } = found;
        let of = args.config.as_ref().map_or_else(String::new, |config| format!(" of {}", config.display()));
        let looks = found.config.resolve().map_or_else(|error| error.to_string(), |found| found.to_string());
        problem(format!(
            "these look like {looks}, for {features} features and {outputs} classes, and the net{of} is {}, for {} and {}: \
             {mismatch}",
            plan.architecture,
            shape[1],
            classes.len()
        ))
    })?;

    let from = args.weights.file_name().unwrap_or_default().to_string_lossy();
    let mut experiment = source.experiment.clone();
    // Evaluated where its data is missing, the net must not be judged by other data.
    experiment.data.fallback = Fallback::None;
    let text = experiment.to_toml().map_err(Failure::run)?;
    let about = About::new(text, shape, classes, serde_json::json!({ "imported_from": from }));
    let learner = learner(&found, &plan, &about)?;
    tracing::info!(
        "{}: {}, for images of {} x {} and {} classes",
        args.weights.display(),
        plan.architecture,
        shape[0],
        shape[1],
        about.classes.len()
    );
    format.write(&*disk, &args.out, &learner, &about)?;
    if args.config.is_none() {
        return print(&config_of(&source.experiment.model)?);
    }
    Ok(())
}

/// The experiment of weights that came with none, `sets` applied.
fn inferred(found: &Found, weights: &Path, sets: &[String]) -> Result<Source, Failure> {
    let name = Some("imported".to_owned());
    let experiment = Experiment { name, model: found.config.clone(), ..Experiment::default() };
    let source = Source::parse(weights, experiment.to_toml().map_err(Failure::run)?, sets)?;
    let settles =
        |key: &str| sets.iter().any(|set| set.split('=').next().is_some_and(|set| set.trim() == key));
    if found.config.readout != Readout::Attention && !settles("model.readout") {
        tracing::warn!(
            "weights do not tell how a net is read: taking it for `last`, the output at the last time step; if it is another, \
             say so: --set model.readout=final, mean or max"
        );
    }
    if source.experiment.model.nonlinearity.is_some() && !settles("model.nonlinearity") {
        tracing::warn!(
            "weights do not tell tanh from relu: taking it for tanh; else --set model.nonlinearity=relu"
        );
    }
    Ok(source)
}

/// The net with its weights.
fn learner(found: &Found, plan: &Plan, about: &About) -> Result<Learner, Failure> {
    let task = Classification { classes: about.classes.clone(), label_smoothing: plan.train.label_smoothing };
    let mut learner = Learner::new(&plan.architecture, task, about.shape, plan.seed, Device::Cpu)?;
    // All names are there, as they were checked.
    let arrays = learner.names().iter().filter_map(|name| found.weights.get(name));
    let values = arrays.map(birnn_formats::Array::to_tensor).collect::<Result<Vec<_>, _>>();
    learner.restore(&values.map_err(EngineError::from)?)?;
    Ok(learner)
}

/// The net as an experiment file has it.
fn config_of(model: &ModelConfig) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Config<'a> {
        model: &'a ModelConfig,
    }
    toml::to_string(&Config { model }).map_err(Failure::run)
}
