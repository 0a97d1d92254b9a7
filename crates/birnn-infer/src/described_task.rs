//! A task as files have it.

use birnn_data::Per;
use serde::{Deserialize, Serialize};

use crate::task::{Classify, Regress, Task};

/// A task as a weights file says it, and the description beside exported weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescribedTask {
    /// The names of the classes, where it tells classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
    /// Of classes: what there is one for.
    #[serde(default, skip_serializing_if = "is_default")]
    per: Per,
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
            Task::Classify(Classify { classes, per }) => DescribedTask { classes, per, regress: None },
            Task::Regress(regress) => {
                DescribedTask { classes: Vec::new(), per: Per::default(), regress: Some(regress) }
            }
        }
    }
}

impl TryFrom<DescribedTask> for Task {
    type Error = String;

    fn try_from(described: DescribedTask) -> Result<Task, String> {
        let DescribedTask { classes, per, regress } = described;
        match regress {
            None => Ok(Task::Classify(Classify { classes, per })),
            Some(regress) if classes.is_empty() => Ok(Task::Regress(regress)),
            Some(_) => Err("it is said to tell classes and numbers".to_owned()),
        }
    }
}
