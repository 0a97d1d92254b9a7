//! What follows series, step by step.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Sequences, Series, Values};
use birnn_infer::Regress;

use crate::args::ContinueArgs;
use crate::asked::Asked;
use crate::failure::Failure;
use crate::samples::series::{Found, first_refused, read};

/// A CSV table with the steps that follow each series.
pub(super) fn table(
    args: &ContinueArgs,
    asked: &Asked,
    (series, task): (&Series, &Regress),
    data: &DataConfig,
) -> Result<String, Failure> {
    let file = shown(&args.table);
    let Found { sequences, ids, .. } =
        read(&args.table, series, data).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    first_refused(&sequences, series).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    let most = longest(series, data);
    let mut known: Vec<Vec<f32>> =
        sequences.iter().map(|one| one.floats().unwrap_or_default().to_vec()).collect();
    let begin: Vec<usize> = known.iter().map(Vec::len).collect();
    for _ in 0..args.steps.get() {
        let next = next_steps(asked, (series, task), &known, most)?;
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
    Ok(table)
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
        let answers =
            task.self_answer(series, values, &outputs[steps.start * features..steps.end * features]);
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
