//! The page of a net that tells the class of each step.

use askama::Template;
use birnn_data::{Modality, Per};

use super::classes::how_well;
use super::{BIRNN, Head, drawn_whole, state_gradients};
use crate::directions::{Added, ByDirection};
use crate::error::ReportError;
use crate::figure::{Figure, Table};
use crate::heat_map::HeatMap;
use crate::number::number;
use crate::predictions::Predictions;
use crate::run::Run;
use crate::scores::{self, Mistake};
use crate::stretches::{self, stretches};
use crate::transitions::Transitions;
use crate::words::Words;

#[derive(Template)]
#[template(path = "tags.html")]
struct Page {
    head: Head,
    words: Words,
    /// What is counted: steps.
    counted: Words,
    /// How many steps, and of how many samples.
    count: String,
    samples: String,
    /// Of tags that mark spans.
    spans: Option<Table>,
    confusion: Option<HeatMap>,
    commonest: Table,
    classes: Table,
    /// Where the intervals are from.
    chance: String,
    by_length: Option<Figure>,
    reliability: Figure,
    mistakes: Vec<Mistake>,
    /// How many steps are wrong, and in how many stretches.
    wrong: String,
    stretches: String,
    /// The classes with their colours in bands; of sentences, whose tags are written out, none.
    colours: Option<Vec<(usize, String)>>,
    /// Samples from beginning to end.
    whole: Vec<String>,
    state_gradients: Figure,
    /// Of sentences that are read both ways.
    directions: Option<ByDirection>,
    /// Of a conditional random field.
    transitions: Option<Transitions>,
    birnn: &'static str,
}

pub(super) fn page(run: &Run, predictions: &Predictions, words: Words) -> Result<String, ReportError> {
    let counted = words.counted(Per::Step);
    let names = run.predictor.task().classes();
    let (evaluation, classified) = (&predictions.evaluation, &predictions.classified);
    let stretches = stretches(predictions);
    let added = Added::of(run, predictions);
    let is_text = matches!(run.predictor.manifest().modality, Modality::Text(_));
    let page = Page {
        head: Head::new(run, &summary(predictions, run, words), words),
        words,
        counted,
        count: number(evaluation.positions as f64),
        samples: number(run.test.len() as f64),
        spans: scores::spans(classified),
        confusion: scores::confusion(classified, counted),
        commonest: scores::commonest(classified, counted),
        classes: scores::classes(classified, scores::of_classes(predictions), counted),
        chance: drawn_whole(words),
        by_length: scores::accuracy_by_length(predictions, run.test, words),
        reliability: scores::reliability(&predictions.calibration, &predictions.of_bins()),
        mistakes: stretches::gallery(&stretches, predictions, run.test, names, added.as_ref(), words)?,
        wrong: number((evaluation.positions - classified.correct) as f64),
        stretches: number(stretches.len() as f64),
        colours: (!is_text).then(|| stretches::colours(names)),
        whole: stretches::whole(predictions, run.test, names, added.as_ref(), words)?,
        state_gradients: state_gradients(run, words),
        directions: added.map(|added| ByDirection::new(&added, run, predictions, words)),
        transitions: Transitions::of(run.predictor),
        birnn: BIRNN,
    };
    Ok(page.render()?)
}

/// The result in a sentence.
fn summary(predictions: &Predictions, run: &Run, words: Words) -> String {
    format!(
        "Of the {} {} of {} {} test {}, the net classifies {}",
        number(predictions.evaluation.positions as f64),
        words.steps,
        number(run.test.len() as f64),
        run.provenance.dataset,
        words.samples,
        how_well(predictions),
    )
}
