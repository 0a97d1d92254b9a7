//! `birnn sweep`: an experiment many times over, one run after the other, each a run like any other.
//!
//! Which runs are trained, and what their ends mean for the others, is the engine's; each is trained by the
//! function behind `birnn train`, so it has the same bytes as one of `train`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use birnn_cli::args::{Progress, SweepArgs};
use birnn_cli::asked::resume_command;
use birnn_cli::data;
use birnn_cli::failure::{Failure, Kind, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::{print, print_json};
use birnn_data::name::shown;
use birnn_engine::run::{RunError, Start};
use birnn_engine::sweep::{Ended, SweepDir, Swept, same_sweep};
use birnn_engine::{Ranks, ResumeError};
use birnn_experiment::{Source, Trial};
use birnn_report::{Records, Sweep, SweepRun, sweep_page};
use birnn_run::RunDirError;
use birnn_run::disk::{self, Disk};

use crate::failed::{Failed, Fails, OrFail};
use crate::train::{self, Trained, destination, device_of};
use crate::{ranks, view};

/// Where sweeps go when nothing else is said.
const SWEEPS: &str = "sweeps";
const PAGE: &str = "sweep.html";
/// The exit code of a signal that has not come.
const NO_SIGNAL: u8 = 128;

/// Trains what is not trained yet, and writes the page anew after each run.
pub fn run(args: &SweepArgs, log: &Log) -> Outcome {
    let disk = disk::from_env()?;
    let mut opened = None;
    // They meet to begin with; from then on each trains runs of its own, and none depends on another.
    ranks::with(&args.launch, log, |ranks| {
        opened = Some(open_with(args, &disk, log, ranks)?);
        Ok(())
    })?;
    let Some((mut dir, name)) = opened else { return Ok(()) };
    let total = dir.trials().len();
    let done = dir.done().or_fail()?;
    if done > 0 {
        tracing::info!("{done} of {total} runs are done");
    }
    let swept = dir.run(
        |dir, index| train(args, dir, index, disk.clone(), log).map_err(Failed),
        |dir| {
            log.detach();
            write_page(dir, &name).map_err(Failed)
        },
        || {
            // Those before are listened for since the first run.
            let interrupt = view::new(Progress::Auto, log).interrupt().ok()?;
            Some(interrupt.exit_code()).filter(|code| *code > NO_SIGNAL)
        },
    );
    if let Swept::Stopped(index, code) = swept.map_err(|Failed(failure)| failure)? {
        let source = Source::read(&dir.experiment_path(), &[]);
        let is_own = source.is_ok_and(|source| source.experiment().data.dataset.is_own());
        let again = resume_command("sweep", dir.path(), (!is_own).then_some(&args.data));
        let where_it_was = match index {
            Some(index) => format!("in {}, which is saved", shown(&dir.run_path(index))),
            None => "while other processes train the rest".to_owned(),
        };
        let message = format!("stopped {where_it_was}; to go on: {again}");
        return Err(Failure::new(Kind::Stopped(code), message));
    }
    if dir.dir().is_none() {
        return Ok(());
    }
    write_page(&dir, &name)?;
    let page = dir.path().join(PAGE);
    tracing::info!("saved {}", shown(&page));
    let sweep = sweep(&dir, &name);
    if let Some(problem) = &sweep.problem {
        tracing::warn!("{problem}");
    }
    match args.json {
        true => print_json(&sweep)?,
        false => print(&sweep.text())?,
    }
    match dir.failed().len() {
        0 => Ok(()),
        failed => Err(Failure::run(format!("{failed} of {total} runs failed; {} tells which", shown(&page)))),
    }
}

/// The sweep, opened by the first of several processes, for all of them.
fn open_with(
    args: &SweepArgs,
    disk: &Arc<dyn Disk>,
    log: &Log,
    ranks: &Ranks,
) -> Result<(SweepDir, String), Failure> {
    if ranks.size() == 1 {
        return open(args, disk, log);
    }
    ranks::same_command(ranks, if args.resume.is_some() { "sweep --resume" } else { "sweep CONFIG" })?;
    if args.resume.is_none() {
        same_sweep(ranks, &written(args)?).or_fail()?;
    }
    let opened = if ranks.is_first() {
        let (mut dir, name) = open(args, disk, log)?;
        dir.share()?;
        let path = std::path::absolute(dir.path()).map_err(Failure::run)?;
        ranks.from_first(Some(path.as_os_str().as_encoded_bytes())).or_fail()?;
        (dir, name)
    } else {
        let path = PathBuf::from(OsString::from_vec(ranks.from_first(None).or_fail()?));
        let dir = SweepDir::join(&path).map_err(|error| {
            let failure = error.failure();
            let message =
                format!("{}; the processes of a sweep need a disk that all of them see", failure.message);
            Failure { message, ..failure }
        })?;
        (dir, String::new())
    };
    // Nobody begins before all are there.
    ranks.gather("").or_fail()?;
    Ok(opened)
}

/// A new sweep, or one to go on with, and its name. What no run could do without is looked for before
/// anything is made.
fn open(args: &SweepArgs, disk: &Arc<dyn Disk>, log: &Log) -> Result<(SweepDir, String), Failure> {
    let locations = || args.data.locations();
    if let Some(folder) = &args.resume {
        let (dir, mut source) = SweepDir::lock(folder, disk.clone()).or_fail()?;
        args.data.take_files(&mut source)?;
        let (plan, trials) = (source.plan()?, source.trials()?);
        check_devices(&source, &trials)?;
        let sweep = SweepDir::resume(dir, &source, trials).or_fail()?;
        if sweep.done().or_fail()? < sweep.trials().len() {
            data::load(&plan.data, &locations()?, log, None)?;
        }
        return Ok((sweep, plan.name));
    }
    let source = written(args)?;
    let (plan, trials) = (source.plan()?, source.trials()?);
    check_devices(&source, &trials)?;
    let destination = destination(&args.run_dir, SWEEPS);
    destination.check(&plan.name)?;
    data::load(&plan.data, &locations()?, log, Some(&source))?;
    for same in trials.chunk_by(|a, b| a.settings == b.settings) {
        // Vectors of words must be as wide as the net's.
        let is_of_data = |trial: &&Trial| trial.varies("data") || trial.varies("model.embedding");
        for trial in same.iter().take(1).filter(is_of_data) {
            let source = source.of_trial(trial)?;
            data::load(&source.plan()?.data, &locations()?, log, Some(&source))?;
        }
    }
    let sweep = SweepDir::create(&source, &plan.name, trials, &destination, disk.clone()).or_fail()?;
    tracing::info!("sweep directory {}: {} runs", shown(&sweep.path()), sweep.trials().len());
    Ok((sweep, plan.name))
}

/// Trains the run of a trial, or goes on with it; a stop has an exit code.
fn train(
    args: &SweepArgs,
    dir: &SweepDir,
    index: usize,
    disk: Arc<dyn Disk>,
    log: &Log,
) -> Result<Ended<u8>, Failure> {
    let (trial, run) = (&dir.trials()[index], dir.run_path(index));
    let failed = |message: String, excerpt: Option<String>| {
        tracing::error!(excerpt, "run {}: {message}", shown(&run));
        Ok(Ended::Failed(message))
    };
    let start = match dir.start(index, disk.clone()) {
        // Of this run alone: others can be trained.
        Err(RunError::Resume(error @ (ResumeError::NoneVerifies { .. } | ResumeError::Gone(_)))) => {
            return failed(error.to_string(), None);
        }
        Err(RunError::Resume(ResumeError::RunDir(RunDirError::InUse(_)))) if dir.is_shared() => {
            return Ok(Ended::Held);
        }
        start => start.or_fail(),
    };
    let start = match start {
        Err(Failure { kind: Kind::Run, message, excerpt }) => return failed(message, excerpt),
        start => start?,
    };
    let is_new = matches!(start, Start::New(..));
    tracing::info!("run {} of {}: {}", index + 1, dir.trials().len(), trial.sets().join(" "));
    let view = view::new(Progress::Auto, log);
    match train::train(start, &args.data, &view, disk, log, &Ranks::alone()) {
        Ok(Trained::Done(_)) => Ok(Ended::Done),
        Ok(Trained::Stopped(stopped)) => Ok(Ended::Stopped(stopped.code())),
        Err(Failure { kind: Kind::Run, message, excerpt }) => failed(message, excerpt),
        // What its settings cannot be shows here, too, where it is only known beside the data. One that was
        // begun could be: then something else has changed.
        Err(Failure { kind: Kind::Request, message, excerpt }) if is_new => failed(message, excerpt),
        Err(failure) => Err(failure),
    }
}

fn read(dir: &SweepDir, index: usize) -> (SweepRun, Records) {
    let Trial { settings, seed } = &dir.trials()[index];
    let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
    let settings = settings.iter().map(|(key, value)| (key.clone(), json(value)));
    let folder = SweepDir::run_name(index);
    let (mut run, records) = SweepRun::read(dir.path(), &folder, settings.collect(), *seed);
    // One that failed before it was trained, or gone on with, cannot tell.
    if let Some(failed) = dir.failed().get(&index).filter(|_| !run.status.has_failed()) {
        run.status.clone_from(failed);
        run.outcome = None;
    }
    (run, records)
}

/// What all runs came to so far.
fn sweep(dir: &SweepDir, name: &str) -> Sweep {
    let runs = (0..dir.trials().len()).map(|index| read(dir, index));
    Sweep::new(name.to_owned(), runs.collect())
}

/// Writes the page, in the process that has the sweep's files.
fn write_page(dir: &SweepDir, name: &str) -> Outcome {
    let Some(files) = dir.dir() else { return Ok(()) };
    let path = dir.experiment_path();
    let experiment =
        std::fs::read_to_string(&path).map_err(|error| Failure::run(format!("{}: {error}", shown(&path))))?;
    files.write(PAGE, sweep_page(&sweep(dir, name), &experiment)?.as_bytes())?;
    Ok(())
}

/// Looks for every device before the first run: libtorch looks for CUDA only once.
fn check_devices(source: &Source, trials: &[Trial]) -> Outcome {
    device_of(source, None)?;
    for trial in trials.iter().filter(|trial| trial.varies("train.device")) {
        device_of(&source.with(&trial.sets())?, None)?;
    }
    Ok(())
}

/// The experiment as the command line has it.
fn written(args: &SweepArgs) -> Result<Source, Failure> {
    let Some(config) = &args.config else {
        return Err(Failure::request("sweep wants an experiment file, or --resume SWEEP"));
    };
    let mut source = train::written(config, &args.sets, args.device)?;
    if source.experiment().sweep.is_none() {
        return Err(Failure::request(format!(
            "{0}: has no [sweep] that says what to vary; for example: --set sweep.seeds=5, or \
             --set 'sweep.grid.model.hidden=[64,128]'",
            shown(&config)
        )));
    }
    args.data.take_files(&mut source)?;
    Ok(source)
}
