//! How the net came to its predictions: figures of the gradient with respect to its states, and of the
//! prediction as it forms.

use birnn_architecture::Readout;
use birnn_data::Split;
use birnn_infer::{Miss, Predictor};

use crate::chart::{Axis, Chart, Line, Point, Side};
use crate::error::ReportError;
use crate::figure::Figure;
use crate::number::number;
use crate::number_predictions::NumberPredictions;
use crate::predictions::Predictions;
use crate::prefixes::{Example, Prefixes, Why};
use crate::sample::{self, Below};
use crate::scores::{self, percent};
use crate::state_gradients::{DirectionGradients, POSITIONS, StateGradients};
use crate::words::Words;

/// A sample with how its prediction forms.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The element that shows the sample.
    pub(crate) shown: String,
    pub(crate) figure: Figure,
}

/// The gradient norm by step and direction.
pub(crate) fn state_gradients(gradients: &StateGradients, readout: Readout, words: Words) -> Figure {
    let Words { samples, a_sample, step, forward, reverse, .. } = words;
    let has = |reverse: bool| gradients.directions.iter().any(|direction| direction.reverse == reverse);
    let ways = [(false, forward), (true, reverse)].into_iter().filter(|&(reverse, _)| has(reverse));
    let directions = ways.map(|(_, way)| way).collect::<Vec<_>>().join(" ");
    let stacked = gradients.directions.iter().any(|direction| direction.layer > 0);
    let are_steps = gradients.are_steps;
    let lines: Vec<Line> =
        gradients.directions.iter().map(|direction| line(direction, stacked, are_steps)).collect();
    let last = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(1.0, f64::max);
    let axis = Axis::logarithmic(lines.iter().flat_map(|line| &line.points).map(|point| point.1));
    let parts = match are_steps {
        true => String::new(),
        false => format!(
            " These {samples} have different lengths: each is divided into {POSITIONS} equal parts, and a point \
             is the mean of all steps in a part."
        ),
    };
    let caption = format!(
        "How strongly the loss of {a_sample} depends on the hidden state after each {step}: the norm of the \
         gradient with respect to that state, mean over {} test {samples}.{parts} {directions} {} The scale is \
         logarithmic.{}{}",
        number(gradients.samples as f64),
        how_to_read(readout, words),
        unread(gradients, stacked),
        dead(gradients)
    );
    let x = match are_steps {
        true => Side::new(words.position, Axis::counting(1.0, last)),
        false => Side::share(&format!("share of the {}", words.sample)),
    };
    Chart {
        id: "gradient".to_owned(),
        title: "Gradient by time step".to_owned(),
        caption,
        x,
        y: Side::new("gradient norm", axis),
        lines,
    }
    .figure()
}

/// Whether a low gradient is one that vanished on its way depends on which states are read.
fn how_to_read(readout: Readout, words: Words) -> String {
    match readout {
        Readout::Last | Readout::Final => {
            "A line that falls by powers of ten away from where its direction ends is a gradient that \
             vanishes: what was read there can hardly be learned from."
                .to_owned()
        }
        Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => format!(
            "This net's readout looks at the top layer's states at all {}, so the gradient reaches each of \
             them directly as well as through later ones. Where a line is lower by powers of ten, what the \
             net holds in mind there hardly counts: it is not read on, or the readout passes it over.",
            words.steps
        ),
    }
}

fn name(gradients: &DirectionGradients, stacked: bool) -> String {
    let direction = if gradients.reverse { "reverse" } else { "forward" };
    match (stacked, gradients.layer) {
        (false, _) => direction.to_owned(),
        (true, 0) => format!("bottom layer, {direction}"),
        (true, _) => format!("top layer, {direction}"),
    }
}

/// Of steps by their number, of parts by where their middles are.
fn line(gradients: &DirectionGradients, stacked: bool, are_steps: bool) -> Line {
    let across = |position: usize| match are_steps {
        true => (position + 1) as f64,
        false => (position as f64 + 0.5) / POSITIONS as f64,
    };
    let norms = gradients.norms.iter().enumerate();
    let points = norms.filter_map(|(position, norm)| Some((across(position), (*norm)?))).collect();
    Line::new(&name(gradients, stacked), points)
}

/// What a readout that leaves states out does to the picture.
fn unread(gradients: &StateGradients, stacked: bool) -> String {
    let partly = gradients.directions.iter().filter(|direction| direction.norms.contains(&None));
    let told = partly.map(|direction| {
        let (name, all) = (name(direction, stacked), direction.norms.len());
        let read = direction.norms.iter().flatten().count();
        match gradients.are_steps {
            true => format!(
                " Of the {name} direction, this net's readout uses {read} of {all} states, and only these are \
                 drawn."
            ),
            false => format!(
                " Of the {name} direction, {read} of {all} parts hold states that this net's readout uses, and \
                 only these are drawn."
            ),
        }
    });
    told.collect()
}

fn dead(gradients: &StateGradients) -> &'static str {
    match gradients.directions.iter().flat_map(|direction| &direction.norms).any(|norm| *norm == Some(0.0)) {
        true => " Where a gradient is exactly 0 the line is interrupted.",
        false => "",
    }
}

/// The mean probability of the correct class by steps read.
pub(crate) fn probability_by_prefix(prefixes: &Prefixes, words: Words) -> Figure {
    let Words { samples, a_sample, steps, .. } = words;
    let caption = format!(
        "The probability that the net gives to the correct class when it is shown only the first {steps} of \
         {a_sample}, and only the last ones; mean over {} test {samples}, evenly spaced among all of \
         them.{} Where the lines rise is where the net finds what it decides by. On the right it has all \
         {steps}, and both lines meet. It was trained on whole {samples}, so parts of {samples} are new to it, \
         and it may well be sure of a wrong class there.",
        number(prefixes.samples.len() as f64),
        shares(prefixes, words)
    );
    let y = Side::share(P_TRUE);
    sides("reading", "How the answer forms", caption, prefixes, means(prefixes), y, words).figure()
}

/// The mean error by steps read.
pub(crate) fn error_by_prefix(prefixes: &Prefixes, words: Words) -> Figure {
    let Words { samples, a_sample, steps, .. } = words;
    let caption = format!(
        "How large the error is when the net is shown only the first {steps} of {a_sample}, and only the last ones, \
         in standard deviations of the training targets; mean over {} test {samples}, evenly spaced among all of \
         them.{} Where the lines fall is where the net finds what it predicts by. On the right it has all {steps}, and \
         both lines meet. It was trained on whole {samples}, so parts of {samples} are new to it, and its prediction \
         may well be worse there than the baseline (mean of the training targets).",
        number(prefixes.samples.len() as f64),
        shares(prefixes, words)
    );
    let values = means(prefixes);
    let axis = Axis::linear(values.iter().flatten().copied(), true, false);
    let y = Side::new("mean error, standard deviations", axis);
    sides("reading", "How the answer forms", caption, prefixes, values, y, words).figure()
}

const P_TRUE: &str = "probability of the correct class";

fn means(prefixes: &Prefixes) -> [Vec<f64>; 2] {
    let mean = |of: &Vec<f64>| of.iter().sum::<f64>() / of.len().max(1) as f64;
    [&prefixes.first, &prefixes.last].map(|side| side.iter().map(mean).collect())
}

/// What is shown where samples have different lengths.
fn shares(prefixes: &Prefixes, Words { samples, steps, .. }: Words) -> String {
    match prefixes.are_steps {
        true => String::new(),
        false => format!(
            " These {samples} have different lengths: of each the same share is shown, rounded up to whole {steps}."
        ),
    }
}

/// The same for single samples of a class each.
pub(crate) fn classified(
    predictor: &Predictor,
    split: &Split,
    examples: &[Example],
    predictions: &Predictions,
    words: Words,
) -> Result<Vec<Followed>, ReportError> {
    let names = predictor.task().classes();
    let followed = examples.iter().enumerate().map(|(index, example)| {
        let prefixes = Prefixes::of_example(predictor, split, example.sample);
        let prediction = predictions.predictions[example.sample];
        let (label, class) = (&names[prediction.label], &names[prediction.class]);
        let outcome = if prediction.is_correct() {
            format!("It is called {class}, with probability {}.", percent(prediction.probability))
        } else {
            format!(
                "It is {label} and called {class} with probability {}; {label} gets {}.",
                percent(prediction.probability),
                percent(prediction.p_true)
            )
        };
        let (why, one) = (why(example.why, words), scores::one_of_test(prediction.sample, words));
        let caption = format!(
            "{one}, {why}. {outcome} The lines are the probability of {label}, as {} are added {}.",
            words.steps, words.added
        );
        let [first, last] =
            [&prefixes.first, &prefixes.last].map(|side| side.iter().flatten().copied().collect());
        let figure = sides(
            &format!("example-{}", index + 1),
            &format!("{label}: {why}"),
            caption,
            &prefixes,
            [first, last],
            Side::share(P_TRUE),
            words,
        )
        .figure();
        let title = format!("{one}, of class {label}");
        let sample = split.sequences.get(prediction.sample);
        let shown = sample::large(sample, Below::default(), &format!("sample-{}", index + 1), &title, words)?;
        Ok(Followed { shown, figure })
    });
    followed.collect()
}

/// How the answer to single samples forms, that is furthest off, in the middle and the best: of each the
/// number that is furthest off.
pub(crate) fn answered(
    predictor: &Predictor,
    split: &Split,
    predictions: &NumberPredictions,
    words: Words,
) -> Result<Vec<Followed>, ReportError> {
    let followed = worth_a_look(&predictions.by_error(), BY_ERROR).into_iter().enumerate().map(|(index, (sample, which))| {
        let Some(Miss { number, truth, answer, .. }) = predictions.largest_error(sample..sample + 1) else {
            return Ok(None);
        };
        let (name, [truth, answer]) = (&predictions.names()[number], [truth, answer].map(f64::from));
        let prefixes = Prefixes::answers(&predictions.task, number, predictor, split, sample);
        let one = scores::one_of_test(sample, words);
        let [is, called] = [truth, answer].map(|value| predictions.told(number, value));
        let caption = format!(
            "{one}, {which}. {name} is {is} and is predicted to be {called}. The lines are the prediction as {} are \
             added {}, and the truth.",
            words.steps, words.added
        );
        let lines =
            [&prefixes.first, &prefixes.last].map(|side| side.iter().flatten().copied().collect::<Vec<f64>>());
        let axis = Axis::linear(lines.iter().flatten().copied().chain([truth]), false, false);
        let title = format!("{name}: {which}");
        let id = format!("example-{}", index + 1);
        let mut chart = sides(&id, &title, caption, &prefixes, lines, Side::new(name, axis), words);
        let ends: Vec<Point> = [chart.lines[0].points.first(), chart.lines[0].points.last()]
            .into_iter()
            .flatten()
            .map(|&(x, _)| (x, truth))
            .collect();
        chart.lines.push(Line::new("truth", ends));
        let title = format!("{one}, {name} {is}");
        let sample = split.sequences.get(sample);
        let shown = sample::large(sample, Below::default(), &format!("sample-{}", index + 1), &title, words)?;
        Ok(Some(Followed { shown, figure: chart.figure() }))
    });
    followed.filter_map(Result::transpose).collect()
}

/// What samples are whose errors are the largest and the smallest.
pub(crate) const BY_ERROR: [&str; 2] = ["the largest error", "the smallest error"];

/// Of samples, that which is answered best first: the last, the middle and the first, as far as they are
/// different, and what they are.
pub(crate) fn worth_a_look(
    by_error: &[usize],
    [worst, best]: [&'static str; 2],
) -> Vec<(usize, &'static str)> {
    let Some(last) = by_error.len().checked_sub(1) else { return Vec::new() };
    let chosen = [(last, worst), (last / 2, "one in the middle"), (0, best)];
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    for (rank, which) in chosen {
        if found.iter().all(|(sample, _)| *sample != by_error[rank]) {
            found.push((by_error[rank], which));
        }
    }
    found
}

fn why(why: Why, words: Words) -> String {
    match why {
        Why::SurestCorrect => "the surest correct prediction".to_owned(),
        Why::LeastSureCorrect => "the least sure correct prediction".to_owned(),
        Why::Late => format!("a correct prediction that comes late {}", words.late),
        Why::SurestMistake => "the surest mistake".to_owned(),
    }
}

/// What there is of the first steps and of the last, by how many they are.
fn sides(
    id: &str,
    title: &str,
    caption: String,
    prefixes: &Prefixes,
    [first, last]: [Vec<f64>; 2],
    y: Side,
    words: Words,
) -> Chart {
    let all = prefixes.steps.last().copied().unwrap_or(1) as f64;
    let whole = if prefixes.are_steps { 1.0 } else { all };
    let steps = prefixes.steps.iter().map(|&steps| steps as f64 / whole);
    let points = |values: Vec<f64>| -> Vec<Point> { steps.clone().zip(values).collect() };
    let lines = vec![Line::new(words.first, points(first)), Line::new(words.last, points(last))];
    let x = match prefixes.are_steps {
        true => Side::new(&format!("{} shown", words.steps), Axis::counting(1.0, all)),
        false => Side::share(&format!("share of each {} shown", words.sample)),
    };
    Chart { id: id.to_owned(), title: title.to_owned(), caption, x, y, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_looked_at_once() {
        let samples = |by_error: &[usize]| -> Vec<usize> {
            worth_a_look(by_error, BY_ERROR).into_iter().map(|(sample, _)| sample).collect()
        };
        assert_eq!(samples(&[4, 2, 0, 1, 3]), [3, 0, 4]);
        assert_eq!(samples(&[1, 0]), [0, 1]);
        assert_eq!(samples(&[0]), [0]);
        assert!(samples(&[]).is_empty());
    }
}
