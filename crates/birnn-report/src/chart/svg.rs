//! Inline SVG: shapes with classes, which the page's style sheet colours, and texts, which are escaped here.
//!
//! The drawings are our own because their colours are CSS variables, which follow the reader's light or dark
//! mode.

use std::fmt::Write;

/// A drawing in the making. Lengths are in its own units.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// A point in a drawing, from its upper left corner, or a pair of values.
pub type Point = (f64, f64);

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Svg {
        Svg { width, height, body: String::new() }
    }

    pub(crate) fn line(&mut self, class: &str, (x1, y1): Point, (x2, y2): Point) {
        self.add(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    pub(crate) fn polyline(&mut self, class: &str, points: &[Point]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.add(format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
    }

    pub(crate) fn circle(&mut self, class: &str, (x, y): Point, radius: f64) {
        self.add(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#));
    }

    /// From one corner to the opposite one.
    pub(crate) fn rectangle(&mut self, class: &str, (x1, y1): Point, (x2, y2): Point) {
        let (x, y, width, height) = (x1.min(x2), y1.min(y2), (x2 - x1).abs(), (y2 - y1).abs());
        self.add(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): Point, text: &str) {
        self.add(format_args!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(text)));
    }

    /// A text that runs upwards.
    pub(crate) fn upright_text(&mut self, class: &str, (x, y): Point, text: &str) {
        let text = escaped(text);
        self.add(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" transform="rotate(-90 {x:.1} {y:.1})">{text}</text>"#
        ));
    }

    /// The element. Who cannot see it is told `title` and `description`; `id` is the drawing's own on its
    /// page.
    pub(crate) fn finish(self, id: &str, title: &str, description: &str) -> String {
        let Svg { width, height, body } = self;
        let (title, description) = (escaped(title), escaped(description));
        format!(
            r#"<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{body}</svg>"#
        )
    }

    /// A whole file, on white and coloured by `style`, with room of these heights `above` and `below` the
    /// drawing.
    pub(crate) fn finish_file(
        self,
        above: f64,
        below: f64,
        style: &str,
        title: &str,
        description: &str,
    ) -> String {
        let Svg { width, height, body } = self;
        let (title, description) = (escaped(title), escaped(description));
        let (top, height) = (-above, above + height + below);
        let xmlns = "http://www.w3.org/2000/svg";
        format!(
            "<svg xmlns=\"{xmlns}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 {top} {width} \
             {height}\" \
             role=\"img\"><title>{title}</title><desc>{description}</desc><style>{style}</style><rect \
             y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>{body}</svg>\n"
        )
    }

    fn add(&mut self, element: std::fmt::Arguments) {
        // Writing into a string does not fail.
        let _ = self.body.write_fmt(element);
    }
}

/// A text as it may stand between tags and within quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_the_drawing_is_well_formed() {
        let mut svg = Svg::new(100.0, 50.0);
        svg.text("t", (1.0, 2.0), "<script>alert('1' & \"2\")</script>");
        svg.upright_text("t", (1.0, 2.0), "a < b");
        svg.polyline("l", &[(0.0, 0.0), (1.0, 1.0)]);
        svg.rectangle("b", (5.0, 5.0), (1.0, 2.0));
        let text = svg.finish("x", "</title><script>", "\"");
        assert!(!text.contains("<script"), "{text}");
        let parsed = roxmltree::Document::parse(&text).unwrap();
        let drawn: Vec<_> = parsed.descendants().filter_map(|node| node.attribute("width")).collect();
        assert_eq!(drawn, ["4.0"]);
        assert!(parsed.descendants().any(|node| node.text() == Some("</title><script>")));
    }
}
