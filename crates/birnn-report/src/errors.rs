//! How far a net's numbers are off: scores, predicted against true, residuals, by length, and where it is
//! furthest off.

use std::iter;
use std::ops::Range;

use birnn_data::{Per, Split};
use birnn_infer::{Miss, significant};

use crate::chart::{Axis, Frame, Side, Strip};
use crate::error::ReportError;
use crate::figure::{Figure, Table, tied};
use crate::inside::{BY_ERROR, worth_a_look};
use crate::judged::{SCORE_COLUMNS, between, score_rows};
use crate::number::number;
use crate::number_predictions::NumberPredictions;
use crate::sample::{self, Below};
use crate::scores::{self, ByLength};
use crate::stats::{bootstrap, sum};
use crate::words::Words;

/// An answer that is far off, to be looked at.
#[derive(Debug)]
pub(crate) struct FarOff {
    /// Which it is, and of a series how long.
    pub(crate) which: String,
    pub(crate) name: String,
    pub(crate) truth: String,
    pub(crate) answer: String,
    /// The element that shows the sample, or what is around the step.
    pub(crate) shown: String,
}

/// Of more numbers than this there are scores alone.
const DRAWN: usize = 6;
/// As many dots as can be told apart.
const DOTS: usize = 1000;
/// As many as a page bears.
const GALLERY: usize = 24;
/// Groups of about as many answers by what they should be.
const TENTHS: usize = 10;
/// Bars of residuals.
const BARS: usize = 25;
/// Below this, a bar says little.
const FEW: usize = 10;
/// So many steps are drawn on either side of one that is far off.
const AROUND: usize = 30;

/// The scores of each number, with what chance alone leaves open, beside the baseline.
pub(crate) fn scores(predictions: &NumberPredictions) -> Table {
    let rows = score_rows(&predictions.regressed.numbers, &predictions.judged);
    Table::new("Scores by target", &SCORE_COLUMNS, rows)
}

/// Of how many numbers there are no figures.
pub(crate) fn undrawn(predictions: &NumberPredictions) -> usize {
    predictions.names().len().saturating_sub(DRAWN)
}

/// Of each number predicted against true, and the residuals.
pub(crate) fn figures(predictions: &NumberPredictions, words: Words) -> Vec<Figure> {
    let numbers = 0..predictions.names().len().min(DRAWN);
    // Of a feature none of whose values was asked for there is nothing to see.
    let numbers = numbers.filter(|&number| !pairs(predictions, number).is_empty());
    numbers.flat_map(|number| [scatter(predictions, number, words), residuals(predictions, number)]).collect()
}

/// All of a number: what it should be and what the net answers.
fn pairs(predictions: &NumberPredictions, number: usize) -> Vec<(f64, f64)> {
    predictions
        .asked_pairs(number)
        .filter(|(truth, answer)| truth.is_finite() && answer.is_finite())
        .collect()
}

fn scatter(predictions: &NumberPredictions, number: usize, words: Words) -> Figure {
    let name = &predictions.names()[number];
    let mut pairs = pairs(predictions, number);
    let shown = pairs.len().min(DOTS);
    let axis = || Axis::linear(pairs.iter().flat_map(|&(truth, answer)| [truth, answer]), false, false);
    let (x, y) =
        (Side::new(&format!("{name}, true"), axis()), Side::new(&format!("{name}, predicted"), axis()));
    let mut frame = Frame::new(&x, &y);
    if let (Some(from), Some(to)) =
        (frame.point((x.axis.low, y.axis.low)), frame.point((x.axis.high, y.axis.high)))
    {
        frame.svg.line("diagonal", from, to);
    }
    for pair in (0..shown).map(|dot| pairs[dot * pairs.len() / shown]) {
        frame.point(pair).into_iter().for_each(|at| frame.svg.circle("point", at, 1.6));
    }
    let counted = words.counted(predictions.task.per).samples;
    let which = match shown < pairs.len() {
        true => format!("{} of {} {counted}, evenly spaced", of(shown), of(pairs.len())),
        false => format!("all {} {counted}", of(shown)),
    };
    let title = format!("{name}: predicted against true");
    let caption = format!(
        "A dot is a prediction: from left to right the true value, upwards the predicted one. On the dashed diagonal \
         both are the same. Drawn are {which}. A cloud that is flatter than the diagonal is a net that plays safe and \
         predicts values nearer to the mean."
    );
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let told = |value: f64| predictions.told(number, value);
    let row = |tenth: &[(f64, f64)]| {
        let mean = |of: fn(&(f64, f64)) -> f64| tenth.iter().map(of).sum::<f64>() / tenth.len() as f64;
        let rmse = mean(|(truth, answer)| (answer - truth).powi(2)).sqrt();
        vec![
            format!("{} to {}", told(tenth[0].0), told(tenth[tenth.len() - 1].0)),
            of(tenth.len()),
            told(mean(|pair| pair.0)),
            told(mean(|pair| pair.1)),
            significant(rmse),
        ]
    };
    let columns = ["true", counted, "mean, true", "mean, predicted", "RMSE"];
    let rows = pairs.chunks(pairs.len().div_ceil(TENTHS).max(1)).map(row).collect();
    let id = format!("scatter-{}", number + 1);
    let description = format!("{title}: {which}, about the diagonal on which both are the same.");
    Figure {
        svg: frame.svg.finish(&id, &title, &description),
        table: Table::new(format!("{name} in groups by its true value"), &columns, rows),
        id,
        title,
        caption,
        legend: Vec::new(),
    }
}

fn residuals(predictions: &NumberPredictions, number: usize) -> Figure {
    let name = &predictions.names()[number];
    let mut residuals: Vec<f64> =
        pairs(predictions, number).iter().map(|(truth, answer)| answer - truth).collect();
    residuals.sort_by(f64::total_cmp);
    let axis = Axis::linear(residuals.iter().copied(), false, false);
    let width = (axis.high - axis.low) / BARS as f64;
    let mut counts = [0_usize; BARS];
    for residual in &residuals {
        counts[(((residual - axis.low) / width) as usize).min(BARS - 1)] += 1;
    }
    let all = residuals.len().max(1) as f64;
    let most = counts.iter().map(|&count| count as f64 / all).fold(0.0, f64::max);
    let x = Side::new(&format!("{name}, predicted less true"), axis);
    let y = Side {
        percent: true,
        ..Side::new("share of the predictions", Axis::linear([most].into_iter(), true, false))
    };
    let mut frame = Frame::new(&x, &y);
    let ends = |bar: usize| (x.axis.low + width * bar as f64, x.axis.low + width * (bar + 1) as f64);
    for (bar, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (low, high) = ends(bar);
        if let (Some(from), Some(to)) = (frame.point((low, 0.0)), frame.point((high, count as f64 / all))) {
            frame.svg.rectangle("bar", from, to);
        }
    }
    if let (true, Some(from), Some(to)) =
        (x.axis.low <= 0.0 && 0.0 <= x.axis.high, frame.point((0.0, 0.0)), frame.point((0.0, y.axis.high)))
    {
        frame.svg.line("diagonal", from, to);
    }
    let at = |share: f64| residuals.get((share * (residuals.len() - 1) as f64).round() as usize).copied();
    let [low, high] = [0.05, 0.95].map(|share| significant(at(share).unwrap_or_default()));
    let mean = residuals.iter().sum::<f64>() / all;
    let title = format!("{name}: residuals");
    let caption = format!(
        "Residuals, predicted less true: a bar is the share of all predictions that are off by so much, and at the \
         dashed line they are right. On average they are too {} by {}; nine in ten are off by {low} to {high}. Bars \
         far from the line are the predictions to look at.",
        if mean < 0.0 { "low" } else { "high" },
        significant(mean.abs())
    );
    let rows = counts.iter().enumerate().map(|(bar, &count)| {
        let (low, high) = ends(bar);
        let share = Side { percent: true, ..y.clone() }.value(count as f64 / all);
        vec![format!("{} to {}", significant(low), significant(high)), of(count), share]
    });
    let table = Table::new(
        format!("{name}: predictions by residual"),
        &["predicted less true", "predictions", "share"],
        rows.collect(),
    );
    let id = format!("residuals-{}", number + 1);
    let description =
        format!("Shares of predictions by predicted less true: nine in ten from {low} to {high}.");
    Figure {
        svg: frame.svg.finish(&id, &title, &description),
        id,
        title,
        caption: tied(&caption),
        legend: Vec::new(),
        table,
    }
}

/// RMSE by the number of steps; `None` where all samples, or nearly all, have as many.
pub(crate) fn by_length(predictions: &NumberPredictions, split: &Split, words: Words) -> Option<Figure> {
    let together = predictions.together();
    let mut groups = scores::groups(split)?;
    // Of a group that is asked nothing, such as series of one step for the next, there is nothing to see.
    groups.retain(|group| !sum(&together, &group.sequences).is_empty());
    if groups.len() < 2 {
        return None;
    }
    let (label, unit) = match predictions.names() {
        [_] => ("RMSE", ""),
        _ => (
            "RMSE, standard deviations",
            ", all targets together in standard deviations of the training targets",
        ),
    };
    let bars: Vec<_> = groups
        .iter()
        .map(|group| {
            let own: Vec<_> = group.sequences.iter().map(|&sample| together[sample]).collect();
            let rmse = sum(&together, &group.sequences).rmse();
            let few = own.len() < FEW;
            let interval = bootstrap(&[own]).map(|found| found.rmse);
            (rmse, interval, between(rmse, interval), few)
        })
        .collect();
    let ends = bars.iter().map(|(rmse, interval, ..)| interval.map_or(*rmse, |interval| interval.high));
    let axis = Axis::linear(ends, true, false);
    let figure = ByLength {
        title: "Error by length",
        side: Side::new(label, axis),
        description: "RMSE",
        meaning: format!("the RMSE of a group{unit}"),
        column: "RMSE (95 % interval)",
        counts: groups.iter().map(|group| group.sequences.len() as u64).collect(),
        counted: words.samples,
        bars,
    };
    Some(scores::by_length(&groups, figure, words))
}

/// The answers that are furthest off, of each sample one.
pub(crate) fn gallery(
    predictions: &NumberPredictions,
    split: &Split,
    words: Words,
) -> Result<Vec<FarOff>, ReportError> {
    let begins: Vec<usize> = predictions.of_samples().map(|range| range.start).collect();
    let far_off = |(index, (sample, miss)): (usize, (usize, Miss))| {
        let Miss { position, number, truth, answer } = miss;
        let (series, one) = (split.sequences.get(sample), format!("test {} {sample}", words.sample));
        let name = predictions.names()[number].clone();
        let [truth, answer] = [truth, answer].map(|value| predictions.told(number, f64::from(value)));
        let title = format!("{}, {name} {truth}", scores::one_of_test(sample, words));
        let id = format!("miss-{}", index + 1);
        let (which, shown) = match predictions.task.per {
            Per::Sequence => {
                let length =
                    sample::length(series, words).map_or_else(String::new, |length| format!(", {length}"));
                (format!("{one}{length}"), sample::small(series, Below::default(), &id, &title, words)?)
            }
            Per::Step => {
                let step = position - begins[sample] + predictions.behind();
                let window = step.saturating_sub(AROUND)..(step + AROUND + 1).min(series.steps());
                let below = Below {
                    lines: vec![strip(predictions, number, begins[sample], window.clone())],
                    ..Below::default()
                };
                let which = format!(
                    "{} {} of {one}; drawn are {} to {}",
                    words.step,
                    step + 1,
                    window.start + 1,
                    window.end
                );
                (which, sample::small(series.part(window), below, &id, &title, words)?)
            }
        };
        Ok(FarOff { which, name, truth, answer, shown })
    };
    predictions.misses().into_iter().take(GALLERY).enumerate().map(far_off).collect()
}

/// What a number should be at these steps of the sample whose positions begin there, and what is answered.
fn strip(predictions: &NumberPredictions, number: usize, begin: usize, steps: Range<usize>) -> Strip {
    let behind = predictions.behind();
    let answered = steps.start.max(behind)..steps.end.max(behind);
    // Of what a sample begins with nothing is asked.
    let nothing = iter::repeat_n((f64::NAN, f64::NAN), steps.len() - answered.len());
    let pairs = predictions.pairs(number, begin + answered.start - behind..begin + answered.end - behind);
    let (truth, answers) = nothing.chain(pairs).unzip();
    Strip { name: predictions.names()[number].clone(), lines: vec![truth, answers] }
}

/// Whole series with truth and answer by step, one after the other.
pub(crate) fn whole(
    predictions: &NumberPredictions,
    split: &Split,
    words: Words,
) -> Result<Vec<String>, ReportError> {
    let ranges: Vec<_> = predictions.of_samples().collect();
    let chosen = worth_a_look(&predictions.by_error(), BY_ERROR).into_iter().enumerate();
    let shown = chosen.map(|(index, (sample, which))| {
        let numbers = 0..predictions.names().len().min(DRAWN);
        let below = Below {
            lines: numbers
                .map(|number| strip(predictions, number, ranges[sample].start, 0..ranges[sample].len()))
                .collect(),
            caption: " The solid line of a target is its true value, the dashed one the prediction."
                .to_owned(),
            ..Below::default()
        };
        let title = format!("{}, {which}", scores::one_of_test(sample, words));
        let series = split.sequences.get(sample);
        Ok(sample::large(series, below, &format!("whole-{}", index + 1), &title, words)?)
    });
    shown.collect()
}

fn of(count: usize) -> String {
    number(count as f64)
}
