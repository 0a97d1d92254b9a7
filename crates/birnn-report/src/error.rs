//! What can go wrong when a page is made or nets are compared.

use birnn_infer::Overflow;

/// Why there is no page, or no comparison.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to judge the net by.
    #[error("there are no test samples to judge the net by")]
    NoSamples,
    /// Classes or numbers, for each sequence or for each step: the one is not the other.
    #[error("the test samples have other targets than the net answers with")]
    OtherTargets,
    /// No token that the net knows is asked for.
    #[error("no token of the test samples is asked for that the net knows")]
    NothingAsked,
    /// Some answers are no numbers.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// Predictions for different samples say nothing of each other.
    #[error("the nets were not asked for the same samples")]
    OtherSamples,
    /// A weights file holds no experiment.
    #[error("{0}")]
    Experiment(String),
    /// A picture could not be written.
    #[error("a picture: {0}")]
    Picture(#[from] std::io::Error),
    /// The page could not be put together.
    #[error("the page: {0}")]
    Page(#[from] askama::Error),
}
