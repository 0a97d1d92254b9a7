//! Asks networks, without libtorch.
//!
//! A [`Predictor`] is made of a weights file, or of its bytes; threads share it, each with a [`Workspace`] of
//! its own. Its logits are taken apart by its [`Task`] alone, which knows what an answer is and how answers
//! are judged. An [`Encoder`] gives what a net holds of sequences instead, and [`Streams`] read sequences
//! that have no end yet. The file's format is [`container`]'s: everything that reads or writes weights goes
//! through it.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use birnn_data::Sequence;
//! use birnn_infer::{Predictor, Task, Workspace};
//!
//! let predictor = Predictor::open(Path::new("runs/bilstm/001/model.safetensors"))?;
//! let (mut workspace, image) = (Workspace::new(), vec![0; 28 * 28]);
//! let logits = predictor.logits(&mut workspace, Sequence::of_image(&image, 28));
//! if let Task::Classify(task) = predictor.task() {
//!     println!("{:?}", task.answer(&logits));
//! }
//! # Ok::<(), birnn_infer::WeightsError>(())
//! ```

mod answer;
mod answers;
pub mod container;
pub mod cpu;
mod data;
mod described_task;
mod directions;
mod embedding;
mod encoder;
mod error;
mod explanation;
mod format;
mod in_use;
pub mod layout;
#[cfg(test)]
mod made_up;
mod manifest;
mod metrics;
mod network;
mod predictor;
mod readout;
mod record;
mod state_gradients;
mod streams;
mod suits;
mod task;

pub use answer::Answer;
pub use answers::{Answers, Joint, Overflow, finite};
pub use birnn_kernels::{Input, Lengths, Precision, StateGradient};
pub use data::{NetDataError, OF_THE_NET, data_of_run, data_set_for, folder_of, hidden_of_run};
pub use described_task::DescribedTask;
pub use directions::{Contributions, Directions};
pub use encoder::Encoder;
pub use error::{ManifestError, SaveError, WeightsError, WeightsProblem, wrong};
pub use explanation::{Explanation, Forming, stops};
pub use format::{FORMAT, LARGEST_SIDE};
pub use in_use::InUse;
pub use manifest::{Manifest, Progress};
pub use metrics::{
    ClassScore, Confusion, ErrorSums, KnownWords, MOST_CONFUSED, NumberScore, ReadingScores, SpanCounts,
    SpanScore, SpanScores, TypeScore, WordScore,
};
pub use network::{Network, Reading, Workspace, spec};
pub use predictor::Predictor;
pub use record::{Epoch, MetricsLine, Step, Timing, is_kept, kept};
pub use streams::{NoStream, Streams};
pub use suits::{DataWarning, ForbiddenTags, Unsuited, other_features};
pub use task::{
    Class, Classified, Classify, Detail, Evaluation, Filled, Headline, Judge, LOGITS, MOST_MISSES, Metric,
    Miss, Mistake, Regress, Regressed, Task, TokenScore, TokenScores, TokenSums, loss_by_counting,
    significant, significant_among,
};
