//! The step by birnn, as its training loop takes it.

use anyhow::{Result, anyhow};
use birnn_engine::{Batch, Device, Learner, Loss, Optimizer, Ranks, Samples};
use birnn_experiment::TrainConfig;
use birnn_infer::Task;
use birnn_kernels::Precision;

use crate::contender::{Contender, batch, timed};
use crate::point::{CLASSES, Point};

/// A learner with its optimizer and a batch.
pub struct Ours {
    learner: Learner,
    optimizer: Optimizer,
    batch: Batch,
    rate: f64,
    steps: i64,
}

impl Ours {
    /// The net of a point.
    pub fn new(point: &Point) -> Result<Ours> {
        Ours::with_precision(point, Precision::Highest)
    }

    /// The same, with products of this precision.
    pub fn with_precision(point: &Point, precision: Precision) -> Result<Ours> {
        let classes = (0..CLASSES).map(|class| class.to_string()).collect();
        let task = Task::classify(classes);
        let plan = TrainConfig::default().resolve().map_err(|error| anyhow!("{error:?}"))?;
        let loss = Loss::new(&task, point.architecture()?.head, &plan, Device::Cpu)?;
        let learner = Learner::new(&point.architecture()?, task, loss, point.features, 0, Device::Cpu)?;
        let learner = learner.with_precision(precision)?;
        let optimizer = Optimizer::new(plan.algorithm, learner.parameters())?;
        Ok(Ours { learner, optimizer, batch: batch(point)?, rate: point.rate(), steps: 0 })
    }

    /// The same, which recomputes segments of so many steps.
    pub fn with_recompute(self, steps: usize) -> Ours {
        Ours { learner: self.learner.with_recompute(Some(steps)), ..self }
    }

    /// Forward, backward, update.
    pub fn step(&mut self) -> Result<()> {
        self.steps += 1;
        let gradient = self.learner.gradients(&self.batch, self.steps)?.gradient;
        Ok(self.optimizer.step(self.learner.parameters(), &gradient, self.rate)?)
    }

    /// Milliseconds of computing gradients, and of updating by them, step by step.
    pub fn parts(&mut self, seconds: f64) -> Result<[Vec<f64>; 2]> {
        one_thread_for_libtorch();
        let mut gradient = self.learner.gradients(&self.batch, 0)?.gradient;
        let gradients = timed(seconds, || {
            gradient = self.learner.gradients(&self.batch, 0)?.gradient;
            Ok(())
        })?;
        let updates =
            timed(seconds, || Ok(self.optimizer.step(self.learner.parameters(), &gradient, self.rate)?))?;
        Ok([gradients, updates])
    }
}

impl Contender for Ours {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        one_thread_for_libtorch();
        timed(seconds, || self.step())
    }
}

/// Evaluates images by birnn.
pub struct OurEvaluation<'a> {
    learner: Learner,
    samples: &'a Samples,
}

impl<'a> OurEvaluation<'a> {
    /// By the net of a point.
    pub fn new(point: &Point, samples: &'a Samples) -> Result<Self> {
        Ok(OurEvaluation { learner: Ours::new(point)?.learner, samples })
    }
}

impl Contender for OurEvaluation<'_> {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        one_thread_for_libtorch();
        timed(seconds, || {
            self.learner.evaluate(self.samples, &Ranks::alone())?;
            Ok(())
        })
    }
}

/// As `Learner::new` leaves it; other contenders have changed it since.
fn one_thread_for_libtorch() {
    tch::set_num_threads(1);
}
