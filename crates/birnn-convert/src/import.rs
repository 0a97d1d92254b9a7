//! Weights that PyTorch or safetensors saved, as a net of birnn's.

use std::path::Path;

use birnn_architecture::{CHARACTER_EMBEDDING, EMBEDDING};
use birnn_data::name::shown;
use birnn_data::{
    DataPlan, Dataset, Fallback, Missing, Modality, Outputs, Series, Splits, TargetKind, TargetScale,
    check_class_names, target_names,
};
use birnn_experiment::{ExperimentError, Invalid, Plan, Source, TaskConfig, TaskPlan};
use birnn_formats::{FormatError, InferredModel, Mismatch, Normalisation, check, read_key, short_name};
use birnn_infer::container::read;
use birnn_infer::{Classify, Manifest, OF_THE_NET, Task, WeightsError, WeightsProblem};

use crate::account::Account;
use crate::beside::Beside;
use crate::description::description_path;
use crate::inferred::inferred;
use crate::net::Net;
use crate::request::Request;

/// A net that was brought in.
#[derive(Debug)]
pub struct Imported {
    /// The net.
    pub net: Net,
    /// Its experiment.
    pub source: Source,
}

/// Why weights were not brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A weights file of birnn's own, damaged or of an unknown format.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// They cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The experiment is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// They are not what they were said to be.
    #[error("{0}")]
    Unfit(String),
}

/// Reads weights, and finds out or checks what net they are of. `load` loads data, where an experiment's own
/// tells what images the net is for.
pub fn import<E: From<ImportError>>(
    request: &Request,
    load: impl FnOnce(&DataPlan, &Source) -> Result<Splits, E>,
) -> Result<Imported, E> {
    let written = match &request.config {
        Some(config) => Some(Source::read(config, &request.sets).map_err(ImportError::from)?),
        None => None,
    };
    let problem = |problem: String| ImportError::Unfit(format!("{}: {problem}", shown(&request.weights)));
    refuse_own(&request.weights)?;
    let weights = read_key(&request.weights, request.key.as_deref()).map_err(ImportError::from)?;
    let mut found = InferredModel::new(weights).map_err(|error| problem(error.to_string()))?;
    let beside = match written {
        Some(_) => None,
        None => Beside::of(&request.weights, &found).map_err(ImportError::Unfit)?,
    };
    let described = description_path(&request.weights);
    if written.is_some() && described.is_file() {
        tracing::warn!("{}: passed over, as --config says what net it is", shown(&described));
    }
    if written.is_none() {
        tells_words(&found, beside.as_ref(), &request.weights).map_err(problem)?;
    }
    let source = match (&written, &beside) {
        (Some(source), _) => Ok(source.clone()),
        (None, Some(beside)) => beside.source(&request.sets),
        (None, None) => {
            inferred(&request.weights, &found, data_of(request), TaskConfig::default(), &request.sets)
        }
    };
    let source = source.map_err(ImportError::from)?;
    if let Some(Beside { path, .. }) = &beside {
        told_by(path, &source).map_err(ImportError::Unfit)?;
    }
    let is_inferred = written.is_none() && beside.is_none();
    let plan = match source.experiment().resolve() {
        // Nobody wrote it, and no line of a file is wrong.
        Err(Invalid { key, message }) if is_inferred && !source.is_set(&key) => {
            return Err(problem(format!("{key}: {message}; --set says otherwise")).into());
        }
        _ => source.plan().map_err(ImportError::from)?,
    };
    let (mut modality, task) = reads(request, &found, beside.as_ref(), &plan, &source, load)?;
    let size = (modality.inputs(), task.outputs());
    check(&found.weights, &plan.architecture, size.0, size.1).map_err(|mismatch| {
        problem(unlike(
            request,
            &found,
            beside.as_ref(),
            &plan,
            (plan.architecture.features(size.0), size.1),
            mismatch,
        ))
    })?;

    if let Some([_, longest]) = modality.steps() {
        match &request.config {
            Some(_) => source.suits(longest, modality.features()).map_err(ImportError::from)?,
            None => source
                .experiment()
                .suits(longest, modality.features())
                .map_err(|invalid| problem(invalid.message))?,
        }
    }
    let input = normalisation(request, &modality);
    if let (Some(_), Modality::Text(_)) = (&input, &modality) {
        let message = "--mean and --std are of numbers, and the net reads words; leave them out";
        return Err(ImportError::Unfit(message.to_owned()).into());
    }
    if let (Some(_), Modality::Series(Series { deviation: Some(_), .. })) = (&input, &modality) {
        let message = match request.config {
            Some(_) => {
                "--mean and --std: its series are standardised already, as the config's data is; leave these out, or \
                 that with --set data.standardise=false"
            }
            None => {
                "--mean and --std: its series are standardised already, as the description beside it says; leave them \
                 out"
            }
        };
        return Err(ImportError::Unfit(message.to_owned()).into());
    }
    if let Some(input) = &input {
        found.fold(input).map_err(|error| ImportError::Unfit(format!("--mean and --std: {error}")))?;
    }

    // What the images were like is in no weights.
    let set = ["data.dataset", "data.invert", "data.transpose", "data.framing"]
        .iter()
        .any(|key| source.is_set(key));
    let said = request.config.is_some() || set;
    if let Modality::Images { preprocessing, .. } = &mut modality {
        *preprocessing = preprocessing
            .filter(|_| said)
            .or_else(|| plan.data.preprocessing().filter(|_| said))
            .or_else(|| beside.as_ref().and_then(|beside| beside.preprocessing(&source)));
    }
    let mut experiment = source.experiment().clone();
    // Evaluated where its data is missing, the net must not be judged by other data.
    experiment.data.fallback = Fallback::None;
    let text = experiment.to_toml().map_err(|error| problem(error.to_string()))?;
    let origin = origin(request, beside.as_ref(), input.as_ref());
    // Nobody has said with what they were computed.
    let manifest = Manifest::new(text, modality, task, origin);
    let mut manifest = manifest.map_err(|error| problem(error.to_string()))?;
    manifest.libtorch = None;
    // Before anything is said of what could never be read again.
    manifest.check_weights().map_err(|error| problem(error.to_string()))?;
    let beside = beside.as_ref();
    Account { request, found: &found, beside, source: &source, plan: &plan, manifest: &manifest }.tell();
    Ok(Imported { net: Net { architecture: plan.architecture, manifest, weights: found.weights }, source })
}

/// One of birnn's own is not to be read as if it were another's.
fn refuse_own(weights: &Path) -> Result<(), ImportError> {
    match read(weights) {
        Ok(_) => {
            let own = "is a weights file of birnn's; eval, predict and export take it as it is";
            Err(ImportError::Unfit(format!("{}: {own}", shown(&weights))))
        }
        Err(WeightsError { problem: WeightsProblem::Foreign(_) | WeightsProblem::Io(_), .. }) => Ok(()),
        // Nor one that is damaged, or of a format that is not known.
        Err(error) => Err(error.into()),
    }
}

/// Whether it is said which words a net reads, where it reads such: no weights tell, and nothing is taken for
/// granted.
fn tells_words(found: &InferredModel, beside: Option<&Beside>, weights: &Path) -> Result<(), String> {
    let text = beside.is_some_and(|beside| beside.description.text.is_some());
    let table = format!("{EMBEDDING}.weight");
    match found.weights.get(&table).filter(|_| found.config.embedding.is_some()) {
        Some(words) if !text => {
            let (table, rows) = (found.own_name(&table), words.shape().first().copied().unwrap_or_default());
            let description = description_path(weights);
            Err(format!(
                "it reads words, and weights do not tell which the {rows} rows of `{}` are; say so in {}: the names of \
                 its `classes`, and its `text`, whose `words` begin at row 1, as row 0 is what is not known (\
                 docs/guide/pytorch.md has one); or give with --config the experiment that birnn learnt them by",
                short_name(&table),
                shown(&description)
            ))
        }
        None if text => {
            let own = found.own_name(&table);
            Err(format!("there is no `{own}` in it, and the description beside it says that it reads words"))
        }
        _ => Ok(()),
    }
}

/// Refuses to change what the description at `path` says of the task, or of how series and words are read:
/// weights and answers would no longer be of one net.
fn told_by(path: &Path, source: &Source) -> Result<(), String> {
    match OF_THE_NET.into_iter().chain(["task"]).find_map(|key| source.set_about(key)) {
        None => Ok(()),
        Some(set) => Err(format!(
            "--set {set}: {} beside the weights says it; change it there, or move that file away and say all with --config",
            shown(&path)
        )),
    }
}

/// Data of the kind that weights are for that came without an experiment: whatever they were trained on,
/// `task` is then one of such.
fn data_of(request: &Request) -> Dataset {
    if request.series { Dataset::SyntheticSeries } else { Dataset::default() }
}

/// How weights differ from the net that they should be of.
fn unlike(
    request: &Request,
    found: &InferredModel,
    beside: Option<&Beside>,
    plan: &Plan,
    (columns, classes): (usize, usize),
    mismatch: Mismatch,
) -> String {
    let (features, outputs) = (found.features, found.outputs);
    let looks = found.config.resolve().map_or_else(|error| error.to_string(), |found| found.to_string());
    let own = format!("{}.", plan.architecture.cell.prefix());
    let is_elsewhere = |name: &String| name.contains("weight_hh_l") && !name.starts_with(&own);
    // Where the planned one is there, too.
    let is_own = |name: &String| name.contains("weight_hh_l") && name.starts_with(&own);
    let several = mismatch.unexpected.iter().any(is_elsewhere) && found.weights.keys().any(is_own);
    let tables = [EMBEDDING, CHARACTER_EMBEDDING].map(|module| format!("{module}.weight"));
    let of_words = mismatch.misshapen.iter().any(|(name, ..)| tables.contains(name));
    let mismatch = mismatch.named(|name| found.own_name(name));
    let rows = match of_words {
        true => {
            "; row 0 of such a table is what is not known, and behind it come the words, or characters, of `text`"
        }
        false => "",
    };
    let net = plan.architecture;
    match (&request.config, beside) {
        (None, Some(beside)) => format!(
            "these look like {looks}, for {features} features and {outputs} classes, and the net of {} \
             beside it is {net}, for {columns} and {classes}: {mismatch}{rows}; if that file is of other \
             weights, move it away",
            shown(&beside.path),
        ),
        (None, None) => format!(
            "nearly {looks}, for {features} features and {outputs} classes, but {mismatch}{}",
            match several {
                false => "",
                true => "; of several nets, --key names the one that is meant, by what its names begin with",
            }
        ),
        (Some(config), _) => format!(
            "these look like {looks}, for {features} features and {outputs} classes, and the net of {} is \
             {net}, for {columns} and {classes}: {mismatch}{rows}; without --config, {}",
            shown(&config),
            match found.config.embedding {
                None => "it is told from the weights".to_owned(),
                Some(_) => {
                    format!(
                        "it is told from the weights, and its words from {}",
                        shown(&description_path(&request.weights))
                    )
                }
            }
        ),
    }
}

/// What the net reads, and what it is asked for. A config speaks of data; without one, weights tell of it as
/// much as they do.
fn reads<E: From<ImportError>>(
    request: &Request,
    found: &InferredModel,
    beside: Option<&Beside>,
    plan: &Plan,
    source: &Source,
    load: impl FnOnce(&DataPlan, &Source) -> Result<Splits, E>,
) -> Result<(Modality, Task), E> {
    let unfit = |message: String| ImportError::Unfit(message);
    // A data set that is asked for is another than the description's.
    let told = beside.map(|Beside { description, .. }| description);
    let told = told.and_then(|told| Some((told.modality()?, told)));
    let known = plan.data.source.known().filter(|_| told.is_none() || source.is_set("data.dataset"));
    let known = known.filter(|_| !request.series);
    let images = |shape| Modality::Images { shape, preprocessing: None };
    let (mut modality, task) = match (known, &request.config, told) {
        (Some((shape, classes)), Some(_), _) => (images(shape), Task::classify(classes)),
        (Some((shape, classes)), None, told)
            if (shape[1], classes.len()) == (found.features, found.outputs) =>
        {
            let rows = told.and_then(|(_, told)| told.rows).unwrap_or(shape[0]);
            (images([rows, shape[1]]), Task::classify(classes))
        }
        (_, None, Some((modality, told))) => {
            let set = source.experiment().data.classes.as_ref().filter(|_| source.is_set("data.classes"));
            let modality = match modality {
                Modality::Images { shape, .. } => images(shape),
                series => series,
            };
            let task = match set {
                Some(classes) => Task::classify(classes.clone()),
                None => told.task.clone().try_into().map_err(unfit)?,
            };
            (modality, task)
        }
        (_, None, None) if request.series || plan.data.source.is_series() => {
            let task = unnamed(request, found, plan.task)?;
            (Modality::Series(plain_series(request, found.features, &plan.data)?), task)
        }
        (_, None, None) => (images([found.features; 2]), unnamed(request, found, plan.task)?),
        (None, Some(_), _) => {
            let splits = load(&plan.data, source)?;
            (splits.modality, Task::new(plan.task, splits.outputs))
        }
    };
    match (&mut modality, request.rows, &request.config) {
        (_, None, _) => {}
        (Modality::Images { shape, .. }, Some(rows), Some(config)) if rows != shape[0] => {
            let (config, there) = (shown(config), shape[0]);
            return Err(unfit(format!("--rows {rows}: the images of {config} have {there} rows")).into());
        }
        (Modality::Images { shape, .. }, Some(rows), _) => shape[0] = rows,
        (Modality::Series(_) | Modality::Text(_), Some(rows), _) => {
            let what = modality.noun();
            return Err(unfit(format!("--rows {rows}: the net reads {what}, which have steps")).into());
        }
    }
    if request.series && !matches!(modality, Modality::Series(_)) {
        let what = modality.noun();
        let message =
            format!("--series: its config, or the description beside it, says that it reads {what}");
        return Err(unfit(message).into());
    }
    if request.classes.is_empty() {
        return Ok((modality, task));
    }
    let Task::Classify(task) = task else {
        let message =
            "--classes: the net predicts numbers, which its config or the description beside it names";
        return Err(unfit(message.to_owned()).into());
    };
    if request.classes.len() != found.outputs {
        let (names, outputs) = (request.classes.len(), found.outputs);
        return Err(unfit(format!("--classes: {names} names for a net of {outputs} classes")).into());
    }
    check_class_names(&request.classes).map_err(|problem| unfit(format!("--classes: {problem}")))?;
    let task = Classify { classes: request.classes.clone(), ..task };
    task.tag_set().map_err(|problem| unfit(format!("--classes: {problem}")))?;
    Ok((modality, Task::Classify(task)))
}

/// Series of which no more is known than `--mean` and `--set` say, for a net of so many inputs.
fn plain_series(request: &Request, inputs: usize, data: &DataPlan) -> Result<Series, ImportError> {
    let (missing, missing_mask) = (data.missing, data.missing_mask);
    let features = if missing_mask { inputs / 2 } else { inputs };
    if missing_mask && !inputs.is_multiple_of(2) {
        return Err(ImportError::Unfit(format!(
            "--set data.missing_mask=true: half of what it reads would say which of the other half are missing, and it \
             reads {inputs} values at each step"
        )));
    }
    if matches!(missing, Missing::Mean | Missing::Past) && request.mean.is_empty() {
        let message = "--set data.missing: the mean of each feature in its training data is in no weights; give it with \
                       --mean";
        return Err(ImportError::Unfit(message.to_owned()));
    }
    // Of another number of means than there are features is told where they become part of the weights.
    let mean =
        |feature: usize| request.mean.get(feature).or(request.mean.first()).map_or(0.0, |mean| *mean as f32);
    Ok(Series { missing, missing_mask, ..Series::plain((0..features).map(mean).collect()) })
}

/// How the input was normalised that the net was trained on, where that was said. Columns that tell which
/// values are missing are no values: they stay as they are, unless there is a number for each of them, too.
fn normalisation(request: &Request, modality: &Modality) -> Option<Normalisation> {
    let mask = match modality {
        Modality::Series(series) => series.inputs() - series.features(),
        Modality::Images { .. } | Modality::Text(_) => 0,
    };
    let or = |values: &[f64], as_it_is: f64| match values {
        [] => vec![as_it_is],
        &[one] if mask > 0 => [vec![one; modality.features()], vec![as_it_is; mask]].concat(),
        values if mask > 0 && values.len() == modality.features() => [values, &vec![as_it_is; mask]].concat(),
        values => values.to_vec(),
    };
    let said = !(request.mean.is_empty() && request.std.is_empty());
    said.then(|| Normalisation { mean: or(&request.mean, 0.0), std: or(&request.std, 1.0) })
}

/// Where the weights are from, and what became part of them.
fn origin(request: &Request, beside: Option<&Beside>, input: Option<&Normalisation>) -> serde_json::Value {
    let from = birnn_data::name::text(request.weights.file_name().unwrap_or_default());
    let mut origin = serde_json::json!({ "imported_from": from });
    let numbers = |values: &[f64]| match values {
        [one] => serde_json::json!(one),
        values => serde_json::json!(values),
    };
    if let Some(dataset) = beside.and_then(Beside::substitute_for) {
        origin["substitute_for"] = serde_json::json!(dataset);
    }
    if let Some(key) = &request.key {
        origin["key"] = serde_json::json!(key);
    }
    if let Some(Normalisation { mean, std }) = input {
        origin["mean"] = numbers(mean);
        origin["std"] = numbers(std);
    }
    origin
}

/// What weights are asked for that do not say it: classes by number, or numbers as the head has them.
fn unnamed(request: &Request, found: &InferredModel, plan: TaskPlan) -> Result<Task, ImportError> {
    let count = found.outputs;
    let unfit = |message: &str| ImportError::Unfit(format!("{}: {message}", shown(&request.weights)));
    Ok(match plan.wanted.kind {
        TargetKind::Classes if count == 1 => {
            let message = "its head has one output, which tells no classes apart; where it predicts a number of series: \
                           --series --set task.kind=regress";
            return Err(unfit(message));
        }
        TargetKind::Classes if plan.scheme.is_some() && request.classes.is_empty() => {
            let message = "`task.scheme` is of tags, whose names are not in weights: --classes O,B-PER,I-PER, in the order of \
                           its outputs";
            return Err(unfit(message));
        }
        TargetKind::Classes => {
            Task::new(plan, Outputs::Classes((0..count).map(|class| class.to_string()).collect()))
        }
        TargetKind::Numbers => Task::new(plan, Outputs::Numbers(TargetScale::plain(target_names(count)))),
        TargetKind::Hidden | TargetKind::Next => {
            let message = "of weights alone it is not known in place of which values they answer; the description that \
                           `birnn export` writes beside them says it";
            return Err(unfit(message));
        }
    })
}
