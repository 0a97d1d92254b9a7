//! `cargo xtask bench`: a training step by birnn beside plain libtorch and PyTorch, on one machine, in one
//! run, in turns.
//!
//! The order in which to read: [`sweeps`] says at which points, [`contender`] who is measured, [`turns`] how,
//! [`measure`] in which order; [`report`], [`plot`] and [`readme`] write what [`mod@bench`] holds.

mod alone;
mod bench;
mod contender;
mod digits;
mod machine;
mod measure;
mod ours;
mod plain;
mod plot;
mod point;
mod pytorch;
mod readme;
mod report;
mod stats;
mod sweeps;
mod table;
mod turns;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use birnn_engine::device::cpu_threads;
use birnn_engine::startup;
use birnn_infer::cpu;
use clap::{Parser, ValueEnum};

use alone::Alone;
use bench::Bench;
use pytorch::Home;
use readme::Readme;
use sweeps::Sweep;
use turns::Effort;

/// Measures a training step (forward, backward, Adam) by birnn beside plain libtorch and, where a Python with
/// PyTorch is named, PyTorch, in turns. It takes a quarter to half an hour on two cores, and wants the
/// machine for itself.
#[derive(Debug, Parser)]
#[command(
    name = "birnn-bench",
    bin_name = "cargo xtask bench",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Args {
    /// A Python with PyTorch 2.11, and torchvision for the tutorial's own loop.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Where bench.json, the report and its plots go.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// A Markdown file to put a short table into, between `<!-- bench -->` and `<!-- /bench -->`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "only"])]
    readme: Option<PathBuf>,
    /// Few turns, and only the tutorial's net where --only names nothing more.
    #[arg(long)]
    quick: bool,
    /// Only these sweeps, and the tutorial's net.
    #[arg(long, value_name = "SWEEP", value_enum, value_delimiter = ',')]
    only: Vec<Sweep>,
    /// Measures nothing, and writes what a former run's bench.json holds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["python", "quick", "only"])]
    from: Option<PathBuf>,
    #[command(subcommand)]
    alone: Option<Alone>,
}

fn main() -> ExitCode {
    // As the `birnn` program does, for all contenders in this process.
    #[expect(unsafe_code, reason = "this is the start of the process")]
    // SAFETY: no other thread has been started.
    unsafe {
        startup::prepare();
    }
    // Before anything changes libtorch's number of threads.
    let threads = cpu_threads();
    let args = Args::parse();
    match cpu::configure_from_env().map_err(Into::into).and_then(|()| run(&args, threads as usize)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, threads: usize) -> Result<()> {
    if let Some(alone) = &args.alone {
        return alone.run();
    }
    let readme = args.readme.as_deref().map(Readme::open).transpose()?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let (bench, measured) = match &args.from {
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let bench = serde_json::from_slice(&text)
                .with_context(|| format!("{} is not of this version", path.display()))?;
            (bench, Ok(()))
        }
        None => {
            if let Some(unrest) = machine::unrest() {
                eprintln!("warning: {unrest}");
            }
            let home = args.python.as_deref().map(Home::new).transpose()?;
            let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
            measure::measure(args.sweeps(), effort, threads, home.as_ref())?
        }
    };
    if let Err(error) = measured {
        // What took minutes to measure is kept, and no run that was whole is lost for it.
        let partial = args.out.join("partial");
        if !bench.points.is_empty() && std::fs::create_dir_all(&partial).is_ok() {
            write_all(&bench, &partial).unwrap_or_else(|error| eprintln!("{error:#}"));
            eprintln!("what was measured before is written to {}", partial.display());
        }
        return Err(error);
    }
    write_all(&bench, &args.out)?;
    eprintln!("written to {}", args.out.display());
    if let Some(readme) = readme {
        readme.replace(&bench)?;
    }
    Ok(())
}

impl Args {
    /// In the order of the report.
    fn sweeps(&self) -> Vec<Sweep> {
        let all = !self.quick && self.only.is_empty();
        let wanted = |sweep: &Sweep| all || *sweep == Sweep::Cells || self.only.contains(sweep);
        Sweep::value_variants().iter().copied().filter(wanted).collect()
    }
}

fn write_all(bench: &Bench, folder: &Path) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("bench.json", &(serde_json::to_string_pretty(bench)? + "\n"))?;
    let mut plots = Vec::new();
    for &sweep in &bench.sweeps {
        if let Some(svg) = plot::svg(bench, sweep) {
            write(&format!("{}.svg", sweep.name()), &svg)?;
            plots.push(sweep);
        }
    }
    write("README.md", &report::report(bench, &plots))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[track_caller]
    fn sweeps(args: &[&str]) -> Vec<Sweep> {
        Args::try_parse_from([&["bench"], args].concat()).unwrap().sweeps()
    }

    #[test]
    fn options_select_sweeps() {
        Args::command().debug_assert();
        assert_eq!(sweeps(&[]), Sweep::value_variants());
        assert_eq!(sweeps(&["--quick"]), [Sweep::Cells]);
        assert_eq!(sweeps(&["--only", "hidden,batch"]), [Sweep::Cells, Sweep::Batch, Sweep::Hidden]);
        assert_eq!(sweeps(&["--quick", "--only", "busy", "--only", "time"]).len(), 3);
        assert!(Args::try_parse_from(["bench", "--quick", "--readme", "README.md"]).is_err());
    }

    #[test]
    fn a_run_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let bench = bench::made_up::bench();
        write_all(&bench, folder.path()).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let plots = ["batch.svg", "hidden.svg", "layers.svg", "lengths.svg", "threads.svg", "time.svg"];
        let mut expected = [&["README.md", "bench.json"], &plots[..]].concat();
        expected.sort();
        assert_eq!(names, expected);
    }
}
