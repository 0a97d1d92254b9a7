//! The `birnn` binary: parses, wires, prints.

mod args;
mod compare;
mod config;
mod contention;
#[cfg(unix)]
mod dashboard;
mod data;
mod doctor;
mod eval;
mod export;
mod failure;
mod fault;
mod import;
mod interrupt;
mod log;
mod predict;
mod progress;
mod report;
mod run_data;
mod show;
mod sweep;
mod table;
mod train;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};
use crate::failure::{Failure, Outcome};

fn main() -> ExitCode {
    birnn_engine::startup::prepare();
    let args = Args::parse();
    let log = log::start();
    let ready = birnn_engine::startup::heed_environment().map_err(Failure::request);
    let outcome = ready.and_then(|()| match args.command {
        Command::Train(args) => train::run(&args, &log),
        Command::Sweep(args) => sweep::run(&args, &log),
        Command::Eval(args) => eval::run(&args, &log),
        Command::Predict(args) => predict::run(&args),
        Command::Report(args) => report::run(&args, &log),
        Command::Compare(args) => compare::run(&args, &log),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args, &log),
        Command::Data(args) => data::run(&args, &log),
        Command::Config(args) => config::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "birnn", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            match code {
                // Stopped as the user wished.
                129.. => tracing::info!("{message}"),
                _ => tracing::error!("{message}"),
            }
            ExitCode::from(code)
        }
    }
}

/// Writes a result to stdout. A reader that has seen enough is no failure.
fn print(text: &str) -> Outcome {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::run(format!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints `value` as the one JSON object on stdout.
fn print_json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::run(error.to_string()))?;
    print(&format!("{text}\n"))
}
