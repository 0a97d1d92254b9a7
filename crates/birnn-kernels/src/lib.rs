//! Recurrent layers on plain `f32` slices: RNN, GRU and LSTM, one or two directions, forward and backward.
//!
//! In another project: `birnn-kernels = { git = "..." }`, or by `path`. Build it optimised, with `--release` or `opt-level = 3` in
//! the profile: it is hundreds of times slower without.
//!
//! A [`Stack`] is built from a [`Spec`]. Once per update of the parameters it takes them in ([`Stack::load`]); then
//! [`Stack::forward`] maps `[batch, time, features]` to what is read of the top layer, and [`Stack::backward`] maps the
//! gradient of that to the gradient of every parameter. This crate names no tensor
//! library, and knows no head and no loss.
//!
//! How it is quick: the batch is cut into chunks, and each worker takes its chunks through all layers and time steps with
//! no other worker to wait for; gates, cells and outputs are computed while the products before them are in the cache; the
//! weights' gradients are products over many time steps; only what is read is computed; widths are padded, so that no loop has
//! a remainder; buffers are kept from step to step. The same number of workers gives the same bytes, whichever was quicker.
//!
//! Parameters have PyTorch's shapes and order of gates: [`torch.nn.LSTM`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html),
//! `GRU`, `RNN`; per layer, forward then reverse: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`.
//!
//! # Example
//!
//! ```
//! use birnn_kernels::{Cell, Instructions, Read, Spec, Stack, Workers};
//!
//! let spec = Spec { cell: Cell::Gru, features: 3, layers: 1, forward: 4, reverse: Some(4), read: Read::Final };
//! let parameters: Vec<Vec<f32>> = spec.parameters().iter().map(|&length| vec![0.1; length]).collect();
//! let mut stack = Stack::new(spec, &Workers::new(2, Instructions::best()));
//! stack.load(&parameters.iter().map(Vec::as_slice).collect::<Vec<_>>());
//!
//! let (batch, time) = (2, 5);
//! let input = vec![1.0; batch * time * spec.features];
//! let mut states = vec![0.0; batch * spec.width()];
//! stack.forward(&input, batch, time, None, &mut states);
//!
//! // The gradient by what was read, to the gradient by every parameter.
//! let mut gradients = parameters.clone();
//! let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
//! stack.backward(&vec![1.0; states.len()], &mut slices);
//! assert!(gradients != parameters);
//!
//! // Where nothing goes back: the same values, in less memory and time.
//! let mut again = vec![0.0; states.len()];
//! stack.infer(&input, batch, time, &mut again);
//! assert_eq!(again, states);
//! ```

mod adam;
mod back;
mod cell;
mod chunk;
mod dropout;
mod math;
mod peak;
mod product;
mod simd;
mod spec;
mod stack;
mod weights;
mod workers;

pub use adam::AdamStep;
pub use peak::fma_peak;
pub use simd::Instructions;
pub use spec::{Cell, Dropout, Read, Spec};
pub use stack::Stack;
pub use workers::Workers;
