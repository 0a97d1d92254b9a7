//! The tags at the beginning of a `.ts` file.

use std::collections::HashSet;

use super::lines::Line;
use crate::file_error::FileProblem;
use crate::series::line_problem::LineProblem;
use crate::split::MOST_CLASSES;

/// The tags that say how to read what follows. `@missing` is none: the values show what is missing.
const TAGS: [&str; 8] = [
    "@timeStamps",
    "@targetLabel",
    "@univariate",
    "@dimensions",
    "@equalLength",
    "@seriesLength",
    "@classLabel",
    "@data",
];

/// What the tags so far say.
#[derive(Default)]
pub(super) struct Header {
    seen: Vec<&'static str>,
    univariate: bool,
    dimensions: Option<usize>,
    equal: Option<bool>,
    steps: Option<usize>,
    targets: Option<Declared>,
}

/// What a header says of what stands behind each series.
pub(super) enum Declared {
    /// Nothing does.
    None,
    /// A class: one of these, or where they are not named, whatever stands there.
    Classes(Option<Vec<String>>),
    /// A number.
    Number,
}

impl Header {
    /// Reads a line of the header. Says whether it was the last, `@data`. Other tags are passed over.
    pub(super) fn read(&mut self, line: Line<'_>) -> Result<bool, FileProblem> {
        let mut words = line.text.split_whitespace();
        let word = words.next().unwrap_or_default();
        if !word.starts_with('@') {
            return Err(line.wrong(line.text, LineProblem::Stray(line.text.to_owned())));
        }
        let meant = if word.eq_ignore_ascii_case("@dimension") { "@dimensions" } else { word };
        let Some(&tag) = TAGS.iter().find(|tag| tag.eq_ignore_ascii_case(meant)) else {
            return Ok(false);
        };
        if self.seen.contains(&tag) {
            return Err(line.wrong(word, LineProblem::Twice { tag }));
        }
        self.seen.push(tag);
        let value = words.next().unwrap_or(line.end());
        match tag {
            "@timeStamps" if switch(tag, line, value)? => {
                return Err(line.wrong(word, LineProblem::Timestamps));
            }
            "@targetLabel" if switch(tag, line, value)? => self.declare(line, word, Declared::Number)?,
            "@univariate" => self.univariate = switch(tag, line, value)?,
            "@dimensions" => self.dimensions = Some(number(tag, line, value)?),
            "@equalLength" => self.equal = Some(switch(tag, line, value)?),
            "@seriesLength" => self.steps = Some(number(tag, line, value)?),
            "@classLabel" => {
                let classes = switch(tag, line, value)?.then(|| classes(line, words)).transpose()?;
                self.declare(line, word, classes.map_or(Declared::None, Declared::Classes))?;
            }
            "@data" if !value.is_empty() => {
                return Err(line.wrong(value, LineProblem::Data(value.to_owned())));
            }
            "@data" => return Ok(true),
            _ => (),
        }
        match self.dimensions {
            Some(many @ 2..) if self.univariate => Err(line.wrong(word, LineProblem::Univariate(many))),
            _ => Ok(false),
        }
    }

    /// Dimensions of each series.
    pub(super) fn dimensions(&self) -> Option<usize> {
        if self.univariate { Some(1) } else { self.dimensions }
    }

    /// Whether all series have as many steps.
    pub(super) fn equal(&self) -> bool {
        self.equal == Some(true)
    }

    /// Steps of each series. Where they have not all as many, it is not agreed what a number of steps means.
    pub(super) fn steps(&self) -> Option<usize> {
        self.steps.filter(|_| self.equal != Some(false))
    }

    /// Takes up what the tag `word` says of what stands behind each series: one of a class and a number, or
    /// neither.
    fn declare(&mut self, line: Line<'_>, word: &str, declared: Declared) -> Result<(), FileProblem> {
        match (&self.targets, declared) {
            (None | Some(Declared::None), declared) => self.targets = Some(declared),
            (Some(_), Declared::None) => (),
            (Some(_), _) => return Err(line.wrong(word, LineProblem::TwoTargets)),
        }
        Ok(())
    }

    /// What stands behind each series, which it has to have said by its `last` line.
    pub(super) fn targets(&mut self, last: Line<'_>) -> Result<Declared, FileProblem> {
        self.targets.take().ok_or_else(|| last.wrong(last.text, LineProblem::NoClassLabel))
    }
}

fn switch(tag: &'static str, line: Line<'_>, value: &str) -> Result<bool, FileProblem> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(line.wrong(value, LineProblem::Switch { tag, found: value.to_owned() })),
    }
}

fn number(tag: &'static str, line: Line<'_>, value: &str) -> Result<usize, FileProblem> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| line.wrong(value, LineProblem::Number { tag, found: value.to_owned() }))
}

fn classes<'a>(
    line: Line<'_>,
    names: impl Iterator<Item = &'a str>,
) -> Result<Option<Vec<String>>, FileProblem> {
    let mut seen = HashSet::new();
    let mut classes = Vec::new();
    for name in names {
        if !seen.insert(name) {
            return Err(line.wrong(name, LineProblem::ClassTwice(name.to_owned())));
        }
        if classes.len() == MOST_CLASSES {
            return Err(line.wrong(name, LineProblem::Classes { name: name.to_owned(), most: MOST_CLASSES }));
        }
        classes.push(name.to_owned());
    }
    Ok(Some(classes).filter(|classes| !classes.is_empty()))
}
