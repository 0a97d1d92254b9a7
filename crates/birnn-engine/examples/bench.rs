//! A training step by birnn's kernels beside the same step by plain libtorch calls, in one process, in turns:
//! `cargo run -p birnn-engine --example bench`. On an idle machine, or the figures say nothing.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on must stop")]

use std::time::Instant;

use birnn_data::{Images, Split};
use birnn_engine::device::cpu_threads;
use birnn_engine::{Batch, Classification, Device, Learner, Optimizer, OptimizerConfig, Samples};
use birnn_model::{CellKind, Hidden, ModelConfig};
use tch::nn::{self, OptimizerConfig as _};
use tch::{Kind, Tensor};

/// A shape to measure at.
#[derive(Clone, Copy)]
struct Point {
    cell: CellKind,
    batch: usize,
    time: usize,
    features: usize,
    hidden: usize,
    layers: usize,
}

const TUTORIAL: Point =
    Point { cell: CellKind::Lstm, batch: 100, time: 28, features: 28, hidden: 128, layers: 2 };

fn points() -> Vec<Point> {
    let mut points = vec![TUTORIAL];
    points.extend([CellKind::Gru, CellKind::Rnn].map(|cell| Point { cell, ..TUTORIAL }));
    points.extend([1, 10, 32, 1000, 4096].map(|batch| Point { batch, ..TUTORIAL }));
    points.extend([32, 256, 512, 1024].map(|hidden| Point { hidden, ..TUTORIAL }));
    points.extend([1, 4].map(|layers| Point { layers, ..TUTORIAL }));
    points.extend([(112, 7), (784, 1)].map(|(time, features)| Point { time, features, ..TUTORIAL }));
    points
}

/// The net as a PyTorch user writes it: one call for all layers and directions, the output at the last step, a linear
/// head, libtorch's Adam.
struct Plain {
    point: Point,
    weights: Vec<Tensor>,
    head: nn::Linear,
    optimizer: nn::Optimizer,
    _vs: nn::VarStore,
}

impl Plain {
    fn new(point: Point) -> Plain {
        let vs = nn::VarStore::new(Device::Cpu);
        let hidden = point.hidden as i64;
        let gates = match point.cell {
            CellKind::Rnn => 1,
            CellKind::Gru => 3,
            CellKind::Lstm => 4,
        };
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = nn::Init::Uniform { lo: -bound, up: bound };
        let mut weights = Vec::new();
        for layer in 0..point.layers {
            let features = if layer == 0 { point.features as i64 } else { 2 * hidden };
            for direction in 0..2 {
                for (name, shape) in
                    [("ih", vec![gates * hidden, features]), ("hh", vec![gates * hidden, hidden])]
                {
                    weights.push(vs.root().var(&format!("w{name}{layer}{direction}"), &shape, uniform));
                }
                for name in ["ih", "hh"] {
                    let name = format!("b{name}{layer}{direction}");
                    weights.push(vs.root().var(&name, &[gates * hidden], uniform));
                }
            }
        }
        let head = nn::linear(vs.root() / "fc", 2 * hidden, 10, nn::LinearConfig::default());
        let optimizer = nn::Adam::default().build(&vs, 0.003).unwrap();
        Plain { point, weights, head, optimizer, _vs: vs }
    }

    fn logits(&self, input: &Tensor) -> Tensor {
        let layers = self.point.layers as i64;
        let shape = [2 * layers, input.size()[0], self.point.hidden as i64];
        let zero = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        let outputs = match self.point.cell {
            CellKind::Rnn => input.rnn_tanh(&zero, &weights, true, layers, 0.0, true, true, true).0,
            CellKind::Gru => input.gru(&zero, &weights, true, layers, 0.0, true, true, true).0,
            CellKind::Lstm => {
                input
                    .lstm(
                        &[&zero, &zero],
                        &self.weights.iter().collect::<Vec<_>>(),
                        true,
                        layers,
                        0.0,
                        true,
                        true,
                        true,
                    )
                    .0
            }
        };
        outputs.select(1, -1).apply(&self.head)
    }

    fn step(&mut self, batch: &Batch) {
        let loss = self.logits(&batch.input).cross_entropy_for_logits(&batch.labels);
        self.optimizer.backward_step(&loss);
    }
}

/// The same by birnn.
struct Ours {
    learner: Learner,
    optimizer: Optimizer,
}

impl Ours {
    fn new(point: Point) -> Ours {
        let Point { cell, time, features, hidden, layers, .. } = point;
        let config = ModelConfig { cell, layers, hidden: Hidden::Same(hidden), ..ModelConfig::default() };
        let classes = (0..10).map(|class| class.to_string()).collect();
        let task = Classification { classes, label_smoothing: 0.0 };
        let architecture = config.resolve().unwrap();
        let learner = Learner::new(&architecture, task, [time, features], 0, Device::Cpu).unwrap();
        let rule = OptimizerConfig::default().resolve().unwrap();
        let optimizer = Optimizer::new(rule, learner.parameters()).unwrap();
        Ours { learner, optimizer }
    }

    fn step(&mut self, batch: &Batch) {
        let (_, gradient) = self.learner.gradients(batch, 0).unwrap();
        self.optimizer.step(self.learner.parameters(), &gradient, 0.003).unwrap();
    }
}

/// Milliseconds of each of some steps, for as long as a turn lasts.
fn turn(mut step: impl FnMut()) -> Vec<f64> {
    const SECONDS: f64 = 0.7;
    let begin = Instant::now();
    // The first one wakes threads and caches.
    step();
    let mut times = Vec::new();
    while times.is_empty() || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        step();
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let threads = cpu_threads();
    println!("{threads} threads; milliseconds per training step, medians of turns of 0.7 s");
    println!("{:36} {:>9} {:>9} {:>7}", "", "libtorch", "birnn", "times");
    for point in points() {
        let Point { cell, batch, time, features, hidden, layers } = point;
        let pixels = (0..batch * time * features).map(|index| ((index * 7919) % 251) as u8).collect();
        let labels = (0..batch).map(|index| (index % 10) as u8).collect();
        let images = Images { rows: time, cols: features, pixels };
        let samples = Samples::new(Split { images, labels }, Device::Cpu).unwrap();
        let seen = samples.batches(batch).next().unwrap().unwrap();
        let (mut plain, mut ours) = (Plain::new(point), Ours::new(point));
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            tch::set_num_threads(threads);
            theirs.extend(turn(|| plain.step(&seen)));
            tch::set_num_threads(1);
            own.extend(turn(|| ours.step(&seen)));
        }
        let (theirs, own) = (median(&mut theirs), median(&mut own));
        let name = format!("{cell:?} {layers} x {hidden}+{hidden}, {batch} x {time} x {features}");
        println!("{name:36} {theirs:9.2} {own:9.2} {:7.2}", theirs / own);
    }
}
