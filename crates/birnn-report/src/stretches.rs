//! How a net does on the classes of steps: where it is wrong for long, and series from beginning to end.

use std::ops::Range;

use birnn_data::Split;

use crate::chart::{Bands, COLOURS, Strip};
use crate::directions::Added;
use crate::error::ReportError;
use crate::inside::worth_a_look;
use crate::predictions::{Prediction, Predictions};
use crate::sample::{self, Below};
use crate::scores::{self, Mistake, percent};
use crate::words::Words;

/// Steps in a row that are of one class and called another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// The series, by its index.
    sample: usize,
    /// Its steps, from 0.
    steps: Range<usize>,
    label: usize,
    class: usize,
    /// The mean probability of that class, and of the true one.
    probability: f64,
    p_true: f64,
}

/// As many as a page bears.
const GALLERY: usize = 24;
/// At least so many steps are drawn on either side of a stretch.
const AROUND: usize = 10;

/// All mistakes, those first of which the net is surest for longest: whose probabilities add up to most.
pub(crate) fn stretches(predictions: &Predictions) -> Vec<Stretch> {
    let mut found = Vec::new();
    for (sample, range) in predictions.of_samples().enumerate() {
        let mut begin = 0;
        let own = &predictions.predictions[range];
        for run in own.chunk_by(|a, b| (a.label, a.class) == (b.label, b.class)) {
            let steps = begin..begin + run.len();
            begin = steps.end;
            let mean = |of: fn(&Prediction) -> f64| run.iter().map(of).sum::<f64>() / run.len() as f64;
            if !run[0].is_correct() {
                found.push(Stretch {
                    sample,
                    steps,
                    label: run[0].label,
                    class: run[0].class,
                    probability: mean(|prediction| prediction.probability),
                    p_true: mean(|prediction| prediction.p_true),
                });
            }
        }
    }
    let sure = |stretch: &Stretch| stretch.probability * stretch.steps.len() as f64;
    found.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
    found
}

/// The first of the stretches, each within what is around it.
pub(crate) fn gallery(
    stretches: &[Stretch],
    predictions: &Predictions,
    split: &Split,
    names: &[String],
    added: Option<&Added>,
    words: Words,
) -> Result<Vec<Mistake>, ReportError> {
    let ranges: Vec<_> = predictions.of_samples().collect();
    let mistake = |(index, stretch): (usize, &Stretch)| {
        let Stretch { sample, steps, label, class, probability, p_true } = stretch;
        let series = split.sequences.get(*sample);
        let around = AROUND.max(steps.len() / 2);
        let window = steps.start.saturating_sub(around)..(steps.end + around).min(series.steps());
        let begin = ranges[*sample].start;
        let drawn = begin + window.start..begin + window.end;
        let below = Below {
            added: added.map(|added| added.to_answers(predictions, drawn.clone())),
            bands: Some(bands(&predictions.predictions[drawn], names)),
            ..Below::default()
        };
        let title = format!("{}, of class {}", scores::one_of_test(*sample, words), names[*label]);
        let which = format!(
            "{} of test {} {sample}; drawn are {} to {}",
            counted(steps, words),
            words.sample,
            window.start + 1,
            window.end
        );
        Ok(Mistake {
            which,
            label: names[*label].clone(),
            class: names[*class].clone(),
            probability: percent(*probability),
            p_true: percent(*p_true),
            shown: sample::small(
                series.part(window),
                below,
                &format!("mistake-{}", index + 1),
                &title,
                words,
            )?,
        })
    };
    stretches.iter().take(GALLERY).enumerate().map(mistake).collect()
}

/// Such as `time steps 12 to 18`.
fn counted(steps: &Range<usize>, words: Words) -> String {
    match steps.len() {
        1 => format!("{} {}", words.step, steps.start + 1),
        _ => format!("{} {} to {}", words.steps, steps.start + 1, steps.end),
    }
}

/// The classes with the colour that each has in the bands.
pub(crate) fn colours(names: &[String]) -> Vec<(usize, String)> {
    names.iter().enumerate().map(|(class, name)| (class % COLOURS, name.clone())).collect()
}

fn bands(predictions: &[Prediction], names: &[String]) -> Bands {
    Bands {
        classes: names.to_vec(),
        truth: predictions.iter().map(|prediction| prediction.label).collect(),
        answer: predictions.iter().map(|prediction| prediction.class).collect(),
    }
}

/// Whole series with truth, answer and the probability of that by step, one after the other.
pub(crate) fn whole(
    predictions: &Predictions,
    split: &Split,
    names: &[String],
    added: Option<&Added>,
    words: Words,
) -> Result<Vec<String>, ReportError> {
    let ranges: Vec<_> = predictions.of_samples().collect();
    let wrong = |sample: usize| {
        let own = &predictions.predictions[ranges[sample].clone()];
        own.iter().filter(|prediction| !prediction.is_correct()).count() as f64 / own.len() as f64
    };
    let mut by_error: Vec<usize> = (0..ranges.len()).collect();
    by_error.sort_by(|&a, &b| wrong(a).total_cmp(&wrong(b)));
    let shown = worth_a_look(&by_error, ["the most often wrong", "the least often wrong"]).into_iter().enumerate().map(|(index, (sample, which))| {
        let own = &predictions.predictions[ranges[sample].clone()];
        let probability = own.iter().map(|prediction| prediction.probability).collect();
        let below = Below {
            lines: vec![Strip { name: "probability".to_owned(), lines: vec![probability] }],
            bands: Some(bands(own, names)),
            added: added.map(|added| added.to_answers(predictions, ranges[sample].clone())),
            caption: format!(
                " The probability is that of the answer, which is wrong at {} of the {}, which have a mark \
                 below the bands.",
                percent(wrong(sample)),
                words.steps
            ),
        };
        let title = format!("{}, {which}", scores::one_of_test(sample, words));
        let series = split.sequences.get(sample);
        Ok(sample::large(series, below, &format!("whole-{}", index + 1), &title, words)?)
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use birnn_data::{Missing, Modality, Series};

    use super::*;
    use crate::compare::made_up::steps;

    #[test]
    fn long_mistakes_that_the_net_was_sure_of_come_first() {
        // Two series of eight steps each.
        let mut all = steps("r-rrr---rr--rrrr", 8);
        all.predictions[1].probability = 1.0;
        all.predictions[10..12].iter_mut().for_each(|prediction| prediction.probability = 0.6);
        let found = stretches(&all);
        let told: Vec<_> = found.iter().map(|found| (found.sample, found.steps.clone())).collect();
        assert_eq!(told, [(0, 5..8), (1, 2..4), (0, 1..2)]);
        assert_eq!((found[1].label, found[1].class, found[1].probability), (1, 0, 0.6));
        let series = Series { missing: Missing::Mean, ..Series::plain(vec![0.0]) };
        let words = Words::of(&Modality::Series(series));
        assert_eq!(counted(&found[0].steps, words), "time steps 6 to 8");
        assert_eq!(counted(&found[2].steps, words), "time step 2");
    }
}
