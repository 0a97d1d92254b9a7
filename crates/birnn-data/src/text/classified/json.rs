//! Texts as JSON, an object on each line.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Unit, sample};
use crate::file_error::FileProblem;
use crate::text::problem::TextProblem;
use crate::text::reading::Reading;
use crate::text::source::Line;

/// Reads the text and the class of a line, under these keys.
pub(super) fn read(
    reading: &mut Reading,
    unit: Unit,
    (text, label): (&str, &str),
    line: Line<'_>,
) -> Result<(), FileProblem> {
    let wrong = |problem: TextProblem| problem.at(line.number);
    let object: Map<String, Value> =
        serde_json::from_str(line.text).map_err(|error| wrong(TextProblem::Json(told(&error))))?;
    let value = |key: &str, setting| {
        let no_key =
            || TextProblem::NoKey { key: key.to_owned(), setting, keys: object.keys().cloned().collect() };
        object.get(key).ok_or_else(no_key).map_err(wrong)
    };
    let Value::String(said) = value(text, "text")? else {
        return Err(wrong(TextProblem::NotAString(text.to_owned())));
    };
    let class = match reading.is_labelled().then(|| value(label, "label")).transpose()? {
        None => Cow::Borrowed(""),
        Some(Value::String(class)) => Cow::Borrowed(class.as_str()),
        Some(class @ (Value::Number(_) | Value::Bool(_))) => Cow::Owned(class.to_string()),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) => {
            return Err(wrong(TextProblem::NotAClass(label.to_owned())));
        }
    };
    sample(reading, unit, line.number, said, &class)
}

/// What is wrong with JSON, which says that it is on its first line.
fn told(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    told.strip_suffix(&place).unwrap_or(&told).to_owned()
}
