//! `birnn train`: from an experiment file to a run directory.

use std::path::Path;
use std::time::SystemTime;

use birnn_data::{Dataset, Fallback, Splits};
use birnn_engine::{
    About, Checkpoints, Classification, DeviceChoice, EngineError, Evaluation, Experiment, Invalid, Learner,
    Meta, Observer, Plan, Record, RunDir, Samples, Source, TrainingData, save, train,
};
use humantime::format_rfc3339_seconds;

use crate::args::TrainArgs;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{data, print, progress};

/// Where runs go when nothing else is said.
const RUNS: &str = "runs";
/// The version that tch is built for.
pub const LIBTORCH: &str = "2.11.0";

/// Checks everything first, then loads, trains, evaluates and saves.
pub fn run(args: &TrainArgs, log: &Log) -> Outcome {
    let mut source = Source::read(&args.config, &args.sets.sets)?;
    if let Some(device) = args.device {
        source.experiment.train.device = device;
    }
    let plan = source.plan()?;
    let device = source.experiment.train.device.resolve().map_err(|error| match args.device {
        Some(_) => Failure::request(format!("--device: {error}")),
        None => Failure::from(
            source.locate(Invalid { key: "train.device".to_owned(), message: error.to_string() }),
        ),
    })?;
    if let Some(path) = &args.run_dir {
        // Better said now than after a download.
        RunDir::check(path)?;
    }
    let splits = data::load(&plan.data, &args.place.locations(), log, Some(&source))?;

    let experiment = resolved(&source.experiment, &plan, device.into(), &splits);
    let shape = splits.shape();
    let substitution = splits.provenance.substitute_for.clone();
    let provenance = serde_json::to_value(&splits.provenance).map_err(Failure::run)?;
    tracing::info!("{}", summary(&plan, &splits, &String::from(experiment.train.device)));

    let text = experiment.to_toml().map_err(Failure::run)?;
    let about = About::new(text.clone(), shape, splits.classes.clone(), provenance.clone());
    let task = Classification { classes: splits.classes, label_smoothing: plan.train.label_smoothing };
    let data = TrainingData {
        train: Samples::new(splits.train, device).map_err(EngineError::from)?,
        validation: Samples::new(splits.validation, device).map_err(EngineError::from)?,
    };
    let test = Samples::new(splits.test, device).map_err(EngineError::from)?;
    let mut learner = Learner::new(&plan.architecture, task, shape, plan.seed, device)?;

    let run = match &args.run_dir {
        Some(path) => RunDir::chosen(path)?,
        None => RunDir::numbered(Path::new(RUNS), &plan.name)?,
    };
    log.continue_in(&run.path().join("train.log"))?;
    tracing::info!("run directory {}", run.path().display());
    run.write("config.toml", format!("{}{text}", heading(&plan.name, substitution.as_deref())).as_bytes())?;
    let mut meta = started(&plan, experiment.train.device, provenance);
    run.write_meta(&meta)?;

    let outcome = train_and_save(&plan, &mut learner, &data, &test, &run, &about, log);
    meta.status = match &outcome {
        Ok(_) => "done".to_owned(),
        Err(failure) => format!("failed: {}", failure.message),
    };
    meta.end = Some(now());
    let written = run.write_meta(&meta);
    // The first failure is the one to tell of.
    let found = outcome?;
    written?;
    report(&found, substitution.as_deref())
}

fn train_and_save(
    plan: &Plan,
    learner: &mut Learner,
    data: &TrainingData,
    test: &Samples,
    run: &RunDir,
    about: &About,
    log: &Log,
) -> Result<Evaluation, Failure> {
    let mut record = Record::create(&run.path().join("metrics.jsonl"), &about.data)?;
    let checkpoints = Checkpoints { folder: run.checkpoints(), about: about.clone() };
    let mut observers: Vec<Box<dyn Observer>> = vec![
        Box::new(record.try_clone()?),
        Box::new(progress::Training::new(&log.bars, plan.train.epochs, data.train.len())?),
    ];
    let trained = train(&plan.train, plan.seed, learner, data, &checkpoints, &mut observers)?;
    drop(observers);
    if trained.kept < trained.epochs {
        tracing::info!("keeping epoch {}, the best on the validation images", trained.kept);
    }
    tracing::info!("testing on {} images", test.len());
    let found = learner.evaluate(test)?;
    record.test(&found)?;
    let weights = run.path().join("model.safetensors");
    save(&weights, learner, about)?;
    tracing::info!("saved {}", weights.display());
    Ok(found)
}

/// The experiment that repeats this run: what stood in for the data, and the device, are now decided.
fn resolved(experiment: &Experiment, plan: &Plan, device: DeviceChoice, splits: &Splits) -> Experiment {
    let mut experiment = experiment.clone();
    experiment.name = Some(plan.name.clone());
    experiment.train.device = device;
    if splits.provenance.substitute_for.is_some() {
        experiment.data.dataset = Dataset::Synthetic;
    }
    // Repeated or evaluated where its data is missing, the run must not go on with other data.
    experiment.data.fallback = Fallback::None;
    experiment
}

fn heading(name: &str, substitution: Option<&str>) -> String {
    let warning = substitution.map_or_else(String::new, |dataset| {
        format!("# SYNTHETIC DIGITS stood in for `{dataset}`, which could be neither found nor downloaded.\n")
    });
    format!(
        "# The run `{name}` with every default written out: training this file again repeats it.\n{warning}\n"
    )
}

fn summary(plan: &Plan, splits: &Splits, device: &str) -> String {
    let Plan { name, seed, architecture, .. } = plan;
    let provenance = &splits.provenance;
    let kept_back = match provenance.validation {
        0 => String::new(),
        count => format!(", {count} kept back"),
    };
    format!(
        "{name}: {architecture}, seed {seed}, on {device}; {}: {} training images{kept_back}, {} test images",
        provenance.dataset, provenance.train, provenance.test
    )
}

/// What a run records of itself when it starts.
fn started(plan: &Plan, device: DeviceChoice, data: serde_json::Value) -> Meta {
    Meta {
        status: "running".to_owned(),
        name: plan.name.clone(),
        seed: plan.seed,
        command: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        device: String::from(device),
        threads: tch::get_num_threads(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        start: now(),
        end: None,
        birnn: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("BIRNN_REVISION").map(str::to_owned),
        libtorch: LIBTORCH.to_owned(),
        data,
    }
}

/// The tutorial's line, and a last reminder of what stood in for the data.
fn report(found: &Evaluation, substitution: Option<&str>) -> Outcome {
    let stand_in = substitution.map_or_else(String::new, |name| format!(" (synthetic digits, not {name})"));
    let (images, accuracy) = (found.images, 100.0 * found.accuracy);
    print(&format!("Test Accuracy of the model on the {images} test images: {accuracy:.2} %{stand_in}\n"))?;
    if let Some(name) = substitution {
        let name = name.to_uppercase();
        tracing::warn!("TRAINED AND TESTED ON SYNTHETIC DIGITS, NOT ON {name}: see the first warning");
    }
    Ok(())
}

fn now() -> String {
    format_rfc3339_seconds(SystemTime::now()).to_string()
}
