//! What someone needs to use a net who has nothing but its weights: a JSON object beside a state dict, and
//! the metadata of an ONNX file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use birnn_architecture::{Architecture, Cell};
use birnn_infer::Manifest;
use serde_json::{Map, Value};

/// What no weights can say of a net.
#[derive(Clone, Debug)]
pub struct Description(Map<String, Value>);

impl Description {
    /// Of the net of `architecture` that `manifest` describes.
    pub fn of(manifest: &Manifest, architecture: &Architecture) -> Description {
        let [rows, cols] = manifest.shape;
        let mut description = Map::new();
        let mut say = |key: &str, value: Value| description.insert(key.to_owned(), value);
        say("classes", manifest.classes.clone().into());
        say("rows", rows.into());
        say("columns", cols.into());
        say(
            "input",
            format!("images of {rows} x {cols}: {rows} time steps, the rows from above, of {cols} features")
                .into(),
        );
        say("normalisation", "pixel / 255: mean 0 and deviation 1, nothing is subtracted".into());
        match &manifest.preprocessing {
            None => say("pictures", "it is not known what the training images were like".into()),
            Some(preprocessing) => {
                say("preprocessing", serde_json::to_value(preprocessing).unwrap_or_default());
                say("pictures", preprocessing.to_string().into())
            }
        };
        say("output", "logits, one per class; softmax makes probabilities of them".into());
        say("python", in_python(architecture, cols, manifest.classes.len()).into());
        say("experiment", manifest.experiment.clone().into());
        say("data", manifest.data.clone());
        Description(description)
    }

    /// As a JSON file.
    pub fn to_json(&self) -> String {
        // Values of JSON are never refused.
        format!("{}\n", serde_json::to_string_pretty(&self.0).unwrap_or_default())
    }

    /// As the metadata of ONNX, which is text: JSON, where it is none by itself.
    pub fn metadata(&self) -> Vec<(&str, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        self.0.iter().map(|(key, value)| (key.as_str(), text(value))).collect()
    }
}

/// Where the description of the weights at `path` is: beside them, with `.json` behind their whole name.
pub fn description_path(path: &Path) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

/// What a PyTorch class must have that the state dict of a net is loaded into.
pub(crate) fn in_python(net: &Architecture, features: usize, classes: usize) -> String {
    let (prefix, width) = (net.cell.prefix(), net.output_features());
    let module = prefix.to_uppercase();
    let Architecture { layers, forward, .. } = net;
    let directions = match net.reverse {
        None => "",
        Some(reverse) if reverse == *forward => ", bidirectional=True",
        Some(_) => {
            ", bidirectional=True, and a hidden size for each direction, for which PyTorch has no module"
        }
    };
    let relu = if net.cell == Cell::RnnRelu { ", nonlinearity=\"relu\"" } else { "" };
    let readout = format!("{:?}", net.readout).to_lowercase();
    format!(
        "self.{prefix} = nn.{module}({features}, {forward}, {layers}, batch_first=True{relu}{directions}); \
         self.fc = nn.Linear({width}, {classes}); readout {readout}"
    )
}
