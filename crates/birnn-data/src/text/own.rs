//! A user's own files of sentences and texts.

use std::path::Path;

use super::classified::{self, Folder, TextOptions, read_classes};
use super::problem::TextProblem;
use super::reading::Labelling;
use super::tags::rewritten;
use super::{conll, conllu, lines};
use crate::config::{DataPlan, LabelFiles, OwnFiles, OwnFormat};
use crate::error::{ConfigError, DataError};
use crate::file_error::{FileError, FileProblem};
use crate::name;
use crate::own::{left_out, not_there};
use crate::provenance::VerifiedFile;
use crate::series::file::{SeriesFile, class_order};
use crate::series::own::{Together, answered, names_of, together};
use crate::split::MOST_CLASSES;
use crate::targets::Per;
use crate::whole::{Whole, WholeKind};

/// Brings the files into memory.
pub(crate) fn read_own(files: &OwnFiles, plan: &DataPlan) -> Result<Whole, DataError> {
    let (mut verified, mut warnings) = (Vec::new(), Vec::new());
    let mut read = |part: Part| -> Result<Option<(SeriesFile, &Path)>, FileError> {
        let Some(path) = part.path(files) else { return Ok(None) };
        let file = read(path, part, &files.format, plan, (&mut verified, &mut warnings))?;
        let path = part.labels(&files.format).unwrap_or(path);
        Ok(Some((rewritten(file, plan).map_err(|problem| problem.at(path))?, path)))
    };
    let Some(train) = read(Part::Train)? else { unreachable!("there is always a training file") };
    let (test, validation) = (read(Part::Test)?, read(Part::Validation)?);
    let mut names = names_of(&train.0);
    match &plan.text.known {
        // Of texts their order alone: a file of other classes is for another net.
        Some(known) if plan.wanted.per == Per::Step || is_of_the_same(known, &names) => {
            names.clone_from(known);
        }
        _ if plan.wanted.per == Per::Step => {
            for (part, other) in [(Part::Test, &test), (Part::Validation, &validation)] {
                let Some((file, path)) = other else { continue };
                warnings.extend(add_tags(&mut names, file, part).map_err(|problem| problem.at(path))?);
            }
            // Whichever file has which, the same tags are the same classes.
            names = class_order(&names).into_iter().map(|class| names[class].clone()).collect();
        }
        _ => {}
    }
    let Together { train, groups, test, names } = together(train, test, names, plan)?;
    let kept_back =
        |(file, path): (SeriesFile, &Path)| answered(file, &names, plan).map_err(|problem| problem.at(path));
    let validation = validation.map(kept_back).transpose()?;
    let (dataset, substitute_for, kind) = (files.format.name(), None, WholeKind::Text);
    Ok(Whole {
        dataset,
        substitute_for,
        train,
        groups,
        test,
        validation,
        names,
        files: verified,
        kind,
        warnings,
    })
}

/// Whether both name the same classes.
fn is_of_the_same(known: &[String], names: &[String]) -> bool {
    known.len() == names.len() && names.iter().all(|name| known.contains(name))
}

/// What a file is for.
#[derive(Clone, Copy)]
enum Part {
    Train,
    Test,
    Validation,
}

impl Part {
    /// The setting that names it.
    fn key(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
            Part::Validation => "validation_file",
        }
    }

    /// The setting that names the file with what is said of its sentences.
    fn labels_key(self) -> &'static str {
        match self {
            Part::Train => "train_labels",
            Part::Test => "test_labels",
            Part::Validation => "validation_labels",
        }
    }

    fn path(self, files: &OwnFiles) -> Option<&Path> {
        match self {
            Part::Train => Some(&files.train),
            Part::Test => files.test.as_deref(),
            Part::Validation => files.validation.as_deref(),
        }
    }

    /// The file with what is said of its sentences, where that is another.
    fn labels(self, format: &OwnFormat) -> Option<&Path> {
        let OwnFormat::Lines(LabelFiles { train, test, validation }) = format else { return None };
        match self {
            Part::Train => Some(train),
            Part::Test => test.as_deref(),
            Part::Validation => validation.as_deref(),
        }
    }
}

/// Reads a file, or two that belong together.
fn read(
    path: &Path,
    part: Part,
    format: &OwnFormat,
    plan: &DataPlan,
    (verified, warnings): (&mut Vec<VerifiedFile>, &mut Vec<ConfigError>),
) -> Result<SeriesFile, FileError> {
    let encoding = plan.text.encoding;
    // Texts that are answered with their own tokens have no class.
    let labelling = if plan.wanted.of_files().is_some() { Labelling::Any } else { Labelling::None };
    let of = |key: &str| not_there(&format!("data.{key}"));
    let one = |(file, digests)| (file, vec![(path, digests)]);
    let (file, digests) = match format {
        OwnFormat::Conll(columns) => {
            conll::read(path, *columns, &Labelling::Any, encoding).map(one).map_err(of(part.key()))?
        }
        OwnFormat::Conllu(tags) => {
            conllu::read(path, *tags, &Labelling::Any, encoding).map(one).map_err(of(part.key()))?
        }
        OwnFormat::Texts(TextOptions { unit, .. }) if path.is_dir() => {
            let Folder { texts, files, others } = read_classes(path, *unit, &labelling, encoding)?;
            verified.extend(files.into_iter().map(|(file, digests)| VerifiedFile::new(&file, digests)));
            let are = [
                "is no class's, as its name does not end in `.txt`",
                "are no class's, as their names do not end in `.txt`",
            ];
            warnings.extend(left_out(part.key(), are, &others));
            return Ok(texts);
        }
        OwnFormat::Texts(options) => {
            let read = classified::read(path, &options.form(path), options.unit, &labelling, encoding);
            read.map(one).map_err(of(part.key()))?
        }
        OwnFormat::Lines(_) => {
            let labels = part.labels(format).map(|labels| (labels, plan.wanted.per));
            let is_of = |error: &FileError| labels.is_some_and(|(labels, _)| error.path == labels);
            let (file, digests) = lines::read(path, labels, &Labelling::Any, encoding).map_err(|error| {
                let key = if is_of(&error) { part.labels_key() } else { part.key() };
                of(key)(error)
            })?;
            let paths = [Some(path), labels.map(|(labels, _)| labels)];
            (file, paths.into_iter().flatten().zip(digests).collect())
        }
        OwnFormat::Ts | OwnFormat::Table(_) | OwnFormat::Npz(_) | OwnFormat::Folder { .. } => {
            unreachable!("text")
        }
    };
    verified.extend(digests.into_iter().map(|(path, digests)| VerifiedFile::new(path, digests)));
    Ok(file)
}

/// Adds the tags of a file to those of the training file: rare ones are found that are in one of them alone.
/// What no training sentence has is told of.
fn add_tags(
    names: &mut Vec<String>,
    file: &SeriesFile,
    part: Part,
) -> Result<Option<ConfigError>, FileProblem> {
    let mut own = names_of(file);
    own.retain(|name| !names.contains(name));
    if let Some(name) = own.get(MOST_CLASSES.saturating_sub(names.len())) {
        let problem = TextProblem::Classes { name: name.clone(), most: MOST_CLASSES };
        return Err(FileProblem::Texts(problem));
    }
    if own.is_empty() {
        return Ok(None);
    }
    let told: Vec<String> = own.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
    let (s, are) = if own.len() == 1 { ("", "is") } else { ("s", "are") };
    let message = format!(
        "its tag{s} {} {are} in no training sentence: the net cannot learn what it never sees, and will get {} wrong",
        name::first(&told),
        if own.len() == 1 { "it" } else { "them" }
    );
    names.append(&mut own);
    Ok(Some(ConfigError::new(part.key(), message)))
}

#[cfg(test)]
mod tests;
