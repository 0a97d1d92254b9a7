//! The lines of a text, one in memory at a time, with all their bytes.

use std::io::{BufRead, BufReader, Read};

use super::encoding::begins_as_utf_16;
use super::problem::TextProblem;
use crate::content::LARGEST;
use crate::file_error::FileProblem;

/// Bytes of a line: none of a text that is meant comes near.
const LONGEST: usize = 64 << 20;
const MARK: &str = "\u{feff}";

/// A text that is read line by line.
pub(super) struct Source<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    number: usize,
    /// Bytes since the last [`Source::forget`].
    bytes: u64,
}

/// A line of a text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Which one, from 1.
    pub(super) number: usize,
    /// All of it, with what ends it and, of the first, the mark that Windows' editors begin UTF-8 with.
    pub(super) whole: &'a str,
    /// The line without these.
    pub(super) text: &'a str,
    /// Where `text` begins in `whole`.
    pub(super) begin: usize,
}

impl<R: Read> Source<R> {
    pub(super) fn new(source: R) -> Source<R> {
        Source { source: BufReader::with_capacity(1 << 16, source), line: Vec::new(), number: 0, bytes: 0 }
    }

    /// The next line, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, FileProblem> {
        self.line.clear();
        let read = self.source.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        if self.bytes > LARGEST {
            return Err(FileProblem::TooMuch { most: LARGEST });
        }
        if read > LONGEST {
            return Err(TextProblem::TooLong { most: LONGEST }.at(self.number));
        }
        let whole = str::from_utf8(&self.line).map_err(|_| {
            match self.number == 1 && begins_as_utf_16(&self.line) {
                true => TextProblem::Utf16.at(1),
                false => TextProblem::NotUtf8.at(self.number),
            }
        })?;
        let begin = if self.number == 1 && whole.starts_with(MARK) { MARK.len() } else { 0 };
        let text = whole[begin..].trim_end_matches(['\n', '\r']);
        Ok(Some(Line { number: self.number, whole, text, begin }))
    }

    /// What was read so far is not held in memory, and does not count.
    pub(super) fn forget(&mut self) {
        self.bytes = 0;
    }
}

/// Gives `take` each line of a text.
pub(super) fn each_line(
    source: impl Read,
    mut take: impl FnMut(Line<'_>) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let mut source = Source::new(source);
    while let Some(line) = source.next()? {
        take(line)?;
    }
    Ok(())
}
