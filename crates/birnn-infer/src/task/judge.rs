//! Judging a net part by part: of what was answered nothing but sums is kept.

use birnn_data::{SelfTargets, Sequences, Series, Split, Targets, Values};

use super::Task;
use super::classify::{ClassSums, Classify};
use super::evaluation::{Detail, Evaluation};
use super::regress::{NumberSums, Regress};
use super::tokens::{TokenScores, TokenSums};
use crate::answers::Answers;
use crate::metrics::ErrorSums;

/// How a net does on sequences that come one part after the other. It tells what [`Task::evaluate`] does of
/// all of them together, but for single answers that are wrong, and spans.
#[derive(Debug)]
pub struct Judge<'t> {
    sums: Sums<'t>,
    /// Of each number in each sequence.
    errors: Vec<Vec<ErrorSums>>,
    /// Of each number, where its mean is answered.
    baseline: Vec<ErrorSums>,
    /// The last step of a sequence whose targets are next steps: its own is known with the next.
    last: Option<Last>,
}

#[derive(Debug)]
enum Sums<'t> {
    Classes(&'t Classify, ClassSums),
    Tokens(&'t Classify, TokenSums),
    Numbers(&'t Regress, NumberSums),
}

#[derive(Debug)]
struct Last {
    filled: Vec<f32>,
    outputs: Vec<f32>,
}

impl Judge<'_> {
    /// Of no answers yet, to what `task` asks.
    pub fn new(task: &Task) -> Judge<'_> {
        let sums = match task {
            Task::Classify(task) if task.self_targets.is_some() => Sums::Tokens(task, TokenSums::default()),
            Task::Classify(task) => Sums::Classes(task, ClassSums::new(task)),
            Task::Regress(task) => Sums::Numbers(task, NumberSums::new(task)),
        };
        let numbers = if let Task::Regress(task) = task { task.scale.names.len() } else { 0 };
        let (errors, baseline) = (vec![Vec::new(); numbers], vec![ErrorSums::default(); numbers]);
        Judge { sums, errors, baseline, last: None }
    }

    /// Adds the answers that are in `outputs [positions, outputs]`; whether a sequence begins with them.
    ///
    /// # Panics
    ///
    /// As [`Task::evaluate`].
    pub fn add(&mut self, outputs: Vec<f32>, targets: &Targets, begins: bool) {
        match &mut self.sums {
            Sums::Classes(task, sums) => sums.add(task, &Answers::from(outputs), targets, |_, _, _| {}),
            Sums::Tokens(task, sums) => {
                let mut scores = TokenScores::default();
                scores.add(task, &outputs, targets.own_tokens().unwrap_or_default());
                *sums = sums.and(&scores.each().flatten().collect());
            }
            Sums::Numbers(task, sums) => {
                sums.add(task, &outputs, targets);
                let truth = targets.numbers().unwrap_or_default();
                let means = task.answer(&vec![0.0; outputs.len()]);
                for (of, found) in self.baseline.iter_mut().zip(task.errors(&means, truth)) {
                    *of = of.and(&found);
                }
                for (of, found) in self.errors.iter_mut().zip(task.errors(&task.answer(&outputs), truth)) {
                    match of.last_mut().filter(|_| !begins) {
                        Some(own) => *own = own.and(&found),
                        None => of.push(found),
                    }
                }
            }
        }
    }

    /// As [`Judge::add`], of a net that reads `series` so and answers each step of `values [steps, features]`
    /// with the next one. `filled` are these with what is missing as the net reads it.
    ///
    /// # Panics
    ///
    /// As there, and where there is no step.
    pub fn add_next(
        &mut self,
        series: &Series,
        (values, filled): (&[f32], &[f32]),
        outputs: &[f32],
        begins: bool,
    ) {
        let features = series.features();
        let last = self.last.take().filter(|_| !begins);
        let (before, of_before) = last.map_or_else(Default::default, |last| (last.filled, last.outputs));
        self.last = Some(Last {
            filled: filled[filled.len() - features..].to_vec(),
            outputs: outputs[outputs.len() - features..].to_vec(),
        });
        let (values, outputs) = ([&before, values].concat(), [&of_before, outputs].concat());
        let steps = values.len() / features;
        let steps = Sequences::new(Values::Floats(values), features, [steps]);
        let Split { targets, .. } = series.answered_by_itself(SelfTargets::Next, steps);
        self.add(outputs, &targets, begins);
    }

    /// Of each number, the errors in each sequence.
    pub fn errors_by_sequence(&self) -> &[Vec<ErrorSums>] {
        &self.errors
    }

    /// Of each number, the errors of who always answers with the mean of the training targets.
    pub fn baseline(&self) -> &[ErrorSums] {
        &self.baseline
    }

    /// How the net did on all of them.
    pub fn evaluation(self) -> Evaluation {
        let (positions, loss, detail) = match self.sums {
            Sums::Tokens(_, sums) => return sums.evaluation(),
            Sums::Classes(task, sums) => {
                let (positions, loss, detail) = sums.scores(task);
                (positions, loss, Detail::Classify(detail))
            }
            Sums::Numbers(task, sums) => {
                let (positions, loss, detail) = sums.scores(task);
                (positions, loss, Detail::Regress(detail))
            }
        };
        Evaluation { positions, loss, detail }
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::{Missing, NO_CLASS, Per, TargetKind, TargetScale, TargetValues};
    use birnn_experiment::RegressionLoss;

    use super::*;

    const POSITIONS: usize = 50;

    /// Whatever the parts are, the sums are those of all together, to the bit.
    #[test]
    fn parts_are_judged_as_the_whole() {
        let numbers = |count: usize| (0..count).map(|index| (index * 89 % 23) as f32 / 7.0 - 1.0);
        let scale = TargetScale {
            names: ["a", "b"].map(str::to_owned).to_vec(),
            mean: vec![0.5, 0.0],
            deviation: vec![2.0, 0.7],
        };
        let of_files = |values, width| TargetValues::Numbers { values, width };
        let own = |values, width| TargetValues::SelfNumbers { values, width, kind: TargetKind::Next };
        let truth = |gaps: bool| {
            let gap = move |index: usize| gaps && index % 5 == 3;
            numbers(2 * POSITIONS)
                .map(|value| value * 0.9)
                .enumerate()
                .map(move |(index, value)| if gap(index) { f32::NAN } else { value })
        };
        for (self_targets, loss) in
            [(None, RegressionLoss::Huber), (Some(SelfTargets::Next), RegressionLoss::Squared)]
        {
            let gaps = self_targets.is_some();
            let task = Task::Regress(Regress { scale: scale.clone(), per: Per::Step, loss, self_targets });
            let targets = |begin: usize, end: usize| {
                let values = truth(gaps).skip(2 * begin).take(2 * (end - begin)).collect();
                Targets { values: if gaps { own(values, 2) } else { of_files(values, 2) }, per: Per::Step }
            };
            check(&task, numbers(2 * POSITIONS).collect(), targets);
        }
        let classes = ["x", "y", "z"].map(str::to_owned).to_vec();
        let task = Task::Classify(Classify::new(classes, Per::Step));
        let labels = |begin: usize, end: usize| Targets {
            values: TargetValues::Classes((begin..end).map(|index| (index * 7 % 3) as u16).collect()),
            per: Per::Step,
        };
        check(&task, numbers(3 * POSITIONS).collect(), labels);
        let Task::Classify(task) = task else { panic!("classes were wanted") };
        let task = Task::Classify(Classify { self_targets: Some(SelfTargets::Next), ..task });
        let tokens = |begin: usize, end: usize| {
            let label = |index: usize| if index % 5 == 3 { NO_CLASS } else { (index * 7 % 3) as u32 };
            let labels = (begin..end).map(label).collect();
            Targets { values: TargetValues::SelfClasses { labels, kind: TargetKind::Next }, per: Per::Step }
        };
        check(&task, numbers(3 * POSITIONS).collect(), tokens);
    }

    /// Wherever the parts end, what comes next is asked of each step but the last.
    #[test]
    fn the_next_step_is_asked_of_each_that_has_one() {
        let series = Series { missing: Missing::Past, ..Series::plain(vec![0.5, 0.0]) };
        let scale = TargetScale {
            names: ["a", "b"].map(str::to_owned).to_vec(),
            mean: vec![0.0; 2],
            deviation: vec![2.0, 0.7],
        };
        let (per, loss, self_targets) = (Per::Step, RegressionLoss::Squared, Some(SelfTargets::Next));
        let task = Task::Regress(Regress { scale, per, loss, self_targets });
        let value = |index: usize| if index % 7 < 3 { f32::NAN } else { (index * 37 % 23) as f32 };
        let values: Vec<f32> = (0..2 * POSITIONS).map(value).collect();
        let outputs: Vec<f32> = (0..2 * POSITIONS).map(|index| (index * 89 % 23) as f32 / 7.0).collect();
        let filled = series.filled(&values);
        let judged = |part: usize| {
            let mut judge = Judge::new(&task);
            for begin in (0..POSITIONS).step_by(part) {
                let own = 2 * begin..2 * POSITIONS.min(begin + part);
                judge.add_next(
                    &series,
                    (&values[own.clone()], &filled[own.clone()]),
                    &outputs[own],
                    begin == 0,
                );
            }
            assert_eq!(judge.errors_by_sequence()[0].len(), 1);
            judge.evaluation()
        };
        let whole = judged(POSITIONS);
        assert!(whole.positions > 0);
        for part in [1, 7] {
            assert_eq!(judged(part), whole, "parts of {part}");
        }
    }

    fn check(task: &Task, outputs: Vec<f32>, targets: impl Fn(usize, usize) -> Targets) {
        let mut whole = task.evaluate(&outputs.clone().into(), &targets(0, POSITIONS));
        match &mut whole.detail {
            Detail::Classify(detail) => {
                assert!(!detail.mistakes.is_empty() || detail.perplexity.is_some());
                detail.mistakes.clear();
            }
            Detail::Regress(detail) => {
                assert!(!detail.misses.is_empty());
                detail.misses.clear();
            }
        }
        let width = task.outputs();
        for part in [1, 7, POSITIONS] {
            let mut judge = Judge::new(task);
            for begin in (0..POSITIONS).step_by(part) {
                let end = POSITIONS.min(begin + part);
                judge.add(outputs[width * begin..width * end].to_vec(), &targets(begin, end), begin == 0);
            }
            assert_eq!(judge.evaluation(), whole, "parts of {part}");
        }
        assert_eq!(Judge::new(task).evaluation().positions, 0);
    }
}
