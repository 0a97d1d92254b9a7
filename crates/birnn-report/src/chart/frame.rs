//! A drawing with two axes, in which pairs of values have points.

use super::axis::Axis;
use super::svg::{Point, Svg};
use crate::figure::tied;
use crate::number::number_apart;

/// An axis with its words.
#[derive(Clone, Debug)]
pub struct Side {
    /// What the values are, with their unit.
    pub label: String,
    /// The axis.
    pub axis: Axis,
    /// Whether values from 0 to 1 are written as percentages.
    pub percent: bool,
}

/// A drawing with axes.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) svg: Svg,
    x: &'a Axis,
    y: &'a Axis,
    right: f64,
    bottom: f64,
}

/// The width and height of a drawing on a page.
const PAGE: (f64, f64) = (400.0, 250.0);
/// What a drawing has around its plot.
pub(super) const LEFT: f64 = 72.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

impl Side {
    /// A side whose values are written as they are.
    pub fn new(label: &str, axis: Axis) -> Side {
        Side { label: label.to_owned(), axis, percent: false }
    }

    /// From 0 to 100 %.
    pub fn share(label: &str) -> Side {
        Side { label: label.to_owned(), axis: Axis::fixed(0.0, 1.0, 0.2), percent: true }
    }

    /// A value as text, told apart from one that is a twentieth of a tick from it.
    pub(crate) fn value(&self, value: f64) -> String {
        self.among(value, 0.05)
    }

    /// A tick as text.
    fn tick(&self, value: f64) -> String {
        self.among(value, 1.0)
    }

    /// A value among others that are this part of the way between two ticks apart.
    fn among(&self, value: f64, part: f64) -> String {
        let apart = part * self.axis.step().unwrap_or(f64::NAN);
        match self.percent {
            true => tied(&format!("{} %", number_apart(100.0 * value, 100.0 * apart))),
            false => number_apart(value, apart),
        }
    }
}

impl<'a> Frame<'a> {
    /// Axes with ticks, labels and a grid, as large as a page has them.
    pub(crate) fn new(x: &'a Side, y: &'a Side) -> Frame<'a> {
        Frame::sized(x, y, PAGE)
    }

    /// Axes with ticks, labels and a grid, in a drawing of this width and height.
    pub(super) fn sized(x: &'a Side, y: &'a Side, (width, height): (f64, f64)) -> Frame<'a> {
        let (right, bottom) = (width - RIGHT, height - BOTTOM);
        let mut frame = Frame { svg: Svg::new(width, height), x: &x.axis, y: &y.axis, right, bottom };
        for &tick in &y.axis.ticks {
            if let Some((_, down)) = frame.point((x.axis.low, tick)) {
                frame.svg.line("grid", (LEFT, down), (right, down));
                frame.svg.text("tick end", (LEFT - 6.0, down + 4.0), &y.tick(tick));
            }
        }
        for &tick in &x.axis.ticks {
            if let Some((across, _)) = frame.point((tick, y.axis.low)) {
                frame.svg.line("axis", (across, bottom), (across, bottom + 4.0));
                frame.svg.text("tick middle", (across, bottom + 17.0), &x.tick(tick));
            }
        }
        frame.svg.line("axis", (LEFT, bottom), (right, bottom));
        frame.svg.text("label middle", ((LEFT + right) / 2.0, height - 8.0), &x.label);
        frame.svg.upright_text("label middle", (12.0, (TOP + bottom) / 2.0), &y.label);
        frame
    }

    /// The point of a pair of values; `None` of one that has none, such as 0 on a logarithmic axis.
    pub(crate) fn point(&self, (x, y): Point) -> Option<Point> {
        let (across, up) = (self.x.position(x)?, self.y.position(y)?);
        Some((LEFT + across * (self.right - LEFT), self.bottom - up * (self.bottom - TOP)))
    }
}
