//! How a net did, whatever its task.

use birnn_experiment::Monitor;
use serde::{Deserialize, Serialize};

use super::classify::Classified;

/// How a net did on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many positions the loss counts: of classification, how many samples.
    #[serde(rename = "samples", alias = "images")]
    pub weight: u64,
    /// Mean loss of a position, in nats, not smoothed.
    pub loss: f64,
    /// What else there is to tell, by the task.
    #[serde(flatten)]
    pub detail: Detail,
}

/// What a task tells of an evaluation beside the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detail {
    /// Of classification.
    Classify(Classified),
}

/// The one number by which a net is first judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headline {
    /// The metric, as users call it.
    pub name: &'static str,
    /// From 0 to 1, and the higher the better.
    pub value: f64,
}

impl Evaluation {
    /// What classification tells.
    pub fn classified(&self) -> &Classified {
        let Detail::Classify(found) = &self.detail;
        found
    }

    /// What an experiment may monitor.
    pub fn monitored(&self, monitor: Monitor) -> f64 {
        let Detail::Classify(found) = &self.detail;
        match monitor {
            Monitor::Loss => self.loss,
            Monitor::Accuracy => found.accuracy,
            Monitor::MacroF1 => found.macro_f1,
        }
    }

    /// The one number by which the net is first judged.
    pub fn headline(&self) -> Headline {
        match &self.detail {
            Detail::Classify(found) => Headline { name: "accuracy", value: found.accuracy },
        }
    }
}
