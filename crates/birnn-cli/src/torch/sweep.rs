//! `birnn sweep`: an experiment many times over, one run after the other, each a run like any other.
//!
//! A sweep passes `--set` arguments to the function behind `birnn train`, so a run of a sweep has the same
//! bytes as one of `train`. Which runs are done, started or waiting is read from the runs' own files; nothing
//! else is stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use birnn_cli::args::{Progress, Sets, SweepArgs, TrainArgs};
use birnn_cli::asked::resume_command;
use birnn_cli::failure::{Failure, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::{print, print_json};
use birnn_cli::{data, fault};
use birnn_data::PATH_SETTINGS;
use birnn_data::name;
use birnn_engine::run::movable;
use birnn_experiment::{Experiment, Source, Trial, differing};
use birnn_report::text_table::{NONE, TextTable as Table};
use birnn_report::{Records, Summary, Sweep, SweepRun, shown, sweep_page};

use birnn_run::{FINAL, RunDir};

use crate::failed::OrFail;
use crate::train::{self, device_of};

/// Where sweeps go when nothing else is said.
const SWEEPS: &str = "sweeps";
/// The experiment with its `[sweep]`, in the directory of a sweep.
const SWEEP: &str = "sweep.toml";
const PAGE: &str = "sweep.html";
/// Settings that a run writes down as it found them, or that change no result.
const DECIDED: [&str; 4] = ["train.device", "train.checkpoint_every", "data.dataset", "data.fallback"];

/// What stays as it is while a sweep goes on.
struct Job<'a> {
    args: &'a SweepArgs,
    folder: RunDir,
    name: String,
    trials: Vec<Trial>,
    /// Why runs failed, by their places.
    failed: BTreeMap<usize, String>,
}

/// Trains what is not trained yet, and writes the page anew after each run.
pub fn run(args: &SweepArgs, log: &Log) -> Outcome {
    let mut job = Job::open(args, log)?;
    let total = job.trials.len();
    let done = (0..total).filter(|&index| job.is_done(index)).count();
    if done > 0 {
        tracing::info!("{done} of {total} runs are done");
    }
    for index in 0..total {
        if job.is_done(index) {
            continue;
        }
        let status = job.read(index).0.status;
        // The same seed, settings and steps end where they ended.
        if status.contains("diverged") {
            job.failed.insert(index, status);
            continue;
        }
        tracing::info!("run {} of {total}: {}", index + 1, job.trials[index].sets().join(" "));
        let outcome = train::train(&job.train_args(index), log);
        if let Err(Failure { code: 1, message, excerpt }) = &outcome {
            tracing::error!(excerpt, "run {}: {message}", name::shown(&job.run_path(index)));
            job.failed.insert(index, format!("failed: {message}"));
        }
        log.detach();
        job.write_page()?;
        match outcome {
            Ok(_) | Err(Failure { code: 1, .. }) => {}
            Err(Failure { code: code @ 129.., .. }) => {
                let (run, again) = (job.run_path(index), resume_command("sweep", job.folder.path()));
                let message = format!("stopped in {}, which is saved; to go on: {again}", name::shown(&run));
                return Err(Failure::with(code, message));
            }
            // No run of the sweep could do better.
            Err(failure) => return Err(failure),
        }
    }
    let page = job.write_page()?;
    tracing::info!("saved {}", name::shown(&page));
    let sweep = job.sweep();
    match args.json {
        true => print_json(&sweep)?,
        false => print(&table(&sweep).lines())?,
    }
    match job.failed.len() {
        0 => Ok(()),
        failed => {
            Err(Failure::run(format!("{failed} of {total} runs failed; {} tells which", name::shown(&page))))
        }
    }
}

impl<'a> Job<'a> {
    /// A new sweep, or one to go on with. What no run could do without is looked for before anything is made.
    fn open(args: &'a SweepArgs, log: &Log) -> Result<Job<'a>, Failure> {
        let disk = fault::disk()?;
        if let Some(folder) = &args.resume {
            let folder = RunDir::with(folder, SWEEP, disk)?;
            let mut source = Source::read(&folder.path().join(SWEEP), &[])?;
            args.place.take_files(&mut source)?;
            let (plan, trials) = (source.plan()?, source.trials()?);
            let job = Job { args, folder, name: plan.name, trials, failed: BTreeMap::new() };
            let mut places = 0..job.trials.len();
            places.clone().try_for_each(|index| job.agree(index, &source))?;
            if places.any(|index| !job.is_done(index)) {
                data::load(&plan.data, &args.place.locations(), log, None)?;
            }
            return Ok(job);
        }
        let Some(config) = &args.config else {
            return Err(Failure::request("sweep wants an experiment file, or --resume SWEEP"));
        };
        let mut source = Source::read(config, &args.sets.sets)?;
        if let Some(device) = args.device {
            source.experiment.train.device = device;
        }
        if source.experiment.sweep.is_none() {
            return Err(Failure::request(format!(
                "{0}: has no [sweep] that says what to vary; for example: --set sweep.seeds=5, or \
                 --set 'sweep.grid.model.hidden=[64,128]'",
                name::shown(&config)
            )));
        }
        args.place.take_files(&mut source)?;
        let (plan, trials) = (source.plan()?, source.trials()?);
        device_of(&source, args.device)?;
        // It may be among what varies.
        let varies = |trial: &&Trial| trial.settings.iter().any(|(key, _)| key == "train.device");
        for trial in trials.iter().filter(varies) {
            device_of(&source.with(&trial.sets())?, None)?;
        }
        if let Some(path) = &args.run_dir {
            RunDir::check(path)?;
        }
        data::load(&plan.data, &args.place.locations(), log, Some(&source))?;
        let other_data = |trial: &&Trial| trial.settings.iter().any(|(key, _)| key.starts_with("data."));
        for same in trials.chunk_by(|a, b| a.settings == b.settings) {
            for trial in same.iter().take(1).filter(other_data) {
                let source = source.with(&trial.sets())?;
                data::load(&source.plan()?.data, &args.place.locations(), log, Some(&source))?;
            }
        }
        // Paths that no TOML can hold are said before there is a directory.
        source.experiment.to_toml().map_err(Failure::request)?;
        let name = plan.name;
        let folder = match &args.run_dir {
            Some(path) => RunDir::chosen(path, disk)?,
            None => RunDir::numbered(Path::new(SWEEPS), &name, disk)?,
        };
        let text = movable(&source.experiment, folder.path()).map_err(Failure::request)?;
        folder.write(
            SWEEP,
            format!("# The sweep `{name}` with every default written out.\n\n{text}").as_bytes(),
        )?;
        tracing::info!("sweep directory {}: {} runs", name::shown(folder.path()), trials.len());
        Ok(Job { args, folder, name, trials, failed: BTreeMap::new() })
    }

    /// Makes sure that a run that was begun is the one that `source`, the sweep's own experiment, asks for
    /// in its place.
    fn agree(&self, index: usize, source: &Source) -> Outcome {
        let (trial, path) = (&self.trials[index], self.run_path(index));
        let config = path.join("config.toml");
        if !config.exists() {
            return Ok(());
        }
        let (is, asked) = (Source::read(&config, &[])?, source.with(&trial.sets())?);
        let plain = |source: &Source| Experiment { sweep: None, ..source.experiment.clone() }.to_json();
        let differing = differing(&[plain(&is), plain(&asked)]);
        let decided = |key: &str| DECIDED.iter().chain(&PATH_SETTINGS).any(|decided| *decided == key);
        match differing.keys().find(|key| !decided(key)) {
            None => Ok(()),
            Some(key) => Err(Failure::request(format!(
                "{}: its {key} is not what {SWEEP} now asks for; put {SWEEP} back as it was, or start another sweep",
                name::shown(&path)
            ))),
        }
    }

    /// Whether a run is done and can tell what it came to.
    fn is_done(&self, index: usize) -> bool {
        self.read(index).0.outcome.is_some() && self.run_path(index).join(FINAL).is_file()
    }

    /// The command that trains or goes on with a run.
    fn train_args(&self, index: usize) -> TrainArgs {
        let (trial, path) = (&self.trials[index], self.run_path(index));
        let begun = path.join("config.toml").exists();
        TrainArgs {
            config: (!begun).then(|| self.folder.path().join(SWEEP)),
            resume: begun.then(|| path.clone()),
            sets: Sets { sets: if begun { Vec::new() } else { trial.sets() } },
            run_dir: (!begun).then_some(path),
            place: self.args.place.clone(),
            device: None,
            progress: Progress::Auto,
        }
    }

    fn run_path(&self, index: usize) -> PathBuf {
        self.folder.path().join(folder_of(index))
    }

    fn read(&self, index: usize) -> (SweepRun, Records) {
        let Trial { settings, seed } = &self.trials[index];
        let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
        let settings = settings.iter().map(|(key, value)| (key.clone(), json(value)));
        let (mut run, records) =
            SweepRun::read(self.folder.path(), &folder_of(index), settings.collect(), *seed);
        // One that failed before it had a directory cannot tell.
        if let (None, Some(failed)) = (&records.meta, self.failed.get(&index)) {
            run.status.clone_from(failed);
        }
        (run, records)
    }

    /// What all runs came to so far.
    fn sweep(&self) -> Sweep {
        Sweep::new(self.name.clone(), (0..self.trials.len()).map(|index| self.read(index)).collect())
    }

    fn write_page(&self) -> Result<PathBuf, Failure> {
        let path = self.folder.path().join(SWEEP);
        let experiment = std::fs::read_to_string(&path)
            .map_err(|error| Failure::run(format!("{}: {error}", name::shown(&path))))?;
        self.folder.write(PAGE, sweep_page(&self.sweep(), &experiment).or_fail()?.as_bytes())?;
        Ok(self.folder.path().join(PAGE))
    }
}

fn folder_of(index: usize) -> String {
    format!("{:03}", index + 1)
}

/// The settings with what their runs came to, the best first.
fn table(sweep: &Sweep) -> Table {
    let none = || NONE.to_owned();
    let percent = |spread: Option<Summary>| match spread {
        None => none(),
        Some(Summary { mean, deviation: Some(deviation), .. }) => {
            format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * deviation)
        }
        Some(Summary { mean, .. }) => format!("{:.2}", 100.0 * mean),
    };
    let ends = ["runs", "validation, %", "test, %", "training, s"];
    let mut rows = vec![sweep.keys().into_iter().chain(ends).map(str::to_owned).collect::<Vec<_>>()];
    for settings in &sweep.settings {
        let mut row: Vec<String> = settings.settings.iter().map(|(_, value)| shown(value)).collect();
        row.push(settings.accuracy.map_or(0, |spread| spread.runs).to_string());
        row.extend([settings.validation, settings.accuracy].map(percent));
        row.push(settings.seconds.map_or_else(none, |spread| format!("{:.1}", spread.mean)));
        rows.push(row);
    }
    Table::new(rows)
}
