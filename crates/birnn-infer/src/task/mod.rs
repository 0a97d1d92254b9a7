//! What is learned, as far as answers go: what a target is, what an answer is, and how answers are judged.
//!
//! One file for each task. What training lowers stands beside it, in `birnn-engine`, because it is worked out on
//! tensors; nothing else takes logits apart.

mod classify;

use serde::{Deserialize, Serialize};

pub use self::classify::{Class, Classified, Classify, Mistake};
use crate::manifest::Manifest;

/// What a net is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// One class for each sequence.
    Classify(Classify),
}

/// How a net did on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many positions the loss counts: of classification, how many images.
    #[serde(rename = "images")]
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
    /// What it is.
    pub name: &'static str,
    /// From 0 to 1, and the higher the better.
    pub value: f64,
}

/// Judges answers batch by batch.
#[derive(Clone, Debug)]
pub enum MetricAccumulator {
    /// Those of classification.
    Classify(classify::Accumulator),
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

    /// Nothing judged yet.
    pub fn accumulator(&self) -> MetricAccumulator {
        match self {
            Task::Classify(task) => MetricAccumulator::Classify(task.accumulator()),
        }
    }
}

impl MetricAccumulator {
    /// Judges the answers to a batch: `logits [batch, outputs]`, and the target of each.
    pub fn add(&mut self, logits: &[f32], targets: &[u8]) {
        match self {
            MetricAccumulator::Classify(accumulator) => accumulator.add(logits, targets),
        }
    }

    /// What it comes to.
    pub fn evaluation(self) -> Evaluation {
        match self {
            MetricAccumulator::Classify(accumulator) => accumulator.evaluation(),
        }
    }
}

impl Evaluation {
    /// What classification tells.
    pub fn classified(&self) -> &Classified {
        let Detail::Classify(found) = &self.detail;
        found
    }

    /// The one number by which the net is first judged.
    pub fn headline(&self) -> Headline {
        match &self.detail {
            Detail::Classify(found) => Headline { name: "accuracy", value: found.accuracy },
        }
    }
}
