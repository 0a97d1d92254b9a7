//! Bars that lie, a group of them for each name, from 0 to either side.

use super::axis::Axis;
use super::frame::LEFT;
use super::strips::shortened;
use super::svg::Svg;
use crate::number::number;

/// Groups of bars over the same axis.
#[derive(Debug)]
pub(crate) struct Bars {
    /// What the values are.
    pub(crate) label: String,
    /// Of each group its name and its values, in the order of their colours.
    pub(crate) groups: Vec<(String, Vec<f64>)>,
}

const WIDTH: f64 = 400.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 6.0;
/// The room of the axis.
const BOTTOM: f64 = 42.0;
/// The height of a bar, and what is between groups.
const BAR: f64 = 8.0;
const BETWEEN: f64 = 7.0;

impl Bars {
    pub(crate) fn draw(&self) -> Svg {
        let axis =
            Axis::linear(self.groups.iter().flat_map(|(_, values)| values.iter().copied()), true, false);
        let across = |value: f64| axis.position(value).map(|share| LEFT + share * (WIDTH - RIGHT - LEFT));
        let heights = self.groups.iter().map(|(_, values)| BAR * values.len() as f64 + BETWEEN);
        let bottom = TOP + heights.sum::<f64>();
        let mut svg = Svg::new(WIDTH, bottom + BOTTOM);
        for &tick in &axis.ticks {
            if let Some(across) = across(tick) {
                svg.line("grid", (across, TOP), (across, bottom));
                svg.text("tick middle", (across, bottom + 17.0), &number(tick));
            }
        }
        let mut top = TOP;
        for (name, values) in &self.groups {
            let middle = top + BAR * values.len() as f64 / 2.0;
            svg.text("label end", (LEFT - 6.0, middle + 4.0), &shortened(name));
            for (style, &value) in values.iter().enumerate() {
                if let (Some(from), Some(to)) = (across(0.0), across(value)) {
                    svg.rectangle(&format!("part s{style}"), (from, top), (to, top + BAR));
                }
                top += BAR;
            }
            top += BETWEEN;
        }
        if let Some(zero) = across(0.0) {
            svg.line("axis", (zero, TOP), (zero, bottom));
        }
        svg.text("label middle", ((LEFT + WIDTH - RIGHT) / 2.0, bottom + BOTTOM - 8.0), &self.label);
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(groups: &[(&str, &[f64])]) -> String {
        let groups = groups.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect();
        Bars { label: "margin".to_owned(), groups }.draw().finish("x", "title", "description")
    }

    #[test]
    fn bars_go_from_zero_to_their_values() {
        let text = drawn(&[("<a>", &[2.0, -1.0]), ("b", &[0.0, 1.0])]);
        let parsed = roxmltree::Document::parse(&text).unwrap();
        let bars = |style: &str| -> [(f64, f64); 2] {
            let own = parsed.descendants().filter(|node| node.attribute("class") == Some(style));
            let of = |node: roxmltree::Node, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let found: Vec<_> = own.map(|node| (of(node, "x"), of(node, "width"))).collect();
            found.try_into().unwrap()
        };
        let ([first, zero], [second, third]) = (bars("part s0"), bars("part s1"));
        // To the right and to the left of zero, in proportion.
        assert_eq!(first.0, zero.0);
        assert!((first.1 - 2.0 * second.1).abs() < 0.11 && (second.0 + second.1 - first.0).abs() < 0.11);
        assert_eq!((zero.1, third), (0.0, (first.0, second.1)));
        assert!(text.contains(">&lt;a&gt;<") && text.contains(">margin<"));
    }

    #[test]
    fn whatever_the_values_the_drawing_is_well_formed() {
        for groups in
            [&[][..], &[("a", &[f64::NAN, 1.0][..])], &[("a", &[0.0, 0.0])], &[("a", &[-1e9, 1e-9])]]
        {
            let text = drawn(groups);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            roxmltree::Document::parse(&text).unwrap();
        }
    }
}
