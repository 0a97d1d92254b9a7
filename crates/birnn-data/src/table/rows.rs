//! The rows of a table, one at a time, whatever its format.

use super::problem::{Cell, CellProblem, RowNumber, TableProblem};
use super::time::Time;
use crate::file_error::FileProblem;

/// What a column is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    Number,
    Text,
    Time,
}

/// A table that is read row by row. Columns are counted from 0.
pub(super) trait Rows {
    /// The names of its columns.
    fn header(&self) -> &[String];

    /// Says which columns will be asked for, and as what; others are not.
    fn choose(&mut self, columns: &[(usize, As)]) -> Result<(), FileProblem>;

    /// Goes on to the next row. Says whether there is one.
    fn advance(&mut self) -> Result<bool, FileProblem>;

    /// The same where rows are steps, of which none may get lost.
    fn advance_step(&mut self) -> Result<bool, FileProblem> {
        self.advance()
    }

    /// Which row it is.
    fn number(&self) -> RowNumber;

    /// A value, NaN where it is missing.
    fn value(&self, column: usize) -> Result<f32, FileProblem>;

    /// A text, empty where it is missing.
    fn text(&self, column: usize) -> Result<&str, FileProblem>;

    /// A time.
    fn time(&self, column: usize) -> Result<Time, FileProblem>;

    /// The name of what each row is of, which cannot be missing.
    fn name(&self, column: usize, what: &'static str) -> Result<&str, FileProblem> {
        match self.text(column)? {
            "" => Err(self.wrong(column, CellProblem::Empty(what))),
            text if is_missing(text) => {
                Err(self.wrong(column, CellProblem::Missing { text: text.to_owned(), what }))
            }
            text => Ok(text),
        }
    }

    /// The cell of a column in this row.
    fn cell(&self, column: usize) -> Cell {
        Cell { row: self.number(), column: column + 1, name: self.header()[column].clone() }
    }

    /// What is wrong with the cell of a column in this row.
    fn wrong(&self, column: usize, problem: CellProblem) -> FileProblem {
        TableProblem::Cell { cell: self.cell(column), problem }.into()
    }
}

/// Whether a cell says that its value is missing: in pandas' words, and `.ts` files'.
pub(crate) fn is_missing(cell: &str) -> bool {
    matches!(cell, "" | "?" | "NA" | "N/A" | "#N/A" | "<NA>" | "NaN" | "nan" | "null" | "NULL" | "None")
}

/// The number that a cell holds, NaN where it is missing.
pub(super) fn value_of(text: &str) -> Result<f32, CellProblem> {
    match text.parse::<f32>() {
        Ok(value) if value.is_infinite() => Err(CellProblem::NotFinite(text.to_owned())),
        Ok(value) => Ok(value),
        Err(_) if is_missing(text) => Ok(f32::NAN),
        Err(_) => Err(CellProblem::NotANumber(text.to_owned())),
    }
}

/// What is wrong with a cell that is not a number, told as another problem of its text.
pub(super) fn no_number(problem: FileProblem, told: impl FnOnce(String) -> CellProblem) -> FileProblem {
    let FileProblem::Table(mut problem) = problem else { return problem };
    if let TableProblem::Cell { problem, .. } = &mut *problem
        && let CellProblem::NotANumber(text) = problem
    {
        *problem = told(std::mem::take(text));
    }
    FileProblem::Table(problem)
}
