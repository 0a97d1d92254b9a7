//! The page as a whole.

use askama::Template;
use birnn_experiment::Monitor;

use crate::curves::curves;
use crate::error::ReportError;
use crate::facts::{Fact, banners, facts};
use crate::figure::{Figure, Table, tied};
use crate::inside::{self, Followed};
use crate::number::number;
use crate::predictions::Predictions;
use crate::prefix_accuracy::{PrefixAccuracy, examples};
use crate::run::Run;
use crate::scores::{self, Confusion, Mistake};
use crate::state_gradients::StateGradients;
use crate::stats::wilson;
use crate::words::Words;

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    name: String,
    /// What a reader must not miss.
    banners: Vec<String>,
    summary: String,
    facts: Vec<Fact>,
    sessions: Option<Table>,
    experiment: String,
    problems: Vec<String>,
    curves: Vec<Figure>,
    words: Words,
    /// How many test samples.
    count: String,
    confusion: Option<Confusion>,
    commonest: Table,
    classes: Table,
    by_length: Option<Figure>,
    reliability: Figure,
    mistakes: Vec<Mistake>,
    wrong: String,
    state_gradients: Figure,
    prefixes: Figure,
    examples: Vec<Followed>,
    birnn: &'static str,
}

/// Runs the net and puts the page together: HTML that needs nothing from elsewhere and is well-formed XML
/// besides.
///
/// # Errors
///
/// There are no test samples, or the page cannot be put together. Records that are missing or damaged are no
/// error: the page says so.
pub fn page(run: &Run) -> Result<String, ReportError> {
    if run.test.is_empty() {
        return Err(ReportError::NoSamples);
    }
    let (predictor, manifest) = (run.predictor, run.predictor.manifest());
    let predictions = Predictions::new(predictor, run.test);
    let gradients = StateGradients::new(predictor, run.test);
    let prefixes = PrefixAccuracy::of_many(predictor, run.test);
    let examples = examples(&prefixes, &predictions.predictions);
    let words = Words::of(&manifest.modality);
    let names = &manifest.classes;
    let evaluation = &predictions.evaluation;
    let (facts, sessions) = facts(run, words);
    let page = Page {
        name: name(run),
        banners: banners(run, words),
        summary: tied(&summary(&predictions, run, words)),
        facts,
        sessions,
        experiment: manifest.experiment.clone(),
        problems: run.records.problems.iter().map(ToString::to_string).collect(),
        curves: curves(run.records, monitor(run), words),
        words,
        count: number(evaluation.weight as f64),
        confusion: scores::confusion(evaluation),
        commonest: scores::commonest(evaluation, words),
        classes: scores::classes(evaluation, words),
        by_length: scores::by_length(&predictions, run.test, words),
        reliability: scores::reliability(&predictions.calibration),
        mistakes: scores::gallery(&predictions, run.test, names, words)?,
        wrong: number((evaluation.weight - evaluation.classified().correct) as f64),
        state_gradients: inside::state_gradients(
            &gradients,
            predictor.network().architecture().readout,
            words,
        ),
        prefixes: inside::prefixes(&prefixes, words),
        examples: inside::examples(predictor, run.test, &examples, &predictions, words)?,
        birnn: env!("CARGO_PKG_VERSION"),
    };
    Ok(page.render()?)
}

/// What the run is filed under.
fn name(run: &Run) -> String {
    let experiment = run.predictor.manifest().experiment().ok().and_then(|experiment| experiment.name);
    let meta = run.records.meta.as_ref().map(|meta| meta.name.clone());
    meta.or(experiment).unwrap_or_else(|| "a run".to_owned())
}

/// By what its best epoch was told.
fn monitor(run: &Run) -> Monitor {
    run.predictor.manifest().experiment().map(|experiment| experiment.train.monitor).unwrap_or_default()
}

/// The result in a sentence.
fn summary(predictions: &Predictions, run: &Run, words: Words) -> String {
    let evaluation = &predictions.evaluation;
    let interval = wilson(evaluation.classified().correct, evaluation.weight)
        .map_or_else(String::new, |interval| {
            format!(" (95 % interval {:.2} to {:.2} %)", 100.0 * interval.low, 100.0 * interval.high)
        });
    format!(
        "Of the {} {} test {}, the net classifies {} correctly: accuracy {}{interval}, macro F1 (each class \
         counting the same) {}, loss {:.4}, expected calibration error {}.",
        number(evaluation.weight as f64),
        run.provenance.dataset,
        words.samples,
        number(evaluation.classified().correct as f64),
        scores::percent(evaluation.headline().value),
        scores::percent(evaluation.classified().macro_f1),
        evaluation.loss,
        scores::percent(predictions.calibration.error),
    )
}
