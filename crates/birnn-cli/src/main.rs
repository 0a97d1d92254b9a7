//! The `birnn` binary: parses, wires, prints; for what needs libtorch it becomes `birnn-torch`.

use std::process::ExitCode;

use birnn_cli::args::{Args, Command};
use birnn_cli::asked::Asked;
use birnn_cli::output::print;
use birnn_cli::{
    compare, config, continuing, data, encode, eval, export, fill, import, libtorch, predict, process,
    report, runs, serve,
};
use clap::CommandFactory;

fn main() -> ExitCode {
    process::main(|command, log| match command {
        Command::Train(_) | Command::Sweep(_) | Command::Doctor(_) => libtorch::become_it(),
        Command::Predict(args) if args.stream => predict::stream::run(&args),
        Command::Predict(args) if libtorch::wanted_for(args.device) => libtorch::become_it(),
        Command::Eval(args) => match &args.stream {
            Some(table) => eval::stream::run(&args, table),
            None if libtorch::wanted_for(args.device) => libtorch::become_it(),
            None => eval::run(&args, &log, |run| Asked::on_the_cpu(run, args.precision.precision)),
        },
        Command::Predict(args) => {
            predict::run(&args, Asked::on_the_cpu(&args.run, args.precision.precision)?)
        }
        Command::Serve(args) => serve::run(&args),
        Command::Fill(args) => fill::run(&args),
        Command::Continue(args) => continuing::run(&args),
        Command::Encode(args) => encode::run(&args),
        Command::Report(args) => report::run(&args, &log),
        Command::Runs(args) => runs::run(&args),
        Command::Compare(args) => compare::run(&args, &log),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args, &log),
        Command::Data(args) => data::run(&args, &log),
        Command::Config(args) => config::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "birnn", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    })
}
