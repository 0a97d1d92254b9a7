//! Lines over the same steps, each in a strip of its own, for values in units of their own.

use super::axis::Axis;
use super::frame::LEFT;
use super::svg::{Point, Svg};
use crate::number::number;

/// Lines over the same steps. A value that is not finite leaves a gap.
#[derive(Debug)]
pub(crate) struct Strips {
    /// How many steps each of them has, at least 1.
    pub(crate) steps: usize,
    /// What the steps are called.
    pub(crate) label: &'static str,
    pub(crate) lines: Vec<Strip>,
}

/// A line with what it is called.
#[derive(Debug)]
pub(crate) struct Strip {
    pub(crate) name: String,
    /// One value for each step.
    pub(crate) values: Vec<f64>,
}

/// How a drawing is laid out, and how many points a line is thinned to.
#[derive(Clone, Copy)]
struct Layout {
    width: f64,
    /// The height of a strip that is alone.
    alone: f64,
    /// The height of one of several.
    each: f64,
    /// The room beside the strips, and between two.
    left: f64,
    right: f64,
    between: f64,
    most: usize,
}

/// Without axes.
const SMALL: Layout =
    Layout { width: 168.0, alone: 96.0, each: 22.0, left: 2.0, right: 2.0, between: 4.0, most: 84 };
/// With axes.
const LARGE: Layout =
    Layout { width: 400.0, alone: 150.0, each: 48.0, left: LEFT, right: 22.0, between: 10.0, most: 200 };
/// The room of the steps' axis.
const BOTTOM: f64 = 44.0;

impl Strip {
    /// The lowest and the highest value; `None` where there is none at all.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let known = || self.values.iter().copied().filter(|value| value.is_finite());
        let low = known().reduce(f64::min)?;
        Some((low, known().reduce(f64::max)?))
    }
}

impl Strips {
    /// The lines alone.
    pub(crate) fn small(&self) -> Svg {
        self.draw(SMALL, 0.0, |_, _, _, _| ())
    }

    /// With each line's name and range, and an axis of the steps.
    pub(crate) fn large(&self) -> Svg {
        let mut svg = self.draw(LARGE, BOTTOM, |svg, strip, top, bottom| {
            let right = LARGE.width - LARGE.right;
            svg.line("grid", (LEFT, top), (right, top));
            svg.line("grid", (LEFT, bottom), (right, bottom));
            let x = LEFT - 6.0;
            match strip.range() {
                Some((low, high)) if low < high => {
                    svg.text("tick end", (x, top + 9.0), &number(high));
                    svg.text("tick end", (x, bottom), &number(low));
                }
                Some((level, _)) => svg.text("tick end", (x, bottom), &number(level)),
                None => svg.text("tick end", (x, bottom), "missing"),
            }
            if self.lines.len() > 1 {
                svg.text("tick end", (x, (top + bottom) / 2.0 + 4.5), &strip.name);
            }
        });
        let bottom = LARGE.height(self.lines.len());
        let axis = Axis::counting(1.0, self.steps as f64);
        svg.line("axis", (LEFT, bottom), (LARGE.width - LARGE.right, bottom));
        for tick in axis.ticks.iter().filter(|tick| **tick <= self.steps as f64) {
            let x = LARGE.across(*tick as usize - 1, self.steps);
            svg.line("axis", (x, bottom), (x, bottom + 4.0));
            svg.text("tick middle", (x, bottom + 17.0), &number(*tick));
        }
        let middle = (LEFT + LARGE.width - LARGE.right) / 2.0;
        svg.text("label middle", (middle, bottom + 36.0), self.label);
        svg
    }

    /// Draws each line between the top and the bottom of its strip, over what `behind` puts there.
    fn draw(&self, layout: Layout, below: f64, mut behind: impl FnMut(&mut Svg, &Strip, f64, f64)) -> Svg {
        let count = self.lines.len();
        let mut svg = Svg::new(layout.width, layout.height(count) + below);
        let height = layout.strip(count);
        for (index, strip) in self.lines.iter().enumerate() {
            let top = layout.between / 2.0 + index as f64 * (height + layout.between);
            let bottom = top + height;
            behind(&mut svg, strip, top, bottom);
            let Some((low, high)) = strip.range() else { continue };
            let up = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
            for piece in pieces(&strip.values, layout.most) {
                let points: Vec<Point> = piece
                    .into_iter()
                    .map(|(step, value)| (layout.across(step, self.steps), bottom - up(value) * height))
                    .collect();
                match points[..] {
                    [alone] => svg.circle("dot s0", alone, 1.5),
                    _ => svg.polyline("line s0", &points),
                }
            }
        }
        svg
    }
}

impl Layout {
    /// Of one of so many strips.
    fn strip(self, count: usize) -> f64 {
        if count == 1 { self.alone } else { self.each }
    }

    /// Of so many together, with what is around them.
    fn height(self, count: usize) -> f64 {
        count as f64 * (self.strip(count) + self.between)
    }

    /// Where a step is, from 0; in the middle where there is but one.
    fn across(self, step: usize, steps: usize) -> f64 {
        let share = if steps > 1 { step as f64 / (steps - 1) as f64 } else { 0.5 };
        self.left + share * (self.width - self.left - self.right)
    }
}

/// How many steps in a row are drawn as one, of which the lowest and the highest value remain.
fn together(steps: usize, most: usize) -> usize {
    if steps <= most { 1 } else { (2 * steps).div_ceil(most) }
}

/// How many steps the larger drawing draws as one.
pub(crate) fn together_when_large(steps: usize) -> usize {
    together(steps, LARGE.most)
}

/// The pieces of a line between what is missing, as steps with their values, each step in order: all of them, or of
/// so many steps in a row the lowest and the highest, so that at most about `most` points are left and no peak is
/// lost.
fn pieces(values: &[f64], most: usize) -> Vec<Vec<(usize, f64)>> {
    let together = together(values.len(), most);
    let mut pieces = vec![Vec::new()];
    for (index, part) in values.chunks(together).enumerate() {
        let known = || {
            let steps = part.iter().copied().enumerate().filter(|(_, value)| value.is_finite());
            steps.map(|(step, value)| (index * together + step, value))
        };
        let by_value = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        match (known().min_by(by_value), known().max_by(by_value)) {
            (Some(low), Some(high)) => {
                let mut ends = [low, high];
                ends.sort_by_key(|(step, _)| *step);
                let different = if low.0 == high.0 { 1 } else { 2 };
                if let Some(piece) = pieces.last_mut() {
                    piece.extend(&ends[..different]);
                }
            }
            _ => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece: &Vec<_>| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f64 = f64::NAN;

    fn strips(lines: &[&[f64]]) -> Strips {
        let strip = |values: &&[f64]| Strip { name: "feature <1>".to_owned(), values: values.to_vec() };
        Strips { steps: lines[0].len(), label: "time step", lines: lines.iter().map(strip).collect() }
    }

    #[test]
    fn what_is_missing_leaves_a_gap() {
        let steps = |values: &[f64]| -> Vec<Vec<usize>> {
            pieces(values, 100).iter().map(|piece| piece.iter().map(|(step, _)| *step).collect()).collect()
        };
        assert_eq!(steps(&[1.0, 2.0, NONE, 3.0, NONE, NONE, 4.0, 5.0]), [vec![0, 1], vec![3], vec![6, 7]]);
        assert_eq!(steps(&[NONE, 1.0, f64::INFINITY]), [vec![1]]);
        assert!(steps(&[NONE, NONE]).is_empty());
    }

    #[test]
    fn long_lines_are_thinned_and_keep_their_peaks() {
        let mut values: Vec<f64> = (0..1344).map(|step| f64::from(step % 7)).collect();
        (values[500], values[801]) = (99.0, -99.0);
        for most in [50, 100, 200, 1343] {
            let pieces = pieces(&values, most);
            let [piece] = &pieces[..] else { panic!("{} pieces", pieces.len()) };
            assert!(piece.len() <= most, "{} of {most}", piece.len());
            assert!(piece.contains(&(500, 99.0)) && piece.contains(&(801, -99.0)), "{most}");
            assert!(piece.is_sorted_by_key(|(step, _)| *step));
        }
        assert_eq!(pieces(&values, 1344).concat().len(), 1344);
        // A gap as long as what is drawn as one is seen.
        values[600..700].fill(NONE);
        assert_eq!(pieces(&values, 100).len(), 2);
    }

    #[test]
    fn whatever_the_values_the_drawing_is_well_formed() {
        for lines in [
            &[&[1.0][..]][..],
            &[&[2.0, 2.0, 2.0]],
            &[&[NONE, NONE], &[0.0, 1.0]],
            &[&[1e30, -1e30, 1e-30], &[NONE, 5.0, NONE], &[1.0, 2.0, 3.0]],
        ] {
            for svg in [strips(lines).small(), strips(lines).large()] {
                let text = svg.finish("x", "title", "description");
                assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                roxmltree::Document::parse(&text).unwrap();
            }
        }
        let text = strips(&[&[1.0, 3.0], &[7.0, 7.0]]).large().finish("x", "", "");
        for part in [">1<", ">3<", ">7<", ">2<", ">time step<", ">feature &lt;1&gt;<"] {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
}
