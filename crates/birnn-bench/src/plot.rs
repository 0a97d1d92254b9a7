//! A sweep as a picture: milliseconds per step, one line per contender.

use birnn_report::chart::{Axis, Chart, Line, Point, Scale, Side};

use crate::bench::Bench;
use crate::contender::Kind;
use crate::sweeps::Sweep;
use crate::turns::{Timed, median};

/// In the order of their colours.
const LINES: [Kind; 5] = [Kind::Birnn, Kind::Libtorch, Kind::Pytorch, Kind::Packed, Kind::Padded];

/// The SVG of a sweep, if it was measured at two points or more.
pub fn svg(bench: &Bench, sweep: Sweep) -> Option<String> {
    let (label, scale) = sweep.axis().filter(|_| bench.sweeps.contains(&sweep))?;
    let measured = measured(bench, sweep);
    if measured.len() < 2 {
        return None;
    }
    let lines: Vec<Line> = LINES
        .into_iter()
        .map(|kind| {
            let point = |(x, timed): &(f64, &[Timed])| Some((*x, median(timed, kind)?));
            Line::new(&kind.to_string(), measured.iter().filter_map(point).collect())
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    let values = |of: fn(&Point) -> f64| lines.iter().flat_map(move |line| line.points.iter().map(of));
    let xs: Vec<f64> = values(|point| point.0).collect();
    let ys = values(|point| point.1);
    let y = match scale {
        Scale::Linear => Axis::linear(ys, true, false),
        Scale::Logarithmic => Axis::logarithmic(ys),
    };
    let chart = Chart {
        id: sweep.name(),
        title: format!("A training step against {label}"),
        caption: String::new(),
        x: Side::new(label, Axis::at(scale, &xs)),
        y: Side::new("milliseconds per step", y),
        lines,
    };
    Some(chart.svg_file())
}

/// The values on a sweep's axis, ascending, with what was measured there.
fn measured(bench: &Bench, sweep: Sweep) -> Vec<(f64, &[Timed])> {
    if sweep == Sweep::Threads {
        return bench.threads.iter().map(|at| (at.threads as f64, at.timed.as_slice())).collect();
    }
    let at = |point| Some((sweep.x(point)? as f64, bench.at(point)?.timed.as_slice()));
    sweep.points().iter().filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::made_up::bench;

    #[test]
    fn a_picture_names_its_lines_axes_and_ticks() {
        let svg = svg(&bench(), Sweep::Batch).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["birnn", "libtorch", "PyTorch", "milliseconds per step", "images per step", "4,096"] {
            assert!(svg.contains(&format!(">{text}</text>")), "no {text} in {svg}");
        }
        for style in ["s0", "s1", "s2"] {
            let drawn = |element: &str| svg.matches(&format!("<{element} class=\"line {style}\"")).count();
            // One in the plot, one in its key.
            assert_eq!((drawn("polyline"), drawn("line")), (1, 1), "{style}");
        }
    }

    #[test]
    fn only_what_was_measured_is_drawn() {
        let mut bench = bench();
        let threads = svg(&bench, Sweep::Threads).unwrap();
        assert!(threads.contains(">threads</text>") && !threads.contains("PyTorch"), "{threads}");
        assert!(svg(&bench, Sweep::Memory).is_none());
        bench.threads.truncate(1);
        assert!(svg(&bench, Sweep::Threads).is_none());
        bench.sweeps = vec![Sweep::Cells];
        assert!(svg(&bench, Sweep::Batch).is_none());
    }
}
