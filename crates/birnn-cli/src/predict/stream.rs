//! The answer to each step of a table, as it comes.

use std::fmt::Write;

use birnn_data::SelfTargets;
use birnn_infer::{Regress, Task};

use crate::args::PredictArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{csv_cell, pass_on};
use crate::streaming::{Answered, Stepwise};

/// Steps of a file that are answered at a time. Those of standard input are as they come.
const STEPS: usize = 1024;

/// Prints a CSV table with a row for each step.
pub fn run(args: &PredictArgs) -> Outcome {
    let [file] = args.samples.as_slice() else {
        return Err(Failure::request(
            "--stream: one file is read as it comes, or - for standard input; name one",
        ));
    };
    let net = Stepwise::open(&args.run, args.device, args.precision.precision)?;
    let table =
        net.data.table_to_ask(Some(net.series()?)).map_err(|error| Failure::request(error.to_string()))?;
    let most = if file.to_str() == Some("-") { 1 } else { STEPS };
    let mut is_begun = false;
    net.each(file, &table, None, most, |answered| {
        let mut text = String::new();
        if !std::mem::replace(&mut is_begun, true) {
            text.push_str(&header(net.task(), answered.piece.id.is_some()));
        }
        rows(net.task(), &answered, &mut text);
        pass_on(text.as_bytes())
    })
}

fn header(task: &Task, with_series: bool) -> String {
    let names = match task {
        Task::Classify(_) => "class,probability".to_owned(),
        Task::Regress(task) => {
            task.scale.names.iter().map(|name| csv_cell(name)).collect::<Vec<_>>().join(",")
        }
    };
    format!("{}step,{names}\n", if with_series { "series," } else { "" })
}

/// A row for each step, behind others.
fn rows(task: &Task, answered: &Answered, text: &mut String) {
    let answers: Vec<String> = match task {
        Task::Classify(task) => {
            let of = |logits: &[f32]| {
                let answer = task.answer(logits);
                format!("{},{}", csv_cell(&task.classes[answer.class]), answer.probability as f32)
            };
            answered.outputs.chunks_exact(task.classes.len()).map(of).collect()
        }
        Task::Regress(task) => {
            let of = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
            numbers(task, answered).chunks_exact(task.scale.names.len()).map(of).collect()
        }
    };
    for (step, answer) in (answered.piece.begin + 1..).zip(answers) {
        let id = answered.piece.id.as_ref().map_or_else(String::new, |id| format!("{},", csv_cell(id)));
        // Writing into a string does not fail.
        let _ = writeln!(text, "{id}{step},{answer}");
    }
}

/// Those of each step, or of that after it.
fn numbers(task: &Regress, Answered { filled, outputs, .. }: &Answered) -> Vec<f32> {
    let answers = task.answer(outputs);
    match task.self_targets {
        Some(SelfTargets::Next) => answers.iter().zip(filled).map(|(off, read)| off + read).collect(),
        Some(SelfTargets::Hidden(_)) | None => answers,
    }
}
