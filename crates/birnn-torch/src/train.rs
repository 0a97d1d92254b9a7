//! `birnn train`: from an experiment file, or from a run that was stopped, to a finished run directory.

use std::path::Path;

use birnn_cli::args::{Sets, TrainArgs};
use birnn_cli::asked::resume_command;
use birnn_cli::data;
use birnn_cli::failure::{Failure, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::print;
use birnn_dashboard::RunInfo;
use birnn_data::name::{self, shown};
use birnn_engine::run::{self, Destination, Prepared, Run, Trainer};
use birnn_engine::{Device, EngineError, Resumed, device};
use birnn_experiment::{DeviceChoice, Invalid, Source};
use birnn_infer::Evaluation;
use birnn_run::RunDir;
use birnn_run::disk;

use crate::failed::{Fails, OrFail};
use crate::view;

/// Where runs go when nothing else is said.
pub const RUNS: &str = "runs";

/// A run that is done.
pub struct Finished {
    found: Evaluation,
    /// The data set that drawn digits stood in for.
    substitution: Option<String>,
}

/// Trains, and prints the result.
pub fn run(args: &TrainArgs, log: &Log) -> Outcome {
    report(&train(args, log)?)
}

/// Checks everything first, then loads, trains, evaluates and saves.
pub fn train(args: &TrainArgs, log: &Log) -> Result<Finished, Failure> {
    let view = view::new(args.progress, log);
    let disk = disk::from_env()?;
    let resumed = match &args.resume {
        Some(run) => Some(Resumed::open(run, &args.sets.sets, disk.clone()).or_fail()?),
        None => None,
    };
    let mut source = match (&resumed, &args.config) {
        (None, Some(config)) => written(config, &args.sets, args.device)?,
        (Some(resumed), _) => resumed.source.clone(),
        (None, None) => return Err(Failure::request("train wants an experiment file, or --resume RUN")),
    };
    args.data.take_files(&mut source)?;
    let plan = source.plan()?;
    let device = device_of(&source)?;
    if let Some(path) = &args.run_dir {
        // Better said now than after a download.
        RunDir::check(path)?;
    }
    // A run to go on with has no settings to change for want of data.
    let changeable = if resumed.is_some() { None } else { Some(&source) };
    let splits = data::load(&plan.data, &args.data.locations(), log, changeable)?;
    if let Some(source) = changeable {
        source.suits(splits.shape()[0])?;
        let warnings = source.warnings(Some(splits.train.labels.len())).into_iter();
        let of_data = splits.warnings.iter().map(|warning| source.locate(warning.clone().into()));
        warnings.chain(of_data).for_each(|warning| tracing::warn!("{warning}"));
    }
    let prepared = Prepared::new(&source, plan, device, splits, resumed).or_fail()?;
    let interrupt = view.interrupt().map_err(Failure::run)?;
    let destination = match &args.run_dir {
        Some(path) => Destination::Chosen(path.clone()),
        None => Destination::Numbered(RUNS.into()),
    };
    let run = prepared.open(&destination, disk, trainer()).or_fail()?;
    log.continue_in(run.dir().log()?)?;
    tracing::info!("run directory {}", shown(run.dir().path()));

    let again = resume_command("train", run.dir().path());
    let substitution = run.substitution().map(str::to_owned);
    let mut observers = view.observers(info(&run));
    // Last, so that it hears of a stop that the others ask for.
    observers.push(Box::new(interrupt.clone()));
    match run.train(observers) {
        Ok(run::Outcome::Done(found)) => Ok(Finished { found, substitution }),
        Ok(run::Outcome::Stopped { step, total }) => {
            let message = format!("stopped at step {step} of {total}, which is saved; to go on: {again}");
            Err(Failure::with(interrupt.exit_code(), message))
        }
        Err(EngineError::File(error)) => {
            Err(Failure::run(format!("{error}; once that is mended, go on: {again}")))
        }
        Err(error) => Err(error.failure()),
    }
}

/// Where an experiment computes.
pub fn device_of(source: &Source) -> Result<Device, Failure> {
    device::resolve(source.experiment().train.device).map_err(|error| {
        source.locate(Invalid { key: "train.device".to_owned(), message: error.to_string() }).into()
    })
}

/// The experiment as the command line has it, but for where its data is.
pub fn written(config: &Path, sets: &Sets, device: Option<DeviceChoice>) -> Result<Source, Failure> {
    let source = Source::read(config, &sets.sets)?;
    Ok(match device {
        Some(device) => source.on(device)?,
        None => source,
    })
}

fn trainer() -> Trainer {
    Trainer {
        command: std::env::args_os().map(name::text).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("BIRNN_REVISION").map(str::to_owned),
    }
}

/// What is shown of a run while it trains.
fn info(run: &Run) -> RunInfo {
    let (plan, manifest) = (run.plan(), run.manifest());
    RunInfo {
        name: plan.name.clone(),
        architecture: plan.architecture.to_string(),
        device: String::from(run.device()),
        run: shown(run.dir().path()).to_string(),
        classes: manifest.classes.clone(),
        shape: manifest.shape,
        images: run.samples(),
        epochs: plan.train.epochs,
        steps: run.steps(),
        before: run.step(),
    }
}

/// The tutorial's line, and a last reminder of what stood in for the data.
fn report(Finished { found, substitution }: &Finished) -> Outcome {
    let stand_in =
        substitution.as_deref().map_or_else(String::new, |name| format!(" (synthetic digits, not {name})"));
    let (images, accuracy) = (found.weight, 100.0 * found.headline().value);
    print(&format!("Test Accuracy of the model on the {images} test images: {accuracy:.2} %{stand_in}\n"))?;
    if let Some(name) = substitution {
        let name = name.to_uppercase();
        tracing::warn!("TRAINED AND TESTED ON SYNTHETIC DIGITS, NOT ON {name}: see the first warning");
    }
    Ok(())
}
