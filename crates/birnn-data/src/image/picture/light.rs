//! Telling ink from light that falls unevenly.

use image::GrayImage;

use super::{border, percentile};

/// What is wider than this share of the longer side is no stroke but a shadow. MNIST's strokes are up to a
/// fifth of their digit's height, and a digit fills the picture at most.
const WIDEST_STROKE: f64 = 0.25;

/// The darkest shadow leaves this share of the paper's lightness, and the brightest lamp makes it lighter by
/// as much. What differs more is ink, however wide.
const DARKEST_SHADOW: f64 = 0.4;

/// Grey levels that are added to both sides of a ratio, so that noise in black does not count for much.
const BLACK: f64 = 16.0;

/// How much each pixel of `grey` differs from the paper around it, in grey levels under the light that falls
/// on the middle one of the border's pixels. `None` of a picture without pixels.
///
/// Paper is what is left when everything narrower than a wide stroke is taken away: the morphological closing
/// of the picture where ink is dark, the opening where it is light (Serra 1982; for light that varies,
/// Sternberg 1983). Unlike a mean or a median, both keep the edge of a shadow where it is. Light multiplies,
/// so a difference is divided by the paper.
pub(super) fn differences(grey: &GrayImage) -> Option<GrayImage> {
    let typical = f64::from(percentile(&mut border(grey), 50)?);
    let (darkest, lightest) = (typical * DARKEST_SHADOW, (typical + BLACK) / DARKEST_SHADOW);
    // Light goes on outside of the picture; ink that touches the border does not.
    let surface = Surface::new(grey, |value| {
        if (darkest..=lightest).contains(&f64::from(value)) { value } else { typical as u8 }
    });
    let (closed, opened) = (surface.closed(), surface.opened());
    let dark = ink_is_dark(&closed, &opened);
    let paper = if dark { closed } else { opened };
    let difference = |(&value, paper): (&u8, u8)| {
        let (value, paper) = (f64::from(value), f64::from(paper).clamp(darkest, lightest));
        let difference = if dark { paper - value } else { value - paper };
        (difference * (typical + BLACK) / (paper + BLACK)) as u8
    };
    let differences = grey.as_raw().iter().zip(paper.inside()).map(difference).collect();
    GrayImage::from_raw(grey.width(), grey.height(), differences)
}

/// Whether the ink of a picture with these closing and opening is darker than its paper.
///
/// The inside of a 0 stands out from the 0 as much as the 0 does from the paper, the other way round. It no
/// longer does once the 0 is levelled with the paper; whereas what is levelled with its own inside still
/// stands out. Only pixels that stand out at least half as much as the one that does most are counted, so
/// that neither faint light nor one speck decides.
fn ink_is_dark(closed: &Surface, opened: &Surface) -> bool {
    let (dark, light) = (opened.contrasts(&opened.closed()), closed.contrasts(&closed.opened()));
    let most = dark.iter().chain(&light).copied().fold(0.0, f64::max);
    let count = |contrasts: &[f64]| contrasts.iter().filter(|&&contrast| contrast >= most / 2.0).count();
    count(&dark) >= count(&light)
}

/// The lightness of a picture with a margin around it.
struct Surface {
    values: Vec<u8>,
    width: usize,
    height: usize,
    margin: usize,
}

impl Surface {
    /// `grey` with a margin as wide as half a wide stroke, in which the border goes on as `outside` says:
    /// otherwise a shadow along the border would look narrower than it is.
    fn new(grey: &GrayImage, outside: impl Fn(u8) -> u8) -> Self {
        let (width, height) = (grey.width() as usize, grey.height() as usize);
        let margin = ((width.max(height) as f64 * WIDEST_STROKE / 2.0).round() as usize).max(1);
        let nearest = |at: usize, side: usize| at.saturating_sub(margin).min(side - 1);
        let mut values = Vec::with_capacity((width + 2 * margin) * (height + 2 * margin));
        for y in 0..height + 2 * margin {
            let line = &grey.as_raw()[nearest(y, height) * width..][..width];
            let inside = |x: usize| nearest(x, width) + margin == x && nearest(y, height) + margin == y;
            values.extend((0..width + 2 * margin).map(|x| {
                let value = line[nearest(x, width)];
                if inside(x) { value } else { outside(value) }
            }));
        }
        Self { values, width: width + 2 * margin, height: height + 2 * margin, margin }
    }

    /// Without what is dark and narrower than a wide stroke.
    fn closed(&self) -> Self {
        self.extreme(u8::max).extreme(u8::min)
    }

    /// Without what is light and narrower than a wide stroke.
    fn opened(&self) -> Self {
        self.extreme(u8::min).extreme(u8::max)
    }

    /// The extreme value of the square around each pixel that reaches as far as the margin is wide.
    fn extreme(&self, more: impl Fn(u8, u8) -> u8 + Copy) -> Self {
        let along = running(&self.values, self.width, self.margin, more);
        let values = running(&along, self.height, self.margin, more);
        Self { values, ..*self }
    }

    /// The contrast of each pixel with that of `paper`: the logarithm of their ratio, whatever the light.
    fn contrasts(&self, paper: &Self) -> Vec<f64> {
        let ratio = |(a, b): (u8, u8)| ((f64::from(a) + BLACK) / (f64::from(b) + BLACK)).ln().abs();
        self.inside().zip(paper.inside()).map(ratio).collect()
    }

    /// The pixels without the margin.
    fn inside(&self) -> impl Iterator<Item = u8> {
        let lines =
            self.values.chunks_exact(self.width).skip(self.margin).take(self.height - 2 * self.margin);
        lines.flat_map(|line| line[self.margin..self.width - self.margin].iter().copied())
    }
}

/// The extreme value of the `2 * reach + 1` values around each one in lines of `length`. Returns the lines as
/// columns.
///
/// The extreme of twice as many values is that of the extremes of both halves, so that few steps reach far.
fn running(lines: &[u8], length: usize, reach: usize, more: impl Fn(u8, u8) -> u8 + Copy) -> Vec<u8> {
    let count = lines.len() / length;
    let around = 2 * reach + 1;
    let mut columns = vec![0; lines.len()];
    let (mut of, mut wider) = (Vec::new(), Vec::new());
    for (index, line) in lines.chunks_exact(length).enumerate() {
        // Beyond its ends a line goes on as it ends, which adds nothing to what is around.
        of.clear();
        of.extend(std::iter::repeat_n(line[0], reach));
        of.extend_from_slice(line);
        of.extend(std::iter::repeat_n(line[length - 1], reach));
        let mut known = 1;
        while 2 * known <= around {
            wider.clear();
            wider.extend(of.iter().zip(&of[known..]).map(|(&here, &there)| more(here, there)));
            std::mem::swap(&mut of, &mut wider);
            known *= 2;
        }
        for (at, (&first, &last)) in of.iter().zip(&of[around - known..]).enumerate() {
            columns[at * count + index] = more(first, last);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extreme_of_what_is_around_is_that_of_each_value_there() {
        for (length, reach) in
            [(1, 1), (1, 5), (2, 1), (7, 1), (7, 2), (7, 3), (7, 9), (40, 5), (40, 16), (41, 31)]
        {
            let lines: Vec<u8> = (0..3 * length).map(|at| (at * 7919 % 251) as u8).collect();
            let expected = |more: fn(u8, u8) -> u8| -> Vec<u8> {
                let at = |index: usize, line: usize| {
                    let own = &lines[line * length..(line + 1) * length];
                    let around = &own[index.saturating_sub(reach)..(index + reach + 1).min(length)];
                    around.iter().copied().reduce(more).unwrap_or_default()
                };
                (0..length).flat_map(|index| (0..3).map(move |line| at(index, line))).collect()
            };
            for more in [u8::max, u8::min] {
                assert_eq!(running(&lines, length, reach, more), expected(more), "{length}, {reach}");
            }
        }
    }
}
