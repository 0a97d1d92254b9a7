//! A comparison in plain text.

use birnn_data::Per;
use birnn_infer::significant;
use serde_json::Value;

use super::{
    ClassesScore, ComparedRun, ComparisonReport, Evidence, NumbersScore, Pair, PerplexityScore, Score,
    Verdict,
};
use crate::stats::{self, Interval, LEVEL, ScoreIntervals, Summary};
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
        let unfinished = run.unfinished().map(|status| format!("({status})"));
        let leaks = run.manifest.reads_what_it_is_asked();
        let leak =
            leaks.then(|| "(HAS READ WHAT IT IS ASKED FOR: what is said of it is of no use)".to_owned());
        let marks = unfinished.into_iter().chain(leak).collect::<Vec<_>>().join(" ");
        vec![run.name.clone(), birnn_data::name::text(&run.run), marks]
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
    match &report.comparison.scores[0] {
        Score::Classes(first) => {
            if first.f1.is_some() {
                row("F1, %", true, &|run| Some(percent(classes(run)?.f1?)));
            }
            row("accuracy, %", true, &|run| Some(percent(classes(run)?.accuracy)));
            row("95 % interval", true, &|run| Some(between(classes(run)?.interval?, percent)));
        }
        Score::Tokens(_) => {
            row("perplexity", true, &|run| Some(significant(tokens(run)?.perplexity)));
            row("95 % interval", true, &|run| Some(between(tokens(run)?.interval?, significant)));
            row("accuracy, %", true, &|run| Some(percent(tokens(run)?.accuracy)));
        }
        Score::Numbers(first) => {
            if first.filled.is_some() {
                row("MAE, standard deviations", true, &|run| Some(significant(numbers(run)?.filled?.mae)));
            }
            for (name, value, interval) in NUMBERS {
                row(name, true, &|run| Some(significant(value(numbers(run)?))));
                row(&format!("{name}, 95 % interval"), true, &|run| {
                    Some(between(interval(&numbers(run)?.intervals?), significant))
                });
            }
            if first.numbers.len() > 1 {
                for (index, number) in first.numbers.iter().enumerate() {
                    let name = format!("RMSE of {}", number.target);
                    row(&name, true, &|run| Some(significant(numbers(run)?.numbers.get(index)?.rmse?)));
                }
            }
        }
    }
    row("loss", true, &|run| Some(format!("{:.4}", run.score.as_ref()?.loss())));
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
    let steps = match report.per() {
        Per::Sequence => String::new(),
        Per::Step => format!("{} of the ", report.words().steps),
    };
    let (samples, dataset) = (report.samples, &report.dataset);
    format!("On the {steps}{samples} test {noun} of {dataset}:\n{}", TextTable::new(rows).text())
}

fn classes(run: &ComparedRun) -> Option<&ClassesScore> {
    match run.score.as_ref()? {
        Score::Classes(score) => Some(score),
        Score::Numbers(_) | Score::Tokens(_) => None,
    }
}

fn tokens(run: &ComparedRun) -> Option<&PerplexityScore> {
    match run.score.as_ref()? {
        Score::Tokens(score) => Some(score),
        Score::Classes(_) | Score::Numbers(_) => None,
    }
}

fn numbers(run: &ComparedRun) -> Option<&NumbersScore> {
    match run.score.as_ref()? {
        Score::Numbers(score) => Some(score),
        Score::Classes(_) | Score::Tokens(_) => None,
    }
}

/// A score of numbers: its name, its value, and its interval.
type OfNumbers = (&'static str, fn(&NumbersScore) -> f64, fn(&ScoreIntervals) -> Interval);

const NUMBERS: [OfNumbers; 3] = [
    ("RMSE", |score| score.rmse, |of| of.rmse),
    ("MAE", |score| score.mae, |of| of.mae),
    ("R2", |score| score.r2, |of| of.r2),
];

fn between(Interval { low, high }: Interval, show: impl Fn(f64) -> String) -> String {
    format!("{} to {}", show(low), show(high))
}

/// What the nets are first judged by.
fn metric(report: &ComparisonReport) -> &'static str {
    report.comparison.scores[0].headline().metric.name()
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
    let Some(first) = report.comparison.pairs.first() else { return String::new() };
    let mut heading = match first.evidence {
        Evidence::Alone { .. } => {
            vec!["", "points", "95 % interval", "only 1st right", "only 2nd right", "p"]
        }
        Evidence::Drawn { is_share: true, .. } => vec!["", "points", "95 % interval"],
        Evidence::Drawn { is_share: false, .. } => vec!["", metric(report), "95 % interval"],
    };
    let many = match first.evidence {
        Evidence::Alone { .. } => "p, Holm",
        Evidence::Drawn { .. } => "widened interval",
    };
    if tests > 1 {
        heading.push(many);
    }
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect()];
    for pair in chosen(report) {
        let show = |interval: Option<Interval>| {
            interval.map_or_else(|| NONE.to_owned(), |interval| between(interval, |end| signed(&pair, end)))
        };
        let mut row = vec![
            format!("{} less {}", name(report, pair.a), name(report, pair.b)),
            signed(&pair, pair.difference),
            show(pair.interval),
        ];
        let of_many = match pair.evidence {
            Evidence::Alone { only_a, only_b, log10_p, log10_p_holm } => {
                row.extend([only_a.to_string(), only_b.to_string(), p_value(log10_p)]);
                p_value(log10_p_holm)
            }
            Evidence::Drawn { widened, .. } => show(widened),
        };
        if tests > 1 {
            row.push(of_many);
        }
        rows.push(row);
    }
    let best = match first.evidence {
        Evidence::Drawn { is_share: false, .. } => format!("has the lowest {}", metric(report)),
        Evidence::Drawn { is_share: true, .. } => format!("has the highest {}", metric(report)),
        Evidence::Alone { .. } => "has the most right".to_owned(),
    };
    let whose = match report.runs.len() {
        0..=FEW => String::new(),
        _ => format!(", {}, which {best}, beside each other", name(report, report.comparison.best())),
    };
    let Words { each, samples, .. } = report.words();
    let how = match first.evidence {
        Evidence::Alone { .. } => "McNemar's exact test; a point is 1 %".to_owned(),
        Evidence::Drawn { is_share: true, .. } => {
            format!("{samples} drawn anew, with all their steps; a point is 1 %")
        }
        Evidence::Drawn { is_share: false, .. } => {
            format!("{samples} drawn anew; below 0 the first is better")
        }
    };
    format!("{each}{whose} ({how}):\n{}", TextTable::new(rows).lines())
}

fn verdicts(report: &ComparisonReport) -> String {
    let mut lines: Vec<String> = chosen(report).iter().map(|pair| verdict(report, pair)).collect();
    lines.push(String::new());
    let tests = report.comparison.pairs.len();
    if tests > 1 {
        let level = 100.0 * LEVEL;
        let (how, chance) = match report.comparison.pairs[0].evidence {
            Evidence::Alone { .. } => {
                (format!("p is raised for {tests} pairs (Holm)"), format!("{level:.0} % at most"))
            }
            Evidence::Drawn { .. } => {
                let few = report.samples < stats::FEW as u64;
                let more = format!(", with so few {} up to twice as much", report.words().samples);
                let chance = format!("about {level:.0} %{}", if few { more } else { String::new() });
                (format!("Intervals are widened for {tests} pairs (Bonferroni)"), chance)
            }
        };
        lines.push(format!("{how}: a mistaken \"better\" anywhere has a chance of {chance}."));
    }
    for group in &report.seed_groups {
        let (metric, Summary { runs, mean, deviation, low, high }) = (group.score.metric, group.score.value);
        let (show, unit, points): (fn(f64) -> String, _, _) = match metric.is_share() {
            true => (percent, " %", " points"),
            false => (significant, "", ""),
        };
        lines.push(format!(
            "{} differ in their seeds alone: {} {}{unit} on average of {runs}, {} to {}{unit}, standard \
             deviation {}{points}.",
            group.runs.join(", "),
            metric.name(),
            show(mean),
            show(low),
            show(high),
            show(deviation.unwrap_or_default())
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
    let (a, b) = (name(report, pair.a), name(report, pair.b));
    let (ahead, behind) = if pair.is_ahead() { (a, b) } else { (b, a) };
    match pair.evidence {
        Evidence::Alone { only_a, only_b, log10_p, log10_p_holm } => {
            let noun = report.words().samples;
            match pair.verdict() {
                Verdict::Same => {
                    format!("{a} and {b} are right on the very same {noun}: nothing tells them apart.")
                }
                Verdict::ABetter | Verdict::BBetter => format!(
                    "{ahead} is better than {behind} on {noun} like these: it alone is right on {}, {behind} alone \
                     on {}, and chance hardly explains that (p {}).",
                    only_a.max(only_b),
                    only_a.min(only_b),
                    equals(log10_p_holm)
                ),
                Verdict::Undecided if log10_p < LEVEL.log10() => format!(
                    "{ahead} may be better than {behind} (p {} alone), but so many pairs differ as much by chance (p \
                     {} among all).",
                    equals(log10_p),
                    equals(log10_p_holm)
                ),
                Verdict::Undecided => format!(
                    "{a} and {b} cannot be told apart by these {noun}: equally good nets differ as much in {} such \
                     tests. {}",
                    share(log10_p),
                    agree(report, pair)
                ),
            }
        }
        Evidence::Drawn { is_share, widened, .. } => drawn(report, pair, [ahead, behind], is_share, widened),
    }
}

/// The same of two nets that are told apart by drawing samples anew.
fn drawn(
    report: &ComparisonReport,
    pair: &Pair,
    [ahead, behind]: [&str; 2],
    is_share: bool,
    widened: Option<Interval>,
) -> String {
    let (a, b, words) = (name(report, pair.a), name(report, pair.b), report.words());
    let noun = words.samples;
    let shown = |interval: Option<Interval>| {
        interval.map_or_else(String::new, |interval| between(interval, |end| signed(pair, end)))
    };
    match pair.verdict() {
        Verdict::Same if is_share => {
            format!("{a} and {b} are right on the very same {}: nothing tells them apart.", words.steps)
        }
        Verdict::Same => {
            let what = match report.comparison.scores[pair.a] {
                Score::Tokens(_) => "find every token as probable",
                Score::Classes(_) | Score::Numbers(_) => "answer with the very same numbers",
            };
            format!("{a} and {b} {what}: nothing tells them apart.")
        }
        Verdict::ABetter | Verdict::BBetter => format!(
            "{ahead} is better than {behind} on {noun} like these: its {}, and chance in the choice of {noun} hardly \
             explains that ({a} less {b}: {}).",
            match is_share {
                true => format!("{} is higher by {} points", metric(report), percent(pair.difference.abs())),
                false => format!("{} is lower by {}", metric(report), significant(pair.difference.abs())),
            },
            shown(widened)
        ),
        Verdict::Undecided if pair.interval.is_some_and(Interval::is_of_a_sign) => format!(
            "{ahead} may be better than {behind} ({a} less {b}: {} alone), but so many pairs differ as much by \
             chance{}.",
            shown(pair.interval),
            widened.map_or_else(String::new, |_| format!(" ({} among all)", shown(widened)))
        ),
        Verdict::Undecided if pair.interval.is_none() => format!(
            "{a} and {b} cannot be told apart by so few {noun}: of equally good nets, one is ahead on all of them by \
             chance."
        ),
        Verdict::Undecided => {
            format!("{a} and {b} cannot be told apart by these {noun}. {}", agree(report, pair))
        }
    }
}

/// What may well be so.
fn agree(report: &ComparisonReport, pair: &Pair) -> String {
    let (a, b, noun) = (name(report, pair.a), name(report, pair.b), report.words().samples);
    let Some(Interval { low, high }) = pair.interval else { return String::new() };
    match pair.evidence {
        Evidence::Drawn { is_share: false, .. } => {
            let lead = |difference: f64| {
                let ahead = if difference < 0.0 { a } else { b };
                format!("{ahead} ahead by {}", significant(difference.abs()))
            };
            let metric = metric(report);
            format!("These {noun} agree with anything from {} to {} in {metric}.", lead(low), lead(high))
        }
        _ => format!(
            "These {noun} agree with anything from {} to {} points.",
            lead(a, b, low),
            lead(a, b, high)
        ),
    }
}

/// A difference of two nets with its sign: points, or in the units of the numbers.
fn signed(pair: &Pair, difference: f64) -> String {
    match pair.evidence {
        Evidence::Drawn { is_share: false, .. } if difference > 0.0 => {
            format!("+{}", significant(difference))
        }
        Evidence::Drawn { is_share: false, .. } => significant(difference),
        _ => points(difference),
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
