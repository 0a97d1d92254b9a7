//! What a network is: its configuration, resolved into an [`Architecture`], with the names and shapes of its
//! parameters; and how exactly it is computed ([`Precision`]).
//!
//! A [`ModelConfig`], as a user writes it, is checked into an [`Architecture`]. Those that compute with one
//! are other crates: `birnn-model` on libtorch, `birnn-kernels` on slices. This crate computes nothing.
//!
//! ```
//! use birnn_architecture::{CellKind, ModelConfig};
//!
//! let net = ModelConfig { cell: CellKind::Gru, layers: 1, ..ModelConfig::default() }.resolve()?;
//! assert_eq!(net.to_string(), "1 x GRU 128+128, readout last");
//! let (name, shape) = &net.recurrent_parameters(28)[4];
//! assert_eq!((name.as_str(), shape.as_slice()), ("gru.weight_ih_l0_reverse", &[3 * 128, 28][..]));
//! # Ok::<(), birnn_architecture::ConfigError>(())
//! ```

mod architecture;
mod config;
mod error;
mod legal_tags;
mod precision;

pub use architecture::{
    ATTENTION, Architecture, CHARACTER_EMBEDDING, CHARACTERS, CRF, Cell, CharacterNet, Direction, EMBEDDING,
    Embedding, HEAD, Head, Inputs, Readout, Weight, crf_parameters,
};
pub use config::{CellKind, EmbeddingConfig, Hidden, ModelConfig, Nonlinearity};
pub use error::ConfigError;
pub use legal_tags::LegalTags;
pub use precision::Precision;
