//! Images that one net learnt with rows and columns exchanged, or light and dark, and another did not.

use std::borrow::Cow;

use crate::config::DataConfig;
use crate::image::preprocessing::Preprocessing;
use crate::modality::Modality;
use crate::sequences::Sequences;

/// What makes images as one net reads them images as another reads them: rows and columns exchanged, or light
/// and dark. By itself nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    transpose: bool,
    invert: bool,
}

impl Conversion {
    /// From images as a net of the one modality reads them to those that a net of the other does; nothing
    /// where these are not both images, and it is known what they are like.
    pub fn between(from: &Modality, to: &Modality) -> Conversion {
        match (preprocessing(from), preprocessing(to)) {
            (Some(from), Some(to)) => Conversion {
                transpose: from.transposed != to.transposed,
                invert: from.ground != to.ground && from.ground.inverted() == to.ground,
            },
            _ => Conversion::default(),
        }
    }

    /// The same between nets that learnt from the same files, as their settings had these read: of one's own
    /// images nobody else knows whether they are upright, or which is light.
    pub fn between_settings(from: &DataConfig, to: &DataConfig) -> Conversion {
        let transpose = |data: &DataConfig| data.transpose.unwrap_or(false);
        Conversion { transpose: transpose(from) != transpose(to), invert: from.invert != to.invert }
    }

    /// Whether nothing is changed.
    pub fn is_none(self) -> bool {
        self == Conversion::default()
    }

    /// Images of one size, converted; other sequences are as they were.
    pub fn sequences(self, sequences: &Sequences) -> Cow<'_, Sequences> {
        if self.is_none() {
            return Cow::Borrowed(sequences);
        }
        let Some(mut images) = sequences.to_images() else { return Cow::Borrowed(sequences) };
        if self.transpose {
            images = images.transpose();
        }
        if self.invert {
            images.invert();
        }
        Cow::Owned(images.into())
    }

    /// Rows and columns of images that were converted.
    pub fn shape(self, [rows, cols]: [usize; 2]) -> [usize; 2] {
        if self.transpose { [cols, rows] } else { [rows, cols] }
    }

    /// What images of this kind are like once they were converted.
    pub fn preprocessing(self, images: Preprocessing) -> Preprocessing {
        let images = if self.transpose { images.transposed() } else { images };
        if self.invert { images.inverted() } else { images }
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
            assert_eq!(from.shape().map(|shape| conversion.shape(shape)), to.shape());
            assert_eq!(preprocessing(from).map(|images| conversion.preprocessing(images)), preprocessing(to));
            assert_eq!(converted.features(), to.features());
        }
    }

    #[test]
    fn settings_say_how_the_same_files_are_read() {
        let upright = DataConfig::default();
        let other = DataConfig { transpose: Some(true), invert: true, ..DataConfig::default() };
        assert_eq!(Conversion::between_settings(&upright, &other).to_string(), "transposed and inverted");
        assert!(Conversion::between_settings(&other, &other).is_none());
        let said = DataConfig { transpose: Some(false), ..DataConfig::default() };
        assert!(Conversion::between_settings(&upright, &said).is_none());
    }

    #[test]
    fn images_become_what_the_other_net_reads() {
        let dark = images([2, 3], Ground::Dark, false);
        converted(&dark, &images([3, 2], Ground::Dark, true), &[1, 4, 2, 5, 3, 6], "transposed");
        converted(&dark, &images([2, 3], Ground::Light, false), &[254, 253, 252, 251, 250, 249], "inverted");
        let both = [254, 251, 253, 250, 252, 249];
        let light = images([2, 3], Ground::Light, true);
        converted(&light, &images([3, 2], Ground::Dark, false), &both, "transposed and inverted");
        let known = [dark.clone(), images([2, 3], Ground::Mixed, false)];
        let unknown = Modality::Images { shape: [2, 3], preprocessing: None };
        for other in known.into_iter().chain([unknown]) {
            converted(&dark, &other, &[1, 2, 3, 4, 5, 6], "as they are");
        }
    }
}
