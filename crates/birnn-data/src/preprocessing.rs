//! What a net's images are like, so that a picture can be made like them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::frame::is_framed;
use crate::images::Images;

/// How a picture becomes an image like those that a net learnt from. It belongs to the net as its weights do.
///
/// Whatever the preprocessing, a net of birnn reads `pixel / 255`, rows from above, one row per time step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// What the images show things on.
    pub ground: Ground,
    /// Whether the images are transposed, columns as rows, as those in EMNIST's files.
    pub transposed: bool,
    /// Where things are in an image.
    pub framing: Framing,
}

/// The lightness of what things stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Light things on a dark ground.
    Dark,
    /// Dark things on a light ground.
    Light,
    /// Now one, now the other, as in photographs: no picture is inverted.
    Mixed,
}

/// How things are brought to the size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// Cropped, scaled to fit 20 of every 28 rows and columns, centred by the mass of its ink.
    Mnist,
    /// Cropped, scaled to fit 24 of every 28 rows and columns, centred by its outline.
    Emnist,
    /// The whole picture, scaled.
    Resize,
}

/// The share of images that must agree for it to be said of all of them.
const MOST: f64 = 0.9;
/// Images that are looked at; more would say the same.
const LOOKED_AT: usize = 2000;
/// Grey levels between the ground and the mean of an image by which it is told which of them is lighter.
const DIFFERENCE: f64 = 1.0;

impl Default for Preprocessing {
    /// MNIST's.
    fn default() -> Preprocessing {
        Preprocessing { ground: Ground::Dark, transposed: false, framing: Framing::Mnist }
    }
}

impl Preprocessing {
    /// What `images` show of themselves, upright as far as can be told.
    pub fn of(images: &Images) -> Preprocessing {
        let chosen = || (0..images.len()).step_by(images.len().div_ceil(LOOKED_AT).max(1));
        let most = |fits: &dyn Fn(&[u8]) -> bool| {
            let count = chosen().filter(|&index| fits(images.get(index))).count();
            count as f64 >= MOST * chosen().count() as f64
        };
        let (rows, cols) = (images.rows, images.cols);
        let shows = |ground| move |image: &[u8]| Ground::of(image, cols) == ground;
        let ground = [Ground::Dark, Ground::Light].into_iter().find(|&ground| most(&shows(ground)));
        let ground = ground.unwrap_or(Ground::Mixed);
        let framed = |framing| move |image: &[u8]| is_framed(&ground.ink(image), rows, cols, framing);
        let framing = [Framing::Mnist, Framing::Emnist].into_iter();
        let framing = framing.filter(|_| ground != Ground::Mixed).find(|&framing| most(&framed(framing)));
        Preprocessing { ground, transposed: false, framing: framing.unwrap_or(Framing::Resize) }
    }
}

impl Ground {
    /// What `image`, lines of `width` bytes, shows things on: its border is darker than the whole, or lighter.
    pub(crate) fn of(image: &[u8], width: usize) -> Ground {
        let mut border = border(image, width);
        let middle = border.len() / 2;
        if border.is_empty() {
            return Ground::Mixed;
        }
        let ground = f64::from(*border.select_nth_unstable(middle).1);
        let mean = image.iter().map(|&value| f64::from(value)).sum::<f64>() / image.len() as f64;
        match mean - ground {
            difference if difference > DIFFERENCE => Ground::Dark,
            difference if difference < -DIFFERENCE => Ground::Light,
            _ => Ground::Mixed,
        }
    }

    /// What an image on this ground looks like on a dark one.
    pub(crate) fn ink(self, image: &[u8]) -> Vec<u8> {
        match self {
            Ground::Light => image.iter().map(|&value| 255 - value).collect(),
            Ground::Dark | Ground::Mixed => image.to_vec(),
        }
    }

    /// The other ground; mixed stays mixed.
    pub(crate) fn inverted(self) -> Ground {
        match self {
            Ground::Dark => Ground::Light,
            Ground::Light => Ground::Dark,
            Ground::Mixed => Ground::Mixed,
        }
    }
}

/// The outermost pixels of `image`, lines of `width` bytes.
pub(crate) fn border(image: &[u8], width: usize) -> Vec<u8> {
    let height = image.len() / width.max(1);
    let outermost = |index: usize| {
        let (x, y) = (index % width, index / width);
        x == 0 || y == 0 || x == width - 1 || y == height - 1
    };
    (0..image.len()).filter(|&index| outermost(index)).map(|index| image[index]).collect()
}

/// For people: `light on dark, cropped, scaled and centred as MNIST's`.
impl std::fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.ground {
            Ground::Dark => "light on dark",
            Ground::Light => "dark on light",
            Ground::Mixed => "on light and on dark",
        })?;
        f.write_str(match self.framing {
            Framing::Mnist => ", cropped, scaled and centred as MNIST's",
            Framing::Emnist => ", cropped, scaled and centred as EMNIST's",
            Framing::Resize => ", scaled as a whole",
        })?;
        f.write_str(if self.transposed { ", transposed" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    fn of(change: impl Fn(u8) -> u8) -> Preprocessing {
        let images = synthetic::digits(0, 0, 50).images;
        let pixels = images.pixels.iter().map(|&value| change(value)).collect();
        Preprocessing::of(&Images { pixels, ..images })
    }

    #[test]
    fn images_show_their_ground_and_framing() {
        let mnist = Preprocessing::default();
        assert_eq!(of(|value| value), mnist);
        assert_eq!(of(|value| 255 - value), Preprocessing { ground: Ground::Light, ..mnist });
        // Faint, on grey paper.
        let grey = of(|value| 160 - value / 4);
        assert_eq!(grey.ground, Ground::Light);
    }

    #[test]
    fn images_that_fill_their_frame_are_resized() {
        // A bar along the whole height, at a place of its own in each.
        let image = |at: usize| (0..12 * 10).map(move |index| if index % 10 == at { 200 } else { 0 });
        let pixels = (0..10).flat_map(image).collect();
        let found = Preprocessing::of(&Images { rows: 12, cols: 10, pixels });
        assert_eq!((found.ground, found.framing), (Ground::Dark, Framing::Resize));
    }

    #[test]
    fn where_images_disagree_nothing_is_said_of_their_ground() {
        let mut images = synthetic::digits(0, 0, 50).images;
        images.pixels[..20 * 784].iter_mut().for_each(|value| *value = 255 - *value);
        let found = Preprocessing::of(&images);
        assert_eq!((found.ground, found.framing), (Ground::Mixed, Framing::Resize));
        let none = Images { pixels: Vec::new(), ..images };
        assert_eq!(Preprocessing::of(&none).ground, Ground::Dark);
    }
}
