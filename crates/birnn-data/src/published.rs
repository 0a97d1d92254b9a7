//! What is known of a data set that others published: its files, how they are recognised, where else their
//! content is.

use std::path::Path;

use crate::content::Digests;
use crate::elsewhere::Elsewhere;
use crate::file_error::{FileError, FileProblem};
use crate::image::preprocessing::Stored;

/// A data set of four IDX files that others published.
#[derive(Debug)]
pub struct Published {
    /// Its name in a config, and its folder.
    pub name: &'static str,
    /// The folder that torchvision keeps it in.
    pub torchvision: &'static str,
    /// Addresses that a file's name and `.gz` are added to, the most reliable first; none where it comes
    /// otherwise.
    pub mirrors: &'static [&'static str],
    /// In what else its content is to be had; none where its content could not be verified.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// Training images and labels, test images and labels.
    pub files: [PublishedFile; 4],
    /// How many training images there are, where all copies agree.
    pub train: Option<usize>,
    /// What the labels mean, from `first_label` on.
    pub classes: &'static [&'static str],
    /// The lowest label.
    pub first_label: u8,
    /// How its images are stored.
    pub(crate) stored: Stored,
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
    /// The names of the classes.
    pub fn class_names(&self) -> Vec<String> {
        self.classes.iter().map(|&name| name.to_owned()).collect()
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
