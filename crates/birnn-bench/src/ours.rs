//! The step by birnn, as its training loop takes it.

use anyhow::{Result, anyhow};
use birnn_data::{Sequence, Sequences};
use birnn_engine::device::cpu_threads;
use birnn_engine::{Batch, Device, Learner, Loss, Optimizer, Ranks, Samples};
use birnn_experiment::TrainConfig;
use birnn_infer::{Network, Reading, Task, cpu};
use birnn_kernels::Precision;

use crate::contender::{Contender, batch, noise, timed};
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

/// Answers images by birnn, as whoever asks a net does.
pub struct OurAnswers {
    network: Network,
    images: Sequences,
    threads: usize,
}

impl OurAnswers {
    /// By the net of a point, to one batch of its images.
    pub fn new(point: &Point) -> Result<Self> {
        let architecture = point.architecture()?;
        let parameters = architecture.parameters(point.features, CLASSES);
        let values = |name: &str| {
            let shape = parameters.iter().find(|(known, _)| known == name).map(|(_, shape)| shape);
            let count = shape.map_or(0, |shape| shape.iter().product());
            (0..count).map(|index| ((index * 7919) % 251) as f32 / 2510.0 - 0.05).collect()
        };
        let network = Network::new(&architecture, point.features, CLASSES, cpu::instructions(), values);
        let images = noise(point.batch, [point.time, point.features]).sequences;
        Ok(OurAnswers { network, images, threads: cpu_threads() as usize })
    }
}

impl Contender for OurAnswers {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        let read = |image: Sequence<'_>, into: &mut Vec<f32>| image.read(into);
        let all = 0..self.images.len();
        timed(seconds, || {
            self.network.logits_of_all(&self.images, all.clone(), Reading::Values(&read), self.threads);
            Ok(())
        })
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
