//! The page of a sweep.

use askama::Template;
use serde_json::Value;

use crate::chart::{Axis, Chart, Frame, Line, Point, Side};
use crate::curves::duration;
use crate::error::ReportError;
use crate::figure::{Figure, Table, tied};
use birnn_infer::Metric;

use crate::metric::Scored;
use crate::number::number;
use crate::stats::Summary;
use crate::sweep::{Outcome, Settings, Sweep, SweepRun, plus_minus, shown};

#[derive(Template)]
#[template(path = "sweep.html")]
struct Page<'a> {
    name: &'a str,
    banners: Vec<String>,
    summary: String,
    /// What the order goes by.
    ranking: String,
    settings: Table,
    figures: Vec<Figure>,
    keys: Vec<&'a str>,
    runs: Vec<Row<'a>>,
    experiment: &'a str,
    birnn: &'static str,
}

/// A run in the table of all.
struct Row<'a> {
    folder: &'a str,
    cells: Vec<String>,
}

/// Where the largest value of a setting is so many times the least, its axis is logarithmic.
const WIDE: f64 = 20.0;

/// The page of a sweep as far as it has come: HTML that needs nothing from elsewhere. `experiment` is its
/// file.
pub fn sweep_page(sweep: &Sweep, experiment: &str) -> Result<String, ReportError> {
    let mut banners = Vec::new();
    if let Some(dataset) = &sweep.substitute_for {
        banners.push(format!(
            "Trained and tested on synthetic digits, not on {dataset}, which could not be had."
        ));
    }
    banners.extend(sweep.problem.clone());
    let metric = sweep.metric();
    let order = if metric.is_share() { "" } else { ", the lowest first" };
    let name = metric.name();
    let ranking = match sweep.by_validation {
        true => format!(
            "In the order of the mean {name} on the validation samples{order}, which neither training nor the \
             test samples have to do with. The {name} on the test samples is there to be read, not to choose by."
        ),
        false => format!(
            "In the order of the mean {name} on the test samples{order}, as not all runs kept validation samples \
             back. Chosen in this way, the best is flattered: its {name} on other samples is likely {}. \
             With data.validation set, settings are ranked by samples of their own.",
            if metric.is_share() { "lower" } else { "higher" }
        ),
    };
    let keys = sweep.keys();
    let mut figures: Vec<Figure> = by_rank(sweep).into_iter().collect();
    figures.extend(keys.iter().enumerate().filter_map(|(index, key)| by_value(sweep, index, key)));
    let page = Page {
        name: &sweep.name,
        banners,
        summary: tied(&summary(sweep)),
        ranking,
        settings: settings(sweep),
        figures,
        runs: sweep.runs.iter().map(row).collect(),
        keys,
        experiment,
        birnn: env!("CARGO_PKG_VERSION"),
    };
    Ok(page.render()?)
}

fn summary(sweep: &Sweep) -> String {
    let done = sweep.runs.iter().filter(|run| run.outcome.is_some()).count();
    let mut text = format!("{} of {} runs are done", number(done as f64), number(sweep.runs.len() as f64));
    let failed = sweep.runs.iter().filter(|run| run.status.has_failed()).count();
    if failed > 0 {
        text += &format!(", {} failed", number(failed as f64));
    }
    text.push('.');
    if let Some(best) = sweep.settings.first().filter(|best| best.test.value.is_some()) {
        let which = match best.settings.is_empty() {
            true => "Its settings reach".to_owned(),
            false => format!("The best of {}, {}, reaches", sweep.settings.len(), named(&best.settings)),
        };
        let metric = best.test.metric;
        let name = if metric.is_share() { String::new() } else { format!("{} ", metric.name()) };
        let show = |summary: &Summary| plus_minus(summary, |value| metric.text(value));
        let validation = best
            .validation
            .map_or_else(String::new, |summary| format!("{} on the validation samples and ", show(&summary)));
        let test = best.test.value.map_or_else(String::new, |summary| show(&summary));
        let runs = best.test.value.map_or(0, |summary| summary.runs);
        let runs = if runs == 1 { "one run".to_owned() } else { format!("the mean of {runs} runs") };
        text += &format!(" {which} {name}{validation}{test} on the test samples, {runs}.");
    }
    text
}

/// Such as `model.hidden = 64, model.cell = gru`.
fn named(settings: &[(String, Value)]) -> String {
    settings.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect::<Vec<_>>().join(", ")
}

fn settings(sweep: &Sweep) -> Table {
    let show = |summary: Option<Summary>, show: &dyn Fn(f64) -> String| {
        summary.map_or_else(|| "–".to_owned(), |summary| plus_minus(&summary, show))
    };
    let row = |(rank, settings): (usize, &Settings)| {
        let Scored { metric, value: test } = settings.test;
        let score = |value: f64| tied(&metric.text(value));
        let range = test.map_or_else(
            || "–".to_owned(),
            |summary| format!("{} to {}", score(summary.low), score(summary.high)),
        );
        let own = settings.settings.iter().map(|(_, value)| shown(value));
        let figures = [
            test.map_or(0, |summary| summary.runs).to_string(),
            show(settings.validation, &score),
            show(test, &score),
            range,
            show(settings.loss, &|loss| format!("{loss:.4}")),
            show(settings.seconds, &duration),
        ];
        [(rank + 1).to_string()].into_iter().chain(own).chain(figures).collect()
    };
    let rows = sweep.settings.iter().enumerate().map(row).collect();
    let keys = sweep.keys();
    let ends = ["runs done", "validation", "test", "test, least to most", "test loss", "training"];
    let columns: Vec<&str> = ["rank"].into_iter().chain(keys).chain(ends).collect();
    Table::new("Mean ± standard deviation over the runs of each setting", &columns, rows)
}

fn row(run: &SweepRun) -> Row<'_> {
    let mut cells: Vec<String> = run.settings.iter().map(|(_, value)| shown(value)).collect();
    cells.extend([run.seed.to_string(), run.status.to_string()]);
    let none = || "–".to_owned();
    cells.extend(match run.outcome {
        None => [none(), none(), none(), none()],
        Some(Outcome { validation, test: Scored { metric, value }, loss, seconds }) => {
            let score = |value: f64| tied(&metric.text(value));
            [
                validation.map_or_else(none, score),
                score(value),
                format!("{loss:.4}"),
                seconds.map_or_else(none, duration),
            ]
        }
    });
    Row { folder: &run.folder, cells }
}

/// The value of a run on the test samples, where it is of the sweep's metric.
fn value(sweep: &Sweep, run: &SweepRun) -> Option<f64> {
    run.outcome.filter(|outcome| outcome.test.metric == sweep.metric()).map(|outcome| outcome.test.value)
}

/// The values of a setting's runs on the test samples.
fn values<'a>(sweep: &'a Sweep, settings: &'a Settings) -> impl Iterator<Item = f64> + 'a {
    settings.runs.iter().filter_map(|&run| value(sweep, &sweep.runs[run]))
}

/// What a setting's runs come to, where it is of the sweep's metric.
fn summary_of(sweep: &Sweep, settings: &Settings) -> Option<Summary> {
    settings.test.value.filter(|_| settings.test.metric == sweep.metric())
}

fn value_side(sweep: &Sweep) -> Side {
    let metric = sweep.metric();
    let of = |settings: &Settings| {
        summary_of(sweep, settings).map(|summary| {
            let deviation = summary.deviation.unwrap_or_default();
            [summary.low.min(summary.mean - deviation), summary.high.max(summary.mean + deviation)]
        })
    };
    let ends = sweep.settings.iter().filter_map(of).flatten();
    let axis = if metric.is_share() { Axis::of_shares(ends) } else { Axis::linear(ends, false, false) };
    Side { percent: metric.is_share(), ..Side::new(&format!("{} on the test samples", metric.name()), axis) }
}

/// The metric's name at the beginning of a sentence.
fn heading(metric: Metric) -> String {
    let mut letters = metric.name().chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// Each setting by its rank, with its runs, their mean and deviation.
fn by_rank(sweep: &Sweep) -> Option<Figure> {
    let ranked: Vec<(f64, &Settings)> = (1..)
        .map(f64::from)
        .zip(&sweep.settings)
        .filter(|(_, settings)| summary_of(sweep, settings).is_some())
        .collect();
    if sweep.runs.iter().filter(|run| run.outcome.is_some()).count() < 2 {
        return None;
    }
    let x = Side::new("rank of the setting", Axis::counting(0.0, ranked.len() as f64 + 1.0));
    let y = value_side(sweep);
    let mut frame = Frame::new(&x, &y);
    for &(rank, settings) in &ranked {
        let Some(summary) = summary_of(sweep, settings) else { continue };
        let deviation = summary.deviation.unwrap_or_default();
        let ends = [summary.mean - deviation, summary.mean + deviation].map(|y| frame.point((rank, y)));
        if let [Some(from), Some(to)] = ends {
            frame.svg.line("whisker", from, to);
        }
        for value in values(sweep, settings) {
            frame.point((rank, value)).into_iter().for_each(|at| frame.svg.circle("dot s1", at, 2.0));
        }
        frame.point((rank, summary.mean)).into_iter().for_each(|at| frame.svg.circle("dot s0", at, 3.5));
    }
    let metric = sweep.metric();
    let (title, heading) = (format!("{} by setting", heading(metric)), heading(metric));
    let description = format!("{heading} on the test samples of {} settings, the best first.", ranked.len());
    let show = |value: f64| tied(&metric.text(value));
    let rows = ranked.iter().map(|(rank, settings)| {
        let summary =
            summary_of(sweep, settings).map_or_else(String::new, |summary| plus_minus(&summary, show));
        let runs = values(sweep, settings).map(show).collect::<Vec<_>>().join(", ");
        vec![number(*rank), summary, runs]
    });
    let rows = rows.collect();
    Some(Figure {
        id: "by-rank".to_owned(),
        caption: tied(
            "A small dot is a run, a large one the mean of a setting's runs, the thin line one standard \
             deviation to either side. Settings whose lines overlap may well be equally good.",
        ),
        svg: frame.svg.finish("by-rank", &title, &description),
        legend: Vec::new(),
        table: Table::new(&title, &["rank", "mean ± deviation", "runs"], rows),
        title,
    })
}

/// The metric against the value of a setting that is a number.
fn by_value(sweep: &Sweep, index: usize, key: &str) -> Option<Figure> {
    let mut runs: Vec<Point> = Vec::new();
    for run in &sweep.runs {
        let value = run.settings[index].1.as_f64()?;
        runs.extend(self::value(sweep, run).map(|found| (value, found)));
    }
    let mut values: Vec<f64> = runs.iter().map(|run| run.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (&least, &most) = (values.first()?, values.last()?);
    if values.len() < 2 {
        return None;
    }
    let axis = match least > 0.0 && most > WIDE * least {
        true => Axis::logarithmic(values.iter().copied()),
        false => Axis::linear(values.iter().copied(), false, false),
    };
    let mean = |&value: &f64| {
        let of: Vec<f64> = runs.iter().filter(|run| run.0 == value).map(|run| run.1).collect();
        Some((value, Summary::new(&of)?.mean))
    };
    let mut lines = vec![Line::dots("a run", runs.clone())];
    // Drawn from a range, hardly two runs have the same.
    if values.len() < runs.len() {
        lines.insert(0, Line::new("mean", values.iter().filter_map(mean).collect()));
    }
    let chart = Chart {
        id: format!("by-value-{index}"),
        title: format!("{} by {key}", heading(sweep.metric())),
        caption: "Each dot is a run; what else varies between them differs too.".to_owned(),
        x: Side::new(key, axis),
        y: value_side(sweep),
        lines,
    };
    Some(chart.figure())
}
