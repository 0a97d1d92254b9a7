//! A table of numbers whose cells are shaded by them.

use askama::Template;

/// A table from one set of names to another, each cell shaded.
#[derive(Debug, Template)]
#[template(path = "heat_map.html")]
pub(crate) struct HeatMap {
    /// What the style sheet calls it.
    pub(crate) class: &'static str,
    /// What it shows, for who cannot see it.
    pub(crate) label: &'static str,
    pub(crate) caption: String,
    /// What rows are, and what columns are.
    pub(crate) corner: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// One per column.
    pub(crate) cells: Vec<Cell>,
}

#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// More than there is room for, shown when it is pointed at; most have none.
    pub(crate) title: String,
    /// `right` or `wrong` and a shade, or why there is none.
    pub(crate) style: String,
}

/// Shades, from the faintest.
const SHADES: f64 = 5.0;

/// The style of a cell of this `kind` by its share of the largest.
pub(crate) fn shade(kind: &str, value: f64, largest: f64) -> String {
    let share = if largest > 0.0 { value / largest } else { 0.0 };
    format!("{kind}{}", (SHADES * share).ceil().clamp(1.0, SHADES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_shares_of_the_largest() {
        let shades = [1e-9, 0.2, 0.21, 0.99, 1.0, 1.0 + 1e-9].map(|value| shade("right", value, 1.0));
        assert_eq!(shades, ["right1", "right1", "right2", "right5", "right5", "right5"]);
        assert_eq!(shade("wrong", 0.0, 0.0), "wrong1", "of nothing but zeros");
    }

    #[test]
    fn a_cell_says_more_where_there_is_more_to_say() {
        let cell = |text: &str, title: &str| Cell {
            text: text.to_owned(),
            title: title.to_owned(),
            style: "none".to_owned(),
        };
        let map = HeatMap {
            class: "confusion",
            label: "A map",
            caption: "Numbers <by> name".to_owned(),
            corner: "from \\ to",
            columns: vec!["a".to_owned(), "b".to_owned()],
            rows: vec![Row { name: "\"c\"".to_owned(), cells: vec![cell("1", ""), cell("2", "2 & more")] }],
        };
        let html = map.render().unwrap();
        for part in [
            "<div class=\"scroll confusion\" tabindex=\"0\" role=\"region\" aria-label=\"A map\">",
            "<td class=\"none\">1</td><td class=\"none\" title=\"2 &#38; more\">2</td>",
            "<th scope=\"col\">from \\ to</th><th scope=\"col\">a</th>",
        ] {
            assert!(html.contains(part), "no `{part}` in {html}");
        }
        roxmltree::Document::parse(&html).unwrap();
    }
}
