//! Recurrent layers on plain `f32` slices: RNN, GRU and LSTM, one or two directions, forward and backward;
//! and a conditional random field over what they say of each step.
//!
//! In another project: `birnn-kernels = { git = "..." }`, or by `path`. Build it optimised, with `--release`
//! or `opt-level = 3` in the profile: it is hundreds of times slower without.
//!
//! A [`Spec`] says what the layers are. [`Packed`] holds their parameters laid out for the processor; any
//! number of threads may share one. A [`Workspace`] holds the buffers of passes. [`forward`] maps a batch of
//! sequences, of one length or of many ([`Lengths`]), to the outputs of the top layer, [`backward`] the
//! gradient with respect to those to that with respect to every parameter and the input, [`state_gradients`]
//! to that with respect to every state, and [`infer`] does what no backward pass follows. States can be given
//! at the start and taken at the end. [`Linear`] is a dense layer, [`AdamStep`] an update, [`move_average`]
//! an average of what is updated. [`Crf`] is a linear-chain conditional random field, with its loss, which is
//! a recursion over steps as layers are. This crate names no tensor library, and knows no head and no other
//! loss.
//!
//! How it is quick: the batch is cut into chunks, and each worker takes its chunks through all layers and
//! time steps with no other worker to wait for; gates, cells and outputs are computed while the products
//! before them are in the cache; the weights' gradients are products over many time steps; only what is
//! wanted is computed, and nothing for the sake of a longer sequence in the batch; widths are padded, so that
//! no loop has a remainder; buffers are kept from step to step. The same number of workers gives the same
//! bytes, whichever was quicker.
//!
//! Parameters have PyTorch's shapes and order of gates:
//! [`torch.nn.LSTM`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html), `GRU`, `RNN`; per
//! layer, forward then reverse: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`.
//!
//! The random field alone computes in `f64`, in the caller's thread, and gives the same bytes with any
//! instructions.
//!
//! Subnormal numbers count as zeros in everything that is computed here, in operands and results, on x86 and
//! ARM; the caller's thread has its own mode again afterwards. [`flush_subnormals`] is for a program that
//! wants it so throughout.
//!
//! Dimensions, everywhere: `batch` samples, of which a chunk has `rows`; `time`, one of its steps, `steps` of
//! all that are meant; `features`, the values of a step of a layer's input; `units` of a direction, padded to
//! `hidden`; `gates`, the cell's gates times `hidden`; `width`, the padded output of all directions. `m`, `n`
//! and `k` are those of a product.
//!
//! # Example
//!
//! ```
//! use birnn_kernels::{Cell, Input, Instructions, OutputMode, Packed, Spec, Workers, Workspace};
//!
//! let (cell, output) = (Cell::Gru, OutputMode::Final);
//! let spec = Spec { cell, features: 3, layers: 1, forward: Some(4), reverse: Some(4), output };
//! let parameters: Vec<Vec<f32>> = spec.parameters().iter().map(|&length| vec![0.1; length]).collect();
//! let slices: Vec<&[f32]> = parameters.iter().map(Vec::as_slice).collect();
//! let packed = Packed::new(spec, Instructions::best(), &slices);
//! let mut workspace = Workspace::new(&Workers::new(2, Instructions::best()));
//!
//! let (batch, time) = (2, 5);
//! let values = vec![1.0; batch * time * spec.features];
//! let input = Input::new(&values, batch, time);
//! let mut output = vec![0.0; batch * spec.width()];
//! birnn_kernels::forward(&packed, &mut workspace, input, None, &mut output);
//!
//! // The gradient with respect to the output, to that with respect to every parameter and the input.
//! let mut gradients = parameters.clone();
//! let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
//! let (d_output, mut d_input) = (vec![1.0; output.len()], vec![0.0; values.len()]);
//! birnn_kernels::backward(&packed, &mut workspace, &d_output, &mut slices, Some(&mut d_input));
//! assert!(gradients != parameters && d_input.iter().all(|&d| d != 0.0));
//!
//! // Where nothing goes back: the same values, in less memory and time.
//! let mut again = vec![0.0; output.len()];
//! birnn_kernels::infer(&packed, &mut workspace, input, &mut again);
//! assert_eq!(again, output);
//! ```

mod adam;
mod average;
mod buffer;
mod crf;
mod dropout;
mod gemm;
mod isa;
mod linear;
mod peak;
mod rnn;
#[cfg(test)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod subnormal_tests;
mod vecmath;
mod workers;

pub use adam::AdamStep;
pub use average::move_average;
pub use birnn_architecture::{LegalTags, Precision};
pub use crf::{Crf, CrfGradient, MOST_TAGS};
pub use dropout::Dropout;
pub use isa::{Instructions, Problem, flush_subnormals};
pub use linear::Linear;
pub use peak::{bf16_peak, fma_peak};
pub use rnn::{
    Cell, Input, Lengths, OutputMode, Packed, Spec, StateGradient, States, Workspace, backward, forward,
    infer, state_gradients,
};
pub use workers::Workers;

/// So many cases of what is drawn, or as few as `PROPTEST_CASES` says: in an emulator each takes its time.
#[cfg(test)]
fn cases(most: u32) -> proptest::test_runner::Config {
    let usual = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: usual.cases.min(most), ..usual }
}
