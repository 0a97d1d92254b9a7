//! Settings that no net can have.

/// A setting that cannot be, by its dotted key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigError {
    /// The key as a user would write it, such as `model.layers`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}
