//! The rows of a Parquet file (Apache Parquet's file format), some at a time.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::problem::{CellProblem, RowNumber, TableProblem};
use super::rows::{As, Rows, is_missing, value_of};
use super::time::Time;
use crate::file_error::FileProblem;

/// What such a file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// Values of all columns that are held at a time, about, and rows of them.
const HELD: usize = 1 << 20;
const MOST_ROWS: usize = 8192;
/// What pandas calls an index that has no name.
const INDEX: &str = "__index_level_";

/// A file that is read row by row.
pub(super) struct ParquetRows {
    file: Box<dyn FileReader>,
    header: Vec<String>,
    /// Of each column where it is among those that the file holds; none of one that has columns of its own.
    leaves: Vec<Option<usize>>,
    chosen: Vec<(usize, As)>,
    /// The next group of rows, and the readers of the chosen columns of this one.
    group: usize,
    readers: Vec<ColumnReader>,
    /// What is held of each column.
    held: Vec<Option<Held>>,
    /// Rows that are held, which of them is next, and how many were before those.
    rows: usize,
    next: usize,
    before: usize,
}

/// Some rows of a column.
enum Held {
    Numbers(Vec<f32>),
    /// None is no UTF-8.
    Texts(Vec<Option<String>>),
    Times(Vec<Option<Time>>),
}

/// Whether a file is one by its first bytes.
pub(super) fn is_parquet(mut file: &File) -> std::io::Result<bool> {
    let mut start = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == MAGIC)
}

impl ParquetRows {
    /// A file, or bytes in memory.
    pub(super) fn new(source: impl ChunkReader + 'static) -> Result<ParquetRows, FileProblem> {
        let file: Box<dyn FileReader> = Box::new(guarded(|| SerializedFileReader::new(source))?);
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let mut header = Vec::new();
        let mut leaves = Vec::new();
        let mut leaf = 0;
        for field in schema.root_schema().get_fields() {
            let is_index = field.name().starts_with(INDEX);
            header.push(if is_index { String::new() } else { field.name().to_owned() });
            let own = (leaf..schema.num_columns()).take_while(|&leaf| {
                let root = schema.get_column_root(leaf);
                std::ptr::eq(root, field.as_ref())
            });
            let own = own.count();
            leaves.push(field.is_primitive().then_some(leaf));
            leaf += own;
        }
        let held = std::iter::repeat_with(|| None).take(header.len()).collect();
        let (chosen, readers) = (Vec::new(), Vec::new());
        Ok(ParquetRows { file, header, leaves, chosen, group: 0, readers, held, rows: 0, next: 0, before: 0 })
    }

    /// Reads some more rows. Says whether there are any.
    fn fill(&mut self) -> Result<bool, FileProblem> {
        self.before += self.rows;
        (self.rows, self.next) = (0, 0);
        while self.rows == 0 {
            if self.readers.is_empty() && !self.next_group()? {
                return Ok(false);
            }
            let most = (HELD / self.chosen.len().max(1)).clamp(1, MOST_ROWS);
            let schema = self.file.metadata().file_metadata().schema_descr_ptr();
            let mut rows = None;
            for (&(column, as_what), reader) in self.chosen.iter().zip(&mut self.readers) {
                let leaf = self.leaves[column].unwrap_or_default();
                let (found, held) = held(reader, &schema.column(leaf), as_what, most)?;
                if *rows.get_or_insert(found) != found {
                    let message = format!("the columns of its group {} have unequal lengths", self.group);
                    return Err(TableProblem::Parquet(message).into());
                }
                self.held[column] = Some(held);
            }
            self.rows = rows.unwrap_or_default();
            if self.rows == 0 {
                self.readers.clear();
            }
        }
        Ok(true)
    }

    /// Opens the next group of rows. Says whether there is one.
    fn next_group(&mut self) -> Result<bool, FileProblem> {
        if self.group >= self.file.num_row_groups() {
            return Ok(false);
        }
        let group = guarded(|| self.file.get_row_group(self.group))?;
        for &(column, _) in &self.chosen {
            let leaf = self.leaves[column].unwrap_or_default();
            self.readers.push(guarded(|| group.get_column_reader(leaf))?);
        }
        self.group += 1;
        Ok(true)
    }

    fn at(&self) -> usize {
        self.next - 1
    }
}

impl Rows for ParquetRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn choose(&mut self, columns: &[(usize, As)]) -> Result<(), FileProblem> {
        let schema = self.file.metadata().file_metadata().schema_descr_ptr();
        for &(column, as_what) in columns {
            let refuse = |what: String| {
                Err(FileProblem::from(TableProblem::Kind { name: self.header[column].clone(), what }))
            };
            match self.leaves[column] {
                None => return refuse("columns of its own".to_owned()),
                Some(leaf) => match unusable(&schema.column(leaf)) {
                    Some(what) => return refuse(what),
                    None if as_what == As::Number && is_of_time(&schema.column(leaf)) => {
                        return Err(TableProblem::Dates(self.header[column].clone()).into());
                    }
                    // Two roles of one column are the same kind.
                    None if self.chosen.iter().any(|&(other, _)| other == column) => {}
                    None => self.chosen.push((column, as_what)),
                },
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, FileProblem> {
        if self.next == self.rows && !self.fill()? {
            return Ok(false);
        }
        self.next += 1;
        Ok(true)
    }

    fn number(&self) -> RowNumber {
        RowNumber::Row(self.before + self.next)
    }

    fn value(&self, column: usize) -> Result<f32, FileProblem> {
        match &self.held[column] {
            Some(Held::Numbers(numbers)) => match numbers[self.at()] {
                value if value.is_infinite() => {
                    Err(self.wrong(column, CellProblem::NotFinite(value.to_string())))
                }
                value => Ok(value),
            },
            _ => value_of(self.text(column)?).map_err(|problem| self.wrong(column, problem)),
        }
    }

    fn text(&self, column: usize) -> Result<&str, FileProblem> {
        match &self.held[column] {
            Some(Held::Texts(texts)) => match &texts[self.at()] {
                Some(text) => Ok(text.trim()),
                None => Err(self.wrong(column, CellProblem::NotUtf8)),
            },
            _ => Ok(""),
        }
    }

    fn time(&self, column: usize) -> Result<Time, FileProblem> {
        let empty = || self.wrong(column, CellProblem::Empty("a time"));
        match &self.held[column] {
            Some(Held::Times(times)) => times[self.at()].ok_or_else(empty),
            _ => match self.text(column)? {
                text if is_missing(text) => Err(empty()),
                text => Time::parse(text)
                    .ok_or_else(|| self.wrong(column, CellProblem::NotATime(text.to_owned()))),
            },
        }
    }
}

/// What a column holds that is neither numbers nor text.
fn unusable(column: &ColumnDescriptor) -> Option<String> {
    let is_decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || column.converted_type() == ConvertedType::DECIMAL;
    match column.physical_type() {
        _ if is_decimal => Some("decimals".to_owned()),
        _ if column.max_rep_level() > 0 => Some("lists".to_owned()),
        Physical::INT96 => Some("times of 96 bits".to_owned()),
        Physical::FIXED_LEN_BYTE_ARRAY => Some("bytes of a fixed number".to_owned()),
        Physical::BOOLEAN
        | Physical::INT32
        | Physical::INT64
        | Physical::FLOAT
        | Physical::DOUBLE
        | Physical::BYTE_ARRAY => None,
    }
}

/// Whether what a column holds as whole numbers are dates or times of the day.
fn is_of_time(column: &ColumnDescriptor) -> bool {
    let is_logical = matches!(
        column.logical_type_ref(),
        Some(LogicalType::Date | LogicalType::Time { .. } | LogicalType::Timestamp { .. })
    );
    is_logical
        || matches!(
            column.converted_type(),
            ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        )
}

/// Reads at most so many rows of a column.
fn held(
    reader: &mut ColumnReader,
    column: &ColumnDescriptor,
    as_what: As,
    most: usize,
) -> Result<(usize, Held), FileProblem> {
    let is_unsigned = matches!(
        column.converted_type(),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
    );
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            let of = |value: &bool| f64::from(u8::from(*value));
            each(reader, column, as_what, most, of, bool::to_string)
        }
        ColumnReader::Int32ColumnReader(reader) => {
            let whole = |value: &i32| if is_unsigned { i64::from(*value as u32) } else { i64::from(*value) };
            each(reader, column, as_what, most, |value| whole(value) as f64, |value| whole(value).to_string())
        }
        ColumnReader::Int64ColumnReader(reader) if as_what == As::Time && !is_unsigned => {
            // As they are: a time in nanoseconds is more than a float tells apart.
            let (rows, values) = fetched(reader, column, most)?;
            let time = |value: Option<i64>| value.map(Time::Whole);
            Ok((rows, Held::Times(values.into_iter().map(time).collect())))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let of = |value: &i64| if is_unsigned { *value as u64 as f64 } else { *value as f64 };
            let text =
                |value: &i64| if is_unsigned { (*value as u64).to_string() } else { value.to_string() };
            each(reader, column, as_what, most, of, text)
        }
        ColumnReader::FloatColumnReader(reader) => {
            each(reader, column, as_what, most, |value| f64::from(*value), |value| format!("{value:?}"))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            each(reader, column, as_what, most, |value| *value, |value| format!("{value:?}"))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let (rows, values) = fetched(reader, column, most)?;
            let text = |value: Option<ByteArray>| match value {
                None => Some(String::new()),
                Some(bytes) => std::str::from_utf8(bytes.data()).ok().map(str::to_owned),
            };
            Ok((rows, Held::Texts(values.into_iter().map(text).collect())))
        }
        ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
            Ok((0, Held::Numbers(Vec::new())))
        }
    }
}

/// Reads at most so many rows of a column of numbers.
fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    as_what: As,
    most: usize,
    number: impl Fn(&T::T) -> f64,
    text: impl Fn(&T::T) -> String,
) -> Result<(usize, Held), FileProblem> {
    let (rows, values) = fetched(reader, column, most)?;
    let values = values.iter().map(Option::as_ref);
    Ok((
        rows,
        match as_what {
            As::Number => Held::Numbers(
                values.map(|value| value.map_or(f32::NAN, |value| number(value) as f32)).collect(),
            ),
            As::Text => {
                let known = |value: &&T::T| !number(value).is_nan();
                Held::Texts(
                    values.map(|value| Some(value.filter(known).map_or_else(String::new, &text))).collect(),
                )
            }
            As::Time => Held::Times(values.map(|value| Time::of(number(value?))).collect()),
        },
    ))
}

/// How many rows there are, and their values.
type Fetched<T> = (usize, Vec<Option<T>>);

/// At most so many rows of a column, none where one is missing.
fn fetched<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    most: usize,
) -> Result<Fetched<T::T>, FileProblem> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (rows, ..) = guarded(|| reader.read_records(most, Some(&mut levels), None, &mut values))?;
    if column.max_def_level() == 0 {
        return Ok((values.len(), values.into_iter().map(Some).collect()));
    }
    let mut values = values.into_iter();
    let there = |level: i16| if level == column.max_def_level() { values.next() } else { None };
    Ok((rows, levels.into_iter().map(there).collect()))
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is caught, and becomes an error of the file that is read: a panic hook
/// keeps quiet.
pub fn panic_is_caught() -> bool {
    IS_GUARDED.get()
}

/// Reads something of a file. The crate that does it panics at some damage.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, FileProblem> {
    IS_GUARDED.set(true);
    // Nothing of what was being read is looked at after a panic.
    let read = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(false);
    let message = match read {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(error)) => {
            let message = error.to_string();
            match message.split_once("Disabled feature at compile time: ") {
                Some((_, codec)) => return Err(TableProblem::Codec(codec.trim().to_owned()).into()),
                None => message,
            }
        }
        Err(_) => "it is damaged".to_owned(),
    };
    Err(TableProblem::Parquet(message).into())
}
