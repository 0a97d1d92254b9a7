//! `birnn export`: a trained network in a format that others read.

use std::path::Path;

use birnn_engine::disk::{self, Disk};
use birnn_engine::{About, DeviceChoice, EngineError, Learner, save};
use birnn_formats::{Array, StateDict, onnx, pytorch};
use birnn_model::{Architecture, Cell};

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
    /// By the extension of a file that is still to be written; one that is there is replaced where `force` allows it.
    pub fn of(path: &Path, force: bool) -> Result<Format, Failure> {
        let refuse = |problem: &str| Err(Failure::request(format!("{}: {problem}", path.display())));
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
        Ok(format)
    }

    /// Writes the whole file or nothing.
    pub fn write(self, disk: &dyn Disk, path: &Path, learner: &Learner, about: &About) -> Outcome {
        let problem = |error: &dyn std::fmt::Display| Failure::run(format!("{}: {error}", path.display()));
        match self {
            Format::Safetensors => save(disk, path, learner, about)?,
            Format::PyTorch => {
                let bytes = pytorch::encode(&weights_of(learner)?).map_err(|error| problem(&error))?;
                disk::replace(disk, path, &bytes, None)?;
            }
            Format::Onnx => {
                let [_, features] = learner.shape;
                let (weights, metadata) = (weights_of(learner)?, metadata(about)?);
                let architecture = learner.network.architecture();
                let bytes = onnx::encode(architecture, features, about.classes.len(), &weights, &metadata)
                    .map_err(|error| problem(&error))?;
                disk::replace(disk, path, &bytes, None)?;
            }
        }
        tracing::info!("saved {}", path.display());
        if self == Format::PyTorch {
            tracing::info!("in Python it is of {}", in_python(learner));
        }
        Ok(())
    }
}

/// Whether a file that the user named can be written; one that is there is replaced where `force` allows it.
pub fn writable(path: &Path, force: bool) -> Outcome {
    let refuse = |problem: &str| Err(Failure::request(format!("{}: {problem}", path.display())));
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
    let array = |(name, tensor): (&str, &_)| Ok((name.to_owned(), Array::from_tensor(tensor)?));
    learner.named_parameters().map(array).collect()
}

/// What someone needs who has nothing but the file.
fn metadata(about: &About) -> Result<Vec<(&'static str, String)>, Failure> {
    let [rows, cols] = about.shape;
    Ok(vec![
        ("classes", serde_json::to_string(&about.classes).map_err(Failure::run)?),
        (
            "input",
            format!("images of {rows} x {cols}: {rows} time steps, the rows from above, of {cols} features"),
        ),
        ("normalisation", "pixel / 255, so that 0 is background and 1 is full ink".to_owned()),
        ("output", "logits, one per class; softmax makes probabilities of them".to_owned()),
        ("experiment", about.experiment.clone()),
        ("data", about.data.to_string()),
    ])
}
