//! What a run tells while it goes on.

use serde::Serialize;

use crate::error::EngineError;
use crate::task::Evaluation;

/// Hears of a run as it goes on. An error ends the run: records that cannot be written are not lost silently.
pub trait Observer {
    /// After every step.
    fn step(&mut self, _step: &Step) -> Result<(), EngineError> {
        Ok(())
    }

    /// After every epoch, its evaluation included.
    fn epoch(&mut self, _epoch: &Epoch) -> Result<(), EngineError> {
        Ok(())
    }
}

/// One update of the parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From 1, over the whole run.
    pub step: usize,
    /// From 1.
    pub epoch: usize,
    /// The learning rate of the update.
    pub rate: f64,
    /// Images that it saw.
    pub images: usize,
    /// Its loss, on logged steps: fetching it waits for the device.
    pub loss: Option<f64>,
}

/// One pass over the training images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The last step's number, from 1, over the whole run.
    pub step: usize,
    /// Mean loss of its steps, as they were taken: smoothed and with dropout.
    pub train_loss: f64,
    /// The last step's learning rate.
    pub rate: f64,
    /// Training time in seconds, evaluation left out.
    pub seconds: f64,
    /// Training images per second.
    pub images_per_second: f64,
    /// How the net does on the images kept back, if any were.
    pub validation: Option<Evaluation>,
}

/// Several observers, told in order.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn step(&mut self, step: &Step) -> Result<(), EngineError> {
        self.iter_mut().try_for_each(|observer| observer.step(step))
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), EngineError> {
        self.iter_mut().try_for_each(|observer| observer.epoch(epoch))
    }
}
