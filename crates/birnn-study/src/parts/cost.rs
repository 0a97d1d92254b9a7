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
    features: usize,
    hidden: usize,
    layers: usize,
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

/// Who is measured.
const WHO: [&str; 2] = ["birnn", "libtorch"];
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
    runner.beside("birnn-bench", &args)?;
    let text = std::fs::read(out.join("bench.json")).context("the bench wrote no bench.json")?;
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
    for who in WHO {
        let ratios = |of: fn(&Measured) -> &[Timed]| -> Vec<f64> {
            let ratio = |(one, two): &(&Measured, &Measured)| {
                Some(timed(of(two), who)?.median / timed(of(one), who)?.median)
            };
            pairs.iter().filter_map(ratio).collect()
        };
        let both = [ratios(|at| &at.timed), ratios(|at| &at.forward)];
        if both.iter().any(Vec::is_empty) {
            continue;
        }
        let [steps, forward] = both.map(|ratios| {
            let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{low:.2} to {high:.2}")
        });
        found.push(format!(
            "**{who}**: a training step of two directions takes {steps} times that of one, and the answers \
             alone {forward} times, by length and batch."
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
                who.to_owned(),
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
    let line = |who: &str, both: bool| {
        let of_length = pairs.iter().filter(|(one, _)| one.point.batch == BATCH);
        let point = |(one, two): &(&Measured, &Measured)| {
            let at = if both { two } else { one };
            Some((one.point.time as f64, timed(&at.timed, who)?.median))
        };
        let ways = if both { "two" } else { "one" };
        Line::new(&format!("{who}, {ways}"), of_length.filter_map(point).collect())
    };
    let lines: Vec<Line> = WHO.iter().flat_map(|who| [line(who, false), line(who, true)]).collect();
    let products = pairs.first().map_or(String::new(), |(one, two)| {
        format!(
            " A second direction doubles a layer's arithmetic, and a layer above reads twice as much: {:.2} times the \
             products of a forward pass.",
            products(&two.point) / products(&one.point)
        )
    });
    let values = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        lines.iter().flat_map(|line| line.points.iter().map(of)).collect()
    };
    let (xs, ys) = (values(|point| point.0), values(|point| point.1));
    Section {
        part: Part::Cost,
        said: "A net that reads both ways is slow.",
        asked: format!(
            "Two LSTM layers of 128 units each way over 28 features, read by their final states, on {} with \
             {} threads; milliseconds, medians with quartiles in brackets, taken in turns.{products}",
            bench.machine.cpu, bench.machine.threads
        ),
        left_out: Vec::new(),
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
            title: format!("A training step of {BATCH} sequences, of one direction and of two"),
            caption: String::new(),
            x: Side::new("steps", Axis::at(Scale::Logarithmic, &xs)),
            y: Side::new("milliseconds", Axis::logarithmic(ys.into_iter())),
            lines,
        }],
        commands: vec![("all".to_owned(), "cargo xtask bench --only directions".to_owned())],
    }
}

/// Multiplications of a step of a forward pass, by gate and unit.
fn products(net: &Net) -> f64 {
    let directions = if net.bidirectional { 2 } else { 1 };
    let of_layer = |layer: usize| {
        let inputs = if layer == 0 { net.features } else { directions * net.hidden };
        directions * (inputs + net.hidden)
    };
    (0..net.layers).map(of_layer).sum::<usize>() as f64
}

fn timed<'a>(all: &'a [Timed], who: &str) -> Option<&'a Timed> {
    all.iter().find(|timed| timed.contender == who)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_compared_where_both_were_measured() {
        let point = |both: bool, time: usize, ms: f64| {
            let timed = serde_json::json!([{"contender": "birnn", "median": ms, "p25": ms, "p75": ms}]);
            serde_json::json!({
                "point": {"batch": 100, "time": time, "features": 28, "hidden": 128, "layers": 2,
                          "bidirectional": both},
                "timed": timed, "forward": timed
            })
        };
        let points = [point(false, 28, 10.0), point(true, 28, 26.0), point(true, 112, 99.0)];
        let bench = serde_json::json!({"machine": {"cpu": "Abacus", "threads": 2}, "points": points});
        let section = section(&serde_json::from_value(bench).unwrap());
        assert_eq!(section.found.len(), 1, "nothing of who was not measured");
        assert!(section.found[0].contains("takes 2.60 to 2.60 times that of one"), "{}", section.found[0]);
        assert!(section.asked.contains(": 2.62 times the products"), "{}", section.asked);
    }
}
