//! `birnn export`: a trained network in a format that others read.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_engine::disk::{self, Disk};
use birnn_engine::{About, DeviceChoice, EngineError, Learner, save};
use birnn_formats::{Array, StateDict, onnx, pytorch};
use birnn_model::{Architecture, Cell, values_of};
use serde_json::{Map, Value};

use crate::args::ExportArgs;
use crate::eval::{Trained, open};
use crate::failure::{Failure, Outcome};
use crate::fault;

/// Writes the network of a run to a file, in the format that its extension names.
pub fn run(args: &ExportArgs) -> Outcome {
    let disk = fault::disk()?;
    let format = Format::of(&args.out, args.force)?;
    let Trained { learner, about, .. } = open(&args.run, DeviceChoice::Cpu)?;
    format.write(&*disk, &args.out, &learner, &about)
}

/// What a file of weights can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `torch.load` reads.
    PyTorch,
    /// What `safetensors` reads, with all that birnn needs to use it again.
    Safetensors,
    /// What `onnxruntime` runs.
    Onnx,
}

impl Format {
    /// By the extension of a file that is still to be written; one that is there is replaced where `force`
    /// allows it.
    pub fn of(path: &Path, force: bool) -> Result<Format, Failure> {
        let refuse = |problem: &str| Err(Failure::request(format!("{}: {problem}", shown(&path))));
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let format = match extension.to_str() {
            Some("ckpt" | "pt" | "pth") => Format::PyTorch,
            Some("safetensors") => Format::Safetensors,
            Some("onnx") => Format::Onnx,
            _ => {
                return refuse(
                    "the extension says what is written: .ckpt, .pt or .pth (PyTorch), .safetensors or .onnx",
                );
            }
        };
        writable(path, force)?;
        if format == Format::PyTorch {
            let described = described(path);
            if described.file_name().is_some_and(|name| name.len() > disk::LONGEST_NAME) {
                return refuse(
                    "the name leaves no room for `.json`, which goes beside it; take a shorter one",
                );
            }
            writable(&described, force)?;
        }
        Ok(format)
    }

    /// Writes the whole file or nothing; of two files each by itself.
    pub fn write(self, disk: &dyn Disk, path: &Path, learner: &Learner, about: &About) -> Outcome {
        let problem = |error: &dyn std::fmt::Display| Failure::run(format!("{}: {error}", shown(&path)));
        match self {
            Format::Safetensors => save(disk, path, learner, about)?,
            Format::PyTorch => {
                let [state_dict, description] = state_dict_files(about, learner)?;
                disk::replace(disk, path, &state_dict, None)?;
                disk::replace(disk, &described(path), &description, None)?;
            }
            Format::Onnx => {
                let [_, features] = learner.shape;
                let (weights, metadata) = (weights_of(learner)?, metadata(about, learner));
                let metadata: Vec<(&str, String)> =
                    metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
                let architecture = learner.network.architecture();
                let bytes = onnx::encode(architecture, features, about.classes.len(), &weights, &metadata)
                    .map_err(|error| problem(&error))?;
                disk::replace(disk, path, &bytes, None)?;
            }
        }
        tracing::info!("saved {}", shown(&path));
        if self == Format::PyTorch {
            tracing::info!("saved {}: classes, and how images are prepared", shown(&described(path)));
            tracing::info!("in Python it is of {}", in_python(learner));
        }
        Ok(())
    }
}

/// Whether a file that the user named can be written; one that is there is replaced where `force` allows it.
pub fn writable(path: &Path, force: bool) -> Outcome {
    let refuse = |problem: &str| Err(Failure::request(format!("{}: {problem}", shown(&path))));
    if path.is_dir() {
        return refuse("is a folder; name a file in it");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return refuse("there is no such folder; make it first");
    }
    if path.exists() && !path.is_file() {
        return refuse("is no file that can be replaced; name another");
    }
    if path.exists() && !force {
        return refuse("is there already; name another file, or replace it with --force");
    }
    Ok(())
}

/// What a PyTorch class must have that the state dict of a net is loaded into.
fn in_python(learner: &Learner) -> String {
    let net = learner.network.architecture();
    let (prefix, [_, features], width) = (net.cell.prefix(), learner.shape, net.output_features());
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
    let classes = learner.task.classes.len();
    let readout = format!("{:?}", net.readout).to_lowercase();
    format!(
        "self.{prefix} = nn.{module}({features}, {forward}, {layers}, batch_first=True{relu}{directions}); self.fc = \
         nn.Linear({width}, {classes}); readout {readout}"
    )
}

/// The weights of a net as formats have them.
pub fn weights_of(learner: &Learner) -> Result<StateDict, EngineError> {
    let array = |(name, tensor): (&str, &_)| {
        let (shape, values) = values_of(tensor)?;
        Ok((name.to_owned(), Array::new(shape, values)))
    };
    learner.named_parameters().map(array).collect()
}

/// What someone needs to use a net who has nothing but its file.
fn description(about: &About, learner: &Learner) -> Map<String, Value> {
    let [rows, cols] = about.shape;
    let mut description = Map::new();
    let mut say = |key: &str, value: Value| description.insert(key.to_owned(), value);
    say("classes", about.classes.clone().into());
    say("rows", rows.into());
    say("columns", cols.into());
    say(
        "input",
        format!("images of {rows} x {cols}: {rows} time steps, the rows from above, of {cols} features")
            .into(),
    );
    say("normalisation", "pixel / 255: mean 0 and deviation 1, nothing is subtracted".into());
    match &about.preprocessing {
        None => say("pictures", "it is not known what the training images were like".into()),
        Some(preprocessing) => {
            say("preprocessing", serde_json::to_value(preprocessing).unwrap_or_default());
            say("pictures", preprocessing.to_string().into())
        }
    };
    say("output", "logits, one per class; softmax makes probabilities of them".into());
    say("python", in_python(learner).into());
    say("experiment", about.experiment.clone().into());
    say("data", about.data.clone());
    description
}

/// The same for ONNX, whose metadata is text: JSON, where it is none by itself.
fn metadata(about: &About, learner: &Learner) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        value => value.to_string(),
    };
    description(about, learner).into_iter().map(|(key, value)| (key, text(value))).collect()
}

/// Where what a state dict cannot say is written: beside it, with `.json` behind its whole name.
pub fn described(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

/// The bytes of a state dict as `torch.load` reads it, and of the JSON beside it, which says what no state
/// dict can.
pub fn state_dict_files(about: &About, learner: &Learner) -> Result<[Vec<u8>; 2], EngineError> {
    let json = |source| EngineError::Io { path: "state dict".into(), source };
    let state_dict = pytorch::encode(&weights_of(learner)?).map_err(json)?;
    let description =
        serde_json::to_string_pretty(&description(about, learner)).map_err(|error| json(error.into()))?;
    Ok([state_dict, format!("{description}\n").into_bytes()])
}
