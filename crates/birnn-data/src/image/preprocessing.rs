//! What a net's images are like, so that a picture can be made like them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a picture becomes an image like those that a net learnt from. It belongs to the net as its weights do.
///
/// Whatever the preprocessing, a net of birnn reads `pixel / 255`, rows from above, one row per time step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// What the images show things on.
    pub ground: Ground,
    /// Grey levels of the ground and of full ink, where things are framed.
    pub levels: [u8; 2],
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

/// What is known of the images of a data set, which show light things on a dark ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) transposed: bool,
    pub(crate) framing: Framing,
}

impl Default for Preprocessing {
    /// MNIST's.
    fn default() -> Preprocessing {
        Preprocessing::new(Ground::Dark, false, Framing::Mnist)
    }
}

impl Preprocessing {
    /// On black or on white, without shades of either.
    pub fn new(ground: Ground, transposed: bool, framing: Framing) -> Preprocessing {
        let levels = if ground == Ground::Light { [255, 0] } else { [0, 255] };
        Preprocessing { ground, levels, transposed, framing }
    }

    /// What the images are like with light and dark exchanged.
    pub fn inverted(self) -> Preprocessing {
        let levels = self.levels.map(|level| 255 - level);
        Preprocessing { ground: self.ground.inverted(), levels, ..self }
    }

    /// What the images are like with rows and columns exchanged.
    pub fn transposed(self) -> Preprocessing {
        Preprocessing { transposed: !self.transposed, ..self }
    }

    /// An image with this `ink`, 0 being ground and 255 full ink.
    pub(crate) fn paint(&self, ink: &[u8]) -> Vec<u8> {
        let [ground, full] = self.levels.map(i32::from);
        let shade = |&ink: &u8| {
            (ground + ((full - ground) * i32::from(ink) + (full - ground).signum() * 127) / 255) as u8
        };
        ink.iter().map(shade).collect()
    }
}

impl Stored {
    /// What the images are like once they were inverted and transposed, or not.
    pub(crate) fn preprocessing(self, invert: bool, transpose: bool) -> Preprocessing {
        let ground = if invert { Ground::Light } else { Ground::Dark };
        Preprocessing::new(ground, self.transposed != transpose, self.framing)
    }
}

impl Ground {
    /// The other ground; mixed stays mixed.
    pub(crate) fn inverted(self) -> Ground {
        match self {
            Ground::Dark => Ground::Light,
            Ground::Light => Ground::Dark,
            Ground::Mixed => Ground::Mixed,
        }
    }
}

/// For people: `light on dark, cropped, scaled and centred as MNIST's`.
impl std::fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.ground {
            Ground::Dark => "light on dark",
            Ground::Light => "dark on light",
            Ground::Mixed => "on light and on dark",
        })?;
        f.write_str(match (self.framing, self.ground) {
            (Framing::Mnist, _) => ", cropped, scaled and centred as MNIST's",
            (Framing::Emnist, _) => ", cropped, scaled and centred as EMNIST's",
            (Framing::Resize, Ground::Mixed) => ", scaled as a whole",
            (Framing::Resize, _) => ", scaled as a whole, and inverted where they are the other way round",
        })?;
        f.write_str(if self.transposed { ", transposed" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_painted_between_the_levels() {
        let dark = Preprocessing::default();
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(dark.paint(&every), every);
        let light = Preprocessing::new(Ground::Light, false, Framing::Mnist).paint(&every);
        assert!(light.iter().zip(&every).all(|(painted, ink)| *painted == 255 - ink));
        assert_eq!(Preprocessing { levels: [200, 60], ..dark }.paint(&[0, 255]), [200, 60]);
    }
}
