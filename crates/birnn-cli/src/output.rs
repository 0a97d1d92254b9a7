//! Results, on stdout.

use std::borrow::Cow;
use std::io::{ErrorKind, Write};

use birnn_data::escape;
use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// Writes a result. A reader that has seen enough is no failure.
pub fn print(text: &str) -> Outcome {
    pass_on(escape::lines(text).as_bytes())
}

/// Writes what is the user's own, byte for byte: text that is given back.
pub fn pass_on(bytes: &[u8]) -> Outcome {
    written(bytes).map(drop)
}

/// As [`print()`]. Says whether anybody still reads it.
pub fn print_while_read(text: &str) -> Result<bool, Failure> {
    written(escape::lines(text).as_bytes())
}

fn written(bytes: &[u8]) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::run(format!("stdout: {error}"))),
    }
}

/// A name as a cell of a CSV table.
pub fn csv_cell(name: &str) -> Cow<'_, str> {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")).into(),
        false => name.into(),
    }
}

/// Prints `value` as the one JSON object.
pub fn print_json(value: &impl Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::run(error.to_string()))?;
    print(&format!("{text}\n"))
}
