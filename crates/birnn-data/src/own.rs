//! A user's own four files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::{DataConfig, UserFiles};
use crate::division::Groups;
use crate::error::{ConfigError, DataError};
use crate::file_error::{FileError, FileProblem};
use crate::image::idx;
use crate::image::images::{Images, LabelledImages};
use crate::image::raw::RawImages;
use crate::name;
use crate::provenance::VerifiedFile;

/// Brings all four files into memory.
pub(crate) fn read_idx(files: &UserFiles) -> Result<RawImages, DataError> {
    let mut verified = Vec::new();
    let mut read =
        |kind: &str, images_path: &Path, labels_path: &Path| -> Result<(Images, Vec<u8>), FileError> {
            let (images, digests) =
                idx::images(images_path).map_err(not_there(&format!("data.{kind}_images")))?;
            verified.push(VerifiedFile::new(images_path, digests));
            let (labels, digests) =
                idx::labels(labels_path).map_err(not_there(&format!("data.{kind}_labels")))?;
            verified.push(VerifiedFile::new(labels_path, digests));
            Ok((images, labels))
        };
    let (train_images, train_labels) = read("train", &files.train_images, &files.train_labels)?;
    let (test_images, test_labels) = read("test", &files.test_images, &files.test_labels)?;
    let classes = match &files.classes {
        Some(names) => names.clone(),
        // One class would leave nothing to tell apart.
        None => (0..=train_labels.iter().copied().max().unwrap_or(0).max(1)).map(|n| n.to_string()).collect(),
    };
    same_size(&train_images, &files.train_images, &test_images, &files.test_images)?;
    let count = classes.len();
    Ok(RawImages {
        dataset: "idx",
        substitute_for: None,
        train: join(train_images, &files.train_images, train_labels, &files.train_labels, count, 0)?,
        groups: Groups::default(),
        test: Some(join(test_images, &files.test_images, test_labels, &files.test_labels, count, 0)?),
        classes,
        files: verified,
        known: None,
        warnings: Vec::new(),
    })
}

/// For `map_err`: what is not there can be said to be elsewhere, by the setting `key`; what is of the other
/// sort was named by it.
pub(crate) fn not_there(key: &str) -> impl FnOnce(FileError) -> FileError + use<> {
    let key = key.to_owned();
    move |FileError { path, problem }| {
        let problem = match problem {
            FileProblem::Io(io) => match io.kind() {
                ErrorKind::IsADirectory => FileProblem::IsFolder { key },
                ErrorKind::NotADirectory if path.is_file() => FileProblem::IsFile { key },
                ErrorKind::NotFound | ErrorKind::NotADirectory => FileProblem::Missing { key },
                _ => FileProblem::Io(io),
            },
            other => other,
        };
        problem.at(&path)
    }
}

impl DataConfig {
    /// Takes the user's own files from `folder`, under the names that their paths have: all of them or, where
    /// it has none, none. A setting that `keep` names, such as `test_images`, stays. Says whether there were
    /// any.
    ///
    /// # Errors
    ///
    /// Where there is no such folder, or some of the files are in it and not all of them, each under a name
    /// of its own.
    pub fn take_from(&mut self, folder: &Path, keep: impl Fn(&str) -> bool) -> Result<bool, FileError> {
        if !folder.is_dir() {
            return Err(FileProblem::NoFolder.at(folder));
        }
        let moved = |path: &Path| {
            let moved = folder.join(path.file_name().unwrap_or_default());
            moved.exists().then(|| std::path::absolute(&moved).unwrap_or(moved))
        };
        let paths = self.paths_mut().into_iter().filter(|(key, _)| !keep(key));
        let paths = paths.filter_map(|(key, path)| Some((key, path.as_mut()?)));
        // Vectors of words are of no data set: they may lie elsewhere, or be all that is here.
        let (vectors, files): (Vec<_>, Vec<_>) = paths.partition(|(key, _)| *key == "vectors");
        let found: Vec<Option<PathBuf>> = files.iter().map(|(_, path)| moved(path)).collect();
        let any = found.iter().any(Option::is_some);
        if any {
            let is_missing =
                |&index: &usize| found[index].is_none() || found[..index].contains(&found[index]);
            if let Some((key, path)) = (0..files.len()).find(is_missing).map(|index| &files[index]) {
                let name = name::text(path.file_name().unwrap_or_default());
                return Err(FileProblem::NotAll { name, key }.at(folder));
            }
        }
        let vectors = vectors.into_iter().map(|(_, path)| (moved(path), path));
        let mut taken = false;
        for (moved, path) in found.into_iter().zip(files.into_iter().map(|(_, path)| path)).chain(vectors) {
            if let Some(moved) = moved {
                (*path, taken) = (moved, true);
            }
        }
        Ok(taken)
    }
}

/// What there is to say of files of a folder that are not read, of one and of several.
pub(crate) fn left_out(key: &str, [is, are]: [&str; 2], others: &[PathBuf]) -> Option<ConfigError> {
    let names: Vec<String> = others.iter().map(name::text).collect();
    let what = match names.len() {
        0 => return None,
        1 => format!("a file {is}"),
        count => format!("{count} files {are}"),
    };
    Some(ConfigError::new(key, format!("{what}, and left out: {}", name::first(&names))))
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
    labels: Vec<u8>,
    path: &Path,
    classes: usize,
    first: u8,
) -> Result<LabelledImages, FileError> {
    if labels.len() != images.len() {
        let problem = FileProblem::Count { labels: labels.len(), images: images.len(), of: of.to_owned() };
        return Err(problem.at(path));
    }
    let last = usize::from(first) + classes;
    let none = |label: &u8| !(usize::from(first)..last).contains(&usize::from(*label));
    if let Some(index) = labels.iter().position(none) {
        return Err(FileProblem::Label { index, label: labels[index], classes, first }.at(path));
    }
    let labels = labels.into_iter().map(|label| u16::from(label - first)).collect();
    Ok(LabelledImages { images, labels })
}
