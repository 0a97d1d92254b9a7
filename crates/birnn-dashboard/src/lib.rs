//! How a training run looks on a terminal: a line per epoch, a progress bar, or a dashboard on the whole
//! screen.
//!
//! A [`View`] is what the user asked for ([`Progress`]), as far as the terminal can show it. It gives the
//! engine the observers that show a run, and [`Interrupt`], the one that stops it on Ctrl-C. Lines go to the
//! program's log by way of `tracing`; through [`Console`] the program says how that log and the dashboard
//! share a terminal.
//!
//! What is shown on the whole screen (`board`) is apart from how it is drawn (`draw`) and on what (`screen`).

mod bar;
mod board;
mod console;
mod contention;
mod curve;
mod dashboard;
mod draw;
mod gallery;
mod half_blocks;
mod ink;
mod interrupt;
mod keys;
mod lines;
mod loss;
mod misread;
mod per_second;
mod plot;
mod rows;
mod run_info;
mod screen;
mod texts;
mod view;

pub use console::Console;
pub use interrupt::{Interrupt, SignalError};
pub use run_info::RunInfo;
pub use view::{Progress, View};
