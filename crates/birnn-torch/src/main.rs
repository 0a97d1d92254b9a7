//! The `birnn-torch` binary: what `birnn` becomes for what computes with libtorch. It parses the same command
//! line.

mod doctor;
mod failed;
mod learned;
mod ranks;
mod sweep;
mod train;
mod view;

use std::process::ExitCode;

use birnn_cli::args::Command;
use birnn_cli::failure::Failure;
use birnn_cli::{eval, predict, process};

use crate::learned::open;

fn main() -> ExitCode {
    #[expect(unsafe_code, reason = "this is the start of the process")]
    // SAFETY: no other thread has been started.
    unsafe {
        birnn_engine::startup::prepare();
    }
    process::main(|command, log| match command {
        Command::Train(args) => train::run(&args, &log),
        Command::Sweep(args) => sweep::run(&args, &log),
        Command::Doctor(args) => doctor::run(&args),
        Command::Eval(args) if args.stream.is_none() => {
            eval::run(&args, &log, |run| open(run, args.device, args.precision.precision))
        }
        Command::Predict(args) if !args.stream => {
            predict::run(&args, open(&args.run, args.device, args.precision.precision)?)
        }
        Command::Eval(_)
        | Command::Predict(_)
        | Command::Fill(_)
        | Command::Continue(_)
        | Command::Serve(_)
        | Command::Encode(_)
        | Command::Report(_)
        | Command::Runs(_)
        | Command::Compare(_)
        | Command::Export(_)
        | Command::Import(_)
        | Command::Data(_)
        | Command::Config(_)
        | Command::Completions { .. } => {
            Err(Failure::request("this needs no libtorch: start birnn, which becomes birnn-torch by itself"))
        }
    })
}
