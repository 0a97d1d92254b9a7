//! What training lowers, one file for each task. What an answer is, and how it is judged, is `birnn_infer`'s
//! [`Task`].

mod classify;

use birnn_experiment::TrainPlan;
use birnn_infer::Task;
use tch::{Device, TchError, Tensor};

use self::classify::CrossEntropy;

/// What training lowers, of a task.
#[derive(Clone, Debug)]
pub enum Loss {
    /// Of classification.
    Classify(CrossEntropy),
}

impl Loss {
    /// The loss of a task, as the plan has it, every class counting the same.
    pub fn new(task: &Task, plan: &TrainPlan) -> Loss {
        let label_smoothing = plan.label_smoothing;
        match task {
            Task::Classify(_) => Loss::Classify(CrossEntropy { label_smoothing, class_weights: None }),
        }
    }

    /// The same, a sample counting by its class: `class_weights` has one weight for each.
    pub fn weighted(self, class_weights: &[f32], device: Device) -> Result<Loss, TchError> {
        let Loss::Classify(loss) = self;
        let class_weights = Some(Tensor::f_from_slice(class_weights)?.f_to_device(device)?);
        Ok(Loss::Classify(CrossEntropy { class_weights, ..loss }))
    }

    /// The mean over all positions of a batch, `[]`, from the head's `logits` and the batch's `target`.
    pub fn mean(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Loss::Classify(loss) => loss.mean(logits, target),
        }
    }
}
