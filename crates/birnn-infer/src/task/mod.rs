//! What is learned, as far as answers go: what a target is, what an answer is, and how answers are judged.
//!
//! One file for each task. What training lowers stands beside it, in `birnn-engine`, because it is worked out
//! on tensors; nothing else takes logits apart.

mod classify;
mod evaluation;
mod judge;
mod regress;
mod tokens;

use birnn_data::{Outputs, Per, SelfTargets, TargetKind, Targets, Wanted};
use birnn_experiment::{TaskKind, TaskPlan};
use birnn_kernels::LegalTags;

use crate::answers::Answers;

pub(crate) use self::classify::runner_up;
pub use self::classify::{Class, Classified, Classify, Mistake};
pub use self::evaluation::{Detail, Evaluation, Headline, Metric, significant, significant_among};
pub use self::judge::Judge;
pub use self::regress::{Filled, MOST_MISSES, Miss, Regress, Regressed};
pub(crate) use self::tokens::pieces;
pub use self::tokens::{LOGITS, TokenScore, TokenScores, TokenSums, loss_by_counting};

/// What a net is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// One class for each sequence, or for each step.
    Classify(Classify),
    /// Numbers for each sequence, or for each step.
    Regress(Regress),
}

impl Task {
    /// The task of an experiment on data with these outputs.
    pub fn new(plan: TaskPlan, outputs: Outputs) -> Task {
        let TaskPlan { wanted: Wanted { per, .. }, scheme, constrain, loss, self_targets } = plan;
        match outputs {
            Outputs::Classes(classes) => {
                Task::Classify(Classify { classes, per, scheme, constrain, self_targets })
            }
            Outputs::Numbers(scale) => Task::Regress(Regress { scale, per, loss, self_targets }),
        }
    }

    /// One of these classes for each sequence.
    pub fn classify(classes: Vec<String>) -> Task {
        Task::Classify(Classify::new(classes, Per::Sequence))
    }

    /// What data must have for it.
    pub fn wanted(&self) -> Wanted {
        match self {
            Task::Classify(task) => Wanted {
                kind: task.self_targets.map_or(TargetKind::Classes, SelfTargets::kind),
                per: task.per,
            },
            Task::Regress(task) => Wanted {
                kind: task.self_targets.map_or(TargetKind::Numbers, SelfTargets::kind),
                per: task.per,
            },
        }
    }

    /// Where sequences are answered with values or tokens of their own, with which.
    pub fn self_targets(&self) -> Option<SelfTargets> {
        match self {
            Task::Classify(task) => task.self_targets,
            Task::Regress(task) => task.self_targets,
        }
    }

    /// What is counted of sequences whose steps are answered.
    pub fn counted(&self) -> &'static str {
        match self.wanted().kind {
            TargetKind::Classes | TargetKind::Numbers => "steps",
            TargetKind::Next if matches!(self, Task::Classify(_)) => "next tokens",
            TargetKind::Hidden if matches!(self, Task::Classify(_)) => "hidden tokens",
            own @ (TargetKind::Hidden | TargetKind::Next) => own.noun(),
        }
    }

    /// What an answer is for.
    pub fn per(&self) -> Per {
        self.wanted().per
    }

    /// As experiments name it.
    pub fn kind(&self) -> TaskKind {
        match (self.self_targets(), self, self.per()) {
            (Some(SelfTargets::Hidden(_)), ..) => TaskKind::Infill,
            (Some(SelfTargets::Next), ..) => TaskKind::Next,
            (None, Task::Classify(_), Per::Sequence) => TaskKind::Classify,
            (None, Task::Classify(_), Per::Step) => TaskKind::Tag,
            (None, Task::Regress(_), _) => TaskKind::Regress,
        }
    }

    /// The names of the classes; none where there are none to tell apart.
    pub fn classes(&self) -> &[String] {
        match self {
            Task::Classify(task) => &task.classes,
            Task::Regress(_) => &[],
        }
    }

    /// What its outputs are called.
    pub fn names(&self) -> &[String] {
        match self {
            Task::Classify(task) => &task.classes,
            Task::Regress(task) => &task.scale.names,
        }
    }

    /// How many outputs the head has.
    pub fn outputs(&self) -> usize {
        self.names().len()
    }

    /// Which tags a conditional random field may give one after the other, where they are not all.
    pub fn legal_tags(&self) -> Option<LegalTags> {
        match self {
            Task::Classify(task) => task.legal_tags(),
            Task::Regress(_) => None,
        }
    }

    /// The gradient of the sum of the losses, as [`Task::evaluate`] has them, with respect to what the head
    /// gave, `[positions, outputs]`: of each position that of its own loss or, of a conditional random field,
    /// of its sequence's.
    ///
    /// # Panics
    ///
    /// As [`Task::evaluate`].
    pub fn loss_gradient(&self, answers: &Answers, targets: &Targets) -> Vec<f32> {
        match self {
            Task::Classify(task) => task.loss_gradient(answers, targets),
            Task::Regress(task) => task.loss_gradient(&answers.logits, targets),
        }
    }

    /// The answers of several nets to the same sequences as one's: of classes the mean of their
    /// probabilities, of numbers the mean of them. None of no nets, and where one tags sequences as a whole,
    /// of which there is no mean.
    ///
    /// # Panics
    ///
    /// Where one has more answers than another.
    pub fn mean(&self, answers: &[Answers]) -> Option<Answers> {
        let (first, count) = (answers.first()?, answers.len() as f64);
        if answers.iter().any(|answers| answers.joint.is_some()) {
            return None;
        }
        let mut sums = vec![0.0_f64; first.logits.len()];
        for Answers { logits, .. } in answers {
            assert_eq!(logits.len(), sums.len(), "answers to the same sequences");
            let outputs = self.outputs();
            for (sums, logits) in sums.chunks_exact_mut(outputs).zip(logits.chunks_exact(outputs)) {
                match self {
                    Task::Classify(task) => add(sums, task.probabilities(logits)),
                    Task::Regress(_) => add(sums, logits.iter().map(|&value| f64::from(value))),
                }
            }
        }
        let mean = |sum: f64| match self {
            Task::Classify(_) => (sum / count).ln() as f32,
            Task::Regress(_) => (sum / count) as f32,
        };
        let logits = sums.into_iter().map(mean).collect();
        Some(Answers { logits, lengths: first.lengths.clone(), joint: None })
    }

    /// How a net did that gave these answers where the targets were these.
    ///
    /// # Panics
    ///
    /// Where there are not as many logits, or a target is none of the task's.
    pub fn evaluate(&self, answers: &Answers, targets: &Targets) -> Evaluation {
        match self {
            Task::Classify(task) if task.self_targets.is_some() => {
                let mut scores = TokenScores::default();
                scores.add(task, &answers.logits, targets.own_tokens().unwrap_or_default());
                scores.evaluation()
            }
            Task::Classify(task) => {
                let (positions, loss, detail) = task.judge(answers, targets);
                Evaluation { positions, loss, detail: Detail::Classify(detail) }
            }
            Task::Regress(task) => {
                let (positions, loss, detail) = task.judge(&answers.logits, targets);
                Evaluation { positions, loss, detail: Detail::Regress(detail) }
            }
        }
    }
}

fn add(sums: &mut [f64], values: impl IntoIterator<Item = f64>) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
mod tests {
    use birnn_data::TargetScale;
    use birnn_experiment::RegressionLoss;

    use super::*;

    #[test]
    fn several_nets_answer_by_the_mean_of_what_they_say() {
        let task = Task::classify(vec!["a".to_owned(), "b".to_owned()]);
        let of = |share: f32| Answers::from(vec![share.ln() + 3.0, (1.0 - share).ln() + 3.0]);
        let Some(Answers { logits, .. }) = task.mean(&[of(0.9), of(0.2), of(0.1)]) else { panic!("a mean") };
        for (found, expected) in logits.iter().zip([0.4_f32, 0.6]) {
            assert!((found.exp() - expected).abs() < 1e-6, "{logits:?}");
        }
        let scale = TargetScale { names: vec!["y".to_owned()], mean: vec![0.0], deviation: vec![1.0] };
        let loss = RegressionLoss::Squared;
        let task = Task::Regress(Regress { scale, per: Per::Sequence, loss, self_targets: None });
        let numbers = task.mean(&[vec![1.0, -2.0].into(), vec![2.0, 4.0].into()]);
        assert_eq!(numbers.map(|answers| answers.logits), Some(vec![1.5, 1.0]));
        assert!(task.mean(&[]).is_none());
    }
}
