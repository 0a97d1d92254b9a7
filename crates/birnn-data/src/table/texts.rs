//! Cells of a CSV text that are read as text.

use std::io::Read;

use super::columns::find;
use super::csv::{CsvRows, Limits};
use super::problem::NamedBy;
use super::rows::Rows;
use crate::file_error::FileProblem;

/// Gives `take` the cells of some columns of each row, with its line. Each column has a name, and a key of
/// `[data]` that names it. The last is the digest of all of it.
pub(crate) fn each_cells(
    content: impl Read,
    delimiter: u8,
    columns: &[(&str, &'static str)],
    mut take: impl FnMut(usize, &[&str]) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let mut rows = CsvRows::new(content, delimiter, 0, Limits::default())?;
    let place = |&(name, key): &(&str, &'static str)| find(rows.header(), name, NamedBy::Key(key));
    let places: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
    while rows.advance()? {
        let cells: Vec<&str> = places.iter().map(|&column| rows.text(column)).collect::<Result<_, _>>()?;
        take(rows.number().number(), &cells)?;
    }
    Ok(())
}
