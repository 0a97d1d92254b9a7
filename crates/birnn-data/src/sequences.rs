//! Sequences of any lengths, as they are held in memory: their values one after the other, and where each
//! begins.

use std::ops::Range;

use std::sync::Arc;

use crate::image::images::Images;
use crate::targets::Per;
use crate::text::forms::Forms;

/// Sequences, each of at least one time step, with the same number of values per step.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequences {
    values: Values,
    features: usize,
    /// The first step of each, and after the last the number of all.
    offsets: Vec<usize>,
}

/// Some steps of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its index.
    pub sample: usize,
    /// Its steps, from 0.
    pub steps: Range<usize>,
}

/// The values of all steps, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Grey levels.
    Bytes(Vec<u8>),
    /// Numbers in units of their own; what is missing is no number (NaN).
    Floats(Vec<f32>),
    /// Tokens, by their index among the forms that there are.
    Tokens(Vec<u32>, Arc<Forms>),
}

/// One sequence, or some steps of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequence<'a> {
    /// Its values, step by step.
    pub values: SequenceValues<'a>,
    /// Values per step.
    pub features: usize,
}

/// The values of a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SequenceValues<'a> {
    /// Grey levels.
    Bytes(&'a [u8]),
    /// Numbers.
    Floats(&'a [f32]),
    /// Tokens, by their index among the forms that there are.
    Tokens(&'a [u32], &'a Forms),
}

impl Sequences {
    /// Sequences of these lengths, their values one after the other.
    ///
    /// # Panics
    ///
    /// Where there are not as many values, `features` is 0, or a length is.
    pub fn new(values: Values, features: usize, lengths: impl IntoIterator<Item = usize>) -> Sequences {
        let mut offsets = vec![0];
        for (index, length) in lengths.into_iter().enumerate() {
            assert!(length > 0, "a time step in each sequence");
            offsets.push(offsets[index] + length);
        }
        let sequences = Sequences { values, features, offsets };
        assert!(features > 0, "a value in each step");
        assert_eq!(sequences.values.len(), sequences.steps() * features, "as many values as there are steps");
        sequences
    }

    /// How many sequences.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values per step.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The steps of all of them.
    pub fn steps(&self) -> usize {
        *self.offsets.last().unwrap_or(&0)
    }

    /// The steps of each.
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = usize> + Clone {
        self.offsets.windows(2).map(|ends| ends[1] - ends[0])
    }

    /// The steps of any, where all have as many.
    pub fn common_length(&self) -> Option<usize> {
        let first = self.lengths().next()?;
        self.lengths().all(|length| length == first).then_some(first)
    }

    /// The values of all steps, one after the other.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The sequence of this index.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn get(&self, index: usize) -> Sequence<'_> {
        Sequence { values: self.values.all(), features: self.features }.part(self.steps_of(index))
    }

    /// Where the steps of the sequence of this index are among those of all.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn steps_of(&self, index: usize) -> Range<usize> {
        self.offsets[index]..self.offsets[index + 1]
    }

    /// The index of the sequence that the target at `position` belongs to.
    pub fn of_position(&self, position: usize, per: Per) -> usize {
        match per {
            Per::Sequence => position,
            Per::Step => self.offsets.partition_point(|&begin| begin <= position) - 1,
        }
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Sequence<'_>> + Clone {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The sequences as images, each step a row, where they are grey levels and all of the same length.
    pub fn to_images(&self) -> Option<Images> {
        self.clone().into_images()
    }

    /// As [`Sequences::to_images`], without a copy.
    pub(crate) fn into_images(self) -> Option<Images> {
        let rows = self.common_length()?;
        match self.values {
            Values::Bytes(pixels) => Some(Images { rows, cols: self.features, pixels }),
            Values::Floats(_) | Values::Tokens(..) => None,
        }
    }

    /// The forms of its tokens, where it has such.
    pub fn forms(&self) -> Option<&Arc<Forms>> {
        match &self.values {
            Values::Tokens(_, forms) => Some(forms),
            Values::Bytes(_) | Values::Floats(_) => None,
        }
    }

    /// Those at these indices, in this order.
    ///
    /// # Panics
    ///
    /// Where there is none at one of them.
    pub fn select(&self, indices: &[usize]) -> Sequences {
        self.gather(indices.iter().map(|&index| self.get(index)))
    }

    /// Some steps of one each.
    ///
    /// # Panics
    ///
    /// Where there are none such.
    pub fn parts(&self, parts: &[Part]) -> Sequences {
        self.gather(parts.iter().map(|part| self.get(part.sample).part(part.steps.clone())))
    }

    fn gather<'a>(&self, chosen: impl Iterator<Item = Sequence<'a>> + Clone) -> Sequences {
        let chosen = || chosen.clone();
        let count = chosen().map(|sequence| sequence.values.len()).sum();
        let values = match &self.values {
            Values::Bytes(_) => Values::Bytes(gathered(chosen().map(Sequence::bytes), count)),
            Values::Floats(_) => Values::Floats(gathered(chosen().map(Sequence::floats), count)),
            Values::Tokens(_, forms) => {
                Values::Tokens(gathered(chosen().map(Sequence::tokens), count), Arc::clone(forms))
            }
        };
        Sequences::new(values, self.features, chosen().map(Sequence::steps))
    }

    /// The same sequences with their values, `[steps, features]` each, changed in place.
    pub(crate) fn map_numbers(self, change: impl Fn(&mut [f32])) -> Sequences {
        let Sequences { values, features, offsets } = self;
        let mut numbers = match values {
            Values::Bytes(bytes) => bytes.into_iter().map(level).collect(),
            Values::Floats(floats) => floats,
            // Words are no numbers that anything could be done to.
            Values::Tokens(..) => return Sequences { values, features, offsets },
        };
        for ends in offsets.windows(2) {
            change(&mut numbers[ends[0] * features..ends[1] * features]);
        }
        Sequences { values: Values::Floats(numbers), features, offsets }
    }

    /// The first `count`, or all.
    pub(crate) fn truncate(&mut self, count: usize) {
        if count >= self.len() {
            return;
        }
        self.offsets.truncate(count + 1);
        let values = self.steps() * self.features;
        match &mut self.values {
            Values::Bytes(bytes) => {
                bytes.truncate(values);
                bytes.shrink_to_fit();
            }
            Values::Floats(floats) => {
                floats.truncate(values);
                floats.shrink_to_fit();
            }
            Values::Tokens(tokens, _) => {
                tokens.truncate(values);
                tokens.shrink_to_fit();
            }
        }
    }
}

/// Images are sequences of their rows.
impl From<Images> for Sequences {
    fn from(images: Images) -> Sequences {
        let lengths = std::iter::repeat_n(images.rows, images.len());
        Sequences::new(Values::Bytes(images.pixels), images.cols, lengths)
    }
}

fn gathered<'a, T: Copy + 'a>(parts: impl Iterator<Item = Option<&'a [T]>>, count: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    parts.flatten().for_each(|part| values.extend_from_slice(part));
    values
}

/// A grey level as torchvision's `ToTensor` has it.
fn level(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

impl Values {
    fn all(&self) -> SequenceValues<'_> {
        match self {
            Values::Bytes(bytes) => SequenceValues::Bytes(bytes),
            Values::Floats(floats) => SequenceValues::Floats(floats),
            Values::Tokens(tokens, forms) => SequenceValues::Tokens(tokens, forms),
        }
    }

    fn len(&self) -> usize {
        self.all().len()
    }
}

impl<'a> Sequence<'a> {
    /// An image of so many columns.
    pub fn of_image(pixels: &'a [u8], cols: usize) -> Sequence<'a> {
        Sequence { values: SequenceValues::Bytes(pixels), features: cols }
    }

    /// Tokens, by their index among these forms.
    pub fn of_tokens(tokens: &'a [u32], forms: &'a Forms) -> Sequence<'a> {
        Sequence { values: SequenceValues::Tokens(tokens, forms), features: 1 }
    }

    /// A series of numbers, `features` at each step.
    pub fn of_series(values: &'a [f32], features: usize) -> Sequence<'a> {
        Sequence { values: SequenceValues::Floats(values), features }
    }

    /// Time steps.
    pub fn steps(self) -> usize {
        self.values.len() / self.features
    }

    /// Some of its steps.
    ///
    /// # Panics
    ///
    /// Where it has not all of them.
    pub fn part(self, steps: Range<usize>) -> Sequence<'a> {
        let values = steps.start * self.features..steps.end * self.features;
        let values = match self.values {
            SequenceValues::Bytes(bytes) => SequenceValues::Bytes(&bytes[values]),
            SequenceValues::Floats(floats) => SequenceValues::Floats(&floats[values]),
            SequenceValues::Tokens(tokens, forms) => SequenceValues::Tokens(&tokens[values], forms),
        };
        Sequence { values, ..self }
    }

    /// Its grey levels, where it has such.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self.values {
            SequenceValues::Bytes(bytes) => Some(bytes),
            SequenceValues::Floats(_) | SequenceValues::Tokens(..) => None,
        }
    }

    /// Its numbers, where it has such.
    pub fn floats(self) -> Option<&'a [f32]> {
        match self.values {
            SequenceValues::Floats(floats) => Some(floats),
            SequenceValues::Bytes(_) | SequenceValues::Tokens(..) => None,
        }
    }

    /// Its tokens, by their index among the forms, where it has such.
    pub fn tokens(self) -> Option<&'a [u32]> {
        match self.values {
            SequenceValues::Tokens(tokens, _) => Some(tokens),
            SequenceValues::Bytes(_) | SequenceValues::Floats(_) => None,
        }
    }

    /// Its tokens as they are written; none where it has no such.
    pub fn words(self) -> impl Iterator<Item = &'a str> {
        let (tokens, forms) = match self.values {
            SequenceValues::Tokens(tokens, forms) => (tokens, Some(forms)),
            SequenceValues::Bytes(_) | SequenceValues::Floats(_) => (&[][..], None),
        };
        tokens.iter().filter_map(move |&token| Some(forms?.get(token)))
    }

    /// Adds its values to `into`: numbers as they are, and of grey levels 255 as 1; of tokens nothing.
    pub fn read(self, into: &mut Vec<f32>) {
        match self.values {
            SequenceValues::Bytes(bytes) => into.extend(bytes.iter().copied().map(level)),
            SequenceValues::Floats(floats) => into.extend_from_slice(floats),
            // What a net reads of words is in its weights.
            SequenceValues::Tokens(..) => {}
        }
    }
}

impl SequenceValues<'_> {
    /// How many.
    pub fn len(self) -> usize {
        match self {
            SequenceValues::Bytes(bytes) => bytes.len(),
            SequenceValues::Floats(floats) => floats.len(),
            SequenceValues::Tokens(tokens, _) => tokens.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Sequences {
        Sequences::new(Values::Floats((0..12).map(|value| value as f32).collect()), 2, [1, 3, 2])
    }

    #[test]
    fn each_has_its_own_steps() {
        let sequences = some();
        assert_eq!((sequences.len(), sequences.steps(), sequences.common_length()), (3, 6, None));
        let second = sequences.get(1);
        assert_eq!((second.steps(), second.floats()), (3, Some(&[2.0, 3.0, 4.0, 5.0, 6.0, 7.0][..])));
        assert_eq!(second.part(1..2).floats(), Some(&[4.0, 5.0][..]));
        assert_eq!(second.bytes(), None);
        assert_eq!(sequences.iter().map(Sequence::steps).collect::<Vec<_>>(), [1, 3, 2]);
    }

    #[test]
    fn some_of_them_are_what_they_were() {
        let (sequences, mut first) = (some(), some());
        let chosen = sequences.select(&[2, 0, 2]);
        assert_eq!(chosen.lengths().collect::<Vec<_>>(), [2, 1, 2]);
        assert!([2, 0, 2].iter().zip(chosen.iter()).all(|(&index, found)| found == sequences.get(index)));
        first.truncate(2);
        assert_eq!(first, sequences.select(&[0, 1]));
        first.truncate(5);
        assert_eq!(first.len(), 2);
        assert!(sequences.select(&[]).is_empty());
    }

    #[test]
    fn an_image_is_a_sequence_of_its_rows() {
        let images = Images { rows: 2, cols: 3, pixels: (0..12).map(|pixel| pixel * 5).collect() };
        let sequences = Sequences::from(images.clone());
        assert_eq!((sequences.len(), sequences.features(), sequences.common_length()), (2, 3, Some(2)));
        assert_eq!(sequences.get(1).bytes(), Some(images.get(1)));
        assert_eq!((sequences.to_images(), some().to_images()), (Some(images.clone()), None));
        let mut read = vec![7.0];
        Sequence::of_image(&[0, 51, 255], 3).read(&mut read);
        assert_eq!(read, [7.0, 0.0, 0.2, 1.0]);
        let none = Sequences::from(Images { pixels: Vec::new(), ..images });
        assert_eq!((none.len(), none.common_length()), (0, None));
    }

    #[test]
    #[should_panic(expected = "a time step in each sequence")]
    fn none_is_empty() {
        Sequences::new(Values::Bytes(vec![1]), 1, [1, 0]);
    }
}
