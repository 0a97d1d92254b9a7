//! `birnn continue`: what comes next, by a net that learnt to look ahead.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Modality, OwnValues, Sequences, Series, Values};
use birnn_infer::{Manifest, Regress, Task};

use crate::args::ContinueArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::print;
use crate::samples::series::{Found, read};

/// Prints a table with the steps that follow each series.
pub fn run(args: &ContinueArgs) -> Outcome {
    let asked = Asked::on_the_cpu(&args.run, args.precision.precision)?;
    let manifest = &asked.manifest;
    let (series, task) = looking_ahead(manifest).ok_or_else(|| {
        Failure::request(format!(
            "{}: a net of task `{}` learnt nothing of what comes next; `kind = \"next\"` under [task] makes a net that does",
            shown(&args.run),
            asked.task.kind().name(),
        ))
    })?;
    let experiment = manifest.experiment().unwrap_or_default();
    if experiment.model.bidirectional {
        tracing::warn!(
            "{}: this net was trained to read what it is asked for (task.leak = \"show\"); what follows is of no use",
            shown(&args.run)
        );
    }
    let file = shown(&args.table);
    let Found { sequences, ids, .. } = read(&args.table, series, &experiment.data)
        .map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    let most = longest(series, &experiment.data);
    let mut known: Vec<Vec<f32>> =
        sequences.iter().map(|one| one.floats().unwrap_or_default().to_vec()).collect();
    let begin: Vec<usize> = known.iter().map(Vec::len).collect();
    for _ in 0..args.steps.get() {
        let next = next_steps(&asked, (series, task), &known, most)?;
        known.iter_mut().zip(next).for_each(|(known, next)| known.extend(next));
    }

    let features = series.features();
    let mut table = ids.as_ref().map_or(String::new(), |_| "series,".to_owned());
    table.push_str(&format!(
        "step,{}\n",
        task.scale.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",")
    ));
    for (index, (known, begin)) in known.iter().zip(begin).enumerate() {
        for (ahead, step) in (1..).zip(known[begin..].chunks_exact(features)) {
            if let Some(ids) = &ids {
                table.push_str(&format!("{},", quoted(&ids[index])));
            }
            let values: Vec<String> = step.iter().map(f32::to_string).collect();
            table.push_str(&format!("{ahead},{}\n", values.join(",")));
        }
    }
    print(&table)
}

/// How a net that looks ahead reads series, and what it answers.
fn looking_ahead(manifest: &Manifest) -> Option<(&Series, &Regress)> {
    match (&manifest.modality, &manifest.task) {
        (Modality::Series(series), Task::Regress(task)) if task.own == Some(OwnValues::Next) => {
            Some((series, task))
        }
        _ => None,
    }
}

/// How many steps back a net reads: as many as the longest series that it learnt from has.
fn longest(series: &Series, data: &DataConfig) -> usize {
    let learnt = series.steps.map_or(usize::MAX, |[_, longest]| longest);
    data.window.map_or(learnt, |window| window.length.min(learnt)).max(1)
}

/// The next step of each series `known [steps, features]`, from the last `most` of its steps.
fn next_steps(
    asked: &Asked,
    (series, task): (&Series, &Regress),
    known: &[Vec<f32>],
    most: usize,
) -> Result<Vec<Vec<f32>>, Failure> {
    let features = series.features();
    let last = |values: &Vec<f32>| values.len().saturating_sub(most * features);
    let recent: Vec<&[f32]> = known.iter().map(|values| &values[last(values)..]).collect();
    let lengths: Vec<usize> = recent.iter().map(|values| values.len() / features).collect();
    let sequences = Sequences::new(Values::Floats(recent.concat()), features, lengths);
    let outputs = asked.answers(&sequences)?.logits;
    let next = |(index, values): (usize, &&[f32])| {
        let steps = sequences.steps_of(index);
        let answers = task.own_answer(series, values, &outputs[steps.start * features..steps.end * features]);
        answers[answers.len() - features..].to_vec()
    };
    Ok(recent.iter().enumerate().map(next).collect())
}

/// A name as a cell of a CSV table.
fn quoted(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}
