//! The `.ts` files of the UCR and UEA archives, as aeon and sktime read them: a header of tags, `@data`, then
//! a series on each line; gzipped or not.
//! <https://www.aeon-toolkit.org/en/latest/api_reference/file_specifications/ts.html>
//!
//! ```text
//! # two speakers
//! @problemName Vowels
//! @timeStamps false
//! @univariate false
//! @dimensions 2
//! @equalLength false
//! @classLabel true ann bob
//! @data
//! 1.86,1.89,?:-0.21,-0.19,-0.2:ann
//! 1.30,1.28:0.07,0.06:bob
//! ```
//!
//! What a header promises takes no memory. A file is read line by line, and takes as much as its values do.

mod body;
mod header;
mod lines;

use std::io::{Cursor, Read};
use std::path::Path;

use crate::content::{Digests, LARGEST, open, plain, through};
use crate::file_error::{FileError, FileProblem};
use crate::sequences::Sequences;
use crate::series::file::{FileTargets, Labels, NoClass, SeriesFile, target_names};
use crate::series::line_problem::LineProblem;
use crate::split::MOST_CLASSES;
use crate::targets::{Per, TargetValues, Targets};
use body::{Body, Labelled};
use header::{Declared, Header};
use lines::{Limits, Line, Lines};

/// The longest line of the UEA archive has 3.3 MB.
const LIMITS: Limits = Limits { line: 64 << 20, all: LARGEST };

/// Series to ask a net about.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesLines {
    /// The series, one or more: numbers, NaN where one is missing.
    pub sequences: Sequences,
    /// What stands as the label of each, if anything does.
    pub labels: Vec<Option<String>>,
    /// The line of each, from 1.
    pub lines: Vec<usize>,
}

/// Reads a `.ts` file, gzipped or not.
pub fn read_ts(path: &Path) -> Result<SeriesFile, FileError> {
    read(path).map(|(file, _)| file)
}

/// The series of a `.ts` file in memory, gzipped or not.
///
/// # Errors
///
/// Where it is no such file, or does not hold what its header says; where its series have timestamps; where a
/// value is neither a finite `f32` nor missing (`?`, `NaN` or nothing between commas).
pub fn parse_ts(bytes: &[u8]) -> Result<SeriesFile, FileProblem> {
    through(Cursor::new(bytes), bytes.len() as u64, |content, _| decode(content, LIMITS))
        .map(|(file, _)| file)
}

/// The series of a text, gzipped or not: a `.ts` file, or the lines below its `@data` alone. Each has as many
/// dimensions as `features`, and behind them a label, any text, or none; a header need not say whether. It is
/// read as it comes, a line at a time.
///
/// # Errors
///
/// As those of [`parse_ts`]; where a header says another number of dimensions.
pub fn read_series_lines(source: impl Read, features: usize) -> Result<SeriesLines, FileProblem> {
    plain(source, |content| decode_lines(content, features))
}

/// As [`read_series_lines`], of a text in memory.
///
/// # Errors
///
/// As [`read_series_lines`].
pub fn parse_series_lines(bytes: &[u8], features: usize) -> Result<SeriesLines, FileProblem> {
    read_series_lines(bytes, features)
}

pub(crate) fn read(path: &Path) -> Result<(SeriesFile, Digests), FileError> {
    open(path, |file, size| through(file, size, |content, _| decode(content, LIMITS)))
}

/// Decodes a `.ts` file; the last is the digest of all of it.
fn decode(content: impl Read, limits: Limits) -> Result<(SeriesFile, String), FileProblem> {
    let mut lines = Lines::new(content, limits);
    let mut header = Header::default();
    let declared = loop {
        let line = lines.next()?.ok_or(FileProblem::Ends("a line `@data`, which a `.ts` file has"))?;
        if header.read(line)? {
            break header.targets(line)?;
        }
    };
    let labelled = if let Declared::None = declared { Labelled::No } else { Labelled::Yes };
    let mut body = Body::of(&header, labelled);
    let mut targets = Found::new(declared);
    while let Some(line) = lines.next()? {
        if let Some(text) = body.read(line)? {
            targets.read(line, text)?;
        }
    }
    let (sequences, series_lines) = body.finish()?;
    let (features, columns, ids, groups, gap) = (None, None, None, None, None);
    let targets = targets.finish();
    let file = SeriesFile {
        sequences,
        targets,
        features,
        columns,
        ids,
        groups,
        lines: series_lines,
        unit: "line",
        gap,
        rows: None,
    };
    Ok((file, lines.finish()))
}

fn decode_lines(content: impl Read, features: usize) -> Result<SeriesLines, FileProblem> {
    let mut lines = Lines::new(content, LIMITS);
    let mut header = Header::default();
    let mut body = None;
    let mut labels = Vec::new();
    let mut first = true;
    while let Some(line) = lines.next()? {
        if std::mem::take(&mut first) && !line.text.starts_with('@') {
            body = Some(Body::bare(Labelled::Perhaps).with(features));
        }
        if let Some(body) = &mut body {
            labels.push(body.read(line)?.map(str::to_owned));
        } else if header.read(line)? {
            body = Some(Body::of(&header, Labelled::Perhaps).with(features));
        } else if let Some(found) = header.dimensions().filter(|&found| found != features) {
            return Err(line.wrong(line.text, LineProblem::Features { found, expected: features }));
        }
    }
    let (sequences, series_lines) = body.ok_or(FileProblem::Ends("the first series"))?.finish()?;
    Ok(SeriesLines { sequences, labels, lines: series_lines })
}

/// The targets so far.
enum Found {
    None,
    Labels(Labels),
    Numbers(Vec<f32>),
}

impl Found {
    fn new(targets: Declared) -> Found {
        match targets {
            Declared::None => Found::None,
            Declared::Classes(classes) => Found::Labels(Labels::new(classes)),
            Declared::Number => Found::Numbers(Vec::new()),
        }
    }

    fn read(&mut self, line: Line<'_>, text: &str) -> Result<(), FileProblem> {
        match self {
            Found::None => (),
            Found::Labels(labels) => labels.push(text).map_err(|why| {
                let problem = match why {
                    NoClass::Unnamed => {
                        LineProblem::Label { label: text.to_owned(), classes: labels.classes().to_vec() }
                    }
                    NoClass::TooMany => LineProblem::Classes { name: text.to_owned(), most: MOST_CLASSES },
                };
                line.wrong(text, problem)
            })?,
            Found::Numbers(numbers) => {
                let number = || text.parse().ok().filter(|number: &f32| number.is_finite());
                numbers.push(number().ok_or_else(|| line.wrong(text, LineProblem::Target(text.to_owned())))?);
            }
        }
        Ok(())
    }

    fn finish(self) -> Option<FileTargets> {
        let (values, names) = match self {
            Found::None => return None,
            Found::Labels(labels) => {
                let (labels, classes) = labels.finish();
                (TargetValues::Classes(labels), classes)
            }
            Found::Numbers(values) => (TargetValues::Numbers { values, width: 1 }, target_names(1)),
        };
        Some(FileTargets { targets: Targets { values, per: Per::Sequence }, names })
    }
}

#[cfg(test)]
mod tests;
