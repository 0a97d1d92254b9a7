//! `birnn import`: weights that PyTorch or safetensors saved, as a network of birnn's.

use std::path::Path;

use birnn_data::{Fallback, Preprocessing};
use birnn_engine::{About, Classification, Device, EngineError, Experiment, Learner, Plan, Source, load};
use birnn_formats::{Found, check, read};
use birnn_model::{Cell, ModelConfig, Readout};
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
    let written = match &args.config {
        Some(config) => Some(Source::read(config, &args.sets.sets)?),
        None => None,
    };
    let problem = |problem: String| Failure::request(format!("{}: {problem}", args.weights.display()));
    if load(&args.weights, Device::Cpu).is_ok() {
        return Err(problem(
            "is a weights file of birnn's; eval, predict and export take it as it is".to_owned(),
        ));
    }
    let found = Found::new(read(&args.weights)?).map_err(|error| problem(error.to_string()))?;
    let source = match &written {
        Some(source) => source.clone(),
        None => inferred(&found, &args.weights, &args.sets.sets)?,
    };
    let plan = source.plan()?;
    let (shape, classes, preprocessing) = images(args, &found, &plan, &source, log)?;
    check(&found.weights, &plan.architecture, shape[1], classes.len()).map_err(|mismatch| {
        let Found { features, outputs, .. } = found;
        let looks = found.config.resolve().map_or_else(|error| error.to_string(), |found| found.to_string());
        problem(match &args.config {
            None => format!("nearly {looks}, for {features} features and {outputs} classes, but {mismatch}"),
            Some(config) => format!(
                "these look like {looks}, for {features} features and {outputs} classes, and the net of {} is {}, for {} and \
                 {}: {mismatch}; without --config, it is told from the weights",
                config.display(),
                plan.architecture,
                shape[1],
                classes.len()
            ),
        })
    })?;

    let said =
        args.config.is_some() || args.sets.sets.iter().any(|set| set.trim_start().starts_with("data."));
    // What the images were like is in no weights.
    let preprocessing = if said { preprocessing.or_else(|| plan.data.preprocessing()) } else { None };
    let from = birnn_data::name::text(args.weights.file_name().unwrap_or_default());
    let mut experiment = source.experiment.clone();
    // Evaluated where its data is missing, the net must not be judged by other data.
    experiment.data.fallback = Fallback::None;
    let text = experiment.to_toml().map_err(Failure::run)?;
    let about = About::new(text, shape, classes, preprocessing, serde_json::json!({ "imported_from": from }));
    let learner = learner(&found, &plan, &about)?;
    tell(args, &found, &plan, &about);
    format.write(&*disk, &args.out, &learner, &about)?;
    if args.config.is_none() {
        return print(&config_of(&source.experiment.model)?);
    }
    Ok(())
}

/// Rows and columns of an image, and the classes. A config speaks of data; without one, weights tell of it as much as they do.
fn images(
    args: &ImportArgs,
    found: &Found,
    plan: &Plan,
    source: &Source,
    log: &Log,
) -> Result<([usize; 2], Vec<String>, Option<Preprocessing>), Failure> {
    let mut preprocessing = None;
    let (shape, classes) = match (plan.data.source.known(), &args.config) {
        (Some((shape, classes)), Some(_)) => (shape, classes),
        (Some((shape, classes)), None) if (shape[1], classes.len()) == (found.features, found.outputs) => {
            (shape, classes)
        }
        (_, None) => ([found.features; 2], (0..found.outputs).map(|class| class.to_string()).collect()),
        (None, Some(_)) => {
            let splits = data::load(&plan.data, &args.place.locations(), log, Some(source))?;
            preprocessing = Some(splits.preprocessing);
            (splits.shape(), splits.classes)
        }
    };
    if args.classes.is_empty() {
        return Ok((shape, classes, preprocessing));
    }
    if args.classes.len() != found.outputs {
        let (names, outputs) = (args.classes.len(), found.outputs);
        return Err(Failure::request(format!("--classes: {names} names for a net of {outputs} classes")));
    }
    Ok((shape, args.classes.clone(), preprocessing))
}

/// Says what was found, and what could not be.
fn tell(args: &ImportArgs, found: &Found, plan: &Plan, about: &About) {
    let weights = args.weights.display();
    for (theirs, ours) in &found.renamed {
        let [theirs, ours] = [theirs, ours].map(|module| module.trim_end_matches('.'));
        tracing::info!("{weights}: its `{theirs}` is birnn's `{ours}`");
    }
    if found.without_biases {
        tracing::info!("{weights}: saved without biases; here they are zeros, which is the same net");
    }
    let ([rows, cols], classes) = (about.shape, about.classes.len());
    tracing::info!("{weights}: {}, for images of {rows} x {cols} and {classes} classes", plan.architecture);
    let settled = |key: &str| {
        args.sets.sets.iter().any(|set| set.split('=').next().is_some_and(|set| set.trim() == key))
    };
    if args.config.is_none() && found.config.readout != Readout::Attention && !settled("model.readout") {
        let config = args.weights.with_file_name("config.toml");
        let hint = match config.is_file() {
            true => format!("--config {}", config.display()),
            false => "--set model.readout=final, mean or max".to_owned(),
        };
        tracing::warn!(
            "weights do not tell how a net is read: taking it for `last`, the output at the last time step; if it is another, \
             say so: {hint}"
        );
    }
    let rnn = plan.architecture.cell == Cell::RnnTanh;
    if args.config.is_none() && rnn && !settled("model.nonlinearity") {
        tracing::warn!(
            "weights do not tell tanh from relu: taking it for tanh; else --set model.nonlinearity=relu"
        );
    }
}

/// The experiment of weights that came with none, `sets` applied.
fn inferred(found: &Found, weights: &Path, sets: &[String]) -> Result<Source, Failure> {
    let name = Some("imported".to_owned());
    let experiment = Experiment { name, model: found.config.clone(), ..Experiment::default() };
    Ok(Source::parse(weights, experiment.to_toml().map_err(Failure::run)?, sets)?)
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
