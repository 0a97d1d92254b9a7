//! A sweep as a picture: milliseconds per step, one line per contender.

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;

use crate::bench::Bench;
use crate::contender::Kind;
use crate::sweeps::Sweep;
use crate::turns::{Timed, median};

/// A line by its name.
struct Line {
    kind: Kind,
    points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (720, 440);
const LINES: [Kind; 3] = [Kind::Birnn, Kind::Libtorch, Kind::Pytorch];
const FONT: &str = "sans-serif";

/// The SVG of a sweep, if it was measured at two places or more.
pub fn svg(bench: &Bench, sweep: Sweep) -> Result<Option<String>> {
    let Some((axis, logarithmic)) = sweep.axis().filter(|_| bench.sweeps.contains(&sweep)) else {
        return Ok(None);
    };
    let places = places(bench, sweep);
    if places.len() < 2 {
        return Ok(None);
    }
    let lines: Vec<Line> = LINES
        .into_iter()
        .map(|kind| {
            let point = |(x, timed): &(f64, &[Timed])| Some((*x, median(timed, kind)?));
            Line { kind, points: places.iter().filter_map(point).collect() }
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    let scale = if logarithmic { Scale::Logarithmic } else { Scale::Linear };
    draw(&format!("A training step against {axis}"), axis, scale, &lines).map(Some)
}

/// What was measured along a sweep's axis.
fn places(bench: &Bench, sweep: Sweep) -> Vec<(f64, &[Timed])> {
    if sweep == Sweep::Threads {
        return bench.threads.iter().map(|at| (at.threads as f64, at.timed.as_slice())).collect();
    }
    let place = |point| {
        let measured = bench.at(point)?;
        Some((sweep.place(point)? as f64, measured.timed.as_slice()))
    };
    sweep.points().iter().filter_map(place).collect()
}

/// How values become places on an axis.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// From `low` to `high`, both of which are on it, with ticks and labels just where they are wanted.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        if self == Scale::Logarithmic { value.log10() } else { value }
    }

    /// Ticks for values from `low` to `high`, one beyond each end: 1, 2 and 5 in every decade, or even steps from zero.
    fn ticks(self, low: f64, high: f64) -> Vec<f64> {
        let all: Vec<f64> = if self == Scale::Logarithmic {
            (-6..9).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power))).collect()
        } else {
            let rough = high / 5.0;
            let decade = 10_f64.powf(rough.log10().floor());
            let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade);
            let step = step.into_iter().find(|&step| step >= rough).unwrap_or(10.0 * decade);
            (0..8).map(|n| f64::from(n) * step).collect()
        };
        let first = all.iter().rposition(|&tick| tick <= low).unwrap_or(0);
        let last = all.iter().position(|&tick| tick >= high).unwrap_or(all.len() - 1);
        all[if self == Scale::Linear { 0 } else { first }..=last].to_vec()
    }
}

impl Axis {
    /// With a tick at each of sorted values, and some room at both ends.
    fn at(scale: Scale, values: Vec<f64>) -> Axis {
        let [first, last] = [values[0], values[values.len() - 1]];
        let (low, high) = match scale {
            Scale::Linear => (first - 0.05 * (last - first), last + 0.05 * (last - first)),
            Scale::Logarithmic => {
                let room = (last / first).powf(0.04);
                (first / room, last * room)
            }
        };
        Axis { scale, low, high, ticks: values }
    }

    /// With round ticks around sorted values.
    fn around(scale: Scale, values: &[f64]) -> Axis {
        let ticks = scale.ticks(values[0], values[values.len() - 1]);
        Axis { scale, low: ticks[0], high: ticks[ticks.len() - 1], ticks }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let [value, low, high] = [*value, self.low, self.high].map(|value| self.scale.place(value));
        let length = f64::from(limit.1 - limit.0);
        limit.0 + (length * (value - low) / (high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        // Multiples of a step such as 0.1 need not be round.
        format!("{}", (1e6 * value).round() / 1e6)
    }
}

fn draw(title: &str, axis: &str, scale: Scale, lines: &[Line]) -> Result<String> {
    let values = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = lines.iter().flat_map(|line| line.points.iter().map(of)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let (xs, ys) = (values(|point| point.0), values(|point| point.1));
    let (x, y) = (Axis::at(scale, xs), Axis::around(scale, &ys));

    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let failed = |error: &dyn std::fmt::Display| anyhow!("cannot draw `{title}`: {error}");
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, (FONT, 18))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(62)
        .build_cartesian_2d(x, y)
        .map_err(|error| failed(&error))?;
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_desc("milliseconds per step")
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .bold_line_style(RGBColor(225, 225, 225))
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(|error| failed(&error))?;
    for line in lines {
        let colour = colour(line.kind);
        let points = || line.points.iter().copied();
        chart
            .draw_series(LineSeries::new(points(), colour.stroke_width(2)))
            .map_err(|error| failed(&error))?
            .label(line.kind.to_string())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(2)));
        chart
            .draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))
            .map_err(|error| failed(&error))?;
    }
    // Where the lines are not: they rise, except by threads.
    let falls = lines.iter().any(|line| line.points[0].1 > line.points[line.points.len() - 1].1);
    chart
        .configure_series_labels()
        .position(if falls { SeriesLabelPosition::UpperRight } else { SeriesLabelPosition::UpperLeft })
        .background_style(WHITE)
        .border_style(RGBColor(200, 200, 200))
        .label_font((FONT, 14))
        .draw()
        .map_err(|error| failed(&error))?;
    root.present().map_err(|error| failed(&error))?;
    drop(chart);
    drop(root);
    Ok(svg)
}

/// Okabe and Ito's colours, which the colour-blind can tell apart.
fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Birnn => RGBColor(0, 114, 178),
        Kind::Libtorch => RGBColor(213, 94, 0),
        Kind::Pytorch | Kind::Tutorial => RGBColor(0, 158, 115),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::made_up::bench;

    #[test]
    fn a_picture_names_its_lines_axes_and_places() {
        let svg = svg(&bench(), Sweep::Batch).unwrap().unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["birnn", "libtorch", "PyTorch", "milliseconds per step", "images per step", "4096"] {
            assert!(svg.contains(&format!("\n{text}\n")), "no {text} in {svg}");
        }
        for colour in ["#0072B2", "#D55E00", "#009E73"] {
            let lines = |line: &&str| line.starts_with("<polyline") && line.contains(colour);
            // One in the plot, one in its key.
            assert_eq!(svg.lines().filter(lines).count(), 2, "{colour}");
        }
    }

    #[test]
    fn only_what_was_measured_is_drawn() {
        let mut bench = bench();
        assert!(svg(&bench, Sweep::Threads).unwrap().unwrap().contains("\nthreads\n"));
        assert!(svg(&bench, Sweep::Memory).unwrap().is_none());
        bench.threads.truncate(1);
        assert!(svg(&bench, Sweep::Threads).unwrap().is_none());
        bench.sweeps = vec![Sweep::Cells];
        assert!(svg(&bench, Sweep::Batch).unwrap().is_none());
    }

    #[test]
    fn ticks_hold_the_values_between_them() {
        assert_eq!(Scale::Logarithmic.ticks(3.0, 30.0), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(Scale::Linear.ticks(3.0, 42.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
    }
}
