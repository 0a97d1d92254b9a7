//! Which key or value of a TOML text lies where, and how such a span of it is shown.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

/// What of a setting is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its name.
    Key,
    /// What it is set to; of a table with a header of its own, its name.
    Value,
}

/// A setting of a text, or its name.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The keys that lead to it.
    pub path: Vec<String>,
    pub part: Part,
    pub span: Range<usize>,
}

impl Setting {
    /// Its dotted key.
    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }
}

/// A setting found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many keys of the path are there.
    pub depth: usize,
    /// Where the last of them lies, or its value.
    pub span: Range<usize>,
}

/// As much of `path` as is in `text`, and where.
pub(crate) fn find(text: &str, path: &[impl AsRef<str>], part: Part) -> Option<Found> {
    let document = Document::parse(text).ok()?;
    let mut table: Option<&dyn TableLike> = Some(document.as_table());
    let mut found = None;
    for (index, name) in path.iter().enumerate() {
        let Some((key, item)) = table.and_then(|table| table.get_key_value(name.as_ref())) else { break };
        let is_meant = part == Part::Value && index + 1 == path.len();
        let value = if let (true, Item::Value(value)) = (is_meant, item) { value.span() } else { None };
        if let Some(span) = value.or_else(|| key.span()) {
            found = Some(Found { depth: index + 1, span });
        }
        table = item.as_table_like();
    }
    found
}

/// Line and column of `offset`, both from 1.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Characters of a line that are shown; of longer ones, as many around the span.
const WIDTH: usize = 100;
/// Of those, how many before the span.
const BEFORE: usize = 40;

/// The line of `text` that `span` begins in, with carets below. `number` is the line's, where lines have
/// numbers.
pub(crate) fn excerpt(text: &str, span: &Range<usize>, number: Option<usize>) -> String {
    let start = text.get(..span.start).map_or(text.len(), str::len);
    let first = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[first..].lines().next().unwrap_or_default();
    let column = text[first..start].chars().count();
    let marked = text.get(start..span.end).unwrap_or_default().lines().next().unwrap_or_default();
    let skipped = if line.chars().count() > WIDTH { column.saturating_sub(BEFORE) } else { 0 };

    let mut shown: String = line.chars().skip(skipped).take(WIDTH).map(visible).collect();
    let rest = shown.chars().count().saturating_sub(column - skipped).max(1);
    if line.chars().count() > skipped + WIDTH {
        shown.push_str(" ...");
    }
    let lead = if skipped > 0 { "... " } else { "" };
    let blank = " ".repeat(lead.len() + column - skipped);
    let carets = "^".repeat(marked.chars().count().clamp(1, rest));
    let number = number.map_or_else(|| " ".to_owned(), |number| number.to_string());
    let gutter = " ".repeat(number.len());
    format!("{gutter} |\n{number} | {lead}{shown}\n{gutter} | {blank}{carets}")
}

/// `text` on one line, with nothing that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// One cell of a terminal for each character: a tab would put the carets elsewhere, and control characters do
/// worse.
fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "seed = 1\n[train]\nepochs = 2\noptimizer = { lr = 0.1 }\n[train.schedule]\nkind = \"x\"\n";

    #[track_caller]
    fn at(marked: &str, path: &str, part: Part) {
        let start = TEXT.find(marked).unwrap();
        let span = start..start + marked.len();
        let keys: Vec<&str> = path.split('.').collect();
        assert_eq!(find(TEXT, &keys, part), Some(Found { depth: keys.len(), span }));
    }

    #[test]
    fn keys_and_values_are_found() {
        at("seed", "seed", Part::Key);
        at("1", "seed", Part::Value);
        at("epochs", "train.epochs", Part::Key);
        at("lr", "train.optimizer.lr", Part::Key);
        at("0.1", "train.optimizer.lr", Part::Value);
        at("{ lr = 0.1 }", "train.optimizer", Part::Value);
        at("schedule", "train.schedule", Part::Key);
        at("\"x\"", "train.schedule.kind", Part::Value);
        let absent = find(TEXT, &["train", "batch_size"], Part::Value).unwrap();
        assert_eq!((absent.depth, &TEXT[absent.span]), (1, "train"));
        assert_eq!(find(TEXT, &["model"], Part::Value), None);
    }

    #[test]
    fn carets_stand_below_what_is_meant() {
        assert_eq!(excerpt("a = 1\n\tbc = 2\r\n", &(7..9), Some(12)), "   |\n12 |  bc = 2\n   |  ^^");
        assert_eq!(excerpt("é = [\n1,\n]", &(5..10), None), "  |\n  | é = [\n  |     ^");
        assert_eq!(excerpt("a =", &(3..3), Some(1)), "  |\n1 | a =\n  |    ^");
        assert_eq!(excerpt("", &(0..0), Some(1)), "  |\n1 | \n  | ^");
    }

    #[test]
    fn of_a_long_line_the_span_is_shown() {
        let text = format!("a = \"{}\"\nb = 1", "x".repeat(300));
        let shown = excerpt(&text, &(4..306), Some(1));
        assert!(shown.lines().all(|line| line.len() < 115) && shown.contains(" ..."), "{shown}");
        let shown = excerpt(&text, &(200..203), Some(1));
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].starts_with("1 | ... xxx") && lines[2].ends_with(" ^^^"), "{shown}");
        assert_eq!(lines[2].len(), "1 | ... ".len() + 40 + 3);
    }
}
