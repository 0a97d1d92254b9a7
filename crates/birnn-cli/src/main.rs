//! The `birnn` binary: parses, wires, prints.

mod args;
mod beside;
mod clock;
mod compare;
mod config;
mod data;
mod doctor;
mod eval;
mod export;
mod failure;
mod fault;
mod first;
mod import;
mod log;
mod predict;
mod report;
mod run_data;
mod sweep;
mod train;
mod view;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, Command};
use crate::failure::{Failure, Outcome};

fn main() -> ExitCode {
    #[expect(unsafe_code, reason = "this is the start of the process")]
    // SAFETY: no other thread has been started.
    unsafe {
        birnn_engine::startup::prepare();
    }
    failure::without_panic(run)
}

fn run() -> ExitCode {
    let args = args::parse();
    let log = log::start();
    let outcome = ready().and_then(|()| match args.command {
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
        Err(Failure { code, message, excerpt }) => {
            let excerpt = excerpt.as_deref();
            match code {
                // Stopped as the user wished.
                129.. => tracing::info!("{message}"),
                _ => tracing::error!(excerpt, "{message}"),
            }
            ExitCode::from(code)
        }
    }
}

/// What no command can do without.
fn ready() -> Outcome {
    first::working_directory()?;
    birnn_engine::startup::heed_environment().map_err(Failure::request)
}

/// Writes a result to stdout. A reader that has seen enough is no failure.
fn print(text: &str) -> Outcome {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(birnn_data::escape::lines(text).as_bytes()).and_then(|()| stdout.flush()) {
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
