//! Line charts.

use crate::axis::{Axis, Scale, number};
use crate::figure::{Figure, Table, tied};
use crate::svg::{Point, Svg};

/// A line chart to be drawn.
#[derive(Debug)]
pub(crate) struct Chart {
    /// Its own on the page.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) x: Side,
    pub(crate) y: Side,
    pub(crate) lines: Vec<Line>,
}

/// An axis with its words.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) label: String,
    pub(crate) axis: Axis,
    /// Whether values from 0 to 1 are written as percentages.
    pub(crate) percent: bool,
}

/// A line of a chart: its points from left to right, or dots.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<Point>,
    /// Whether the points are dots of their own, in any order.
    pub(crate) scattered: bool,
}

/// A drawing with axes, in which values have places.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) svg: Svg,
    x: &'a Axis,
    y: &'a Axis,
}

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 378.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 206.0;
/// Lines of at most so many points have each of them marked.
const MARKED: usize = 40;

impl Side {
    pub(crate) fn new(label: &str, axis: Axis) -> Side {
        Side { label: label.to_owned(), axis, percent: false }
    }

    /// From 0 to 100 %.
    pub(crate) fn share(label: &str) -> Side {
        Side { label: label.to_owned(), axis: Axis::fixed(0.0, 1.0, 0.2), percent: true }
    }

    pub(crate) fn value(&self, value: f64) -> String {
        if self.percent { tied(&format!("{} %", number(100.0 * value))) } else { number(value) }
    }
}

impl Line {
    pub(crate) fn new(name: &str, points: Vec<Point>) -> Line {
        Line { name: name.to_owned(), points, scattered: false }
    }

    pub(crate) fn dots(name: &str, mut points: Vec<Point>) -> Line {
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Line { name: name.to_owned(), points, scattered: true }
    }
}

impl<'a> Frame<'a> {
    /// Axes with ticks, labels and a grid.
    pub(crate) fn new(x: &'a Side, y: &'a Side) -> Frame<'a> {
        let mut frame = Frame { svg: Svg::new(WIDTH, HEIGHT), x: &x.axis, y: &y.axis };
        for &tick in &y.axis.ticks {
            if let Some((_, height)) = frame.place((x.axis.low, tick)) {
                frame.svg.line("grid", (LEFT, height), (RIGHT, height));
                frame.svg.text("tick end", (LEFT - 6.0, height + 4.0), &y.value(tick));
            }
        }
        for &tick in &x.axis.ticks {
            if let Some((across, _)) = frame.place((tick, y.axis.low)) {
                frame.svg.line("axis", (across, BOTTOM), (across, BOTTOM + 4.0));
                frame.svg.text("tick middle", (across, BOTTOM + 17.0), &x.value(tick));
            }
        }
        frame.svg.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        frame.svg.text("label middle", ((LEFT + RIGHT) / 2.0, HEIGHT - 8.0), &x.label);
        frame.svg.upright_text("label middle", (12.0, (TOP + BOTTOM) / 2.0), &y.label);
        frame
    }

    /// Where a pair of values lies in the drawing.
    pub(crate) fn place(&self, (x, y): Point) -> Option<Point> {
        let (across, up) = (self.x.place(x)?, self.y.place(y)?);
        Some((LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)))
    }

    fn draw(&mut self, style: usize, line: &Line) {
        // What has no place, such as 0 on a logarithmic axis, leaves a gap.
        let places: Vec<Option<Point>> = line.points.iter().map(|&point| self.place(point)).collect();
        for piece in places.split(Option::is_none) {
            let piece: Vec<Point> = piece.iter().copied().flatten().collect();
            if piece.len() > 1 && !line.scattered {
                self.svg.polyline(&format!("line s{style}"), &piece);
            }
            if piece.len() == 1 || line.scattered || line.points.len() <= MARKED {
                for &place in &piece {
                    self.svg.circle(&format!("dot s{style}"), place, 2.5);
                }
            }
        }
    }
}

impl Chart {
    pub(crate) fn figure(self) -> Figure {
        let mut frame = Frame::new(&self.x, &self.y);
        for (style, line) in self.lines.iter().enumerate() {
            frame.draw(style, line);
        }
        let svg = frame.svg.finish(&self.id, &self.title, &self.description());
        let legend = match self.lines.as_slice() {
            [_] => Vec::new(),
            lines => lines.iter().map(|line| (line.name.clone(), line.scattered)).collect(),
        };
        Figure {
            table: self.table(),
            id: self.id,
            title: self.title,
            caption: tied(&self.caption),
            svg,
            legend,
        }
    }

    /// What the drawing looks like, in words.
    fn description(&self) -> String {
        let scale = if self.y.axis.scale == Scale::Logarithmic { ", on a logarithmic scale" } else { "" };
        let mut text = format!("{} against {}{scale}.", self.y.label, self.x.label);
        for Line { name, points, scattered } in &self.lines {
            if *scattered {
                text += &format!(" {name}: {} dots.", points.len());
                continue;
            }
            let (Some(&(x, y)), Some(&(last_x, last_y))) = (points.first(), points.last()) else { continue };
            let [from, to] = [y, last_y].map(|y| self.y.value(y));
            let [start, end] = [x, last_x].map(|x| self.x.value(x));
            text += &format!(" {name}: from {from} at {start} to {to} at {end}.");
        }
        text
    }

    /// One row per place on the x axis, one column per line.
    fn table(&self) -> Table {
        let mut places: Vec<f64> =
            self.lines.iter().flat_map(|line| &line.points).map(|point| point.0).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let mut rest: Vec<&[Point]> = self.lines.iter().map(|line| line.points.as_slice()).collect();
        let rows = places.into_iter().map(|place| {
            let mut row = vec![self.x.value(place)];
            for points in &mut rest {
                // Dots may lie above each other.
                let (here, after) = points.split_at(points.iter().take_while(|(x, _)| *x == place).count());
                *points = after;
                row.push(here.iter().map(|(_, y)| self.y.value(*y)).collect::<Vec<_>>().join(", "));
            }
            row
        });
        let rows = rows.collect();
        let columns = [&self.x.label].into_iter().chain(self.lines.iter().map(|line| &line.name)).cloned();
        Table { caption: format!("{}: {}", self.title, self.y.label), columns: columns.collect(), rows }
    }
}

/// At most about `most` points: where there are more, each is the mean of several in a row. Also says of how
/// many.
pub(crate) fn thinned(points: &[Point], most: usize) -> (Vec<Point>, usize) {
    let several = points.len().div_ceil(most).max(1);
    let mean = |part: &[Point]| {
        let sum = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / part.len() as f64, sum.1 / part.len() as f64)
    };
    (points.chunks(several).map(mean).collect(), several)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: Vec<Line>) -> Chart {
        Chart {
            id: "loss".to_owned(),
            title: "Loss <b>".to_owned(),
            caption: String::new(),
            x: Side::new("step", Axis::counting(0.0, 4.0)),
            y: Side::new("loss", Axis::logarithmic([0.1, 1.0].into_iter())),
            lines,
        }
    }

    #[test]
    fn the_table_joins_lines_by_place() {
        let lines = vec![
            Line::new("a", vec![(1.0, 0.5), (2.0, 0.25), (4.0, 0.125)]),
            Line::new("b", vec![(2.0, 1.0), (4.0, 0.0)]),
        ];
        let table = chart(lines).table();
        assert_eq!(table.columns, ["step", "a", "b"]);
        assert_eq!(table.rows, [["1", "0.5", ""], ["2", "0.25", "1"], ["4", "0.125", "0"]]);
    }

    #[test]
    fn what_has_no_place_leaves_a_gap() {
        let points = [0.5, 0.0, 0.5, 0.2, f64::NAN].into_iter().enumerate();
        let line = Line::new("a", points.map(|(x, y)| (x as f64, y)).collect());
        let figure = chart(vec![line]).figure();
        assert_eq!(figure.svg.matches("<polyline").count(), 1);
        assert_eq!(figure.svg.matches("<circle").count(), 3);
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("<b>"), "{}", figure.svg);
        assert!(figure.legend.is_empty());
    }

    #[test]
    fn long_lines_are_thinned_by_means() {
        let points: Vec<Point> = (0..10).map(|n| (f64::from(n), f64::from(2 * n))).collect();
        assert_eq!(thinned(&points, 10), (points.clone(), 1));
        assert_eq!(thinned(&points, 4), (vec![(1.0, 2.0), (4.0, 8.0), (7.0, 14.0), (9.0, 18.0)], 3));
        assert_eq!(thinned(&[], 4), (Vec::new(), 1));
    }
}
