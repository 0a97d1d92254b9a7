//! A task as files have it.

use birnn_data::{Per, Scheme, SelfTargets};
use serde::{Deserialize, Serialize};

use crate::task::{Classify, Regress, Task};

/// A task as a weights file says it, and the description beside exported weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DescribedTask {
    /// The names of the classes, where it tells classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
    /// Of classes: what there is one for.
    #[serde(default, skip_serializing_if = "is_default")]
    per: Per,
    /// Of tags that mark spans: how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheme: Option<Scheme>,
    /// Of these: whether what the scheme does not allow may be answered all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconstrained: bool,
    /// Of tokens of the sequences themselves: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    self_targets: Option<SelfTargets>,
    /// Of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regress: Option<Regress>,
}

fn is_default(per: &Per) -> bool {
    *per == Per::default()
}

impl From<Task> for DescribedTask {
    fn from(task: Task) -> DescribedTask {
        match task {
            Task::Classify(Classify { classes, per, scheme, constrain, self_targets }) => {
                DescribedTask { classes, per, scheme, unconstrained: !constrain, self_targets, regress: None }
            }
            Task::Regress(regress) => DescribedTask { regress: Some(regress), ..DescribedTask::default() },
        }
    }
}

impl TryFrom<DescribedTask> for Task {
    type Error = String;

    fn try_from(described: DescribedTask) -> Result<Task, String> {
        let DescribedTask { classes, per, scheme, unconstrained, self_targets, regress } = described;
        match regress {
            None => {
                let task = Classify { classes, per, scheme, constrain: !unconstrained, self_targets };
                task.tag_set().map_err(|problem| problem.to_string())?;
                Ok(Task::Classify(task))
            }
            Some(regress) if classes.is_empty() => Ok(Task::Regress(regress)),
            Some(_) => Err("it is said to tell classes and numbers".to_owned()),
        }
    }
}
