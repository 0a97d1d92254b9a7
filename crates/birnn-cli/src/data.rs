//! `birnn data`, and loading data for the other commands.

use birnn_data::{DataConfig, DataError, DataPlan, Fallback, Locations, Splits, escape, name};
use birnn_experiment::Source;

use crate::args::{DataArgs, DataCommand};
use crate::downloads::Downloads;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::output::print;

/// Brings the experiment's files into place, or looks at those that are there, and lists them.
pub fn run(command: &DataCommand, log: &Log) -> Outcome {
    let (args, fetch) = match command {
        DataCommand::Fetch(args) => (args, true),
        DataCommand::Verify(args) => (args, false),
    };
    let source = source(args)?;
    let plan = match &source {
        Some(source) => source.plan()?.data,
        None => DataConfig::default().resolve().map_err(Failure::request)?,
    };
    // What stands in for the data is not what is asked for here.
    let plan = DataPlan { fallback: Fallback::None, ..plan };
    let locations = if fetch { args.data.locations() } else { args.data.clone().offline().locations() }?;
    let splits = load(&plan, &locations, log, source.as_ref())?;
    for file in &splits.provenance.files {
        let path = name::text(&file.path);
        print(&format!("{}  {}\n", file.content_sha256, escape::line(&path)))?;
    }
    for warning in &splits.warnings {
        match &source {
            Some(source) => tracing::warn!("{}", source.locate(warning.clone().into())),
            None => tracing::warn!("{warning}"),
        }
    }
    let found = &splits.provenance;
    let state = match &plan.source {
        birnn_data::Source::Synthetic
        | birnn_data::Source::SyntheticSeries
        | birnn_data::Source::SyntheticText => "made by code, with no file to verify",
        birnn_data::Source::Published(published) if !published.is_verified() => {
            "read; no digests are known to verify them by"
        }
        birnn_data::Source::Published(_) => "verified",
        birnn_data::Source::Files(_) | birnn_data::Source::Own(_) => "read",
    };
    let (train, test) = (found.train + found.validation, found.test);
    let (like, what) = (&splits.modality, splits.modality.noun());
    let division = found.division.as_ref().map_or_else(String::new, |division| format!(", {division}"));
    tracing::info!("{}: {train} training and {test} test {what}{division}, {state}; {like}", found.dataset);
    Ok(())
}

/// As [`birnn_data::load`], shown on stderr; a setting that does not fit is told of with its line in
/// `source`. Without one there is no setting that the user could change.
pub fn load(
    plan: &DataPlan,
    locations: &Locations,
    log: &Log,
    source: Option<&Source>,
) -> Result<Splits, Failure> {
    let mut shown = Downloads::new(&log.bars);
    birnn_data::load(plan, locations, &mut |event| shown.show(&event)).map_err(|error| {
        match (error, source) {
            (DataError::Config(error), Some(source)) => source.locate(error.into()).into(),
            // Where something could stand in for it, and is not wanted here, there is nothing to set either.
            (DataError::Unobtainable(reason), source)
                if source.is_none_or(|source| source.experiment().data.fallback != Fallback::None) =>
            {
                Failure::run(reason)
            }
            (error, _) => error.into(),
        }
    })
}

fn source(args: &DataArgs) -> Result<Option<Source>, Failure> {
    match &args.config {
        Some(path) => {
            let mut source = Source::read(path, &args.sets.sets)?;
            args.data.take_files(&mut source)?;
            Ok(Some(source))
        }
        None if args.sets.sets.is_empty() => Ok(None),
        None => Err(Failure::request("--set changes an experiment: name its file too")),
    }
}
