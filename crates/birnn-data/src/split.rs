//! Keeping training images back to judge by.

use crate::error::ConfigError;
use crate::image::images::{Images, MOST_CLASSES, Split};
use crate::order::shuffle;
use crate::rng::Rng;

/// Which images are kept back is the same in every run, so that runs with different seeds compare.
const STREAM_SEED: u64 = 0x7661_6c69_6461_7465;

/// The first `limit` samples, or all.
pub(crate) fn first(mut split: Split, limit: usize) -> Split {
    if limit < split.labels.len() {
        split.labels.truncate(limit);
        split.images.pixels.truncate(limit * split.images.rows * split.images.cols);
        split.images.pixels.shrink_to_fit();
    }
    split
}

/// Takes `count` samples out of `train`, each class by its share (largest remainders), and keeps the order of
/// both.
pub(crate) fn keep_back(train: Split, count: usize) -> Result<(Split, Split), ConfigError> {
    let total = train.labels.len();
    if count >= total {
        let message = format!("{count} images cannot be kept back of {total} training images");
        return Err(ConfigError::new("validation", message));
    }
    let mut classes: Vec<Vec<u32>> = vec![Vec::new(); MOST_CLASSES];
    for (index, &label) in train.labels.iter().enumerate() {
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
    Ok((select(&train, |index| !kept_back[index]), select(&train, |index| kept_back[index])))
}

fn select(split: &Split, wanted: impl Fn(usize) -> bool) -> Split {
    let indices = || (0..split.labels.len()).filter(|&index| wanted(index));
    let mut pixels = Vec::with_capacity(indices().count() * split.images.rows * split.images.cols);
    indices().for_each(|index| pixels.extend_from_slice(split.images.get(index)));
    let labels = indices().map(|index| split.labels[index]).collect();
    Split { images: Images { pixels, ..split.images }, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One-pixel images that hold their own index.
    fn numbered(labels: &[u8]) -> Split {
        let pixels = (0..labels.len()).map(|index| index as u8).collect();
        Split { images: Images { rows: 1, cols: 1, pixels }, labels: labels.to_vec() }
    }

    #[test]
    fn every_class_gives_its_share_and_nothing_is_lost() {
        let labels: Vec<u8> = (0..200).map(|index| [0, 0, 0, 1, 9][index % 5]).collect();
        let all = numbered(&labels);
        let (train, validation) = keep_back(all.clone(), 50).unwrap();
        let of = |split: &Split, class| split.labels.iter().filter(|&&label| label == class).count();
        assert_eq!([0, 1, 9].map(|class| of(&validation, class)), [30, 10, 10]);
        assert_eq!([0, 1, 9].map(|class| of(&train, class)), [90, 30, 30]);
        let mut together = [train.images.pixels.clone(), validation.images.pixels.clone()].concat();
        assert!(train.images.pixels.is_sorted() && validation.images.pixels.is_sorted());
        together.sort_unstable();
        assert_eq!(together, all.images.pixels);
        assert!(
            train.images.pixels.iter().zip(&train.labels).all(|(&i, &label)| labels[usize::from(i)] == label)
        );
        assert_eq!(keep_back(all.clone(), 50).unwrap().1, validation);
        assert_eq!(keep_back(all, 49).unwrap().1.labels.len(), 49);
    }

    #[test]
    fn not_all_can_be_kept_back() {
        let error = keep_back(numbered(&[0, 1, 1]), 3).unwrap_err();
        assert_eq!(error.to_string(), "data.validation: 3 images cannot be kept back of 3 training images");
        assert_eq!(keep_back(numbered(&[0, 1, 1]), 0).unwrap().1.labels.len(), 0);
    }

    #[test]
    fn the_first_are_the_first() {
        assert_eq!(first(numbered(&[0, 1, 2]), 2), numbered(&[0, 1]));
        assert_eq!(first(numbered(&[0, 1, 2]), 9), numbered(&[0, 1, 2]));
    }
}
