//! What images show of themselves: their ground, their grey levels, their framing.

use crate::image::frame::is_framed;
use crate::image::images::Images;
use crate::image::preprocessing::{Framing, Ground, Preprocessing};

/// The share of images that must agree for it to be said of all of them.
const MOST: f64 = 0.9;
/// The share that may contradict: a picture like one of these would be inverted and taken for something else.
const FEW: f64 = 0.01;
/// Images that are looked at; more would say the same.
const LOOKED_AT: usize = 2000;
/// Grey levels by which ink differs from its ground at least, and the grain of paper at most.
pub(crate) const GRAIN: u8 = 24;

impl Preprocessing {
    /// What `images` show of themselves, upright as far as can be told.
    pub fn of(images: &Images) -> Preprocessing {
        let (rows, cols) = (images.rows, images.cols);
        let chosen = (0..images.len()).step_by(images.len().div_ceil(LOOKED_AT).max(1));
        let looked_at: Vec<Appearance> =
            chosen.map(|index| Appearance::of(images.get(index), cols)).collect();
        let share = |fits: &dyn Fn(&Appearance) -> bool| {
            looked_at.iter().filter(|shown| fits(shown)).count() as f64 / looked_at.len().max(1) as f64
        };
        let shows = |ground: Ground| share(&|shown| shown.ground == ground);
        let all = |ground: Ground| shows(ground) >= MOST && shows(ground.inverted()) <= FEW;
        let Some(ground) = [Ground::Dark, Ground::Light].into_iter().find(|&ground| all(ground)) else {
            return Preprocessing::new(Ground::Mixed, false, Framing::Resize);
        };
        let framed = |framing| share(&|shown| is_framed(&shown.ink, rows, cols, framing)) >= MOST;
        let framing = [Framing::Mnist, Framing::Emnist].into_iter().find(|&framing| framed(framing));
        let level =
            |of: &dyn Fn(&Appearance) -> u8| median(&mut looked_at.iter().map(of).collect::<Vec<_>>());
        let levels = [level(&|shown| shown.level), level(&|shown| shown.full)];
        let shades = |levels: [Option<u8>; 2]| Some([levels[0]?, levels[1]?]);
        let plain = Preprocessing::new(ground, false, framing.unwrap_or(Framing::Resize));
        Preprocessing { levels: shades(levels).unwrap_or(plain.levels), ..plain }
    }
}

/// What one image shows.
pub(crate) struct Appearance {
    pub(crate) ground: Ground,
    /// The grey level of the ground.
    pub(crate) level: u8,
    /// The level that is farthest from it.
    pub(crate) full: u8,
    /// How much each pixel differs from the ground, up to 255 where it differs most.
    pub(crate) ink: Vec<u8>,
}

impl Appearance {
    /// Of an image of lines of `width` pixels. Things stand on what its corners show, as far as these agree.
    pub(crate) fn of(image: &[u8], width: usize) -> Appearance {
        let (ground, level) = ground_and_level(image, width);
        let difference = |value: u8| match ground {
            Ground::Light => level.saturating_sub(value),
            _ => value.saturating_sub(level),
        };
        let most = image.iter().map(|&value| difference(value)).max().unwrap_or(0);
        let full = if ground == Ground::Light { level - most } else { level + most };
        let stretched = |&value: &u8| (u32::from(difference(value)) * 255 / u32::from(most.max(1))) as u8;
        Appearance { ground, level, full, ink: image.iter().map(stretched).collect() }
    }
}

/// The ground and the level of an [`Appearance`], without its ink.
pub(crate) fn ground_and_level(image: &[u8], width: usize) -> (Ground, u8) {
    let corners = corners(image, width);
    let level = median(&mut corners.clone()).unwrap_or(0);
    let agree = corners.iter().all(|corner| corner.abs_diff(level) <= 2 * GRAIN);
    // Of a faint drawing, what differs most is ink.
    let most = image.iter().map(|value| value.abs_diff(level)).max().unwrap_or(0);
    let grain = GRAIN.min(most / 2);
    // In 32 bits, which so many differences do not fill.
    let of_part = |part: &[u8]| -> i32 {
        let ink =
            |&value: &u8| if value.abs_diff(level) > grain { i32::from(value) - i32::from(level) } else { 0 };
        part.iter().map(ink).sum()
    };
    let sum: i64 = image.chunks(1 << 20).map(|part| i64::from(of_part(part))).sum();
    let ground = match sum {
        0 => Ground::Mixed,
        _ if !agree => Ground::Mixed,
        1.. => Ground::Dark,
        _ => Ground::Light,
    };
    (ground, level)
}

/// The median of each corner, a seventh of each side wide.
fn corners(image: &[u8], width: usize) -> Vec<u8> {
    let height = image.len() / width.max(1);
    let part = |side: usize| (side / 7).max(1).min(side);
    let (down, across) = (part(height), part(width));
    let tops = [0, height - down.min(height)];
    let lefts = [0, width - across.min(width)];
    let corners = tops.into_iter().flat_map(|top| lefts.map(|left| (top, left)));
    let median_of = |(top, left): (usize, usize)| {
        let lines = image.chunks_exact(width.max(1)).skip(top).take(down);
        let mut corner = Vec::with_capacity(down * across);
        lines.for_each(|line| corner.extend_from_slice(&line[left..left + across]));
        median(&mut corner)
    };
    corners.filter_map(median_of).collect()
}

fn median(values: &mut [u8]) -> Option<u8> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::synthetic;
    use crate::rng::Rng;

    /// What digits show whose pixels were changed, by value and index.
    fn of(change: impl Fn(u8, usize) -> u8) -> Preprocessing {
        let images = synthetic::digits(0, 0, 60).images;
        let pixels = images.pixels.iter().enumerate().map(|(index, &value)| change(value, index)).collect();
        Preprocessing::of(&Images { pixels, ..images })
    }

    #[test]
    fn images_show_their_ground_and_framing() {
        let mnist = Preprocessing::default();
        assert_eq!(of(|value, _| value), mnist);
        assert_eq!(of(|value, _| 255 - value), Preprocessing::new(Ground::Light, false, Framing::Mnist));
        // Paper and ink in shades of grey, and paper with grain.
        let grey =
            Preprocessing { levels: [200, 60], ..Preprocessing::new(Ground::Light, false, Framing::Mnist) };
        let shade = |value: u8| (200.0 - f64::from(value) * 140.0 / 255.0) as u8;
        assert_eq!(of(|value, _| shade(value)), grey);
        let grain = |index: usize| Rng::new(1, index as u64).below(17) as u8;
        let found = of(|value, index| shade(value).saturating_add(grain(index)));
        assert_eq!((found.ground, found.framing), (Ground::Light, Framing::Mnist));
        assert!(found.levels[0].abs_diff(208) <= 2, "{found:?}");
    }

    #[test]
    fn thin_strokes_in_large_images_are_ink() {
        let image: Vec<u8> = (0..128 * 128)
            .map(|at| if at / 128 == 60 && (40..70).contains(&(at % 128)) { 255 } else { 0 })
            .collect();
        assert_eq!(Appearance::of(&image, 128).ground, Ground::Dark);
    }

    #[test]
    fn images_that_fill_their_frame_are_resized() {
        // A bar along the whole height, at a place of its own in each.
        let image = |at: usize| (0..12 * 10).map(move |index| if index % 10 == at { 200 } else { 0 });
        let pixels = (1..9).flat_map(image).collect();
        let found = Preprocessing::of(&Images { rows: 12, cols: 10, pixels });
        assert_eq!((found.ground, found.framing), (Ground::Dark, Framing::Resize));
    }

    #[test]
    fn where_some_images_disagree_nothing_is_said_of_their_ground() {
        let mut images = synthetic::digits(0, 0, 50).images;
        images.pixels[..2 * 784].iter_mut().for_each(|value| *value = 255 - *value);
        let found = Preprocessing::of(&images);
        assert_eq!((found.ground, found.framing), (Ground::Mixed, Framing::Resize));
        let none = Images { pixels: Vec::new(), ..images };
        assert_eq!(Preprocessing::of(&none).ground, Ground::Mixed);
    }
}
