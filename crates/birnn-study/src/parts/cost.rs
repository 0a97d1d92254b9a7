//! What a second direction costs.

use anyhow::{Context, Result};
use birnn_report::chart::{Axis, Chart, Line, Scale, Side};
use serde::Deserialize;

use super::{Part, Section, Table};
use crate::runner::Runner;

/// Of the bench's `bench.json` what is asked for here.
#[derive(Deserialize)]
struct Bench {
    machine: Machine,
    points: Vec<Measured>,
}

#[derive(Deserialize)]
struct Machine {
    cpu: String,
    threads: usize,
}

#[derive(Deserialize)]
struct Measured {
    point: Net,
    timed: Vec<Timed>,
    forward: Vec<Timed>,
}

#[derive(Deserialize)]
struct Net {
    batch: usize,
    time: usize,
    bidirectional: bool,
}

/// Milliseconds.
#[derive(Deserialize)]
struct Timed {
    contender: String,
    median: f64,
    p25: f64,
    p75: f64,
}

/// Who is measured, as the bench and as the page call them.
const WHO: [(&str, &str); 2] = [("birnn", "birnn"), ("libtorch", "libtorch")];
/// The batch at which length is varied.
const BATCH: usize = 100;

/// Asks it.
pub fn study(runner: &Runner) -> Result<Section> {
    let out = runner.folder().join("cost");
    let mut args = vec!["--only", "directions", "--out"];
    let folder = out.to_str().context("the folder of runs is not UTF-8")?;
    args.push(folder);
    if runner.is_quick() {
        args.push("--quick");
    }
    let written = out.join("bench.json");
    if !written.is_file() {
        runner.beside("birnn-bench", &args)?;
    }
    let text = std::fs::read(written).context("the bench wrote no bench.json")?;
    let bench: Bench = serde_json::from_slice(&text).context("bench.json is not of this version")?;
    Ok(section(&bench))
}

fn section(bench: &Bench) -> Section {
    let points: Vec<&Measured> = bench.points.iter().filter(|at| !at.forward.is_empty()).collect();
    let pairs: Vec<(&Measured, &Measured)> = points
        .iter()
        .filter(|one| !one.point.bidirectional)
        .filter_map(|one| {
            let same = |two: &&&Measured| {
                two.point.bidirectional
                    && (two.point.batch, two.point.time) == (one.point.batch, one.point.time)
            };
            Some((*one, *points.iter().find(same)?))
        })
        .collect();
    let mut found = Vec::new();
    let mut rows = Vec::new();
    for (who, name) in WHO {
        let ratios = |of: fn(&Measured) -> &[Timed]| -> Vec<f64> {
            let ratio = |(one, two): &(&Measured, &Measured)| {
                Some(timed(of(two), who)?.median / timed(of(one), who)?.median)
            };
            pairs.iter().filter_map(ratio).collect()
        };
        let [steps, forward] = [ratios(|at| &at.timed), ratios(|at| &at.forward)].map(|ratios| {
            let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{low:.2} to {high:.2}")
        });
        found.push(format!(
            "**{name}**: a training step of two directions takes {steps} times that of one, and the answers alone \
             {forward} times, by length and batch."
        ));
        for (one, two) in &pairs {
            let cell = |of: &[Timed]| {
                timed(of, who).map_or_else(String::new, |ms| {
                    let Timed { median, p25, p75, .. } = ms;
                    format!("{median:.2} ({p25:.2} to {p75:.2})")
                })
            };
            let ratio = |one: &[Timed], two: &[Timed]| match (timed(one, who), timed(two, who)) {
                (Some(one), Some(two)) => format!("{:.2}", two.median / one.median),
                _ => String::new(),
            };
            rows.push(vec![
                name.to_owned(),
                one.point.batch.to_string(),
                one.point.time.to_string(),
                cell(&one.timed),
                cell(&two.timed),
                ratio(&one.timed, &two.timed),
                cell(&one.forward),
                cell(&two.forward),
                ratio(&one.forward, &two.forward),
            ]);
        }
    }
    let line = |who: &str, name: &str, both: bool| {
        let of_length = pairs.iter().filter(|(one, _)| one.point.batch == BATCH);
        let point = |(one, two): &(&Measured, &Measured)| {
            let at = if both { two } else { one };
            Some((one.point.time as f64, timed(&at.timed, who)?.median))
        };
        let ways = if both { "two directions" } else { "one direction" };
        Line::new(&format!("{name}, {ways}"), of_length.filter_map(point).collect())
    };
    let lines: Vec<Line> =
        WHO.iter().flat_map(|(who, name)| [line(who, name, false), line(who, name, true)]).collect();
    let values = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        lines.iter().flat_map(|line| line.points.iter().map(of)).collect()
    };
    let (xs, ys) = (values(|point| point.0), values(|point| point.1));
    Section {
        part: Part::Cost,
        said: "A net that reads both ways is slow.",
        asked: format!(
            "Two LSTM layers of 128 units each way, read by their final states, on {} with {} threads; milliseconds, \
             medians with quartiles in brackets, taken in turns. A second direction doubles the first layer's \
             arithmetic, and makes the second layer's inputs twice as wide: 2.5 times the products of a forward pass.",
            bench.machine.cpu, bench.machine.threads
        ),
        found,
        tables: vec![Table {
            title: "Milliseconds".to_owned(),
            head: [
                "",
                "batch",
                "steps",
                "training step, one direction",
                "two",
                "two / one",
                "forward, one direction",
                "two",
                "two / one",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        }],
        charts: vec![Chart {
            id: "cost".to_owned(),
            title: format!("A training step of {BATCH} sequences by their length"),
            caption: String::new(),
            x: Side::new("steps", Axis::at(Scale::Logarithmic, &xs)),
            y: Side::new("milliseconds", Axis::logarithmic(ys.into_iter())),
            lines,
        }],
        commands: vec![("all".to_owned(), "cargo xtask bench --only directions".to_owned())],
    }
}

fn timed<'a>(all: &'a [Timed], who: &str) -> Option<&'a Timed> {
    all.iter().find(|timed| timed.contender == who)
}
