//! The gaps of a table, filled in.

use std::io::Error;
use std::ops::Range;

use birnn_data::name::shown;
use birnn_data::{CsvGaps, DataConfig, FileProblem, Part, Sequences, Series};
use birnn_infer::{Regress, other_features};

use super::Filled;
use crate::args::FillArgs;
use crate::asked::Asked;
use crate::failure::Failure;
use crate::samples::series::{csv_source, first_refused};

/// Windows that are answered at once.
const WINDOWS: usize = 1024;

/// The table with a number in each cell whose value is missing.
pub(super) fn filled(
    args: &FillArgs,
    asked: &Asked,
    (series, task): (&Series, &Regress),
    data: &DataConfig,
) -> Result<Filled, Failure> {
    let file = shown(&args.table);
    let gaps = read(args, series, data).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    let (found, features) = (gaps.series(), series.features());
    if let Some(problem) = other_features(found.features(), features, Some(data)) {
        return Err(Failure::request(format!("{file}: {problem}")));
    }
    first_refused(found, series).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    let text = gaps.filled(&values(asked, (series, task), data, found)?);
    let (all, steps) = (found.steps() * features, found.steps());
    let told = format!("{} of {all} values of {} series, {steps} steps", gaps.count(), found.len());
    let gap = "an empty cell, or one that says so, in a column that the net reads".to_owned();
    Ok(Filled { text, gaps: gaps.count(), gap, told })
}

/// The table, from a file or from standard input.
fn read(args: &FillArgs, net: &Series, data: &DataConfig) -> Result<CsvGaps, FileProblem> {
    let table = data.table_to_ask(Some(net)).map_err(|error| Error::other(error.to_string()))?;
    let others = "gaps are filled in in these alone; `birnn predict --json` gives all values of others";
    CsvGaps::read(csv_source(&args.table, others)?, &table, &args.table.to_string_lossy())
}

/// The values of all steps, what is missing filled in.
fn values(
    asked: &Asked,
    (series, task): (&Series, &Regress),
    data: &DataConfig,
    found: &Sequences,
) -> Result<Vec<f32>, Failure> {
    let features = found.features();
    let (mut parts, mut own) = (Vec::new(), Vec::new());
    for (sample, steps) in found.lengths().enumerate() {
        let length = data.window.map_or(steps, |window| window.length);
        for (part, answers) in windows(steps, length) {
            parts.push(Part { sample, steps: part });
            own.push(answers);
        }
    }
    let mut values = Vec::with_capacity(found.steps() * features);
    for (parts, own) in parts.chunks(WINDOWS).zip(own.chunks(WINDOWS)) {
        let windows = found.parts(parts);
        let outputs = asked.answers(&windows)?.logits;
        for (index, (own, one)) in own.iter().zip(windows.iter()).enumerate() {
            let steps = windows.steps_of(index);
            let outputs = &outputs[steps.start * features..steps.end * features];
            let answers = task.self_answer(series, one.floats().unwrap_or_default(), outputs);
            values.extend_from_slice(&answers[own.start * features..own.end * features]);
        }
    }
    Ok(values)
}

/// The windows of `length` steps that a series of `steps` is read in, each with those of its own steps that
/// are taken from its answers. They overlap by half, and a step is taken from where there is the most around
/// it: in the middle a net knows more than at an end.
fn windows(steps: usize, length: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let length = length.min(steps);
    let mut begins: Vec<usize> = (0..steps - length).step_by(length.div_ceil(2)).collect();
    begins.push(steps - length);
    // Where the answers of one window end, and those of the next begin: in the middle of what both read.
    let end = |index: usize| match begins.get(index + 1) {
        Some(next) => (begins[index] + length + next) / 2,
        None => steps,
    };
    let part = |index: usize| {
        let (begin, first) = (begins[index], if index == 0 { 0 } else { end(index - 1) });
        (begin..begin + length, first - begin..end(index) - begin)
    };
    (0..begins.len()).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_answered_once_and_from_within() {
        assert_eq!(windows(10, 4), [(0..4, 0..3), (2..6, 1..3), (4..8, 1..3), (6..10, 1..4)]);
        for (steps, length) in [(1, 1), (5, 9), (9, 4), (10, 3), (100, 48), (96, 48), (97, 1)] {
            let all: Vec<usize> = windows(steps, length)
                .into_iter()
                .flat_map(|(part, own)| own.map(move |step| part.start + step))
                .collect();
            assert_eq!(all, (0..steps).collect::<Vec<_>>(), "{steps} steps in windows of {length}");
            assert!(windows(steps, length).iter().all(|(part, _)| part.len() == length.min(steps)));
        }
    }
}
