//! One thing that was looked at.

use serde::Serialize;

/// A finding, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What was looked at, in a word or two.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was found; text from files and names is as it is, not escaped.
    #[serde(rename = "text")]
    pub finding: String,
    /// What to do about it; `None` where there is nothing to do.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Training works, and something could be better.
    Note,
    /// Something will not work.
    Problem,
}

impl Item {
    pub(crate) fn ok(name: &'static str, finding: impl Into<String>) -> Item {
        Item { name, state: State::Ok, finding: finding.into(), remedy: None }
    }

    pub(crate) fn note(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Item {
        Item { name, state: State::Note, finding: finding.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn problem(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Item {
        Item { state: State::Problem, ..Item::note(name, finding, remedy) }
    }
}

impl State {
    /// The word for it: `ok`, `note` or `problem`.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
        }
    }
}
