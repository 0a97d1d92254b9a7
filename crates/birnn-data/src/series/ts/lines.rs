//! The lines of a text, one in memory at a time.

use std::io::{BufRead, BufReader, Read};

use crate::content::Hashed;
use crate::file_error::FileProblem;
use crate::series::line_problem::LineProblem;

/// What a line and all of them may have at most.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of a line.
    pub(super) line: usize,
    /// Bytes of the text.
    pub(super) all: u64,
}

/// A text that is read line by line.
pub(super) struct Lines<R> {
    source: BufReader<Hashed<R>>,
    limits: Limits,
    line: Vec<u8>,
    number: usize,
    bytes: u64,
}

/// A line that says something.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Which one, from 1.
    pub(super) number: usize,
    whole: &'a str,
    /// Without white space around it.
    pub(super) text: &'a str,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R, limits: Limits) -> Lines<R> {
        let source = BufReader::with_capacity(1 << 16, Hashed::new(source));
        Lines { source, limits, line: Vec::new(), number: 0, bytes: 0 }
    }

    /// The next line that is neither blank nor a comment, which need not be UTF-8.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, FileProblem> {
        while self.advance()? {
            let first = self.line.iter().find(|byte| !byte.is_ascii_whitespace());
            if !matches!(first, None | Some(b'#' | b'%')) {
                return Line::of(self.number, &self.line).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads a line. Says whether there was one.
    fn advance(&mut self) -> Result<bool, FileProblem> {
        let Limits { line: most, all } = self.limits;
        self.line.clear();
        let read = self.source.by_ref().take(most as u64 + 1).read_until(b'\n', &mut self.line)?;
        self.number += 1;
        self.bytes += read as u64;
        if self.bytes > all {
            return Err(FileProblem::TooMuch { most: all });
        }
        if read > most {
            let problem = LineProblem::TooLong { most };
            return Err(FileProblem::Line { line: self.number, column: 1, problem });
        }
        // Windows' editors mark text as UTF-8 by its first three bytes.
        if self.number == 1 && self.line.starts_with("\u{feff}".as_bytes()) {
            self.line.drain(.."\u{feff}".len());
        }
        Ok(read > 0)
    }

    /// The digest of what was read.
    pub(super) fn finish(self) -> String {
        self.source.into_inner().finish()
    }
}

impl<'a> Line<'a> {
    fn of(number: usize, bytes: &'a [u8]) -> Result<Line<'a>, FileProblem> {
        match std::str::from_utf8(bytes) {
            Ok(whole) => Ok(Line { number, whole, text: whole.trim() }),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let column = before.chars().count() + 1;
                Err(FileProblem::Line { line: number, column, problem: LineProblem::NotUtf8 })
            }
        }
    }

    /// What is wrong at `part`, which is one of the line.
    pub(super) fn wrong(self, part: &str, problem: LineProblem) -> FileProblem {
        let start = (part.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        let before = self.whole.char_indices().take_while(|&(at, _)| at < start);
        FileProblem::Line { line: self.number, column: before.count() + 1, problem }
    }

    /// The empty part at its end.
    pub(super) fn end(self) -> &'a str {
        &self.text[self.text.len()..]
    }
}
