//! CoNLL-U, the format of Universal Dependencies: ten columns parted by tabs, and an empty line behind each
//! sentence. <https://universaldependencies.org/format.html>
//!
//! ```text
//! # text = vámonos al mar
//! 1-2   vámonos   _         _      _   _   _   _      _   _
//! 1     vamos     ir        VERB   _   _   0   root   _   _
//! 2     nos       nosotros  PRON   _   _   1   obj    _   _
//! ```
//!
//! Lines that begin with `#` are comments. Of tokens of several words (`1-2`) the words are read, and nodes
//! that are not in the text (`1.1`) are not.

use std::io::Read;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::block::{Block, Blocks, Grammar, cells};
use super::conll::cell;
use super::encoding::{Encoding, open_text};
use super::problem::TextProblem;
use super::reading::{Labelling, Reading};
use crate::content::{Digests, plain};
use crate::file_error::{FileError, FileProblem};
use crate::series::file::SeriesFile;
use crate::targets::Per;

/// The column with the tokens, from 1.
pub(super) const FORM: usize = 2;
const COLUMNS: usize = 10;

/// Which column has the tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConlluTag {
    /// Parts of speech, the same for all languages.
    #[default]
    Upos,
    /// Parts of speech of the language.
    Xpos,
    /// What the word is to the one that it depends on.
    Deprel,
    /// The word's form: all of its morphological features as one tag, `_` where it has none.
    Feats,
}

impl ConlluTag {
    /// Its name, and which one it is, from 1.
    fn column(self) -> (&'static str, usize) {
        match self {
            ConlluTag::Upos => ("UPOS", 4),
            ConlluTag::Xpos => ("XPOS", 5),
            ConlluTag::Deprel => ("DEPREL", 8),
            ConlluTag::Feats => ("FEATS", 6),
        }
    }
}

/// The sentences of a text in CoNLL-U in memory, gzipped or not, and the tags of their words.
///
/// # Errors
///
/// Where it holds no sentence; where a line is not UTF-8 or not CoNLL-U, or has no tag where one is read.
pub fn parse_conllu(bytes: &[u8], tag: ConlluTag, labelling: &Labelling) -> Result<SeriesFile, FileProblem> {
    plain(bytes, |content| decode(content, tag, labelling))
}

/// As [`parse_conllu`], of a text that is read as it comes.
///
/// # Errors
///
/// As there; where it cannot be read.
pub fn read_conllu(
    source: impl Read,
    tag: ConlluTag,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    plain(source, |content| decode(content, tag, labelling))
}

/// Reads a file in CoNLL-U, gzipped or not.
pub(crate) fn read(
    path: &Path,
    tag: ConlluTag,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<(SeriesFile, Digests), FileError> {
    open_text(path, encoding, |content| decode(content, tag, labelling))
}

/// Decodes a text.
fn decode(content: impl Read, tag: ConlluTag, labelling: &Labelling) -> Result<SeriesFile, FileProblem> {
    let (name, column) = tag.column();
    let may_be_none = tag == ConlluTag::Feats;
    let mut reading = Reading::new(labelling);
    let mut blocks = Blocks::new(content, Rows);
    while let Some(block) = blocks.next()? {
        for (number, line) in block.rows() {
            reading.token(cell(line, FORM));
            let tag = cell(line, column);
            if reading.is_labelled() && (tag.is_empty() || tag == "_" && !may_be_none) {
                return Err(TextProblem::Untagged(name).at(number));
            }
            reading.label(number, tag)?;
        }
        block.rows.first().map(|row| reading.end(row.number));
    }
    reading.finish(Per::Step)
}

/// The lines of CoNLL-U.
pub(super) struct Rows;

impl Grammar for Rows {
    fn is_boundary(&self, line: &str) -> bool {
        line.trim().is_empty()
    }

    fn choose(&mut self, block: &mut Block) -> Result<(), FileProblem> {
        let mut words = Vec::with_capacity(block.rows.len());
        for &row in &block.rows {
            if is_word(block.row(row)).map_err(|problem| problem.at(row.number))? {
                words.push(row);
            }
        }
        block.rows = words;
        Ok(())
    }
}

/// Whether a line is a word of its sentence.
fn is_word(line: &str) -> Result<bool, TextProblem> {
    if line.starts_with('#') {
        return Ok(false);
    }
    let found = line.split('\t').count();
    if found != COLUMNS {
        return Err(TextProblem::NotConllu { found });
    }
    let id = cell(line, 1);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((_, last)) = id.split_once(['-', '.']).filter(|(first, _)| is_number(first)) {
        return if is_number(last) { Ok(false) } else { Err(TextProblem::Id(id.to_owned())) };
    }
    match (is_number(id), cells(line).nth(FORM - 1)) {
        (false, _) => Err(TextProblem::Id(id.to_owned())),
        (true, None | Some("")) => Err(TextProblem::Empty { what: "token", column: FORM }),
        (true, Some(_)) => Ok(true),
    }
}

#[cfg(test)]
mod tests;
