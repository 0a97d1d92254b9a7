//! How the outputs of the top layer become what the head sees.

use birnn_architecture::Readout;
use birnn_kernels::{Instructions, Linear};

/// The parameters of the attention readout.
#[derive(Debug)]
pub(crate) struct Attention {
    instructions: Instructions,
    projection: Linear,
    context: Vec<f32>,
}

impl Attention {
    /// From `weight [width, width]`, `bias [width]` and `context [width]`.
    pub(crate) fn new(
        instructions: Instructions,
        weight: &[f32],
        bias: &[f32],
        context: Vec<f32>,
    ) -> Attention {
        let width = context.len();
        let projection = Linear::new(instructions, width, width, weight, Some(bias));
        Attention { instructions, projection, context }
    }

    /// `outputs [time, width]` of one sequence to `read [width]`: `u_t = tanh(W h_t + b)`,
    /// `a = softmax_t(u_t . context)`, `sum_t a_t h_t` (Yang et al. 2016, eq. 5 to 7).
    fn read(&self, outputs: &[f32], scratch: &mut Vec<f32>, read: &mut [f32]) {
        let width = read.len();
        scratch.resize(outputs.len(), 0.0);
        self.projection.forward(outputs, scratch);
        self.instructions.tanh(scratch);
        let score = |row: &[f32]| row.iter().zip(&self.context).map(|(u, c)| u * c).sum::<f32>();
        let scores: Vec<f32> = scratch.chunks_exact(width).map(score).collect();
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f32 = weights.iter().sum();
        read.fill(0.0);
        for (row, weight) in outputs.chunks_exact(width).zip(weights) {
            read.iter_mut().zip(row).for_each(|(read, value)| *read += weight / sum * value);
        }
    }
}

/// `outputs [time, width]` of one sequence, for a readout that [`Readout::needs_sequence`], to
/// `read [width]`. [`Readout::Sequence`] reads nothing.
pub(crate) fn pool(
    readout: Readout,
    attention: Option<&Attention>,
    outputs: &[f32],
    scratch: &mut Vec<f32>,
    read: &mut [f32],
) {
    let width = read.len();
    let steps = outputs.chunks_exact(width);
    match (readout, attention) {
        (Readout::Mean, _) => {
            let time = steps.len() as f32;
            read.fill(0.0);
            steps.for_each(|row| read.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
            read.iter_mut().for_each(|sum| *sum /= time);
        }
        (Readout::Max, _) => {
            read.fill(f32::NEG_INFINITY);
            for row in steps {
                for (largest, &value) in read.iter_mut().zip(row) {
                    // A value that is no number stays one, as in libtorch.
                    *largest = if value > *largest || value.is_nan() { value } else { *largest };
                }
            }
        }
        (Readout::Attention, Some(attention)) => attention.read(outputs, scratch, read),
        (Readout::Last | Readout::Final | Readout::Sequence | Readout::Attention, _) => {}
    }
}
