//! Sentences in columns, as the shared tasks of CoNLL had them: a token on each line, its tag in one of the
//! columns behind it, and an empty line behind each sentence.
//!
//! ```text
//! -DOCSTART- -X- -X- O
//!
//! # says nothing
//! U.N. NNP I-NP I-ORG
//! official NN I-NP O
//! ```
//!
//! Columns are parted by tabs or, in a line without one, by any number of spaces. All tokens of a sentence
//! have as many of them and, where the last is the tag, all of the text. A line of white space alone ends a
//! sentence, as do lines that begin with `-DOCSTART-`, `#begin document` or `#end document`. Lines that begin
//! with `# ` before the first token of a sentence are comments if they have more or fewer columns than that,
//! or no tab where it has some: `# # I-NP` is a token among others of three columns that spaces part.

use std::io::Read;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::block::{Block, Blocks, Grammar, cells};
use super::encoding::{Encoding, open_text};
use super::problem::TextProblem;
use super::reading::{Labelling, Reading};
use crate::content::{Digests, plain};
use crate::file_error::{FileError, FileProblem};
use crate::series::file::SeriesFile;
use crate::targets::Per;

/// Which columns are read, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConllColumns {
    /// The one with the tokens.
    pub token: usize,
    /// The one with the tags; the last unless it is named.
    pub tag: Option<usize>,
}

/// Tokens in the first column, tags in the last.
impl Default for ConllColumns {
    fn default() -> ConllColumns {
        ConllColumns { token: 1, tag: None }
    }
}

const BOUNDARIES: [&str; 3] = ["-DOCSTART-", "#begin document", "#end document"];

/// Sentences in columns, and the tags of their tokens, of a text in memory, gzipped or not.
///
/// # Errors
///
/// Where it holds no sentence; where a line is not UTF-8, or has not the columns that are asked for.
pub fn parse_conll(
    bytes: &[u8],
    columns: ConllColumns,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    plain(bytes, |content| decode(content, columns, labelling))
}

/// As [`parse_conll`], of a text that is read as it comes.
///
/// # Errors
///
/// As there; where it cannot be read.
pub fn read_conll(
    source: impl Read,
    columns: ConllColumns,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    plain(source, |content| decode(content, columns, labelling))
}

/// Reads a file of sentences in columns, gzipped or not.
pub(crate) fn read(
    path: &Path,
    columns: ConllColumns,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<(SeriesFile, Digests), FileError> {
    open_text(path, encoding, |content| decode(content, columns, labelling))
}

/// Decodes a text.
fn decode(
    content: impl Read,
    columns: ConllColumns,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    let mut reading = Reading::new(labelling);
    let is_tagged = reading.is_labelled();
    let mut blocks = Blocks::new(content, Columns::new(columns, is_tagged));
    while let Some(block) = blocks.next()? {
        for (number, line) in block.rows() {
            reading.token(cell(line, columns.token));
            if is_tagged {
                reading.label(number, columns.tag_of(line))?;
            }
        }
        block.rows.first().map(|row| reading.end(row.number));
    }
    reading.finish(Per::Step)
}

impl ConllColumns {
    fn tag_of(self, line: &str) -> &str {
        match self.tag {
            Some(column) => cell(line, column),
            None => cells(line).last().unwrap_or_default(),
        }
    }
}

/// The cell of a line in this column, counted from 1.
pub(super) fn cell(line: &str, column: usize) -> &str {
    column.checked_sub(1).and_then(|before| cells(line).nth(before)).unwrap_or_default()
}

/// Lines with these columns.
pub(super) struct Columns {
    columns: ConllColumns,
    is_tagged: bool,
    /// How many columns the first token of the text has, and its line.
    first: Option<(usize, usize)>,
    /// How many those of the last sentence have, and whether tabs part them.
    width: Option<(usize, bool)>,
}

impl Columns {
    /// Lines with these columns, the one with tags only if it is read.
    pub(super) fn new(columns: ConllColumns, is_tagged: bool) -> Columns {
        Columns { columns, is_tagged, first: None, width: None }
    }

    /// Whether a line of so many columns has those that are read.
    fn check(&self, line: &str, found: usize) -> Result<(), TextProblem> {
        let ConllColumns { token, tag } = self.columns;
        let asked = [("token", Some(token)), ("tag", tag.filter(|_| self.is_tagged))];
        for (what, column) in asked {
            match column {
                Some(0) => return Err(TextProblem::ColumnZero),
                Some(column) if column > found => return Err(TextProblem::TooFew { found, what, column }),
                Some(column) if cell(line, column).is_empty() => {
                    return Err(TextProblem::Empty { what, column });
                }
                _ => (),
            }
        }
        match tag {
            None if self.is_tagged && found <= token => Err(TextProblem::NoTag { found }),
            None if self.is_tagged && self.columns.tag_of(line).is_empty() => {
                Err(TextProblem::Empty { what: "tag", column: found })
            }
            _ => Ok(()),
        }
    }
}

impl Grammar for Columns {
    fn is_boundary(&self, line: &str) -> bool {
        line.trim().is_empty() || BOUNDARIES.iter().any(|begin| line.starts_with(begin))
    }

    fn choose(&mut self, block: &mut Block) -> Result<(), FileProblem> {
        let may_be_comment = |line: &str| line.starts_with("# ");
        let width = |line: &str| (cells(line).count(), line.contains('\t'));
        let own = block.rows().map(|(_, line)| line).find(|line| !may_be_comment(line)).map(width);
        let expected = own.or(self.width);
        let is_comment = |line: &str| may_be_comment(line) && Some(width(line)) != expected;
        let comments = block.rows().take_while(|(_, line)| is_comment(line)).count();
        block.rows.drain(..comments);
        let mut first = self.first.filter(|_| self.is_tagged && self.columns.tag.is_none());
        for (number, line) in block.rows() {
            let (found, has_tabs) = width(line);
            let (expected, other) = *first.get_or_insert((found, number));
            if found != expected {
                return Err(TextProblem::Columns { found, expected, line: other }.at(number));
            }
            self.check(line, found).map_err(|problem| problem.at(number))?;
            self.width = Some((found, has_tabs));
        }
        self.first = self.first.or(first);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
