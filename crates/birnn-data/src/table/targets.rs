//! The targets of a table as they are read: classes or numbers, one for each series or for each row.

use super::problem::{CellProblem, RowNumber};
use super::rows::{Rows, is_missing, no_number};
use crate::config::Table;
use crate::file_error::FileProblem;
use crate::series::file::{FileTargets, Labels, NoClass};
use crate::split::MOST_CLASSES;
use crate::targets::{Per, TargetKind, TargetValues, Targets, Wanted};

/// The targets so far.
pub(super) enum Found {
    None,
    Labels(Labels),
    Numbers(Vec<f32>),
}

/// Why a series has one target.
const ONE: &str = "a series has one target, unless `[task]` wants one for each step (`kind = \"tag\"` or `per = \"step\"`); \
                   `id` under [data] names the column that tells series apart";

impl Found {
    pub(super) fn new(table: &Table, wanted: Option<Wanted>) -> Found {
        match wanted.and_then(Wanted::of_files).map(|wanted| wanted.kind) {
            None | Some(TargetKind::Hidden | TargetKind::Next) => Found::None,
            Some(TargetKind::Classes) => Found::Labels(Labels::new(table.classes.clone())),
            Some(TargetKind::Numbers) => Found::Numbers(Vec::new()),
        }
    }

    /// Adds the target of a row, which is in these columns, or nothing.
    pub(super) fn push(&mut self, row: &impl Rows, columns: &[usize]) -> Result<(), FileProblem> {
        match self {
            Found::None => {}
            Found::Labels(labels) => columns.iter().try_for_each(|&column| {
                let class = class(row, column, labels)?;
                labels.push(class).map_err(|why| {
                    let problem = match why {
                        NoClass::Unnamed => CellProblem::Unnamed {
                            class: class.to_owned(),
                            classes: labels.classes().to_vec(),
                        },
                        NoClass::TooMany => {
                            CellProblem::Classes { class: class.to_owned(), most: MOST_CLASSES }
                        }
                    };
                    row.wrong(column, problem)
                })
            })?,
            Found::Numbers(numbers) => {
                let begin = numbers.len();
                for &column in columns {
                    match number(row, column) {
                        Ok(number) => numbers.push(number),
                        Err(problem) => {
                            numbers.truncate(begin);
                            return Err(problem);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a row has the target that is there at `position`, since `before`.
    pub(super) fn check(
        &self,
        row: &impl Rows,
        columns: &[usize],
        position: usize,
        before: RowNumber,
    ) -> Result<(), FileProblem> {
        let another = |column: usize, found: String, expected: String| {
            Err(row.wrong(column, CellProblem::Another { found, expected, row: before, what: ONE }))
        };
        match self {
            Found::None => {}
            Found::Labels(labels) => {
                for &column in columns {
                    let (found, expected) = (class(row, column, labels)?, labels.class_of(position));
                    if found != expected {
                        return another(column, found.to_owned(), expected.to_owned());
                    }
                }
            }
            Found::Numbers(numbers) => {
                let expected = &numbers[position * columns.len()..][..columns.len()];
                for (&column, expected) in columns.iter().zip(expected) {
                    let found = number(row, column)?;
                    if found != *expected {
                        return another(column, found.to_string(), expected.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    /// All of them, those of steps in this order of rows, where it is not as they came.
    pub(super) fn finish(self, names: &[String], per: Per, order: Option<&[u32]>) -> Option<FileTargets> {
        let order = order.filter(|_| per == Per::Step);
        let (values, names) = match self {
            Found::None => return None,
            Found::Labels(labels) => {
                let (mut labels, classes) = labels.finish();
                if let Some(order) = order {
                    super::long::reorder(&mut labels, 1, order);
                }
                (TargetValues::Classes(labels), classes)
            }
            Found::Numbers(mut values) => {
                let width = names.len();
                if let Some(order) = order {
                    super::long::reorder(&mut values, width, order);
                }
                (TargetValues::Numbers { values, width }, names.to_vec())
            }
        };
        Some(FileTargets { targets: Targets { values, per }, names })
    }
}

fn class<'a>(row: &'a impl Rows, column: usize, labels: &Labels) -> Result<&'a str, FileProblem> {
    match row.text(column)? {
        "" => Err(row.wrong(column, CellProblem::Empty("a class"))),
        class if is_missing(class) && !labels.is_named(class) => {
            Err(row.wrong(column, CellProblem::MissingClass(class.to_owned())))
        }
        class => Ok(class),
    }
}

fn number(row: &impl Rows, column: usize) -> Result<f32, FileProblem> {
    let value = row.value(column).map_err(|problem| no_number(problem, CellProblem::NotATarget))?;
    match value.is_nan() {
        true => Err(row.wrong(column, CellProblem::Empty("a number to predict"))),
        false => Ok(value),
    }
}
