//! What a graph reads.

use birnn_architecture::Inputs;

use super::error::OnnxError;
use crate::Architecture;

/// What a net reads, and in which form the graph is given it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// Images, whose rows are the time steps: `images [batch, time, features]`, f32, any batch and time.
    Images,
    /// Series of numbers: `series [batch, time, features]`, f32, any time.
    Series {
        /// From the series' own units to what the net was trained on; `None` where these are the same.
        standardise: Option<Standardise<'a>>,
        /// How many at a time.
        batch: Batch,
    },
    /// Sentences, any number, padded as those of [`Batch::Padded`]: `words [batch, time]`, int64, each
    /// token's row in the words' table, and `lengths [batch]`, int32. Where the net reads characters also
    /// `characters [batch, time, letters]`, int64, their rows in the table of characters, each token's padded
    /// on the right, and `character_lengths [batch, time]`, int32, how many each token has, at least 1. Row 0
    /// of a table is what is not known. Padding may hold anything and changes no output.
    Tokens,
}

/// `(x - mean) / deviation`, feature by feature, in f32: the first nodes of a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standardise<'a> {
    /// `[features]`, finite.
    pub mean: &'a [f32],
    /// `[features]`, finite and above 0.
    pub deviation: &'a [f32],
}

/// How many sequences a graph reads at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Any number, padded on the right to the longest or further, for runtimes that heed `sequence_lens`, as
    /// onnxruntime does. A second input, `lengths [batch]`, says of each how many steps it has, from 1 to
    /// time; it is int32 because ONNX's `sequence_lens` is. Padding may hold anything, NaN too, and changes
    /// no output. onnxruntime refuses a length past time; one of 0 has no answer, and is not refused.
    Padded,
    /// One, all of whose steps are its own: `series [1, time, features]`. For runtimes that ignore
    /// `sequence_lens` (rten) or refuse lengths that are an input (tract).
    One,
}

/// The name of the input of images.
pub const IMAGES: &str = "images";
/// The name of the input of series.
pub const SERIES: &str = "series";
/// The name of the input of words.
pub const WORDS: &str = "words";
/// The name of the input of the characters of words.
pub const CHARACTERS: &str = "characters";
/// The name of the input that says how many characters each word has.
pub const CHARACTER_LENGTHS: &str = "character_lengths";
/// The name of the second input of [`Batch::Padded`], and in the metadata of each graph of sequences of any
/// length the key that says which of the two it is, in the words of [`Batch::text`].
pub const LENGTHS: &str = "lengths";

impl Batch {
    /// What the metadata says of it under [`LENGTHS`].
    pub fn text(self) -> &'static str {
        match self {
            Batch::Padded => "input `lengths`, int32: how many time steps each sequence has",
            Batch::One => "one series at a time: all its time steps are its own",
        }
    }
}

impl<'a> Input<'a> {
    /// Of the first input.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Input::Images => IMAGES,
            Input::Series { .. } => SERIES,
            Input::Tokens => WORDS,
        }
    }

    /// None for images.
    pub(super) fn batch(&self) -> Option<Batch> {
        match self {
            Input::Images => None,
            Input::Series { batch, .. } => Some(*batch),
            Input::Tokens => Some(Batch::Padded),
        }
    }

    pub(super) fn standardise(&self) -> Option<Standardise<'a>> {
        match self {
            Input::Images | Input::Tokens => None,
            Input::Series { standardise, .. } => *standardise,
        }
    }

    /// Whether it is what the net reads at each time step.
    pub(super) fn suits(&self, architecture: &Architecture, inputs: Inputs) -> Result<(), OnnxError> {
        match (self, inputs, architecture.embedding) {
            (Input::Images | Input::Series { .. }, Inputs::Values(_), None)
            | (Input::Tokens, Inputs::Tokens { .. }, Some(_)) => Ok(()),
            _ => Err(OnnxError::Input { input: self.name() }),
        }
    }

    /// Whether there is a mean and a deviation to divide by for each feature.
    pub(super) fn check(&self, features: usize) -> Result<(), OnnxError> {
        let fits = |Standardise { mean, deviation }: Standardise| {
            let finite = |values: &[f32]| values.len() == features && values.iter().all(|x| x.is_finite());
            finite(mean) && finite(deviation) && deviation.iter().all(|&deviation| deviation > 0.0)
        };
        if self.standardise().is_none_or(fits) { Ok(()) } else { Err(OnnxError::Standardise { features }) }
    }
}
