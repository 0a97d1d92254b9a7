//! What is told of a mistake in an experiment file: the setting, what is wrong, and what would be right.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Expected, Unexpected};
use serde_json::Value;

use crate::schema;
use crate::span::{Part, Setting};

/// What is wrong in a text, and where.
#[derive(Debug)]
pub(crate) struct Mistake {
    problem: Problem,
    location: Location,
}

/// Where a mistake is, as far as it is known.
#[derive(Debug)]
enum Location {
    /// Its setting has yet to say so.
    Unknown,
    /// Where the text stops being TOML, if that is one place.
    Text(Option<Range<usize>>),
    /// In a setting.
    Setting(Setting),
}

/// What is wrong with a setting.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It has another type or value than the `wanted`.
    Unwanted { found: String, wanted: String },
    /// It is an array of another length than the `wanted` one.
    Length { found: usize, wanted: String },
    /// A table has no key of this name, but those that are `known`.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// It is none of the names that it may be.
    UnknownName(String),
    /// It is no name at all, where it must be one of a few.
    NotAName,
    /// A table lacks this key.
    Missing(&'static str),
    /// What else is wrong, said by whoever found it.
    Other(String),
}

/// What users of other libraries call a setting.
const ALSO_CALLED: [(&str, &str); 2] =
    [("learning_rate", "train.optimizer.lr"), ("optimiser", "train.optimizer")];

impl Mistake {
    /// What toml's parser says of `text`.
    pub(crate) fn of_parser(error: &toml::de::Error, text: &str) -> Mistake {
        let span = error.span();
        let message = match (error.message(), span.clone().and_then(|span| text.get(span))) {
            // toml's parser tells its errors apart by their text alone, and this one hides what it is about.
            ("duplicate key", Some(key)) => format!("`{key}` is written twice"),
            (message, _) => message.lines().collect::<Vec<_>>().join("; "),
        };
        Mistake { problem: Problem::Other(message), location: Location::Text(span) }
    }

    /// The same, about `setting` unless it is about a part of that.
    pub(crate) fn at(self, setting: impl FnOnce() -> Setting) -> Mistake {
        match self.location {
            Location::Unknown => Mistake { location: Location::Setting(setting()), ..self },
            _ => self,
        }
    }

    /// The same, with a user's word for what is wanted, unless it is about a part that wants something else.
    pub(crate) fn wanting(mut self, word: &str) -> Mistake {
        if let (Location::Unknown, Problem::Unwanted { wanted, .. } | Problem::Length { wanted, .. }) =
            (&self.location, &mut self.problem)
        {
            word.clone_into(wanted);
        }
        self
    }

    /// Where it is in the text that was read.
    pub(crate) fn span(&self) -> Option<&Range<usize>> {
        match &self.location {
            Location::Unknown => None,
            Location::Text(span) => span.as_ref(),
            Location::Setting(setting) => Some(&setting.span),
        }
    }

    /// The setting that it is about, where the text is TOML.
    pub(crate) fn setting(&self) -> Option<&Setting> {
        match &self.location {
            Location::Setting(setting) => Some(setting),
            _ => None,
        }
    }
}

/// As `model.layers: must be a whole number, 0 or more, is -1`.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.setting().map_or(&[][..], |setting| &setting.path);
        let about = match (&self.problem, self.setting()) {
            // What is wrong is that its table has it.
            (Problem::UnknownKey { .. }, Some(Setting { part: Part::Key, .. })) => &path[..path.len() - 1],
            _ => path,
        };
        if !about.is_empty() {
            write!(f, "{}: ", about.join("."))?;
        }
        match &self.problem {
            Problem::Unwanted { found, wanted } => write!(f, "must be {wanted}, is {found}"),
            Problem::Length { found, wanted } => write!(f, "must be {wanted}, has {found}"),
            Problem::UnknownKey { key, known } => f.write_str(&unknown_key(key, known)),
            Problem::UnknownName(name) => f.write_str(&unknown_name(name, &choices(path))),
            Problem::NotAName => write!(f, "must be one of {}", list(&choices(path))),
            Problem::Missing(key) => write!(f, "`{key}` is missing"),
            Problem::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Mistake {}

impl From<Problem> for Mistake {
    fn from(problem: Problem) -> Mistake {
        Mistake { problem, location: Location::Unknown }
    }
}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Mistake {
        Problem::Other(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Mistake {
        Problem::Unwanted { found: shown(&found), wanted: wanted.to_string() }.into()
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Mistake {
        Mistake::invalid_type(found, wanted)
    }

    fn invalid_length(found: usize, wanted: &dyn Expected) -> Mistake {
        Problem::Length { found, wanted: wanted.to_string() }.into()
    }

    fn unknown_variant(name: &str, _: &'static [&'static str]) -> Mistake {
        Problem::UnknownName(name.to_owned()).into()
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Mistake {
        Problem::UnknownKey { key: key.to_owned(), known }.into()
    }

    fn missing_field(key: &'static str) -> Mistake {
        Problem::Missing(key).into()
    }
}

/// A value as it is written, or what kind of value it is.
fn shown(found: &Unexpected<'_>) -> String {
    match *found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => format!("{number:?}"),
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        ref other => other.to_string(),
    }
}

/// The names that the setting at `path` may be. A few that serde knows are not among them: the schema keeps
/// quiet about what no experiment can use yet.
fn choices(path: &[String]) -> Vec<&'static str> {
    let choices = schema::of(path).and_then(|schema| schema["enum"].as_array());
    choices.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    let moved = || schema::called(key).into_iter().next();
    let renamed = || {
        let (_, setting) = ALSO_CALLED.iter().find(|(other, _)| *other == key)?;
        Some((*setting).to_owned())
    };
    // A section that stands elsewhere is no other name for itself.
    let near = nearest(key, known).map(str::to_owned).or_else(moved).or_else(renamed);
    let near = near.filter(|name| name != key);
    let part = || {
        let part_of = |name: &&&str| name.len() > 2 && (key.contains(**name) || name.contains(key));
        known.iter().filter(|_| key.len() > 2).find(part_of).map(|&name| name.to_owned())
    };
    match near.or_else(part) {
        Some(name) => format!("unknown key `{key}`; did you mean `{name}`?"),
        None => format!("unknown key `{key}`; there are {}", list(known)),
    }
}

fn unknown_name(name: &str, choices: &[&str]) -> String {
    match nearest(name, choices) {
        Some(near) => format!("unknown value `{name}`; did you mean `{near}`?"),
        None => format!("unknown value `{name}`; there are {}", list(choices)),
    }
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
    use crate::deserialize::experiment;

    #[track_caller]
    fn told(text: &str, expected: &str) {
        assert_eq!(experiment(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn keys_are_told_with_the_nearest() {
        told("model.hiden = 1", "model: unknown key `hiden`; did you mean `hidden`?");
        told("model.Layers = 1", "model: unknown key `Layers`; did you mean `layers`?");
        told("model.num_layers = 1", "model: unknown key `num_layers`; did you mean `layers`?");
        told("model.epochs = 1", "model: unknown key `epochs`; did you mean `train.epochs`?");
        told("learning_rate = 1", "unknown key `learning_rate`; did you mean `train.optimizer.lr`?");
        told(
            "train.learning_rate = 1",
            "train: unknown key `learning_rate`; did you mean `train.optimizer.lr`?",
        );
        told("train.schedule.xyz = 1", "train.schedule: unknown key `xyz`; there are `kind`, `warmup_steps`");
        told(
            "model.hidden = { back = 1 }",
            "model.hidden: unknown key `back`; there are `forward`, `reverse`",
        );
    }

    #[test]
    fn values_are_told_with_what_would_be_right() {
        told("model.cell = \"LSMT\"", "model.cell: unknown value `LSMT`; did you mean `lstm`?");
        let cells = "model.cell: must be one of `rnn`, `gru`, `lstm`";
        for value in ["1", "[\"gru\"]", "{ gru = 1 }"] {
            told(&format!("model.cell = {value}"), cells);
        }
        for (value, shown) in [
            ("\"two\"", "\"two\""),
            ("-1", "-1"),
            ("1.0", "1.0"),
            ("true", "true"),
            ("[1]", "an array"),
            ("{}", "a table"),
            ("1979-05-27", "1979-05-27"),
            ("99999999999999999999", "99999999999999999999"),
            ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
        ] {
            let expected = format!("train.epochs: must be a whole number, 0 or more, is {shown}");
            told(&format!("train.epochs = {value}"), &expected);
        }
        told("seed = -1", "seed: must be a whole number from 0 to 4294967295, is -1");
        told("model.dropout = 1e999", "model.dropout: must be a number, is 1e999");
        told("model = 3", "model: must be a table, is 3");
        told("model = [\"lstm\"]", "model: must be a table, is an array");
        told("sweep.grid = [1]", "sweep.grid: must be a table, is an array");
        told("data.classes = [1]", "data.classes: must be a string, is 1");
        told("data.test_images = 1", "data.test_images: must be a string, is 1");
        let alone = "a net that reads forward alone has `hidden = 1` and `bidirectional = false`";
        told("model.hidden = { forward = 1 }", &format!("model.hidden: `reverse` is missing; {alone}"));
        let hidden = "a whole number, 1 or more, { forward = .., reverse = .. } or { reverse = .. }";
        told("model.hidden = -1", &format!("model.hidden: must be {hidden}, is -1"));
        told("train.optimizer.betas = [0.9]", "train.optimizer.betas: must be an array of 2 values, has 1");
        told(
            "train.optimizer.betas = [0.9, 0.9, 0.9]",
            "train.optimizer.betas: must be an array of 2 values, has 3",
        );
    }
}
