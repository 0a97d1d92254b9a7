//! Files of weights to be written, by their extensions.

use std::io;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_formats::onnx::Batch;
use birnn_infer::SaveError;
use birnn_infer::container::save;
use birnn_run::FileError;
use birnn_run::disk::{self, Disk};

use crate::description::{description_path, in_python};
use crate::net::Net;

/// What a file of weights can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `torch.load` reads.
    PyTorch,
    /// What `safetensors` reads, with all that birnn needs to use it again.
    Safetensors,
    /// What `onnxruntime` runs.
    Onnx,
    /// What a browser shows: a page with the network in it.
    Page,
}

/// Why a file cannot be written where it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(.path))]
pub struct Unwritable {
    path: PathBuf,
    problem: &'static str,
}

/// Why a net was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The weights could not be read again, or the system refused.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The net cannot be written so.
    #[error("{}: {source}", shown(.path))]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Format {
    /// By the extension of a file that is still to be written; one that is there is replaced where `force`
    /// allows it.
    pub fn of(path: &Path, force: bool) -> Result<Format, Unwritable> {
        let refuse = |problem| Err(Unwritable { path: path.to_owned(), problem });
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let format = match extension.to_str() {
            Some("ckpt" | "pt" | "pth") => Format::PyTorch,
            Some("safetensors") => Format::Safetensors,
            Some("onnx") => Format::Onnx,
            Some("html" | "htm") => Format::Page,
            _ => {
                return refuse(
                    "the extension says what is written: .ckpt, .pt or .pth (PyTorch), .safetensors, .onnx, or .html (a \
                     page to draw on)",
                );
            }
        };
        writable(path, force)?;
        if format == Format::PyTorch {
            let description = description_path(path);
            if description.file_name().is_some_and(|name| name.len() > disk::LONGEST_NAME) {
                return refuse(
                    "the name leaves no room for `.json`, which goes beside it; take a shorter one",
                );
            }
            writable(&description, force)?;
        }
        Ok(format)
    }

    /// Writes the whole file or nothing; of two files each by itself. Says what was written. `batch` is of
    /// ONNX files of nets that read series alone.
    pub fn write(self, disk: &dyn Disk, path: &Path, net: &Net, batch: Batch) -> Result<(), ExportError> {
        let Net { architecture, manifest, .. } = net;
        let (features, outputs) =
            (architecture.features(manifest.modality.inputs()), manifest.task.outputs());
        let problem = |source| ExportError::Encode { path: path.to_owned(), source };
        match self {
            Format::Safetensors => save(disk, path, &net.entries(), manifest)?,
            Format::PyTorch => {
                let [state_dict, description] = net.to_pytorch().map_err(problem)?;
                let beside = description_path(path);
                // Of both files one is written first. A description of another net, with which these weights
                // would be taken for it, is none meanwhile; where nothing comes of the weights it is what it
                // was.
                let before = std::fs::read(&beside).ok();
                if before.is_some() {
                    disk::replace(disk, &beside, b"", None)?;
                }
                if let Err(error) = disk::replace(disk, path, &state_dict, None) {
                    before.map_or(Ok(()), |before| disk::replace(disk, &beside, &before, None))?;
                    return Err(error.into());
                }
                disk::replace(disk, &beside, &description, None)?;
            }
            Format::Onnx => {
                let bytes = net.to_onnx(batch).map_err(|error| problem(io::Error::other(error)))?;
                disk::replace(disk, path, &bytes, None)?;
            }
            Format::Page => {
                let page = net.to_page(path).map_err(|error| problem(io::Error::other(error)))?;
                disk::replace(disk, path, page.as_bytes(), None)?;
            }
        }
        tracing::info!("saved {}", shown(&path));
        if self == Format::PyTorch {
            let description = description_path(path);
            let what = manifest.modality.noun();
            let answers = manifest.task.wanted().kind.noun();
            tracing::info!("saved {}: {answers}, and how {what} are prepared", shown(&description));
            tracing::info!("in Python it is of {}", in_python(architecture, features, outputs));
        }
        Ok(())
    }
}

/// Whether a file that the user named can be written; one that is there is replaced where `force` allows it.
pub fn writable(path: &Path, force: bool) -> Result<(), Unwritable> {
    let refuse = |problem| Err(Unwritable { path: path.to_owned(), problem });
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
