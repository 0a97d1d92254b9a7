//! The files of a published data set, each where it was found: as a file, or as a part of one that holds
//! all.

use std::path::{Path, PathBuf};

use crate::content::{self, Digests};
use crate::error::DataError;
use crate::file_error::{FileError, FileProblem};
use crate::find::{find, find_whole};
use crate::form::Contents;
use crate::locations::Locations;
use crate::provenance::VerifiedFile;
use crate::published::Published;

/// Where the content of one of the files was found.
pub(crate) enum Found {
    /// In a file of its own, yet to be read and verified.
    File(PathBuf),
    /// In a file that holds all of the data set: verified. The path is that file's, and below it the name
    /// that the content was published under.
    Part { path: PathBuf, content: Vec<u8> },
}

impl Found {
    /// What it holds, with its path.
    pub(crate) fn read<T>(
        self,
        verified: &mut Vec<VerifiedFile>,
        file: impl FnOnce(&Path) -> Result<(T, Digests), FileError>,
        part: impl FnOnce(&[u8]) -> Result<T, FileProblem>,
    ) -> Result<(T, PathBuf), FileError> {
        let (value, digests, path) = match self {
            Found::File(path) => {
                let (value, digests) = file(&path)?;
                (value, digests, path)
            }
            Found::Part { path, content } => {
                let value = part(&content).map_err(|problem| problem.at(&path))?;
                let content = content::sha256(&content);
                (value, Digests { file: content.clone(), content }, path)
            }
        };
        verified.push(VerifiedFile::new(&path, digests));
        Ok((value, path))
    }
}

/// Where each of the files is on disk, if anywhere. Those that have no file of their own are looked for
/// in one that holds all of the data set.
pub(crate) fn find_all(
    published: &Published,
    locations: &Locations,
) -> Result<Vec<Option<Found>>, DataError> {
    let find = |file| find(published, file, locations).map(Found::File);
    let mut found: Vec<Option<Found>> = published.files.iter().map(find).collect();
    let whole = published.elsewhere.as_ref().and_then(|elsewhere| {
        let (path, form) = find_whole(published, elsewhere, locations)?;
        Some((elsewhere, path, form))
    });
    let Some((elsewhere, path, form)) = whole.filter(|_| found.iter().any(Option::is_none)) else {
        return Ok(found);
    };
    let replaceable = |problem| match problem {
        FileProblem::Io(_) => problem,
        problem => FileProblem::Replaceable(Box::new(problem)),
    };
    let attempt = || -> Result<Contents, FileProblem> {
        let contents = form.read(content::open_file(&path)?)?;
        match elsewhere.differing(&contents) {
            None => Ok(contents),
            Some((index, found)) => Err(FileProblem::Content {
                part: published.files[index].name,
                expected: elsewhere.contents[index].to_owned(),
                found,
            }),
        }
    };
    let contents = attempt().map_err(|problem| replaceable(problem).at(&path))?;
    for ((found, content), file) in found.iter_mut().zip(contents).zip(published.files) {
        if found.is_none() {
            *found = Some(Found::Part { path: path.join(file.name), content });
        }
    }
    Ok(found)
}
