//! How the net came to its predictions: figures of the gradient with respect to its states, and of the
//! prediction as it forms.

use birnn_architecture::Readout;
use birnn_data::Split;
use birnn_infer::Predictor;

use crate::chart::{Axis, Chart, Line, Point, Side};
use crate::error::ReportError;
use crate::figure::Figure;
use crate::number::number;
use crate::predictions::Predictions;
use crate::prefix_accuracy::{Example, PrefixAccuracy, Why};
use crate::sample;
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
    let Words { samples, a_sample, step, directions, .. } = words;
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
pub(crate) fn prefixes(prefixes: &PrefixAccuracy, words: Words) -> Figure {
    let Words { samples, a_sample, steps, .. } = words;
    let mean = |of: &Vec<f64>| of.iter().sum::<f64>() / of.len().max(1) as f64;
    let shares = match prefixes.are_steps {
        true => String::new(),
        false => format!(
            " These {samples} have different lengths: of each the same share is shown, rounded up to whole {steps}."
        ),
    };
    let caption = format!(
        "The probability that the net gives to the correct class when it is shown only the first {steps} of \
         {a_sample}, and only the last ones; mean over {} test {samples}, evenly spaced among all of \
         them.{shares} Where the lines rise is where the net finds what it decides by. On the right it has all \
         {steps}, and both lines meet. It was trained on whole {samples}, so parts of {samples} are new to it, \
         and it may well be sure of a wrong class there.",
        number(prefixes.samples.len() as f64)
    );
    let [first, last] = [&prefixes.first, &prefixes.last].map(|side| side.iter().map(mean).collect());
    sides("reading", "How the answer forms", caption, prefixes, [first, last], words)
}

/// The same for single samples.
pub(crate) fn examples(
    predictor: &Predictor,
    split: &Split,
    examples: &[Example],
    predictions: &Predictions,
    words: Words,
) -> Result<Vec<Followed>, ReportError> {
    let names = &predictor.manifest().classes;
    let followed = examples.iter().enumerate().map(|(index, example)| {
        let prefixes = PrefixAccuracy::of_example(predictor, split, example);
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
            words,
        );
        let title = format!("{one}, of class {label}");
        let sample = split.sequences.get(prediction.sample);
        let shown = sample::large(sample, &format!("sample-{}", index + 1), &title, words)?;
        Ok(Followed { shown, figure })
    });
    followed.collect()
}

fn why(why: Why, words: Words) -> String {
    match why {
        Why::SurestCorrect => "the surest correct prediction".to_owned(),
        Why::LeastSureCorrect => "the least sure correct prediction".to_owned(),
        Why::Late => format!("a correct prediction that comes late {}", words.late),
        Why::SurestMistake => "the surest mistake".to_owned(),
    }
}

fn sides(
    id: &str,
    title: &str,
    caption: String,
    prefixes: &PrefixAccuracy,
    [first, last]: [Vec<f64>; 2],
    words: Words,
) -> Figure {
    let all = prefixes.steps.last().copied().unwrap_or(1) as f64;
    let whole = if prefixes.are_steps { 1.0 } else { all };
    let steps = prefixes.steps.iter().map(|&steps| steps as f64 / whole);
    let points = |values: Vec<f64>| -> Vec<Point> { steps.clone().zip(values).collect() };
    let lines = vec![Line::new(words.first, points(first)), Line::new(words.last, points(last))];
    let x = match prefixes.are_steps {
        true => Side::new(&format!("{} shown", words.steps), Axis::counting(1.0, all)),
        false => Side::share(&format!("share of each {} shown", words.sample)),
    };
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        caption,
        x,
        y: Side::share("probability of the correct class"),
        lines,
    }
    .figure()
}
