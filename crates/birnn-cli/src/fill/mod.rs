//! `birnn fill`: gaps, filled in by a net that learnt to.

mod table;
mod text;

use birnn_convert::writable;
use birnn_data::name::shown;
use birnn_data::{Modality, SelfTargets};
use birnn_infer::Task;
use birnn_run::disk;

use crate::args::FillArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::pass_on;
use crate::samples::named::is_standard;

/// A text whose gaps are filled in, and what there was to fill in.
struct Filled {
    text: Vec<u8>,
    /// How many gaps there were, and what is one.
    gaps: usize,
    gap: String,
    /// Such as `12 of 480 values`.
    told: String,
}

/// Writes the table, or the texts, with gaps filled in, whole or not at all.
pub fn run(args: &FillArgs) -> Outcome {
    let out = args.out.as_deref().filter(|out| !is_standard(out));
    if let Some(out) = out {
        let ending = out.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if ["gz", "parquet", "npz"].contains(&ending.as_str()) {
            let message = format!("what is written is text, and `.{ending}` is not; give it another name");
            return Err(Failure::request(format!("{}: {message}", shown(out))));
        }
        writable(out, args.force)?;
    }
    let asked = Asked::on_the_cpu(&args.run, args.precision.precision)?;
    let data = &asked.manifest.experiment().data;
    let learnt = matches!(asked.task.self_targets(), Some(SelfTargets::Hidden(_)));
    let Filled { text, gaps, gap, told } = match (&asked.manifest.modality, &asked.task) {
        (Modality::Series(series), Task::Regress(task)) if learnt => {
            if args.gap.is_some() {
                let message = "--gap: is about texts; a cell of a table is a gap where it is empty";
                return Err(Failure::request(message));
            }
            table::filled(args, &asked, (series, task), data)?
        }
        (Modality::Text(_), Task::Classify(task)) if learnt => text::filled(args, &asked, task, data)?,
        _ => {
            return Err(Failure::request(format!(
                "{}: a net of task `{}` learnt to fill no gaps in; `kind = \"infill\"` under [task] makes a net that does",
                shown(&args.run),
                asked.task.kind().name(),
            )));
        }
    };
    match out {
        None => pass_on(&text)?,
        Some(out) => disk::replace(&*disk::from_env()?, out, &text, None)?,
    }
    match gaps {
        0 => tracing::warn!("{}: nothing in it is a gap, which is {gap}", shown(&args.table)),
        _ => tracing::info!("filled in: {told}"),
    }
    Ok(())
}
