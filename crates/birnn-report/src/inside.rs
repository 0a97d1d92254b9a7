//! How the net came to its predictions: figures of the gradient with respect to its states, and of the
//! prediction as it forms.

use birnn_architecture::Readout;
use birnn_data::Split;

use crate::chart::{Axis, Chart, Line, Point, Side};
use crate::error::ReportError;
use crate::figure::Figure;
use crate::number::number;
use crate::picture::data_uri;
use crate::predictions::Predictions;
use crate::prefix_accuracy::{Example, PrefixAccuracy};
use crate::scores::percent;
use crate::state_gradients::{DirectionGradients, StateGradients};

/// An image with how its prediction forms.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) uri: String,
    /// What is in the picture, for who does not see it.
    pub(crate) alt: String,
    pub(crate) figure: Figure,
}

/// The gradient norm by row and direction.
pub(crate) fn state_gradients(gradients: &StateGradients, readout: Readout) -> Figure {
    let stacked = gradients.directions.iter().any(|direction| direction.layer > 0);
    let lines: Vec<Line> = gradients.directions.iter().map(|direction| line(direction, stacked)).collect();
    let rows = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(1.0, f64::max);
    let axis = Axis::logarithmic(lines.iter().flat_map(|line| &line.points).map(|point| point.1));
    let caption = format!(
        "How strongly the loss of an image depends on the hidden state after each row: the norm of the \
         gradient with respect to that state, mean over {} test images. The forward direction reads from the \
         top row down and is at its end on the right; the reverse direction reads from the bottom row up and \
         is at its end on the left. {} The scale is logarithmic.{}{}",
        number(gradients.images as f64),
        how_to_read(readout),
        unread(gradients, stacked),
        dead(gradients)
    );
    Chart {
        id: "gradient".to_owned(),
        title: "Gradient by time step".to_owned(),
        caption,
        x: Side::new("row, from above", Axis::counting(1.0, rows)),
        y: Side::new("gradient norm", axis),
        lines,
    }
    .figure()
}

/// Whether a low gradient is one that vanished on its way depends on which states are read.
fn how_to_read(readout: Readout) -> &'static str {
    match readout {
        Readout::Last | Readout::Final => {
            "A line that falls by powers of ten away from where its direction ends is a gradient that \
             vanishes: what was read there can hardly be learned from."
        }
        Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => {
            "This net's readout looks at the top layer's states at all rows, so the gradient reaches each of \
             them directly as well as through later ones. Where a line is lower by powers of ten, what the \
             net holds in mind there hardly counts: it is not read on, or the readout passes it over."
        }
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

fn line(gradients: &DirectionGradients, stacked: bool) -> Line {
    let norms = gradients.norms.iter().enumerate();
    let points = norms.filter_map(|(row, norm)| Some(((row + 1) as f64, (*norm)?))).collect();
    Line::new(&name(gradients, stacked), points)
}

/// What a readout that leaves states out does to the picture.
fn unread(gradients: &StateGradients, stacked: bool) -> String {
    let partly = gradients.directions.iter().filter(|direction| direction.norms.contains(&None));
    let told = partly.map(|direction| {
        let read = direction.norms.iter().flatten().count();
        format!(
            " Of the {} direction, this net's readout uses {read} of {} states, and only these are drawn.",
            name(direction, stacked),
            direction.norms.len()
        )
    });
    told.collect()
}

fn dead(gradients: &StateGradients) -> &'static str {
    match gradients.directions.iter().flat_map(|direction| &direction.norms).any(|norm| *norm == Some(0.0)) {
        true => " Where a gradient is exactly 0 the line is interrupted.",
        false => "",
    }
}

/// The mean probability of the correct class by rows read.
pub(crate) fn prefixes(prefixes: &PrefixAccuracy) -> Figure {
    let mean = |of: &Vec<f64>| of.iter().sum::<f64>() / of.len().max(1) as f64;
    let caption = format!(
        "The probability that the net gives to the correct class when it is shown only the first rows of an \
         image, and only the last ones; mean over {} test images, evenly spaced among all of them. Where the \
         lines rise is where the net finds what it decides by. On the right it has all rows, and both lines \
         meet. It was trained on whole images, so parts of images are new to it, and it may well be sure of \
         a wrong class there.",
        number(prefixes.images.len() as f64)
    );
    sides(
        "reading",
        "How the answer forms",
        caption,
        prefixes,
        prefixes.above.iter().map(mean).collect(),
        prefixes.below.iter().map(mean).collect(),
    )
}

/// The same for single images.
pub(crate) fn examples(
    prefixes: &PrefixAccuracy,
    examples: &[Example],
    predictions: &Predictions,
    split: &Split,
    names: &[String],
) -> Result<Vec<Followed>, ReportError> {
    let of = |side: &[Vec<f64>], index: usize| side.iter().map(|of| of[index]).collect();
    let followed = examples.iter().enumerate().map(|(index, example)| {
        let prediction = predictions.predictions[example.image];
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
        let why = example.why;
        let caption = format!(
            "Test image {}, {why}. {outcome} The lines are the probability of {label}, as rows are added \
             from above and from below.",
            prediction.image
        );
        let figure = sides(
            &format!("example-{}", index + 1),
            &format!("{label}: {why}"),
            caption,
            prefixes,
            of(&prefixes.above, index),
            of(&prefixes.below, index),
        );
        let uri = data_uri(split.sequences.get(prediction.image))?;
        Ok(Followed { uri, alt: format!("Test image {}, of class {label}", prediction.image), figure })
    });
    followed.collect()
}

fn sides(
    id: &str,
    title: &str,
    caption: String,
    prefixes: &PrefixAccuracy,
    above: Vec<f64>,
    below: Vec<f64>,
) -> Figure {
    let rows = prefixes.rows.iter().map(|&rows| rows as f64);
    let points = |values: Vec<f64>| -> Vec<Point> { rows.clone().zip(values).collect() };
    let lines = vec![
        Line::new("first rows, from above", points(above)),
        Line::new("last rows, from below", points(below)),
    ];
    let last = prefixes.rows.last().copied().unwrap_or(1) as f64;
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        caption,
        x: Side::new("rows shown", Axis::counting(1.0, last)),
        y: Side::share("probability of the correct class"),
        lines,
    }
    .figure()
}
