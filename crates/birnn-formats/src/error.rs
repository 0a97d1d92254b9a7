//! Why a file of weights cannot be used, or what is in it is no net of birnn's.

use std::fmt;
use std::path::{Path, PathBuf};

use birnn_data::{escape, name};

/// A weights file that cannot be read, or does not hold what is wanted.
#[derive(thiserror::Error)]
#[error("{}: {problem}", name::shown(.path))]
pub struct FormatError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what would be right, on one line.
    pub problem: String,
}

/// What `main` shows of an error that it returns.
impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FormatError {
    /// For `map_err`: joins a problem with the file it is about.
    pub(crate) fn about(path: &Path) -> impl Fn(String) -> FormatError {
        move |problem| FormatError { path: path.to_owned(), problem: shown(&problem) }
    }
}

/// Why a state dict is of no model of birnn's, on one line.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InferError(String);

impl InferError {
    pub(crate) fn new(problem: String) -> InferError {
        InferError(shown(&problem))
    }
}

/// What `main` shows of an error that it returns.
impl fmt::Debug for InferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) fn refuse<T>(problem: String) -> Result<T, InferError> {
    Err(InferError::new(problem))
}

/// Characters of a message about a file, which may be told in words of the file's own.
const LONGEST: usize = 1000;
/// Characters of a name in it.
pub(crate) const LONGEST_NAME: usize = 100;

/// What a terminal can show as it is: names in a file, and what other libraries say of it, may hold anything.
pub(crate) fn shown(problem: &str) -> String {
    escape::short(problem, LONGEST)
}

/// A name from a file as messages have it: what a terminal can show, and not too much of it.
pub fn short_name(name: &str) -> String {
    escape::short(name, LONGEST_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_is_shown_on_one_line_without_control_characters() {
        let about = |problem: &str| FormatError::about(Path::new("x"))(problem.to_owned()).to_string();
        assert_eq!(about("`\u{1b}[31m\n\u{202e}`"), "x: `\\u001b[31m\\n\\u202e`");
        assert_eq!(about(r#"a "b" 'c' \u001b e"#), r#"x: a "b" 'c' \u001b e"#);
        assert_eq!(about(&"a".repeat(5000)).len(), 1006);
    }

    #[test]
    fn a_name_is_cut() {
        assert_eq!(short_name("it's `a\u{1b}`"), "it's `a\\u001b`");
        assert_eq!(short_name(&"é".repeat(100)), "é".repeat(100));
        assert_eq!(short_name(&"é".repeat(101)), format!("{}...", "é".repeat(100)));
    }
}
