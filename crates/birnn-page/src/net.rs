//! A network as the page computes it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_architecture::{Architecture, Cell, CharacterNet, Head, LegalTags, Readout};
use birnn_data::{Modality, Series, Text};
use birnn_infer::{Manifest, Task};
use serde::Serialize;

use crate::about::About;
use crate::assets::whole;

/// What `net.js` reads.
#[derive(Serialize)]
struct Net<'a> {
    about: About,
    architecture: Shape,
    reads: Reads<'a>,
    /// Of a network that answers with numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<Scale<'a>>,
    /// Of a conditional random field that may not give all tags one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<Legal>,
    /// Each parameter by its name: 32-bit numbers, little-endian, in base64.
    weights: BTreeMap<String, String>,
}

/// An [`Architecture`], and how many values it reads at each step.
#[derive(Serialize)]
struct Shape {
    cell: &'static str,
    /// What its parameters are under: `lstm`.
    module: &'static str,
    layers: usize,
    forward: Option<usize>,
    reverse: Option<usize>,
    readout: Readout,
    head: Head,
    embedding: Option<Embedding>,
    inputs: usize,
}

#[derive(Serialize)]
struct Embedding {
    width: usize,
    characters: Option<CharacterNet>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Reads<'a> {
    Images(bool),
    Series(&'a Series),
    Text(&'a Text),
}

#[derive(Serialize)]
struct Scale<'a> {
    mean: &'a [f32],
    deviation: &'a [f32],
}

#[derive(Serialize)]
struct Legal {
    start: Vec<bool>,
    end: Vec<bool>,
    transitions: Vec<bool>,
}

/// Why there is no page of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPage {
    /// It fills gaps in, or goes on from what it is given.
    Task,
    /// It has so many parameters.
    Large(usize),
}

/// More 32-bit parameters, in base64, are more than a browser takes as one text.
const MOST_PARAMETERS: usize = 32 << 20;

impl fmt::Display for NoPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoPage::Task => f.write_str(
                "a page shows classes, tags and numbers; what this network fills in or goes on with, `birnn fill` and \
                 `birnn continue` write",
            ),
            NoPage::Large(parameters) => write!(
                f,
                "its {parameters} parameters are more than the {MOST_PARAMETERS} that go into a page; `birnn serve` shows it \
                 on one"
            ),
        }
    }
}

impl std::error::Error for NoPage {}

/// The page in one file, with a network in it, which is called `name` there; `values` gives the parameter of a name that
/// [`Architecture::parameters`] lists.
///
/// # Errors
///
/// Where there is no page of such a network.
pub fn file<'a>(
    name: &str,
    architecture: &Architecture,
    manifest: &Manifest,
    values: impl Fn(&str) -> &'a [f32],
) -> Result<String, NoPage> {
    let task = &manifest.task;
    if task.self_targets().is_some() {
        return Err(NoPage::Task);
    }
    let inputs = manifest.modality.inputs();
    let count = architecture.parameter_count(inputs, task.outputs());
    if count > MOST_PARAMETERS {
        return Err(NoPage::Large(count));
    }
    let parameters = architecture.parameters(inputs, task.outputs());
    let weights = parameters.into_iter().map(|(name, _)| {
        let bytes: Vec<u8> = values(&name).iter().flat_map(|value| value.to_le_bytes()).collect();
        (name, STANDARD.encode(bytes))
    });
    let scale = match task {
        Task::Classify(_) => None,
        Task::Regress(task) => Some(Scale { mean: &task.scale.mean, deviation: &task.scale.deviation }),
    };
    let net = Net {
        about: About::new(name, manifest, architecture.to_string()),
        architecture: Shape::of(architecture, manifest),
        reads: match &manifest.modality {
            Modality::Images { .. } => Reads::Images(true),
            Modality::Series(series) => Reads::Series(series),
            Modality::Text(text) => Reads::Text(text),
        },
        scale,
        legal: task.legal_tags().map(|LegalTags { start, end, transitions }| Legal {
            start,
            end,
            transitions,
        }),
        weights: weights.collect(),
    };
    let json = serde_json::to_string(&net).unwrap_or_else(|error| unreachable!("names and numbers: {error}"));
    Ok(whole(name, &json.replace('<', "\\u003c")))
}

impl Shape {
    fn of(architecture: &Architecture, manifest: &Manifest) -> Shape {
        let Architecture { cell, layers, forward, reverse, readout, embedding, head, .. } = *architecture;
        Shape {
            cell: match cell {
                Cell::RnnTanh => "rnn_tanh",
                Cell::RnnRelu => "rnn_relu",
                Cell::Gru => "gru",
                Cell::Lstm => "lstm",
            },
            module: cell.prefix(),
            layers,
            forward,
            reverse,
            readout,
            head,
            embedding: embedding
                .map(|embedding| Embedding { width: embedding.width, characters: embedding.characters }),
            inputs: architecture.features(manifest.modality.inputs()),
        }
    }
}
