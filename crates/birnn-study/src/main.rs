//! `cargo xtask study`: what is said of nets that read both ways, measured by experiments that anyone can run
//! again.
//!
//! The order in which to read: [`trial`] is a net to be trained, [`runner`] trains them by the `birnn` beside
//! this program, [`group`] is what several seeds come to; each file of [`parts`] asks one question, and
//! [`page`] writes what was found.

mod group;
mod page;
mod parts;
mod runner;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use birnn_infer::cpu;
use clap::Parser;

use page::{Made, Page};
use parts::Part;
use runner::Runner;

/// Trains the experiments of configs/study, several seeds of each, and writes what they show as a page with
/// plots. One core trains one net; two cores take about an hour.
#[derive(Debug, Parser)]
#[command(name = "birnn-study", bin_name = "cargo xtask study")]
struct Args {
    /// A look at all of it in about five minutes: two seeds, a part of the data, few epochs.
    #[arg(long)]
    quick: bool,
    /// How many seeds, from 0; intervals want two at least.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=50), conflicts_with = "quick")]
    seeds: u32,
    /// Only these parts.
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Where the page and its plots go [default: docs/study; of what is not all of it the folder of --runs]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the runs go. What is there already is not trained again: to begin anew, delete it.
    #[arg(long, value_name = "DIR", default_value = "target/study")]
    runs: PathBuf,
    /// A folder with conll2000/train.txt.gz and test.txt.gz, impute/ETTh1.csv.gz and sent/rt-polarity.all.gz
    /// [default: $BIRNN_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    ensure!(
        PathBuf::from("configs/study").is_dir(),
        "configs/study is not here; start this in the folder of the project"
    );
    let runs = if args.quick { args.runs.join("quick") } else { args.runs.clone() };
    // What they start computes with these, and the page names them.
    cpu::configure_from_env()?;
    let variable = std::env::var_os("BIRNN_DATA_DIR").filter(|value| !value.is_empty());
    let data = args.data.clone().or(variable.map(PathBuf::from));
    let runner = Runner::new(runs.clone(), data, args.quick)?;
    let seeds = if args.quick { 2 } else { args.seeds };
    let (cpu, instructions) = (cpu::name(), cpu::instructions());
    let cores = runner.cores();
    let made = Made {
        arguments: std::env::args().skip(1).collect(),
        quick: args.quick,
        seeds,
        by: format!("{}, {cpu}, {instructions}, {cores} cores, each net by one thread", runner.version()),
    };
    let mut page = Page::new(made);
    let mut failure = None;
    for part in args.parts() {
        eprintln!("{}", part.title());
        match part.study(&runner, seeds) {
            Ok(section) => page.add(section),
            Err(error) if error.is::<runner::NoData>() => page.leave_out(part, &error.to_string()),
            // What else is found is not lost, before it or after.
            Err(error) => {
                page.leave_out(part, &format!("{error:#}"));
                failure = failure.or(Some(error.context(part.title())));
            }
        }
    }
    let whole = !args.quick && page.is_whole();
    let out = match &args.out {
        Some(out) => out.clone(),
        None if whole => PathBuf::from("docs/study"),
        None => runs,
    };
    page.write(&out).with_context(|| format!("cannot write the page into {}", out.display()))?;
    eprintln!("written to {}", out.display());
    for why in page.left_out() {
        eprintln!("{why}");
    }
    failure.map_or(Ok(()), Err)
}

impl Args {
    fn parts(&self) -> Vec<Part> {
        let wanted = |part: &Part| self.only.is_empty() || self.only.contains(part);
        Part::ALL.into_iter().filter(wanted).collect()
    }
}
