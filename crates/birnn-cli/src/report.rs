//! `birnn report`: a page about a run, for people.

use std::path::PathBuf;

use birnn_data::name::shown;
use birnn_engine::disk;
use birnn_report::{Records, ReportError, Run, page};

use crate::args::ReportArgs;
use crate::eval::{Trained, open, suits};
use crate::export::writable;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{data, fault, run_data};

const REPORT: &str = "report.html";

/// Writes the page of a run, whole or not at all.
pub fn run(args: &ReportArgs, log: &Log) -> Outcome {
    let disk = fault::disk()?;
    let out = out(args)?;
    let Trained { weights, mut learner, about } = open(&args.run, args.device)?;
    let plan =
        run_data::config(&about, &weights, &args.sets, &args.place)?.resolve().map_err(Failure::request)?;
    let splits = data::load(&plan, &args.place.locations(), log, None)?;
    suits(&weights, &about, &splits)?;
    run_data::warn_of_preprocessing(&weights, &about, &splits);
    run_data::warn_of_change(&args.run, &about, &splits);
    let records = Records::read(&args.run);
    for problem in &records.problems {
        tracing::warn!("{problem}");
    }
    let run = Run {
        weights: &weights,
        about: &about,
        records: &records,
        provenance: &splits.provenance,
        test: &splits.test,
    };
    let page = page(&run, &mut learner)?;
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
        Some(out) => writable(out, args.force).map(|()| out.clone()),
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            ReportError::NoImages | ReportError::OtherImages => Failure::request(error),
            _ => Failure::run(error),
        }
    }
}
