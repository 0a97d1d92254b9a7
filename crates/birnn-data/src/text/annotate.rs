//! Texts with a token on each line, given back as they are but for columns that are added to the lines of
//! tokens.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::block::{Block, Blocks, Grammar, Row, cells};
use super::conll::{Columns, ConllColumns, cell};
use super::conllu;
use crate::content::{of_gzip, unzipped};
use crate::file_error::FileProblem;

/// How the tokens of a text stand in its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConllForm {
    /// In columns.
    Columns {
        /// The one with the tokens, counted from 1.
        token: usize,
    },
    /// As CoNLL-U has them.
    Conllu,
}

/// A text that is read sentence by sentence, gzipped or not, of any length.
pub struct ConllText<'a> {
    blocks: Blocks<Box<dyn Read + 'a>, Either>,
    form: ConllForm,
    is_zipped: bool,
    is_over: bool,
}

/// The lines of a sentence, what stands before them, and the line that ends it. There may be no token in it:
/// behind the last sentence, or among comments.
#[derive(Clone, Debug)]
pub struct ConllBlock {
    block: Block,
    form: ConllForm,
}

/// Something that is said of each token of a sentence.
#[derive(Clone, Copy, Debug)]
pub struct AddedColumn<'a> {
    /// What it is called, as CoNLL-U says it: `Tag`.
    pub name: &'a str,
    /// What is said of each token. In place of white space there is written `_`, as there is of nothing, and
    /// in CoNLL-U of `|`.
    pub values: &'a [String],
}

impl<'a> ConllText<'a> {
    /// The text that a source holds.
    ///
    /// # Errors
    ///
    /// Where its first bytes cannot be read.
    pub fn new(source: impl Read + 'a, form: ConllForm) -> Result<ConllText<'a>, FileProblem> {
        let (source, is_zipped) = unzipped(source)?;
        let grammar = match form {
            ConllForm::Columns { token } => {
                Either::Columns(Columns::new(ConllColumns { token, tag: None }, false))
            }
            ConllForm::Conllu => Either::Conllu(conllu::Rows),
        };
        Ok(ConllText { blocks: Blocks::new(source, grammar), form, is_zipped, is_over: false })
    }
}

/// The blocks, as soon as each has been read; behind an error nothing comes.
impl Iterator for ConllText<'_> {
    type Item = Result<ConllBlock, FileProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.blocks.forget();
        let next = self.blocks.next().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        Some(match next? {
            Ok(block) => Ok(ConllBlock { block, form: self.form }),
            Err(problem) if self.is_zipped => Err(of_gzip(problem)),
            Err(problem) => Err(problem),
        })
    }
}

impl ConllBlock {
    /// How many tokens the sentence has.
    pub fn len(&self) -> usize {
        self.block.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.block.rows.is_empty()
    }

    /// Whether it is one line that goes on behind its token, as a whole sentence would that somebody wrote
    /// there.
    pub fn is_one_wide_line(&self) -> bool {
        let ConllForm::Columns { token } = self.form else { return false };
        self.len() == 1 && self.block.rows().all(|(_, line)| cells(line).count() > token)
    }

    /// The line of the first token, from 1.
    pub fn line(&self) -> Option<usize> {
        self.block.rows.first().map(|row| row.number)
    }

    /// The tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let column = match self.form {
            ConllForm::Columns { token } => token,
            ConllForm::Conllu => conllu::FORM,
        };
        self.block.rows().map(move |(_, line)| cell(line, column))
    }

    /// Writes the lines as they were read, and these columns behind those of each token: parted by a tab
    /// where the line has one, else by a space. In CoNLL-U they are added to what stands in its last column,
    /// as `Tag=X|Confidence=0.9`.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    ///
    /// # Panics
    ///
    /// Where a column has not a value for each token.
    pub fn write(&self, into: &mut impl Write, columns: &[AddedColumn<'_>]) -> io::Result<()> {
        assert!(columns.iter().all(|column| column.values.len() == self.len()), "a value for each token");
        let text = &self.block.text;
        let mut written = 0;
        for (index, row) in self.block.rows.iter().enumerate().filter(|_| !columns.is_empty()) {
            let values = columns.iter().map(|column| (column.name, column.values[index].as_str()));
            let (place, added) = match self.form {
                ConllForm::Columns { .. } => behind(self.block.row(*row), values),
                ConllForm::Conllu => miscellaneous(self.block.row(*row), values),
            };
            let Row { begin, .. } = row;
            into.write_all(&text.as_bytes()[written..begin + place.start])?;
            into.write_all(added.as_bytes())?;
            written = begin + place.end;
        }
        into.write_all(&text.as_bytes()[written..])
    }
}

/// Where in a line columns are added, and what.
fn behind<'a>(
    line: &str,
    values: impl Iterator<Item = (&'a str, &'a str)>,
) -> (std::ops::Range<usize>, String) {
    let (end, between) =
        if line.contains('\t') { (line.len(), "\t") } else { (line.trim_end_matches(' ').len(), " ") };
    (end..end, values.flat_map(|(_, value)| [between.into(), one_word(value)]).collect())
}

/// Which part of a line of CoNLL-U says other things about its token, and what is written in its place.
fn miscellaneous<'a>(
    line: &str,
    values: impl Iterator<Item = (&'a str, &'a str)>,
) -> (std::ops::Range<usize>, String) {
    let begin = line.rfind('\t').map_or(0, |tab| tab + 1);
    let said: Vec<String> =
        values.map(|(name, value)| format!("{name}={}", one_word(value).replace('|', "_"))).collect();
    match line[begin..].trim_matches(' ') {
        "" | "_" => (begin..line.len(), said.join("|")),
        _ => {
            let end = line.trim_end_matches(' ').len();
            (end..end, format!("|{}", said.join("|")))
        }
    }
}

/// A value that neither parts columns nor is none.
fn one_word(value: &str) -> Cow<'_, str> {
    match value {
        "" => Cow::Borrowed("_"),
        _ if value.contains(char::is_whitespace) => Cow::Owned(value.replace(char::is_whitespace, "_")),
        _ => Cow::Borrowed(value),
    }
}

/// What the lines of either form are.
enum Either {
    Columns(Columns),
    Conllu(conllu::Rows),
}

impl Grammar for Either {
    fn is_boundary(&self, line: &str) -> bool {
        match self {
            Either::Columns(grammar) => grammar.is_boundary(line),
            Either::Conllu(grammar) => grammar.is_boundary(line),
        }
    }

    fn choose(&mut self, block: &mut Block) -> Result<(), FileProblem> {
        match self {
            Either::Columns(grammar) => grammar.choose(block),
            Either::Conllu(grammar) => grammar.choose(block),
        }
    }
}

#[cfg(test)]
mod tests;
