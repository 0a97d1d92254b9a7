//! Why a file of weights cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

/// A weights file that cannot be read, or does not hold what is wanted.
#[derive(thiserror::Error)]
#[error("{}: {problem}", .path.display())]
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

/// Characters of a message about a file, which may be told in words of the file's own.
const LONGEST: usize = 1000;

/// What a terminal can show as it is: names in a file, and what other libraries say of it, may hold anything.
pub(crate) fn shown(problem: &str) -> String {
    let mut shown = String::new();
    for (index, character) in problem.chars().enumerate() {
        match character {
            _ if index == LONGEST => {
                shown.push_str("...");
                break;
            }
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_is_shown_on_one_line_without_control_characters() {
        let about = |problem: &str| FormatError::about(Path::new("x"))(problem.to_owned()).to_string();
        assert_eq!(about("`\u{1b}[31m\n\u{202e}`"), "x: `\\u{1b}[31m\\n\\u{202e}`");
        assert_eq!(about(r#"a "b" 'c' \u{1b} e"#), r#"x: a "b" 'c' \u{1b} e"#);
        assert_eq!(about(&"a".repeat(5000)).len(), 1006);
    }
}
