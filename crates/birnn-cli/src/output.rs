//! Results, on stdout.

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
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::run(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Prints `value` as the one JSON object.
pub fn print_json(value: &impl Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::run(error.to_string()))?;
    print(&format!("{text}\n"))
}
