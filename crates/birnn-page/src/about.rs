//! What is told of a network, to clients of a server and to the page.

use birnn_data::{Modality, Per, Preprocessing, Unit};
use birnn_experiment::TaskKind;
use birnn_infer::{Manifest, Task};
use serde::Serialize;
use utoipa::ToSchema;

/// What is told of a network.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct About {
    /// What it is called in paths.
    pub name: String,
    /// `classify`, `tag`, `regress`, `infill` or `next`.
    #[schema(value_type = String)]
    pub task: TaskKind,
    /// The network in words, such as `2 x LSTM 128+128, readout last`.
    pub architecture: String,
    /// What it reads: `images`, `series` or `sentences`.
    pub reads: &'static str,
    /// The same in words.
    pub input: String,
    /// Of images: rows and columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<[usize; 2]>,
    /// Of images, where it is known what they are like: `ground` (`dark`, `light` or `mixed`), the grey
    /// `levels` of ground and ink, whether they are `transposed`, and their `framing` (`mnist`, `emnist` or
    /// `resize`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub preprocessing: Option<Preprocessing>,
    /// Of series: what the features are called, where their columns have names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Of series: how many values each step has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_per_step: Option<usize>,
    /// Of sentences: what their tokens are, `words`, `words-and-punctuation` or `characters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub unit: Option<Unit>,
    /// Whether there is an answer for each step, and not one for all.
    pub per_step: bool,
    /// What classes or tags are called, in the order of probabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Whether tags mark spans, such as `B-PER` and `I-PER`.
    pub marks_spans: bool,
    /// What numbers are called, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Whether the page shows its answers: classes, tags and numbers, but not what fills gaps in or goes on.
    pub has_page: bool,
    /// The digest of its weights.
    pub sha256: String,
}

impl About {
    /// Of the network of this name, its architecture in words.
    pub fn new(name: &str, manifest: &Manifest, architecture: String) -> About {
        let task = &manifest.task;
        let (mut shape, mut preprocessing, mut features, mut values_per_step, mut unit) =
            (None, None, None, None, None);
        match &manifest.modality {
            Modality::Images { shape: own, preprocessing: like } => {
                (shape, preprocessing) = (Some(*own), *like);
            }
            Modality::Series(series) => {
                (features, values_per_step) = (series.names.clone(), Some(series.features()));
            }
            Modality::Text(_) => unit = Some(unit_of(manifest)),
        }
        let classes = task.classes().to_vec();
        let marks_spans = match task {
            Task::Classify(task) => task.tag_set().ok().flatten().is_some(),
            Task::Regress(_) => false,
        };
        About {
            name: name.to_owned(),
            task: task.kind(),
            architecture,
            reads: manifest.modality.noun(),
            input: manifest.modality.to_string(),
            shape,
            preprocessing,
            features,
            values_per_step,
            unit,
            per_step: task.per() == Per::Step,
            marks_spans,
            targets: if classes.is_empty() { task.names().to_vec() } else { Vec::new() },
            classes,
            has_page: task.self_targets().is_none(),
            sha256: manifest.digest().to_owned(),
        }
    }
}

/// What the tokens of a text are to the network.
pub(crate) fn unit_of(manifest: &Manifest) -> Unit {
    manifest.experiment().data.text_options().map_or(Unit::Words, |options| options.unit)
}
