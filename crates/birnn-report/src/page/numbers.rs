//! The page of a net that tells numbers, for each sequence or for each step.

use askama::Template;
use birnn_data::{Modality, Per, SelfTargets};
use birnn_infer::{Filled, significant};

use super::{BIRNN, Head, drawn_whole, leak, state_gradients};
use crate::error::ReportError;
use crate::errors::{self, FarOff};
use crate::figure::{Figure, Table};
use crate::inside::{self, Followed};
use crate::number::number;
use crate::number_predictions::NumberPredictions;
use crate::prefixes::Prefixes;
use crate::run::Run;
use crate::words::Words;

#[derive(Template)]
#[template(path = "numbers.html")]
struct Page {
    head: Head,
    words: Words,
    /// Whether there are numbers for each step.
    per_step: bool,
    /// Of values of the samples themselves, what is read in their place.
    own: Option<String>,
    /// How many positions, and what they are.
    count: String,
    scores: Table,
    /// Where the intervals are from.
    chance: String,
    /// Of how many numbers there is no figure.
    undrawn: usize,
    figures: Vec<Figure>,
    by_length: Option<Figure>,
    misses: Vec<FarOff>,
    /// Of numbers for each step, samples from beginning to end.
    whole: Vec<String>,
    state_gradients: Figure,
    /// Of numbers for each sample: how they form.
    prefixes: Option<Figure>,
    examples: Vec<Followed>,
    birnn: &'static str,
}

pub(super) fn page(run: &Run, predictions: &NumberPredictions, words: Words) -> Result<String, ReportError> {
    let (predictor, test) = (run.predictor, run.test);
    let (mut whole, mut prefixes, mut examples) = (Vec::new(), None, Vec::new());
    match predictions.task.per {
        Per::Step => whole = errors::whole(predictions, test, words)?,
        Per::Sequence => {
            prefixes = Some(inside::error_by_prefix(&Prefixes::of_many(predictor, test), words));
            examples = inside::answered(predictor, test, predictions, words)?;
        }
    }
    let page = Page {
        head: Head::new(run, &summary(predictions, run, words), words),
        words,
        per_step: predictions.task.per == Per::Step,
        own: read_in_place(run, predictions),
        count: counted(predictions, run, "test", words),
        scores: errors::scores(predictions),
        chance: drawn_whole(words),
        undrawn: errors::undrawn(predictions),
        figures: errors::figures(predictions, words),
        by_length: errors::by_length(predictions, test, words),
        misses: errors::gallery(predictions, test, words)?,
        whole,
        state_gradients: state_gradients(run, words),
        prefixes,
        examples,
        birnn: BIRNN,
    };
    Ok(page.render()?)
}

/// Such as `34,551 time steps of 1,000 test series`.
fn counted(predictions: &NumberPredictions, run: &Run, which: &str, words: Words) -> String {
    let samples = format!("{} {which} {}", number(run.test.len() as f64), words.samples);
    match predictions.task.per {
        Per::Sequence => samples,
        Per::Step => {
            let counted = predictions.task.self_targets.map_or(words.steps, |own| own.kind().noun());
            format!("{} {counted} of {samples}", number(predictions.evaluation.positions as f64))
        }
    }
}

/// Of values of the samples themselves, what the net reads in their place.
fn read_in_place(run: &Run, predictions: &NumberPredictions) -> Option<String> {
    match (predictions.task.self_targets?, &run.predictor.manifest().modality) {
        (SelfTargets::Hidden(_), Modality::Series(series)) => Some(series.missing.to_string()),
        _ => Some("the value of the step before".to_owned()),
    }
}

/// The result in a sentence.
fn summary(predictions: &NumberPredictions, run: &Run, words: Words) -> String {
    let found = &predictions.regressed;
    let interval = predictions.intervals().map_or_else(String::new, |of| {
        format!(" (95 % interval {} to {})", significant(of.rmse.low), significant(of.rmse.high))
    });
    let count = predictions.names().len();
    let (what, mean) = match predictions.names() {
        [only] => (only.clone(), ""),
        _ => (format!("{count} targets"), ", each the mean of theirs"),
    };
    let baselines = || predictions.judged.iter().filter_map(|judged| judged.baseline_rmse);
    let baseline = baselines().sum::<f64>() / baselines().count().max(1) as f64;
    let which = format!("{} test", run.provenance.dataset);
    if let (Some(Filled { mae, baseline_mae }), Some(read)) = (found.filled, read_in_place(run, predictions))
    {
        return format!(
            "{}On the {}, the net is off by {} standard deviations in the mean (MAE); what it reads in their place ({read}) by {}.",
            leak(run),
            counted(predictions, run, &which, words),
            significant(mae),
            significant(baseline_mae),
        );
    }
    format!(
        "On the {}, the net predicts {what} with RMSE {}{interval}, MAE {} and R2 {}{mean}; loss {:.4}. The baseline \
         (mean of the training targets) has RMSE {}.",
        counted(predictions, run, &which, words),
        significant(found.rmse),
        significant(found.mae),
        significant(found.r2),
        predictions.evaluation.loss,
        significant(baseline),
    )
}
