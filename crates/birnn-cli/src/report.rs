//! `birnn report`: a page about a run, for people.

use std::path::PathBuf;

use birnn_convert::writable;
use birnn_data::name::shown;
use birnn_infer::Precision;
use birnn_report::{Records, Run, page};
use birnn_run::disk;

use crate::args::ReportArgs;
use crate::asked::{check_data, predictor_of, refuse_gpu, tell_of_the_test, warn_of_substitution};
use crate::data;
use crate::failure::{Failure, Outcome};
use crate::log::Log;

const REPORT: &str = "report.html";

/// Writes the page of a run, whole or not at all.
pub fn run(args: &ReportArgs, log: &Log) -> Outcome {
    let disk = disk::from_env()?;
    let out = out(args)?;
    refuse_gpu("a report", args.device)?;
    let (weights, predictor) = predictor_of(&args.run, Precision::Highest)?;
    let manifest = predictor.manifest();
    warn_of_substitution(&weights, manifest);
    let config = args.data.data_of_run(manifest, &weights, &args.sets)?;
    let plan = manifest.plan(&config).map_err(Failure::request)?;
    let splits = data::load(&plan, &args.data.locations()?, log, None)?;
    check_data(&args.run, &weights, manifest, &splits, true)?;
    if !args.sets.sets.is_empty() {
        tell_of_the_test(&splits);
    }
    let records = Records::read(&args.run);
    for problem in &records.problems {
        tracing::warn!("{problem}");
    }
    let run = Run {
        weights: &weights,
        predictor: &predictor,
        records: &records,
        provenance: &splits.provenance,
        train: splits.learnt_from(),
        test: &splits.test,
    };
    let page = page(&run)?;
    disk::replace(&*disk, &out, page.as_bytes(), None).map_err(|error| match &args.out {
        // A run can be on a disk that is read alone, or be another's.
        None => Failure::run(format!("{error}; for a page elsewhere: --out FILE")),
        Some(_) => error.into(),
    })?;
    tracing::info!("saved {}", shown(&out));
    Ok(())
}

/// Where the page goes. The run's own is made anew each time; any other file is the user's.
fn out(args: &ReportArgs) -> Result<PathBuf, Failure> {
    if !args.run.is_dir() {
        let run = shown(&args.run);
        return Err(Failure::request(format!(
            "{run}: is no run directory, which holds weights and what the run wrote down"
        )));
    }
    match &args.out {
        None => Ok(args.run.join(REPORT)),
        Some(out) => Ok(writable(out, args.force).map(|()| out.clone())?),
    }
}
