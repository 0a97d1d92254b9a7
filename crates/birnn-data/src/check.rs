//! What data can be that hardly is what was meant, found by its content.

use std::collections::HashMap;

use crate::config::DataPlan;
use crate::error::ConfigError;
use crate::image::images::{MOST_CLASSES, Split};
use crate::name;

/// Test images that are training images: whatever the files are called, and however they came to hold the
/// same.
pub(crate) fn overlap(train: &Split, test: &Split) -> Option<ConfigError> {
    let images = |split: &Split| 0..split.images.len();
    let known: HashMap<&[u8], usize> =
        images(train).rev().map(|index| (train.images.get(index), index)).collect();
    let mut seen = images(test).filter_map(|index| Some((index, *known.get(test.images.get(index))?)));
    let (first, same) = seen.next()?;
    let (count, all) = (1 + seen.count(), test.images.len());
    let message = format!(
        "{count} of {all} test images are training images too (the first is test image {first}, \
         training image {same}): how a net does on them says nothing of others"
    );
    Some(ConfigError::new("test_images", message))
}

/// Whether the samples of each class come one after the other, so that the first ones are of a few classes
/// alone.
pub(crate) fn is_sorted_by_class(labels: &[u8]) -> bool {
    let mut seen = [false; MOST_CLASSES];
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

/// Which labels there are.
pub(crate) fn classes_in(labels: &[u8]) -> [bool; MOST_CLASSES] {
    let mut seen = [false; MOST_CLASSES];
    labels.iter().for_each(|&label| seen[usize::from(label)] = true);
    seen
}

/// Classes of which no image was left in `labels` to train on; of those that are `known` there were some in
/// the file.
pub(crate) fn untrained(
    labels: &[u8],
    classes: &[String],
    known: &[bool; MOST_CLASSES],
    sorted: bool,
    plan: &DataPlan,
) -> Option<ConfigError> {
    let seen = classes_in(labels);
    let missing: Vec<usize> = (0..classes.len()).filter(|&class| !seen[class]).collect();
    if missing.is_empty() {
        return None;
    }
    let named: Vec<String> =
        missing.iter().map(|&class| format!("`{}`", classes[class].escape_debug())).collect();
    let without =
        format!("no training image is of class {}, and the net will never name it", name::first(&named));
    let limit = plan.limit;
    Some(match missing.iter().any(|&class| known[class]) {
        false => ConfigError::new("dataset", without),
        true if limit == usize::MAX => {
            ConfigError::new("validation", format!("of those that are not kept back, {without}"))
        }
        true if sorted => ConfigError::new(
            "limit",
            format!(
                "the images are sorted by class, and these are the first {limit}: {without}; \
                 shuffle the files"
            ),
        ),
        true => ConfigError::new("limit", format!("of the first {limit}, {without}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::images::Images;

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
            told.starts_with(
                "data.test_images: 2 of 3 test images are training images too (the first is test image 1, \
                 training image 2)"
            ),
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
        let all: Vec<u8> = (0..13).collect();
        let told = |labels: &[u8], file: &[u8], limit: usize| {
            let plan = DataPlan { limit, ..crate::DataConfig::default().resolve().unwrap() };
            let sorted = is_sorted_by_class(file);
            untrained(labels, &classes, &classes_in(file), sorted, &plan).map(|error| error.to_string())
        };
        assert_eq!(told(&all, &all, usize::MAX), None);
        for (labels, file, limit, starts) in [
            (&all[..12], &all[..12], usize::MAX, "data.dataset: no training image is of class `c12`, and"),
            (&all[..12], &all, usize::MAX, "data.validation: of those that are not kept back, no training"),
            (
                &all[..12],
                &all,
                12,
                "data.limit: the images are sorted by class, and these are the first 12: no",
            ),
            (&all[..12], &[&all[..], &[0]].concat(), 12, "data.limit: of the first 12, no training image"),
        ] {
            let told = told(labels, file, limit).unwrap();
            assert!(told.starts_with(starts), "{told}");
        }
        let many = told(&[0, 0], &all, 2).unwrap();
        assert!(many.contains("`c1`, `c2`, ") && many.contains(" more, and"), "{many}");
    }
}
