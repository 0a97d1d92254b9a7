//! What sequences are of, and how a net reads them.

use std::fmt;

use birnn_architecture::Inputs;

use crate::image::preprocessing::Preprocessing;
use crate::sequences::{Sequence, SequenceValues, Sequences};
use crate::series::standardise::Series;
use crate::text::vocabulary::{Lexicon, Text};

/// What sequences are of, and how a net reads them. It belongs to the net as its weights do.
#[derive(Clone, Debug, PartialEq)]
pub enum Modality {
    /// Grey images of one size, each row a time step.
    Images {
        /// Rows and columns.
        shape: [usize; 2],
        /// What they are like, where that is known.
        preprocessing: Option<Preprocessing>,
    },
    /// Series of numbers, of any length.
    Series(Series),
    /// Sentences, of any length, each token a time step.
    Text(Text),
}

/// What samples are, where no more is known of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleKind {
    Images,
    Series,
    Text,
}

impl SampleKind {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            SampleKind::Images => "images",
            SampleKind::Series => "series",
            SampleKind::Text => "sentences",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            SampleKind::Images => "image",
            SampleKind::Series => "series",
            SampleKind::Text => "sentence",
        }
    }
}

/// For people: `light on dark, cropped, scaled and centred as MNIST's`, or `7 to 29 steps of 12 values,
/// standardised`.
impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Modality::Images { preprocessing: Some(preprocessing), .. } => write!(f, "{preprocessing}"),
            Modality::Images { preprocessing: None, .. } => f.write_str("it is not known what they are like"),
            Modality::Series(series) => {
                match series.steps {
                    None => f.write_str("steps")?,
                    Some([shortest, longest]) if shortest == longest => write!(f, "{longest} steps")?,
                    Some([shortest, longest]) => write!(f, "{shortest} to {longest} steps")?,
                }
                let read = if series.deviation.is_some() { "standardised" } else { "as they are" };
                let values = if series.features() == 1 { "value" } else { "values" };
                write!(f, " of {} {values}, {read}", series.features())?;
                if series.missing_mask { f.write_str(", and which are missing") } else { Ok(()) }
            }
            Modality::Text(Text { steps: [shortest, longest], words, folding, .. }) => {
                write!(f, "{shortest} to {longest} tokens, of {} known words", words.len())?;
                let same = [(folding.lowercase, "in lower case"), (folding.merge_digits, "digits as one")];
                same.into_iter().filter(|(is, _)| *is).try_for_each(|(_, what)| write!(f, ", {what}"))
            }
        }
    }
}

impl Modality {
    /// Values per time step of a sequence.
    pub fn features(&self) -> usize {
        match self {
            Modality::Images { shape: [_, cols], .. } => *cols,
            Modality::Series(series) => series.features(),
            Modality::Text(_) => 1,
        }
    }

    /// Rows and columns of its images; `None` of all else.
    pub fn shape(&self) -> Option<[usize; 2]> {
        match self {
            Modality::Images { shape, .. } => Some(*shape),
            Modality::Series(_) | Modality::Text(_) => None,
        }
    }

    /// What the net reads at each time step: the values of the sequence, with what is read beside them, or a
    /// token.
    pub fn inputs(&self) -> Inputs {
        match self {
            Modality::Images { shape: [_, cols], .. } => Inputs::Values(*cols),
            Modality::Series(series) => Inputs::Values(series.inputs()),
            Modality::Text(text) => {
                Inputs::Tokens { words: text.word_count(), characters: text.character_count() }
            }
        }
    }

    /// What the net reads of each of the forms of these sequences, where they are of text.
    pub fn lexicon(&self, sequences: &Sequences) -> Option<Lexicon> {
        match self {
            Modality::Images { .. } | Modality::Series(_) => None,
            Modality::Text(text) => Some(text.lexicon(sequences.forms()?)),
        }
    }

    /// The steps of the shortest and of the longest sequence to train on, where these are known.
    pub fn steps(&self) -> Option<[usize; 2]> {
        match self {
            Modality::Images { shape: [rows, _], .. } => Some([*rows; 2]),
            Modality::Series(series) => series.steps,
            Modality::Text(text) => Some(text.steps),
        }
    }

    /// What several of them are called.
    pub fn noun(&self) -> &'static str {
        self.kind().noun()
    }

    /// What one of them is called.
    pub fn singular(&self) -> &'static str {
        self.kind().singular()
    }

    fn kind(&self) -> SampleKind {
        match self {
            Modality::Images { .. } => SampleKind::Images,
            Modality::Series(_) => SampleKind::Series,
            Modality::Text(_) => SampleKind::Text,
        }
    }

    /// Adds the values of a sequence to `into`, as the net reads them; of tokens, which it has vectors for,
    /// nothing.
    pub fn read(&self, sequence: Sequence<'_>, into: &mut Vec<f32>) {
        match self {
            Modality::Images { .. } => sequence.read(into),
            Modality::Series(series) => series.read(sequence, into),
            Modality::Text(_) => {}
        }
    }

    /// Sequences as the net reads them, once for all; images stay bytes, and tokens tokens.
    pub fn prepare(&self, sequences: Sequences) -> Sequences {
        match self {
            Modality::Images { .. } | Modality::Text(_) => sequences,
            Modality::Series(series) => series.prepare(sequences),
        }
    }

    /// Whether a net that reads such sequences can read this one: images of any number of rows, series of any
    /// length.
    pub fn fits(&self, sequence: Sequence<'_>) -> bool {
        let is_of_its_kind = match (self, sequence.values) {
            (Modality::Images { .. }, SequenceValues::Bytes(_))
            | (Modality::Series(_), SequenceValues::Floats(_))
            | (Modality::Text(_), SequenceValues::Tokens(..)) => true,
            (Modality::Images { .. } | Modality::Series(_) | Modality::Text(_), _) => false,
        };
        let Sequence { values, features } = sequence;
        is_of_its_kind
            && features == self.features()
            && features > 0
            && !values.is_empty()
            && values.len().is_multiple_of(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::Values;
    use crate::series::missing::Missing;

    #[test]
    fn sequences_of_its_kind_with_its_features_fit() {
        let images = |cols| Modality::Images { shape: [3, cols], preprocessing: None };
        let series = |features: usize| {
            let mean = vec![1.0; features];
            Modality::Series(Series { missing: Missing::Mean, ..Series::plain(mean) })
        };
        let (image, floats) = (Sequence::of_image, Sequence::of_series);
        for (modality, sequence, fits) in [
            (images(2), image(&[1, 2], 2), true),
            (images(2), image(&[1, 2, 3], 2), false),
            (images(2), image(&[], 2), false),
            (images(2), floats(&[1.0, 2.0], 2), false),
            (series(2), floats(&[1.0, 2.0, 3.0, 4.0], 2), true),
            (series(2), floats(&[1.0, 2.0], 1), false),
            (series(2), image(&[1, 2], 2), false),
            (series(2), floats(&[1.0], 0), false),
            (series(0), floats(&[], 0), false),
        ] {
            assert_eq!(modality.fits(sequence), fits, "{modality:?}, {sequence:?}");
        }
    }

    #[test]
    fn what_is_read_once_for_all_is_what_is_read_each_time() {
        let all = Sequences::new(Values::Floats(vec![1.0, f32::NAN, 3.0, 8.0, 5.0, f32::NAN]), 2, [1, 2]);
        let series = Series::of(&all, Missing::Last, true);
        for series in [series.clone(), Series { missing_mask: true, ..series }].map(Modality::Series) {
            let mut read = Vec::new();
            all.iter().for_each(|sequence| series.read(sequence, &mut read));
            let prepared = series.prepare(all.clone());
            let features = prepared.features();
            assert_eq!(prepared, Sequences::new(Values::Floats(read), features, all.lengths()));
        }
    }
}
