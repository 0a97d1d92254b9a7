//! `cargo xtask load`: how many answers a server gives, and how soon, by how many ask at once.
//!
//! The order in which to read: [`pictures`] is what is asked, [`contender`] starts those who answer,
//! [`drive`] asks them, and [`page`] writes what was found.

mod contender;
mod drive;
mod page;
mod pictures;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use birnn_infer::cpu;
use clap::Parser;

use contender::Kind;
use page::{Page, Row};

/// Asks `birnn serve`, and with --python the same network served by PyTorch and by onnxruntime, on this
/// machine's loopback: answers a second and latencies, by connections.
///
/// Who asks and who answers share the machine. All contenders get their turn at each number of connections
/// before any gets the next one; what is told are medians over the turns.
#[derive(Debug, Parser)]
#[command(name = "birnn-load", bin_name = "cargo xtask load")]
struct Args {
    /// A Python with torch, onnxruntime, safetensors, fastapi, uvicorn, httptools, uvloop and Pillow; without
    /// it birnn is asked alone.
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// How many ask at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64], value_parser = connections)]
    connections: Vec<usize>,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Turns of each contender at each number of connections.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    turns: u32,
    /// Where the table goes.
    #[arg(long, value_name = "DIR", default_value = "target/load")]
    out: PathBuf,
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=1000).contains(&count) => Ok(count),
        _ => Err("must be 1 to 1000".to_owned()),
    }
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
    let weights = PathBuf::from("crates/birnn-formats/examples/digits.safetensors");
    ensure!(weights.is_file(), "{} is not here; start this in the folder of the project", weights.display());
    let pictures = pictures::all(&weights)?;
    // What is started computes with these, and the page names them.
    cpu::configure_from_env()?;
    let cores = std::thread::available_parallelism()?;
    let kinds: Vec<Kind> = match &args.python {
        None => vec![Kind::Birnn],
        Some(_) => Kind::all(cores.get()),
    };
    let started = contender::start(&kinds, &weights, args.python.as_deref())?;
    for contender in &started {
        let wrong = drive::wrong_answers(contender.address, contender.path(), &pictures)
            .with_context(|| format!("{} does not answer", contender.name()))?;
        ensure!(wrong == 0, "{} answers {wrong} of {} pictures otherwise", contender.name(), pictures.len());
    }
    let turn = Duration::from_secs(args.seconds);
    let mut rows = Vec::new();
    for &connections in &args.connections {
        let mut of_each = vec![Vec::new(); started.len()];
        for _ in 0..args.turns {
            for (contender, turns) in started.iter().zip(&mut of_each) {
                turns.push(drive::ask(contender.address, contender.path(), &pictures, connections, turn)?);
            }
        }
        for (contender, turns) in started.iter().zip(&of_each) {
            let row = Row::new(contender, connections, turns)?;
            eprintln!("{row}");
            rows.push(row);
        }
    }
    let machine = format!("{}, {}, {cores} cores", cpu::name(), cpu::instructions());
    let page = Page { machine, seconds: args.seconds, turns: args.turns, rows };
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let path = args.out.join("README.md");
    std::fs::write(&path, page.text()).with_context(|| path.display().to_string())?;
    eprintln!("saved {}", path.display());
    Ok(())
}
