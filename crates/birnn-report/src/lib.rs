//! What people read after a run: one page with curves, scores, mistakes and how the net came to its answers.
//!
//! The way through: [`Records::read`] reads what a run recorded, as far as it can be read; [`page`] has the
//! net answer for every test sample, be it an image or a series of numbers ([`Answered`]), computes gradients
//! with respect to its hidden states ([`StateGradients`]), has it answer for parts of samples ([`Prefixes`])
//! and of sentences by one direction ([`Directions`](birnn_infer::Directions)), and puts it all into HTML.
//! The page is one text: its style, its drawings and its pictures are in it, it runs no script, and whatever
//! comes from a file is escaped. [`Comparison`] compares the answers of several nets for the same samples.
//! This crate prints nothing and writes nothing.

mod answered;
pub mod chart;
pub mod compare;
mod curves;
mod directions;
mod error;
mod errors;
mod facts;
mod figure;
mod heat_map;
mod inside;
mod judged;
mod metric;
mod number;
mod number_predictions;
mod page;
mod predictions;
mod prefixes;
mod records;
mod run;
mod run_list;
mod run_list_text;
mod sample;
mod scores;
mod state_gradients;
pub mod stats;
mod stretches;
mod sweep;
mod sweep_page;
mod sweep_text;
mod text_table;
mod token_predictions;
mod transitions;
mod words;

pub use answered::Answered;
pub use compare::{ComparedRun, Comparison, ComparisonReport, common_test_samples};
pub use error::ReportError;
pub use judged::{Judged, score_table};
pub use metric::Scored;
pub use number_predictions::NumberPredictions;
pub use page::page;
pub use predictions::{Prediction, Predictions};
pub use prefixes::{Example, Prefixes, Why, examples};
pub use records::{RecordError, Records};
pub use run::Run;
pub use run_list::{ListedHeadline, ListedRun};
pub use run_list_text::run_table;
pub use state_gradients::{DirectionGradients, StateGradients};
pub use stats::Summary;
pub use sweep::{Outcome, Settings, Sweep, SweepRun};
pub use sweep_page::sweep_page;
pub use token_predictions::TokenPredictions;
