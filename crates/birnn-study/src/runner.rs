//! Trains nets side by side, by the `birnn` program, and keeps what they came to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use birnn_data::hexadecimal;
use birnn_infer::cpu;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::trial::Trial;

/// Trains in a folder.
#[derive(Debug)]
pub struct Runner {
    birnn: PathBuf,
    programs: [String; 2],
    runs: PathBuf,
    data: Option<PathBuf>,
    quick: bool,
    version: String,
}

/// A net that was trained.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its run directory.
    pub folder: PathBuf,
    /// What `birnn eval --json` said after each stage.
    pub evaluations: Vec<Value>,
}

/// Data that is not here.
#[derive(Debug)]
pub struct NoData(String);

/// What a former study left of a run.
#[derive(Serialize, Deserialize)]
struct Kept {
    asked: Asked,
    evaluations: Vec<Value>,
}

/// All that a run depends on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    experiment: String,
    settings: Vec<String>,
    /// Digests of the files that these name.
    #[serde(default)]
    files: Vec<String>,
    stages: Vec<usize>,
    birnn: String,
    /// Digests of the programs: what they compute can change where their version does not.
    programs: [String; 2],
    /// The vector instructions that they compute with.
    #[serde(default)]
    instructions: String,
}

impl fmt::Display for NoData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoData {}

impl NoData {
    /// For this reason.
    pub fn new(why: String) -> NoData {
        NoData(why)
    }
}

impl Ran {
    /// The last evaluation.
    pub fn evaluation(&self) -> Result<&Value> {
        self.evaluations.last().context("a net was not evaluated")
    }
}

impl Runner {
    /// Runs go into `runs`; `data` has files that experiments name.
    pub fn new(runs: PathBuf, data: Option<PathBuf>, quick: bool) -> Result<Runner> {
        let birnn = beside("birnn")?;
        std::fs::create_dir_all(&runs).with_context(|| format!("cannot make {}", runs.display()))?;
        let data = data.map(std::path::absolute).transpose()?;
        let version = said(Command::new(&birnn).arg("--version"))?.trim().to_owned();
        let programs = [digest(&birnn)?, digest(&beside("birnn-torch")?)?];
        Ok(Runner { birnn, programs, runs: std::path::absolute(runs)?, data, quick, version })
    }

    /// Whether a look is enough.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// Where the runs go.
    pub fn folder(&self) -> &Path {
        &self.runs
    }

    /// The program that trains, and its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How many nets are trained at a time, each by one thread.
    pub fn cores(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Trains them all, or takes what a former study left; in their order.
    pub fn run(&self, trials: &[Trial]) -> Result<Vec<Ran>> {
        for trial in trials {
            self.files(trial)?;
        }
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Result<Ran>>>> = Mutex::new(trials.iter().map(|_| None).collect());
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(trial) = trials.get(index) else { return };
                let begin = Instant::now();
                let ran = self.one(trial);
                let failed = ran.is_err();
                let what = if failed { "failed" } else { "done" };
                let seconds = begin.elapsed().as_secs_f64();
                eprintln!("{}/{} {} {what}, {seconds:.0} s", index + 1, trials.len(), trial.folder());
                if let Ok(mut results) = results.lock() {
                    results[index] = Some(ran);
                }
                if failed {
                    // The others are not begun.
                    next.store(trials.len(), Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.cores() {
                scope.spawn(work);
            }
        });
        let results = results.into_inner().ok().context("a thread panicked")?;
        results.into_iter().flatten().collect::<Result<Vec<Ran>>>()
    }

    fn one(&self, trial: &Trial) -> Result<Ran> {
        let folder = self.runs.join(trial.folder());
        let kept = self.runs.join(format!("{}.json", trial.folder()));
        let experiment =
            std::fs::read_to_string(trial.config).with_context(|| format!("cannot read {}", trial.config))?;
        let settings: Vec<String> = trial.settings().into_iter().chain(self.files(trial)?).collect();
        let named =
            settings.iter().filter_map(|set| Some(Path::new(set.split_once('=')?.1.trim_matches('"'))));
        let asked = Asked {
            experiment,
            files: named.filter(|path| path.is_file()).map(digest).collect::<Result<_>>()?,
            settings,
            stages: trial.stages.clone(),
            birnn: self.version.clone(),
            programs: self.programs.clone(),
            instructions: cpu::instructions().to_string(),
        };
        if let Ok(text) = std::fs::read(&kept)
            && let Ok(before) = serde_json::from_slice::<Kept>(&text)
            && before.asked == asked
            && folder.is_dir()
        {
            return Ok(Ran { folder, evaluations: before.evaluations });
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let stages: Vec<Option<usize>> = match trial.stages.as_slice() {
            [] => vec![None],
            stages => stages.iter().copied().map(Some).collect(),
        };
        let mut evaluations = Vec::new();
        for (index, stage) in stages.into_iter().enumerate() {
            let mut train = Command::new(&self.birnn);
            train.args(["train", "--progress", "plain"]);
            match index {
                0 => {
                    train.arg(trial.config).args(["--device", "cpu", "--run-dir"]).arg(&folder);
                    for set in &asked.settings {
                        train.args(["--set", set]);
                    }
                }
                _ => {
                    train.arg("--resume").arg(&folder);
                }
            }
            if let Some(epochs) = stage {
                train.args(["--set", &format!("train.epochs={epochs}")]);
            }
            said(&mut train).with_context(|| trial.folder())?;
            let mut eval = Command::new(&self.birnn);
            eval.arg("eval").arg(&folder).arg("--json");
            let text = said(&mut eval)?;
            evaluations.push(serde_json::from_str(&text).context("birnn eval printed no JSON")?);
        }
        let text = serde_json::to_string(&Kept { asked, evaluations: evaluations.clone() })?;
        std::fs::write(&kept, text).with_context(|| format!("cannot write {}", kept.display()))?;
        Ok(Ran { folder, evaluations })
    }

    /// The settings that name a trial's files, each of which is here.
    pub fn files(&self, trial: &Trial) -> Result<Vec<String>> {
        let of = |&(key, path): &(&str, &str)| {
            let data = self.data.as_ref().ok_or_else(|| {
                NoData(format!("{path} is wanted; name a folder that has it: --data, or BIRNN_DATA_DIR"))
            })?;
            let path = data.join(path);
            if !path.is_file() {
                bail!(NoData(format!("{} is not there", path.display())));
            }
            Ok(format!("{key}={}", path.display()))
        };
        trial.files.iter().map(of).collect()
    }

    /// Runs another program that is built beside this one, and waits for it.
    pub fn beside(&self, name: &str, args: &[&str]) -> Result<()> {
        let status = Command::new(beside(name)?).args(args).status();
        let status = status.with_context(|| format!("cannot start {name}"))?;
        ensure!(status.success(), "{name} failed ({status})");
        Ok(())
    }
}

/// The SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hexadecimal(&Sha256::digest(bytes)))
}

fn beside(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let program = this.with_file_name(name);
    ensure!(
        program.is_file(),
        "{} is not there; build it: cargo build --workspace --bins",
        program.display()
    );
    Ok(program)
}

/// What it prints. Each net has one thread, so that as many can be trained at a time as there are cores, and
/// their bytes are those of one thread.
fn said(command: &mut Command) -> Result<String> {
    let output = command.env("OMP_NUM_THREADS", "1").output().context("cannot start birnn")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rfind(|line| line.starts_with("error")).unwrap_or("it did not say why");
        bail!("birnn failed: {last}");
    }
    String::from_utf8(output.stdout).context("birnn printed what is no text")
}
