//! What people read after a run: one page with curves, scores, mistakes and how the net came to its answers.
//!
//! The way through: [`Records::read`] reads what a run recorded, as far as it can be read; [`page`] has the
//! net classify every test sample, be it an image or a series of numbers ([`Predictions`]), computes gradients
//! with respect to its hidden states ([`StateGradients`]), has it classify parts of samples
//! ([`PrefixAccuracy`]), and puts it all into HTML. The page is one text: its style, its drawings and its
//! pictures are in it, it runs no script, and whatever comes from a file is escaped. [`Comparison`] compares
//! the predictions of several nets for the same samples.
//! This crate prints nothing and writes nothing.

pub mod chart;
pub mod compare;
mod curves;
mod error;
mod facts;
mod figure;
mod inside;
mod number;
mod page;
mod predictions;
mod prefix_accuracy;
mod records;
mod run;
mod sample;
mod scores;
mod state_gradients;
pub mod stats;
mod sweep;
mod sweep_page;
mod sweep_text;
mod text_table;
mod words;

pub use compare::{ComparedRun, Comparison, ComparisonReport, common_test_samples};
pub use error::ReportError;
pub use page::page;
pub use predictions::{Prediction, Predictions};
pub use prefix_accuracy::{Example, PrefixAccuracy, Why, examples};
pub use records::{RecordError, Records};
pub use run::Run;
pub use state_gradients::{DirectionGradients, StateGradients};
pub use stats::Summary;
pub use sweep::{Outcome, Settings, Sweep, SweepRun};
pub use sweep_page::sweep_page;
