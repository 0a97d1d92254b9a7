//! What sequences are of, and how a net reads them.

use std::fmt;

use crate::image::preprocessing::Preprocessing;
use crate::sequences::{Sequence, Sequences, Values};
use crate::series::standardise::Series;

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
                write!(f, " of {} {values}, {read}", series.features())
            }
        }
    }
}

impl Modality {
    /// Values per time step.
    pub fn features(&self) -> usize {
        match self {
            Modality::Images { shape: [_, cols], .. } => *cols,
            Modality::Series(series) => series.features(),
        }
    }

    /// The steps of the shortest and of the longest sequence to train on, where these are known.
    pub fn steps(&self) -> Option<[usize; 2]> {
        match self {
            Modality::Images { shape: [rows, _], .. } => Some([*rows; 2]),
            Modality::Series(series) => series.steps,
        }
    }

    /// What several of them are called.
    pub fn noun(&self) -> &'static str {
        match self {
            Modality::Images { .. } => "images",
            Modality::Series(_) => "series",
        }
    }

    /// What one of them is called.
    pub fn singular(&self) -> &'static str {
        match self {
            Modality::Images { .. } => "image",
            Modality::Series(_) => "series",
        }
    }

    /// Adds the values of a sequence to `into`, as the net reads them.
    pub fn read(&self, sequence: Sequence<'_>, into: &mut Vec<f32>) {
        match self {
            Modality::Images { .. } => sequence.read(into),
            Modality::Series(series) => series.read(sequence, into),
        }
    }

    /// Sequences as the net reads them, once for all; images stay bytes.
    pub fn prepare(&self, sequences: Sequences) -> Sequences {
        let Modality::Series(series) = self else { return sequences };
        let mut values = Vec::with_capacity(sequences.steps() * sequences.features());
        sequences.iter().for_each(|sequence| series.read(sequence, &mut values));
        Sequences::new(Values::Floats(values), sequences.features(), sequences.lengths())
    }

    /// Whether a net that reads such sequences can read this one: images of any number of rows, series of any
    /// length.
    pub fn fits(&self, sequence: Sequence<'_>) -> bool {
        let is_image = sequence.bytes().is_some();
        let steps = sequence.steps();
        is_image == matches!(self, Modality::Images { .. })
            && self.features() == sequence.features
            && steps > 0
            && sequence.values.len() == steps * sequence.features
    }
}
