//! `birnn sweep`: an experiment many times over, one run after the other, each a run like any other.
//!
//! A sweep passes `--set` arguments to the function behind `birnn train`, so a run of a sweep has the same
//! bytes as one of `train`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use birnn_cli::args::{Progress, Sets, SweepArgs, TrainArgs};
use birnn_cli::asked::resume_command;
use birnn_cli::data;
use birnn_cli::failure::{Failure, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::{print, print_json};
use birnn_data::name::shown;
use birnn_engine::run::Destination;
use birnn_engine::sweep::SweepDir;
use birnn_experiment::{Source, Trial};
use birnn_report::{Records, Sweep, SweepRun, sweep_page};
use birnn_run::disk;
use birnn_run::{RunDir, Status};

use crate::failed::OrFail;
use crate::train::{self, device_of};

/// Where sweeps go when nothing else is said.
const SWEEPS: &str = "sweeps";
const PAGE: &str = "sweep.html";

/// What stays as it is while a sweep goes on.
struct Job<'a> {
    args: &'a SweepArgs,
    sweep: SweepDir,
    name: String,
    /// Why runs failed, by their indices.
    failed: BTreeMap<usize, Status>,
}

/// Trains what is not trained yet, and writes the page anew after each run.
pub fn run(args: &SweepArgs, log: &Log) -> Outcome {
    let mut job = Job::open(args, log)?;
    let total = job.sweep.trials().len();
    let done = (0..total).filter(|&index| job.sweep.is_done(index)).count();
    if done > 0 {
        tracing::info!("{done} of {total} runs are done");
    }
    for index in 0..total {
        if job.sweep.is_done(index) {
            continue;
        }
        // The same seed, settings and steps end where they ended.
        if let Some(status) = job.sweep.status(index).filter(|status| matches!(status, Status::Diverged(_))) {
            job.failed.insert(index, status);
            continue;
        }
        tracing::info!("run {} of {total}: {}", index + 1, job.sweep.trials()[index].sets().join(" "));
        let outcome = train::train(&job.train_args(index), log);
        let run = job.sweep.run_path(index);
        if let Err(Failure { code: 1, message, excerpt }) = &outcome {
            tracing::error!(excerpt, "run {}: {message}", shown(&run));
            job.failed.insert(index, Status::Failed(message.clone()));
        }
        log.detach();
        job.write_page()?;
        match outcome {
            Ok(_) | Err(Failure { code: 1, .. }) => {}
            Err(Failure { code: code @ 129.., .. }) => {
                let again = resume_command("sweep", job.sweep.dir().path());
                let message = format!("stopped in {}, which is saved; to go on: {again}", shown(&run));
                return Err(Failure::with(code, message));
            }
            // No run of the sweep could do better.
            Err(failure) => return Err(failure),
        }
    }
    let page = job.write_page()?;
    tracing::info!("saved {}", shown(&page));
    let sweep = job.sweep();
    match args.json {
        true => print_json(&sweep)?,
        false => print(&sweep.text())?,
    }
    match job.failed.len() {
        0 => Ok(()),
        failed => Err(Failure::run(format!("{failed} of {total} runs failed; {} tells which", shown(&page)))),
    }
}

impl<'a> Job<'a> {
    /// A new sweep, or one to go on with. What no run could do without is looked for before anything is made.
    fn open(args: &'a SweepArgs, log: &Log) -> Result<Job<'a>, Failure> {
        let disk = disk::from_env()?;
        let locations = || args.data.locations();
        if let Some(folder) = &args.resume {
            let (dir, mut source) = SweepDir::lock(folder, disk).or_fail()?;
            args.data.take_files(&mut source)?;
            let (plan, trials) = (source.plan()?, source.trials()?);
            check_devices(&source, &trials)?;
            let sweep = SweepDir::resume(dir, &source, trials).or_fail()?;
            if (0..sweep.trials().len()).any(|index| !sweep.is_done(index)) {
                data::load(&plan.data, &locations(), log, None)?;
            }
            return Ok(Job { args, sweep, name: plan.name, failed: BTreeMap::new() });
        }
        let source = written(args)?;
        let (plan, trials) = (source.plan()?, source.trials()?);
        check_devices(&source, &trials)?;
        if let Some(path) = &args.run_dir {
            RunDir::check(path)?;
        }
        data::load(&plan.data, &locations(), log, Some(&source))?;
        for same in trials.chunk_by(|a, b| a.settings == b.settings) {
            for trial in same.iter().take(1).filter(|trial| varies(trial, "data.")) {
                let source = source.with(&trial.sets())?;
                data::load(&source.plan()?.data, &locations(), log, Some(&source))?;
            }
        }
        let destination = match &args.run_dir {
            Some(path) => Destination::Chosen(path.clone()),
            None => Destination::Numbered(SWEEPS.into()),
        };
        let sweep = SweepDir::create(&source, &plan.name, trials, &destination, disk).or_fail()?;
        tracing::info!("sweep directory {}: {} runs", shown(sweep.dir().path()), sweep.trials().len());
        Ok(Job { args, sweep, name: plan.name, failed: BTreeMap::new() })
    }

    /// The command that trains or goes on with a run.
    fn train_args(&self, index: usize) -> TrainArgs {
        let (path, begun) = (self.sweep.run_path(index), self.sweep.is_begun(index));
        let sets = if begun { Vec::new() } else { self.sweep.trials()[index].sets() };
        TrainArgs {
            config: (!begun).then(|| self.sweep.experiment_path()),
            resume: begun.then(|| path.clone()),
            sets: Sets { sets },
            run_dir: (!begun).then_some(path),
            data: self.args.data.clone(),
            device: None,
            progress: Progress::Auto,
        }
    }

    fn read(&self, index: usize) -> (SweepRun, Records) {
        let Trial { settings, seed } = &self.sweep.trials()[index];
        let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
        let settings = settings.iter().map(|(key, value)| (key.clone(), json(value)));
        let folder = SweepDir::run_name(index);
        let (mut run, records) = SweepRun::read(self.sweep.dir().path(), &folder, settings.collect(), *seed);
        // One that failed before it had a directory cannot tell.
        if let (None, Some(failed)) = (&records.meta, self.failed.get(&index)) {
            run.status.clone_from(failed);
        }
        (run, records)
    }

    /// What all runs came to so far.
    fn sweep(&self) -> Sweep {
        let runs = (0..self.sweep.trials().len()).map(|index| self.read(index));
        Sweep::new(self.name.clone(), runs.collect())
    }

    fn write_page(&self) -> Result<PathBuf, Failure> {
        let path = self.sweep.experiment_path();
        let experiment = std::fs::read_to_string(&path)
            .map_err(|error| Failure::run(format!("{}: {error}", shown(&path))))?;
        let dir = self.sweep.dir();
        dir.write(PAGE, sweep_page(&self.sweep(), &experiment)?.as_bytes())?;
        Ok(dir.path().join(PAGE))
    }
}

/// Whether a trial varies a setting whose dotted key begins so.
fn varies(trial: &Trial, key: &str) -> bool {
    trial.settings.iter().any(|(own, _)| own.starts_with(key))
}

/// Looks for every device before the first run: libtorch looks for CUDA only once.
fn check_devices(source: &Source, trials: &[Trial]) -> Outcome {
    device_of(source)?;
    for trial in trials.iter().filter(|trial| varies(trial, "train.device")) {
        device_of(&source.with(&trial.sets())?)?;
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
