//! What training lowers, one file for each task. What an answer is, and how it is judged, is `birnn_infer`'s
//! [`Task`].

mod classify;

use birnn_experiment::TrainPlan;
use birnn_infer::Task;
use tch::{TchError, Tensor};

use self::classify::CrossEntropy;

/// What training lowers, of a task.
#[derive(Clone, Debug)]
pub enum Loss {
    /// Of classification.
    Classify(CrossEntropy),
}

impl Loss {
    /// The loss of a task, as the plan has it; `class_weights` say how much a sample counts by its class, where
    /// not all count the same.
    pub fn new(task: &Task, plan: &TrainPlan, class_weights: Option<Vec<f32>>) -> Loss {
        match task {
            Task::Classify(_) => {
                Loss::Classify(CrossEntropy { label_smoothing: plan.label_smoothing, class_weights })
            }
        }
    }

    /// The mean over all positions of a batch, `[]`, from the head's `logits` and the batch's `target`.
    pub fn mean(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Loss::Classify(loss) => loss.mean(logits, target),
        }
    }
}
