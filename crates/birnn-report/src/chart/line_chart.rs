//! Line charts.

use super::axis::Scale;
use super::frame::{Frame, Side};
use super::svg::{Point, Svg};
use crate::figure::{Figure, Table, tied};

/// A line chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its identifier, unique on its page.
    pub id: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// The horizontal axis.
    pub x: Side,
    /// The vertical axis.
    pub y: Side,
    /// The lines, in the order of their colours.
    pub lines: Vec<Line>,
}

/// A line of a chart: its points from left to right, or dots.
#[derive(Clone, Debug)]
pub struct Line {
    /// What the key calls it.
    pub name: String,
    /// Pairs of values.
    pub points: Vec<Point>,
    /// Whether the points are dots of their own, in any order.
    pub scattered: bool,
}

/// Lines of at most so many points have each of them marked.
const MARKED: usize = 40;

impl Line {
    /// A line through `points`, which are ordered by their first values.
    pub fn new(name: &str, points: Vec<Point>) -> Line {
        Line { name: name.to_owned(), points, scattered: false }
    }

    /// Dots at `points`.
    pub fn dots(name: &str, mut points: Vec<Point>) -> Line {
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Line { name: name.to_owned(), points, scattered: true }
    }

    /// Draws the line in the colour of this index.
    fn draw(&self, frame: &mut Frame, style: usize) {
        // What has no point, such as 0 on a logarithmic axis, leaves a gap.
        let points: Vec<Option<Point>> = self.points.iter().map(|&pair| frame.point(pair)).collect();
        for piece in points.split(Option::is_none) {
            let piece: Vec<Point> = piece.iter().copied().flatten().collect();
            if piece.len() > 1 && !self.scattered {
                frame.svg.polyline(&format!("line s{style}"), &piece);
            }
            if piece.len() == 1 || self.scattered || self.points.len() <= MARKED {
                for &point in &piece {
                    frame.svg.circle(&format!("dot s{style}"), point, 2.5);
                }
            }
        }
    }
}

impl Chart {
    /// Draws the lines into a frame of the chart's axes.
    pub(super) fn draw(&self, mut frame: Frame) -> Svg {
        for (style, line) in self.lines.iter().enumerate() {
            line.draw(&mut frame, style);
        }
        frame.svg
    }

    /// The chart as a page has it, whose style sheet colours it.
    pub(crate) fn figure(self) -> Figure {
        let svg = self.draw(Frame::new(&self.x, &self.y)).finish(&self.id, &self.title, &self.description());
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
    pub(super) fn description(&self) -> String {
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

    /// One row per value on the x axis, one column per line.
    fn table(&self) -> Table {
        let mut values: Vec<f64> =
            self.lines.iter().flat_map(|line| &line.points).map(|point| point.0).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let mut rest: Vec<&[Point]> = self.lines.iter().map(|line| line.points.as_slice()).collect();
        let rows = values.into_iter().map(|value| {
            let mut row = vec![self.x.value(value)];
            for points in &mut rest {
                // Dots may lie above each other.
                let (here, after) = points.split_at(points.iter().take_while(|(x, _)| *x == value).count());
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
    use super::super::axis::Axis;
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
    fn the_table_joins_lines_by_value() {
        let lines = vec![
            Line::new("a", vec![(1.0, 0.5), (2.0, 0.25), (4.0, 0.125)]),
            Line::new("b", vec![(2.0, 1.0), (4.0, 0.0)]),
        ];
        let table = chart(lines).table();
        assert_eq!(table.columns, ["step", "a", "b"]);
        assert_eq!(table.rows, [["1", "0.5", ""], ["2", "0.25", "1"], ["4", "0.125", "0"]]);
    }

    #[test]
    fn what_has_no_point_leaves_a_gap() {
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
