//! The gaps in a CSV text, which can be filled in without a change to anything else in it.

use std::io::Read;
use std::ops::Range;

use csv_core::{ReadFieldResult, ReaderBuilder};

use super::columns::Roles;
use super::csv::{CsvRows, Limits};
use super::delimiter_of;
use super::long;
use super::problem::TableProblem;
use crate::config::{Layout, Table};
use crate::content::{LARGEST, plain, whole};
use crate::file_error::FileProblem;
use crate::sequences::{Sequences, Values};

/// A long table as text, and the series that it holds.
#[derive(Debug)]
pub struct CsvGaps {
    text: Vec<u8>,
    series: Sequences,
    gaps: Vec<Gap>,
}

/// A cell whose value is missing.
#[derive(Debug)]
struct Gap {
    /// Where it is in the text.
    cell: Range<usize>,
    /// Its index among the values of the series.
    value: usize,
}

impl CsvGaps {
    /// Reads a long table, gzipped or not, of this name, whose ending says what parts its cells where the
    /// table does not.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, is no long table, or lacks a column that is named; where a cell is not what
    /// its column is for.
    pub fn read(source: impl Read, table: &Table, name: &str) -> Result<CsvGaps, FileProblem> {
        if table.layout == Layout::Wide {
            return Err(TableProblem::WideGaps.into());
        }
        let delimiter = delimiter_of(name, table);
        let text = plain(source, |content| whole(content, LARGEST))?;
        let mut rows = CsvRows::new(text.as_slice(), delimiter, table.skip_lines, Limits::default())?;
        let roles = Roles::of(super::rows::Rows::header(&rows), table, None)?;
        let file = long::read(&mut rows, table, &roles, None)?;
        let features = roles.values.len();
        // Of each row, which step it is.
        let mut steps: Vec<usize> = (0..file.sequences.steps()).collect();
        for (step, &row) in file.rows.iter().flatten().enumerate() {
            steps[row as usize] = step;
        }
        let values = numbers_of(&file.sequences);
        let mut gaps = Vec::new();
        each_cell(&text, delimiter, table.skip_lines, |row, column, cell| {
            // The first row is the header.
            let Some(step) = row.checked_sub(1).and_then(|row| steps.get(row)) else { return };
            for (feature, _) in roles.values.iter().enumerate().filter(|(_, own)| **own == column) {
                let value = step * features + feature;
                if values[value].is_nan() {
                    gaps.push(Gap { cell: cell.clone(), value });
                }
            }
        });
        let missing = values.iter().filter(|value| value.is_nan()).count();
        // Whoever reads cells and whoever finds them must see the same ones.
        assert_eq!(gaps.len(), missing, "a cell for each value that is missing");
        Ok(CsvGaps { text, series: file.sequences, gaps })
    }

    /// The series, NaN where a value is missing.
    pub fn series(&self) -> &Sequences {
        &self.series
    }

    /// How many values are missing.
    pub fn count(&self) -> usize {
        self.gaps.len()
    }

    /// The text with `values`, of all steps of all series, in its gaps, and nothing else changed.
    ///
    /// # Panics
    ///
    /// Where there are not as many values as the series have.
    pub fn filled(&self, values: &[f32]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(self.text.len() + 8 * self.gaps.len());
        let mut begin = 0;
        for Gap { cell, value } in &self.gaps {
            filled.extend_from_slice(&self.text[begin..cell.start]);
            filled.extend(values[*value].to_string().into_bytes());
            begin = cell.end;
        }
        filled.extend_from_slice(&self.text[begin..]);
        filled
    }
}

/// The values of all series.
fn numbers_of(series: &Sequences) -> &[f32] {
    match series.values() {
        Values::Floats(values) => values,
        Values::Bytes(_) | Values::Tokens(..) => &[],
    }
}

/// Gives `take` the row, the column and the place of each cell, as the `csv` crate finds them.
fn each_cell(text: &[u8], delimiter: u8, skipped: usize, mut take: impl FnMut(usize, usize, Range<usize>)) {
    let mark = "\u{feff}".as_bytes();
    let mut at = if text.starts_with(mark) { mark.len() } else { 0 };
    for _ in 0..skipped {
        at += memchr::memchr(b'\n', &text[at..]).map_or(text.len() - at, |line| line + 1);
    }
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut content = vec![0; 1 << 12];
    let (mut row, mut column) = (0, 0);
    let mut begin = at;
    loop {
        let (result, read, _) = reader.read_field(&text[at..], &mut content);
        at += read;
        match result {
            // At the end of the text the reader wants to be told so.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::End => return,
            ReadFieldResult::Field { record_end } => {
                let breaks = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                // Before the first cell of a row stand what is left of a line break, and blank lines.
                if column == 0 {
                    begin += text[begin..at].iter().take_while(breaks).count();
                }
                let whole = &text[begin.min(at)..at];
                let end = match record_end {
                    true => at - whole.iter().rev().take_while(breaks).count(),
                    false => at - 1,
                };
                take(row, column, begin.min(end)..end);
                (row, column) = if record_end { (row + 1, 0) } else { (row, column + 1) };
                begin = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table whose gaps are filled with 0.5, 1.5 and so on, by their place among the values.
    #[track_caller]
    fn filled(text: &str, table: &Table, expected: &str) {
        let gaps = CsvGaps::read(text.as_bytes(), table, "a.csv").unwrap();
        let own: Vec<f32> = (0..numbers_of(gaps.series()).len()).map(|index| index as f32 + 0.5).collect();
        assert_eq!(String::from_utf8(gaps.filled(&own)).unwrap(), expected);
        assert_eq!(gaps.filled(&own) == text.as_bytes(), gaps.count() == 0);
    }

    #[test]
    fn only_gaps_change() {
        let plain = Table::default();
        filled("a,b\n1,\n,2\n", &plain, "a,b\n1,1.5\n2.5,2\n");
        filled("a,b\r\n1,\r\n\r\n NA ,2", &plain, "a,b\r\n1,1.5\r\n\r\n2.5,2");
        filled("\u{feff}a,b\n\"1\",\"\"\n3,nan", &plain, "\u{feff}a,b\n\"1\",1.5\n3,3.5");
        filled("a,b\n1.250,02\n", &plain, "a,b\n1.250,02\n");
        let skipping = Table { skip_lines: 1, ..Table::default() };
        filled("about: \"it\na,b\n1,\n", &skipping, "about: \"it\na,b\n1,1.5\n");
    }

    /// Rows of two series that alternate, and come backwards: what is missing is filled in where it stands.
    #[test]
    fn rows_keep_their_places() {
        let table = Table {
            id: Some("who".to_owned()),
            time: Some("day".to_owned()),
            features: Some(vec!["b".to_owned(), "a".to_owned()]),
            ..Table::default()
        };
        let text = "a,who,day,b,note\n,x,2,6,\n8,y,2,,\"p, \"\"q\"\"\nr\"\n1,x,1,,\n3,y,1,4,\n";
        // In order, b before a: x has ?, 1; 6, ?. y has 4, 3; ?, 8.
        let expected = "a,who,day,b,note\n3.5,x,2,6,\n8,y,2,6.5,\"p, \"\"q\"\"\nr\"\n1,x,1,0.5,\n3,y,1,4,\n";
        filled(text, &table, expected);
    }

    #[test]
    fn a_wide_table_is_refused() {
        let table = Table { layout: Layout::Wide, ..Table::default() };
        let error = CsvGaps::read(&b"a,b\n1,\n"[..], &table, "a.csv").unwrap_err().to_string();
        assert!(error.contains("long"), "{error}");
    }
}
