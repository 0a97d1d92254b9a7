//! How the net does: confusion, scores by class and by length, calibration, mistakes.

use std::collections::BTreeMap;

use birnn_data::{Per, Split};
use birnn_infer::{Classified, ReadingScores, SpanScore};

use crate::chart::{Axis, Frame, Side};
use crate::error::ReportError;
use crate::figure::{Figure, Table, tied};
use crate::heat_map::{Cell, HeatMap, Row, shade};
use crate::number::number;
use crate::predictions::{Prediction, Predictions};
use crate::sample::{self, Below};
use crate::stats::{Bin, Calibration, Interval, LengthGroup, Share, by_length as grouped};
use crate::words::Words;

/// A wrong prediction, to be looked at.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// Which it is, and of a series how long.
    pub(crate) which: String,
    pub(crate) label: String,
    pub(crate) class: String,
    pub(crate) probability: String,
    pub(crate) p_true: String,
    /// The element that shows the sample.
    pub(crate) shown: String,
}

/// A matrix of more classes than this cannot be taken in.
const LARGEST_MATRIX: usize = 40;
/// As many as a page bears.
const GALLERY: usize = 24;
const COMMONEST: usize = 10;
/// Below this, a bar says little.
const FEW: u64 = 10;
/// At most so many groups of lengths.
const GROUPS: usize = 4;

/// The confusion matrix, unless there are too many classes.
pub(crate) fn confusion(found: &Classified, counted: Words) -> Option<HeatMap> {
    let classes: Vec<String> = found.classes.iter().map(|score| score.class.clone()).collect();
    if classes.len() > LARGEST_MATRIX {
        return None;
    }
    let (right, wrong) = found.confusion.most();
    let cell = |label: usize, class: usize, count: u64| {
        let (kind, most) = if label == class { ("right", right) } else { ("wrong", wrong) };
        let style = match count {
            0 => "none".to_owned(),
            _ => shade(kind, count as f64, most as f64),
        };
        Cell { text: count.to_string(), style, ..Cell::default() }
    };
    let rows = found.confusion.0.iter().zip(&classes).enumerate().map(|(label, (row, class))| Row {
        name: class.clone(),
        cells: row.iter().enumerate().map(|(class, &count)| cell(label, class, count)).collect(),
    });
    Some(HeatMap {
        class: "confusion",
        label: "Confusion matrix",
        caption: format!("{} by class and answer", counted.heading),
        corner: "is \\ called",
        rows: rows.collect(),
        columns: classes.clone(),
    })
}

/// The mistakes that the net makes most often.
pub(crate) fn commonest(found: &Classified, words: Words) -> Table {
    let names: Vec<&str> = found.classes.iter().map(|score| score.class.as_str()).collect();
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for mistake in &found.mistakes {
        *counts.entry((mistake.label, mistake.class)).or_default() += 1;
    }
    let mut pairs: Vec<(u64, usize, usize)> =
        counts.into_iter().map(|((label, class), count)| (count, label, class)).collect();
    pairs.sort_by_key(|&(count, label, class)| (std::cmp::Reverse(count), label, class));
    let rows = pairs.into_iter().take(COMMONEST).map(|(count, label, class)| {
        let of = found.classes[label].samples;
        let share = tied(&format!("{} %", number(100.0 * count as f64 / of as f64)));
        vec![names[label].to_owned(), names[class].to_owned(), number(count as f64), share]
    });
    Table::new("The commonest mistakes", &["is", "was called", words.samples, "of its class"], rows.collect())
}

/// Scores of the spans that tags mark, by type and over all, where they mark such.
pub(crate) fn spans(found: &Classified) -> Option<Table> {
    let ReadingScores { all, types } = &found.spans.as_ref()?.strict;
    let row = |name: &str, score: &SpanScore| {
        let SpanScore { precision, recall, f1, spans, found, correct } = *score;
        let counts = [spans, found, correct].map(|count| number(count as f64));
        let shares = [precision, recall, f1].map(percent);
        std::iter::once(name.to_owned()).chain(counts).chain(shares).collect()
    };
    let rows = types.iter().map(|of_type| row(&of_type.kind, &of_type.score));
    let columns = ["type", "spans", "found", "correct", "precision", "recall", "F1"];
    Some(Table::new("Spans by type", &columns, rows.chain([row("all", all)]).collect()))
}

/// Of each class the recall, then of each the precision, with what chance alone leaves open.
pub(crate) fn of_classes(predictions: &Predictions) -> [Vec<Share>; 2] {
    let count = predictions.classified.classes.len();
    [
        predictions.shares(count, |prediction| (prediction.label, prediction.is_correct())),
        predictions.shares(count, |prediction| (prediction.class, prediction.is_correct())),
    ]
}

/// Scores of each class.
pub(crate) fn classes(found: &Classified, [recall, precision]: [Vec<Share>; 2], words: Words) -> Table {
    let scores = found.classes.iter().zip(recall.iter().zip(&precision));
    let rows = scores.map(|(score, (recall, precision))| {
        let f1 = if score.samples + precision.whole > 0 { percent(score.f1) } else { "–".to_owned() };
        vec![
            score.class.clone(),
            number(score.samples as f64),
            share(recall),
            number(precision.whole as f64),
            share(precision),
            f1,
        ]
    });
    let columns =
        ["class", words.samples, "recall (95 % interval)", "called so", "precision (95 % interval)", "F1"];
    Table::new("Scores by class", &columns, rows.collect())
}

/// A share with its 95 % interval.
pub(crate) fn share(share: &Share) -> String {
    match share.interval {
        None if share.whole == 0 => "–".to_owned(),
        None => percent(share.value()),
        Some(Interval { low, high }) => {
            format!("{} ({:.2}–{:.2})", percent(share.value()), 100.0 * low, 100.0 * high)
        }
    }
}

/// Two decimals, so that 99.96 % is not 100 %.
pub(crate) fn percent(share: f64) -> String {
    tied(&format!("{:.2} %", 100.0 * share))
}

/// The reliability diagram, from the share of each bin that is correct.
pub(crate) fn reliability(calibration: &Calibration, correct: &[Share]) -> Figure {
    let (x, y) = (Side::share("probability that the net gives"), Side::share("share that is correct"));
    let mut frame = Frame::new(&x, &y);
    for (bin, correct) in calibration.bins.iter().zip(correct) {
        share_bar(&mut frame, (bin.low, bin.high), correct);
    }
    if let (Some(from), Some(to)) = (frame.point((0.0, 0.0)), frame.point((1.0, 1.0))) {
        frame.svg.line("diagonal", from, to);
    }
    let title = "Reliability diagram";
    let description = format!(
        "Share of correct predictions against the probability that the net gives them, in {} bins, beside \
         the diagonal on which both are the same. Expected calibration error {}.",
        calibration.bins.len(),
        percent(calibration.error)
    );
    let caption = format!(
        "Predictions put together by how sure the net is of them, in {} bins; a bar is the share of them \
         that is correct, its thin line the 95 % interval of that. On the dashed diagonal, 80 % sure is \
         correct 80 times in 100; a bar below it is a net too sure of itself, one above it a net too modest. \
         Pale bars rest on fewer than {FEW} predictions. On average the net is {} sure and {} right. The \
         expected calibration error, the distance between the two averaged over all predictions (Guo et al. \
         2017), is {}. {}",
        calibration.bins.len(),
        percent(calibration.confidence),
        percent(calibration.accuracy),
        percent(calibration.error),
        last_bin(calibration),
    );
    let row = |(bin, correct): (&Bin, &Share)| {
        let confidence = if bin.count > 0 { percent(bin.confidence) } else { "–".to_owned() };
        vec![
            tied(&format!("{:.1}–{:.1} %", 100.0 * bin.low, 100.0 * bin.high)),
            number(bin.count as f64),
            confidence,
            share(correct),
        ]
    };
    let table = Table::new(
        "Predictions by their probability",
        &["probability", "predictions", "mean probability", "right (95 % interval)"],
        calibration.bins.iter().zip(correct).map(row).collect(),
    );
    let id = "reliability";
    let svg = frame.svg.finish(id, title, &description);
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        caption: tied(&caption),
        svg,
        legend: Vec::new(),
        table,
    }
}

/// A share as a bar from `low` to `high`, pale where it rests on few, with its 95 % interval.
fn share_bar(frame: &mut Frame, ends: (f64, f64), share: &Share) {
    if share.whole > 0 {
        bar(frame, ends, share.value(), share.interval, share.whole < FEW);
    }
}

/// A value as a bar from `low` to `high`, pale where it rests on `few`, with its 95 % interval.
fn bar(frame: &mut Frame, (low, high): (f64, f64), value: f64, interval: Option<Interval>, few: bool) {
    if let (Some(from), Some(to)) = (frame.point((low, 0.0)), frame.point((high, value))) {
        frame.svg.rectangle(if few { "bar few" } else { "bar" }, from, to);
    }
    let middle = (low + high) / 2.0;
    let ends = interval.map(|interval| [interval.low, interval.high].map(|end| frame.point((middle, end))));
    if let Some([Some(least), Some(most)]) = ends {
        frame.svg.line("whisker", least, most);
    }
}

/// What bars by length are of.
pub(crate) struct ByLength {
    pub(crate) title: &'static str,
    /// The values' axis.
    pub(crate) side: Side,
    /// What is told of all of them, and what a bar is.
    pub(crate) description: &'static str,
    pub(crate) meaning: String,
    /// The column of the values.
    pub(crate) column: &'static str,
    /// Of each group, the bar, its interval, how it is told, and whether it rests on few.
    pub(crate) bars: Vec<(f64, Option<Interval>, String, bool)>,
    /// How many answers each group has, and what these are called.
    pub(crate) counts: Vec<u64>,
    pub(crate) counted: &'static str,
}

/// Samples in groups by their number of steps; `None` where all, or nearly all, have as many.
pub(crate) fn groups(split: &Split) -> Option<Vec<LengthGroup>> {
    let lengths: Vec<usize> = split.sequences.lengths().collect();
    Some(grouped(&lengths, GROUPS)).filter(|groups| groups.len() > 1)
}

/// Accuracy by the number of steps; `None` where all samples, or nearly all, have as many.
pub(crate) fn accuracy_by_length(predictions: &Predictions, split: &Split, words: Words) -> Option<Figure> {
    let groups = groups(split)?;
    let of_samples: Vec<_> = predictions.of_samples().collect();
    let of_group = |group: &LengthGroup| {
        let own: Vec<_> = group.sequences.iter().map(|&sample| of_samples[sample].clone()).collect();
        let positions: Vec<usize> = own.iter().map(ExactSizeIterator::len).collect();
        let own = own.into_iter().flat_map(|range| &predictions.predictions[range]);
        Share::all(1, &positions, own.map(|prediction| (0, prediction.is_correct()))).pop()
    };
    let shares: Vec<Share> = groups.iter().filter_map(of_group).collect();
    let of = match predictions.per {
        Per::Sequence => "a group".to_owned(),
        Per::Step => format!("the {} of a group", words.steps),
    };
    let counted = words.counted(predictions.per);
    let bars = shares.iter().map(|own| (own.value(), own.interval, share(own), own.whole < FEW)).collect();
    let figure = ByLength {
        title: "Accuracy by length",
        side: Side::share("share that is correct"),
        description: "Share of correct predictions",
        meaning: format!("the share of {of} that is classified correctly"),
        column: "right (95 % interval)",
        bars,
        counts: shares.iter().map(|share| share.whole).collect(),
        counted: counted.samples,
    };
    Some(by_length(&groups, figure, words))
}

/// A bar for each group of lengths.
pub(crate) fn by_length(groups: &[LengthGroup], told: ByLength, words: Words) -> Figure {
    let Words { samples, steps, sample, .. } = words;
    let ByLength { title, side: y, description, meaning, column, bars, counts, counted } = told;
    let range = |group: &LengthGroup| match group.shortest == group.longest {
        true => number(group.shortest as f64),
        false => format!("{}–{}", number(group.shortest as f64), number(group.longest as f64)),
    };
    // Groups are equally wide, however many lengths are in them: each has its own label.
    let axis = Axis { ticks: Vec::new(), ..Axis::fixed(0.0, groups.len() as f64, 1.0) };
    let x = Side::new(steps, axis);
    let mut frame = Frame::new(&x, &y);
    for ((group, (value, interval, _, few)), left) in groups.iter().zip(&bars).zip((0..).map(f64::from)) {
        bar(&mut frame, (left + 0.15, left + 0.85), *value, *interval, *few);
        if let Some((across, bottom)) = frame.point((left + 0.5, 0.0)) {
            frame.svg.text("tick middle", (across, bottom + 17.0), &range(group));
        }
    }
    let each = || groups.iter().zip(&bars).map(|(group, (_, _, shown, _))| (range(group), shown));
    let told: Vec<String> = each().map(|(range, shown)| format!("{range} {steps}: {shown}")).collect();
    let caption = format!(
        "Whether a long {sample} is harder than a short one: the test {samples} in groups of about as many, by \
         their number of {steps}. A bar is {meaning}, its thin line the \
         95 % interval of that: groups whose intervals overlap widely may well be equally hard. Pale bars rest \
         on fewer than {FEW} {counted}."
    );
    let rows =
        each().zip(counts).map(|((range, shown), count)| vec![range, number(count as f64), shown.clone()]);
    let in_all = format!("{counted} in all");
    let columns = [steps, if counted == steps { &in_all } else { counted }, column];
    let id = "length";
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        caption: tied(&caption),
        svg: frame.svg.finish(id, title, &format!("{description} by {steps}. {}.", told.join("; "))),
        legend: Vec::new(),
        table: Table::new(title, &columns, rows.collect()),
    }
}

/// What a net that is mostly sure hides: that most predictions are in one bar.
fn last_bin(calibration: &Calibration) -> String {
    let all: u64 = calibration.bins.iter().map(|bin| bin.count).sum();
    match calibration.bins.last() {
        Some(last) => format!(
            "{} of {} predictions are in the bar furthest to the right.",
            number(last.count as f64),
            number(all as f64)
        ),
        None => String::new(),
    }
}

/// The surest mistakes.
pub(crate) fn gallery(
    predictions: &Predictions,
    split: &Split,
    names: &[String],
    words: Words,
) -> Result<Vec<Mistake>, ReportError> {
    let mistake = |(index, prediction): (usize, Prediction)| {
        let (sample, label) = (split.sequences.get(prediction.sample), &names[prediction.label]);
        let title = format!("{}, of class {label}", one_of_test(prediction.sample, words));
        let length = sample::length(sample, words).map_or_else(String::new, |length| format!(", {length}"));
        Ok(Mistake {
            which: format!("test {} {}{length}", words.sample, prediction.sample),
            label: label.clone(),
            class: names[prediction.class].clone(),
            probability: percent(prediction.probability),
            p_true: percent(prediction.p_true),
            shown: sample::small(sample, Below::default(), &format!("mistake-{}", index + 1), &title, words)?,
        })
    };
    predictions.mistakes().into_iter().take(GALLERY).enumerate().map(mistake).collect()
}

/// Such as `Test image 3`.
pub(crate) fn one_of_test(index: usize, words: Words) -> String {
    format!("Test {} {index}", words.sample)
}

#[cfg(test)]
mod tests {
    use birnn_infer::{ClassScore, Classified, Confusion as Counts, Mistake};

    use super::*;

    fn words() -> Words {
        Words::of(&birnn_data::Modality::Images { shape: [1, 1], preprocessing: None })
    }

    fn evaluation(confusion: Vec<Vec<u64>>) -> Classified {
        let score = |(class, row): (usize, &Vec<u64>)| ClassScore {
            class: format!("class {class}"),
            precision: 0.0,
            recall: 0.0,
            f1: 0.5,
            samples: row.iter().sum(),
        };
        let classes = confusion.iter().enumerate().map(score).collect();
        let mut mistakes = Vec::new();
        for (label, row) in confusion.iter().enumerate() {
            for (class, &count) in row.iter().enumerate().filter(|(class, _)| *class != label) {
                let mistake = Mistake { sample: 0, label, class, probability: 0.5 };
                mistakes.extend(std::iter::repeat_n(mistake, count as usize));
            }
        }
        Classified { classes, confusion: Counts(confusion), mistakes, ..Classified::default() }
    }

    #[test]
    fn cells_are_shaded_by_their_share_of_the_largest() {
        let counts = vec![vec![100, 1, 0], vec![10, 50, 2], vec![0, 0, 0]];
        let found = confusion(&evaluation(counts), words()).unwrap();
        let styles: Vec<Vec<&str>> =
            found.rows.iter().map(|row| row.cells.iter().map(|cell| cell.style.as_str()).collect()).collect();
        assert_eq!(
            styles,
            [["right5", "wrong1", "none"], ["wrong5", "right3", "wrong1"], ["none", "none", "none"]]
        );
        assert!(confusion(&evaluation(vec![vec![0; 41]; 41]), words()).is_none());
    }

    #[test]
    fn the_commonest_mistakes_come_first() {
        let table = commonest(&evaluation(vec![vec![90, 10, 0], vec![0, 5, 12], vec![3, 0, 0]]), words());
        assert_eq!(table.rows[0], ["class 1", "class 2", "12", "70.6\u{a0}%"]);
        assert_eq!(table.rows[2], ["class 2", "class 0", "3", "100\u{a0}%"]);
        assert_eq!(table.rows.len(), 3);
    }

    #[test]
    fn a_class_without_samples_has_no_share() {
        let shares =
            |counts: [(u64, u64); 2]| counts.map(|(part, whole)| Share::independent(part, whole)).into();
        let of_classes = [shares([(3, 4), (0, 0)]), shares([(3, 3), (0, 1)])];
        let table = classes(&evaluation(vec![vec![3, 1], vec![0, 0]]), of_classes, words());
        assert_eq!(table.rows[0][2], "75.00\u{a0}% (30.06–95.44)");
        assert_eq!(table.rows[1][2], "–");
    }
}
