//! What each direction has in the answer for a token: what it adds to the logit, and what it would answer
//! alone.

use std::ops::Range;

use birnn_architecture::Direction;
use birnn_data::{Modality, Per, TagSet};
use birnn_infer::{Classified, Contributions, Directions, Task, cpu};

use crate::chart::Bars;
use crate::figure::{Figure, Table};
use crate::number::number;
use crate::predictions::{Prediction, Predictions};
use crate::run::Run;
use crate::scores::percent;
use crate::words::Words;

/// What both directions add to logits of all test sentences, and the largest that either adds to that of an
/// answer.
#[derive(Debug)]
pub(crate) struct Added {
    directions: Directions,
    largest: f64,
}

/// What the directions add to the logits of the answers for tokens in a row, to be drawn on the scale of the
/// largest.
#[derive(Debug)]
pub(crate) struct AddedToAnswers {
    pub(crate) of: Vec<Contributions>,
    pub(crate) largest: f64,
}

/// What there is to say of the directions over all tokens.
#[derive(Debug)]
pub(crate) struct ByDirection {
    pub(crate) margins: Figure,
    pub(crate) how_alone: String,
    pub(crate) alone: Table,
}

/// Answers of one kind: how many, and the sum of their margins.
#[derive(Clone, Debug, Default)]
struct Group {
    name: String,
    count: usize,
    margin: Contributions,
}

/// More groups than this are not drawn; the table has them all.
const DRAWN: usize = 24;

impl Added {
    /// Of a net that tags sentences and reads both ways. Series are drawn as lines and bands, in which a step
    /// has no room for numbers of its own.
    pub(crate) fn of(run: &Run, predictions: &Predictions) -> Option<Added> {
        let is_text = matches!(run.predictor.manifest().modality, Modality::Text(_));
        if !is_text || run.predictor.task().per() == Per::Sequence {
            return None;
        }
        let directions = run.predictor.directions(&run.test.sequences, cpu::threads())?;
        let answers = predictions.predictions.iter().enumerate();
        let added = answers.map(|(position, answer)| directions.of_logit(position, answer.class));
        let largest = added.map(|of| of.forward.abs().max(of.reverse.abs())).fold(0.0, f64::max);
        Some(Added { directions, largest })
    }

    /// At these of all positions.
    pub(crate) fn to_answers(&self, predictions: &Predictions, range: Range<usize>) -> AddedToAnswers {
        let of =
            |position: usize| self.directions.of_logit(position, predictions.predictions[position].class);
        AddedToAnswers { of: range.map(of).collect(), largest: self.largest }
    }
}

impl ByDirection {
    pub(crate) fn new(added: &Added, run: &Run, predictions: &Predictions, words: Words) -> ByDirection {
        let groups = groups(added, run, predictions);
        let of_spans = predictions.spans.is_some();
        ByDirection {
            margins: margins(&groups, of_spans, run, words),
            how_alone: how_alone(run, words),
            alone: alone(added, run, predictions),
        }
    }
}

/// The margins of answers by their tag, or where tags mark spans by the type of these, the most frequent
/// first.
fn groups(added: &Added, run: &Run, predictions: &Predictions) -> Vec<Group> {
    let classes = run.predictor.task().classes();
    let tags = tag_set(run);
    let mut groups: Vec<Group> = match &tags {
        None => classes.to_vec(),
        Some(tags) => tags.kinds().iter().cloned().chain(["outside".to_owned()]).collect(),
    }
    .into_iter()
    .map(|name| Group { name, ..Group::default() })
    .collect();
    for (position, &Prediction { class, .. }) in predictions.predictions.iter().enumerate() {
        let Some(margin) = added.directions.of_margin(position, class) else { continue };
        let group = match &tags {
            None => class,
            Some(tags) => tags.kind(class).unwrap_or(tags.kinds().len()),
        };
        groups[group].count += 1;
        groups[group].margin = groups[group].margin.and(margin);
    }
    groups.retain(|group| group.count > 0);
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// The tags, where they mark spans.
fn tag_set(run: &Run) -> Option<TagSet> {
    match run.predictor.task() {
        Task::Classify(task) => task.tag_set().ok().flatten(),
        Task::Regress(_) => None,
    }
}

/// What each direction adds to the margin, on average.
fn margins(groups: &[Group], of_spans: bool, run: &Run, words: Words) -> Figure {
    let Words { step, steps, .. } = words;
    let mean = |group: &Group| group.margin.over(group.count as f64);
    let row = |group: &Group| {
        let margin = mean(group);
        let numbers = [margin.sum(), margin.forward, margin.reverse, margin.bias];
        std::iter::once(group.name.clone())
            .chain([number(group.count as f64)])
            .chain(numbers.map(number))
            .collect()
    };
    let what = if of_spans { "type of span" } else { "tag" };
    let drawn = groups.iter().take(DRAWN);
    let bars = Bars {
        label: "mean part in the margin".to_owned(),
        groups: drawn
            .map(|group| (group.name.clone(), vec![mean(group).forward, mean(group).reverse]))
            .collect(),
    };
    let undrawn = match groups.len().saturating_sub(DRAWN) {
        0 => String::new(),
        more => format!(" The {more} least frequent are in the numbers alone."),
    };
    let random_field = match run.predictor.network().transitions() {
        None => "",
        Some(_) => {
            " These are the logits that the conditional random field is given: where its transitions decided, the margin \
             is below 0."
        }
    };
    let caption = format!(
        "By how much the logit of the answered tag is above that of the runner-up, the largest of all others: what \
         the {step}'s forward and reverse states add to that, mean over all test {steps} by answered {what}. The head \
         is linear, so a logit is exactly its bias, the forward part and the reverse part; the numbers have all \
         three.{random_field} {}{undrawn}",
        what_is_read(run, words)
    );
    let told = |group: &Group| {
        format!(
            "{}: forward {}, reverse {}",
            group.name,
            number(mean(group).forward),
            number(mean(group).reverse)
        )
    };
    let told: Vec<String> = groups.iter().take(DRAWN).map(told).collect();
    let (id, title) = ("directions", "What each direction adds");
    let description =
        format!("Mean part of each direction in the margin by answered {what}. {}.", told.join("; "));
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        caption,
        svg: bars.draw().finish(id, title, &description),
        legend: ["forward", "reverse"].map(|name| (name.to_owned(), true)).to_vec(),
        table: Table::new(
            format!("Mean margin by answered {what}"),
            &[what, steps, "margin", "forward", "reverse", "bias"],
            groups.iter().map(row).collect(),
        ),
    }
}

/// Which tokens are behind a state of the top layer.
fn what_is_read(run: &Run, Words { step, steps, .. }: Words) -> String {
    match run.predictor.network().architecture().layers {
        1 => format!(
            "A {step}'s forward states have read the {steps} up to it, its reverse states those from the last back to it."
        ),
        _ => format!(
            "Forward and reverse are those of the top layer, both of which read what the layer below it found in either \
             direction: either may know of {steps} on both sides."
        ),
    }
}

fn how_alone(run: &Run, Words { step, steps, .. }: Words) -> String {
    let random_field = match run.predictor.network().transitions() {
        None => "",
        Some(_) => {
            " The conditional random field still finds the tags together, and so carries what one tag says to those on either side."
        }
    };
    format!(
        "What the net answers by one direction alone. What the other adds to each logit is not removed but set to its \
         mean over all test {steps}: a constant tells nothing of any {step}, but the head was learnt with it, and without \
         it logits would be off everywhere.{random_field} A net that learnt with one direction alone may well do better \
         than half of this one."
    )
}

/// How well each direction does by itself.
fn alone(added: &Added, run: &Run, predictions: &Predictions) -> Table {
    let judged = [Direction::Forward, Direction::Reverse].map(|direction| {
        run.predictor.task().evaluate(&added.directions.alone(direction), &run.test.targets)
    });
    let row = |(name, found): (&str, &Classified)| {
        let scores = found.f1().into_iter().chain([found.accuracy, found.macro_f1]);
        std::iter::once(name.to_owned()).chain(scores.map(percent)).collect()
    };
    let [forward, reverse] = judged.each_ref().map(|found| found.classified());
    let found =
        [("both", Some(&predictions.classified)), ("forward alone", forward), ("reverse alone", reverse)];
    let rows = found.into_iter().filter_map(|(name, found)| Some(row((name, found?))));
    let of_spans = predictions.classified.f1().map(|_| "F1 of spans");
    let columns: Vec<&str> =
        std::iter::once("directions").chain(of_spans).chain(["accuracy", "macro F1"]).collect();
    Table::new("Answers by direction", &columns, rows.collect())
}

/// How to read what is drawn below a token.
pub(crate) const ADDED: &str = " The bars below are what the forward (left) and the reverse states (right) add to the \
    logit of the answer, upwards, or take from it, downwards, on the same scale for all sentences.";

impl AddedToAnswers {
    /// Of a token: the attribute that says the numbers, and the drawing with a bar for each direction.
    pub(crate) fn below(&self, step: usize) -> Option<(String, String)> {
        let added = *self.of.get(step)?;
        let Contributions { bias, forward, reverse } = added;
        let [logit, bias, shown_forward, shown_reverse] = [added.sum(), bias, forward, reverse].map(number);
        let title = format!(
            " title=\"logit {logit} = bias {bias} + forward {shown_forward} + reverse {shown_reverse}\""
        );
        let bars = [self.bar(0, forward), self.bar(1, reverse)].concat();
        let axis = r#"<line class="axis" x1="0" y1="14" x2="20" y2="14"/>"#;
        Some((
            title,
            format!(r#"<svg class="added" viewBox="0 0 20 28" aria-hidden="true">{bars}{axis}</svg>"#),
        ))
    }

    /// One of the two bars, in a drawing 28 high with 0 in the middle.
    fn bar(&self, style: usize, value: f64) -> String {
        let height = if self.largest > 0.0 { 14.0 * value.abs() / self.largest } else { 0.0 };
        let (x, y) = (1 + 10 * style, if value < 0.0 { 14.0 } else { 14.0 - height });
        format!(r#"<rect class="part s{style}" x="{x}" y="{y:.1}" width="8" height="{height:.1}"/>"#)
    }

    /// The numbers of these tokens with their answers.
    pub(crate) fn table<'a>(&self, tokens: impl Iterator<Item = (&'a str, &'a str)>, step: &str) -> Table {
        let row = |((token, answer), added): ((&str, &str), &Contributions)| {
            let numbers = [added.sum(), added.forward, added.reverse, added.bias].map(number);
            [token, answer].map(str::to_owned).into_iter().chain(numbers).collect()
        };
        let columns = [step, "answer", "logit", "forward", "reverse", "bias"];
        Table::new("What each direction adds", &columns, tokens.zip(&self.of).map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_drawn_up_and_down_on_the_scale_of_the_largest() {
        let of = |forward, reverse| Contributions { bias: 0.5, forward, reverse };
        let added = AddedToAnswers { of: vec![of(4.0, -1.0), of(0.0, 2.0)], largest: 4.0 };
        let below = |step| added.below(step).unwrap();
        let (title, drawing) = below(0);
        assert_eq!(title, " title=\"logit 3.5 = bias 0.5 + forward 4 + reverse -1\"");
        let bars = r#"<rect class="part s0" x="1" y="0.0" width="8" height="14.0"/><rect class="part s1" x="11" y="14.0" width="8" height="3.5"/>"#;
        assert!(drawing.contains(bars), "{drawing}");
        let (_, drawing) = below(1);
        assert!(drawing.contains(r#"y="14.0" width="8" height="0.0""#), "{drawing}");
        assert!(drawing.contains(r#"y="7.0" width="8" height="7.0""#), "{drawing}");
        assert_eq!(added.below(2), None);
        let table = added.table([("<a>", "B-x"), ("b", "O")].into_iter(), "token");
        assert_eq!(table.rows[0], ["<a>", "B-x", "3.5", "4", "-1", "0.5"]);
        assert_eq!(table.columns[0], "token");
        let nothing = AddedToAnswers { of: vec![of(0.0, 0.0)], largest: 0.0 };
        assert!(!nothing.below(0).unwrap().1.contains("NaN"));
    }
}
