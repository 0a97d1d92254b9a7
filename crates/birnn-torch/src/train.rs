//! `birnn train`: from an experiment file, or from a run that was stopped, to a finished run directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use birnn_cli::args::{DataLocation, Sets, TrainArgs};
use birnn_cli::asked::resume_command;
use birnn_cli::data;
use birnn_cli::failure::{Failure, Kind, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::print;
use birnn_dashboard::{RunInfo, View};
use birnn_data::name::{self, shown};
use birnn_engine::run::{self, Destination, Prepared, Run, Start, Trainer};
use birnn_engine::{Device, EngineError, Resumed, device};
use birnn_experiment::{DeviceChoice, Invalid, Source};
use birnn_infer::Evaluation;
use birnn_run::disk::{self, Disk};

use crate::failed::{Fails, OrFail};
use crate::view;

/// Where runs go when nothing else is said.
pub const RUNS: &str = "runs";

/// How a training ended, if nothing went wrong.
pub enum Trained {
    /// With a result.
    Done(Finished),
    /// As the user wished, which `birnn train` says and ends with.
    Stopped(Failure),
}

/// A run that is done.
pub struct Finished {
    found: Evaluation,
    /// What several samples are called.
    noun: &'static str,
    /// The data set that drawn digits stood in for.
    substitution: Option<String>,
}

/// Trains, and prints the result.
pub fn run(args: &TrainArgs, log: &Log) -> Outcome {
    let view = view::new(args.progress, log);
    let disk = disk::from_env()?;
    let start = match (&args.resume, &args.config) {
        (Some(run), _) => Start::Resumed(Resumed::open(run, &args.sets.sets, disk.clone()).or_fail()?),
        (None, Some(config)) => {
            Start::New(written(config, &args.sets, args.device)?, destination(&args.run_dir, RUNS))
        }
        (None, None) => return Err(Failure::request("train wants an experiment file, or --resume RUN")),
    };
    match train(start, &args.data, &view, disk, log)? {
        Trained::Done(finished) => report(&finished),
        Trained::Stopped(failure) => Err(failure),
    }
}

/// Checks everything first, then loads, trains, evaluates and saves.
pub fn train(
    mut start: Start,
    data: &DataLocation,
    view: &View,
    disk: Arc<dyn Disk>,
    log: &Log,
) -> Result<Trained, Failure> {
    data.take_files(start.source_mut())?;
    let plan = start.source().plan()?;
    let device = device_of(start.source())?;
    start.check()?;
    let splits = data::load(&plan.data, &data.locations(), log, start.changeable())?;
    let prepared = Prepared::new(start, device, splits).or_fail()?;
    prepared.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let interrupt = view.interrupt().map_err(Failure::run)?;
    let run = prepared.open(disk, trainer()).or_fail()?;
    log.continue_in(run.dir().log()?)?;
    tracing::info!("run directory {}", shown(run.dir().path()));

    let again = resume_command("train", run.dir().path());
    let (substitution, noun) = (run.substitution().map(str::to_owned), run.manifest().modality.noun());
    let mut observers = view.observers(info(&run));
    // Last, so that it hears of a stop that the others ask for.
    observers.push(Box::new(interrupt.clone()));
    match run.train(observers) {
        Ok(run::Outcome::Done(found)) => Ok(Trained::Done(Finished { found, noun, substitution })),
        Ok(run::Outcome::Stopped { step, total }) => {
            let message = format!("stopped at step {step} of {total}, which is saved; to go on: {again}");
            Ok(Trained::Stopped(Failure::new(Kind::Stopped(interrupt.exit_code()), message)))
        }
        Err(EngineError::File(error)) => {
            Err(Failure::run(format!("{error}; once that is mended, go on: {again}")))
        }
        Err(error) => Err(error.failure()),
    }
}

/// Where `--run-dir` says, or else the next number in a folder of `folder`.
pub fn destination(run_dir: &Option<PathBuf>, folder: &str) -> Destination {
    match run_dir {
        Some(path) => Destination::Chosen(path.clone()),
        None => Destination::Numbered(folder.into()),
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
        modality: manifest.modality.clone(),
        samples: run.samples(),
        epochs: plan.train.epochs,
        steps: run.steps(),
        before: run.step(),
    }
}

/// The tutorial's line, and a last reminder of what stood in for the data.
fn report(Finished { found, noun, substitution }: &Finished) -> Outcome {
    let stand_in =
        substitution.as_deref().map_or_else(String::new, |name| format!(" (synthetic digits, not {name})"));
    let (samples, accuracy) = (found.weight, 100.0 * found.headline().value);
    print(&format!("Test Accuracy of the model on the {samples} test {noun}: {accuracy:.2} %{stand_in}\n"))?;
    if let Some(name) = substitution {
        let name = name.to_uppercase();
        tracing::warn!("TRAINED AND TESTED ON SYNTHETIC DIGITS, NOT ON {name}: see the first warning");
    }
    Ok(())
}
