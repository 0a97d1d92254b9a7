//! What is known of a data set that others published: its files, how they are recognised, where else their
//! content is.

use std::path::Path;

use crate::content::Digests;
use crate::elsewhere::Elsewhere;
use crate::file_error::{FileError, FileProblem};
use crate::image::preprocessing::Stored;
use crate::targets::{TargetKind, Wanted};

/// A data set that others published.
#[derive(Debug)]
pub struct Published {
    /// Its name in a config, and its folder.
    pub name: &'static str,
    /// The folders that other tools keep it in.
    pub(crate) folders: &'static [&'static str],
    /// Addresses that a file's name and `.gz` are added to, the most reliable first; none where it comes
    /// otherwise.
    pub mirrors: &'static [&'static str],
    /// In what else its content is to be had; none where its content could not be verified.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// Of images in IDX files: training images and labels, test images and labels. Of series in `.ts` files:
    /// training series, test series; or one `.npz` file with all.
    pub files: &'static [PublishedFile],
    /// How many training samples there are, where all copies agree.
    pub train: Option<usize>,
    /// What it is of.
    pub(crate) kind: Kind,
}

/// What a published data set is of.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Images, in four IDX files.
    Images {
        /// What the labels mean, from `first_label` on.
        classes: &'static [&'static str],
        /// The lowest label.
        first_label: u8,
        /// How its images are stored.
        stored: Stored,
    },
    /// Series, in two `.ts` files.
    Series {
        /// What they are answered with.
        targets: TargetKind,
    },
    /// Series in one `.npz` file.
    SeriesInOne {
        /// The share of them that is for the test.
        test_share: f64,
    },
}

/// One published file.
#[derive(Debug)]
pub struct PublishedFile {
    /// Its name, `.gz` left out.
    pub name: &'static str,
    /// How it is recognised.
    pub digest: PublishedDigest,
}

/// A SHA-256 in hexadecimal.
#[derive(Debug)]
pub enum PublishedDigest {
    /// Of the content, so that any recompression of it serves.
    Content(&'static str),
    /// Of the published `.gz` itself, the only one known: nothing else can be told to be the same.
    Archive(&'static str),
    /// None is known: by its name alone.
    None,
}

impl Published {
    /// Whether there is a mirror or a package to download it from.
    pub fn is_downloaded(&self) -> bool {
        let packages = self.elsewhere.as_ref().map_or(&[][..], |elsewhere| elsewhere.packages);
        !self.mirrors.is_empty() || !packages.is_empty()
    }

    /// Whether all of its files are known by digests.
    pub fn is_verified(&self) -> bool {
        self.files.iter().all(|file| !matches!(file.digest, PublishedDigest::None))
    }

    /// What its samples are answered with.
    pub fn wanted(&self) -> Wanted {
        match self.kind {
            Kind::Series { targets } => Wanted { kind: targets, ..Wanted::default() },
            Kind::Images { .. } | Kind::SeriesInOne { .. } => Wanted::default(),
        }
    }

    /// The share of its samples that is for the test, where it names none to test with.
    pub(crate) fn test_share(&self) -> Option<f64> {
        match self.kind {
            Kind::SeriesInOne { test_share } => Some(test_share),
            Kind::Images { .. } | Kind::Series { .. } => None,
        }
    }

    /// Whether it is of series, and not of images.
    pub fn is_series(&self) -> bool {
        matches!(self.kind, Kind::Series { .. } | Kind::SeriesInOne { .. })
    }
}

impl Kind {
    /// The names of the classes, as far as they are known without reading a file.
    pub(crate) fn class_names(&self) -> Option<Vec<String>> {
        match self {
            Kind::Images { classes, .. } => Some(classes.iter().map(|&name| name.to_owned()).collect()),
            Kind::Series { .. } | Kind::SeriesInOne { .. } => None,
        }
    }

    /// How its images are stored, if it is of images.
    pub(crate) fn stored(&self) -> Option<Stored> {
        match self {
            Kind::Images { stored, .. } => Some(*stored),
            Kind::Series { .. } | Kind::SeriesInOne { .. } => None,
        }
    }
}

impl PublishedDigest {
    /// What the digest of a file should be, and what it is; `None` where none is known.
    pub(crate) fn compared<'a>(&'a self, digests: &'a Digests) -> Option<(&'a str, &'a str)> {
        match self {
            PublishedDigest::Content(expected) => Some((expected, &digests.content)),
            PublishedDigest::Archive(expected) => Some((expected, &digests.file)),
            PublishedDigest::None => None,
        }
    }
}

impl PublishedFile {
    /// The name of its gzipped copy.
    pub(crate) fn archive_name(&self) -> String {
        format!("{}.gz", self.name)
    }

    /// Whether it is the published file.
    pub(crate) fn recognise(&self, path: &Path, digests: &Digests) -> Result<(), FileError> {
        match self.digest.compared(digests) {
            Some((expected, found)) if expected != found => {
                let (expected, found) = (expected.to_owned(), found.to_owned());
                Err(self.replaceable(FileProblem::Digest { expected, found }.at(path)))
            }
            _ => Ok(()),
        }
    }

    /// A published file that is not what it should be can be had anew, where it is downloaded.
    pub(crate) fn replaceable(&self, FileError { path, problem }: FileError) -> FileError {
        let is_downloaded = !matches!(self.digest, PublishedDigest::None);
        let problem = match problem {
            FileProblem::Io(_) => problem,
            problem if is_downloaded => FileProblem::Replaceable(Box::new(problem)),
            problem => problem,
        };
        FileError { path, problem }
    }
}
