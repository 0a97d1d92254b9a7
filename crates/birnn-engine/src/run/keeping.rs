//! What the first process writes of a run.

use std::path::Path;
use std::time::Duration;

use birnn_data::name::shown;
use birnn_infer::{Evaluation, Manifest};
use birnn_run::RunDir;

use super::files;
use crate::checkpoint::Checkpoints;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::observer::Timed;
use crate::record::Record;
use crate::samples::Samples;
use crate::state::State;
use crate::tensorboard::TensorBoard;
use crate::train::TrainingData;

/// What is written of a run while it goes on, and when it is through.
pub(super) struct Keeping<'a> {
    dir: &'a RunDir,
    pub checkpoints: Checkpoints<'a>,
    pub record: Timed<Record>,
    pub board: Timed<TensorBoard<'a>>,
}

impl Keeping<'_> {
    pub fn begin<'a>(
        dir: &'a RunDir,
        manifest: &Manifest,
        learner: &Learner,
        data: &'a TrainingData,
        state: &State,
    ) -> Result<Keeping<'a>, EngineError> {
        let checkpoints = Checkpoints::new(dir, manifest.clone())?;
        let record = Timed::new(Record::open(dir, &manifest.data)?);
        let board = Timed::new(TensorBoard::open(dir, manifest, learner, &data.validation, state.step)?);
        if state.step > 0 && dir.has_new_records() {
            // One was lost. What is begun in its place is not what the checkpoint knows.
            checkpoints.save(learner, state)?;
        }
        Ok(Keeping { dir, checkpoints, record, board })
    }

    pub fn account(&self, shown: Duration, seconds: f64) {
        let [metrics, events, shown] =
            [self.record.taken, self.board.taken, shown].map(|taken| 100.0 * taken.as_secs_f64() / seconds);
        tracing::debug!(
            "of {seconds:.1} s, metrics took {metrics:.3} %, TensorBoard's events {events:.3} %, what is \
             shown {shown:.3} %"
        );
    }

    pub fn finish(
        self,
        manifest: &Manifest,
        learner: &Learner,
        (step, found, test): (usize, &Evaluation, &Samples),
    ) -> Result<(), EngineError> {
        self.record.observer.test(found)?;
        self.board.observer.test(step, found, test)?;
        let weights = self.checkpoints.save_final(learner)?;
        files::save_state_dict(self.dir, manifest, learner)?;
        tracing::info!("saved {}, and {} for PyTorch", shown_path(&weights), files::STATE_DICT);
        Ok(self.dir.flush_records()?)
    }
}

fn shown_path(path: &Path) -> String {
    shown(&path).to_string()
}
