//! Samples with their labels, and keeping some of those to train on back to judge by.

use crate::error::ConfigError;
use crate::image::images::LabelledImages;
use crate::order::shuffle;
use crate::rng::Rng;
use crate::sequences::Sequences;

/// Classes that there can be: a label is one byte.
pub const MOST_CLASSES: usize = 1 << u8::BITS;

/// Which samples are kept back is the same in every run, so that runs with different seeds compare.
const STREAM_SEED: u64 = 0x7661_6c69_6461_7465;

/// Sequences and what they are, one label for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The sequences.
    pub sequences: Sequences,
    /// The class of each, from 0.
    pub labels: Vec<u8>,
}

impl From<LabelledImages> for Split {
    fn from(LabelledImages { images, labels }: LabelledImages) -> Split {
        Split { sequences: images.into(), labels }
    }
}

impl Split {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples at these indices, in this order.
    ///
    /// # Panics
    ///
    /// Where there is none at one of them.
    pub fn select(&self, indices: &[usize]) -> Split {
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Split { sequences: self.sequences.select(indices), labels }
    }

    /// The first `limit` samples, or all.
    pub(crate) fn first(mut self, limit: usize) -> Split {
        self.labels.truncate(limit);
        self.sequences.truncate(limit);
        self
    }

    /// Takes `count` samples out, each class by its share (largest remainders), and keeps the order of both:
    /// what is left, and what is kept back. `what` they are is for the error.
    pub(crate) fn keep_back(self, count: usize, what: &str) -> Result<(Split, Split), ConfigError> {
        let total = self.len();
        if count >= total {
            let message = format!("{count} {what} cannot be kept back of {total} training {what}");
            return Err(ConfigError::new("validation", message));
        }
        if count == 0 {
            let none = self.select(&[]);
            return Ok((self, none));
        }
        let mut classes: Vec<Vec<u32>> = vec![Vec::new(); MOST_CLASSES];
        for (index, &label) in self.labels.iter().enumerate() {
            classes[usize::from(label)].push(index as u32);
        }
        let mut shares: Vec<usize> = classes.iter().map(|members| members.len() * count / total).collect();
        let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
        by_remainder.sort_by_key(|&class| std::cmp::Reverse(classes[class].len() * count % total));
        let missing = count - shares.iter().sum::<usize>();
        by_remainder[..missing].iter().for_each(|&class| shares[class] += 1);

        let mut kept_back = vec![false; total];
        for (class, members) in classes.iter_mut().enumerate() {
            shuffle(members, &mut Rng::new(STREAM_SEED, class as u64));
            members[..shares[class]].iter().for_each(|&index| kept_back[index as usize] = true);
        }
        let (validation, train): (Vec<usize>, Vec<usize>) = (0..total).partition(|&index| kept_back[index]);
        Ok((self.select(&train), self.select(&validation)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::Values;

    /// Series of one to three steps that hold their own index.
    fn numbered(labels: &[u8]) -> Split {
        let lengths = || (0..labels.len()).map(|index| 1 + index % 3);
        let values = lengths().enumerate().flat_map(|(index, length)| vec![index as f32; length]);
        let sequences = Sequences::new(Values::Floats(values.collect()), 1, lengths());
        Split { sequences, labels: labels.to_vec() }
    }

    /// The indices that they hold.
    fn indices(split: &Split) -> Vec<usize> {
        split.sequences.iter().map(|sequence| sequence.floats().unwrap()[0] as usize).collect()
    }

    #[test]
    fn every_class_gives_its_share_and_nothing_is_lost() {
        let labels: Vec<u8> = (0..200).map(|index| [0, 0, 0, 1, 9][index % 5]).collect();
        let all = numbered(&labels);
        let keep_back = |count| all.clone().keep_back(count, "series").unwrap();
        let (train, validation) = keep_back(50);
        let of = |split: &Split, class| split.labels.iter().filter(|&&label| label == class).count();
        assert_eq!([0, 1, 9].map(|class| of(&validation, class)), [30, 10, 10]);
        assert_eq!([0, 1, 9].map(|class| of(&train, class)), [90, 30, 30]);
        let (train_indices, validation_indices) = (indices(&train), indices(&validation));
        assert!(train_indices.is_sorted() && validation_indices.is_sorted());
        let mut together = [train_indices, validation_indices.clone()].concat();
        together.sort_unstable();
        assert_eq!(together, indices(&all));
        assert_eq!(validation, all.select(&validation_indices));
        assert_eq!(keep_back(50).1, validation);
        assert_eq!(keep_back(49).1.len(), 49);
    }

    #[test]
    fn not_all_can_be_kept_back() {
        let error = numbered(&[0, 1, 1]).keep_back(3, "images").unwrap_err();
        assert_eq!(error.to_string(), "data.validation: 3 images cannot be kept back of 3 training images");
        assert!(numbered(&[0, 1, 1]).keep_back(0, "images").unwrap().1.is_empty());
    }

    #[test]
    fn the_first_are_the_first() {
        let all = numbered(&[0, 1, 2]);
        assert_eq!(all.clone().first(2), all.select(&[0, 1]));
        assert_eq!(all.clone().first(9), all);
    }
}
