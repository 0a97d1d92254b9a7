//! `birnn sweep`: an experiment many times over, one run after the other, each a run like any other.

use std::path::{Path, PathBuf};

use birnn_engine::{RunDir, Source, Trial, differing};
use birnn_report::{Records, Spread, Sweep, SweepRun, sweep_page};

use crate::args::{Progress, Sets, SweepArgs, TrainArgs};
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::table::{NONE, Table};
use crate::{fault, print, print_json, train};

/// Where sweeps go when nothing else is said.
const SWEEPS: &str = "sweeps";
/// The experiment with its `[sweep]`, in the directory of a sweep.
const SWEEP: &str = "sweep.toml";
const PAGE: &str = "sweep.html";

/// What stays as it is while a sweep goes on.
struct Job<'a> {
    args: &'a SweepArgs,
    folder: RunDir,
    name: String,
    trials: Vec<Trial>,
}

/// Trains what is not trained yet, and writes the page anew after each run.
pub fn run(args: &SweepArgs, log: &Log) -> Outcome {
    let job = Job::open(args)?;
    let total = job.trials.len();
    let mut failed = 0;
    for (index, trial) in job.trials.iter().enumerate() {
        let (run, _) = job.read(index);
        if run.status == "done" {
            continue;
        }
        // The same seed, settings and steps end where they ended.
        if run.status.contains("diverged") {
            failed += 1;
            continue;
        }
        let sets = trial.sets().join(" ");
        tracing::info!("run {} of {total}: {sets}", index + 1);
        let outcome = train::train(&job.train_args(index, trial), log);
        log.detach();
        job.write_page()?;
        match outcome {
            Ok(_) => {}
            Err(Failure { code: 1, message }) => {
                failed += 1;
                tracing::error!("run {}: {message}", job.run_path(index).display());
            }
            Err(Failure { code: code @ 129.., .. }) => {
                let (run, again) = (job.run_path(index), train::resume_command("sweep", job.folder.path()));
                let message = format!("stopped in {}, which is saved; to go on: {again}", run.display());
                return Err(Failure { code, message });
            }
            // No run of the sweep could do better.
            Err(failure) => return Err(failure),
        }
    }
    let page = job.write_page()?;
    tracing::info!("saved {}", page.display());
    let sweep = job.sweep();
    match args.json {
        true => print_json(&sweep)?,
        false => print(&table(&sweep).lines())?,
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::run(format!("{failed} of {total} runs failed; {} tells which", page.display()))),
    }
}

impl<'a> Job<'a> {
    /// A new sweep, or one to go on with.
    fn open(args: &'a SweepArgs) -> Result<Job<'a>, Failure> {
        let disk = fault::disk()?;
        if let Some(folder) = &args.resume {
            let folder = RunDir::with(folder, SWEEP, disk)?;
            let source = Source::read(&folder.path().join(SWEEP), &[])?;
            let (name, trials) = (source.plan()?.name, source.trials()?);
            let job = Job { args, folder, name, trials };
            (0..job.trials.len()).try_for_each(|index| job.agree(index, &source))?;
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
                config.display()
            )));
        }
        let (name, trials) = (source.plan()?.name, source.trials()?);
        let folder = match &args.run_dir {
            Some(path) => RunDir::chosen(path, disk)?,
            None => RunDir::numbered(Path::new(SWEEPS), &name, disk)?,
        };
        let text = source.experiment.to_toml().map_err(Failure::run)?;
        folder.write(
            SWEEP,
            format!("# The sweep `{name}` with every default written out.\n\n{text}").as_bytes(),
        )?;
        tracing::info!("sweep directory {}: {} runs", folder.path().display(), trials.len());
        Ok(Job { args, folder, name, trials })
    }

    /// Makes sure that a run that was begun is the one that `source`, the sweep's own experiment, asks for in its place.
    fn agree(&self, index: usize, source: &Source) -> Outcome {
        let (trial, path) = (&self.trials[index], self.run_path(index));
        let config = path.join("config.toml");
        if !config.exists() {
            return Ok(());
        }
        let (is, asked) = (Source::read(&config, &[])?, source.with(&trial.sets())?);
        let differing = differing(&[is.experiment.to_json(), asked.experiment.to_json()]);
        let keys = trial.settings.iter().map(|(key, _)| key.as_str()).chain(["seed"]);
        let other = keys.into_iter().find(|key| {
            let within = |found: &String| {
                found.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            differing.keys().any(within)
        });
        match other {
            None => Ok(()),
            Some(key) => Err(Failure::request(format!(
                "{}: its {key} is not what {SWEEP} now asks for; put {SWEEP} back as it was, or start another sweep",
                path.display()
            ))),
        }
    }

    /// The command that trains or goes on with a run.
    fn train_args(&self, index: usize, trial: &Trial) -> TrainArgs {
        let path = self.run_path(index);
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
        let trial = &self.trials[index];
        SweepRun::read(self.folder.path(), &folder_of(index), trial.shown(), trial.seed)
    }

    /// What all runs came to so far.
    fn sweep(&self) -> Sweep {
        Sweep::new(self.name.clone(), (0..self.trials.len()).map(|index| self.read(index)).collect())
    }

    fn write_page(&self) -> Result<PathBuf, Failure> {
        let path = self.folder.path().join(SWEEP);
        let experiment = std::fs::read_to_string(&path)
            .map_err(|error| Failure::run(format!("{}: {error}", path.display())))?;
        self.folder.write(PAGE, sweep_page(&self.sweep(), &experiment)?.as_bytes())?;
        Ok(self.folder.path().join(PAGE))
    }
}

fn folder_of(index: usize) -> String {
    format!("{:03}", index + 1)
}

/// The settings with what their runs came to, the best first.
fn table(sweep: &Sweep) -> Table {
    let none = || NONE.to_owned();
    let percent = |spread: Option<Spread>| match spread {
        None => none(),
        Some(Spread { mean, deviation: Some(deviation), .. }) => {
            format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * deviation)
        }
        Some(Spread { mean, .. }) => format!("{:.2}", 100.0 * mean),
    };
    let ends = ["runs", "validation, %", "test, %", "training, s"];
    let mut rows = vec![sweep.keys().into_iter().chain(ends).map(str::to_owned).collect::<Vec<_>>()];
    for settings in &sweep.settings {
        let mut row: Vec<String> = settings.settings.iter().map(|(_, value)| value.clone()).collect();
        row.push(settings.accuracy.map_or(0, |spread| spread.runs).to_string());
        row.extend([settings.validation, settings.accuracy].map(percent));
        row.push(settings.seconds.map_or_else(none, |spread| format!("{:.0}", spread.mean)));
        rows.push(row);
    }
    Table(rows)
}
