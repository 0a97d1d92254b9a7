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

/// How what is not an image is read.
#[derive(Serialize)]
struct Reads<'a> {
    series: Option<&'a Series>,
    text: Option<&'a Text>,
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

/// Of more 32-bit parameters, in base64, a page takes a phone's memory, and seconds to open.
const MOST_PARAMETERS: usize = 8 << 20;

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

/// The page in one file, with a network in it, which is called `name` there; `values` gives the parameter of
/// a name that [`Architecture::parameters`] lists.
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
            Modality::Images { .. } => Reads { series: None, text: None },
            Modality::Series(series) => Reads { series: Some(series), text: None },
            Modality::Text(text) => Reads { series: None, text: Some(text) },
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

#[cfg(test)]
mod tests {
    use birnn_data::{Missing, Per, SelfTargets, TargetScale};
    use birnn_experiment::{Experiment, RegressionLoss};
    use birnn_infer::Regress;
    use serde_json::Value;

    use super::*;

    fn page(change: impl FnOnce(&mut Experiment), modality: Modality, task: Task) -> Result<String, NoPage> {
        let mut experiment = Experiment::default();
        experiment.model.hidden = birnn_architecture::Hidden::Same(2);
        change(&mut experiment);
        let architecture = experiment.model.resolve().unwrap_or_default();
        let text = experiment.to_toml().unwrap_or_default();
        let manifest = Manifest::new(text, modality, task, Value::Null).unwrap();
        file("a & b", &architecture, &manifest, |_| &[1.0, -2.5])
    }

    fn images() -> Modality {
        Modality::Images { shape: [3, 2], preprocessing: None }
    }

    /// Whatever a class is called.
    #[test]
    fn nothing_that_a_network_says_ends_the_page() {
        let classes = ["</script><script>alert(1)", "<!--", "ß"].map(str::to_owned).to_vec();
        let page = page(|_| (), images(), Task::classify(classes.clone())).expect("a page");
        assert_eq!(page.matches("</script>").count(), 3);
        assert_eq!(page.matches("<!--").count(), 0);
        assert!(page.contains("<title>a &amp; b</title>"));
        let (_, rest) = page.split_once("id=\"net\">").expect("a network");
        let (json, _) = rest.split_once("</script>").expect("its end");
        let net: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(net["about"]["classes"], serde_json::json!(classes));
        let weight = STANDARD.decode(net["weights"]["fc.bias"].as_str().unwrap_or_default());
        assert_eq!(weight.ok(), Some([1.0_f32, -2.5].iter().flat_map(|value| value.to_le_bytes()).collect()));
    }

    #[test]
    fn what_no_page_shows_has_none() {
        let series = Series { missing: Missing::Mean, ..Series::plain(vec![0.0]) };
        let scale = TargetScale { names: vec!["x".to_owned()], mean: vec![0.0], deviation: vec![1.0] };
        let self_targets = Some(SelfTargets::Next);
        let next = Regress { scale, per: Per::Step, loss: RegressionLoss::Squared, self_targets };
        assert_eq!(page(|_| (), Modality::Series(series), Task::Regress(next)), Err(NoPage::Task));
        let wide = |experiment: &mut Experiment| {
            experiment.model.hidden = birnn_architecture::Hidden::Same(4096);
        };
        let found = page(wide, images(), Task::classify(vec!["a".to_owned()]));
        assert!(matches!(found, Err(NoPage::Large(count)) if count > MOST_PARAMETERS), "too large");
    }
}
