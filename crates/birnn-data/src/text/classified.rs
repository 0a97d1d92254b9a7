//! Texts, each of a class, as they are written: on a line behind its class, as JSON, in a table, or in a file
//! for each class.
//!
//! ```text
//! pos a small gem
//! {"text": "a small gem", "label": "pos"}
//! text,label
//! pos.txt
//! ```

mod folder;
mod json;

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::folder::{Folder, read as read_classes};
use super::encoding::{Encoding, open_text};
use super::problem::TextProblem;
use super::reading::{Labelling, Reading};
use super::source::{Line, each_line};
use crate::content::{Digests, plain};
use crate::file_error::{FileError, FileProblem};
use crate::series::file::SeriesFile;
use crate::table::each_cells;
use crate::targets::Per;

/// How texts and their classes are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// One on each line: its class, white space, and the text. Where a net is asked, the text alone.
    Lines,
    /// An object on each line (JSON Lines).
    Json {
        /// The key of the text.
        text: String,
        /// That of the class.
        label: String,
    },
    /// A table with a header, as CSV.
    Table {
        /// The column of the text.
        text: String,
        /// That of the class.
        label: String,
        /// What parts its cells.
        delimiter: u8,
    },
}

/// What the tokens of a text are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// What white space parts.
    #[default]
    Words,
    /// Words, and each punctuation mark by itself, as running text has them.
    WordsAndPunctuation,
    /// Each character, white space around the text aside.
    Characters,
}

/// A token of [`Unit::WordsAndPunctuation`], as a regular expression that Rust, JavaScript (with `u`) and
/// Python's `regex` read alike: letters and digits, apostrophes before letters, points and commas before
/// digits (`don't`, `3.14`); or else one character.
pub const WORD_OR_PUNCTUATION: &str =
    r"[\p{L}\p{M}\p{N}_]+(?:['’]\p{L}[\p{L}\p{M}\p{N}_]*|[.,]\p{N}[\p{L}\p{M}\p{N}_]*)*|\P{White_Space}";

impl Unit {
    /// The tokens of a text.
    pub fn tokens(self, text: &str) -> impl Iterator<Item = &str> {
        static TOKEN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(WORD_OR_PUNCTUATION).expect("a pattern that is tested"));
        let (words, marked, letters) = match self {
            Unit::Words => (text, None, ""),
            Unit::WordsAndPunctuation => ("", Some(text), ""),
            Unit::Characters => ("", None, text.trim()),
        };
        let marked = marked.into_iter().flat_map(|text| TOKEN.find_iter(text)).map(|token| token.as_str());
        let letters = letters.char_indices().map(|(at, letter)| &letters[at..at + letter.len_utf8()]);
        words.split_whitespace().chain(marked).chain(letters)
    }

    /// What they are, in words.
    pub fn noun(self) -> &'static str {
        match self {
            Unit::Words => "words",
            Unit::WordsAndPunctuation => "words and punctuation",
            Unit::Characters => "characters",
        }
    }
}

/// How files of texts and their classes are read, whatever their form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// The key or the column of the texts.
    pub text: String,
    /// That of their classes.
    pub label: String,
    /// What parts the cells of a table; by the ending of the file, where it is not said.
    pub delimiter: Option<u8>,
    /// What their tokens are.
    pub unit: Unit,
}

impl TextOptions {
    /// The form of a file, which is what its name ends in.
    pub fn form(&self, path: &Path) -> TextForm {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let (text, label) = (self.text.clone(), self.label.clone());
        let usual = match () {
            () if ends(&[".jsonl", ".ndjson", ".json"]) => return TextForm::Json { text, label },
            () if ends(&[".csv"]) => b',',
            () if ends(&[".tsv", ".tab"]) => b'\t',
            () => return TextForm::Lines,
        };
        TextForm::Table { text, label, delimiter: self.delimiter.unwrap_or(usual) }
    }
}

/// The texts of a file in memory, gzipped or not, and their classes.
///
/// # Errors
///
/// Where there is none; where it is not written in this form; where a text or its class is empty.
pub fn parse_texts(
    bytes: &[u8],
    form: &TextForm,
    unit: Unit,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    plain(bytes, |content| decode(content, form, unit, labelling))
}

/// As [`parse_texts`], of a source that is read as it comes.
///
/// # Errors
///
/// As there; where it cannot be read.
pub fn read_texts(
    source: impl Read,
    form: &TextForm,
    unit: Unit,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    plain(source, |content| decode(content, form, unit, labelling))
}

/// Reads a file of texts, gzipped or not.
pub(crate) fn read(
    path: &Path,
    form: &TextForm,
    unit: Unit,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<(SeriesFile, Digests), FileError> {
    open_text(path, encoding, |content| decode(content, form, unit, labelling))
}

/// Decodes texts.
fn decode(
    content: &mut dyn Read,
    form: &TextForm,
    unit: Unit,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    let mut reading = Reading::new(labelling);
    match form {
        TextForm::Lines => of_lines(content, |line| on_a_line(&mut reading, unit, line))?,
        TextForm::Json { text, label } => {
            of_lines(content, |line| json::read(&mut reading, unit, (text, label), line))?;
        }
        TextForm::Table { text, label, delimiter } => {
            let columns = [(text.as_str(), "text"), (label.as_str(), "label")];
            let asked = if reading.is_labelled() { &columns[..] } else { &columns[..1] };
            each_cells(content, *delimiter, asked, |line, cells| {
                let label = cells.get(1).copied().unwrap_or_default();
                sample(&mut reading, unit, line, cells[0], label)
            })?;
        }
    }
    reading.finish(Per::Sequence)
}

/// Gives `take` each line that is not blank.
fn of_lines(
    content: &mut dyn Read,
    mut take: impl FnMut(Line<'_>) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    each_line(content, |line| if line.text.trim().is_empty() { Ok(()) } else { take(line) })
}

/// What fastText marks a class by. A text may have several there, and would begin with the others here.
const LABEL: &str = "__label__";

/// Reads a text behind its class or, where a net is asked, alone.
fn on_a_line(reading: &mut Reading, unit: Unit, line: Line<'_>) -> Result<(), FileProblem> {
    let text = line.text.trim();
    if !reading.is_labelled() {
        return sample(reading, unit, line.number, text, "");
    }
    match text.split_once(char::is_whitespace) {
        Some((label, text)) => {
            let second = text.split_whitespace().next().filter(|second| second.starts_with(LABEL));
            if let Some(second) = second.filter(|_| label.starts_with(LABEL)) {
                return Err(TextProblem::TwoClasses([label, second].map(str::to_owned)).at(line.number));
            }
            sample(reading, unit, line.number, text, label)
        }
        None => Err(TextProblem::ClassAlone(text.to_owned()).at(line.number)),
    }
}

/// Adds a text and its class, which stand on this line.
fn sample(
    reading: &mut Reading,
    unit: Unit,
    line: usize,
    text: &str,
    label: &str,
) -> Result<(), FileProblem> {
    unit.tokens(text).for_each(|token| reading.token(token));
    if !reading.end(line) {
        return Err(TextProblem::NoText.at(line));
    }
    match label.trim() {
        "" if reading.is_labelled() => Err(TextProblem::EmptyClass.at(line)),
        label => reading.label(line, label),
    }
}

#[cfg(test)]
mod tests;
