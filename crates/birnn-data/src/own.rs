//! A user's own four files.

use std::path::{Path, PathBuf};

use crate::config::UserFiles;
use crate::error::{DataError, FileError, FileProblem};
use crate::images::{Images, Split};
use crate::load::{Locations, VerifiedFile, Whole};
use crate::{idx, name};

/// Brings all four files into memory.
pub(crate) fn read_own(files: &UserFiles, locations: &Locations) -> Result<Whole, DataError> {
    let UserFiles { train_images, train_labels, test_images, test_labels, .. } = files;
    let [train_images_path, train_labels_path, test_images_path, test_labels_path] =
        locate([train_images, train_labels, test_images, test_labels], locations)?;
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
    same_size(&train_images, &train_images_path, &test_images, &test_images_path)?;
    let count = classes.len();
    Ok(Whole {
        dataset: "idx",
        substitute_for: None,
        train: join(train_images, &train_images_path, train_labels, &train_labels_path, count, 0)?,
        test: join(test_images, &test_images_path, test_labels, &test_labels_path, count, 0)?,
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

/// Where the files are: all of them in the folder that was named, under their names there, or each at its own path.
fn locate(paths: [&PathBuf; 4], locations: &Locations) -> Result<[PathBuf; 4], FileError> {
    let own = || paths.map(Clone::clone);
    let Some(folder) = &locations.named else { return Ok(own()) };
    let named = paths.map(|path| folder.join(path.file_name().unwrap_or_default()));
    let is_twice = |(place, path): (usize, &PathBuf)| named[..place].contains(path);
    match named.iter().filter(|path| path.is_file()).count() {
        0 => Ok(own()),
        4 if !named.iter().enumerate().any(is_twice) => Ok(named),
        _ => {
            let absent =
                named.iter().enumerate().find(|(place, path)| !path.is_file() || is_twice((*place, path)));
            let name = absent.and_then(|(_, path)| path.file_name()).unwrap_or_default();
            Err(FileProblem::NotAllFour { name: name::text(name) }.at(folder))
        }
    }
}

/// Whether test images are as large as training images.
pub(crate) fn same_size(train: &Images, of: &Path, test: &Images, path: &Path) -> Result<(), FileError> {
    let size = |images: &Images| format!("{} x {}", images.rows, images.cols);
    let (found, expected) = (size(test), size(train));
    match found == expected {
        true => Ok(()),
        false => Err(FileProblem::Shape { found, expected, of: of.to_owned() }.at(path)),
    }
}

/// Images with their labels, counted from `first`, once they fit together.
pub(crate) fn join(
    images: Images,
    of: &Path,
    mut labels: Vec<u8>,
    path: &Path,
    classes: usize,
    first: u8,
) -> Result<Split, FileError> {
    if labels.len() != images.len() {
        let problem = FileProblem::Count { labels: labels.len(), images: images.len(), of: of.to_owned() };
        return Err(problem.at(path));
    }
    let last = usize::from(first) + classes;
    let none = |label: &u8| !(usize::from(first)..last).contains(&usize::from(*label));
    if let Some(index) = labels.iter().position(none) {
        return Err(FileProblem::Label { index, label: labels[index], classes, first }.at(path));
    }
    labels.iter_mut().for_each(|label| *label -= first);
    Ok(Split { images, labels })
}
