//! `birnn import`: weights that PyTorch or safetensors saved, as a network of birnn's.

mod tell;

use std::path::Path;

use birnn_data::name::shown;
use birnn_data::{Fallback, Preprocessing, check_class_names};
use birnn_engine::{
    About, Classification, Device, EngineError, Experiment, Learner, Plan, Source, WeightsError,
    WeightsProblem, load,
};
use birnn_formats::{InferredModel, Normalisation, check, read_key};
use birnn_model::{ModelConfig, tensor_of};
use serde::Serialize;

use self::tell::Import;
use crate::args::ImportArgs;
use crate::beside::Beside;
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
    let problem = |problem: String| Failure::request(format!("{}: {problem}", shown(&args.weights)));
    match load(&args.weights, Device::Cpu) {
        Ok(_) => {
            let own = "is a weights file of birnn's; eval, predict and export take it as it is";
            return Err(problem(own.to_owned()));
        }
        Err(WeightsError { problem: WeightsProblem::Foreign(_) | WeightsProblem::Io(_), .. }) => {}
        // One of birnn's own that is damaged, or of a format that is not known, is not to be read as if it
        // were another's.
        Err(error) => return Err(error.into()),
    }
    let weights = read_key(&args.weights, args.key.as_deref())?;
    let mut found = InferredModel::new(weights).map_err(|error| problem(error.to_string()))?;
    let beside = if written.is_some() { None } else { Beside::of(&args.weights) };
    let source = match (&written, &beside) {
        (Some(source), _) => source.clone(),
        (None, Some(beside)) => beside.source(&args.sets.sets)?,
        (None, None) => inferred(&found, &args.weights, &args.sets.sets)?,
    };
    let plan = source.plan()?;
    let Images { shape, classes, preprocessing } =
        images(args, &found, beside.as_ref(), &plan, &source, log)?;
    check(&found.weights, &plan.architecture, shape[1], classes.len()).map_err(|mismatch| {
        let (features, outputs) = (found.features, found.outputs);
        let looks = found.config.resolve().map_or_else(|error| error.to_string(), |found| found.to_string());
        let own = format!("{}.", plan.architecture.cell.prefix());
        let is_elsewhere = |name: &String| name.contains("weight_hh_l") && !name.starts_with(&own);
        let several = mismatch.unexpected.iter().any(is_elsewhere);
        let mismatch = mismatch.named(|name| found.own_name(name));
        problem(match (&args.config, &beside) {
            (None, Some(beside)) => format!(
                "these look like {looks}, for {features} features and {outputs} classes, and the net of {} beside it is {}, for {} \
                 and {}: {mismatch}; if that file is of other weights, move it away",
                shown(&beside.path),
                plan.architecture,
                shape[1],
                classes.len()
            ),
            (None, None) => format!(
                "nearly {looks}, for {features} features and {outputs} classes, but {mismatch}{}",
                match several {
                    false => "",
                    true => "; of several nets, --key names the one that is meant, by what its names begin with",
                }
            ),
            (Some(config), _) => format!(
                "these look like {looks}, for {features} features and {outputs} classes, and the net of {} is {}, for {} and \
                 {}: {mismatch}; without --config, it is told from the weights",
                shown(&config),
                plan.architecture,
                shape[1],
                classes.len()
            ),
        })
    })?;

    match &args.config {
        Some(_) => source.suits(shape[0])?,
        None => source.experiment.suits(shape[0]).map_err(|invalid| problem(invalid.message))?,
    }
    let input = normalisation(args);
    if let Some(input) = &input {
        found.fold(input).map_err(|error| Failure::request(format!("--mean and --std: {error}")))?;
    }

    // What the images were like is in no weights.
    let set = ["data.dataset", "data.invert", "data.transpose", "data.framing"]
        .iter()
        .any(|key| source.is_set(key));
    let said = args.config.is_some() || set;
    let preprocessing = if said { preprocessing.or_else(|| plan.data.preprocessing()) } else { None };
    let preprocessing =
        preprocessing.or_else(|| beside.as_ref().and_then(|beside| beside.preprocessing(&source)));
    let mut experiment = source.experiment.clone();
    // Evaluated where its data is missing, the net must not be judged by other data.
    experiment.data.fallback = Fallback::None;
    let text = experiment.to_toml().map_err(Failure::run)?;
    let about =
        About::new(text, shape, classes, preprocessing, origin(args, beside.as_ref(), input.as_ref()));
    // Before anything is said of what could never be read again.
    about.check_weights().map_err(|error| problem(error.to_string()))?;
    let learner = learner(&found, &plan, &about)?;
    let beside = beside.as_ref();
    Import { args, found: &found, beside, source: &source, plan: &plan, about: &about }.tell();
    format.write(&*disk, &args.out, &learner, &about)?;
    if args.config.is_none() {
        return print(&config_of(&source.experiment.model)?);
    }
    Ok(())
}

/// What the net reads and answers.
struct Images {
    /// Rows and columns.
    shape: [usize; 2],
    classes: Vec<String>,
    /// As data that was read shows it.
    preprocessing: Option<Preprocessing>,
}

/// The images and classes that the net is for. A config speaks of data; without one, weights tell of it as
/// much as they do.
fn images(
    args: &ImportArgs,
    found: &InferredModel,
    beside: Option<&Beside>,
    plan: &Plan,
    source: &Source,
    log: &Log,
) -> Result<Images, Failure> {
    let mut preprocessing = None;
    let rows = args.rows.map(|rows| rows as usize);
    // A data set that is asked for is another than the description's.
    let told = beside.map(|Beside { description, .. }| description);
    let known = plan.data.source.known().filter(|_| told.is_none() || source.is_set("data.dataset"));
    let (shape, classes) = match (known, &args.config) {
        (Some((shape, classes)), Some(_)) => (shape, classes),
        (Some((shape, classes)), None) if (shape[1], classes.len()) == (found.features, found.outputs) => {
            ([rows.or(told.map(|told| told.rows)).unwrap_or(shape[0]), shape[1]], classes)
        }
        (_, None) => match told {
            Some(told) => {
                let set = source.experiment.data.classes.as_ref().filter(|_| source.is_set("data.classes"));
                ([rows.unwrap_or(told.rows), told.columns], set.unwrap_or(&told.classes).clone())
            }
            None => (
                [rows.unwrap_or(found.features), found.features],
                (0..found.outputs).map(|class| class.to_string()).collect(),
            ),
        },
        (None, Some(_)) => {
            let splits = data::load(&plan.data, &args.place.locations(), log, Some(source))?;
            preprocessing = Some(splits.preprocessing);
            (splits.shape(), splits.classes)
        }
    };
    if let (Some(rows), Some(config)) = (rows, &args.config)
        && rows != shape[0]
    {
        let (config, there) = (shown(&config), shape[0]);
        return Err(Failure::request(format!("--rows {rows}: the images of {config} have {there} rows")));
    }
    if args.classes.is_empty() {
        return Ok(Images { shape, classes, preprocessing });
    }
    if args.classes.len() != found.outputs {
        let (names, outputs) = (args.classes.len(), found.outputs);
        return Err(Failure::request(format!("--classes: {names} names for a net of {outputs} classes")));
    }
    check_class_names(&args.classes).map_err(|problem| Failure::request(format!("--classes: {problem}")))?;
    Ok(Images { shape, classes: args.classes.clone(), preprocessing })
}

/// How the input was normalised that the net was trained on, where that was said.
fn normalisation(args: &ImportArgs) -> Option<Normalisation> {
    let or = |values: &[f64], usual| if values.is_empty() { vec![usual] } else { values.to_vec() };
    let said = !(args.mean.is_empty() && args.std.is_empty());
    said.then(|| Normalisation { mean: or(&args.mean, 0.0), std: or(&args.std, 1.0) })
}

/// Where the weights are from, and what became part of them.
fn origin(args: &ImportArgs, beside: Option<&Beside>, input: Option<&Normalisation>) -> serde_json::Value {
    let from = birnn_data::name::text(args.weights.file_name().unwrap_or_default());
    let mut origin = serde_json::json!({ "imported_from": from });
    let numbers = |values: &[f64]| match values {
        [one] => serde_json::json!(one),
        values => serde_json::json!(values),
    };
    if let Some(dataset) = beside.and_then(Beside::substitute_for) {
        origin["substitute_for"] = serde_json::json!(dataset);
    }
    if let Some(key) = &args.key {
        origin["key"] = serde_json::json!(key);
    }
    if let Some(Normalisation { mean, std }) = input {
        origin["mean"] = numbers(mean);
        origin["std"] = numbers(std);
    }
    origin
}

/// The experiment of weights that came with none, `sets` applied.
fn inferred(found: &InferredModel, weights: &Path, sets: &[String]) -> Result<Source, Failure> {
    let name = Some("imported".to_owned());
    let experiment = Experiment { name, model: found.config.clone(), ..Experiment::default() };
    Ok(Source::parse(weights, experiment.to_toml().map_err(Failure::run)?, sets)?)
}

/// The net with its weights.
fn learner(found: &InferredModel, plan: &Plan, about: &About) -> Result<Learner, Failure> {
    let task = Classification { classes: about.classes.clone(), label_smoothing: plan.train.label_smoothing };
    let mut learner = Learner::new(&plan.architecture, task, about.shape, plan.seed, Device::Cpu)?;
    // All names are there, as they were checked.
    let arrays = learner.names().iter().filter_map(|name| found.weights.get(name));
    let values = arrays.map(|array| tensor_of(array.shape(), array.values())).collect::<Result<Vec<_>, _>>();
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
