//! The rows of a CSV text (RFC 4180), as they come.

use std::cell::Cell as Shared;
use std::io::{BufRead, BufReader, Chain, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};

use super::problem::{Cell, CellProblem, RowNumber, TableProblem};
use super::quotes::{Quotes, Stray};
use super::rows::{As, Rows, is_missing, value_of};
use super::time::Time;
use crate::content::{Hashed, LARGEST};
use crate::file_error::FileProblem;
use crate::text::encoding::begins_as_utf_16;

/// Bytes of a row: none of a table that is meant comes near.
const LONGEST: u64 = 64 << 20;

/// A text that is read row by row.
pub(super) struct CsvRows<R> {
    reader: csv::Reader<Limited<Start<BufReader<Hashed<R>>>>>,
    /// Bytes since the row before.
    since: Rc<Shared<u64>>,
    skipped: usize,
    header: Vec<String>,
    record: ByteRecord,
    line: usize,
}

/// A text whose first bytes were looked at.
type Start<R> = Chain<Cursor<Vec<u8>>, R>;

/// What is not read further than a row and all of a table may be long.
struct Limited<R> {
    inner: R,
    since: Rc<Shared<u64>>,
    all: u64,
    /// Whether the last line break was given, behind whatever the text ends in; and whether its end was told.
    is_closed: bool,
    is_over: bool,
    /// Whether a carriage return was read, and what is behind it was not.
    returned: bool,
    quotes: Quotes,
    /// What is told when what comes before it is read.
    stray: Option<Stray>,
    most: Limits,
}

/// Bytes of a row, and of all.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) row: u64,
    pub(super) all: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { row: LONGEST, all: LARGEST }
    }
}

/// What it is not read beyond.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
enum Reached {
    Row,
    All,
    Stray(Stray),
}

impl<R: Read> CsvRows<R> {
    /// Reads the header behind as many lines as are to be skipped.
    pub(super) fn new(
        source: R,
        delimiter: u8,
        skipped: usize,
        most: Limits,
    ) -> Result<CsvRows<R>, FileProblem> {
        let since = Rc::new(Shared::new(0));
        let mut inner = BufReader::with_capacity(1 << 16, Hashed::new(source));
        // Windows' editors mark text as UTF-8 by its first three bytes.
        let mark = "\u{feff}".as_bytes();
        let mut start = Vec::new();
        inner.by_ref().take(mark.len() as u64).read_to_end(&mut start)?;
        if begins_as_utf_16(&start) {
            return Err(TableProblem::Utf16.into());
        }
        let inner = Cursor::new(if start == mark { Vec::new() } else { start }).chain(inner);
        let mut limited = Limited {
            inner,
            since: Rc::clone(&since),
            all: 0,
            is_closed: false,
            is_over: false,
            returned: false,
            quotes: Quotes::new(delimiter),
            stray: None,
            most,
        };
        for _ in 0..skipped {
            if limited.skip_line()? == 0 {
                break;
            }
        }
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(limited);
        let (header, record) = (Vec::new(), ByteRecord::new());
        let mut rows = CsvRows { reader, since, skipped, header, record, line: 0 };
        if !rows.read()? {
            return Err(FileProblem::Ends("its header, the names of its columns"));
        }
        let names = (0..rows.record.len()).map(|column| rows.text(column).map(str::to_owned));
        rows.header = names.collect::<Result<_, _>>()?;
        match rows.header.as_slice() {
            [header] => match ['\t', ';', ',', '|'].into_iter().find(|&other| header.contains(other)) {
                None => Ok(rows),
                Some(delimiter) => Err(TableProblem::Delimiter { header: header.clone(), delimiter }.into()),
            },
            _ => Ok(rows),
        }
    }

    /// The digest of what was read.
    pub(super) fn finish(self) -> String {
        let (_, source) = self.reader.into_inner().inner.into_inner();
        source.into_inner().finish()
    }

    fn read(&mut self) -> Result<bool, FileProblem> {
        self.since.set(0);
        let most = self.reader.get_ref().most;
        let begin = self.skipped + self.reader.position().line() as usize;
        let read = self.reader.read_byte_record(&mut self.record);
        self.line = self.skipped + self.first_line() as usize;
        let there = read.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(Reached::Row) => TableProblem::TooLong { line: begin, most: most.row }.into(),
                Some(Reached::All) => FileProblem::TooMuch { most: most.all },
                Some(&Reached::Stray(Stray { begun, ended, .. })) => {
                    let line = |line| self.skipped + line as usize;
                    TableProblem::Quote { line: line(begun), ended: line(ended) }.into()
                }
                None => FileProblem::Io(error),
            },
            other => FileProblem::Io(std::io::Error::other(format!("{other:?}"))),
        })?;
        // A line break behind the text ends its last row, unless that is within quotes.
        match there && self.reader.get_ref().is_over {
            true => Err(self.open()),
            false => Ok(there),
        }
    }

    /// What is wrong with the last cell of the record, which a quote begins and none ends.
    fn open(&self) -> FileProblem {
        let column = self.record.len().saturating_sub(1);
        let within = line_breaks(self.record.get(column).unwrap_or_default());
        let row = RowNumber::Line(self.skipped + (self.reader.position().line() - within) as usize);
        let name = self.header.get(column).cloned().unwrap_or_default();
        let cell = Cell { row, column: column + 1, name };
        TableProblem::Cell { cell, problem: CellProblem::Open }.into()
    }

    /// The line that the record begins in. Its own position is that of blank lines before it.
    fn first_line(&self) -> u64 {
        let end = self.reader.position();
        let begin = self.record.position().map_or(end.line(), csv::Position::line);
        if end.line() - begin <= 1 {
            return begin;
        }
        (end.line() - line_breaks(self.record.as_slice()) - 1).max(begin)
    }

    fn bytes(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }
}

impl<R: Read> Rows for CsvRows<R> {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn choose(&mut self, _: &[(usize, As)]) -> Result<(), FileProblem> {
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, FileProblem> {
        let (there, found, expected) = (self.read()?, self.record.len(), self.header.len());
        if there && found != expected {
            return Err(TableProblem::Cells { line: self.line, found, expected }.into());
        }
        Ok(there)
    }

    fn advance_step(&mut self) -> Result<bool, FileProblem> {
        let there = self.advance()?;
        let position = self.record.position().map_or(0, csv::Position::line) as usize + self.skipped;
        // The empty cell of a row that has no other looks like no row.
        match there && self.header.len() == 1 && self.line > position {
            true => Err(TableProblem::BlankLine(position).into()),
            false => Ok(there),
        }
    }

    fn number(&self) -> RowNumber {
        RowNumber::Line(self.line)
    }

    fn value(&self, column: usize) -> Result<f32, FileProblem> {
        let cell = self.bytes(column);
        // As `str::parse` does, without a look at whether it is text.
        if let Ok(value) = fast_float2::parse::<f32, _>(cell)
            && value.is_finite()
        {
            return Ok(value);
        }
        let text = std::str::from_utf8(cell).map_err(|_| self.wrong(column, CellProblem::NotUtf8))?;
        value_of(text).map_err(|problem| self.wrong(column, problem))
    }

    fn text(&self, column: usize) -> Result<&str, FileProblem> {
        match std::str::from_utf8(self.bytes(column)) {
            Ok(text) => Ok(text.trim()),
            // Of the header itself no column has a name yet.
            Err(_) if self.header.is_empty() => {
                let cell = Cell { row: self.number(), column: column + 1, name: String::new() };
                Err(TableProblem::Cell { cell, problem: CellProblem::NotUtf8 }.into())
            }
            Err(_) => Err(self.wrong(column, CellProblem::NotUtf8)),
        }
    }

    fn time(&self, column: usize) -> Result<Time, FileProblem> {
        let text = self.text(column)?;
        Time::parse(text).ok_or_else(|| match is_missing(text) {
            true => self.wrong(column, CellProblem::Empty("a time")),
            false => self.wrong(column, CellProblem::NotATime(text.to_owned())),
        })
    }
}

impl<R: BufRead> Limited<R> {
    fn skip_line(&mut self) -> Result<u64, FileProblem> {
        let mut line = self.inner.by_ref().take(self.most.row);
        let skipped = line.skip_until(b'\n')? as u64;
        self.all += skipped;
        Ok(skipped)
    }
}

impl<R: Read> Limited<R> {
    /// Reads with a line feed alone in place of each carriage return and line feed, which csv would take for
    /// the end of one line and the begin of the next; and with one more behind the last line. There is room
    /// for two bytes.
    fn read_lines(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let begin = usize::from(self.returned);
            let count = self.inner.read(&mut buffer[begin..])?;
            if count == 0 {
                self.is_over = self.is_closed;
                (self.is_closed, self.returned) = (true, false);
                buffer[0] = b'\n';
                return Ok(usize::from(!self.is_over));
            }
            self.all += count as u64;
            if begin == 1 {
                buffer[0] = b'\r';
            }
            let end = begin + count;
            self.returned = buffer[end - 1] == b'\r';
            let end = end - usize::from(self.returned);
            let kept = without_returns(&mut buffer[..end]);
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

fn line_breaks(cells: &[u8]) -> u64 {
    cells.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Drops each carriage return before a line feed; the last byte is none. Gives how many bytes are left.
fn without_returns(bytes: &mut [u8]) -> usize {
    let Some(first) = memchr::memchr(b'\r', bytes) else { return bytes.len() };
    let mut kept = first;
    for at in first..bytes.len() {
        if bytes[at] != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            bytes[kept] = bytes[at];
            kept += 1;
        }
    }
    kept
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Some(stray) = self.stray.take() {
            return Err(std::io::Error::other(Reached::Stray(stray)));
        }
        let count = self.read_lines(buffer)?;
        let count = match self.quotes.look_at(&buffer[..count]) {
            Ok(()) => count,
            Err(stray @ Stray { at: 0, .. }) => return Err(std::io::Error::other(Reached::Stray(stray))),
            Err(stray) => {
                self.stray = Some(stray);
                stray.at
            }
        };
        self.since.set(self.since.get() + count as u64);
        match () {
            () if self.all > self.most.all => Err(std::io::Error::other(Reached::All)),
            // What is read ahead is of rows to come.
            () if self.since.get() > self.most.row + (1 << 17) => Err(std::io::Error::other(Reached::Row)),
            () => Ok(count),
        }
    }
}
