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
use birnn_data::Per;
use birnn_data::name::{self, shown};
use birnn_engine::run::{self, Destination, Joined, Prepared, Run, Start, Trainer};
use birnn_engine::{Device, EngineError, Ranks, Resumed, device};
use birnn_experiment::{DeviceChoice, Invalid, Source};
use birnn_infer::{Evaluation, Headline, Metric};
use birnn_run::disk::{self, Disk};

use crate::failed::{Fails, OrFail};
use crate::{ranks, view};

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
    /// What was answered, such as `10000 test images`.
    tested: String,
    /// The data set that drawn digits stood in for.
    substitution: Option<String>,
}

/// Trains, and prints the result.
pub fn run(args: &TrainArgs, log: &Log) -> Outcome {
    ranks::with(&args.launch, log, |ranks| {
        let view = view::new(args.progress, log);
        let disk = disk::from_env()?;
        let start = start(args, disk.clone(), ranks)?;
        match train(start, &args.data, &view, disk, log, ranks)? {
            Trained::Done(finished) if ranks.is_first() => report(&finished),
            Trained::Done(_) => Ok(()),
            Trained::Stopped(failure) => Err(failure),
        }
    })
}

/// What is trained: each process reads the experiment of a new run, and the first alone a run that goes on,
/// of which it tells the others.
fn start(args: &TrainArgs, disk: Arc<dyn Disk>, ranks: &Ranks) -> Result<Start, Failure> {
    // The first reads the run for all, by what it was told.
    let how = match &args.resume {
        Some(_) => args.sets.sets.iter().fold("train --resume".to_owned(), |how, set| how + " --set " + set),
        None => "train CONFIG".to_owned(),
    };
    ranks::same_command(ranks, &how)?;
    match (&args.resume, &args.config) {
        (Some(run), _) if ranks.is_first() => {
            let resumed = Resumed::open(run, &args.sets.sets, disk).or_fail()?;
            Joined::hand_over(&resumed, ranks).or_fail()?;
            Ok(Start::Resumed(resumed))
        }
        (Some(_), _) => Ok(Start::Joined(Joined::take(ranks).or_fail()?)),
        (None, Some(config)) => {
            let source = written(config, &args.sets, args.device)?;
            Ok(match ranks.is_first() {
                true => Start::New(source, destination(&args.run_dir, RUNS)),
                false => Start::Joined(Joined::new(source)),
            })
        }
        (None, None) => Err(Failure::request("train wants an experiment file, or --resume RUN")),
    }
}

/// Checks everything first, then loads, trains, evaluates and saves.
pub fn train(
    mut start: Start,
    data: &DataLocation,
    view: &View,
    disk: Arc<dyn Disk>,
    log: &Log,
    ranks: &Ranks,
) -> Result<Trained, Failure> {
    data.take_files(start.source_mut())?;
    let plan = start.source().plan()?;
    if plan.train.shards < ranks.size() {
        let (shards, size) = (plan.train.shards, ranks.size());
        let message = format!(
            "is {shards}, and {size} processes were started, each of which wants a part of every batch: \
             --set train.shards={size} or more, the same for any number of processes whose results are to be the same; a run that \
             goes on keeps its own: start {shards} at most"
        );
        return Err(start.source().locate(Invalid { key: "train.shards".to_owned(), message }).into());
    }
    // Where one's own files lie a run records.
    let is_own = start.source().experiment().data.dataset.is_own();
    let device = device_of(start.source(), (ranks.size() > 1).then(|| ranks.local_rank()))?;
    start.check(&plan.name)?;
    let splits = data::load(&plan.data, &data.locations()?, log, start.changeable())?;
    if splits.train.len() < ranks.size() {
        return Err(Failure::request(format!(
            "{} processes were started for {} training samples, and each wants one at least: start fewer",
            ranks.size(),
            splits.train.len(),
        )));
    }
    let prepared = Prepared::new(start, device, splits).or_fail()?;
    prepared.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let interrupt = view.interrupt().map_err(Failure::run)?;
    let run = prepared.open(disk, trainer(), ranks).or_fail()?;
    if let Some(dir) = run.dir() {
        log.continue_in(dir.log()?)?;
    }
    tracing::info!("run directory {}", shown(run.path()));

    let again = resume_command("train", run.path(), (!is_own).then_some(data));
    let (substitution, samples) = (run.substitution().map(str::to_owned), run.test_samples());
    let (noun, per) = (run.manifest().modality.noun(), run.manifest().task.per());
    let counted = run.manifest().task.counted();
    // What is said of it is of no use, wherever it is read.
    let read = if run.manifest().reads_what_it_is_asked() { ", which it has read (task.leak)" } else { "" };
    // One process shows how it goes.
    let mut observers = if ranks.is_first() { view.observers(info(&run)) } else { Vec::new() };
    // Last, so that it hears of a stop that the others ask for.
    observers.push(Box::new(interrupt.clone()));
    let ended = run.train(observers, ranks).and_then(|outcome| {
        let code = match outcome {
            run::Outcome::Stopped { .. } => ranks::agreed_code(ranks, interrupt.exit_code())?,
            run::Outcome::Done(_) => 0,
        };
        Ok((outcome, code))
    });
    match ended {
        Ok((run::Outcome::Done(found), _)) => {
            let tested = match per {
                Per::Sequence => format!("{samples} test {noun}"),
                Per::Step => format!("{} {counted} of {samples} test {noun}{read}", found.positions),
            };
            Ok(Trained::Done(Finished { found, tested, substitution }))
        }
        Ok((run::Outcome::Stopped { step, total }, code)) => {
            let message = format!("stopped at step {step} of {total}, which is saved; to go on: {again}");
            Ok(Trained::Stopped(Failure::new(Kind::Stopped(code), message)))
        }
        Err(EngineError::File(error)) => {
            Err(Failure::run(format!("{error}; once that is mended, go on: {again}")))
        }
        Err(EngineError::Rank(error)) => {
            let failure = error.failure();
            let message = format!("{}; to go on, with all processes: {again}", failure.message);
            Err(Failure { message, ..failure })
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

/// Where an experiment computes, in this of the processes of a host, if there are several.
pub fn device_of(source: &Source, local_rank: Option<usize>) -> Result<Device, Failure> {
    device::resolve(source.experiment().train.device, local_rank).map_err(|error| {
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
        run: shown(run.path()).to_string(),
        classes: manifest.task.classes().to_vec(),
        modality: manifest.modality.clone(),
        samples: run.samples(),
        epochs: plan.train.epochs,
        steps: run.steps(),
        before: run.step(),
    }
}

/// The tutorial's line, and a last reminder of what stood in for the data.
fn report(Finished { found, tested, substitution }: &Finished) -> Outcome {
    let stand_in =
        substitution.as_deref().map_or_else(String::new, |name| format!(" (synthetic digits, not {name})"));
    let Headline { metric, value } = found.headline();
    let name = if metric == Metric::Accuracy { "Accuracy" } else { metric.name() };
    let value = metric.text(value);
    print(&format!("Test {name} of the model on the {tested}: {value}{stand_in}\n"))?;
    if let Some(name) = substitution {
        let name = name.to_uppercase();
        tracing::warn!("TRAINED AND TESTED ON SYNTHETIC DIGITS, NOT ON {name}: see the first warning");
    }
    Ok(())
}
