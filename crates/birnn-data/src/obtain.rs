//! Published data sets: what is on disk is taken, what is missing is downloaded, all of it is verified.

use std::path::{Path, PathBuf};

use crate::config::Dataset;
use crate::dataset::{Published, PublishedDigest, PublishedFile};
use crate::error::{DataError, FileError, FileProblem, Unobtainable};
use crate::fetch::{Event, FetchError, LIMITS, fetch};
use crate::idx::{self, Digests};
use crate::images::{Images, Split};
use crate::load::{Locations, VerifiedFile, Whole, join};

/// Brings all four files into memory.
pub(crate) fn obtain(
    published: &Published,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<Whole, DataError> {
    let [train_images, train_labels, test_images, test_labels] = &published.files;
    let mut verified = Vec::new();
    let mut split = |images: &PublishedFile, labels: &PublishedFile| -> Result<Split, DataError> {
        let images_path = locate(published, images, locations, on_event)?;
        let labels_path = locate(published, labels, locations, on_event)?;
        let (images, digests) = images.images(&images_path)?;
        verified.push(VerifiedFile::new(&images_path, digests));
        let (labels, digests) = labels.labels(&labels_path)?;
        verified.push(VerifiedFile::new(&labels_path, digests));
        let labels = from_first(labels, published.first_label, &labels_path)?;
        Ok(join(images, &images_path, labels, &labels_path, published.classes.len())?)
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
            file.recognise(&path, &idx::digests(&path).map_err(replaceable)?)?;
        }
    }
    Err(DataError::Unobtainable(Unobtainable {
        dataset: published.name.to_owned(),
        file: file.name.to_owned(),
        searched: locations.folders.clone(),
        within: published.folders(),
        alike: alike(published, locations),
        answers,
        offline: locations.offline,
        published: !published.mirrors.is_empty(),
    }))
}

/// Labels counted from 0 that the file counts from `first`.
fn from_first(mut labels: Vec<u8>, first: u8, path: &Path) -> Result<Vec<u8>, FileError> {
    if let Some(index) = labels.iter().position(|&label| label < first) {
        return Err(FileProblem::FirstLabel { index, label: labels[index], first }.at(path));
    }
    labels.iter_mut().for_each(|label| *label -= first);
    Ok(labels)
}

/// Where `file` is on disk, if anywhere.
fn find(published: &Published, file: &PublishedFile, locations: &Locations) -> Option<PathBuf> {
    let names = file.names();
    let in_folder = |folder: PathBuf| names.iter().map(move |name| folder.join(name)).find(|path| path.is_file());
    locations.folders.iter().find_map(|base| {
        let own = published.folders().into_iter().map(|name| base.join(name));
        // The data set's folder may be the very one that was named, and so may one with the files of another set.
        let itself = || in_folder(base.clone()).filter(|path| published.names(base) || !is_of_another(published, path));
        own.chain(None).find_map(in_folder).or_else(itself)
    })
}

/// Whether a file is one that another data set published: in all of MNIST's family they have the same names.
fn is_of_another(published: &Published, path: &Path) -> bool {
    let Ok(digests) = idx::digests(path) else { return false };
    let others = Dataset::PUBLISHED.into_iter().filter_map(Dataset::published);
    let mut others = others.filter(|other| other.name != published.name);
    others.any(|other| other.files.iter().any(|file| file.digest.is_of(&digests) == Some(true)))
}

/// What lies in the folders and looks as if it were meant, so that it can be named where the file is not found.
fn alike(published: &Published, locations: &Locations) -> Vec<PathBuf> {
    const MOST: usize = 5;
    let within = |base: &PathBuf| {
        let own: Vec<_> = published.folders().into_iter().map(|name| base.join(name)).collect();
        std::iter::once(base.clone()).chain(own)
    };
    let entries = locations.folders.iter().flat_map(within).filter_map(|folder| std::fs::read_dir(folder).ok());
    let names: Vec<String> = published.files.iter().flat_map(PublishedFile::names).collect();
    let looks_so = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        path.is_file()
            && !names.contains(&name)
            && !disk_partial(&name)
            && ["ubyte", "idx1", "idx3", published.name].iter().any(|part| name.contains(part))
    };
    let mut found: Vec<PathBuf> = entries.flatten().flatten().map(|entry| entry.path()).filter(looks_so).collect();
    found.sort();
    found.truncate(MOST);
    found
}

/// A download that was broken off.
fn disk_partial(name: &str) -> bool {
    name.starts_with('.')
}

fn archive(name: &str) -> String {
    format!("{name}.gz")
}

impl Published {
    /// Folders, within one that holds data sets, that its files may lie in: its own, torchvision's, and what its archive
    /// unpacks to.
    fn folders(&self) -> Vec<String> {
        let of = |name: &str| [name.to_owned(), format!("{name}/raw"), format!("{name}/gzip")];
        [of(self.name), of(self.torchvision)].concat()
    }

    /// Whether `folder` has its name, or lies in one that has.
    fn names(&self, folder: &Path) -> bool {
        let own = |folder: &Path| folder.ends_with(self.name) || folder.ends_with(self.torchvision);
        own(folder) || folder.parent().is_some_and(own)
    }
}

impl PublishedDigest {
    /// Whether a file with `digests` is the published one; `None` where that cannot be told.
    fn is_of(&self, digests: &Digests) -> Option<bool> {
        match self {
            PublishedDigest::Content(expected) => Some(digests.content == *expected),
            PublishedDigest::Archive(expected) => Some(digests.file == *expected),
            PublishedDigest::None => None,
        }
    }
}

impl PublishedFile {
    /// What the file is called here and there: with a dot before `idx`, compressed, in a folder of its own name.
    fn names(&self) -> Vec<String> {
        let spellings = [self.name.to_owned(), self.name.replacen("-idx", ".idx", 1)];
        let archives = spellings.clone().map(|name| archive(&name));
        let plain = match self.digest {
            PublishedDigest::Archive(_) => Vec::new(),
            _ => spellings.to_vec(),
        };
        let all: Vec<String> = plain.into_iter().chain(archives).collect();
        let nested = spellings.iter().flat_map(|folder| all.iter().map(move |name| format!("{folder}/{name}")));
        all.iter().cloned().chain(nested).collect()
    }

    fn images(&self, path: &Path) -> Result<(Images, Digests), FileError> {
        let (images, digests) = idx::images(path).map_err(replaceable)?;
        self.recognise(path, &digests)?;
        Ok((images, digests))
    }

    fn labels(&self, path: &Path) -> Result<(Vec<u8>, Digests), FileError> {
        let (labels, digests) = idx::labels(path).map_err(replaceable)?;
        self.recognise(path, &digests)?;
        Ok((labels, digests))
    }

    fn recognise(&self, path: &Path, digests: &Digests) -> Result<(), FileError> {
        if self.digest.is_of(digests) != Some(false) {
            return Ok(());
        }
        let (expected, found) = match self.digest {
            PublishedDigest::Archive(expected) => (expected, &digests.file),
            PublishedDigest::Content(expected) => (expected, &digests.content),
            PublishedDigest::None => return Ok(()),
        };
        let problem = FileProblem::Digest { expected: expected.to_owned(), found: found.clone() };
        Err(replaceable(problem.at(path)))
    }
}

/// A published file that is not what it should be can be had anew.
fn replaceable(FileError { path, problem }: FileError) -> FileError {
    let problem = match problem {
        FileProblem::Io(_) => problem,
        other => FileProblem::Replaceable(Box::new(other)),
    };
    FileError { path, problem }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{DataConfig, DataPlan, Fallback, Source};
    use crate::dataset::MNIST;
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
            stored: crate::synthetic::STORED,
        };
        let source = Source::Published(Box::leak(Box::new(published)));
        DataPlan { source, ..DataConfig::default().resolve().unwrap() }
    }

    #[test]
    fn published_files_are_found_in_every_layout_and_order() {
        let plan = published(&[]);
        let zipped = files().map(|(name, bytes)| {
            let name: &'static str = format!("{name}.gz").leak();
            (name, gzip(&bytes))
        });
        for (place, files) in [
            ("first/tiny", files()),
            ("second/tiny", zipped.clone()),
            ("second/Tiny/raw", files()),
            ("first/Tiny/raw", zipped.clone()),
            ("first/Tiny", files()),
            ("second/tiny/raw", zipped.clone()),
            ("first/tiny/gzip", zipped),
            ("second", files()),
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(&folder.path().join(place), &files);
            let splits = load_quietly(&plan, &at(folder.path(), true)).unwrap();
            assert!(
                splits.provenance.files.iter().all(|file| file.path.starts_with(folder.path().join(place)))
            );
        }
    }

    #[test]
    fn files_are_found_under_the_names_that_they_have_in_the_wild() {
        // What `name` makes of the name of a published file.
        let found = |name: &dyn Fn(&str) -> String| {
            let folder = tempfile::tempdir().unwrap();
            for file in &MNIST.files {
                let path = folder.path().join(name(file.name));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            let locations = Locations { folders: vec![folder.path().to_owned()], named: None, offline: true };
            MNIST.files.iter().all(|file| find(&MNIST, file, &locations).is_some())
        };
        let dotted = |name: &str| name.replace("-idx", ".idx");
        assert!(found(&|name| format!("MNIST/raw/{name}")));
        assert!(found(&|name| format!("MNIST/{name}.gz")));
        assert!(found(&|name| format!("mnist/{}", dotted(name))));
        assert!(found(&|name| format!("{}.gz", dotted(name))));
        assert!(found(&|name| format!("{name}/{name}")));
        assert!(found(&|name| format!("mnist/{name}/{}", dotted(name))));
        assert!(!found(&|name| format!("other/{name}")));
    }

    #[test]
    fn what_looks_as_if_it_were_meant_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| write(folder.path(), &[(name, b"x".to_vec())]);
        ["train-images-idx3-ubyte.zip", "mnist.npz", "notes.txt"].into_iter().for_each(write);
        let plan = DataConfig::default().resolve().unwrap();
        let locations = Locations { folders: vec![folder.path().to_owned()], named: None, offline: true };
        let error = load_quietly(&plan, &locations).unwrap_err().to_string();
        assert!(error.contains("what is there and has another name: "), "{error}");
        assert!(error.contains("/mnist.npz, ") && error.contains("idx3-ubyte.zip; ") && !error.contains("notes"), "{error}");
    }

    #[test]
    fn the_folder_of_the_files_may_be_named_itself() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("tiny"), &files());
        let locations = Locations { folders: vec![folder.path().join("tiny")], named: None, offline: true };
        load_quietly(&published(&[]), &locations).unwrap();
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
