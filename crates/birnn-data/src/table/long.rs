//! Long tables: a row for each step of a series.

use std::collections::HashMap;

use super::columns::Roles;
use super::problem::{Cell, CellProblem, RowNumber, TableProblem};
use super::rows::Rows;
use super::targets::Found;
use super::time::Times;
use crate::config::Table;
use crate::file_error::FileProblem;
use crate::sequences::{Sequences, Values};
use crate::series::file::SeriesFile;
use crate::targets::{Per, Wanted};

/// The rows so far.
struct Long<'a> {
    roles: &'a Roles,
    /// What a target is for.
    per: Per,
    values: Vec<f32>,
    /// The time of each row, where that is asked for.
    times: Times,
    rows: u32,
    /// Rows of one series that came one after the other.
    runs: Vec<Run>,
    /// Whether the rows of each are in order as they came.
    is_sorted: bool,
    numbers: Numbers,
    series: Vec<Series>,
    known: HashMap<String, u32>,
    targets: Found,
    gap: Option<Cell>,
}

/// Rows of one series.
struct Run {
    series: u32,
    /// The first of them, from 0.
    begin: u32,
}

struct Series {
    id: String,
    group: String,
    first: RowNumber,
    steps: usize,
}

/// Where each row is in its file.
#[derive(Default)]
struct Numbers {
    /// Rows whose number is not the one after that of the row before.
    jumps: Vec<(u32, RowNumber)>,
}

/// Why a series has one group.
const ONE_GROUP: &str = "groups are whole series; `id` under [data] names the column that tells these apart";

/// Reads all rows.
pub(super) fn read(
    rows: &mut impl Rows,
    table: &Table,
    roles: &Roles,
    wanted: Option<Wanted>,
) -> Result<SeriesFile, FileProblem> {
    let mut long = Long {
        roles,
        per: wanted.unwrap_or_default().per,
        values: Vec::new(),
        times: Times::default(),
        rows: 0,
        runs: Vec::new(),
        is_sorted: true,
        numbers: Numbers::default(),
        series: Vec::new(),
        known: HashMap::new(),
        targets: Found::new(table, wanted),
        gap: None,
    };
    while rows.advance_step()? {
        long.read(rows)?;
    }
    long.finish(rows, table)
}

impl Long<'_> {
    fn read(&mut self, row: &impl Rows) -> Result<(), FileProblem> {
        let memory = |_| FileProblem::from(TableProblem::Memory);
        self.values.try_reserve(self.roles.values.len()).map_err(memory)?;
        let index = self.rows;
        self.rows = index.checked_add(1).ok_or(TableProblem::Memory)?;
        self.numbers.push(index, row.number());
        let (series, is_new) = self.series_of(row)?;
        let position = series as usize;
        if self.runs.last().is_none_or(|run| run.series != series) {
            self.is_sorted &= is_new;
            self.runs.push(Run { series, begin: index });
        }
        let own = &mut self.series[position];
        own.steps += 1;
        match self.per {
            Per::Sequence if !is_new => {
                self.targets.check(row, &self.roles.targets, position, own.first)?;
            }
            Per::Sequence | Per::Step => self.targets.push(row, &self.roles.targets)?,
        }
        if let Some(column) = self.roles.time {
            self.read_time(row, column, is_new)?;
        }
        for &column in &self.roles.values {
            let value = row.value(column)?;
            if value.is_nan() && self.gap.is_none() {
                self.gap = Some(row.cell(column));
            }
            self.values.push(value);
        }
        Ok(())
    }

    /// Of which series a row is, and whether it is the first of it.
    fn series_of(&mut self, row: &impl Rows) -> Result<(u32, bool), FileProblem> {
        let id = match self.roles.id {
            None => "",
            Some(column) => row.name(column, "the series that it is of")?,
        };
        let group = match self.roles.group {
            None => "",
            Some(column) => row.name(column, "the group of its series")?,
        };
        let last = self.runs.last().map(|run| run.series);
        let same = last.filter(|&series| self.series[series as usize].id == id);
        if let Some(series) = same.or_else(|| self.known.get(id).copied()) {
            let own = &self.series[series as usize];
            if let Some(column) = self.roles.group.filter(|_| own.group != group) {
                let (found, expected) = (group.to_owned(), own.group.clone());
                let another = CellProblem::Another { found, expected, row: own.first, what: ONE_GROUP };
                return Err(row.wrong(column, another));
            }
            return Ok((series, false));
        }
        let series = self.series.len() as u32;
        self.known.insert(id.to_owned(), series);
        let (id, group) = (id.to_owned(), group.to_owned());
        self.series.push(Series { id, group, first: row.number(), steps: 0 });
        Ok((series, true))
    }

    fn read_time(&mut self, row: &impl Rows, column: usize, is_new: bool) -> Result<(), FileProblem> {
        let time = row.time(column)?;
        let Some(is_later) = self.times.push(time) else {
            let (text, is_date) = (row.text(column)?.to_owned(), time.is_date());
            return Err(row.wrong(column, CellProblem::OtherTime { text, is_date }));
        };
        self.is_sorted &= is_new || is_later;
        Ok(())
    }

    fn finish(mut self, rows: &impl Rows, table: &Table) -> Result<SeriesFile, FileProblem> {
        if self.rows == 0 {
            return Err(FileProblem::Ends("the first row"));
        }
        let features = self.roles.values.len();
        let order = if self.is_sorted { None } else { Some(self.order(rows)?) };
        if let Some(order) = &order {
            reorder(&mut self.values, features, order);
        }
        self.values.shrink_to_fit();
        let lengths = self.series.iter().map(|series| series.steps);
        let sequences = Sequences::new(Values::Floats(self.values), features, lengths);
        let ids = self.roles.id.map(|_| self.series.iter().map(|series| series.id.clone()).collect());
        let groups =
            self.roles.group.map(|_| self.series.iter().map(|series| series.group.clone()).collect());
        Ok(SeriesFile {
            sequences,
            targets: self.targets.finish(&table.target, self.per, order.as_deref()),
            features: self.roles.features.clone(),
            ids,
            groups,
            lines: self.series.iter().map(|series| series.first.number()).collect(),
            unit: self.series.first().map_or("line", |series| series.first.unit()),
            gap: self.gap,
            columns: None,
            rows: order,
        })
    }

    /// The rows in the order of series, and within each in that of time.
    fn order(&self, rows: &impl Rows) -> Result<Vec<u32>, FileProblem> {
        let mut series_of = vec![0; self.rows as usize];
        let ends = self.runs.iter().skip(1).map(|run| run.begin).chain([self.rows]);
        for (run, end) in self.runs.iter().zip(ends) {
            series_of[run.begin as usize..end as usize].fill(run.series);
        }
        let key = |&row: &u32| (series_of[row as usize], self.times.of_row(row));
        let mut order: Vec<u32> = (0..self.rows).collect();
        order.sort_by_key(key);
        let same = order.windows(2).find(|pair| self.roles.time.is_some() && key(&pair[0]) == key(&pair[1]));
        if let (Some(&[before, row]), Some(column)) = (same.and_then(<[u32]>::as_array), self.roles.time) {
            let cell =
                Cell { row: self.numbers.of(row), column: column + 1, name: rows.header()[column].clone() };
            let problem = CellProblem::SameTime(self.numbers.of(before));
            return Err(TableProblem::Cell { cell, problem }.into());
        }
        Ok(order)
    }
}

impl Numbers {
    fn push(&mut self, row: u32, number: RowNumber) {
        if self.jumps.is_empty() || self.of(row) != number {
            self.jumps.push((row, number));
        }
    }

    fn of(&self, row: u32) -> RowNumber {
        let jump = self.jumps.partition_point(|&(first, _)| first <= row) - 1;
        let (first, number) = self.jumps[jump];
        let rows = (row - first) as usize;
        match number {
            RowNumber::Line(line) => RowNumber::Line(line + rows),
            RowNumber::Row(number) => RowNumber::Row(number + rows),
        }
    }
}

/// Puts rows of so many values each into an order of theirs, in place: a gigabyte is not held twice.
pub(super) fn reorder<T: Copy>(values: &mut [T], width: usize, order: &[u32]) {
    let mut is_done = vec![false; order.len()];
    let mut first = Vec::with_capacity(width);
    for begin in 0..order.len() {
        if is_done[begin] {
            continue;
        }
        first.clear();
        first.extend_from_slice(&values[begin * width..][..width]);
        let mut to = begin;
        loop {
            is_done[to] = true;
            let from = order[to] as usize;
            if from == begin {
                values[to * width..][..width].copy_from_slice(&first);
                break;
            }
            values.copy_within(from * width..(from + 1) * width, to * width);
            to = from;
        }
    }
}
