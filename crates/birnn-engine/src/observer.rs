//! What a run tells while it goes on.

use std::time::{Duration, Instant};

use birnn_infer::{Epoch, Step};

use crate::error::EngineError;
use crate::learner::{Learner, StepOutput};
use crate::samples::Batch;

/// Hears of a run as it goes on. An error ends the run: records that cannot be written are not lost silently.
pub trait Observer {
    /// After every step: what the observer asks for.
    fn step(&mut self, _step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        Ok(Control::Continue)
    }

    /// After every epoch, its evaluation included; `learner` is the net that was evaluated.
    fn epoch(&mut self, _epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        Ok(())
    }
}

/// What an observer asks of the loop after a step; where several ask, the greatest control is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// Nothing.
    #[default]
    Continue,
    /// A checkpoint, then to go on. It changes nothing of what the run comes to.
    Save,
    /// A checkpoint, then to stop.
    Stop,
}

/// What a step worked with, on the device. Whoever looks at values waits for the device, so it is to be
/// done now and then.
#[derive(Debug)]
pub struct StepContext<'a> {
    /// The net, after the update.
    pub learner: &'a Learner,
    /// The samples of the step; of a batch in shards, those of this rank's first.
    pub batch: &'a Batch,
    /// What the net made of them, before the update: their logits, and the whole batch's loss and gradient.
    pub output: &'a StepOutput,
}

/// An observer, and how long it takes.
#[derive(Debug)]
pub struct Timed<O> {
    /// Who is told.
    pub observer: O,
    /// All in all, so far.
    pub taken: Duration,
}

impl<O: Observer> Timed<O> {
    /// Nothing taken yet.
    pub fn new(observer: O) -> Timed<O> {
        Timed { observer, taken: Duration::ZERO }
    }

    fn time<T>(&mut self, told: impl FnOnce(&mut O) -> T) -> T {
        let start = Instant::now();
        let answer = told(&mut self.observer);
        self.taken += start.elapsed();
        answer
    }
}

impl<O: Observer> Observer for Timed<O> {
    fn step(&mut self, step: &Step, context: &StepContext) -> Result<Control, EngineError> {
        self.time(|observer| observer.step(step, context))
    }

    fn epoch(&mut self, epoch: &Epoch, learner: &Learner) -> Result<(), EngineError> {
        self.time(|observer| observer.epoch(epoch, learner))
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn step(&mut self, step: &Step, context: &StepContext) -> Result<Control, EngineError> {
        (**self).step(step, context)
    }

    fn epoch(&mut self, epoch: &Epoch, learner: &Learner) -> Result<(), EngineError> {
        (**self).epoch(epoch, learner)
    }
}

/// Several observers, told in order.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn step(&mut self, step: &Step, context: &StepContext) -> Result<Control, EngineError> {
        // All are told, also when one asks to stop.
        self.iter_mut()
            .try_fold(Control::Continue, |control, observer| Ok(control.max(observer.step(step, context)?)))
    }

    fn epoch(&mut self, epoch: &Epoch, learner: &Learner) -> Result<(), EngineError> {
        self.iter_mut().try_for_each(|observer| observer.epoch(epoch, learner))
    }
}
