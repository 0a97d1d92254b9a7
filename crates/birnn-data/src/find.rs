//! Where the files of published data sets are on disk, in all the layouts and under all the names that they
//! come in.

use std::path::{Path, PathBuf};

use crate::content;
use crate::dataset::Dataset;
use crate::elsewhere::Elsewhere;
use crate::form::Form;
use crate::locations::Locations;
use crate::published::{Kind, Published, PublishedDigest, PublishedFile};

/// Where `file` is on disk, if anywhere.
pub(crate) fn find(published: &Published, file: &PublishedFile, locations: &Locations) -> Option<PathBuf> {
    let names = file.names();
    let in_folder =
        |folder: PathBuf| names.iter().map(move |name| folder.join(name)).find(|path| path.is_file());
    locations.folders.iter().find_map(|base| {
        let own = published.all_folders().into_iter().map(|name| base.join(name));
        // The data set's folder may be the very one that was named, and so may one with the files of another
        // set.
        let below =
            published.names(base).then(|| ["raw", "gzip"].map(|name| base.join(name))).into_iter().flatten();
        let itself = || {
            in_folder(base.clone()).filter(|path| published.names(base) || !is_of_another(published, path))
        };
        own.chain(below).find_map(in_folder).or_else(itself)
    })
}

/// A file that holds all of the data set, if there is one anywhere, and what form it has.
pub(crate) fn find_whole(
    published: &Published,
    elsewhere: &Elsewhere,
    locations: &Locations,
) -> Option<(PathBuf, Form)> {
    let folders = locations.folders.iter().flat_map(|base| {
        let own = published.all_folders().into_iter().map(|name| base.join(name));
        own.chain(std::iter::once(base.clone()))
    });
    let mut files =
        folders.flat_map(|folder| elsewhere.whole.iter().map(move |&(name, form)| (folder.join(name), form)));
    files.find(|(path, _)| path.is_file())
}

/// Whether a file is one that another data set published: in all of MNIST's family they have the same names.
fn is_of_another(published: &Published, path: &Path) -> bool {
    let Ok(digests) = content::digests(path) else { return false };
    let others = Dataset::PUBLISHED.into_iter().filter_map(Dataset::published);
    let mut others = others.filter(|other| other.name != published.name);
    others.any(|other| {
        let known = other.files.iter().filter_map(|file| file.digest.compared(&digests));
        known.into_iter().any(|(expected, found)| expected == found)
    })
}

/// What lies in the folders and looks as if it were meant, so that it can be named where the file is not
/// found.
pub(crate) fn alike(published: &Published, locations: &Locations) -> Vec<PathBuf> {
    const MOST: usize = 5;
    let within = |base: &PathBuf| {
        let own: Vec<_> = published.all_folders().into_iter().map(|name| base.join(name)).collect();
        std::iter::once(base.clone()).chain(own)
    };
    let entries =
        locations.folders.iter().flat_map(within).filter_map(|folder| std::fs::read_dir(folder).ok());
    let names: Vec<String> = published.files.iter().flat_map(PublishedFile::names).collect();
    let looks_so = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_named_so = names.iter().any(|known| *known == name);
        let name = name.to_lowercase();
        path.is_file()
            && !is_named_so
            // A download that was broken off, or a lock.
            && !name.starts_with('.')
            && match published.kind {
                Kind::Images { .. } => ["ubyte", "idx1", "idx3"].as_slice(),
                Kind::Series { .. } => &[".ts"],
                Kind::SeriesInOne { .. } => &[".npz"],
            }
            .iter()
            .chain([&published.name])
            .any(|part| name.contains(part))
    };
    let mut found: Vec<PathBuf> =
        entries.flatten().flatten().map(|entry| entry.path()).filter(looks_so).collect();
    found.sort();
    found.truncate(MOST);
    found
}

impl Published {
    /// Folders, within one that holds data sets, that its files may lie in: its own, those of other tools,
    /// and of images what an archive unpacks to.
    pub(crate) fn all_folders(&self) -> Vec<String> {
        let of = |name: &&str| match self.kind {
            Kind::Images { .. } => vec![(*name).to_owned(), format!("{name}/raw"), format!("{name}/gzip")],
            Kind::Series { .. } | Kind::SeriesInOne { .. } => vec![(*name).to_owned()],
        };
        std::iter::once(&self.name).chain(self.folders).flat_map(of).collect()
    }

    /// Whether `folder` has its name, or lies in one that has.
    fn names(&self, folder: &Path) -> bool {
        let own = |folder: &Path| {
            std::iter::once(&self.name).chain(self.folders).any(|name| folder.ends_with(name))
        };
        own(folder) || folder.parent().is_some_and(own)
    }
}

impl PublishedFile {
    /// What the file is called here and there: with a dot before `idx`, compressed, in a folder of its own
    /// name.
    fn names(&self) -> Vec<String> {
        let spellings = [self.name.to_owned(), self.name.replacen("-idx", ".idx", 1)];
        let archives = spellings.clone().map(|name| format!("{name}.gz"));
        let plain = match self.digest {
            PublishedDigest::Archive(_) => Vec::new(),
            _ => spellings.to_vec(),
        };
        let all: Vec<String> = plain.into_iter().chain(archives).collect();
        let nested =
            spellings.iter().flat_map(|folder| all.iter().map(move |name| format!("{folder}/{name}")));
        all.iter().cloned().chain(nested).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::dataset::MNIST;
    use crate::image::idx::tests::gzip;
    use crate::load::tests::{at, files, load_quietly, write};
    use crate::obtain::tests::published;

    #[test]
    fn published_files_are_found_in_every_layout_and_order() {
        let plan = published(&[]);
        let zipped = files().map(|(name, bytes)| {
            let name: &'static str = format!("{name}.gz").leak();
            (name, gzip(&bytes))
        });
        for (layout, files) in [
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
            write(&folder.path().join(layout), &files);
            let splits = load_quietly(&plan, &at(folder.path(), true)).unwrap();
            assert!(
                splits.provenance.files.iter().all(|file| file.path.starts_with(folder.path().join(layout)))
            );
        }
    }

    #[test]
    fn files_are_found_under_the_names_that_they_have_in_the_wild() {
        // What `name` makes of the name of a published file.
        let found = |name: &dyn Fn(&str) -> String| {
            let folder = tempfile::tempdir().unwrap();
            for file in MNIST.files {
                let path = folder.path().join(name(file.name));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            let locations = Locations { folders: vec![folder.path().to_owned()], offline: true };
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
        ["train-images-idx3-ubyte.zip", "mnist.mat", "notes.txt"].into_iter().for_each(write);
        let plan = DataConfig::default().resolve().unwrap();
        let locations = Locations { folders: vec![folder.path().to_owned()], offline: true };
        // What has its name in capitals and small letters has no other name.
        write("JapaneseVowels_TRAIN.ts");
        let vowels = Dataset::JapaneseVowels.published().unwrap();
        assert!(alike(vowels, &locations).is_empty(), "{:?}", alike(vowels, &locations));
        let error = load_quietly(&plan, &locations).unwrap_err().to_string();
        assert!(error.contains("what is there and has another name: "), "{error}");
        assert!(
            error.contains("/mnist.mat, ") && error.contains("idx3-ubyte.zip; ") && !error.contains("notes"),
            "{error}"
        );
    }

    #[test]
    fn the_folder_of_the_files_may_be_named_itself() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("tiny"), &files());
        let locations = Locations { folders: vec![folder.path().join("tiny")], offline: true };
        load_quietly(&published(&[]), &locations).unwrap();
    }
}
