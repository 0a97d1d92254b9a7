//! What an import is asked for.

use std::path::PathBuf;

/// Weights to be brought in, and what the user says of them.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// A PyTorch state dict, or a safetensors file.
    pub weights: PathBuf,
    /// An experiment file that describes the net.
    pub config: Option<PathBuf>,
    /// Changes to its experiment, as `key.path=value`.
    pub sets: Vec<String>,
    /// Which of several state dicts in the file.
    pub key: Option<String>,
    /// If the net was trained on `(pixel / 255 - mean) / std`, the mean: one number, or one per column.
    pub mean: Vec<f64>,
    /// The standard deviation, likewise.
    pub std: Vec<f64>,
    /// Rows of an image.
    pub rows: Option<usize>,
    /// Whether the net reads series of numbers, and not images.
    pub series: bool,
    /// The names of the classes.
    pub classes: Vec<String>,
}
