//! A line per epoch, and a warning where other processes slow the run down.

use birnn_engine::{Control, EngineError, Learner, Observer, StepContext};
use birnn_infer::{Epoch, Step, Timing};

use crate::contention::Contention;
use crate::loss;
use crate::per_second;
use crate::run_info::RunInfo;

/// Logs a line per epoch.
#[derive(Debug)]
pub(crate) struct Lines {
    epochs: usize,
    /// What several samples are called.
    noun: &'static str,
    contention: Contention,
}

impl Lines {
    /// For a run.
    pub(crate) fn new(run: &RunInfo) -> Lines {
        Lines { epochs: run.epochs, noun: run.modality.noun(), contention: Contention::new() }
    }
}

impl Observer for Lines {
    fn step(&mut self, _step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        self.contention.watch();
        Ok(Control::Continue)
    }

    fn epoch(&mut self, epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        let Epoch { train_loss, rate, timing: Timing { seconds, samples_per_second, .. }, .. } = epoch;
        let validation = epoch.validation.as_ref().map_or_else(String::new, |evaluation| {
            let loss = loss::text(evaluation.loss);
            format!(", validation loss {loss}, {}", evaluation.headline())
        });
        tracing::info!(
            "epoch {}/{}: loss {}{validation}, lr {rate:.2e}, {seconds:.1} s, {} \
             {}/s",
            epoch.epoch,
            self.epochs,
            loss::text(*train_loss),
            per_second::text(*samples_per_second),
            self.noun
        );
        Ok(())
    }
}
