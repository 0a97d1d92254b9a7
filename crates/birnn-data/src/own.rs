//! A user's own four files.

use std::path::Path;

use crate::config::UserFiles;
use crate::error::{DataError, FileError, FileProblem};
use crate::idx;
use crate::images::{Images, Split};
use crate::load::{Locations, VerifiedFile, Whole};

/// Brings all four files into memory.
pub(crate) fn read_own(files: &UserFiles, locations: &Locations) -> Result<Whole, DataError> {
    let UserFiles { train_images, train_labels, test_images, test_labels, .. } = files;
    let [train_images_path, train_labels_path, test_images_path, test_labels_path] =
        [train_images, train_labels, test_images, test_labels].map(|path| locations.own(path));
    let mut verified = Vec::new();
    let mut read = |kind: &str,
                    images_path: &Path,
                    labels_path: &Path|
     -> Result<(Images, Vec<u8>), FileError> {
        let (images, digests) = idx::images(images_path).map_err(missing(&format!("data.{kind}_images")))?;
        verified.push(VerifiedFile::new(images_path, digests));
        let (labels, digests) = idx::labels(labels_path).map_err(missing(&format!("data.{kind}_labels")))?;
        verified.push(VerifiedFile::new(labels_path, digests));
        Ok((images, labels))
    };
    let (train_images, train_labels) = read("train", &train_images_path, &train_labels_path)?;
    let (test_images, test_labels) = read("test", &test_images_path, &test_labels_path)?;
    let classes = match &files.classes {
        Some(names) => names.clone(),
        // One class would leave nothing to tell apart.
        None => (0..=train_labels.iter().copied().max().unwrap_or(0).max(1)).map(|n| n.to_string()).collect(),
    };
    let size = |images: &Images| format!("{} x {}", images.rows, images.cols);
    if size(&test_images) != size(&train_images) {
        let (found, expected) = (size(&test_images), size(&train_images));
        let of = train_images_path;
        return Err(FileProblem::Shape { found, expected, of }.at(&test_images_path).into());
    }
    Ok(Whole {
        dataset: "idx",
        substitute_for: None,
        train: join(train_images, &train_images_path, train_labels, &train_labels_path, classes.len())?,
        test: join(test_images, &test_images_path, test_labels, &test_labels_path, classes.len())?,
        classes,
        files: verified,
        stored: None,
    })
}

/// For `map_err`: what is not there can be said to be elsewhere, by the setting `key`.
fn missing(key: &str) -> impl FnOnce(FileError) -> FileError {
    move |error| match error.problem {
        FileProblem::Io(io) if io.kind() == std::io::ErrorKind::NotFound => {
            FileProblem::Missing { key: key.to_owned() }.at(&error.path)
        }
        problem => problem.at(&error.path),
    }
}

/// Images with their labels, once they fit together.
pub(crate) fn join(
    images: Images,
    of: &Path,
    labels: Vec<u8>,
    path: &Path,
    classes: usize,
) -> Result<Split, FileError> {
    if labels.len() != images.len() {
        let problem = FileProblem::Count { labels: labels.len(), images: images.len(), of: of.to_owned() };
        return Err(problem.at(path));
    }
    if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
        return Err(FileProblem::Label { index, label: labels[index], classes }.at(path));
    }
    Ok(Split { images, labels })
}
