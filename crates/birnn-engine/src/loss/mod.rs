//! What training lowers, one file for each task. What an answer is, and how it is judged, is `birnn_infer`'s
//! [`Task`].

mod classify;
mod joint;
mod regress;

use birnn_architecture::Head;
use birnn_experiment::TrainPlan;
use birnn_infer::Task;
use tch::{Device, TchError, Tensor};

use crate::samples::Batch;

use self::classify::CrossEntropy;
use self::joint::Joint;
pub use self::joint::Transitions;
use self::regress::NumberError;

/// What training lowers, of a task.
#[derive(Clone, Debug)]
pub enum Loss {
    /// Of classification.
    Classify(CrossEntropy),
    /// Of tags, by a conditional random field.
    Joint(Joint),
    /// Of regression.
    Regress(NumberError),
}

impl Loss {
    /// The loss of a task by such a head, as the plan has it, every class counting the same.
    pub fn new(task: &Task, head: Head, plan: &TrainPlan, device: Device) -> Result<Loss, TchError> {
        let label_smoothing = plan.label_smoothing;
        Ok(match task {
            Task::Classify(_) if head == Head::Crf => Loss::Joint(Joint::new(task.legal_tags())),
            Task::Classify(task) => {
                let is_partial = task.self_targets.is_some();
                Loss::Classify(CrossEntropy { label_smoothing, class_weights: None, is_partial })
            }
            Task::Regress(task) => Loss::Regress(NumberError::new(task, device)?),
        })
    }

    /// The same, what is answered counting by its class: `class_weights` has one weight for each. Numbers
    /// have no class.
    pub fn weighted(self, class_weights: &[f32], device: Device) -> Result<Loss, TchError> {
        let class_weights = Tensor::f_from_slice(class_weights)?.f_to_device(device)?;
        Ok(match self {
            Loss::Classify(loss) => {
                Loss::Classify(CrossEntropy { class_weights: Some(class_weights), ..loss })
            }
            Loss::Joint(loss) => Loss::Joint(loss),
            Loss::Regress(loss) => Loss::Regress(loss),
        })
    }

    /// The mean over all positions of a batch, from the head's `logits [.., outputs]`; of a conditional
    /// random field also by its `transitions`.
    pub fn mean(
        &self,
        logits: &Tensor,
        batch: &Batch,
        transitions: Option<Transitions<'_>>,
    ) -> Result<Lowered, TchError> {
        // Where each step is answered, one sequence after the other.
        let (logits, target) = (logits.f_flatten(0, -2)?, &batch.target);
        let value = match (self, transitions) {
            (Loss::Classify(loss), _) => loss.mean(&logits, target, batch.positions)?,
            (Loss::Joint(loss), Some(transitions)) => {
                return loss.mean(&logits, target, &batch.lengths(), transitions);
            }
            (Loss::Joint(_), None) => return Err(TchError::Kind("transitions were expected".to_owned())),
            (Loss::Regress(loss), _) => loss.mean(&logits, target, batch.positions)?,
        };
        Ok(Lowered { differentiated: value.shallow_clone(), value })
    }
}

/// A loss, and what has its gradient.
#[derive(Debug)]
pub struct Lowered {
    /// The loss, `[]`.
    pub value: Tensor,
    /// What is differentiated in its place, `[]`.
    pub differentiated: Tensor,
}
