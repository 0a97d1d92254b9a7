//! What people read after a run: one page with curves, scores, mistakes and how the net came to its answers.
//!
//! The way through: [`Records::read`] takes in what a run wrote down, as far as it can be read; [`page`] asks the net for every
//! test image ([`Answers`]), for the gradient by its states ([`Chain`]) and for parts of images ([`Reading`]), and puts it all
//! into HTML. The page is one text: its style, its drawings and its pictures are in it, it runs no script, and whatever
//! comes from a file is escaped. [`Comparison`] holds the answers of several nets against each other. This crate prints nothing and writes nothing.

mod answers;
mod axis;
mod chain;
mod chart;
mod compare;
mod curves;
mod error;
mod facts;
mod figure;
mod inside;
mod page;
mod picture;
mod reading;
mod records;
mod scores;
pub mod stats;
mod svg;
mod sweep;
mod sweep_page;

pub use answers::{Answer, Answers};
pub use chain::{Chain, Links};
pub use compare::{Comparison, LEVEL, Pair, Score, Verdict, recipes};
pub use error::ReportError;
pub use page::{Run, page};
pub use reading::{Example, Reading, examples};
pub use records::{Epoch, RecordError, Records, Step, Timing, Validation};
pub use stats::Spread;
pub use sweep::{Outcome, Settings, Sweep, SweepRun, shown};
pub use sweep_page::sweep_page;
