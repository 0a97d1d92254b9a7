//! The answer to each step of a table, as it comes.

use std::fmt::Write;

use birnn_infer::Task;

use crate::args::PredictArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{csv_cell, print_while_read};
use crate::samples::named::is_standard;
use crate::streaming::{AnsweredSteps, Stepwise};

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
    let most = if is_standard(file) { 1 } else { STEPS };
    let mut is_begun = false;
    net.each(file, (&table, None), most, |answered| {
        let mut text = String::new();
        if !std::mem::replace(&mut is_begun, true) {
            text.push_str(&header(net.task(), answered.id.is_some()));
        }
        rows(&net, &answered, &mut text)?;
        print_while_read(&text)
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
fn rows(net: &Stepwise, answered: &AnsweredSteps, text: &mut String) -> Outcome {
    let AnsweredSteps { id, begin, filled, outputs, .. } = answered;
    let answers: Vec<String> = match net.task() {
        Task::Classify(task) => {
            let of = |logits: &[f32]| {
                let answer = task.answer(logits);
                format!("{},{}", csv_cell(&task.classes[answer.class]), answer.probability as f32)
            };
            outputs.chunks_exact(task.classes.len()).map(of).collect()
        }
        Task::Regress(task) => {
            let numbers = match task.self_targets {
                Some(_) => task.self_answer(net.series()?, filled, outputs),
                None => task.answer(outputs),
            };
            let of = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
            numbers.chunks_exact(task.scale.names.len()).map(of).collect()
        }
    };
    let id = id.as_ref().map_or_else(String::new, |id| format!("{},", csv_cell(id)));
    for (step, answer) in (begin + 1..).zip(answers) {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{id}{step},{answer}");
    }
    Ok(())
}
