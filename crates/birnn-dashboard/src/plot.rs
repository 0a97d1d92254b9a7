//! A curve with marks, in a frame.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use birnn_infer::{Headline, Metric, significant};

use crate::board::Board;
use crate::curve::Curve;
use crate::ink::Ink;
use crate::loss;

/// A training curve, and the validation's values as marks beside it.
struct Plot<'a> {
    title: Line<'a>,
    curve: Vec<(f64, f64)>,
    colour: Color,
    marks: Vec<(f64, f64)>,
    /// Of the vertical axis.
    bounds: [f64; 2],
    labels: Vec<String>,
}

/// The colour of what concerns the validation samples.
const MARKS: Color = Color::Yellow;

/// The loss by step. Its axis is logarithmic, since a loss falls by ever smaller amounts.
pub fn loss(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let log = |(x, y): (f64, f64)| (x, y.max(1e-6).log10());
    let curve: Vec<_> = smooth(&board.loss, area).into_iter().map(log).collect();
    let marks: Vec<_> = board.validation.iter().map(|&[step, loss, _]| log((step, loss))).collect();
    let last =
        [board.loss.points(60).last().map(|point| point.1), board.validation.last().map(|last| last[1])];
    let bounds = bounds(curve.iter().chain(&marks), 0.1);
    let label = |y: f64| plain(10_f64.powf(y));
    let labels = [bounds[0], (bounds[0] + bounds[1]) / 2.0, bounds[1]].map(label).to_vec();
    let title = title("loss", Color::Cyan, last.map(|last| last.map(loss::text)), ink);
    plot(frame, area, board, ink, Plot { title, curve, colour: Color::Cyan, marks, bounds, labels });
}

/// What the net is first judged by, by step.
pub fn score(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    match board.headline {
        Some(Headline { metric, .. }) if !metric.is_share() => error(metric.name(), frame, area, board, ink),
        Some(Headline { metric, .. }) => share(metric.name(), frame, area, board, ink),
        None => share(Metric::Accuracy.name(), frame, area, board, ink),
    }
}

/// An error in units that nobody knows, by step.
fn error(name: &'static str, frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let curve = smooth(&board.score, area);
    let marks: Vec<_> = board.validation.iter().map(|&[step, _, error]| (step, error)).collect();
    let last =
        [board.score.points(60).last().map(|point| point.1), board.validation.last().map(|last| last[2])];
    let most = bounds(curve.iter().chain(&marks), 0.0)[1];
    let bounds = [0.0, if most > 0.0 { 1.1 * most } else { 1.0 }];
    let labels = [0.0, bounds[1] / 2.0, bounds[1]].map(plain).to_vec();
    let title = title(name, Color::Green, last.map(|last| last.map(significant)), ink);
    plot(frame, area, board, ink, Plot { title, curve, colour: Color::Green, marks, bounds, labels });
}

/// A share, such as the accuracy, by step, in percent.
fn share(name: &'static str, frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let percent = |(x, y): (f64, f64)| (x, 100.0 * y);
    let curve: Vec<_> = smooth(&board.score, area).into_iter().map(percent).collect();
    let marks: Vec<_> = board.validation.iter().map(|&[step, _, share]| percent((step, share))).collect();
    let last =
        [board.score.points(60).last().map(|point| point.1), board.validation.last().map(|last| last[2])];
    // A net that does well is seen from near.
    let least = bounds(curve.iter().chain(&marks), 0.0)[0];
    let bounds = [[90.0, 50.0, 0.0].into_iter().find(|&bound| bound <= least).unwrap_or(0.0), 100.0];
    let labels = [bounds[0], (bounds[0] + bounds[1]) / 2.0, bounds[1]].map(|y| format!("{y:.0} %")).to_vec();
    let last = last.map(|last| last.map(|share| format!("{:.2} %", 100.0 * share)));
    let title = title(name, Color::Green, last, ink);
    plot(frame, area, board, ink, Plot { title, curve, colour: Color::Green, marks, bounds, labels });
}

/// A curve in half as many points as there are columns, each a mean: a step's own value says little.
fn smooth(curve: &Curve, area: Rect) -> Vec<(f64, f64)> {
    curve.points(usize::from(area.width / 2))
}

/// Such as `loss 0.0977 • validation 0.0843`, of what there is.
fn title(
    what: &'static str,
    colour: Color,
    [train, validation]: [Option<String>; 2],
    ink: Ink,
) -> Line<'static> {
    let mut parts = vec![Span::styled(format!(" {what} "), ink.bold())];
    parts.extend(train.map(|value| Span::styled(format!("{value} "), ink.of(colour))));
    parts.extend(validation.map(|value| Span::styled(format!("• validation {value} "), ink.of(MARKS))));
    Line::from(parts)
}

/// The least and the greatest of the values, with a margin.
fn bounds<'a>(values: impl Iterator<Item = &'a (f64, f64)>, margin: f64) -> [f64; 2] {
    let [least, most] =
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], &(_, y)| [least.min(y), most.max(y)]);
    if least > most { [-1.0, 1.0] } else { [least - margin, most + margin] }
}

/// Two significant digits, or more where they stand before the point.
fn plain(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        1.0.. if value < 1e4 => format!("{value:.1}"),
        0.1..1.0 => format!("{value:.2}"),
        0.01..0.1 => format!("{value:.3}"),
        1e-3..0.01 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

fn plot(frame: &mut Frame, area: Rect, board: &Board, ink: Ink, plot: Plot) {
    let Plot { title, curve, colour, marks, bounds, labels } = plot;
    let (first, last) = (board.run.before as f64, board.step.max(board.run.before + 1) as f64);
    let line = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(ink.of(colour))
        .data(&curve);
    let dots = Dataset::default()
        .marker(Marker::Dot)
        .graph_type(GraphType::Scatter)
        .style(ink.of(MARKS))
        .data(&marks);
    let steps = [format!("step {first}"), format!("{last}")];
    let x = Axis::default().style(ink.dim()).bounds([first, last]).labels(steps);
    let y = Axis::default().style(ink.dim()).bounds(bounds).labels(labels);
    frame.render_widget(Chart::new(vec![line, dots]).block(ink.frame(title)).x_axis(x).y_axis(y), area);
}
