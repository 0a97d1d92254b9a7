//! Series and images in the rows and columns of tables: CSV, gzipped or not, and Parquet.
//!
//! A table has a header with the names of its columns, by which an experiment says what they are ([`Table`]).
//! It is read row by row, and takes as much memory as the numbers that are read of it, 4 bytes each (of
//! images 1), 8 for the time of each row where that is asked for, and 8 for each row that is of another
//! series than the one before. While rows of a long table are put in order, each takes 12 more.

mod columns;
mod csv;
mod gaps;
mod long;
mod parquet;
mod pieces;
pub(crate) mod problem;
mod quotes;
mod rows;
mod targets;
mod texts;
mod time;
mod wide;

use std::io::Read;
use std::path::Path;

use bytes::Bytes;

pub use self::gaps::CsvGaps;
pub use self::parquet::panic_is_caught;
pub use self::pieces::{TablePiece, each_piece};
pub use self::problem::{Cell, CellProblem, NamedBy, RowNumber, TableProblem};
pub(crate) use self::rows::is_missing;
pub(crate) use self::texts::each_cells;
use crate::config::{Layout, Table};
use crate::content::{self, Digests, open, plain, through};
use crate::file_error::{FileError, FileProblem};
use crate::series::file::SeriesFile;
use crate::targets::Wanted;
use columns::Roles;
use csv::CsvRows;
use parquet::ParquetRows;
use rows::{Rows, no_number};

/// Reads a table. Where no targets are `wanted`, a net is to be asked about it, and it need not have any.
pub(crate) fn read(
    path: &Path,
    table: &Table,
    wanted: Option<Wanted>,
) -> Result<(SeriesFile, Digests), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let delimiter = delimiter_of(&name, table);
    let is_parquet = open(path, |file, _| Ok(parquet::is_parquet(&file)?))?;
    if is_parquet || lower_without_gz(&name).ends_with(".parquet") {
        let digests = content::digests(path)?;
        let read = open(path, |file, _| series(&mut ParquetRows::new(file)?, table, wanted))?;
        return Ok((read, digests));
    }
    open(path, |file, size| through(file, size, |content, _| decode(content, delimiter, table, wanted)))
}

/// A file's name in small letters, without `.gz`.
fn lower_without_gz(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
}

/// What parts the cells of a text of this name, where its ending says it.
pub(crate) fn by_ending(name: &str) -> Option<u8> {
    let name = lower_without_gz(name);
    let endings = [(".tsv", b'\t'), (".tab", b'\t'), (".csv", b',')];
    endings.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, delimiter)| delimiter)
}

/// What parts the cells of a text of this name, which may be none.
fn delimiter_of(name: &str, table: &Table) -> u8 {
    table.delimiter.or_else(|| by_ending(name)).or(table.usual_delimiter).unwrap_or(b',')
}

/// Reads a table for a net to be asked about: what it has as targets is passed over.
///
/// # Errors
///
/// Where it cannot be read, is no table, or lacks a column that is named; where a cell is not what its column
/// is for.
pub fn read_table(path: &Path, table: &Table) -> Result<SeriesFile, FileError> {
    read(path, table, None).map(|(file, _)| file)
}

/// A CSV table that is read as it comes, gzipped or not, for a net to be asked about.
///
/// # Errors
///
/// As those of [`read_table`].
pub fn read_csv(source: impl Read, table: &Table) -> Result<SeriesFile, FileProblem> {
    csv_of(source, table, None)
}

/// A table in memory, Parquet or else CSV, gzipped or not. Where no targets are `wanted`, it need not have
/// any.
///
/// # Errors
///
/// As those of [`read_table`].
pub fn parse_table(bytes: &[u8], table: &Table, wanted: Option<Wanted>) -> Result<SeriesFile, FileProblem> {
    if bytes.starts_with(parquet::MAGIC) {
        return series(&mut ParquetRows::new(Bytes::copy_from_slice(bytes))?, table, wanted);
    }
    csv_of(bytes, table, wanted)
}

fn csv_of(source: impl Read, table: &Table, wanted: Option<Wanted>) -> Result<SeriesFile, FileProblem> {
    plain(source, |content| decode(content, delimiter_of("", table), table, wanted)).map(|(file, _)| file)
}

/// Decodes a text; the last is the digest of all of it.
fn decode(
    content: impl Read,
    delimiter: u8,
    table: &Table,
    wanted: Option<Wanted>,
) -> Result<(SeriesFile, String), FileProblem> {
    let mut rows = CsvRows::new(content, delimiter, table.skip_lines, csv::Limits::default())?;
    let file = series(&mut rows, table, wanted)?;
    Ok((file, rows.finish()))
}

fn series(rows: &mut impl Rows, table: &Table, wanted: Option<Wanted>) -> Result<SeriesFile, FileProblem> {
    let roles = Roles::of(rows.header(), table, wanted)?;
    rows.choose(&roles.chosen(wanted))?;
    let read = match table.layout {
        Layout::Long => long::read(rows, table, &roles, wanted),
        Layout::Wide => wide::read(rows, table, &roles, wanted),
    };
    read.map_err(|problem| match (&table.features, wanted) {
        (None, Some(_)) => no_number(problem, CellProblem::NotAFeature),
        _ => problem,
    })
}

#[cfg(test)]
mod tests;
