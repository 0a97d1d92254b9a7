//! How a net of one direction does on a table that is read as it comes.

use std::path::Path;

use birnn_data::name::shown;
use birnn_data::{SelfTargets, Sequences, Split, Targets, Values};
use birnn_infer::{Detail, ErrorSums, Judge, Regress, Task};
use birnn_report::Judged;

use super::{Report, classes, numbers};
use crate::args::EvalArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};
use crate::streaming::{Answered, Stepwise};

/// Steps that are read at a time.
const STEPS: usize = 1024;

/// Judges a net by a table, of which it holds the latest steps alone.
pub fn run(args: &EvalArgs, file: &Path) -> Outcome {
    let net = Stepwise::open(&args.run, args.device, args.precision.precision)?;
    let (task, wanted) = (net.task(), net.task().wanted());
    let table = net
        .data
        .table_to_judge(net.series()?, wanted, task.classes())
        .map_err(|error| Failure::request(format!("--stream: {error}")))?;
    let mut judge = Judge::new(task);
    let mut series = 0;
    let mut errors = Errors::default();
    let mut before = Before::default();
    net.each(file, &table, wanted.of_files(), STEPS, |answered| {
        let is_new = answered.piece.begin == 0;
        series += usize::from(is_new);
        let (outputs, targets) = match task.self_targets() {
            Some(_) => {
                if is_new {
                    before = Before::default();
                }
                before.with_next(&net, answered)?
            }
            None => {
                let targets =
                    answered.piece.targets.ok_or_else(|| Failure::run("a table without targets"))?;
                (answered.outputs, targets.targets)
            }
        };
        if let Task::Regress(task) = task {
            errors.add(task, &outputs, &targets, is_new);
        }
        judge.add(outputs, &targets);
        Ok(())
    })?;
    let evaluation = judge.evaluation();
    if evaluation.positions == 0 {
        let message = "nothing of it was asked for: there is no step with a value behind it";
        return Err(Failure::request(format!("{}: {message}", shown(&file))));
    }
    let judged = match task {
        Task::Regress(task) => Judged::of(task, &errors.by_series, &errors.baseline),
        Task::Classify(_) => Vec::new(),
    };
    let dataset = shown(&file).to_string();
    if args.json {
        let (weights, dataset, evaluation) = (net.weights.as_path(), dataset.as_str(), &evaluation);
        let (wrong, words, by_counting, in_use) = (None, None, None, None);
        return print_json(&Report {
            weights,
            dataset,
            split: "stream",
            evaluation,
            wrong,
            words,
            judged,
            by_counting,
            in_use,
        });
    }
    let counted = task.counted();
    let of = format!("{dataset}, {} {counted} of {series} series as they come", evaluation.positions);
    print(&match &evaluation.detail {
        Detail::Classify(detail) => classes::table(&evaluation, detail, None, &of, counted),
        Detail::Regress(detail) => numbers::table(&evaluation, detail, &judged, &of),
    })
}

/// The last step of a series so far: what it is answered with is known with the next.
#[derive(Default)]
struct Before {
    filled: Vec<f32>,
    outputs: Vec<f32>,
}

impl Before {
    /// The answers to that step and to those that came behind it, and their targets, which are missing of the last.
    fn with_next(&mut self, net: &Stepwise, answered: Answered) -> Result<(Vec<f32>, Targets), Failure> {
        let series = net.series()?;
        let (features, width) = (series.features(), net.task().outputs());
        let values = [&*self.filled, &answered.values].concat();
        let outputs = [&*self.outputs, &answered.outputs].concat();
        self.filled = answered.filled[answered.filled.len() - features..].to_vec();
        self.outputs = answered.outputs[answered.outputs.len() - width..].to_vec();
        let steps = values.len() / features;
        let steps = Sequences::new(Values::Floats(values), features, [steps]);
        let Split { targets, .. } = series.answered_by_itself(SelfTargets::Next, steps);
        Ok((outputs, targets))
    }
}

/// How far numbers are off.
#[derive(Default)]
struct Errors {
    /// Of each number in each series.
    by_series: Vec<Vec<ErrorSums>>,
    /// Of each, where its mean is answered.
    baseline: Vec<ErrorSums>,
}

impl Errors {
    fn add(&mut self, task: &Regress, outputs: &[f32], targets: &Targets, is_new: bool) {
        let truth = targets.numbers().unwrap_or_default();
        self.by_series.resize(task.scale.names.len(), Vec::new());
        self.baseline.resize(task.scale.names.len(), ErrorSums::default());
        let found = task.errors(&task.answer(outputs), truth);
        for (of, found) in self.by_series.iter_mut().zip(found) {
            match of.last_mut().filter(|_| !is_new) {
                Some(own) => *own = own.and(&found),
                None => of.push(found),
            }
        }
        let means = task.answer(&vec![0.0; outputs.len()]);
        for (of, found) in self.baseline.iter_mut().zip(task.errors(&means, truth)) {
            *of = of.and(&found);
        }
    }
}
