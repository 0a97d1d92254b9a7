//! Bidirectional recurrent networks (RNN, GRU, LSTM) on libtorch.
//!
//! The way through: a [`ModelConfig`], as a user writes it, is checked into an [`Architecture`], from which a
//! [`Network`] is built on a tch `VarStore`. A net maps `[batch, time, features]` to logits. This crate opens
//! no file and knows no data set and no training loop.
//!
//! Input, layers and readout use the field's terms: layer `l` has a *forward* direction, which reads the
//! sequence from its beginning, a *reverse* one, which reads it from its end, or both; the next layer, and
//! the *head*, see their hidden states concatenated, `[forward, reverse]`. The [`Readout`] says how a
//! sequence becomes one vector.
//!
//! # Example
//!
//! Build a net, run it, train one step. It is an ordinary tch module, so tch's optimizers drive it:
//!
//! ```
//! use birnn_model::{CellKind, Hidden, ModelConfig, Network, Readout};
//! use tch::{Device, Kind, Tensor, nn, nn::OptimizerConfig};
//!
//! // A digit as a sequence: 28 rows of 28 pixels, ten classes.
//! let config = ModelConfig {
//!     cell: CellKind::Gru,
//!     hidden: Hidden::Same(32),
//!     readout: Readout::Final,
//!     ..Default::default()
//! };
//! tch::manual_seed(0);
//! let vs = nn::VarStore::new(Device::Cpu);
//! let net = Network::new(&vs.root(), &config.resolve()?, 28, 10)?;
//!
//! let images = Tensor::rand([16, 28, 28], (Kind::Float, Device::Cpu));
//! let labels = Tensor::randint(10, [16], (Kind::Int64, Device::Cpu));
//! let before = net.forward(&images, false)?.cross_entropy_for_logits(&labels);
//!
//! let mut adam = nn::Adam::default().build(&vs, 1e-2)?;
//! let loss = net.forward(&images, true)?.cross_entropy_for_logits(&labels);
//! adam.backward_step(&loss);
//!
//! let after = net.forward(&images, false)?.cross_entropy_for_logits(&labels);
//! assert!(after.double_value(&[]) < before.double_value(&[]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod embedding;
mod error;
mod layer;
mod network;
mod sequences;
mod unroll;
mod variables;

/// What a net is, which needs no libtorch.
pub use birnn_architecture::{
    self as architecture, Architecture, Cell, CellKind, ConfigError, EmbeddingConfig, Head, Hidden, Inputs,
    ModelConfig, Nonlinearity, Readout,
};
pub use embedding::{Spellings, Tokens};
pub use error::ModelError;
pub use network::Network;
/// The bindings of libtorch that this is built on: whose tensors [`Network::forward`] takes.
pub use tch;
pub use unroll::{States, Unrolled};
pub use variables::{restore, tensor_of, values_of};
