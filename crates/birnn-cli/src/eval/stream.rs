//! How a net of one direction does on a table that is read as it comes.

use std::path::Path;

use birnn_data::name::shown;
use birnn_infer::{Detail, Judge, Task};
use birnn_report::Judged;

use super::{Report, classes, numbers};
use crate::args::EvalArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};
use crate::streaming::{AnsweredSteps, Stepwise};

/// Steps that are read at a time.
const STEPS: usize = 1024;

/// Judges a net by a table, of which it holds the latest steps alone.
pub fn run(args: &EvalArgs, file: &Path) -> Outcome {
    let net = Stepwise::open(args.net()?, args.device, args.precision.precision)?;
    let (task, wanted, series) = (net.task(), net.task().wanted(), net.series()?);
    let table = net
        .data
        .table_to_judge(series, wanted, task.classes())
        .map_err(|error| Failure::request(format!("--stream: {error}")))?;
    let same = |learnt: &Path| learnt.canonicalize().ok() == file.canonicalize().ok();
    if file.exists() && net.data.train.as_deref().is_some_and(same) {
        let of = shown(&file);
        tracing::warn!("{of}: the net learnt from this file: how it does there says little of other data");
    }
    let (mut judge, mut count) = (Judge::new(task), 0);
    net.each(file, (&table, wanted.of_files()), STEPS, |answered| {
        let AnsweredSteps { begin, targets, values, filled, outputs, .. } = answered;
        count += usize::from(begin == 0);
        match targets {
            _ if task.self_targets().is_some() => {
                judge.add_next(series, (&values, &filled), &outputs, begin == 0);
            }
            Some(own) => judge.add(outputs, &own.targets, begin == 0),
            // A step behind these is refused.
            None => {}
        }
        Ok(true)
    })?;
    let judged = match task {
        Task::Regress(task) => Judged::of(task, judge.errors_by_sequence(), judge.baseline()),
        Task::Classify(_) => Vec::new(),
    };
    let evaluation = judge.evaluation();
    if evaluation.positions == 0 {
        let message = "nothing of it was asked for: there is no step with a value behind it";
        return Err(Failure::request(format!("{}: {message}", shown(&file))));
    }
    let dataset = shown(&file).to_string();
    if args.json {
        return print_json(&Report {
            weights: &net.weights,
            ensemble: Vec::new(),
            dataset: &dataset,
            split: "stream",
            evaluation: &evaluation,
            wrong: None,
            words: None,
            judged,
            by_counting: None,
            in_use: None,
        });
    }
    let counted = task.counted();
    let of = format!("{dataset}, {} {counted} of {count} series as they come", evaluation.positions);
    print(&match &evaluation.detail {
        Detail::Classify(detail) => classes::table(&evaluation, detail, None, &of, counted),
        Detail::Regress(detail) => numbers::table(&evaluation, detail, &judged, &of),
    })
}
