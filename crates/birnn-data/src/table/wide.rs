//! Wide tables: a row for each series, or for each image.

use super::columns::Roles;
use super::problem::{Cell, CellProblem, TableProblem};
use super::rows::Rows;
use super::targets::Found;
use crate::config::Table;
use crate::file_error::FileProblem;
use crate::sequences::{Sequences, Values};
use crate::series::file::SeriesFile;
use crate::targets::{Per, Wanted};

/// Reads all rows.
pub(super) fn read(
    rows: &mut impl Rows,
    table: &Table,
    roles: &Roles,
    wanted: Option<Wanted>,
) -> Result<SeriesFile, FileProblem> {
    let features = roles.features.as_ref().map_or(1, Vec::len);
    let mut steps = Steps { features, values: Vec::new(), lengths: Vec::new(), gap: None };
    let mut levels = Vec::new();
    let (mut ids, mut groups, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let mut targets = Found::new(table, wanted);
    while rows.advance()? {
        for (column, texts, what) in [
            (roles.id, &mut ids, "the series that it is"),
            (roles.group, &mut groups, "the group that it is of"),
        ] {
            if let Some(column) = column {
                texts.push(rows.name(column, what)?.to_owned());
            }
        }
        targets.push(rows, &roles.targets)?;
        match table.shape {
            Some(_) => read_levels(rows, roles, &mut levels)?,
            None => steps.read(rows, roles)?,
        }
        lines.push(rows.number().number());
    }
    if lines.is_empty() {
        return Err(FileProblem::Ends("the first row"));
    }
    let gap = steps.gap.take();
    let sequences = match table.shape {
        Some([rows, cols]) => {
            Sequences::new(Values::Bytes(levels), cols, std::iter::repeat_n(rows, lines.len()))
        }
        None => Sequences::new(Values::Floats(steps.values), features, steps.lengths),
    };
    Ok(SeriesFile {
        sequences,
        targets: targets.finish(&table.target, Per::Sequence, None),
        // One that has no name of its own has as many columns as there are steps.
        features: roles.features.clone().filter(|_| table.shape.is_none()),
        columns: Some(roles.values.iter().map(|&column| rows.header()[column].clone()).collect()),
        ids: roles.id.map(|_| ids),
        groups: roles.group.map(|_| groups),
        lines,
        unit: rows.number().unit(),
        gap,
        rows: None,
    })
}

/// The steps of the series so far.
struct Steps {
    features: usize,
    values: Vec<f32>,
    lengths: Vec<usize>,
    gap: Option<Cell>,
}

impl Steps {
    /// Reads the steps of a row: where its last cells are empty, it has ended before them.
    fn read(&mut self, row: &impl Rows, roles: &Roles) -> Result<(), FileProblem> {
        let memory = |_| FileProblem::from(TableProblem::Memory);
        self.values.try_reserve(roles.values.len()).map_err(memory)?;
        let begin = self.values.len();
        for &column in &roles.values {
            self.values.push(row.value(column)?);
        }
        let own = &self.values[begin..];
        let Some(last) = own.iter().rposition(|value| !value.is_nan()) else {
            return Err(row.wrong(roles.values[0], CellProblem::Empty("the first step of its series")));
        };
        let steps = last / self.features + 1;
        let gap = own[..steps * self.features].iter().position(|value| value.is_nan());
        self.gap = self.gap.take().or_else(|| gap.map(|at| row.cell(roles.values[at])));
        self.values.truncate(begin + steps * self.features);
        self.lengths.push(steps);
        Ok(())
    }
}

/// Adds the grey levels of a row.
fn read_levels(row: &impl Rows, roles: &Roles, levels: &mut Vec<u8>) -> Result<(), FileProblem> {
    levels.try_reserve(roles.values.len()).map_err(|_| FileProblem::from(TableProblem::Memory))?;
    for &column in &roles.values {
        let value = row.value(column)?;
        if f32::from(value as u8) != value {
            let found = if value.is_nan() { String::new() } else { value.to_string() };
            return Err(row.wrong(column, CellProblem::NotALevel(found)));
        }
        levels.push(value as u8);
    }
    Ok(())
}
