//! Which weights are meant by what a user names.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;

use crate::meta::Meta;
use crate::run_dir::{FINAL, WEIGHTS};
use crate::status::Status;

/// Why there are no weights where they were said to be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(.path))]
pub struct NoWeights {
    path: PathBuf,
    problem: String,
}

/// The weights file that is meant: a file itself, or of a run directory the first that there is of
/// [`WEIGHTS`]: the final weights, else those of the best epoch so far, else the newest checkpoint, which is
/// said.
///
/// # Errors
///
/// Where there is no such file or directory, or one without weights, or weights of another format by their
/// name.
pub fn weights_of(run: &Path) -> Result<PathBuf, NoWeights> {
    let found = find_weights(run)?;
    if run.is_dir() {
        let status = Meta::read(run).map(|meta| meta.status);
        let (is_done, of) = (matches!(status, Ok(Status::Done)), shown(&found));
        match (found.ends_with(FINAL), is_done) {
            (false, true) => tracing::warn!("{}: its {FINAL} is gone: using {of}", shown(&run)),
            (false, false) => tracing::info!("the run is not finished: using {of}"),
            (true, false) if status.is_ok() => tracing::warn!(
                "the run is not finished: using {of}, which is of before it was gone on with, if it was"
            ),
            (true, _) => {}
        }
    }
    Ok(found)
}

/// As [`weights_of`], without a word.
///
/// # Errors
///
/// As [`weights_of`].
pub fn find_weights(run: &Path) -> Result<PathBuf, NoWeights> {
    let refuse = |path: &Path, problem: String| Err(NoWeights { path: path.to_owned(), problem });
    if run.is_dir() {
        let Some(found) = in_folder(run) else {
            // A folder of runs, or of a sweep, may be what was named.
            let within = std::fs::read_dir(run).into_iter().flatten().flatten().map(|entry| entry.path());
            let within = within.filter(|path| in_folder(path).is_some()).max();
            let meant = within.map_or_else(String::new, |path| format!("; did you mean {}?", shown(&path)));
            return refuse(run, format!("holds no weights ({}){meant}", WEIGHTS.join(", ")));
        };
        return Ok(found);
    }
    if !run.exists() {
        return refuse(run, "there is no such run; name a run directory, or a weights file".to_owned());
    }
    match run.extension().and_then(|extension| extension.to_str()) {
        Some("ckpt" | "pt" | "pth") => refuse(
            run,
            format!(
                "not a weights file of birnn; bring a PyTorch state dict in first: birnn import {} --out \
                 model.safetensors",
                shown(&run)
            ),
        ),
        Some("onnx") => refuse(
            run,
            "birnn writes ONNX and reads none; name the run that it is of, or its .safetensors file; or \
             bring its .ckpt in: birnn import model.ckpt --out model.safetensors"
                .to_owned(),
        ),
        _ => Ok(run.to_owned()),
    }
}

fn in_folder(run: &Path) -> Option<PathBuf> {
    WEIGHTS.iter().map(|name| run.join(name)).find(|path| path.is_file())
}
