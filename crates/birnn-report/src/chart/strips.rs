//! Lines over the same steps, each in a strip of its own, for values in units of their own.

use std::cmp::Reverse;
use std::ops::Range;

use super::axis::Axis;
use super::frame::LEFT;
use super::svg::{Point, Svg};
use crate::number::{number, number_apart};

/// Lines over the same steps. A value that is not finite leaves a gap.
#[derive(Debug)]
pub(crate) struct Strips {
    /// How many steps each of them has, at least 1.
    pub(crate) steps: usize,
    /// What the steps are called.
    pub(crate) label: &'static str,
    pub(crate) lines: Vec<Strip>,
    /// Drawn below the lines.
    pub(crate) bands: Option<Bands>,
}

/// A line, or several on the same scale, with what they are called.
#[derive(Debug)]
pub(crate) struct Strip {
    pub(crate) name: String,
    /// One value for each step, line by line, in the order of their colours.
    pub(crate) lines: Vec<Vec<f64>>,
}

/// The class of each step and the one that it is called, as two bands; below them a mark where these differ.
#[derive(Debug)]
pub(crate) struct Bands {
    pub(crate) classes: Vec<String>,
    /// One class for each step, by its index.
    pub(crate) truth: Vec<usize>,
    /// What each step is called.
    pub(crate) answer: Vec<usize>,
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
    /// The height of a band.
    band: f64,
    most: usize,
}

/// Without axes.
const SMALL: Layout = Layout {
    width: 168.0,
    alone: 96.0,
    each: 22.0,
    left: 2.0,
    right: 2.0,
    between: 4.0,
    band: 9.0,
    most: 84,
};
/// With axes.
const LARGE: Layout = Layout {
    width: 400.0,
    alone: 150.0,
    each: 48.0,
    left: LEFT,
    right: 22.0,
    between: 10.0,
    band: 17.0,
    most: 200,
};
/// The room of the steps' axis.
const BOTTOM: f64 = 44.0;
/// The height of the marks below bands, and the room after each of them.
const MARK: f64 = 3.0;
const GAP: f64 = 2.0;
/// Bands have so many colours, which return.
pub(crate) const COLOURS: usize = 6;
/// About as wide as a character of a label is.
const CHARACTER: f64 = 7.5;

impl Strip {
    /// The lowest and the highest value; `None` where there is none at all.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let known = || self.lines.iter().flatten().copied().filter(|value| value.is_finite());
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
                    let [high, low] = [high, low].map(|end| number_apart(end, (high - low) / 10.0));
                    svg.text("tick end", (x, top + 9.0), &high);
                    svg.text("tick end", (x, bottom), &low);
                }
                Some((level, _)) => svg.text("tick end", (x, bottom), &number(level)),
                None => svg.text("tick end", (x, bottom), "missing"),
            }
            if self.lines.len() > 1 {
                svg.text("tick end", (x, (top + bottom) / 2.0 + 4.5), &shortened(&strip.name));
            }
        });
        if let Some(bands) = &self.bands {
            let top = LARGE.height(self.lines.len());
            for (index, name) in ["truth", "answer"].into_iter().enumerate() {
                let middle = top + (index as f64 + 0.5) * LARGE.band + index as f64 * GAP;
                svg.text("tick end", (LEFT - 6.0, middle + 4.5), name);
            }
            bands.label(&mut svg, LARGE, top);
        }
        let bottom = self.height(LARGE);
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
        let mut svg = Svg::new(layout.width, self.height(layout) + below);
        if let Some(bands) = &self.bands {
            bands.draw(&mut svg, layout, layout.height(count));
        }
        let height = layout.strip(count);
        for (index, strip) in self.lines.iter().enumerate() {
            let top = layout.between / 2.0 + index as f64 * (height + layout.between);
            let bottom = top + height;
            behind(&mut svg, strip, top, bottom);
            let Some((low, high)) = strip.range() else { continue };
            let up = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
            for (style, values) in strip.lines.iter().enumerate() {
                for piece in pieces(values, layout.most) {
                    let points: Vec<Point> = piece
                        .into_iter()
                        .map(|(step, value)| (layout.across(step, self.steps), bottom - up(value) * height))
                        .collect();
                    match points[..] {
                        [alone] => svg.circle(&format!("dot s{style}"), alone, 1.5),
                        _ => svg.polyline(&format!("line s{style}"), &points),
                    }
                }
            }
        }
        svg
    }

    /// Of the lines and the bands.
    fn height(&self, layout: Layout) -> f64 {
        let bands = if self.bands.is_some() { 2.0 * (layout.band + GAP) + MARK + GAP } else { 0.0 };
        layout.height(self.lines.len()) + bands
    }
}

impl Bands {
    /// Each stretch of a class as a rectangle, and a mark below where truth and answer differ.
    fn draw(&self, svg: &mut Svg, layout: Layout, top: f64) {
        let steps = self.truth.len();
        let mut rectangle = |class: &str, range: &Range<usize>, top: f64, height: f64| {
            let (left, right) = layout.ends(range, steps);
            svg.rectangle(class, (left, top), (right, top + height));
        };
        for (index, classes) in [&self.truth, &self.answer].into_iter().enumerate() {
            let top = top + index as f64 * (layout.band + GAP);
            for (class, range) in stretches(&thinned(classes, layout.most)) {
                rectangle(&format!("band k{}", class % COLOURS), &range, top, layout.band);
            }
        }
        let wrong: Vec<usize> =
            self.truth.iter().zip(&self.answer).map(|(truth, answer)| usize::from(truth != answer)).collect();
        for (_, range) in stretches(&wrong).into_iter().filter(|(wrong, _)| *wrong == 1) {
            rectangle("mark", &range, top + 2.0 * (layout.band + GAP), MARK);
        }
    }

    /// The names of stretches that are wide enough for them.
    fn label(&self, svg: &mut Svg, layout: Layout, top: f64) {
        let steps = self.truth.len();
        for (index, classes) in [&self.truth, &self.answer].into_iter().enumerate() {
            let bottom = top + index as f64 * (layout.band + GAP) + layout.band;
            for (class, range) in stretches(&thinned(classes, layout.most)) {
                let ((left, right), name) = (layout.ends(&range, steps), &self.classes[class]);
                if right - left > CHARACTER * (name.chars().count() + 1) as f64 {
                    svg.text("middle", ((left + right) / 2.0, bottom - 4.5), name);
                }
            }
        }
    }
}

/// As much of a name as there is room for beside a strip or a bar.
pub(super) fn shortened(name: &str) -> String {
    let most = (LEFT / CHARACTER) as usize + 2;
    match name.chars().count() {
        count if count <= most => name.to_owned(),
        _ => name.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// Steps in a row of the same class, with that.
pub(crate) fn stretches(classes: &[usize]) -> Vec<(usize, Range<usize>)> {
    let mut begin = 0;
    let stretch = |same: &[usize]| {
        let range = begin..begin + same.len();
        begin = range.end;
        (same[0], range)
    };
    classes.chunk_by(|a, b| a == b).map(stretch).collect()
}

/// Classes of which so many steps in a row as are drawn as one have that which most of them have.
fn thinned(classes: &[usize], most: usize) -> Vec<usize> {
    let commonest = |part: &[usize]| {
        let count = |class: usize| part.iter().filter(|&&other| other == class).count();
        let common = part.iter().copied().max_by_key(|&class| (count(class), Reverse(class)));
        vec![common.unwrap_or_default(); part.len()]
    };
    classes.chunks(together(classes.len(), most)).flat_map(commonest).collect()
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

    /// Where steps in a row begin and end, each half a step to either side of where it is.
    fn ends(self, range: &Range<usize>, steps: usize) -> (f64, f64) {
        let half = (self.across(1, steps.max(2)) - self.left) / 2.0;
        let (left, right) = (self.left, self.width - self.right);
        if steps == 1 {
            return (left, right);
        }
        let from = self.across(range.start, steps) - half;
        (from.max(left), (self.across(range.end - 1, steps) + half).min(right))
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

/// The pieces of a line between what is missing, as steps with their values, each step in order: all of them,
/// or of so many steps in a row the lowest and the highest, so that at most about `most` points are left and
/// no peak is lost.
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
        let strip = |values: &&[f64]| Strip { name: "feature <1>".to_owned(), lines: vec![values.to_vec()] };
        let lines_of = lines.iter().map(strip).collect();
        Strips { steps: lines[0].len(), label: "time step", lines: lines_of, bands: None }
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

    #[test]
    fn bands_show_each_stretch_and_mark_where_they_differ() {
        let bands = |truth: &[usize], answer: &[usize]| {
            let classes = ["<a>", "b", "c"].map(str::to_owned).to_vec();
            let bands = Bands { classes, truth: truth.to_vec(), answer: answer.to_vec() };
            let values: Vec<f64> = (0..truth.len()).map(|step| step as f64).collect();
            let strips = Strips { bands: Some(bands), ..strips(&[&values]) };
            [strips.small(), strips.large()].map(|svg| {
                let text = svg.finish("x", "", "");
                roxmltree::Document::parse(&text).unwrap();
                let counts = ["\"band ", "\"mark\"", ">&lt;a&gt;<"].map(|part| text.matches(part).count());
                (counts, text)
            })
        };
        let [(small, _), (large, text)] = bands(&[0, 0, 0, 1], &[0, 0, 2, 1]);
        assert_eq!((small, large), ([5, 1, 0], [5, 1, 2]));
        assert!(text.contains(">truth<") && text.contains(">answer<"), "{text}");
        assert_eq!(bands(&[1], &[0])[1].0, [2, 1, 1]);
        // Of a long series the commonest of some in a row.
        let noisy: Vec<usize> =
            (0..5000).map(|step| if step % 10 == 0 { 1 } else { step / 2500 * 2 }).collect();
        let [(_, _), (large, text)] = bands(&noisy, &noisy);
        assert_eq!((large[0], large[1]), (4, 0));
        assert!(text.len() < 20_000);
        assert_eq!(stretches(&[3, 3, 1]), [(3, 0..2), (1, 2..3)]);
        assert_eq!(["feature 100", "a longer name"].map(shortened), ["feature 100", "a longer n…"]);
    }
}
