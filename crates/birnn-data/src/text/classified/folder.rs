//! Texts in a folder with a file for each class, a text on each line: `Arabic.txt`, `Chinese.txt`.

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

/// The texts of a folder, and the files that it has.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) texts: SeriesFile,
    /// Those that are read.
    pub(crate) files: Vec<(PathBuf, Digests)>,
    /// Those that are of no class by their names.
    pub(crate) others: Vec<PathBuf>,
}

/// Reads the texts of a folder, each of the class that its file is called. They are numbered over all files.
///
/// # Errors
///
/// Where there is no `.txt` file; where one cannot be read, is not in `encoding`, or has no text; where two
/// are of one class.
pub(crate) fn read(
    path: &Path,
    unit: Unit,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<Folder, FileError> {
    let (listed, others) = listed(path).map_err(FileError::io(path))?;
    if listed.is_empty() {
        return Err(FileProblem::Texts(TextProblem::NoFiles).at(path));
    }
    let mut classes: Vec<&String> = listed.iter().map(|(class, _)| class).collect();
    classes.sort_unstable();
    if let Some(twice) = classes.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(FileProblem::Texts(TextProblem::TwoFiles(twice[0].clone())).at(path));
    }
    let mut reading = Reading::new(labelling);
    let mut files = Vec::with_capacity(listed.len());
    for (class, file) in listed {
        let before = reading.count();
        let take = |line: super::Line<'_>| sample(&mut reading, unit, line.number, line.text, &class);
        let ((), digests) = open_text(&file, encoding, |content| of_lines(content, take))?;
        if reading.count() == before {
            return Err(FileProblem::Ends("its first text").at(&file));
        }
        files.push((file, digests));
    }
    let texts = reading.finish(Per::Sequence).map_err(|problem| problem.at(path))?;
    let lines = (1..=texts.lines.len()).collect();
    Ok(Folder { texts: SeriesFile { lines, unit: "text", ..texts }, files, others })
}

/// The file of a class, and what the class is called.
type ClassFile = (String, PathBuf);

/// The files of classes, in the order of their names, each with its class; and all others. Those whose names
/// begin with a dot are something else.
fn listed(path: &Path) -> std::io::Result<(Vec<ClassFile>, Vec<PathBuf>)> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let name = name::text(file.file_name().unwrap_or_default());
        match class_of(&name).filter(|_| file.is_file()) {
            _ if name.starts_with('.') => {}
            Some(class) => files.push((class.to_owned(), file)),
            None if file.is_file() => others.push(file),
            None => {}
        }
    }
    files.sort_by(|(_, one), (_, other)| one.cmp(other));
    others.sort();
    Ok((files, others))
}

/// The class of a file of this name: what stands before `.txt` or `.txt.gz`, in small letters or capitals.
fn class_of(name: &str) -> Option<&str> {
    let without = |name: &'_ str, ending: &str| -> Option<usize> {
        let at = name.len().checked_sub(ending.len())?;
        name.get(at..)?.eq_ignore_ascii_case(ending).then_some(at)
    };
    let unzipped = without(name, ".gz").map_or(name, |at| &name[..at]);
    without(unzipped, ".txt").map(|at| &unzipped[..at])
}
