//! A figure as the page shows it: a drawing, what its lines are, what it says, and its numbers as a table.

use askama::Template;

/// A drawing with its words.
#[derive(Debug, Template)]
#[template(path = "figure.html")]
pub(crate) struct Figure {
    /// Its own on the page.
    pub(crate) id: String,
    pub(crate) title: String,
    /// What it shows and how to read it.
    pub(crate) caption: String,
    /// The SVG element, escaped where it is drawn.
    pub(crate) svg: String,
    /// The names of its lines, in the order of their classes, and whether they are dots; empty where there is
    /// but one.
    pub(crate) legend: Vec<(String, bool)>,
    pub(crate) table: Table,
}

/// Rows of text under column headers; the first of each row is its header.
#[derive(Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A text in which no line ends between a number and its per cent sign.
pub(crate) fn tied(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

impl Table {
    pub(crate) fn new(caption: impl Into<String>, columns: &[&str], rows: Vec<Vec<String>>) -> Table {
        Table { caption: caption.into(), columns: columns.iter().map(ToString::to_string).collect(), rows }
    }
}
