//! `birnn fill`: the gaps of a table, filled in by a net that learnt to.

use std::io::{Error, stdin};
use std::ops::Range;

use birnn_convert::writable;
use birnn_data::name::shown;
use birnn_data::{CsvGaps, DataConfig, FileProblem, Modality, OwnValues, Part, Sequences, Series, open_file};
use birnn_infer::{Manifest, Regress, Task};
use birnn_run::disk;

use crate::args::FillArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::pass_on;

/// Windows that are answered at once.
const WINDOWS: usize = 1024;

/// Writes the table with its gaps filled in, whole or not at all.
pub fn run(args: &FillArgs) -> Outcome {
    let out = args.out.as_deref().filter(|out| out.to_str() != Some("-"));
    if let Some(out) = out {
        if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz")) {
            let message = "what is written is not gzipped; leave `.gz` out of its name";
            return Err(Failure::request(format!("{}: {message}", shown(out))));
        }
        writable(out, args.force)?;
    }
    let asked = Asked::on_the_cpu(&args.run, args.precision.precision)?;
    let (series, task) = filling(&asked.manifest).ok_or_else(|| {
        Failure::request(format!(
            "{}: {} learnt to fill no gaps in; `kind = \"infill\"` under [task] makes a net that does",
            shown(&args.run),
            name_of(&asked.task),
        ))
    })?;
    let data = asked.manifest.experiment().map(|experiment| experiment.data).unwrap_or_default();
    let gaps = read(args, series, &data)
        .map_err(|problem| Failure::request(format!("{}: {problem}", shown(&args.table))))?;
    let found = gaps.series();
    if found.features() != series.features() {
        return Err(Failure::request(format!(
            "{}: its series have {} values per step, and the net reads {}",
            shown(&args.table),
            found.features(),
            series.features()
        )));
    }
    let values = filled(&asked, (series, task), &data, found)?;
    let text = gaps.filled(&values);
    match out {
        None => pass_on(&text)?,
        Some(out) => disk::replace(&*disk::from_env()?, out, &text, None)?,
    }
    let (count, steps, s) = (gaps.count(), found.steps(), if found.len() == 1 { "" } else { "s" });
    tracing::info!(
        "filled {count} of {} values in, of {} series{s} with {steps} steps",
        steps * found.features(),
        found.len()
    );
    Ok(())
}

/// How a net that fills gaps in reads series, and what it answers.
fn filling(manifest: &Manifest) -> Option<(&Series, &Regress)> {
    match (&manifest.modality, &manifest.task) {
        (Modality::Series(series), Task::Regress(task)) if matches!(task.own, Some(OwnValues::Hidden(_))) => {
            Some((series, task))
        }
        _ => None,
    }
}

fn name_of(task: &Task) -> String {
    format!("a net of task `{}`", task.kind().name())
}

/// The table, from a file or from standard input.
fn read(args: &FillArgs, net: &Series, data: &DataConfig) -> Result<CsvGaps, FileProblem> {
    let table = data.table_to_ask(Some(net)).map_err(|error| Error::other(error.to_string()))?;
    let name = args.table.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if [".parquet", ".npz", ".ts"].iter().any(|ending| name.ends_with(ending)) {
        let message = "is no CSV file, and gaps are filled in in these alone; `birnn predict --json` gives all values of others";
        return Err(Error::other(message).into());
    }
    let delimiter = if name.ends_with(".tsv") || name.ends_with(".tab") { b'\t' } else { b',' };
    match name {
        "-" => CsvGaps::read(stdin().lock(), &table, delimiter),
        _ => CsvGaps::read(open_file(&args.table)?, &table, delimiter),
    }
}

/// The values of all steps, what is missing filled in.
fn filled(
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
            let answers = task.own_answer(series, one.floats().unwrap_or_default(), outputs);
            values.extend_from_slice(&answers[own.start * features..own.end * features]);
        }
    }
    Ok(values)
}

/// The windows of `length` steps that a series of `steps` is read in, each with those of its own steps that are taken from
/// its answers. They overlap by half, and a step is taken from where there is the most around it: in the middle a net knows
/// more than at an end.
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
