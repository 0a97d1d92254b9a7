//! What training lowers, one file for each task. What an answer is, and how it is judged, is `birnn_infer`'s
//! [`Task`].

mod classify;
mod regress;

use birnn_experiment::TrainPlan;
use birnn_infer::Task;
use tch::{Device, TchError, Tensor};

use self::classify::CrossEntropy;
use self::regress::NumberError;

/// What training lowers, of a task.
#[derive(Clone, Debug)]
pub enum Loss {
    /// Of classification.
    Classify(CrossEntropy),
    /// Of regression.
    Regress(NumberError),
}

impl Loss {
    /// The loss of a task, as the plan has it, every class counting the same.
    pub fn new(task: &Task, plan: &TrainPlan, device: Device) -> Result<Loss, TchError> {
        let label_smoothing = plan.label_smoothing;
        Ok(match task {
            Task::Classify(_) => Loss::Classify(CrossEntropy { label_smoothing, class_weights: None }),
            Task::Regress(task) => Loss::Regress(NumberError::new(task, device)?),
        })
    }

    /// The same, what is answered counting by its class: `class_weights` has one weight for each. Numbers have no
    /// class.
    pub fn weighted(self, class_weights: &[f32], device: Device) -> Result<Loss, TchError> {
        let class_weights = Tensor::f_from_slice(class_weights)?.f_to_device(device)?;
        Ok(match self {
            Loss::Classify(loss) => {
                Loss::Classify(CrossEntropy { class_weights: Some(class_weights), ..loss })
            }
            Loss::Regress(loss) => Loss::Regress(loss),
        })
    }

    /// The mean over all positions of a batch, `[]`, from the head's `logits [.., outputs]` and the batch's `target`.
    pub fn mean(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor, TchError> {
        // Where each step is answered, one sequence after the other.
        let logits = logits.f_flatten(0, -2)?;
        match self {
            Loss::Classify(loss) => loss.mean(&logits, target),
            Loss::Regress(loss) => loss.mean(&logits, target),
        }
    }
}
