//! Published data sets: what is on disk is taken, what is missing is downloaded, all of it is verified.

use std::path::{Path, PathBuf};

use crate::dataset::{Published, PublishedDigest, PublishedFile};
use crate::error::{DataError, FileError, FileProblem, Unobtainable};
use crate::fetch::{Event, FetchError, LIMITS, fetch};
use crate::find::{alike, archive, find};
use crate::idx::{self, Digests};
use crate::images::{Images, Split};
use crate::load::{Locations, VerifiedFile, Whole};
use crate::own::join;
use crate::synthetic;

/// Brings all four files into memory.
pub(crate) fn obtain(
    published: &Published,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<Whole, DataError> {
    let [train_images, train_labels, test_images, test_labels] = &published.files;
    let mut verified = Vec::new();
    let mut split = |images_file: &PublishedFile, labels: &PublishedFile| -> Result<Split, DataError> {
        let images_path = locate(published, images_file, locations, on_event)?;
        let labels_path = locate(published, labels, locations, on_event)?;
        let (images, digests) = images_file.images(&images_path)?;
        verified.push(VerifiedFile::new(&images_path, digests));
        let (labels, digests) = labels.labels(&labels_path)?;
        verified.push(VerifiedFile::new(&labels_path, digests));
        // Of files that are known by their digests, it is known.
        let side = synthetic::SIDE;
        if matches!(images_file.digest, PublishedDigest::None) && [images.rows, images.cols] != [side; 2] {
            let (found, expected) =
                (format!("{} x {}", images.rows, images.cols), format!("{side} x {side}"));
            return Err(FileProblem::Size { found, expected }.at(&images_path).into());
        }
        let (classes, first) = (published.classes.len(), published.first_label);
        Ok(join(images, &images_path, labels, &labels_path, classes, first)?)
    };
    Ok(Whole {
        dataset: published.name,
        substitute_for: None,
        train: split(train_images, train_labels)?,
        test: split(test_images, test_labels)?,
        classes: published.class_names(),
        files: verified,
        stored: Some(published.stored),
    })
}

/// Where `file` is: found in one of the folders, else downloaded into the first.
fn locate(
    published: &Published,
    file: &PublishedFile,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<PathBuf, DataError> {
    if let Some(path) = find(published, file, locations) {
        return Ok(path);
    }
    let answers = match locations.folders.first() {
        Some(folder) if !locations.offline => {
            let folder = folder.join(published.name);
            let verify = |path: &Path| file.recognise(path, &idx::digests(path)?);
            match fetch(published.mirrors, &archive(file.name), &folder, &LIMITS, &verify, on_event) {
                Ok(path) => return Ok(path),
                Err(FetchError::File(error)) => return Err(error.into()),
                Err(FetchError::Mirrors(answers)) => answers,
            }
        }
        _ => Vec::new(),
    };
    // A missing file must not hide that another one was altered.
    for file in &published.files {
        if let Some(path) = find(published, file, locations) {
            file.recognise(&path, &idx::digests(&path).map_err(|error| file.replaceable(error))?)?;
        }
    }
    Err(DataError::Unobtainable(Box::new(Unobtainable {
        dataset: published.name.to_owned(),
        file: file.name.to_owned(),
        searched: locations.folders.clone(),
        within: published.folders(),
        alike: alike(published, locations),
        answers,
        offline: locations.offline,
        published: !published.mirrors.is_empty(),
    })))
}

impl PublishedFile {
    fn images(&self, path: &Path) -> Result<(Images, Digests), FileError> {
        let (images, digests) = idx::images(path).map_err(|error| self.replaceable(error))?;
        self.recognise(path, &digests)?;
        Ok((images, digests))
    }

    fn labels(&self, path: &Path) -> Result<(Vec<u8>, Digests), FileError> {
        let (labels, digests) = idx::labels(path).map_err(|error| self.replaceable(error))?;
        self.recognise(path, &digests)?;
        Ok((labels, digests))
    }

    fn recognise(&self, path: &Path, digests: &Digests) -> Result<(), FileError> {
        match self.digest.compared(digests) {
            Some((expected, found)) if expected != found => {
                let (expected, found) = (expected.to_owned(), found.to_owned());
                Err(self.replaceable(FileProblem::Digest { expected, found }.at(path)))
            }
            _ => Ok(()),
        }
    }

    /// A published file that is not what it should be can be had anew, where it is downloaded.
    fn replaceable(&self, FileError { path, problem }: FileError) -> FileError {
        let is_downloaded = !matches!(self.digest, PublishedDigest::None);
        let problem = match problem {
            FileProblem::Io(_) => problem,
            problem if is_downloaded => FileProblem::Replaceable(Box::new(problem)),
            problem => problem,
        };
        FileError { path, problem }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{DataConfig, DataPlan, Fallback, Source};
    use crate::dataset::PublishedDigest;
    use crate::fetch::tests::{mirror, not_found, ok};
    use crate::idx::tests::gzip;
    use crate::load::load;
    use crate::load::tests::{at, files, load_quietly, write};

    /// The tiny data set as if it were published, served by `mirror`.
    pub(crate) fn published(mirrors: &'static [&'static str]) -> DataPlan {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files());
        let digest = |index: usize| {
            let path = folder.path().join(files()[index].0);
            let digests = if index.is_multiple_of(2) {
                idx::images(&path).unwrap().1
            } else {
                idx::labels(&path).unwrap().1
            };
            PublishedDigest::Content(digests.content.leak())
        };
        let file = |index: usize| PublishedFile { name: files()[index].0, digest: digest(index) };
        let published = Published {
            name: "tiny",
            torchvision: "Tiny",
            mirrors,
            files: [file(0), file(1), file(2), file(3)],
            train: None,
            classes: &["0", "1"],
            first_label: 0,
            stored: synthetic::STORED,
        };
        let source = Source::Published(Box::leak(Box::new(published)));
        DataPlan { source, ..DataConfig::default().resolve().unwrap() }
    }

    #[test]
    fn an_altered_file_is_never_papered_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut altered = files();
        altered[0].1[20] ^= 1;
        write(&folder.path().join("first/tiny"), &altered);
        write(&folder.path().join("second/tiny"), &files());
        let plan = DataPlan { fallback: Fallback::Synthetic, ..published(&[]) };
        let refused = || {
            let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err().to_string();
            assert!(error.contains("first/tiny/a: not the published file"), "{error}");
        };
        refused();
        // Nor because another file is missing.
        std::fs::remove_dir_all(folder.path().join("second")).unwrap();
        std::fs::remove_file(folder.path().join("first/tiny/d")).unwrap();
        refused();
    }

    #[test]
    fn what_is_missing_is_downloaded_once() {
        let folder = tempfile::tempdir().unwrap();
        // A mirror that has one of the files only: the rest is on disk.
        let plan = published(vec![mirror(not_found()), mirror(ok(&gzip(&files()[2].1)))].leak());
        write(
            &folder.path().join("second/tiny"),
            &[files()[0].clone(), files()[1].clone(), files()[3].clone()],
        );
        let mut events = Vec::new();
        load(&plan, &at(folder.path(), false), &mut |event| {
            events.push(format!("{event:?}"));
        })
        .unwrap();
        assert!(events[0].starts_with("Failed") && events[0].contains("404"), "{events:?}");
        assert!(events.last().unwrap().starts_with("Downloaded"), "{events:?}");
        assert!(folder.path().join("first/tiny/c.gz").is_file());
        load(&plan, &at(folder.path(), true), &mut |event| panic!("{event:?}")).unwrap();
    }

    #[test]
    fn what_cannot_be_had_is_an_error_with_all_that_was_tried() {
        let folder = tempfile::tempdir().unwrap();
        let plan = published(vec![mirror(not_found())].leak());
        let error = load_quietly(&plan, &at(folder.path(), false)).unwrap_err().to_string();
        for part in [
            "tiny can be neither",
            "first, ",
            "second, nor in tiny, tiny/raw, tiny/gzip, Tiny, Tiny/raw or Tiny/gzip there; ",
            "/a.gz: ",
            "404",
            "--data-dir",
            "fallback",
        ] {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
        assert!(!error.contains('\n') && !folder.path().join("first").exists());
        let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err().to_string();
        assert!(error.contains("offline, so no mirror"), "{error}");
    }
}
