//! The page of a net that tells the class of each sequence.

use askama::Template;

use super::{BIRNN, Head, state_gradients};
use crate::error::ReportError;
use crate::figure::{Figure, Table};
use crate::heat_map::HeatMap;
use crate::inside::{self, Followed};
use crate::number::number;
use crate::predictions::Predictions;
use crate::prefixes::{Prefixes, examples};
use crate::run::Run;
use crate::scores::{self, Mistake};
use crate::stats::Interval;
use crate::words::Words;

#[derive(Template)]
#[template(path = "classes.html")]
struct Page {
    head: Head,
    words: Words,
    /// What is counted: the samples.
    counted: Words,
    /// How many test samples.
    count: String,
    confusion: Option<HeatMap>,
    commonest: Table,
    classes: Table,
    /// Where the intervals are from.
    chance: &'static str,
    by_length: Option<Figure>,
    reliability: Figure,
    mistakes: Vec<Mistake>,
    wrong: String,
    state_gradients: Figure,
    prefixes: Figure,
    examples: Vec<Followed>,
    birnn: &'static str,
}

pub(super) fn page(run: &Run, predictions: &Predictions, words: Words) -> Result<String, ReportError> {
    let predictor = run.predictor;
    let prefixes = Prefixes::of_many(predictor, run.test);
    let examples = examples(&prefixes, &predictions.predictions);
    let names = predictor.task().classes();
    let (evaluation, classified) = (&predictions.evaluation, &predictions.classified);
    let page = Page {
        head: Head::new(run, &summary(predictions, run, words), words),
        words,
        counted: words,
        count: number(evaluation.positions as f64),
        confusion: scores::confusion(classified, words),
        commonest: scores::commonest(classified, words),
        classes: scores::classes(classified, scores::of_classes(predictions), words),
        chance: "Wilson 1927",
        by_length: scores::accuracy_by_length(predictions, run.test, words),
        reliability: scores::reliability(&predictions.calibration, &predictions.of_bins()),
        mistakes: scores::gallery(predictions, run.test, names, words)?,
        wrong: number((evaluation.positions - classified.correct) as f64),
        state_gradients: state_gradients(run, words),
        prefixes: inside::probability_by_prefix(&prefixes, words),
        examples: inside::classified(predictor, run.test, &examples, predictions, words)?,
        birnn: BIRNN,
    };
    Ok(page.render()?)
}

/// The result in a sentence.
fn summary(predictions: &Predictions, run: &Run, words: Words) -> String {
    format!(
        "Of the {} {} test {}, the net classifies {}",
        number(predictions.evaluation.positions as f64),
        run.provenance.dataset,
        words.samples,
        how_well(predictions),
    )
}

/// Such as `97 correctly: accuracy 97.00 % (..), macro F1 (..) 96.00 %, ..`.
pub(super) fn how_well(predictions: &Predictions) -> String {
    let (evaluation, classified) = (&predictions.evaluation, &predictions.classified);
    let interval = predictions.accuracy().and_then(|share| share.interval);
    let interval = interval.map_or_else(String::new, |Interval { low, high }| {
        format!(" (95 % interval {:.2} to {:.2} %)", 100.0 * low, 100.0 * high)
    });
    let spans =
        classified.f1().map_or_else(String::new, |f1| format!("F1 of spans {}, ", scores::percent(f1)));
    format!(
        "{} correctly: {spans}accuracy {}{interval}, macro F1 (each class \
         counting the same) {}, loss {:.4}, expected calibration error {}.",
        number(classified.correct as f64),
        scores::percent(classified.accuracy),
        scores::percent(classified.macro_f1),
        evaluation.loss,
        scores::percent(predictions.calibration.error),
    )
}
