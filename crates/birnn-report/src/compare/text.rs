//! A comparison in plain text.

use serde_json::Value;

use super::{ComparedRun, ComparisonReport, LEVEL, Pair, Verdict};
use crate::stats::Summary;
use crate::text_table::{NONE, TextTable, WIDTH};
use crate::words::Words;

/// With more runs than this, each is compared with the best alone.
const FEW: usize = 4;

/// Settings, results, and what follows.
pub(super) fn text(report: &ComparisonReport) -> String {
    let parts = [runs(report), settings(report), results(report), pairs(report), verdicts(report)];
    format!("{}\n", parts.join("\n").trim_end())
}

fn runs(report: &ComparisonReport) -> String {
    let row = |run: &ComparedRun| {
        let unfinished = run.unfinished().map(|status| format!("({status})")).unwrap_or_default();
        vec![run.name.clone(), birnn_data::name::text(&run.run), unfinished]
    };
    TextTable::new(report.runs.iter().map(row).collect()).lines()
}

fn settings(report: &ComparisonReport) -> String {
    if report.settings.is_empty() {
        return "No setting differs.\n".to_owned();
    }
    let mut rows = vec![heading("settings that differ", report)];
    for (key, values) in &report.settings {
        let shown = values.iter().map(|value| match value {
            None => NONE.to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        rows.push(std::iter::once(key.clone()).chain(shown).collect());
    }
    TextTable::new(rows).text()
}

fn heading(name: &str, report: &ComparisonReport) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(report.runs.iter().map(|run| run.name.clone())).collect()
}

fn results(report: &ComparisonReport) -> String {
    let noun = report.words().samples;
    let mut rows = vec![heading("", report)];
    let mut row = |name: &str, always: bool, value: &dyn Fn(&ComparedRun) -> Option<String>| {
        let values: Vec<Option<String>> = report.runs.iter().map(value).collect();
        if always || values.iter().any(|value| *value != values[0]) {
            let shown = values.into_iter().map(|value| value.unwrap_or_else(|| NONE.to_owned()));
            rows.push(std::iter::once(name.to_owned()).chain(shown).collect());
        }
    };
    row("accuracy, %", true, &|run| Some(percent(run.score?.accuracy)));
    row("95 % interval", true, &|run| {
        let interval = run.score?.interval;
        Some(format!("{} to {}", percent(interval.low), percent(interval.high)))
    });
    row("loss", true, &|run| Some(format!("{:.4}", run.score?.loss)));
    row("parameters", true, &|run| Some(run.parameters.to_string()));
    row("epochs run", true, &|run| run.epochs.map(|epochs| epochs.to_string()));
    row("training, s", true, &|run| run.seconds.map(|seconds| format!("{seconds:.1}")));
    row(&format!("{noun}/s"), true, &|run| run.samples_per_second.map(|rate| format!("{rate:.0}")));
    row("device", true, &|run| run.device.clone());
    row("threads", false, &|run| run.threads.map(|threads| threads.to_string()));
    row("instructions", false, &|run| run.instructions.clone());
    row("libtorch", false, &|run| run.libtorch.clone());
    row("birnn", false, &|run| run.birnn.clone());
    row("revision", false, &|run| run.revision.as_deref().map(|revision| short(revision).to_owned()));
    row("weights", false, &|run| run.weights.file_name().map(birnn_data::name::text));
    format!("On the {} test {noun} of {}:\n{}", report.samples, report.dataset, TextTable::new(rows).text())
}

/// Enough of a git revision to know it by.
fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

/// The pairs that are shown: all, or those with the best run.
fn chosen(report: &ComparisonReport) -> Vec<Pair> {
    match report.runs.len() {
        0..=FEW => report.comparison.pairs.clone(),
        _ => report.comparison.beside(report.comparison.best()),
    }
}

fn pairs(report: &ComparisonReport) -> String {
    let tests = report.comparison.pairs.len();
    let mut heading = vec!["", "points", "95 % interval", "only 1st right", "only 2nd right", "p"];
    if tests > 1 {
        heading.push("p, Holm");
    }
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect()];
    for pair in chosen(report) {
        let mut row = vec![
            format!("{} less {}", name(report, pair.a), name(report, pair.b)),
            points(pair.difference),
            format!("{} to {}", points(pair.interval.low), points(pair.interval.high)),
            pair.only_a.to_string(),
            pair.only_b.to_string(),
            p_value(pair.log10_p),
        ];
        if tests > 1 {
            row.push(p_value(pair.log10_p_holm));
        }
        rows.push(row);
    }
    let whose = match report.runs.len() {
        0..=FEW => String::new(),
        _ => format!(
            ", {}, which has the most right, beside each other",
            name(report, report.comparison.best())
        ),
    };
    let Words { each, .. } = report.words();
    format!("{each}{whose} (McNemar's exact test; a point is 1 %):\n{}", TextTable::new(rows).lines())
}

fn verdicts(report: &ComparisonReport) -> String {
    let mut lines: Vec<String> = chosen(report).iter().map(|pair| verdict(report, pair)).collect();
    lines.push(String::new());
    let tests = report.comparison.pairs.len();
    if tests > 1 {
        let level = 100.0 * LEVEL;
        lines.push(format!(
            "p is raised for {tests} pairs (Holm): a mistaken \"better\" anywhere has a chance of {level:.0} \
             % at most."
        ));
    }
    for group in &report.seed_groups {
        let Summary { runs, mean, deviation, low, high } = group.accuracy;
        lines.push(format!(
            "{} differ in their seeds alone: accuracy {} % on average of {runs}, {} to {} %, standard \
             deviation {} points.",
            group.runs.join(", "),
            percent(mean),
            percent(low),
            percent(high),
            percent(deviation.unwrap_or_default())
        ));
    }
    if report.settings.keys().any(|key| key != "seed" && key != "name") {
        lines.push(
            "This is about these nets; whether their settings are better takes several seeds of each."
                .to_owned(),
        );
    } else if report.settings.contains_key("seed") {
        lines.push("What lies between these nets is the chance of a seed; no setting is better.".to_owned());
    }
    lines.iter().map(|line| wrapped(line)).collect()
}

/// What can be said of two nets, and what cannot.
fn verdict(report: &ComparisonReport, pair: &Pair) -> String {
    let (a, b, noun) = (name(report, pair.a), name(report, pair.b), report.words().samples);
    let (ahead, behind) = if pair.only_a > pair.only_b { (a, b) } else { (b, a) };
    match pair.verdict() {
        Verdict::Same => format!("{a} and {b} are right on the very same {noun}: nothing tells them apart."),
        Verdict::ABetter | Verdict::BBetter => format!(
            "{ahead} is better than {behind} on {noun} like these: it alone is right on {}, {behind} alone \
             on {}, and chance hardly explains that (p {}).",
            pair.only_a.max(pair.only_b),
            pair.only_a.min(pair.only_b),
            equals(pair.log10_p_holm)
        ),
        Verdict::Undecided if pair.log10_p < LEVEL.log10() => format!(
            "{ahead} may be better than {behind} (p {} alone), but so many pairs differ as much by chance (p \
             {} among all).",
            equals(pair.log10_p),
            equals(pair.log10_p_holm)
        ),
        Verdict::Undecided => format!(
            "{a} and {b} cannot be told apart by these {noun}: equally good nets differ as much in {} such \
             tests. These {noun} agree with anything from {} to {} points.",
            share(pair.log10_p),
            lead(a, b, pair.interval.low),
            lead(a, b, pair.interval.high)
        ),
    }
}

fn lead(a: &str, b: &str, difference: f64) -> String {
    let ahead = if difference < 0.0 { b } else { a };
    format!("{ahead} ahead by {}", percent(difference.abs()))
}

/// In lines that fit a terminal, those after the first indented.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > WIDTH {
            lines.push(format!("  {word}"));
        } else if let Some(last) = lines.last_mut() {
            last.push_str(if line > 0 { " " } else { "" });
            last.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

fn name(report: &ComparisonReport, index: usize) -> &str {
    &report.runs[index].name
}

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// A difference of shares in percent, with its sign.
fn points(share: f64) -> String {
    let points = 100.0 * share;
    // No sign of what is shown as nothing.
    if points.abs() < 0.005 { "0.00".to_owned() } else { format!("{points:+.2}") }
}

fn p_value(log10: f64) -> String {
    let p = 10_f64.powf(log10);
    match log10 {
        // Below what a float holds well.
        ..-300.0 => "<1e-300".to_owned(),
        ..-3.0 => format!("{p:.0e}"),
        ..-2.0 => format!("{p:.4}"),
        _ => format!("{p:.3}"),
    }
}

fn equals(log10: f64) -> String {
    let p = p_value(log10);
    p.strip_prefix('<').map_or_else(|| format!("= {p}"), |bound| format!("< {bound}"))
}

/// Such as `24 % of`, or `nearly all`.
fn share(log10: f64) -> String {
    match 100.0 * 10_f64.powf(log10) {
        99.5.. => "nearly all".to_owned(),
        percent => format!("{percent:.0} % of"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [0.0, -0.3, -1.5, -2.5, -13.36, -601.7].map(p_value);
        assert_eq!(shown, ["1.000", "0.501", "0.032", "0.0032", "4e-14", "<1e-300"]);
        assert_eq!([-0.05, -2.0].map(share), ["89 % of", "1 % of"]);
        assert_eq!([-0.000_01, 0.0123, -0.0123].map(points), ["0.00", "+1.23", "-1.23"]);
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let text = wrapped(&"eight ch".repeat(30));
        assert!(text.lines().all(|line| line.len() <= WIDTH) && text.lines().count() == 3, "{text}");
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), "eight ch".repeat(30));
        assert_eq!((wrapped("").as_str(), wrapped("a b").as_str()), ("\n", "a b\n"));
    }
}
