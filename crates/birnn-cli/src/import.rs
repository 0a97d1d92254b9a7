//! `birnn import`: weights that PyTorch or safetensors saved, as a network of birnn's.

use birnn_architecture::ModelConfig;
use birnn_convert::{Batch, Format, Request, import};
use birnn_experiment::{Experiment, TaskConfig};
use birnn_run::disk;
use serde::Serialize;

use crate::args::ImportArgs;
use crate::data;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::output::print;

/// Reads weights, finds out or checks what net they are of, and writes it.
pub fn run(args: &ImportArgs, log: &Log) -> Outcome {
    let disk = disk::from_env()?;
    let format = Format::of(&args.out, args.force)?;
    let request = Request {
        weights: args.weights.clone(),
        config: args.config.clone(),
        sets: args.sets.sets.clone(),
        key: args.key.clone(),
        mean: args.mean.clone(),
        std: args.std.clone(),
        rows: args.rows.map(|rows| rows as usize),
        series: args.series,
        classes: args.classes.clone(),
    };
    let locations = args.data.locations()?;
    let imported = import(&request, |plan, source| data::load(plan, &locations, log, Some(source)))?;
    format.write(&*disk, &args.out, &imported.net, Batch::Padded)?;
    if args.config.is_none() {
        return print(&config_of(imported.source.experiment())?);
    }
    Ok(())
}

/// The net as an experiment file has it, with its task where that is not the usual one.
fn config_of(experiment: &Experiment) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Config<'a> {
        #[serde(skip_serializing_if = "TaskConfig::is_default")]
        task: &'a TaskConfig,
        model: &'a ModelConfig,
    }
    toml::to_string(&Config { task: &experiment.task, model: &experiment.model }).map_err(Failure::run)
}
