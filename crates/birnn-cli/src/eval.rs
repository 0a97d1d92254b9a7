//! `birnn eval`: how a trained network does on a set of samples.

use std::fmt::Write;
use std::path::Path;

use birnn_data::{escape, name};
use birnn_infer::{Evaluation, Mistake, data_set_for};
use serde::Serialize;

use crate::args::{EvalArgs, SplitName};
use crate::asked::{Asked, check_data};
use crate::data;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::output::{print, print_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "name::serialize")]
    weights: &'a Path,
    dataset: &'a str,
    split: &'a str,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    mistakes: &'a [Mistake],
}

/// Evaluates a net on one of its run's splits.
pub fn run(args: &EvalArgs, log: &Log, asked: Asked) -> Outcome {
    let Asked { weights, manifest, .. } = &asked;
    let config = match args.dataset {
        None => args.data.data_of_run(manifest, weights, &args.sets)?,
        Some(dataset) => data_set_for(manifest, dataset),
    };
    let plan = config.resolve().map_err(Failure::request)?;
    let splits = data::load(&plan, &args.data.locations(), log, None)?;
    check_data(&args.run, weights, manifest, &splits, args.dataset.is_none())?;
    let what = splits.modality.noun();
    let (split, samples) = match args.split {
        SplitName::Test => ("test", splits.test),
        SplitName::Validation => ("validation", splits.validation),
        SplitName::Train => ("train", splits.train),
    };
    if samples.is_empty() {
        return Err(Failure::request(match args.dataset {
            None => format!(
                "--split: the run kept no validation {what} back (`data.validation` is 0); take test or train"
            ),
            Some(_) => {
                format!("--split: no validation {what} are kept back of another data set; take test or train")
            }
        }));
    }
    let evaluation = asked.task.evaluate(&asked.logits(&samples.sequences)?, &samples.labels);
    let dataset = &splits.provenance.dataset;
    if args.json {
        let mistakes = &evaluation.classified().mistakes;
        return print_json(&Report { weights, dataset, split, evaluation: &evaluation, mistakes });
    }
    print(&table(&evaluation, &format!("{dataset}, {} {split} {what}", evaluation.weight), what))
}

fn table(found: &Evaluation, of: &str, what: &str) -> String {
    let detail = found.classified();
    let classes = detail.classes.iter().map(|score| &score.class);
    let names: Vec<_> = classes.map(|name| escape::line(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!(
        "{of}: accuracy {:.2} %, macro F1 {:.2} %, loss {:.4}\n\n",
        100.0 * detail.accuracy,
        100.0 * detail.macro_f1,
        found.loss
    );
    // Writing into a string does not fail.
    let _ = writeln!(text, "{:width$}  precision   recall       f1  {what:>6}", "class");
    for score in &detail.classes {
        let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        let name = escape::line(&score.class);
        let _ = writeln!(
            text,
            "{name:width$}  {precision:7.2} %  {recall:4.2} %  {f1:4.2} %  {:6}",
            score.samples
        );
    }
    text.push_str("\nconfusion: one row per label, one column per prediction\n");
    let cell = detail.confusion.0.iter().flatten().max().map_or(1, |most| most.to_string().len()).max(2);
    let _ = write!(text, "{:width$}", "");
    for column in 0..names.len() {
        let _ = write!(text, " {column:>cell$}");
    }
    text.push('\n');
    for (name, row) in names.iter().zip(&detail.confusion.0) {
        let _ = write!(text, "{name:width$}");
        for count in row {
            let _ = write!(text, " {count:>cell$}");
        }
        text.push('\n');
    }
    text
}
