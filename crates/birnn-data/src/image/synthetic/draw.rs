//! From the strokes of a digit to an image: a hand's tremor, slant and warp, then ink.

use std::f64::consts::TAU;

use super::glyphs::{Point, Stroke};
use crate::image::frame::frame;
use crate::image::preprocessing::Framing;
use crate::rng::Rng;

/// Pixels of the sheet per pixel of MNIST's box of 20 x 20, so that framing can average over areas.
const PER_PIXEL: f64 = 4.0;

/// Pixels per side of the sheet that a digit is drawn on: the box and a rim.
const SHEET: usize = 84;

/// A pixel that the pen covers.
const FULL: u8 = 255;

/// Draws `strokes` as one hand would and returns 28 x 28 pixels framed as in MNIST.
pub(super) fn draw(mut strokes: Vec<Stroke>, rng: &mut Rng) -> Vec<u8> {
    tremble(&mut strokes, rng);
    let warp = Warp::new(rng);
    let written = |stroke: &Stroke| flatten(stroke).into_iter().map(|point| warp.apply(point)).collect();
    let lines: Vec<Vec<Point>> = strokes.iter().map(written).collect();
    let sheet = ink(&lines, &Pen::new(rng));
    // Every digit has ink, so the blank image never shows.
    frame(&sheet, SHEET, 28, 28, Framing::Mnist).unwrap_or_else(|| vec![0; 28 * 28])
}

/// Moves every control point a little, the two of a corner alike.
fn tremble(strokes: &mut [Stroke], rng: &mut Rng) {
    let amount = rng.uniform(0.0, 0.045);
    for stroke in strokes {
        for corner in stroke.chunk_by_mut(|a, b| a == b) {
            let (right, down) = (amount * rng.normal(), amount * rng.normal());
            for [x, y] in corner {
                *x += right;
                *y += down;
            }
        }
    }
}

/// Points along `stroke`, close enough for straight lines between them.
///
/// Between two control points runs a cubic with the tangents of a centripetal Catmull-Rom spline (Yuksel,
/// Schaefer and Keyser 2011), which makes neither cusps nor loops of its own however unevenly the points lie.
fn flatten(stroke: &[Point]) -> Vec<Point> {
    const STEPS: u32 = 8;
    let tangents = |before: Option<&Point>, from: Point, to: Point, after: Option<&Point>| {
        let chord = [to[0] - from[0], to[1] - from[1]];
        let start = before.filter(|&&point| point != from).map(|&point| tangent(point, from, to));
        let end =
            after.filter(|&&point| point != to).map(|&point| tangent(point, to, from).map(|part| -part));
        // The tangent of a loose end makes a parabola with the other one.
        let loose = |other: Point| [0, 1].map(|axis| 1.5 * chord[axis] - 0.5 * other[axis]);
        match (start, end) {
            (Some(start), Some(end)) => (start, end),
            (Some(start), None) => (start, loose(start)),
            (None, Some(end)) => (loose(end), end),
            (None, None) => (chord, chord),
        }
    };
    let mut points: Vec<Point> = stroke.first().copied().into_iter().collect();
    for (index, pair) in stroke.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]) {
        let before = index.checked_sub(1).and_then(|index| stroke.get(index));
        let (from, to) = (pair[0], pair[1]);
        let (start, end) = tangents(before, from, to, stroke.get(index + 2));
        points.extend((1..=STEPS).map(|step| {
            let t = f64::from(step) / f64::from(STEPS);
            let (t2, t3) = (t * t, t * t * t);
            [0, 1].map(|axis| {
                (2.0 * t3 - 3.0 * t2 + 1.0) * from[axis]
                    + (t3 - 2.0 * t2 + t) * start[axis]
                    + (3.0 * t2 - 2.0 * t3) * to[axis]
                    + (t3 - t2) * end[axis]
            })
        }));
    }
    points
}

/// The spline's tangent at `at` for the piece from there to `to`.
fn tangent(before: Point, at: Point, to: Point) -> Point {
    let knots = |a: Point, b: Point| (a[0] - b[0]).hypot(a[1] - b[1]).sqrt();
    let (back, ahead) = (knots(before, at), knots(at, to));
    [0, 1].map(|axis| {
        let across = (to[axis] - before[axis]) / (back + ahead);
        ((at[axis] - before[axis]) / back - across) * ahead + (to[axis] - at[axis])
    })
}

/// How the whole digit leans, turns and bends.
struct Warp {
    matrix: [Point; 2],
    waves: [[Wave; 2]; 2],
}

/// A displacement that changes slowly over the plane.
struct Wave {
    direction: Point,
    phase: f64,
    height: f64,
}

impl Warp {
    fn new(rng: &mut Rng) -> Warp {
        let slant = 0.12 + 0.25 * rng.normal();
        let (sin, cos) = (0.12 * rng.normal()).sin_cos();
        let width = (0.06 + 0.18 * rng.normal()).exp();
        let amount = rng.uniform(0.0, 0.045);
        let mut wave = || {
            let (sin, cos) = rng.uniform(0.0, TAU).sin_cos();
            let frequency = TAU * rng.uniform(0.4, 1.3);
            let phase = rng.uniform(0.0, TAU);
            Wave { direction: [frequency * cos, frequency * sin], phase, height: amount * rng.normal() }
        };
        Warp {
            matrix: [[width * cos, -slant * cos - sin], [width * sin, cos - slant * sin]],
            waves: [[wave(), wave()], [wave(), wave()]],
        }
    }

    fn apply(&self, [x, y]: Point) -> Point {
        [0, 1].map(|axis| {
            let shift = |wave: &Wave| {
                wave.height * (wave.direction[0] * x + wave.direction[1] * y + wave.phase).sin()
            };
            let [along, down] = self.matrix[axis];
            along * x + down * y + self.waves[axis].iter().map(shift).sum::<f64>()
        })
    }
}

/// How broad the line is, in pixels of the sheet.
struct Pen {
    radius: f64,
    /// The share by which pressure changes the radius.
    pressure: f64,
    phase: f64,
}

impl Pen {
    fn new(rng: &mut Rng) -> Pen {
        let width = (2.45 * (0.33 * rng.normal()).exp()).clamp(1.3, 5.5);
        let (pressure, phase) = (rng.uniform(0.0, 0.25), rng.uniform(0.0, TAU));
        Pen { radius: 0.5 * PER_PIXEL * width, pressure, phase }
    }

    /// The radius `index` points along a stroke.
    fn radius_at(&self, index: usize) -> f64 {
        self.radius * (1.0 + self.pressure * (self.phase + 0.15 * index as f64).sin())
    }
}

/// Inks `lines` on a sheet that they fill but for the rim, [`FULL`] where the pen went.
fn ink(lines: &[Vec<Point>], pen: &Pen) -> Vec<u8> {
    let bounds = |axis: usize| {
        let values = lines.iter().flatten().map(move |point| point[axis]);
        values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = bounds(0);
    let (top, bottom) = bounds(1);
    let longer = (right - left).max(bottom - top).max(1e-3);
    let scale = (20.0 * PER_PIXEL - 2.0 * pen.radius) / longer;
    let middle = [0.5 * (left + right), 0.5 * (top + bottom)];
    let mut sheet = vec![0; SHEET * SHEET];
    for line in lines {
        let on_sheet =
            |point: Point| [0, 1].map(|axis| 0.5 * SHEET as f64 + scale * (point[axis] - middle[axis]));
        for (index, pair) in line.windows(2).enumerate() {
            let radii = [pen.radius_at(index), pen.radius_at(index + 1)];
            ink_segment(&mut sheet, on_sheet(pair[0]), on_sheet(pair[1]), radii);
        }
    }
    sheet
}

/// Inks the pixels within the radius, which changes evenly between the `radii` of the ends, of a straight
/// line.
fn ink_segment(sheet: &mut [u8], from: Point, to: Point, radii: [f64; 2]) {
    let reach = radii[0].max(radii[1]) + 1.0;
    let range = |axis: usize| {
        let low = (from[axis].min(to[axis]) - reach).max(0.0) as usize;
        low..((from[axis].max(to[axis]) + reach).max(0.0) as usize).min(SHEET)
    };
    let [along, down] = [to[0] - from[0], to[1] - from[1]];
    let square = (along * along + down * down).max(1e-9);
    for row in range(1) {
        let line = &mut sheet[row * SHEET..][..SHEET];
        for column in range(0) {
            // Segments are shorter than they are broad: most of one lies on those before it.
            if line[column] == FULL {
                continue;
            }
            let (x, y) = (column as f64 + 0.5 - from[0], row as f64 + 0.5 - from[1]);
            let part = ((x * along + y * down) / square).clamp(0.0, 1.0);
            let (x, y) = (x - part * along, y - part * down);
            let edge = radii[0] + part * (radii[1] - radii[0]) + 0.5;
            let distance = x * x + y * y;
            let whole = (edge - 1.0).max(0.0);
            if distance < whole * whole {
                line[column] = FULL;
            } else if distance < edge * edge {
                let cover = (edge - distance.sqrt()).min(1.0);
                line[column] = line[column].max((f64::from(FULL) * cover).round() as u8);
            }
        }
    }
}
