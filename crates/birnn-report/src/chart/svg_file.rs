//! A chart as a file of its own, for documents that show pictures but have no style sheet for them.

use super::frame::{Frame, LEFT};
use super::line_chart::Chart;

/// The width and height of the drawing.
const SIZE: (f64, f64) = (720.0, 400.0);
/// The room of the title above it, and of the key below it.
const TITLE: f64 = 26.0;
const KEY: f64 = 22.0;
/// What a name in the key takes per character, and its swatch.
const CHARACTER: f64 = 7.0;
const SWATCH: f64 = 24.0;

/// Light alone: who shows the file decides on the ground around it. The colours are Okabe and Ito's, which
/// the colour-blind can tell apart.
const STYLE: &str = "text { font: 12.5px sans-serif; fill: #1c1f24; } .title { font-size: 14px; font-weight: \
    600; } .tick { fill: #555d68; } .middle { text-anchor: middle; } .end { text-anchor: end; } .grid { \
    stroke: #e1e1e1; stroke-width: .75; } .axis { stroke: #555d68; } .line { fill: none; stroke-width: 2; \
    stroke-linejoin: round; stroke-linecap: round; } .line.s0 { stroke: #0072b2; } .line.s1 { stroke: \
    #d55e00; } .line.s2 { stroke: #009e73; } .line.s3 { stroke: #cc79a7; } .dot.s0 { fill: #0072b2; } \
    .dot.s1 { fill: #d55e00; } .dot.s2 { fill: #009e73; } .dot.s3 { fill: #cc79a7; }";

impl Chart {
    /// The chart as a whole SVG file: with its title above, and a key below where it has several lines.
    pub fn svg_file(&self) -> String {
        let (width, height) = SIZE;
        let mut svg = self.draw(Frame::sized(&self.x, &self.y, SIZE));
        svg.text("title middle", (width / 2.0, -8.0), &self.title);
        let mut below = 0.0;
        if self.lines.len() > 1 {
            below = KEY;
            let mut x = LEFT;
            for (style, line) in self.lines.iter().enumerate() {
                let middle = height + KEY / 2.0;
                if line.scattered {
                    svg.circle(&format!("dot s{style}"), (x + SWATCH / 2.0, middle - 4.0), 2.5);
                } else {
                    svg.line(&format!("line s{style}"), (x, middle - 4.0), (x + SWATCH, middle - 4.0));
                }
                svg.text("key", (x + SWATCH + 6.0, middle), &line.name);
                x += SWATCH + 22.0 + CHARACTER * line.name.chars().count() as f64;
            }
        }
        svg.finish_file(TITLE, below, STYLE, &self.title, &self.description())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Line, Scale, Side};
    use super::*;

    fn chart(lines: Vec<Line>) -> Chart {
        Chart {
            id: "batch".to_owned(),
            title: "A step <of> training".to_owned(),
            caption: String::new(),
            x: Side::new("images", Axis::at(Scale::Logarithmic, &[1.0, 4096.0])),
            y: Side::new("milliseconds", Axis::logarithmic([0.5, 900.0].into_iter())),
            lines,
        }
    }

    #[test]
    fn a_file_is_well_formed_and_has_its_words_and_colours() {
        let points = vec![(1.0, 0.5), (4096.0, 900.0)];
        let lines = vec![Line::new("birnn", points.clone()), Line::dots("libtorch", points)];
        let file = chart(lines).svg_file();
        let parsed = roxmltree::Document::parse(&file).unwrap();
        let root = parsed.root_element();
        assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
        assert_eq!(root.attribute("viewBox"), Some("0 -26 720 448"));
        let texts: Vec<_> = parsed.descendants().filter(|node| node.has_tag_name("text")).collect();
        for expected in ["A step <of> training", "images", "milliseconds", "4,096", "birnn", "libtorch"] {
            assert!(texts.iter().any(|node| node.text() == Some(expected)), "no {expected} in {file}");
        }
        let classes: Vec<_> = parsed.descendants().filter_map(|node| node.attribute("class")).collect();
        let count = |class: &str| classes.iter().filter(|other| **other == class).count();
        // Of the line: itself, a dot at each end, and the key's. Of the dots: two, and the key's.
        assert_eq!((count("line s0"), count("dot s0"), count("dot s1")), (2, 2, 3));
        assert!(STYLE.contains(".line.s0") && STYLE.contains(".dot.s1"));
    }

    #[test]
    fn a_single_line_needs_no_key() {
        let file = chart(vec![Line::new("birnn", vec![(1.0, 1.0)])]).svg_file();
        assert!(!file.contains(">birnn<") && file.contains("viewBox=\"0 -26 720 426\""), "{file}");
    }
}
