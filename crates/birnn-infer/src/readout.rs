//! How the outputs of the top layer become what the head sees, and the gradient back.

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
        read.fill(0.0);
        for (row, weight) in outputs.chunks_exact(read.len()).zip(self.weights(outputs, scratch)) {
            read.iter_mut().zip(row).for_each(|(read, value)| *read += weight * value);
        }
    }

    /// The weight `a` of each time step; `u [time, width]` is left behind.
    fn weights(&self, outputs: &[f32], u: &mut Vec<f32>) -> Vec<f32> {
        u.resize(outputs.len(), 0.0);
        self.projection.forward(outputs, u);
        self.instructions.tanh(u);
        let scores: Vec<f32> = u.chunks_exact(self.context.len()).map(|u| dot(u, &self.context)).collect();
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// From `d_read [width]` to `d_outputs [time, width]`; `transposed` is that of the projection.
    fn backward(&self, transposed: &Linear, outputs: &[f32], d_read: &[f32], d_outputs: &mut [f32]) {
        let width = d_read.len();
        let mut u = Vec::new();
        let weights = self.weights(outputs, &mut u);
        let d_weights: Vec<f32> = outputs.chunks_exact(width).map(|row| dot(row, d_read)).collect();
        let mean = dot(&weights, &d_weights);
        for ((u, weight), d_weight) in u.chunks_exact_mut(width).zip(&weights).zip(d_weights) {
            let d_score = weight * (d_weight - mean);
            // By way of the tanh: what goes into it, in place of what came out.
            u.iter_mut().zip(&self.context).for_each(|(u, c)| *u = d_score * c * (1.0 - *u * *u));
        }
        transposed.forward(&u, d_outputs);
        for (d_row, weight) in d_outputs.chunks_exact_mut(width).zip(weights) {
            d_row.iter_mut().zip(d_read).for_each(|(d, d_read)| *d += weight * d_read);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How the outputs at all time steps become one vector, with the parameters that this takes.
#[derive(Debug)]
pub(crate) enum Pooling {
    Mean,
    Max,
    Attention(Attention),
}

impl Pooling {
    /// `outputs [time, width]` of one sequence to `read [width]`.
    pub(crate) fn read(&self, outputs: &[f32], scratch: &mut Vec<f32>, read: &mut [f32]) {
        let steps = outputs.chunks_exact(read.len());
        match self {
            Pooling::Mean => {
                let time = steps.len() as f32;
                read.fill(0.0);
                steps.for_each(|row| read.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
                read.iter_mut().for_each(|sum| *sum /= time);
            }
            Pooling::Max => {
                read.fill(f32::NEG_INFINITY);
                for row in steps {
                    for (largest, &value) in read.iter_mut().zip(row) {
                        // A value that is no number stays one, as in libtorch.
                        *largest = if value > *largest || value.is_nan() { value } else { *largest };
                    }
                }
            }
            Pooling::Attention(attention) => attention.read(outputs, scratch, read),
        }
    }

    /// The way back.
    pub(crate) fn backward(&self) -> PoolingBackward<'_> {
        match self {
            Pooling::Mean => PoolingBackward::Mean,
            Pooling::Max => PoolingBackward::Max,
            Pooling::Attention(attention) => {
                PoolingBackward::Attention(attention, attention.projection.transposed())
            }
        }
    }
}

/// From the gradient with respect to what was read to that with respect to the outputs.
pub(crate) enum PoolingBackward<'a> {
    Mean,
    Max,
    /// With the transpose of its projection.
    Attention(&'a Attention, Linear),
}

impl PoolingBackward<'_> {
    /// Of one sequence with `outputs [time, width]`: `d_read [width]` to `d_outputs [time, width]`.
    pub(crate) fn run(&self, outputs: &[f32], d_read: &[f32], d_outputs: &mut [f32]) {
        let width = d_read.len();
        let steps = outputs.chunks_exact(width);
        match self {
            PoolingBackward::Mean => {
                let time = steps.len() as f32;
                for row in d_outputs.chunks_exact_mut(width) {
                    row.iter_mut().zip(d_read).for_each(|(d, d_read)| *d = d_read / time);
                }
            }
            PoolingBackward::Max => {
                for (unit, &d_read) in d_read.iter().enumerate() {
                    let largest = steps.clone().map(|row| row[unit]).fold(f32::NEG_INFINITY, f32::max);
                    // Several that are equally large share, as in libtorch.
                    let count = steps.clone().filter(|row| row[unit] == largest).count() as f32;
                    for (d_row, row) in d_outputs.chunks_exact_mut(width).zip(steps.clone()) {
                        d_row[unit] = if row[unit] == largest { d_read / count } else { 0.0 };
                    }
                }
            }
            PoolingBackward::Attention(attention, transposed) => {
                attention.backward(transposed, outputs, d_read, d_outputs);
            }
        }
    }
}
