//! The step as a user of libtorch writes it: one call for all layers and directions, what is read of them, a
//! linear head, libtorch's Adam, and as many threads as libtorch likes.

use anyhow::Result;
use birnn_engine::device::cpu_threads;
use birnn_engine::{Batch, Device, Samples};
use birnn_model::{CellKind, Readout};
use tch::nn::{self, OptimizerConfig as _};
use tch::{Kind, Tensor};

use crate::contender::{Contender, batch, timed};
use crate::point::{CLASSES, Point};

/// A net with its optimizer.
pub struct Plain {
    point: Point,
    weights: Vec<Tensor>,
    head: nn::Linear,
    optimizer: nn::Optimizer,
    batch: Batch,
}

impl Plain {
    /// The net of a point.
    pub fn new(point: &Point) -> Result<Plain> {
        let vs = nn::VarStore::new(Device::Cpu);
        let (hidden, rows) = (point.hidden as i64, (point.gates() * point.hidden) as i64);
        let directions = point.directions() as i64;
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = nn::Init::Uniform { lo: -bound, up: bound };
        let mut weights = Vec::new();
        for layer in 0..point.layers {
            let features = if layer == 0 { point.features as i64 } else { directions * hidden };
            for direction in 0..directions {
                let shapes = [
                    ("wih", vec![rows, features]),
                    ("whh", vec![rows, hidden]),
                    ("bih", vec![rows]),
                    ("bhh", vec![rows]),
                ];
                for (name, shape) in shapes {
                    weights.push(vs.root().f_var(&format!("{name}{layer}{direction}"), &shape, uniform)?);
                }
            }
        }
        let head =
            nn::linear(vs.root() / "fc", directions * hidden, CLASSES as i64, nn::LinearConfig::default());
        let optimizer = nn::Adam::default().build(&vs, point.rate())?;
        Ok(Plain { point: *point, weights, head, optimizer, batch: batch(point)? })
    }

    /// Forward, backward, update.
    pub fn step(&mut self) -> Result<()> {
        let logits = self.logits(&self.batch.input, true)?;
        self.optimizer.backward_step(&logits.cross_entropy_for_logits(&self.batch.target));
        Ok(())
    }

    fn logits(&self, input: &Tensor, train: bool) -> Result<Tensor> {
        let (layers, both) = (self.point.layers as i64, self.point.bidirectional);
        let shape = [self.point.directions() as i64 * layers, input.size()[0], self.point.hidden as i64];
        let zero = Tensor::f_zeros(shape, (Kind::Float, Device::Cpu))?;
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        let (outputs, states) = match self.point.cell {
            CellKind::Rnn => input.f_rnn_tanh(&zero, &weights, true, layers, 0.0, train, both, true)?,
            CellKind::Gru => input.f_gru(&zero, &weights, true, layers, 0.0, train, both, true)?,
            CellKind::Lstm => {
                let (outputs, states, _) =
                    input.f_lstm(&[&zero, &zero], &weights, true, layers, 0.0, train, both, true)?;
                (outputs, states)
            }
        };
        let read = match self.point.readout {
            Readout::Final => {
                let of_top = self.point.directions() as i64;
                Tensor::f_cat(&states.f_narrow(0, -of_top, of_top)?.f_unbind(0)?, 1)?
            }
            _ => outputs.f_select(1, -1)?,
        };
        Ok(read.apply(&self.head))
    }

    /// How many of the images are classified correctly.
    fn right(&self, samples: &Samples, size: usize) -> Result<i64> {
        let mut right = 0;
        for batch in samples.batches(0..samples.len(), size) {
            let batch = batch?;
            let named = self.logits(&batch.input, false)?.f_argmax(1, false)?;
            right += named.f_eq_tensor(&batch.target)?.f_sum(Kind::Int64)?.int64_value(&[]);
        }
        Ok(right)
    }
}

impl Contender for Plain {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        tch::set_num_threads(cpu_threads());
        timed(seconds, || self.step())
    }
}

/// Evaluates images by plain libtorch.
pub struct PlainEvaluation<'a> {
    net: Plain,
    samples: &'a Samples,
    size: usize,
}

impl<'a> PlainEvaluation<'a> {
    /// By the net of a point, so many images at a time.
    pub fn new(point: &Point, samples: &'a Samples, size: usize) -> Result<Self> {
        Ok(PlainEvaluation { net: Plain::new(point)?, samples, size })
    }
}

impl Contender for PlainEvaluation<'_> {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        tch::set_num_threads(cpu_threads());
        let _guard = tch::no_grad_guard();
        timed(seconds, || {
            self.net.right(self.samples, self.size)?;
            Ok(())
        })
    }
}
