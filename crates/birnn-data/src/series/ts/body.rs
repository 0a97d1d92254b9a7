//! The series of a `.ts` file, a line each: dimensions parted by `:`, their values by `,`, and the label
//! last.

use std::collections::TryReserveError;

use super::header::Header;
use super::lines::Line;
use crate::file_error::FileProblem;
use crate::sequences::{Sequences, Values};
use crate::series::line_problem::{LineProblem, SaidBy};

/// Whether there is a label behind the dimensions of a series.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Labelled {
    /// Behind none.
    No,
    /// Behind each.
    Yes,
    /// Behind some.
    Perhaps,
}

/// The series so far.
pub(super) struct Body {
    labelled: Labelled,
    /// Dimensions that each has, and steps.
    dimensions: Option<(usize, SaidBy)>,
    steps: Option<(usize, SaidBy)>,
    equal: bool,
    values: Vec<f32>,
    lengths: Vec<usize>,
    lines: Vec<usize>,
    /// The values of one, dimension by dimension.
    series: Vec<f32>,
}

impl Body {
    /// What follows `header`.
    pub(super) fn of(header: &Header, labelled: Labelled) -> Body {
        Body {
            dimensions: header.dimensions().map(|dimensions| (dimensions, SaidBy::Header)),
            steps: header.steps().map(|steps| (steps, SaidBy::Header)),
            equal: header.equal(),
            ..Body::bare(labelled)
        }
    }

    /// Series of which nothing was said.
    pub(super) fn bare(labelled: Labelled) -> Body {
        Body {
            labelled,
            dimensions: None,
            steps: None,
            equal: false,
            values: Vec::new(),
            lengths: Vec::new(),
            lines: Vec::new(),
            series: Vec::new(),
        }
    }

    /// Expects so many dimensions, whatever was said.
    pub(super) fn with(self, dimensions: usize) -> Body {
        Body { dimensions: Some((dimensions, SaidBy::Reader)), ..self }
    }

    /// Reads a series, and returns the text of its label.
    pub(super) fn read<'a>(&mut self, line: Line<'a>) -> Result<Option<&'a str>, FileProblem> {
        let (dimensions, label) = self.parts(line)?;
        let found = dimensions.split(':').count();
        let (expected, by) = *self.dimensions.get_or_insert((found, SaidBy::First));
        if found != expected {
            let other = dimensions.split(':').nth(expected).unwrap_or(&dimensions[dimensions.len()..]);
            return Err(
                line.wrong(other, LineProblem::Dimensions { found, labelled: label.is_some(), expected, by })
            );
        }
        self.series.clear();
        let mut steps = 0;
        for (index, dimension) in dimensions.split(':').enumerate() {
            let before = self.series.len();
            self.read_dimension(line, dimension)?;
            let found = self.series.len() - before;
            if index == 0 {
                steps = found;
            } else if found != steps {
                let problem = LineProblem::Steps { dimension: index + 1, found, expected: steps };
                return Err(line.wrong(dimension, problem));
            }
        }
        if self.equal {
            self.steps.get_or_insert((steps, SaidBy::First));
        }
        if let Some((expected, by)) = self.steps.filter(|&(expected, _)| expected != steps) {
            return Err(line.wrong(line.text, LineProblem::Length { found: steps, expected, by }));
        }
        self.keep(line.number, steps).map_err(|_| line.wrong(line.text, LineProblem::Memory))?;
        Ok(label)
    }

    /// The dimensions of a series, and its label.
    fn parts<'a>(&self, line: Line<'a>) -> Result<(&'a str, Option<&'a str>), FileProblem> {
        let fields = line.text.split(':').count();
        let expected = self.dimensions.map(|(expected, _)| expected);
        let Some((dimensions, last)) = line.text.rsplit_once(':') else {
            return match self.labelled {
                Labelled::Yes => Err(line.wrong(line.end(), LineProblem::NoLabel)),
                Labelled::No | Labelled::Perhaps => Ok((line.text, None)),
            };
        };
        let last = last.trim();
        match self.labelled {
            // What has commas is a dimension.
            Labelled::Yes if last.is_empty() || last.contains(',') => {
                Err(line.wrong(line.end(), LineProblem::NoLabel))
            }
            Labelled::Yes => Ok((dimensions, Some(last))),
            // So aeon writes them: with the `:` before a label that there is none of.
            _ if last.is_empty() => Ok((dimensions, None)),
            Labelled::Perhaps if expected == Some(fields - 1) && !last.contains(',') => {
                Ok((dimensions, Some(last)))
            }
            Labelled::No | Labelled::Perhaps => Ok((line.text, None)),
        }
    }

    fn read_dimension(&mut self, line: Line<'_>, dimension: &str) -> Result<(), FileProblem> {
        if dimension.trim().is_empty() {
            return Err(line.wrong(dimension, LineProblem::NoValues));
        }
        for text in dimension.split(',') {
            let text = text.trim();
            let value = match text {
                "" | "?" => f32::NAN,
                _ => text.parse().map_err(|_| line.wrong(text, LineProblem::NotANumber(text.to_owned())))?,
            };
            if value.is_infinite() {
                return Err(line.wrong(text, LineProblem::NotFinite(text.to_owned())));
            }
            self.series.push(value);
        }
        Ok(())
    }

    /// Adds the series that was read last, step by step.
    fn keep(&mut self, line: usize, steps: usize) -> Result<(), TryReserveError> {
        self.values.try_reserve(self.series.len())?;
        self.lengths.try_reserve(1)?;
        self.lines.try_reserve(1)?;
        for step in 0..steps {
            self.values.extend(self.series.iter().skip(step).step_by(steps));
        }
        self.lengths.push(steps);
        self.lines.push(line);
        Ok(())
    }

    /// All series, and the line of each.
    pub(super) fn finish(self) -> Result<(Sequences, Vec<usize>), FileProblem> {
        match self.dimensions {
            Some((dimensions, _)) if !self.lengths.is_empty() => {
                Ok((Sequences::new(Values::Floats(self.values), dimensions, self.lengths), self.lines))
            }
            _ => Err(FileProblem::Ends("the first series")),
        }
    }
}
