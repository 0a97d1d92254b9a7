//! Line charts in SVG, for pages and as files of their own.
//!
//! A [`Chart`] has two [`Side`]s, each an [`Axis`] with its words, and [`Line`]s. On a page it is coloured by
//! the page's style sheet and comes with its numbers as a table; [`Chart::svg_file`] is a file that needs
//! neither.
//!
//! ```
//! use birnn_report::chart::{Axis, Chart, Line, Scale, Side};
//!
//! let points = vec![(1.0, 0.8), (8.0, 1.4), (64.0, 6.2)];
//! let chart = Chart {
//!     id: "batch".to_owned(),
//!     title: "A training step".to_owned(),
//!     caption: String::new(),
//!     x: Side::new("images per step", Axis::at(Scale::Logarithmic, &[1.0, 8.0, 64.0])),
//!     y: Side::new("milliseconds", Axis::logarithmic(points.iter().map(|point| point.1))),
//!     lines: vec![Line::new("birnn", points)],
//! };
//! assert!(chart.svg_file().starts_with("<svg xmlns="));
//! ```

mod axis;
mod bars;
mod frame;
mod line_chart;
mod strips;
mod svg;
mod svg_file;

pub use axis::{Axis, Scale};
pub(crate) use bars::Bars;
pub(crate) use frame::Frame;
pub use frame::Side;
pub(crate) use line_chart::thinned;
pub use line_chart::{Chart, Line};
pub(crate) use strips::{Bands, COLOURS, Strip, Strips, stretches, together_when_large};
pub use svg::Point;
pub(crate) use svg::escaped;
