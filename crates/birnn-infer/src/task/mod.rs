//! What is learned, as far as answers go: what a target is, what an answer is, and how answers are judged.
//!
//! One file for each task. What training lowers stands beside it, in `birnn-engine`, because it is worked out
//! on tensors; nothing else takes logits apart.

mod classify;
mod evaluation;

pub use self::classify::{Class, Classified, Classify, Mistake};
pub use self::evaluation::{Detail, Evaluation, Headline};
use crate::manifest::Manifest;

/// What a net is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// One class for each sequence.
    Classify(Classify),
}

impl Task {
    /// The task that a net was trained for.
    pub fn of(manifest: &Manifest) -> Task {
        Task::classify(manifest.classes.clone())
    }

    /// One of these classes for each sequence.
    pub fn classify(classes: Vec<String>) -> Task {
        Task::Classify(Classify { classes })
    }

    /// How many outputs the head has.
    pub fn outputs(&self) -> usize {
        match self {
            Task::Classify(task) => task.classes.len(),
        }
    }

    /// The gradient of the sum of the losses, as [`Task::evaluate`] has them, with respect to the logits
    /// `[samples, outputs]`: of each sample that of its own loss.
    ///
    /// # Panics
    ///
    /// As [`Task::evaluate`].
    pub fn loss_gradient(&self, logits: &[f32], targets: &[u8]) -> Vec<f32> {
        match self {
            Task::Classify(task) => task.loss_gradient(logits, targets),
        }
    }

    /// How a net did that answered with `logits [samples, outputs]` where the targets were these.
    ///
    /// # Panics
    ///
    /// Where there are not as many logits, or a target is none of the task's.
    pub fn evaluate(&self, logits: &[f32], targets: &[u8]) -> Evaluation {
        match self {
            Task::Classify(task) => {
                let (weight, loss, detail) = task.judge(logits, targets);
                Evaluation { weight, loss, detail: Detail::Classify(detail) }
            }
        }
    }
}
