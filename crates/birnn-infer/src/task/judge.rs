//! Judging a net part by part: of what was answered nothing but sums is kept.

use birnn_data::Targets;

use super::Task;
use super::classify::{ClassSums, Classify};
use super::evaluation::{Detail, Evaluation};
use super::regress::{NumberSums, Regress};
use crate::answers::Answers;

/// How a net does on answers that come one part after the other. It tells what [`Task::evaluate`] does of all of them
/// together, but for single answers that are wrong, and spans.
#[derive(Debug)]
pub struct Judge<'t>(Sums<'t>);

#[derive(Debug)]
enum Sums<'t> {
    Classes(&'t Classify, ClassSums),
    Numbers(&'t Regress, NumberSums),
}

impl Judge<'_> {
    /// Of no answers yet, to what `task` asks.
    pub fn new(task: &Task) -> Judge<'_> {
        Judge(match task {
            Task::Classify(task) => Sums::Classes(task, ClassSums::new(task)),
            Task::Regress(task) => Sums::Numbers(task, NumberSums::new(task)),
        })
    }

    /// Adds the answers that are in `outputs [positions, outputs]`.
    ///
    /// # Panics
    ///
    /// As [`Task::evaluate`].
    pub fn add(&mut self, outputs: Vec<f32>, targets: &Targets) {
        match &mut self.0 {
            Sums::Classes(task, sums) => sums.add(task, &Answers::from(outputs), targets, |_, _, _| {}),
            Sums::Numbers(task, sums) => sums.add(task, &outputs, targets),
        }
    }

    /// How the net did on all of them.
    pub fn evaluation(self) -> Evaluation {
        let (positions, loss, detail) = match self.0 {
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
    use birnn_data::{Per, SelfTargets, TargetKind, TargetScale, TargetValues};
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
            values: TargetValues::Classes((begin..end).map(|index| (index * 7 % 3) as u8).collect()),
            per: Per::Step,
        };
        check(&task, numbers(3 * POSITIONS).collect(), labels);
    }

    fn check(task: &Task, outputs: Vec<f32>, targets: impl Fn(usize, usize) -> Targets) {
        let mut whole = task.evaluate(&outputs.clone().into(), &targets(0, POSITIONS));
        match &mut whole.detail {
            Detail::Classify(detail) => {
                assert!(!detail.mistakes.is_empty());
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
                judge.add(outputs[width * begin..width * end].to_vec(), &targets(begin, end));
            }
            assert_eq!(judge.evaluation(), whole, "parts of {part}");
        }
        assert_eq!(Judge::new(task).evaluation().positions, 0);
    }
}
