//! A table with a row for each vector.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::Encoding;
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;

use super::{States, signed};

/// Rows of a group: what is held beside the states themselves is a column of one.
pub(super) const GROUP: usize = 1 << 16;

pub(super) fn write(states: &States<'_>, into: impl Write + Send) -> io::Result<()> {
    write_table(states, into).map_err(|error| match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    })
}

fn write_table(states: &States<'_>, into: impl Write + Send) -> Result<()> {
    let step = if states.lengths.is_some() { "required int64 step; " } else { "" };
    let columns: String = (0..states.width).map(|index| format!("required float s{index}; ")).collect();
    let schema =
        parse_message_type(&format!("message states {{ required binary id (UTF8); {step}{columns}}}"))?;
    // States hardly repeat; the id of a sequence does, at each of its steps.
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_column_dictionary_enabled(ColumnPath::from("id"), states.lengths.is_some())
        .set_encoding(Encoding::PLAIN)
        .build();
    let mut file = SerializedFileWriter::new(into, Arc::new(schema), Arc::new(properties))?;
    let each = |(index, id): (usize, &String)| {
        let (id, steps) = (ByteArray::from(id.as_str()), states.lengths.map_or(1, |lengths| lengths[index]));
        (0..steps).map(move |step| (id.clone(), signed(step)))
    };
    let mut names = states.ids.iter().enumerate().flat_map(each);
    let mut column = Vec::new();
    for vectors in states.values.chunks(GROUP * states.width) {
        let rows = vectors.len() / states.width;
        let (ids, steps): (Vec<ByteArray>, Vec<i64>) = names.by_ref().take(rows).unzip();
        let mut group = file.next_row_group()?;
        add::<ByteArrayType>(&mut group, &ids)?;
        if states.lengths.is_some() {
            add::<Int64Type>(&mut group, &steps)?;
        }
        for index in 0..states.width {
            column.clear();
            column.extend(vectors.iter().skip(index).step_by(states.width));
            add::<FloatType>(&mut group, &column)?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn add<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
) -> Result<()> {
    let column = group.next_column()?;
    let mut column =
        column.ok_or_else(|| ParquetError::General("the table has no more columns".to_owned()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}
