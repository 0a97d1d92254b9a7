//! What is told of a mistake: serde's words put into a user's.

use serde_json::Value;

use crate::place::Part;
use crate::schema;

/// What a user of TOML calls the types and values that serde names.
const WORDS: [(&str, &str); 12] = [
    ("usize", "a whole number, 0 or more"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("f64", "a number"),
    ("a boolean", "`true` or `false`"),
    ("path string", "a string"),
    ("a sequence", "an array"),
    ("an array of length 2", "an array of two numbers"),
    // What was found instead.
    ("map", "a table"),
    ("sequence", "an array"),
    ("newtype variant", "a table"),
    ("struct variant", "a table"),
    ("unit variant", "a name"),
];

/// What users of other libraries call a setting.
const ALSO_CALLED: [(&str, &str); 2] =
    [("learning_rate", "train.optimizer.lr"), ("optimiser", "train.optimizer")];

/// `message`, of serde or the TOML parser, about the setting at `path` in words of our own: the setting, what is wrong,
/// and what would be right.
pub(crate) fn reword(message: &str, setting: Option<&(Vec<String>, Part)>) -> String {
    let message = message.lines().collect::<Vec<_>>().join("; ");
    let Some((path, part)) = setting else { return wrong_type(&message) };
    if message.starts_with("unknown field `") {
        let table = if *part == Part::Key { &path[..path.len() - 1] } else { path };
        return about(table, &unknown_key(&message));
    }
    // A name with a table behind it is told of by the name.
    let known = (0..=path.len()).rev().map(|end| &path[..end]).find(|path| schema::of(path).is_some());
    let path = known.unwrap_or(path);
    let choices = schema::of(path).and_then(|schema| schema["enum"].as_array());
    if let Some(choices) = choices {
        return about(path, &unknown_name(&message, choices));
    }
    about(path, &wrong_type(&message))
}

/// The message with the setting that it is about.
fn about(path: &[String], message: &str) -> String {
    if path.is_empty() { message.to_owned() } else { format!("{}: {message}", path.join(".")) }
}

/// Of "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().unwrap_or_default();
    let names: Vec<&str> = quoted.collect();
    let moved = || schema::called(wrong).into_iter().next();
    let renamed = || {
        let (_, key) = ALSO_CALLED.iter().find(|(other, _)| *other == wrong)?;
        Some((*key).to_owned())
    };
    let near = nearest(wrong, &names).map(str::to_owned).or_else(moved).or_else(renamed);
    let part = || {
        let part_of = |name: &&&str| name.len() > 2 && (wrong.contains(**name) || name.contains(wrong));
        names.iter().filter(|_| wrong.len() > 2).find(part_of).map(|&name| name.to_owned())
    };
    match near.or_else(part) {
        Some(name) => format!("unknown key `{wrong}`; did you mean `{name}`?"),
        None => format!("unknown key `{wrong}`; there are {}", list(&names)),
    }
}

/// Of what is none of `choices`.
fn unknown_name(message: &str, choices: &[Value]) -> String {
    let names: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    match message.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next()) {
        Some(wrong) => match nearest(wrong, &names) {
            Some(name) => format!("unknown value `{wrong}`; did you mean `{name}`?"),
            None => format!("unknown value `{wrong}`; there are {}", list(&names)),
        },
        None => format!("must be one of {}", list(&names)),
    }
}

/// Of "invalid type: string "x", expected usize" and its like.
fn wrong_type(message: &str) -> String {
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let Some(kind) = kinds.into_iter().find(|kind| message.starts_with(kind)) else {
        return message.to_owned();
    };
    let Some((found, expected)) = message[kind.len()..].rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let verb = if kind.starts_with("invalid length") { "has" } else { "is" };
    // `integer `3``, and past 64 bits `integer `3` as i128`.
    let value = ["integer `", "floating point `", "boolean `"]
        .into_iter()
        .find_map(|name| found.strip_prefix(name)?.split('`').next());
    let found = value.or_else(|| found.strip_prefix("string ")).unwrap_or(found);
    format!("must be {}, {verb} {}", word(expected), word(found))
}

fn word(theirs: &str) -> &str {
    if theirs.starts_with("struct ") {
        return "a table";
    }
    WORDS.iter().find(|(word, _)| *word == theirs).map_or(theirs, |(_, ours)| ours)
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The name that is nearest to `wrong`, where one is near.
fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let distance = |name: &str| strsim::damerau_levenshtein(&wrong, &plain(name));
    let is_near = |(distance, name): &(usize, &str)| {
        *distance <= 2.max(name.len() / 3) && *distance < name.len().min(wrong.len())
    };
    names.iter().map(|&name| (distance(name), name)).filter(is_near).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reworded(message: &str, path: &[&str], part: Part, expected: &str) {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        assert_eq!(reword(message, Some(&(path, part))), expected);
    }

    #[test]
    fn keys_are_told_with_the_nearest() {
        let expected = "expected one of `cell`, `layers`, `hidden`";
        let unknown = |key: &str, path: &[&str], told: &str| {
            reworded(
                &format!("unknown field `{key}`, {expected}"),
                &[path, &[key]].concat(),
                Part::Key,
                told,
            );
        };
        unknown("hiden", &["model"], "model: unknown key `hiden`; did you mean `hidden`?");
        unknown("Layers", &["model"], "model: unknown key `Layers`; did you mean `layers`?");
        unknown("num_layers", &["model"], "model: unknown key `num_layers`; did you mean `layers`?");
        unknown("epochs", &["model"], "model: unknown key `epochs`; did you mean `train.epochs`?");
        unknown("learning_rate", &[], "unknown key `learning_rate`; did you mean `train.optimizer.lr`?");
        unknown(
            "learning_rate",
            &["train"],
            "train: unknown key `learning_rate`; did you mean `train.optimizer.lr`?",
        );
        unknown("xyz", &["model"], "model: unknown key `xyz`; there are `cell`, `layers`, `hidden`");
    }

    #[test]
    fn values_are_told_with_what_would_be_right() {
        let cell = &["model", "cell"];
        let told = "model.cell: unknown value `LSMT`; did you mean `lstm`?";
        reworded("unknown variant `LSMT`, expected `x`", cell, Part::Value, told);
        let told = "model.cell: must be one of `rnn`, `gru`, `lstm`";
        reworded("wanted string or table", cell, Part::Value, told);
        reworded("expected table, found integer", &["model", "cell", "gru"], Part::Value, told);
        let epochs = &["train", "epochs"];
        let told = "train.epochs: must be a whole number, 0 or more, is \"two\"";
        reworded("invalid type: string \"two\", expected usize", epochs, Part::Value, told);
        let told = "train.epochs: must be a whole number, 0 or more, is 99999999999999999999";
        let message = "invalid type: integer `99999999999999999999` as i128, expected usize";
        reworded(message, epochs, Part::Value, told);
        let told = "must be a whole number from 0 to 4294967295, is 99999999999999999999";
        assert_eq!(reword(&message.replace("usize", "u32"), None), told);
        let told = "model: must be a table, is 3";
        reworded("invalid type: integer `3`, expected struct ModelConfig", &["model"], Part::Value, told);
        let told = "model.hidden: `reverse` is missing";
        reworded("missing field `reverse`", &["model", "hidden"], Part::Value, told);
    }
}
