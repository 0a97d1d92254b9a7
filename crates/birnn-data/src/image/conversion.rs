//! Images that one net learnt with rows and columns exchanged, or light and dark, and another did not.

use std::borrow::Cow;

use crate::image::preprocessing::Preprocessing;
use crate::modality::Modality;
use crate::sequences::Sequences;

/// What makes images as one net reads them images as another reads them: rows and columns exchanged, or light and
/// dark. By itself nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    transpose: bool,
    invert: bool,
}

impl Conversion {
    /// From images as a net of the one modality reads them to those that a net of the other does; nothing where these are
    /// not both images, and it is known what they are like.
    pub fn between(from: &Modality, to: &Modality) -> Conversion {
        match (preprocessing(from), preprocessing(to)) {
            (Some(from), Some(to)) => Conversion {
                transpose: from.transposed != to.transposed,
                invert: from.ground != to.ground && from.ground.inverted() == to.ground,
            },
            _ => Conversion::default(),
        }
    }

    /// Whether nothing is changed.
    pub fn is_none(self) -> bool {
        self == Conversion::default()
    }

    /// Images of one size, converted; other sequences are as they were.
    pub fn sequences(self, sequences: &Sequences) -> Cow<'_, Sequences> {
        let Some(mut images) = sequences.to_images().filter(|_| !self.is_none()) else {
            return Cow::Borrowed(sequences);
        };
        if self.transpose {
            images = images.transpose();
        }
        if self.invert {
            images.invert();
        }
        Cow::Owned(images.into())
    }

    /// What sequences of this modality are of once they were converted.
    pub fn modality(self, modality: &Modality) -> Modality {
        match *modality {
            Modality::Images { shape: [rows, cols], preprocessing } => {
                let inverted = |images: Preprocessing| if self.invert { images.inverted() } else { images };
                let transposed = |images: Preprocessing| Preprocessing {
                    transposed: images.transposed != self.transpose,
                    ..inverted(images)
                };
                let shape = if self.transpose { [cols, rows] } else { [rows, cols] };
                Modality::Images { shape, preprocessing: preprocessing.map(transposed) }
            }
            _ => modality.clone(),
        }
    }
}

/// For people, what is done to images: `transposed and inverted`.
impl std::fmt::Display for Conversion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.transpose, self.invert) {
            (true, true) => "transposed and inverted",
            (true, false) => "transposed",
            (false, true) => "inverted",
            (false, false) => "as they are",
        })
    }
}

fn preprocessing(modality: &Modality) -> Option<Preprocessing> {
    match modality {
        Modality::Images { preprocessing, .. } => *preprocessing,
        Modality::Series(_) | Modality::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::preprocessing::{Framing, Ground};
    use crate::sequences::Values;

    fn images(shape: [usize; 2], ground: Ground, transposed: bool) -> Modality {
        Modality::Images {
            shape,
            preprocessing: Some(Preprocessing::new(ground, transposed, Framing::Mnist)),
        }
    }

    #[track_caller]
    fn converted(from: &Modality, to: &Modality, expected: &[u8], told: &str) {
        let conversion = Conversion::between(from, to);
        let sequences = Sequences::new(Values::Bytes(vec![1, 2, 3, 4, 5, 6]), 3, [2]);
        let converted = conversion.sequences(&sequences);
        assert_eq!(converted.values(), &Values::Bytes(expected.to_vec()));
        assert_eq!(conversion.to_string(), told);
        if !conversion.is_none() {
            assert_eq!(&conversion.modality(from), to);
            assert_eq!(converted.features(), to.features());
        }
    }

    #[test]
    fn images_become_what_the_other_net_reads() {
        let dark = images([2, 3], Ground::Dark, false);
        converted(&dark, &images([3, 2], Ground::Dark, true), &[1, 4, 2, 5, 3, 6], "transposed");
        converted(&dark, &images([2, 3], Ground::Light, false), &[254, 253, 252, 251, 250, 249], "inverted");
        let both = [254, 251, 253, 250, 252, 249];
        converted(&images([3, 2], Ground::Light, true), &dark, &both, "transposed and inverted");
        let known = [dark.clone(), images([2, 3], Ground::Mixed, false)];
        let unknown = Modality::Images { shape: [2, 3], preprocessing: None };
        for other in known.into_iter().chain([unknown]) {
            converted(&dark, &other, &[1, 2, 3, 4, 5, 6], "as they are");
        }
    }
}
