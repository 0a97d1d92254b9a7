//! The page as a whole: what all tasks share, and a file for what is of each alone.

mod classes;
mod numbers;
mod tags;
mod tokens;

use birnn_data::Per;
use birnn_experiment::Monitor;

use crate::answered::Answered;
use crate::curves::curves;
use crate::error::ReportError;
use crate::facts::{Fact, banners, facts};
use crate::figure::{Figure, Table, tied};
use crate::inside;
use crate::run::Run;
use crate::state_gradients::StateGradients;
use crate::words::Words;

/// What every page begins with, and the training.
struct Head {
    name: String,
    /// What a reader must not miss.
    banners: Vec<String>,
    /// The result in a sentence.
    summary: String,
    facts: Vec<Fact>,
    sessions: Option<Table>,
    experiment: String,
    problems: Vec<String>,
    curves: Vec<Figure>,
}

/// As every page names it.
const BIRNN: &str = env!("CARGO_PKG_VERSION");

/// Runs the net and puts the page together: HTML that needs nothing from elsewhere and is well-formed XML
/// besides.
///
/// # Errors
///
/// There are no test samples, or they have other targets than the net answers with, or the page cannot be put
/// together. Records that are missing or damaged are no error: the page says so.
pub fn page(run: &Run) -> Result<String, ReportError> {
    let words = Words::of(&run.predictor.manifest().modality);
    match Answered::new(run.predictor, run.test)? {
        Answered::Classes(predictions) if predictions.per == Per::Sequence => {
            classes::page(run, &predictions, words)
        }
        Answered::Classes(predictions) => tags::page(run, &predictions, words),
        Answered::Numbers(predictions) => numbers::page(run, &predictions, words),
        Answered::Tokens(predictions) => tokens::page(run, &predictions, words),
    }
}

impl Head {
    fn new(run: &Run, summary: &str, words: Words) -> Head {
        let manifest = run.predictor.manifest();
        let (facts, sessions) = facts(run, words);
        Head {
            name: name(run),
            banners: banners(run, words),
            summary: tied(summary),
            facts,
            sessions,
            experiment: manifest.experiment_toml().to_owned(),
            problems: run.records.problems.iter().map(ToString::to_string).collect(),
            curves: curves(run.records, monitor(run), &manifest.task, words),
        }
    }
}

/// What the run is filed under.
fn name(run: &Run) -> String {
    let experiment = run.predictor.manifest().experiment().name.clone();
    let meta = run.records.meta.as_ref().map(|meta| meta.name.clone());
    meta.or(experiment).unwrap_or_else(|| "a run".to_owned())
}

/// By what its best epoch was told.
fn monitor(run: &Run) -> Monitor {
    run.predictor.manifest().experiment().train.monitor
}

/// What goes before all that is said of a net that has read what it is asked for.
fn leak(run: &Run) -> &'static str {
    match run.predictor.manifest().reads_what_it_is_asked() {
        true => {
            "This net has read what it is asked for (task.leak), and what is said of it here is of no use. "
        }
        false => "",
    }
}

/// How the gradient gets back to the states.
fn state_gradients(run: &Run, words: Words) -> Figure {
    let gradients = StateGradients::new(run.predictor, run.test);
    inside::state_gradients(&gradients, run.predictor.network().architecture().readout, words)
}

/// Where intervals are from that are not Wilson's.
fn drawn_whole(words: Words) -> String {
    let samples = words.samples;
    format!("Efron 1979, Hesterberg 2015: {samples} are drawn anew, each with all its predictions")
}
