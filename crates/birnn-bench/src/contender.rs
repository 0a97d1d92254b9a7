//! Who is measured, and what one must be able to do for it.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use birnn_data::{Images, LabelledImages, Missing, Modality, Sequences, Series, Split, Values};
use birnn_engine::{Batch, Device, Samples};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::point::{CLASSES, Lengths, Point};

/// A way to compute a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// birnn's kernels.
    Birnn,
    /// As `Birnn`, with segments of the steps recomputed on the way back.
    Recomputed,
    /// As `Birnn`, with products of two bf16 parts.
    High,
    /// As `Birnn`, with products of bf16.
    Medium,
    /// Plain libtorch calls in the same process.
    Libtorch,
    /// A tuned loop in Python.
    Pytorch,
    /// As `Pytorch`, with what PyTorch's autocast makes bf16.
    Autocast,
    /// As `Pytorch`, with `fp32_precision` of bf16: what is f32 may be multiplied so.
    Bf16,
    /// The tutorial's loop in Python, its reading of images included.
    Tutorial,
    /// As `Pytorch`, of sequences of unequal lengths that it packs.
    Packed,
    /// As `Pytorch`, of sequences of unequal lengths whose padding it computes.
    Padded,
}

/// One that takes turns with others.
pub trait Contender {
    /// Milliseconds of each of some steps, for about so many seconds; at least one.
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>>;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Birnn => "birnn",
            Kind::Recomputed => "birnn, recomputed",
            Kind::High => "birnn, high",
            Kind::Medium => "birnn, medium",
            Kind::Libtorch => "libtorch",
            Kind::Pytorch => "PyTorch",
            Kind::Autocast => "PyTorch, bf16 autocast",
            Kind::Bf16 => "PyTorch, fp32_precision bf16",
            Kind::Tutorial => "tutorial's loop",
            Kind::Packed => "PyTorch, packed",
            Kind::Padded => "PyTorch, padded",
        })
    }
}

/// A turn within this process.
pub fn timed(seconds: f64, mut step: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let begin = Instant::now();
    // The first one wakes threads and caches.
    step()?;
    let mut times = Vec::new();
    while times.is_empty() || begin.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        step()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// So many images, which look like noise.
pub fn noise(count: usize, [rows, cols]: [usize; 2]) -> Split {
    let pixels = (0..count * rows * cols).map(|index| ((index * 7919) % 251) as u8).collect();
    let labels = (0..count).map(|index| (index % CLASSES) as u16).collect();
    LabelledImages { images: Images { rows, cols, pixels }, labels }.into()
}

/// The same, to train and to evaluate by.
pub fn images(count: usize, shape: [usize; 2]) -> Result<Samples> {
    let modality = Modality::Images { shape, preprocessing: None };
    Ok(Samples::new(noise(count, shape), &modality, None, Device::Cpu)?)
}

/// Series of the point's lengths, which look like noise.
fn series(point: &Point) -> Result<Samples> {
    let values = (0..point.steps() * point.features).map(|index| ((index * 7919) % 251) as f32 / 251.0);
    let sequences = Sequences::new(Values::Floats(values.collect()), point.features, point.each_length());
    let labels = (0..point.batch).map(|index| (index % CLASSES) as u16).collect();
    let modality = Modality::Series(Series::of(&sequences, Missing::Refuse, false));
    Ok(Samples::new(Split::classified(sequences, labels), &modality, None, Device::Cpu)?)
}

/// The batch of a point.
pub fn batch(point: &Point) -> Result<Batch> {
    let samples = match point.lengths {
        Lengths::Equal => images(point.batch, [point.time, point.features])?,
        _ => series(point)?,
    };
    let order = samples.order(0, 0, None)?;
    Ok(samples.batch(&order, 0, point.batch, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_times_at_least_one_step_and_not_the_first() {
        let mut steps = 0;
        let times = timed(0.0, || {
            steps += 1;
            Ok(())
        });
        assert_eq!((times.unwrap().len(), steps), (1, 2));
    }
}
