//! A dense layer. Backward to its input is forward by its transpose.

use crate::gemm::Shape;
use crate::gemm::panels::{Lhs, PackedRhs, gemm};
use crate::isa::{Instructions, Job, LANES, Simd};

/// `y = x W^T + b`: a dense layer whose weight is laid out once for a set of instructions. Passes only read
/// it, so any number of threads may share one.
#[derive(Clone, Debug)]
pub struct Linear {
    instructions: Instructions,
    inputs: usize,
    outputs: usize,
    /// `[inputs, outputs]`, padded.
    w_t: PackedRhs,
    /// `[outputs]`, padded; zeros where there is none.
    b: Vec<f32>,
}

/// Rows that are computed before they are copied to where they have no padding: some tiles' worth.
const BLOCK: usize = 48;

impl Linear {
    /// From `weight [outputs, inputs]` and `bias [outputs]`, as PyTorch's `torch.nn.Linear` has them.
    ///
    /// # Panics
    ///
    /// Where there is no input or no output, or the lengths are not those.
    pub fn new(
        instructions: Instructions,
        inputs: usize,
        outputs: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Linear {
        assert!(inputs > 0 && outputs > 0, "a dense layer of {inputs} inputs and {outputs} outputs");
        assert_eq!(weight.len(), outputs * inputs, "the length of the weight");
        let mut b = vec![0.0; outputs.next_multiple_of(LANES)];
        if let Some(bias) = bias {
            assert_eq!(bias.len(), outputs, "the length of the bias");
            b[..outputs].copy_from_slice(bias);
        }
        let mut linear = Linear { instructions, inputs, outputs, w_t: PackedRhs::default(), b };
        instructions.run(Pack { linear: &mut linear, weight });
        linear
    }

    /// `x = y W`, without a bias: what takes the gradient with respect to the output to that with respect to
    /// the input.
    pub fn transposed(&self) -> Linear {
        let mut weight = vec![0.0; self.inputs * self.outputs];
        for (row, values) in weight.chunks_exact_mut(self.outputs).enumerate() {
            self.w_t.get(row, values);
        }
        Linear::new(self.instructions, self.outputs, self.inputs, &weight, None)
    }

    /// Values of a row of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of a row of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `input [rows, inputs]` to `output [rows, outputs]`, in the caller's thread. A row gives the same bytes
    /// among any others.
    ///
    /// # Panics
    ///
    /// Where these are not whole rows, or not as many of one as of the other.
    pub fn forward(&self, input: &[f32], output: &mut [f32]) {
        let rows = input.len() / self.inputs;
        assert_eq!(input.len(), rows * self.inputs, "values of the input, not rows of {}", self.inputs);
        assert_eq!(output.len(), rows * self.outputs, "the length of the output");
        self.instructions.run(Forward { linear: self, input, output });
    }
}

struct Pack<'a> {
    linear: &'a mut Linear,
    weight: &'a [f32],
}

impl Job for Pack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Pack { linear: Linear { inputs, w_t, b, .. }, weight } = self;
        let mut w = PackedRhs::default();
        w.reshape::<S>(b.len(), *inputs);
        for (row, values) in weight.chunks_exact(*inputs).enumerate() {
            w.set(row, 0, values);
        }
        w_t.transpose::<S>(&w);
    }
}

struct Forward<'a> {
    linear: &'a Linear,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Forward { linear: Linear { inputs, outputs, w_t, b, .. }, input, output } = self;
        let n = b.len();
        let mut padded = vec![0.0; BLOCK.min(input.len() / inputs) * n];
        let blocks = input.chunks(BLOCK * inputs).zip(output.chunks_mut(BLOCK * outputs));
        for (input, output) in blocks {
            let shape = Shape { m: input.len() / inputs, n, k: *inputs, stride: n, padded: false };
            gemm::<S>(shape, Lhs::rows(input, *inputs), w_t, &mut padded, Some(b));
            for (values, padded) in output.chunks_exact_mut(*outputs).zip(padded.chunks_exact(n)) {
                values.copy_from_slice(&padded[..*outputs]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values between -1 and 1.
    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
    }

    #[test]
    fn a_row_is_the_textbooks_whatever_rows_are_beside_it() {
        let shapes = [(1, 1), (5, 3), (16, 16), (33, 10), (256, 64), (900, 65)];
        for (inputs, outputs) in shapes {
            let (weight, bias) = (values(outputs * inputs, 1), values(outputs, 2));
            let input = values(101 * inputs, 3);
            for (instructions, bias) in
                Instructions::all().into_iter().flat_map(|set| [(set, None), (set, Some(&bias[..]))])
            {
                let linear = Linear::new(instructions, inputs, outputs, &weight, bias);
                let mut whole = vec![f32::NAN; 101 * outputs];
                linear.forward(&input, &mut whole);
                for (row, found) in whole.chunks(outputs).enumerate() {
                    let x = &input[row * inputs..][..inputs];
                    for (unit, &found) in found.iter().enumerate() {
                        let products = weight[unit * inputs..].iter().zip(x);
                        let products: Vec<f64> =
                            products.map(|(&w, &x)| f64::from(w) * f64::from(x)).collect();
                        let expected =
                            products.iter().sum::<f64>() + bias.map_or(0.0, |bias| f64::from(bias[unit]));
                        // As rounding errors of either sign add up.
                        let size: f64 = 1.0 + products.iter().map(|product| product.abs()).sum::<f64>();
                        let allowed = f64::from(f32::EPSILON) * (inputs as f64).sqrt() * size;
                        assert!((f64::from(found) - expected).abs() < allowed, "{found}, not {expected}");
                    }
                }
                for rows in [1, 2, 3, 5, 6, 7, 12, 47, 48, 49, 100] {
                    for first in [0, 101 - rows] {
                        let mut part = vec![f32::NAN; rows * outputs];
                        linear.forward(&input[first * inputs..][..rows * inputs], &mut part);
                        assert_eq!(part, whole[first * outputs..][..rows * outputs], "{instructions} {rows}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_transpose_is_as_if_made_of_the_transposed_weight() {
        for (inputs, outputs) in [(1, 1), (5, 3), (33, 10), (256, 64), (70, 900)] {
            let weight = values(outputs * inputs, 1);
            let turned: Vec<f32> = (0..inputs)
                .flat_map(|i| (0..outputs).map(move |o| (o, i)))
                .map(|(o, i)| weight[o * inputs + i])
                .collect();
            let input = values(7 * outputs, 2);
            for instructions in Instructions::all() {
                let linear = Linear::new(instructions, inputs, outputs, &weight, Some(&values(outputs, 3)));
                let expected = Linear::new(instructions, outputs, inputs, &turned, None);
                let answer = |linear: &Linear| {
                    let mut output = vec![f32::NAN; 7 * inputs];
                    linear.forward(&input, &mut output);
                    output
                };
                assert_eq!(
                    answer(&linear.transposed()),
                    answer(&expected),
                    "{instructions} {inputs} {outputs}"
                );
            }
        }
    }

    #[test]
    fn no_rows_are_none() {
        Linear::new(Instructions::best(), 3, 2, &[0.0; 6], None).forward(&[], &mut []);
    }

    #[test]
    #[should_panic(expected = "not rows of 3")]
    fn half_a_row_is_refused() {
        Linear::new(Instructions::best(), 3, 2, &[0.0; 6], None).forward(&[0.0; 4], &mut [0.0; 2]);
    }
}
