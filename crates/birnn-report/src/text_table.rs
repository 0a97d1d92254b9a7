//! Columns of plain text.

use birnn_data::escape;

/// The width in characters that fits most terminals.
pub const WIDTH: usize = 100;
const GAP: usize = 2;

/// Rows of cells, the first of them headings.
#[derive(Debug)]
pub struct TextTable(Vec<Vec<String>>);

impl TextTable {
    /// A table of these cells, each of which becomes one line, escaped for a terminal.
    pub fn new(rows: Vec<Vec<String>>) -> TextTable {
        let cell = |cell: String| escape::line(&cell).into_owned();
        TextTable(rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect())
    }

    /// Each row one line, columns aligned; turned on its side where it is too wide and is narrower then.
    pub fn text(self) -> String {
        let turned = self.turned();
        if self.width() > WIDTH && turned.width() < self.width() { turned.lines() } else { self.lines() }
    }

    /// As [`TextTable::text`], whatever its width.
    pub fn lines(&self) -> String {
        let widths = self.widths();
        // Numbers end where those above and below end.
        let numeric: Vec<bool> = (0..widths.len())
            .map(|column| self.0.iter().skip(1).all(|row| row.get(column).is_none_or(|cell| is_number(cell))))
            .collect();
        let line = |row: &Vec<String>| {
            let cells =
                row.iter().zip(&widths).zip(&numeric).map(|((cell, &width), numeric)| match numeric {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:width$}"),
                });
            format!("{}\n", cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end())
        };
        self.0.iter().map(line).collect()
    }

    fn turned(&self) -> TextTable {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let column =
            |index: usize| self.0.iter().map(|row| row.get(index).cloned().unwrap_or_default()).collect();
        TextTable((0..columns).map(column).collect())
    }

    fn widths(&self) -> Vec<usize> {
        let turned = self.turned();
        let width = |row: &Vec<String>| row.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        turned.0.iter().map(width).collect()
    }

    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }
}

fn is_number(cell: &str) -> bool {
    cell.is_empty()
        || cell == NONE
        || cell.trim_start_matches(['+', '-', '<', ' ']).starts_with(|c: char| c.is_ascii_digit())
}

/// Stands where there is no value.
pub const NONE: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]]) -> TextTable {
        TextTable::new(rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect())
    }

    #[test]
    fn columns_are_aligned_numbers_by_their_ends() {
        let table = table(&[&["", "A", "B"], &["cell", "lstm", "gru"], &["é", "2", "-"]]);
        assert_eq!(table.lines(), "      A     B\ncell  lstm  gru\né     2     -\n");
        assert_eq!(table.turned().lines(), "   cell  é\nA  lstm  2\nB  gru   -\n");
        let numbers = self::table(&[&["x", "n"], &["a", "7"], &["b", "+10.5"], &["c", "<1e-9"]]);
        assert_eq!(numbers.text(), "x      n\na      7\nb  +10.5\nc  <1e-9\n");
    }

    #[test]
    fn a_cell_is_one_line() {
        let table = table(&[&["name", "n"], &["a\nb", "\u{1b}[2J"]]);
        assert_eq!(table.lines(), "name  n\na\\nb  \\u001b[2J\n");
    }

    #[test]
    fn what_is_too_wide_is_turned() {
        let many: Vec<String> = (0..40).map(|n| format!("run{n}")).collect();
        let row: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = table(&[&row, &row]).text();
        assert_eq!(text.lines().count(), 40);
        assert!(text.starts_with("run0   run0\n"), "{text}");
    }
}
