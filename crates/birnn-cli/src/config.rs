//! `birnn config`.

use birnn_data::{escape, name};
use birnn_experiment::{Source, schema};

use crate::args::ConfigCommand;
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};

/// Checks an experiment file, shows it, or prints what editors know such files by.
pub fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Check(args) => {
            let source = Source::read(&args.config, &args.sets.sets)?;
            source.plan()?;
            for warning in source.warnings(None) {
                tracing::warn!("{warning}");
            }
            let path = name::text(&args.config);
            let path = escape::line(&path);
            match source.experiment().sweep {
                Some(_) => print(&format!("{path}: ok, a sweep of {} runs\n", source.trials()?.len())),
                None => print(&format!("{path}: ok\n")),
            }
        }
        ConfigCommand::Show(args) => {
            let source = Source::read(&args.config, &args.sets.sets)?;
            source.plan()?;
            print(&source.shown().map_err(Failure::request)?)
        }
        ConfigCommand::Schema => print_json(schema()),
    }
}
