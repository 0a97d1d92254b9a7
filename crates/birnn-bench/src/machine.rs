//! The machine, and how quick it could be.

use std::time::Instant;

use birnn_infer::cpu::{self, instructions};
use birnn_kernels::Workers;
use birnn_run::LIBTORCH;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// What figures depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Threads that birnn and libtorch compute with.
    pub threads: usize,
    /// The vector instructions that the kernels use.
    pub instructions: String,
    /// The operating system.
    pub os: String,
    /// libtorch's version.
    pub libtorch: String,
    /// FLOP/s of nothing but fused multiply-adds, over all threads.
    pub fma_peak: f64,
    /// FLOP/s of libtorch's product of two matrices of 1024 x 1024.
    pub gemm: f64,
}

/// More than this, averaged over a minute, and the machine is not idle.
const IDLE: f64 = 0.5;

impl Machine {
    /// This one.
    pub fn this(threads: usize) -> Machine {
        Machine {
            cpu: cpu::name(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads,
            instructions: instructions().name().to_owned(),
            os: std::env::consts::OS.to_owned(),
            libtorch: LIBTORCH.to_owned(),
            fma_peak: fma_peak(threads),
            gemm: gemm(threads),
        }
    }
}

/// Why figures would say little now, where the system tells.
pub fn unrest() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    (load > IDLE).then(|| {
        format!("the machine is not idle (load average {load}): what else runs on it makes the figures worse")
    })
}

/// What so many threads could do at most now, in FLOP/s: the clock of a machine changes from minute to
/// minute.
pub fn fma_peak(threads: usize) -> f64 {
    birnn_kernels::fma_peak(&Workers::new(threads, instructions()))
}

/// As [`fma_peak`], of products of bf16, where the processor is quicker at them.
pub fn bf16_peak(threads: usize) -> Option<f64> {
    birnn_kernels::bf16_peak(&Workers::new(threads, instructions()))
}

/// FLOP/s of a product of matrices, the best of some medians.
fn gemm(threads: usize) -> f64 {
    const SIZE: i64 = 1024;
    tch::set_num_threads(threads as i32);
    let _guard = tch::no_grad_guard();
    let a = Tensor::rand([SIZE, SIZE], (Kind::Float, Device::Cpu));
    let mut out = a.matmul(&a);
    let flop = 2.0 * (SIZE as f64).powi(3);
    let mut best: f64 = 0.0;
    for _ in 0..5 {
        let mut times: Vec<f64> = (0..9)
            .map(|_| {
                let start = Instant::now();
                out = out.matmul_out(&a, &a);
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        best = best.max(flop / times[times.len() / 2]);
    }
    best
}
