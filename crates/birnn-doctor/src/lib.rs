//! What is wrong with this machine for training, and what to do about it.
//!
//! [`examine`] looks at libtorch, GPUs, the processor, the data sets, disks and memory, times a training
//! step, and gives an [`Item`] for each: a state, a finding, and a remedy where there is something to do. It
//! prints and changes nothing.
//!
//! ```no_run
//! let diagnosis = birnn_doctor::examine(None, "runs".as_ref());
//! for item in &diagnosis.items {
//!     println!("{:?} {}: {}", item.state, item.name, item.finding);
//! }
//! ```

mod bytes;
mod compute;
mod data;
mod item;
mod space;
mod training;

use std::path::{Path, PathBuf};

pub use item::{Item, State};
pub use training::TrainingError;

/// What was found on a machine.
#[derive(Debug)]
pub struct Diagnosis {
    /// What was looked at, in the order of a user's interest.
    pub items: Vec<Item>,
    /// Why nothing can be trained here, if so.
    pub untrainable: Option<TrainingError>,
}

/// Looks at this machine. `data_dir` is a folder with data sets that the user named, `runs` where runs are
/// written. It takes about a second, most of it to time training steps on the CPU.
pub fn examine(data_dir: Option<PathBuf>, runs: &Path) -> Diagnosis {
    let mut items = compute::items();
    let untrainable = training::examine(&mut items).err();
    items.extend(data::items(data_dir.clone()));
    items.extend(space::items(data_dir, runs));
    Diagnosis { items, untrainable }
}
