//! A user's own two files of series.

use std::path::Path;

use crate::config::SeriesFiles;
use crate::error::DataError;
use crate::file_error::{FileError, FileProblem};
use crate::name;
use crate::own::missing as not_there;
use crate::provenance::VerifiedFile;
use crate::series::missing::{Missing, MissingValue};
use crate::series::ts::{self, TsFile};
use crate::split::Split;
use crate::whole::{Whole, WholeKind};

/// Brings both files into memory.
pub(crate) fn read_series(files: &SeriesFiles, missing: Missing) -> Result<Whole, DataError> {
    let mut verified = Vec::new();
    let mut read = |path: &Path, key: &str| -> Result<TsFile, FileError> {
        let (file, digests) = ts::read(path).map_err(not_there(key))?;
        verified.push(VerifiedFile::new(path, digests));
        Ok(file)
    };
    let (train, test) = (read(&files.train, "data.train")?, read(&files.test, "data.test")?);
    Ok(whole("ts", [(train, &files.train), (test, &files.test)], verified, missing)?)
}

/// What a file of training series and one of test series hold together.
pub(crate) fn whole(
    dataset: &'static str,
    files: [(TsFile, &Path); 2],
    verified: Vec<VerifiedFile>,
    missing: Missing,
) -> Result<Whole, FileError> {
    for (file, path) in &files {
        complete(file, missing).map_err(|problem| problem.at(path))?;
    }
    let [(train, of), (test, path)] = files;
    let (found, expected) = (test.sequences.features(), train.sequences.features());
    if found != expected {
        return Err(FileProblem::Features { found, expected, of: of.to_owned() }.at(path));
    }
    let classes = train.classes.clone();
    let train = labelled(train, &classes).map_err(|problem| problem.at(of))?;
    if let [only] = classes.as_slice() {
        return Err(FileProblem::OneClass(only.clone()).at(of));
    }
    Ok(Whole {
        dataset,
        substitute_for: None,
        train,
        test: labelled(test, &classes).map_err(|problem| problem.at(path))?,
        classes,
        files: verified,
        kind: WholeKind::Series,
    })
}

/// Whether nothing is missing that would have to be there.
fn complete(TsFile { sequences, lines, .. }: &TsFile, missing: Missing) -> Result<(), FileProblem> {
    if missing != Missing::Refuse {
        return Ok(());
    }
    let first = |(sequence, &line)| Some((line, MissingValue::first(sequence)?));
    match sequences.iter().zip(lines).find_map(first) {
        Some((line, value)) => Err(FileProblem::MissingValue { line, value }),
        None => Ok(()),
    }
}

/// The series with their labels, as indices of `classes`.
fn labelled(file: TsFile, classes: &[String]) -> Result<Split, FileProblem> {
    let TsFile { sequences, labels, classes: own, lines } = file;
    let labels = labels.ok_or(FileProblem::Unlabelled)?;
    let index = |name: &String| classes.iter().position(|class| class == name)?.try_into().ok();
    let known: Vec<Option<u8>> = own.iter().map(index).collect();
    let label = |(&label, &line): (&u8, &usize)| {
        let class = usize::from(label);
        let unknown =
            || FileProblem::UnknownClass { line, class: own[class].clone(), classes: name::first(classes) };
        known[class].ok_or_else(unknown)
    };
    let labels = labels.iter().zip(&lines).map(label).collect::<Result<_, FileProblem>>()?;
    Ok(Split { sequences, labels })
}
