//! `birnn config`.

use birnn_engine::Source;

use crate::args::ConfigCommand;
use crate::failure::{Failure, Outcome};
use crate::print;

/// Checks an experiment file, and shows it when asked to.
pub fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Check(args) => {
            Source::read(&args.config, &args.sets.sets)?.plan()?;
            print(&format!("{}: ok\n", args.config.display()))
        }
        ConfigCommand::Show(args) => {
            let source = Source::read(&args.config, &args.sets.sets)?;
            source.plan()?;
            print(&source.experiment.to_toml().map_err(Failure::run)?)
        }
    }
}
