//! All that a run found, as it is written to `bench.json`.

use serde::{Deserialize, Serialize};

use crate::alone::Taken;
use crate::contender::Kind;
use crate::machine::Machine;
use crate::point::Point;
use crate::pytorch::Versions;
use crate::stats::Stats;
use crate::sweeps::Sweep;
use crate::turns::{Effort, Timed};

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// On what.
    pub machine: Machine,
    /// With which PyTorch, if any.
    pub python: Option<Versions>,
    /// The data set that the tutorial's loop read.
    pub digits: Option<String>,
    /// For how long.
    pub effort: Effort,
    /// Which sweeps were measured, in the order of the report.
    pub sweeps: Vec<Sweep>,
    /// Points of sweeps.
    pub points: Vec<Measured>,
    /// The tutorial's point by threads.
    pub threads: Vec<AtThreads>,
    /// Milliseconds to evaluate all test images; libtorch by the better of its batch sizes.
    pub evaluation: Vec<Timed>,
    /// Where birnn's step at the tutorial's point spends its time.
    pub parts: Option<Parts>,
    /// The tutorial's point by how exact products are.
    #[serde(default)]
    pub precision: Option<ByPrecision>,
    /// The tutorial's point with one core taken.
    pub busy: Vec<Timed>,
    /// Peaks of memory of training at the tutorial's point.
    pub memory: Vec<Peak>,
    /// What training on long sequences takes.
    #[serde(default)]
    pub long: Vec<Long>,
}

/// A point and what each contender took for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The point.
    pub point: Point,
    /// Floating-point operations that its step needs.
    pub flop: f64,
    /// What the machine could do just then, in FLOP/s.
    pub fma_peak: f64,
    /// Milliseconds per step.
    pub timed: Vec<Timed>,
    /// Milliseconds to answer the batch, where that was asked for.
    #[serde(default)]
    pub forward: Vec<Timed>,
}

/// The tutorial's point with a number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtThreads {
    /// The number.
    pub threads: usize,
    /// What so many could do, in FLOP/s.
    pub fma_peak: f64,
    /// Milliseconds per step.
    pub timed: Vec<Timed>,
}

/// The tutorial's step at each precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByPrecision {
    /// What the machine could do just then in f32, in FLOP/s.
    pub fma_peak: f64,
    /// And in bf16.
    pub bf16_peak: Option<f64>,
    /// Milliseconds per step.
    pub timed: Vec<Timed>,
}

/// The parts of birnn's step, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Forward and backward.
    pub gradients: Stats,
    /// Adam.
    pub optimizer: Stats,
}

/// The peak of memory of a process that trains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// By whom.
    pub contender: Kind,
    /// KiB.
    pub kib: u64,
}

/// What training on long sequences takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Long {
    /// The net and its batch.
    pub point: Point,
    /// Each contender in a process of its own.
    pub taken: Vec<(Kind, Taken)>,
}

impl Bench {
    /// What was found at a point.
    pub fn at(&self, point: &Point) -> Option<&Measured> {
        self.points.iter().find(|measured| measured.point == *point)
    }
}

/// A run that never was.
#[cfg(test)]
pub mod made_up {
    use clap::ValueEnum;

    use super::*;
    use crate::point::Lengths;
    use crate::sweeps::{LONG, points};

    /// Milliseconds of some contenders.
    pub fn timed(times: &[(Kind, f64)]) -> Vec<Timed> {
        let stats = |median: f64| Stats { median, p25: 0.9 * median, p75: 1.1 * median, count: 5 };
        times.iter().map(|&(contender, median)| Timed { contender, ms: stats(median) }).collect()
    }

    /// birnn at 200 GFLOP/s and half a millisecond on top, libtorch at 100, PyTorch a little slower.
    pub fn bench() -> Bench {
        let at = |point: Point| {
            let ms = point.flop() / 1e8;
            let birnn = (Kind::Birnn, 0.5 + ms / 2.0);
            let times = match point.lengths {
                Lengths::Equal => [(Kind::Libtorch, ms), birnn, (Kind::Pytorch, 0.1 + 1.1 * ms)],
                _ => [birnn, (Kind::Packed, 10.0 * ms), (Kind::Padded, 4.0 * ms)],
            };
            Measured { point, flop: point.flop(), fma_peak: 400e9, timed: timed(&times), forward: Vec::new() }
        };
        let by = |threads: usize| {
            let ms = 100.0 / threads as f64;
            let timed = timed(&[(Kind::Libtorch, ms), (Kind::Birnn, ms / 2.0)]);
            AtThreads { threads, fma_peak: 2e11 * threads as f64, timed }
        };
        Bench {
            machine: Machine {
                cpu: "Abacus 3000".to_owned(),
                cores: 2,
                threads: 2,
                instructions: "avx512".to_owned(),
                os: "linux".to_owned(),
                libtorch: "2.11.0".to_owned(),
                fma_peak: 4e11,
                gemm: 3e11,
            },
            python: Some(Versions {
                torch: "2.11.0".to_owned(),
                torchvision: Some("0.26.0".to_owned()),
                threads: 2,
            }),
            digits: Some("mnist".to_owned()),
            effort: Effort::FULL,
            sweeps: Sweep::value_variants().to_vec(),
            points: points(Sweep::value_variants()).into_iter().map(at).collect(),
            threads: vec![by(1), by(2)],
            evaluation: timed(&[(Kind::Libtorch, 1000.0), (Kind::Birnn, 400.0)]),
            parts: Some(Parts {
                gradients: timed(&[(Kind::Birnn, 30.0)])[0].ms,
                optimizer: timed(&[(Kind::Birnn, 10.0)])[0].ms,
            }),
            precision: Some(ByPrecision {
                fma_peak: 3e11,
                bf16_peak: Some(4e12),
                timed: timed(&[(Kind::Birnn, 30.0), (Kind::Medium, 10.0), (Kind::Autocast, 40.0)]),
            }),
            busy: timed(&[(Kind::Libtorch, 600.0), (Kind::Birnn, 60.0)]),
            memory: vec![Peak { contender: Kind::Birnn, kib: 262_144 }],
            long: vec![Long {
                point: LONG[0],
                taken: vec![
                    (Kind::Birnn, Taken { kib: 2_097_152, ms: vec![900.0, 1000.0] }),
                    (Kind::Recomputed, Taken { kib: 262_144, ms: vec![1200.0, 1300.0] }),
                ],
            }],
        }
    }

    #[test]
    fn a_run_comes_back_from_its_file() {
        let text = serde_json::to_string_pretty(&bench()).unwrap();
        assert_eq!(serde_json::from_str::<Bench>(&text).unwrap(), bench());
    }
}
