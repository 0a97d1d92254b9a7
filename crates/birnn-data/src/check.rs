//! What data can be that hardly is what was meant, found by its content.

use std::collections::HashMap;

use crate::config::ConfigError;
use crate::images::Split;

/// Test images that are training images: whatever the files are called, and however they came to hold the same.
pub(crate) fn overlap(train: &Split, test: &Split) -> Option<ConfigError> {
    let images = |split: &Split| 0..split.images.len();
    let known: HashMap<&[u8], usize> =
        images(train).rev().map(|index| (train.images.get(index), index)).collect();
    let mut seen = images(test).filter_map(|index| Some((index, *known.get(test.images.get(index))?)));
    let (first, same) = seen.next()?;
    let (count, all) = (1 + seen.count(), test.images.len());
    let message = format!(
        "{count} of {all} test images are training images too (the first is test image {first}, training image {same}): how \
         a net does on them says nothing of others"
    );
    Some(ConfigError::new("test_images", message))
}

/// Whether the samples of each class come one after the other, so that the first ones are of a few classes alone.
pub(crate) fn is_sorted_by_class(labels: &[u8]) -> bool {
    let mut seen = [false; 256];
    let mut classes = 0;
    for (index, &label) in labels.iter().enumerate() {
        let begins = index == 0 || labels[index - 1] != label;
        if begins && std::mem::replace(&mut seen[usize::from(label)], true) {
            return false;
        }
        classes += usize::from(begins);
    }
    classes > 1
}

/// Classes without a training image; `limit` is how many of images sorted by class were taken, where they were.
pub(crate) fn untrained(labels: &[u8], classes: &[String], limit: Option<usize>) -> Option<ConfigError> {
    let mut seen = [false; 256];
    labels.iter().for_each(|&label| seen[usize::from(label)] = true);
    let missing = classes.iter().zip(seen).filter(|(_, seen)| !seen);
    let missing: Vec<String> = missing.map(|(name, _)| format!("`{}`", name.escape_debug())).collect();
    if missing.is_empty() {
        return None;
    }
    const NAMED: usize = 10;
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = missing[..missing.len().min(NAMED)].join(", ");
    let without = format!("no training image is of class {named}{more}, and the net will never name it");
    Some(match limit {
        Some(limit) => ConfigError::new(
            "limit",
            format!(
                "the images are sorted by class, and these are the first {limit}: {without}; shuffle the files"
            ),
        ),
        None => ConfigError::new("dataset", without),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::Images;

    /// Images of two pixels.
    fn split(pixels: &[u8]) -> Split {
        let images = Images { rows: 1, cols: 2, pixels: pixels.to_vec() };
        Split { labels: vec![0; images.len()], images }
    }

    #[test]
    fn test_images_that_were_trained_on_are_counted() {
        let train = split(&[1, 2, 3, 4, 5, 6]);
        let told = |test: &[u8]| overlap(&train, &split(test)).map(|error| error.to_string());
        assert_eq!(told(&[2, 1, 4, 3]), None);
        assert_eq!(told(&[]), None);
        let told = told(&[9, 9, 5, 6, 3, 4]).unwrap();
        assert!(
            told.starts_with("data.test_images: 2 of 3 test images are training images too (the first is test image 1, training image 2)"),
            "{told}"
        );
    }

    #[test]
    fn samples_may_be_sorted_by_class() {
        for (labels, sorted) in [
            (&[0, 0, 1, 1, 2][..], true),
            (&[2, 2, 0, 1], true),
            (&[0, 1, 0], false),
            (&[0, 0], false),
            (&[], false),
        ] {
            assert_eq!(is_sorted_by_class(labels), sorted, "{labels:?}");
        }
    }

    #[test]
    fn classes_without_training_images_are_named() {
        let classes: Vec<String> = (0..13).map(|class| format!("c{class}")).collect();
        let told = |labels: &[u8], limit| untrained(labels, &classes, limit).map(|error| error.to_string());
        assert_eq!(told(&(0..13).collect::<Vec<_>>(), None), None);
        let one = told(&(0..12).collect::<Vec<_>>(), None).unwrap();
        assert!(one.starts_with("data.dataset: no training image is of class `c12`, and"), "{one}");
        let many = told(&[0, 0], Some(2)).unwrap();
        assert!(
            many.starts_with("data.limit: the images are sorted by class, and these are the first 2: "),
            "{many}"
        );
        assert!(many.contains("`c1`, ") && many.contains("`c10` and 2 more"), "{many}");
    }
}
