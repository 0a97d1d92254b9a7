//! What a net finds to come next, step after step.

use birnn_data::{Part, Sequences};
use birnn_infer::{Predictor, Streams, Workspace};

/// A net that reads some sequences to where they end so far, again and again as they grow.
pub(super) enum Ahead<'n> {
    /// It goes on from where it is.
    Stream {
        streams: Streams<'n>,
        /// Whether it has read what there was in the beginning.
        is_under_way: bool,
    },
    /// It reads from the end, too, and so all of them anew.
    Anew { predictor: &'n Predictor, workspace: Workspace },
}

/// Steps of a sample that are read at once, where it is read alone.
const AT_A_TIME: usize = 1024;

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
    pub(super) fn logits(&mut self, steps: impl FnOnce(ToRead) -> Sequences) -> Vec<f32> {
        match self {
            Ahead::Stream { streams, is_under_way } => {
                let to_read = if std::mem::replace(is_under_way, true) { ToRead::Last } else { ToRead::All };
                let steps = steps(to_read);
                let parts: Vec<usize> = match steps.len() {
                    // Of one alone the memory does not grow with its length.
                    1 => (0..steps.steps()).step_by(AT_A_TIME).collect(),
                    _ => vec![0],
                };
                let mut logits = Vec::new();
                for begin in parts {
                    let part = |sample: usize| {
                        let end = steps.steps_of(sample).len();
                        let end = if steps.len() == 1 { end.min(begin + AT_A_TIME) } else { end };
                        Part { sample, steps: begin..end }
                    };
                    let parts: Vec<Part> = (0..steps.len()).map(part).collect();
                    logits = streams.read_to_last(&steps.parts(&parts));
                }
                logits
            }
            Ahead::Anew { predictor, workspace } => {
                let (all, outputs) = (steps(ToRead::All), predictor.task().outputs());
                let last = |logits: Vec<f32>| logits[logits.len() - outputs..].to_vec();
                all.iter().flat_map(|one| last(predictor.logits(workspace, one))).collect()
            }
        }
    }
}
