//! How tests of texts say what was read, in a line.

use std::fmt::Write as _;

use crate::file_error::FileProblem;
use crate::series::file::{FileTargets, SeriesFile};
use crate::targets::Per;

/// What was read, sentence by sentence: `1: a/X b/Y | 4: c/Z` with tags, `1 X: a b` with classes. Or what is
/// wrong.
pub(super) fn told(read: Result<SeriesFile, FileProblem>) -> String {
    match read {
        Ok(file) => told_of(&file),
        Err(error) => one_line(&error.to_string()),
    }
}

/// An error, if it is one line and shows little of what it is about.
#[track_caller]
pub(super) fn one_line(error: &str) -> String {
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
    error.to_owned()
}

fn told_of(file: &SeriesFile) -> String {
    let SeriesFile { sequences, targets, lines, .. } = file;
    assert_eq!((lines.len(), sequences.features()), (sequences.len(), 1));
    let mut text = String::new();
    let name = |per: Per, position: usize| -> Option<&str> {
        let FileTargets { targets, names } = targets.as_ref()?;
        assert_eq!(targets.len(), if targets.per == Per::Step { sequences.steps() } else { sequences.len() });
        (targets.per == per).then(|| names[usize::from(targets.classes().unwrap()[position])].as_str())
    };
    for (index, (sentence, line)) in sequences.iter().zip(lines).enumerate() {
        let class = name(Per::Sequence, index).map_or(String::new(), |class| format!(" {class}"));
        write!(text, "{}{line}{class}:", if index > 0 { " | " } else { "" }).unwrap();
        for (word, position) in sentence.words().zip(sequences.steps_of(index)) {
            let tag = name(Per::Step, position).map_or(String::new(), |tag| format!("/{tag}"));
            write!(text, " {word}{tag}").unwrap();
        }
    }
    text
}

/// What was read of each text must be told in this way, and of an error the beginning.
#[track_caller]
pub(super) fn all_are_read(cases: &[(&str, &str)], read: impl Fn(&[u8]) -> Result<SeriesFile, FileProblem>) {
    for (text, expected) in cases {
        let found = told(read(text.as_bytes()));
        let is_as_told = match expected.strip_suffix("..") {
            Some(begin) => found.starts_with(begin),
            None => found == *expected,
        };
        assert!(is_as_told, "{text:?}\n   found {found}\nexpected {expected}");
    }
}
