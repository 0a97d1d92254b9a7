//! Samples with their targets.

use crate::image::images::LabelledImages;
use crate::order::shuffle;
use crate::rng::Rng;
use crate::sequences::{Part, Sequences};
use crate::targets::{Per, TargetKind, TargetValues, Targets};

/// Classes that there can be: a label is two bytes.
pub const MOST_CLASSES: usize = 1 << u16::BITS;

/// Which samples are kept back is the same in every run, so that runs with different seeds compare.
pub(crate) const STREAM_SEED: u64 = 0x7661_6c69_6461_7465;
/// The random stream by which groups are kept back; of samples, each class has the stream of its own number.
pub(crate) const STREAM_OF_GROUPS: u64 = 256;

/// Sequences and what they are to be answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The sequences.
    pub sequences: Sequences,
    /// A target for each, or for each of their steps.
    pub targets: Targets,
}

impl From<LabelledImages> for Split {
    fn from(LabelledImages { images, labels }: LabelledImages) -> Split {
        Split::classified(images.into(), labels)
    }
}

impl Split {
    /// Sequences with a class for each, counted from 0.
    pub fn classified(sequences: Sequences, labels: Vec<u16>) -> Split {
        Split { sequences, targets: Targets::of_sequences(labels) }
    }

    /// Sequences that are to be answered with values of their own, before it is known which and how.
    pub(crate) fn unanswered(sequences: Sequences, kind: TargetKind) -> Split {
        let values = TargetValues::SelfNumbers { values: vec![f32::NAN; sequences.steps()], width: 1, kind };
        Split { sequences, targets: Targets { values, per: Per::Step } }
    }

    /// Images with their labels.
    ///
    /// # Panics
    ///
    /// Where it has other than grey levels, all of one length, and classes.
    pub(crate) fn into_images(self) -> LabelledImages {
        let labels = self.targets.classes().expect("images have classes").to_vec();
        LabelledImages { images: self.sequences.into_images().expect("grey levels of one size"), labels }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// The classes of its targets, where they are such.
    pub fn labels(&self) -> Option<&[u16]> {
        self.targets.classes()
    }

    /// The samples at these indices, in this order.
    ///
    /// # Panics
    ///
    /// Where there is none at one of them.
    pub fn select(&self, indices: &[usize]) -> Split {
        let positions = indices.iter().map(|&index| match self.targets.per {
            Per::Sequence => index..index + 1,
            Per::Step => self.sequences.steps_of(index),
        });
        Split { targets: self.targets.select(positions), sequences: self.sequences.select(indices) }
    }

    /// The first `limit` samples, or all.
    pub(crate) fn first(mut self, limit: usize) -> Split {
        self.sequences.truncate(limit);
        self.targets.truncate(match self.targets.per {
            Per::Sequence => limit,
            Per::Step => self.sequences.steps(),
        });
        self
    }

    /// Some steps of samples each, with their targets.
    pub(crate) fn parts(&self, parts: &[Part]) -> Split {
        let positions = parts.iter().map(|Part { sample, steps }| match self.targets.per {
            Per::Sequence => *sample..sample + 1,
            Per::Step => {
                let begin = self.sequences.steps_of(*sample).start;
                begin + steps.start..begin + steps.end
            }
        });
        Split { targets: self.targets.select(positions), sequences: self.sequences.parts(parts) }
    }

    /// Of `count` samples at random, fewer than there are, whether each is one: of each class by its share
    /// (largest remainders) where each sample has one.
    pub(crate) fn of_each_class(&self, count: usize) -> Vec<bool> {
        let total = self.len();
        let mut classes: Vec<Vec<u32>> = match self.labels().filter(|_| self.targets.per == Per::Sequence) {
            None => vec![(0..total as u32).collect()],
            Some(labels) => {
                let count = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
                let mut classes = vec![Vec::new(); count];
                for (index, &label) in labels.iter().enumerate() {
                    classes[usize::from(label)].push(index as u32);
                }
                classes
            }
        };
        let mut shares: Vec<usize> = classes.iter().map(|members| members.len() * count / total).collect();
        let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
        by_remainder.sort_by_key(|&class| std::cmp::Reverse(classes[class].len() * count % total));
        let missing = count - shares.iter().sum::<usize>();
        by_remainder[..missing].iter().for_each(|&class| shares[class] += 1);

        let mut chosen = vec![false; total];
        for (class, members) in classes.iter_mut().enumerate() {
            shuffle(members, &mut Rng::new(STREAM_SEED, class as u64));
            members[..shares[class]].iter().for_each(|&index| chosen[index as usize] = true);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::Values;

    /// Series of one to three steps that hold their own index.
    fn numbered(labels: &[u16]) -> Split {
        let lengths = || (0..labels.len()).map(|index| 1 + index % 3);
        let values = lengths().enumerate().flat_map(|(index, length)| vec![index as f32; length]);
        let sequences = Sequences::new(Values::Floats(values.collect()), 1, lengths());
        Split::classified(sequences, labels.to_vec())
    }

    /// The indices that they hold.
    fn indices(split: &Split) -> Vec<usize> {
        split.sequences.iter().map(|sequence| sequence.floats().unwrap()[0] as usize).collect()
    }

    #[test]
    fn every_class_gives_its_share_and_nothing_is_lost() {
        let labels: Vec<u16> = (0..200).map(|index| [0, 0, 0, 1, 9][index % 5]).collect();
        let all = numbered(&labels);
        let keep_back = |count| {
            let chosen = all.of_each_class(count);
            let (go, stay): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|&index| chosen[index]);
            (all.select(&stay), all.select(&go))
        };
        let (train, validation) = keep_back(50);
        let of =
            |split: &Split, class| split.labels().unwrap().iter().filter(|&&label| label == class).count();
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
    fn the_first_are_the_first() {
        let all = numbered(&[0, 1, 2]);
        assert_eq!(all.clone().first(2), all.select(&[0, 1]));
        assert_eq!(all.clone().first(9), all);
    }
}
