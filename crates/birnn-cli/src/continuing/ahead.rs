//! What a net finds to come next, step after step.

use birnn_data::Sequences;
use birnn_infer::{Overflow, Predictor, Streams, Workspace, finite};

/// A net that reads some sequences to where they end so far, again and again as they grow.
pub(super) enum Ahead<'n> {
    /// It goes on from where it is.
    Stream {
        streams: Streams<'n>,
        /// Whether it has read what there was in the beginning.
        is_under_way: bool,
    },
    /// It reads from the end, and so all of them anew.
    Anew { predictor: &'n Predictor, workspace: Workspace },
}

/// Which steps of each sequence are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToRead {
    All,
    Last,
}

impl<'n> Ahead<'n> {
    pub(super) fn new(predictor: &'n Predictor) -> Ahead<'n> {
        match predictor.streams() {
            Ok(streams) => Ahead::Stream { streams, is_under_way: false },
            Err(_) => Ahead::Anew { predictor, workspace: Workspace::new() },
        }
    }

    /// Its logits at the last step of each: `[sequences, outputs]`. `steps` gives those that it is to read.
    pub(super) fn logits(&mut self, steps: impl FnOnce(ToRead) -> Sequences) -> Result<Vec<f32>, Overflow> {
        let logits = match self {
            Ahead::Stream { streams, is_under_way } => {
                let to_read = if std::mem::replace(is_under_way, true) { ToRead::Last } else { ToRead::All };
                streams.read_to_last(&steps(to_read))
            }
            Ahead::Anew { predictor, workspace } => {
                let (all, outputs) = (steps(ToRead::All), predictor.task().outputs());
                let last = |logits: Vec<f32>| logits[logits.len() - outputs..].to_vec();
                all.iter().flat_map(|one| last(predictor.logits(workspace, one))).collect()
            }
        };
        finite(&logits).map(|()| logits)
    }
}
