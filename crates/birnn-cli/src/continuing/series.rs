//! What follows series, step by step.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Sequences, Series, Values};
use birnn_infer::{Overflow, Predictor, Regress, finite};

use super::ahead::{Ahead, ToRead};
use super::{overflowed, together};
use crate::args::ContinueArgs;
use crate::failure::Failure;
use crate::output::csv_cell;
use crate::samples::series::{Found, first_refused, read};

/// A CSV table with the steps that follow each series.
pub(super) fn table(
    args: &ContinueArgs,
    predictor: &Predictor,
    (series, task): (&Series, &Regress),
    data: &DataConfig,
) -> Result<String, Failure> {
    let file = shown(&args.table);
    let Found { sequences, ids, lines, .. } =
        read(&args.table, series, data).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    first_refused(&sequences, series).map_err(|problem| Failure::request(format!("{file}: {problem}")))?;
    let mut known: Vec<Vec<f32>> =
        sequences.iter().map(|one| one.floats().unwrap_or_default().to_vec()).collect();
    let begin: Vec<usize> = known.iter().map(Vec::len).collect();
    let mut rest = known.as_mut_slice();
    for count in together(begin.iter().map(|values| values / series.features())) {
        let (together, others) = rest.split_at_mut(count);
        rest = others;
        // What is missing in the last step may be known from one long before.
        let last = |values: &Vec<f32>| {
            let filled = series.filled(values);
            filled[filled.len() - series.features()..].to_vec()
        };
        let mut last: Vec<f32> = together.iter().flat_map(last).collect();
        let mut ahead = Ahead::new(predictor);
        for _ in 0..args.steps {
            let next = next_steps(&mut ahead, (series, task), together, &last);
            last = next.map_err(|why| overflowed(args, why))?;
            let next = last.chunks_exact(series.features());
            together.iter_mut().zip(next).for_each(|(known, next)| known.extend_from_slice(next));
        }
    }

    let features = series.features();
    // As `predict` calls them: by their names or, where several have none, by the line of each.
    let names = ids.or_else(|| (lines.len() > 1).then(|| lines.iter().map(usize::to_string).collect()));
    let mut table = names.as_ref().map_or(String::new(), |_| "series,".to_owned());
    table.push_str(&format!(
        "step,{}\n",
        task.scale.names.iter().map(|name| csv_cell(name)).collect::<Vec<_>>().join(",")
    ));
    for (index, (known, begin)) in known.iter().zip(begin).enumerate() {
        for (ahead, step) in (1..).zip(known[begin..].chunks_exact(features)) {
            if let Some(names) = &names {
                table.push_str(&format!("{},", csv_cell(&names[index])));
            }
            let values: Vec<String> = step.iter().map(f32::to_string).collect();
            table.push_str(&format!("{ahead},{}\n", values.join(",")));
        }
    }
    Ok(table)
}

/// The step that comes next of each series `known [steps, features]`, the `last` one of which is read as
/// `[series, features]`.
fn next_steps(
    ahead: &mut Ahead,
    (series, task): (&Series, &Regress),
    known: &[Vec<f32>],
    last: &[f32],
) -> Result<Vec<f32>, Overflow> {
    let features = series.features();
    let outputs = ahead.logits(|to_read| {
        let steps = known.iter().map(|values| match to_read {
            ToRead::All => values.as_slice(),
            ToRead::Last => &values[values.len() - features..],
        });
        let lengths = steps.clone().map(|values| values.len() / features);
        Sequences::new(Values::Floats(steps.flatten().copied().collect()), features, lengths)
    })?;
    let next = task.self_answer(series, last, &outputs);
    finite(&next).map(|()| next)
}
