//! A CSV text that is read as it comes, some steps of a series at a time: it need not fit into memory, nor
//! have an end.

use std::collections::HashMap;
use std::io::Read;

use super::columns::Roles;
use super::csv::{CsvRows, Limits};
use super::delimiter_of;
use super::problem::{CellProblem, RowNumber, TableProblem};
use super::rows::Rows;
use super::targets::Found;
use super::time::Time;
use crate::config::{Layout, Table};
use crate::content::plain;
use crate::file_error::FileProblem;
use crate::sequences::{Sequences, Values};
use crate::series::file::FileTargets;
use crate::targets::Wanted;

/// Some steps of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePiece {
    /// They, as one sequence.
    pub steps: Sequences,
    /// What they are to be answered with, where that is wanted.
    pub targets: Option<FileTargets>,
    /// What their series is called, where the table says it.
    pub id: Option<String>,
    /// How many steps of their series came before.
    pub begin: usize,
}

/// Gives `take` the steps of a long table, gzipped or not, as they come, at most so many at a time. Its rows
/// must be in order: those of each series together, and where a column is their time, by that. `name` is the
/// table's, whose ending says what parts its cells where the table does not. Classes are those that `table`
/// names.
///
/// # Errors
///
/// Where it cannot be read, is no long table, or lacks a column that is named; where a cell is not what its
/// column is for, or a row not in order. And those of `take`.
pub fn each_piece<E: From<FileProblem>>(
    source: impl Read,
    (table, name): (&Table, &str),
    wanted: Option<Wanted>,
    most: usize,
    mut take: impl FnMut(TablePiece) -> Result<(), E>,
) -> Result<(), E> {
    if table.layout == Layout::Wide {
        return Err(FileProblem::from(TableProblem::WideStream).into());
    }
    let delimiter = delimiter_of(name, table);
    let mut refused = None;
    let read = plain(source, |content| {
        let limits = Limits { all: u64::MAX, ..Limits::default() };
        let mut rows = CsvRows::new(content, delimiter, table.skip_lines, limits)?;
        let roles = Roles::of(rows.header(), table, wanted)?;
        let mut pieces = Pieces { table, roles, wanted, known: HashMap::new(), last: None, problem: None };
        while let Some(piece) = pieces.next(&mut rows, most)? {
            if let Err(error) = take(piece) {
                refused = Some(error);
                break;
            }
        }
        match pieces.last {
            None => Err(FileProblem::Ends("the first row")),
            Some(_) => Ok(()),
        }
    });
    match (refused, read) {
        (Some(error), _) => Err(error),
        (None, read) => read.map_err(E::from),
    }
}

/// Where a table is read.
struct Pieces<'a> {
    table: &'a Table,
    roles: Roles,
    wanted: Option<Wanted>,
    /// The last row of each series that ended.
    known: HashMap<String, RowNumber>,
    last: Option<Last>,
    /// Why there are no more, once those that came before are given.
    problem: Option<FileProblem>,
}

/// Steps as they are gathered.
struct Piece {
    values: Vec<f32>,
    targets: Found,
    /// Of the first: its series, and how many steps of that came before.
    begin: Option<(String, usize)>,
    count: usize,
}

/// The last row that was read.
struct Last {
    id: String,
    time: Option<Time>,
    row: RowNumber,
    /// Steps of its series up to it.
    steps: usize,
    /// Whether it is of the next piece, the first of another series.
    is_next: bool,
}

impl Pieces<'_> {
    /// The steps that come next; none at the end.
    fn next(&mut self, rows: &mut impl Rows, most: usize) -> Result<Option<TablePiece>, FileProblem> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let mut piece =
            Piece { values: Vec::new(), targets: Found::new(self.table, self.wanted), begin: None, count: 0 };
        while piece.count < most {
            match self.add_row(rows, &mut piece) {
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) if piece.count == 0 => return Err(problem),
                Err(problem) => {
                    piece.values.truncate(piece.count * self.roles.values.len());
                    self.problem = Some(problem);
                    break;
                }
            }
        }
        let Piece { values, targets, begin, count } = piece;
        let Some((id, begin)) = begin else { return Ok(None) };
        Ok(Some(TablePiece {
            steps: Sequences::new(Values::Floats(values), self.roles.values.len(), [count]),
            targets: targets.finish(&self.table.target, self.wanted.unwrap_or_default().per, None),
            id: self.roles.id.map(|_| id),
            begin,
        }))
    }

    /// Adds the row that comes next; not where there is none, or it is of another series.
    fn add_row(&mut self, rows: &mut impl Rows, piece: &mut Piece) -> Result<bool, FileProblem> {
        let is_read = self.last.as_mut().is_some_and(|last| std::mem::take(&mut last.is_next));
        if !is_read {
            if !rows.advance_step()? {
                return Ok(false);
            }
            if self.take_in(rows)? && piece.count > 0 {
                self.last.iter_mut().for_each(|last| last.is_next = true);
                return Ok(false);
            }
        }
        for &column in &self.roles.values {
            piece.values.push(rows.value(column)?);
        }
        piece.targets.push(rows, &self.roles.targets)?;
        if let (None, Some(last)) = (&piece.begin, &self.last) {
            piece.begin = Some((last.id.clone(), last.steps - 1));
        }
        piece.count += 1;
        Ok(true)
    }

    /// Of which series a row is and when. Says whether it is the first of one.
    fn take_in(&mut self, row: &impl Rows) -> Result<bool, FileProblem> {
        let id = match self.roles.id {
            None => "",
            Some(column) => row.name(column, "the series that it is of")?,
        };
        let time = self.roles.time.map(|column| row.time(column)).transpose()?;
        if let Some(last) = self.last.as_mut().filter(|last| last.id == id) {
            if let (Some(column), Some(before), Some(time)) = (self.roles.time, last.time, time) {
                match before.is_before(time) {
                    Some(true) => {}
                    Some(false) => return Err(row.wrong(column, CellProblem::Backwards)),
                    None => {
                        let (text, is_date) = (row.text(column)?.to_owned(), time.is_date());
                        return Err(row.wrong(column, CellProblem::OtherTime { text, is_date }));
                    }
                }
            }
            *last = Last {
                id: std::mem::take(&mut last.id),
                time,
                row: row.number(),
                steps: last.steps + 1,
                is_next: false,
            };
            return Ok(false);
        }
        if let (Some(column), Some(&ended)) = (self.roles.id, self.known.get(id)) {
            return Err(row.wrong(column, CellProblem::Ended(ended)));
        }
        let next = Last { id: id.to_owned(), time, row: row.number(), steps: 1, is_next: false };
        if let Some(before) = self.last.replace(next) {
            self.known.insert(before.id, before.row);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::parse_table;
    use crate::targets::{Per, TargetKind};

    const WANTED: Wanted = Wanted { kind: TargetKind::Classes, per: Per::Step };

    fn table(target: bool) -> Table {
        Table {
            id: Some("who".to_owned()),
            time: Some("day".to_owned()),
            features: Some(vec!["b".to_owned(), "a".to_owned()]),
            target: if target { vec!["is".to_owned()] } else { Vec::new() },
            classes: target.then(|| vec!["up".to_owned(), "down".to_owned()]),
            ..Table::default()
        }
    }

    fn pieces(
        text: &str,
        table: &Table,
        wanted: Option<Wanted>,
        most: usize,
    ) -> Result<Vec<TablePiece>, FileProblem> {
        let mut found = Vec::new();
        each_piece(text.as_bytes(), (table, "a.csv"), wanted, most, |piece| {
            found.push(piece);
            Ok::<_, FileProblem>(())
        })?;
        Ok(found)
    }

    const TEXT: &str =
        "a,who,day,b,is\n1,x,1,2,up\n3,x,2,,down\n5,x,4,6,up\n7,y,1,8,up\n9,z,2.5,1,down\n2,z,3,4,down\n";

    /// They are the steps of the table that is read whole.
    #[test]
    fn pieces_are_the_whole() {
        for target in [false, true] {
            let (table, wanted) = (table(target), target.then_some(WANTED));
            let whole = parse_table(TEXT.as_bytes(), &table, wanted).unwrap();
            for most in [1, 2, 3, 100] {
                let found = pieces(TEXT, &table, wanted, most).unwrap();
                let (mut steps, mut classes) = (vec![Vec::new(); 3], Vec::new());
                for piece in &found {
                    let ids = whole.ids.as_ref().unwrap();
                    let series = ids.iter().position(|id| Some(id) == piece.id.as_ref()).unwrap();
                    assert_eq!(2 * piece.begin, steps[series].len());
                    assert!(piece.steps.steps() <= most);
                    steps[series].extend_from_slice(piece.steps.get(0).floats().unwrap());
                    classes
                        .extend(piece.targets.iter().flat_map(|own| own.targets.classes().unwrap().to_vec()));
                }
                let same = |(one, other): (&Vec<f32>, crate::Sequence<'_>)| {
                    let bits =
                        |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(one), bits(other.floats().unwrap()), "{most}");
                };
                steps.iter().zip(whole.sequences.iter()).for_each(same);
                let expected =
                    whole.targets.as_ref().and_then(|own| own.targets.classes()).unwrap_or_default();
                assert_eq!(classes, expected);
            }
        }
    }

    #[test]
    fn what_is_not_in_order_is_refused() {
        let refused = |rows: &str, expected: &str| {
            let text = format!("a,who,day,b\n{rows}");
            let error = pieces(&text, &table(false), None, 2).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        refused("1,x,2,2\n1,x,1,2\n", "line 3, column 3 (`day`): is not after the time");
        refused("1,x,2,2\n1,x,2,2\n", "line 3, column 3 (`day`): is not after the time");
        refused("1,x,2,2\n1,x,2026-01-31,2\n", "`2026-01-31` is a date, and times before it are not");
        refused("1,x,2,2\n1,y,2,2\n1,x,3,2\n", "line 4, column 2 (`who`): that series ended in line 2");
        refused("1,x,2,2\n1,x,3,one\n", "line 3, column 4 (`b`): `one` is not a number");
        refused("", "first row");
        let wide = Table { layout: Layout::Wide, ..Table::default() };
        let error = pieces("a,b\n1,2\n", &wide, None, 2).unwrap_err().to_string();
        assert!(error.contains("wide"), "{error}");
    }

    /// What a stream gave before it went wrong is there.
    #[test]
    fn pieces_come_before_the_end_is_known() {
        let mut found = 0;
        let read = each_piece(&b"a\n1\n2\n3\nx\n"[..], (&Table::default(), "-"), None, 2, |piece| {
            found += piece.steps.steps();
            Ok::<_, FileProblem>(())
        });
        assert!(read.is_err());
        assert_eq!(found, 3);
    }
}
