//! The `.ts` files of the UCR and UEA archives, as aeon and sktime read them: a header of tags, `@data`, then a
//! series on each line; gzipped or not.
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

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

use crate::content::{Digests, LARGEST, open, plain, through};
use crate::file_error::{FileError, FileProblem};
use crate::sequences::Sequences;
use crate::series::line_problem::LineProblem;
use crate::split::MOST_CLASSES;
use body::{Body, Labelled};
use header::{Classes, Header};
use lines::{Limits, Line, Lines};

/// The longest line of the UEA archive has 3.3 MB.
const LIMITS: Limits = Limits { line: 64 << 20, all: LARGEST };

/// The series of a `.ts` file.
#[derive(Clone, Debug, PartialEq)]
pub struct TsFile {
    /// The series, one or more: numbers, NaN where one is missing.
    pub sequences: Sequences,
    /// The class of each, an index into `classes`; `None` where the header says that there are none.
    pub labels: Option<Vec<u8>>,
    /// The names of the classes in the header's order. Where it has no names, those that the labels have, in
    /// order; none where there are no labels.
    pub classes: Vec<String>,
    /// The line of each series, from 1.
    pub lines: Vec<usize>,
}

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
pub fn read_ts(path: &Path) -> Result<TsFile, FileError> {
    read(path).map(|(file, _)| file)
}

/// The series of a `.ts` file in memory, gzipped or not.
///
/// # Errors
///
/// Where it is no such file, or does not hold what its header says; where its series have timestamps or a number
/// to predict; where a value is neither a finite `f32` nor missing (`?`, `NaN` or nothing between commas).
pub fn parse_ts(bytes: &[u8]) -> Result<TsFile, FileProblem> {
    through(Cursor::new(bytes), bytes.len() as u64, |content, _| decode(content, LIMITS))
        .map(|(file, _)| file)
}

/// The series of a text, gzipped or not: a `.ts` file, or the lines below its `@data` alone. Each has as many
/// dimensions as `features`, and behind them a label, any text, or none; a header need not say whether. It is read
/// as it comes, a line at a time.
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
/// As there.
pub fn parse_series_lines(bytes: &[u8], features: usize) -> Result<SeriesLines, FileProblem> {
    read_series_lines(bytes, features)
}

pub(crate) fn read(path: &Path) -> Result<(TsFile, Digests), FileError> {
    open(path, |file, size| through(file, size, |content, _| decode(content, LIMITS)))
}

/// Decodes a `.ts` file; the last is the digest of all of it.
fn decode(content: impl Read, limits: Limits) -> Result<(TsFile, String), FileProblem> {
    let mut lines = Lines::new(content, limits);
    let mut header = Header::default();
    let classes = loop {
        let line = lines.next()?.ok_or(FileProblem::Ends("a line `@data`, which a `.ts` file has"))?;
        if header.read(line)? {
            break header.classes(line)?;
        }
    };
    let labelled = if let Classes::None = classes { Labelled::No } else { Labelled::Yes };
    let mut body = Body::of(&header, labelled);
    let mut labels = Labels::new(classes);
    while let Some(line) = lines.next()? {
        if let Some(label) = body.read(line)? {
            labels.read(line, label)?;
        }
    }
    let (sequences, series_lines) = body.finish()?;
    let (labels, classes) = labels.finish();
    let labels = (labelled == Labelled::Yes).then_some(labels);
    Ok((TsFile { sequences, labels, classes, lines: series_lines }, lines.finish()))
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

/// The labels so far.
struct Labels {
    labels: Vec<u8>,
    classes: Vec<String>,
    indices: HashMap<String, u8>,
    /// Whether the header names the classes.
    named: bool,
}

impl Labels {
    fn new(classes: Classes) -> Labels {
        let (classes, named) = match classes {
            Classes::None | Classes::Unnamed => (Vec::new(), false),
            Classes::Named(classes) => (classes, true),
        };
        let indices = classes.iter().cloned().zip(0..=u8::MAX).collect();
        Labels { labels: Vec::new(), classes, indices, named }
    }

    fn read(&mut self, line: Line<'_>, label: &str) -> Result<(), FileProblem> {
        let index = match self.indices.get(label) {
            Some(&index) => index,
            None if self.named => {
                let problem = LineProblem::Label { label: label.to_owned(), classes: self.classes.clone() };
                return Err(line.wrong(label, problem));
            }
            None => {
                let most = LineProblem::Classes { name: label.to_owned(), most: MOST_CLASSES };
                let index = u8::try_from(self.classes.len()).map_err(|_| line.wrong(label, most))?;
                self.classes.push(label.to_owned());
                self.indices.insert(label.to_owned(), index);
                index
            }
        };
        self.labels.push(index);
        Ok(())
    }

    /// The labels, and the classes that they are indices into: found ones in the order of numbers, where all are
    /// such, or else of the alphabet.
    fn finish(self) -> (Vec<u8>, Vec<String>) {
        if self.named {
            return (self.labels, self.classes);
        }
        let numbers: Option<Vec<f64>> = self.classes.iter().map(|name| name.parse().ok()).collect();
        let by_name = |&one: &usize, &other: &usize| self.classes[one].cmp(&self.classes[other]);
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        match numbers {
            Some(numbers) => order.sort_by(|one, other| {
                numbers[*one].total_cmp(&numbers[*other]).then_with(|| by_name(one, other))
            }),
            None => order.sort_by(by_name),
        }
        let mut places = vec![0; order.len()];
        order.iter().zip(0..=u8::MAX).for_each(|(&class, place)| places[class] = place);
        let labels = self.labels.iter().map(|&label| places[usize::from(label)]).collect();
        (labels, order.iter().map(|&class| self.classes[class].clone()).collect())
    }
}

#[cfg(test)]
mod tests;
