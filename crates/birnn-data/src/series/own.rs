//! A user's own files of series, and of images that are read as series are.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::config::{DataPlan, NpzOptions, OwnFiles, OwnFormat, Table};
use crate::division::Groups;
use crate::error::{ConfigError, DataError};
use crate::file_error::{FileError, FileProblem};
use crate::image::folder;
use crate::image::raw::RawImages;
use crate::modality::SampleKind;
use crate::name;
use crate::own::not_there;
use crate::provenance::VerifiedFile;
use crate::series::file::{FileTargets, SeriesFile};
use crate::series::missing::{Missing, MissingValue};
use crate::series::{npz, ts};
use crate::split::Split;
use crate::table::{self, TableProblem};
use crate::targets::{Per, TargetKind, TargetValues, Targets, Wanted};
use crate::text;
use crate::whole::{Whole, WholeKind};

/// Brings the files into memory.
pub(crate) fn read_own(files: &OwnFiles, plan: &DataPlan) -> Result<Whole, DataError> {
    if let OwnFormat::Folder { shape, classes } = &files.format {
        return Ok(folder::read(files, *shape, classes.as_deref(), plan)?.prepare(plan)?);
    }
    if files.format.kind() == SampleKind::Text {
        return text::own::read_own(files, plan);
    }
    let mut verified = Vec::new();
    let mut read = |path: &Path, key: &str, format: &OwnFormat| -> Result<SeriesFile, FileError> {
        let read = match format {
            OwnFormat::Ts => ts::read(path),
            OwnFormat::Npz(options) => npz::read(path, options),
            OwnFormat::Table(table) => {
                // What a net is judged by that is asked for the values of series needs nothing but these.
                let is_asked = plan.judges && key == "data.test" && plan.wanted.of_files().is_none();
                table::read(path, table, (!is_asked).then_some(plan.wanted))
            }
            OwnFormat::Folder { .. } => unreachable!("files"),
            OwnFormat::Conll(_) | OwnFormat::Conllu(_) | OwnFormat::Lines(_) | OwnFormat::Texts(_) => {
                unreachable!("series")
            }
        };
        let (file, digests) = read.map_err(not_there(key))?;
        verified.push(VerifiedFile::new(path, digests));
        Ok(file)
    };
    let OwnFiles { format, train: of, test: path, .. } = files;
    let train = read(of, "data.train", format)?;
    let format = of_test(format, &train, plan.wanted);
    let test =
        path.as_ref().map(|path| Ok::<_, FileError>((read(path, "data.test", &format)?, path.as_path())));
    let test = test.transpose()?;
    Ok(match format.kind() {
        SampleKind::Images => images(format.name(), (train, of), test, verified, plan)?.prepare(plan)?,
        SampleKind::Series | SampleKind::Text => whole(format.name(), (train, of), test, verified, plan)?,
    })
}

/// How the test file is read: its columns and classes are those of the training file, in whatever order they
/// are there.
fn of_test(format: &OwnFormat, train: &SeriesFile, wanted: Wanted) -> OwnFormat {
    let names = train.targets.as_ref().map(|targets| targets.names.clone());
    let classes = names.filter(|names| wanted.kind == TargetKind::Classes && names.len() > 1);
    match format.clone() {
        OwnFormat::Table(table) => {
            let features = table.features.or_else(|| train.features.clone());
            OwnFormat::Table(Table { features, columns: train.columns.clone(), classes, ..table })
        }
        OwnFormat::Npz(options) => OwnFormat::Npz(NpzOptions { classes, ..options }),
        format @ (OwnFormat::Ts
        | OwnFormat::Folder { .. }
        | OwnFormat::Conll(_)
        | OwnFormat::Conllu(_)
        | OwnFormat::Lines(_)
        | OwnFormat::Texts(_)) => format,
    }
}

/// What the classes of a file are called, or its numbers.
pub(crate) fn names_of(file: &SeriesFile) -> Vec<String> {
    file.targets.as_ref().map_or_else(Vec::new, |targets| targets.names.clone())
}

/// What training images and test images hold together, each with the file that they are from.
fn images(
    dataset: &'static str,
    (train, of): (SeriesFile, &Path),
    test: Option<(SeriesFile, &Path)>,
    verified: Vec<VerifiedFile>,
    plan: &DataPlan,
) -> Result<RawImages, FileError> {
    let names = names_of(&train);
    let Together { train, groups, test, names } = together((train, of), test, names, plan)?;
    Ok(RawImages {
        dataset,
        substitute_for: None,
        train: train.into_images(),
        groups,
        test: test.map(Split::into_images),
        classes: names,
        files: verified,
        known: None,
        warnings: Vec::new(),
    })
}

/// What training series and test series hold together, each with the file that they are from.
pub(crate) fn whole(
    dataset: &'static str,
    (train, of): (SeriesFile, &Path),
    test: Option<(SeriesFile, &Path)>,
    verified: Vec<VerifiedFile>,
    plan: &DataPlan,
) -> Result<Whole, FileError> {
    complete(&train, plan.missing).map_err(|problem| problem.at(of))?;
    if let Some((test, path)) = &test {
        complete(test, plan.missing).map_err(|problem| problem.at(path))?;
    }
    let (features, columns, names) = (train.features.clone(), train.columns.clone(), names_of(&train));
    let Together { train, groups, test, names } = together((train, of), test, names, plan)?;
    let several = columns.as_deref().filter(|_| features.is_none()).and_then(several_features);
    let warnings = numbers_as_of_steps(&train).into_iter().chain(several).collect();
    let kind = WholeKind::Series { features, columns };
    let (substitute_for, validation, files) = (None, None, verified);
    Ok(Whole { dataset, substitute_for, train, groups, test, validation, names, files, kind, warnings })
}

/// Columns whose names begin in several ways, each counting on, are steps of as many features, as a rule.
fn several_features(columns: &[String]) -> Option<ConfigError> {
    let mut beginnings: BTreeMap<&str, usize> = BTreeMap::new();
    for name in columns {
        let beginning = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
        *beginnings.entry(beginning.trim_end_matches('_')).or_default() += usize::from(beginning != name);
    }
    let each = columns.len() / beginnings.len();
    if beginnings.len() < 2 || each < 2 || beginnings.values().any(|&count| count != each) {
        return None;
    }
    let names: Vec<String> = beginnings.keys().map(|name| format!("\"{}\"", name.escape_debug())).collect();
    let message = format!(
        "absent, and so all columns are the steps of one feature; if they are those of {}: `features = [{}]`",
        names.len(),
        names.join(", ")
    );
    Some(ConfigError::new("features", message))
}

/// As many numbers to predict for each series as the longest has steps are numbers of steps, as a rule.
fn numbers_as_of_steps(train: &Split) -> Option<ConfigError> {
    let longest = train.sequences.lengths().max()?;
    let numbers = match (&train.targets.values, train.targets.per) {
        (TargetValues::Numbers { width, .. }, Per::Sequence) => *width,
        _ => return None,
    };
    let message = "there are as many numbers to predict for each series as the longest has steps: if they are of its \
                   steps, say `per = \"step\"` under [task]";
    (numbers > 1 && numbers == longest).then(|| ConfigError::new("train", message))
}

/// Training samples and test samples that fit together.
pub(crate) struct Together {
    pub(crate) train: Split,
    pub(crate) groups: Groups,
    pub(crate) test: Option<Split>,
    /// What the classes are called, or the numbers.
    pub(crate) names: Vec<String>,
}

/// Training samples and test samples, each with the file that they are from, answered with these names.
pub(crate) fn together(
    (train, of): (SeriesFile, &Path),
    test: Option<(SeriesFile, &Path)>,
    names: Vec<String>,
    plan: &DataPlan,
) -> Result<Together, FileError> {
    if let Some((test, path)) = &test {
        let (found, expected) = (test.sequences.features(), train.sequences.features());
        if found != expected {
            return Err(FileProblem::Features { found, expected, of: of.to_owned() }.at(path));
        }
    }
    let own = names_of(&train);
    let groups =
        numbered(train.groups.as_deref(), test.as_ref().and_then(|(test, _)| test.groups.as_deref()));
    let train = answered(train, &names, plan).map_err(|problem| problem.at(of))?;
    if let (TargetKind::Classes, [only]) = (plan.wanted.kind, own.as_slice()) {
        let what = match (plan.source.is_text(), plan.wanted.per) {
            (true, Per::Step) => "tokens",
            _ => plan.source.noun(),
        };
        return Err(FileProblem::OneClass { what, class: only.clone() }.at(of));
    }
    let test = test
        .map(|(test, path)| answered(test, &names, plan).map_err(|problem| problem.at(path)))
        .transpose()?;
    Ok(Together { train, groups, test, names })
}

/// Groups by number, from 0, in the order in which they come in both files.
fn numbered<'a>(train: Option<&'a [String]>, test: Option<&'a [String]>) -> Groups {
    let mut known = HashMap::new();
    let mut number = |group: &'a String| {
        let next = known.len() as u32;
        *known.entry(group).or_insert(next)
    };
    let [train, test] =
        [train, test].map(|groups| groups.map(|groups| groups.iter().map(&mut number).collect()));
    Groups { train, test }
}

/// Whether nothing is missing that would have to be there.
fn complete(file: &SeriesFile, missing: Missing) -> Result<(), FileProblem> {
    if missing != Missing::Refuse {
        return Ok(());
    }
    let SeriesFile { sequences, lines, unit, gap, .. } = file;
    if let Some(cell) = gap {
        return Err(TableProblem::EmptyCell(cell.clone()).into());
    }
    let first = |(sequence, &line)| Some((line, MissingValue::first(sequence)?));
    match sequences.iter().zip(lines).find_map(first) {
        Some((line, value)) => Err(FileProblem::MissingValue { unit, line, value }),
        None => Ok(()),
    }
}

/// The series with their targets: of classes, as indices of `names`, which are those of the training file or,
/// of tags, of all files.
pub(crate) fn answered(file: SeriesFile, names: &[String], plan: &DataPlan) -> Result<Split, FileProblem> {
    let SeriesFile { sequences, targets, lines, unit, .. } = file;
    let wanted = plan.wanted;
    if wanted.of_files().is_none() {
        return Ok(Split::unanswered(sequences, wanted.kind));
    }
    let FileTargets { targets, names: own } = targets.ok_or(FileProblem::Unanswered)?;
    let found = targets.wanted();
    if found != wanted {
        return Err(FileProblem::OtherTargets { found, wanted });
    }
    let Targets { values, per } = targets;
    if let (TargetValues::Numbers { width, .. }, true) = (&values, own.len() != names.len()) {
        return Err(FileProblem::TargetWidth { found: *width, expected: names.len() });
    }
    let values = match values {
        TargetValues::Classes(labels) => {
            let index = |name: &String| names.iter().position(|class| class == name)?.try_into().ok();
            let known: Vec<Option<u16>> = own.iter().map(index).collect();
            let label = |(position, &label): (usize, &u16)| {
                let class = usize::from(label);
                let unknown = || {
                    let sequence = sequences.of_position(position, per);
                    let behind = if plan.source.has_line_per_token() {
                        position - sequences.steps_of(sequence).start
                    } else {
                        0
                    };
                    let line = lines[sequence] + behind;
                    FileProblem::UnknownClass {
                        unit,
                        line,
                        class: own[class].clone(),
                        classes: name::first(names),
                    }
                };
                known[class].ok_or_else(unknown)
            };
            TargetValues::Classes(labels.iter().enumerate().map(label).collect::<Result<_, FileProblem>>()?)
        }
        other @ (TargetValues::Numbers { .. }
        | TargetValues::SelfNumbers { .. }
        | TargetValues::SelfClasses { .. }) => other,
    };
    Ok(Split { sequences, targets: Targets { values, per } })
}
