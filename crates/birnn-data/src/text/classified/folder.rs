//! Texts in a folder with a file for each class, a text on each line: `Arabic.txt`, `Chinese.txt`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Unit, of_lines, sample};
use crate::content::Digests;
use crate::file_error::{FileError, FileProblem};
use crate::name;
use crate::series::file::SeriesFile;
use crate::targets::Per;
use crate::text::encoding::{Encoding, open_text};
use crate::text::problem::TextProblem;
use crate::text::reading::{Labelling, Reading};

/// Reads the texts of a folder, each of the class that its file is called. They are numbered over all files.
///
/// # Errors
///
/// Where there is no `.txt` file; where one cannot be read, is not UTF-8, or has no text.
pub fn read_folder(path: &Path, unit: Unit, labelling: &Labelling) -> Result<SeriesFile, FileError> {
    read(path, unit, labelling, Encoding::UTF_8).map(|(file, _)| file)
}

/// As [`read_folder`], with the digests of each file.
pub(crate) fn read(
    path: &Path,
    unit: Unit,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<(SeriesFile, Vec<(PathBuf, Digests)>), FileError> {
    let files = listed(path).map_err(FileError::io(path))?;
    if files.is_empty() {
        return Err(FileProblem::Texts(TextProblem::NoFiles).at(path));
    }
    let mut reading = Reading::new(labelling);
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let class = name::text(file.file_stem().unwrap_or_default());
        let before = reading.count();
        let take = |line: super::Line<'_>| sample(&mut reading, unit, line.number, line.text, &class);
        let ((), digests) = open_text(&file, encoding, |content| of_lines(content, take))?;
        if reading.count() == before {
            return Err(FileProblem::Ends("its first text").at(&file));
        }
        all.push((file, digests));
    }
    let file = reading.finish(Per::Sequence).map_err(|problem| problem.at(path))?;
    let lines = (1..=file.lines.len()).collect();
    Ok((SeriesFile { lines, unit: "text", ..file }, all))
}

/// The files of classes, in the order of their names. Those whose names begin with a dot are something else.
fn listed(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && file.extension() == Some(OsStr::new("txt")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
