//! `fuzz`: each fuzz target for a while, from seeds that are real files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::commands::{ensure, program, search_path, succeeds, usage};
use crate::libtorch::Tree;
use crate::machine::Machine;

const CARGO_FUZZ: &str = "0.13.2";
/// A binary of tests/fuzz, with where its seeds are, and the memory in MiB that it may take,
/// libtorch's included.
type Target = (&'static str, &'static [&'static str], u32);
const TARGETS: [Target; 11] = [
    ("idx", &["tests/fuzz/seeds/idx"], 512),
    ("checkpoint", &["target/fuzz/run/checkpoints", "target/fuzz/series-run/checkpoints"], 2048),
    ("config", &["configs", "configs/series"], 512),
    ("weights", &["tests/fuzz/seeds/weights", "crates/birnn-formats/tests/fixtures"], 1024),
    // Of 10,000 x 10,000 pixels, some hundred bytes of PNG are a picture.
    ("pictures", &["tests/fuzz/seeds/pictures"], 2048),
    ("whole", &["tests/fuzz/seeds/whole"], 512),
    ("series", &["tests/fuzz/seeds/series"], 512),
    ("npz", &["tests/fuzz/seeds/npz"], 1024),
    ("table", &["tests/fuzz/seeds/table"], 512),
    ("text", &["tests/fuzz/seeds/text"], 512),
    ("requests", &["tests/fuzz/seeds/requests"], 2048),
];
/// No input may take seconds.
const LIMITS: [&str; 2] = ["-timeout=10", "-print_final_stats=1"];
const SECONDS: u32 = 60;

/// Runs each target, or those that `args` name, for as many seconds as `args` begin with.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let (seconds, chosen) = asked(args)?;
    let tree = ensure(machine)?;
    let program = installed(machine)?;
    train_seeds(machine, &tree)?;
    // What is fuzzed are the versions that are shipped; cargo adds to them what the targets need.
    fs::copy(machine.root.join("Cargo.lock"), machine.root.join("tests/fuzz/Cargo.lock"))
        .context("cannot copy Cargo.lock to tests/fuzz")?;
    for &(target, seeds, memory) in &chosen {
        let corpus = machine.root.join("target/fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        let mut fuzz = Command::new(&program);
        fuzz.current_dir(&machine.root).args(["fuzz", "run", "--fuzz-dir", "tests/fuzz"]);
        // The stable compiler has no sanitizers, and what is fuzzed is safe code.
        fuzz.args(["--target-dir", "target/fuzz", "--sanitizer", "none", target]);
        fuzz.arg(&corpus).args(seeds).arg("--").arg(format!("-max_total_time={seconds}")).args(LIMITS);
        // The second is of a single allocation.
        fuzz.args([format!("-rss_limit_mb={memory}"), format!("-malloc_limit_mb={}", memory / 2)]);
        fuzz.env("LIBTORCH", &tree.dir).env("OMP_NUM_THREADS", "1");
        // cargo-fuzz has flags of its own, in place of the recorded ones with the rpath.
        if let Some((name, folders)) = search_path(machine, &tree) {
            fuzz.env(name, folders);
        }
        if !succeeds(&format!("fuzzing {target} for {seconds} s"), &mut fuzz)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("no finding in {} targets, {seconds} s each", chosen.len());
    Ok(ExitCode::SUCCESS)
}

/// The seconds that each target is to run, and which are to run.
fn asked(args: &[OsString]) -> Result<(u32, Vec<Target>)> {
    let Some((seconds, names)) = args.split_first() else {
        return Ok((SECONDS, TARGETS.to_vec()));
    };
    let Some(seconds) =
        seconds.to_str().and_then(|seconds| seconds.parse().ok()).filter(|&seconds| seconds > 0)
    else {
        return Err(usage("fuzz takes first how many seconds each target is to run".to_owned()));
    };
    if names.is_empty() {
        return Ok((seconds, TARGETS.to_vec()));
    }
    let named = |name: &OsString| {
        TARGETS.into_iter().find(|(target, ..)| *name == **target).ok_or_else(|| {
            let targets = TARGETS.map(|(target, ..)| target).join(", ");
            usage(format!("fuzz has no target `{}`; there are {targets}", name.display()))
        })
    };
    Ok((seconds, names.iter().map(named).collect::<Result<_>>()?))
}

/// The program that builds and runs fuzz targets, installed where the checkout keeps what it builds.
fn installed(machine: &Machine) -> Result<PathBuf> {
    let tools = machine.root.join("target/tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.is_file() {
        let mut install = Command::new(machine.var("CARGO").unwrap_or("cargo".as_ref()));
        install.args(["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked", "--root"]).arg(&tools);
        anyhow::ensure!(
            succeeds("installing cargo-fuzz into target/tools", &mut install)?,
            "cargo-fuzz was not installed"
        );
    }
    Ok(program)
}

/// Sees to it that there are small real checkpoints to start from, and networks to ask, of images, series and
/// sentences.
fn train_seeds(machine: &Machine, tree: &Tree) -> Result<()> {
    let runs = [
        ("configs/synthetic.toml", "run"),
        ("configs/series/synthetic.toml", "series-run"),
        ("configs/text/synthetic.toml", "text-run"),
    ];
    for (config, run) in runs {
        let run = machine.root.join("target/fuzz").join(run);
        if run.join("checkpoints/last.safetensors").is_file() {
            continue;
        }
        let mut train = program(machine, tree)?;
        train.arg("train").arg(machine.root.join(Path::new(config))).arg("--run-dir").arg(&run);
        for set in ["data.limit=20", "data.validation=5", "model.hidden=2", "train.epochs=1"] {
            train.args(["--set", set]);
        }
        anyhow::ensure!(succeeds("training a seed", &mut train)?, "there is no checkpoint to start from");
    }
    Ok(())
}

#[cfg(test)]
#[path = "fuzz_tests.rs"]
mod tests;
