//! What a conditional random field learnt of tags beside each other.

use birnn_architecture::LegalTags;
use birnn_infer::Predictor;

use crate::figure::Table;
use crate::heat_map::{Cell, HeatMap, Row, shade};
use crate::number::number;

/// The scores of transitions as a picture, and the most remarkable of them in words.
#[derive(Debug)]
pub(crate) struct Transitions {
    /// Unless there are too many tags.
    pub(crate) heat_map: Option<HeatMap>,
    pub(crate) extremes: Table,
    /// How many are not legal.
    pub(crate) illegal: usize,
}

/// A map of more tags than this cannot be found one's way in.
const LARGEST_MAP: usize = 64;
/// Of more tags than this the map is drawn close.
const ROOMY: usize = 12;
/// Highest and lowest scores that are listed.
const LISTED: usize = 10;
/// Before the first tag, and behind the last.
const ENDS: [&str; 2] = ["start", "end"];

/// From what to what, and its score; `None` where it is not legal.
struct Transition<'a> {
    from: &'a str,
    to: &'a str,
    score: Option<f64>,
}

impl Transitions {
    /// Those of a net, where its head is a conditional random field.
    pub(crate) fn of(predictor: &Predictor) -> Option<Transitions> {
        let [transitions, start, end] = predictor.network().transitions()?;
        let tags = predictor.task().classes();
        let legal = predictor.task().legal_tags();
        Some(Transitions::new(tags, Scores { transitions, start, end, legal: legal.as_ref() }))
    }

    fn new(tags: &[String], scores: Scores<'_>) -> Transitions {
        let rows = || (0..=tags.len()).map(|row| scores.row(tags, row));
        let legal = rows().flatten().flatten().filter_map(|transition| transition.score);
        let largest = legal.map(f64::abs).fold(0.0, f64::max);
        let close = tags.len() > ROOMY;
        let heat_map = || HeatMap {
            class: if close { "transitions close" } else { "transitions" },
            label: "Transitions",
            caption: "Score of each transition".to_owned(),
            corner: "from \\ to",
            columns: tags.iter().map(String::as_str).chain([ENDS[1]]).map(str::to_owned).collect(),
            rows: rows()
                .enumerate()
                .map(|(row, transitions)| Row {
                    name: row.checked_sub(1).map_or(ENDS[0], |tag| &tags[tag]).to_owned(),
                    cells: transitions
                        .into_iter()
                        .map(|transition| {
                            transition.map(|found| found.cell(largest, close)).unwrap_or_default()
                        })
                        .collect(),
                })
                .collect(),
        };
        Transitions {
            heat_map: (tags.len() <= LARGEST_MAP).then(heat_map),
            extremes: extremes(rows().flatten().flatten()),
            illegal: rows().flatten().flatten().filter(|transition| transition.score.is_none()).count(),
        }
    }
}

/// The parameters of a conditional random field, and which of them count.
#[derive(Clone, Copy)]
struct Scores<'a> {
    /// `[from, to]`.
    transitions: &'a [f32],
    start: &'a [f32],
    end: &'a [f32],
    legal: Option<&'a LegalTags>,
}

impl Scores<'_> {
    /// From the start, or from a tag, to each tag and to the end; from the start to the end nothing leads.
    fn row<'n>(&self, tags: &'n [String], row: usize) -> Vec<Option<Transition<'n>>> {
        let Scores { transitions, start, end, legal } = *self;
        let score = |score: f32, is_legal: Option<bool>| is_legal.unwrap_or(true).then_some(f64::from(score));
        let Some(from) = row.checked_sub(1) else {
            let to = |(tag, name): (usize, &'n String)| {
                let score = score(start[tag], legal.map(|legal| legal.start[tag]));
                Some(Transition { from: ENDS[0], to: name, score })
            };
            return tags.iter().enumerate().map(to).chain([None]).collect();
        };
        let to = |(tag, name): (usize, &'n String)| {
            let at = from * tags.len() + tag;
            let score = score(transitions[at], legal.map(|legal| legal.transitions[at]));
            Some(Transition { from: &tags[from], to: name, score })
        };
        let score = score(end[from], legal.map(|legal| legal.end[from]));
        let last = Some(Transition { from: &tags[from], to: ENDS[1], score });
        tags.iter().enumerate().map(to).chain([last]).collect()
    }
}

impl Transition<'_> {
    fn cell(&self, largest: f64, close: bool) -> Cell {
        let Transition { from, to, score } = self;
        let said = |what: &str| format!("{from} to {to}: {what}");
        match *score {
            None => Cell { text: "×".to_owned(), title: said("not legal"), style: "illegal".to_owned() },
            Some(score) => Cell {
                text: rounded(score, if close { 1 } else { 2 }),
                title: said(&number(score)),
                style: shade(if score < 0.0 { "wrong" } else { "right" }, score.abs(), largest),
            },
        }
    }
}

/// With so many decimals, and no sign where nothing else is left.
fn rounded(score: f64, decimals: usize) -> String {
    let text = format!("{score:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| digit == '0' || digit == '.') => digits.to_owned(),
        _ => text,
    }
}

/// The highest and the lowest scores, the highest first; all, where there are few.
fn extremes<'a>(transitions: impl Iterator<Item = Transition<'a>>) -> Table {
    let mut legal: Vec<(f64, Transition)> =
        transitions.filter_map(|transition| Some((transition.score?, transition))).collect();
    legal.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    if legal.len() > 2 * LISTED {
        legal.drain(LISTED..legal.len() - LISTED);
    }
    let row = |(score, Transition { from, to, .. }): (f64, Transition)| {
        vec![from.to_owned(), to.to_owned(), number(score), number(score.exp())]
    };
    Table::new(
        "The highest and the lowest scores",
        &["from", "to", "score", "times as probable"],
        legal.into_iter().map(row).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize) -> Vec<String> {
        (0..count).map(|tag| format!("tag {tag}")).collect()
    }

    /// All legal, the score of each its place among them all.
    fn of(count: usize) -> Transitions {
        let values: Vec<f32> = (0..count * (count + 2)).map(|index| index as f32).collect();
        let (start, rest) = values.split_at(count);
        let (end, transitions) = rest.split_at(count);
        Transitions::new(&tags(count), Scores { transitions, start, end, legal: None })
    }

    #[test]
    fn each_cell_is_a_score_or_says_that_there_is_none() {
        let legal = LegalTags {
            transitions: vec![true, false, true, true],
            start: vec![true, false],
            end: vec![true, true],
        };
        let scores = Scores {
            transitions: &[0.5, 9.0, -2.0, 0.25],
            start: &[1.0, 8.0],
            end: &[-0.1234, 0.0],
            legal: Some(&legal),
        };
        let found = Transitions::new(&tags(2), scores);
        let map = found.heat_map.unwrap();
        assert_eq!(map.columns, ["tag 0", "tag 1", "end"]);
        assert!(map.rows.iter().map(|row| row.name.as_str()).eq(["start", "tag 0", "tag 1"]));
        let cells: Vec<[&str; 2]> = map
            .rows
            .iter()
            .flat_map(|row| &row.cells)
            .map(|cell| [cell.text.as_str(), cell.style.as_str()])
            .collect();
        assert_eq!(
            cells,
            [
                [["1.00", "right3"], ["×", "illegal"], ["", ""]],
                [["0.50", "right2"], ["×", "illegal"], ["-0.12", "wrong1"]],
                [["-2.00", "wrong5"], ["0.25", "right1"], ["0.00", "right1"]],
            ]
            .as_flattened()
        );
        let titles: Vec<&str> = map.rows[1].cells.iter().map(|cell| cell.title.as_str()).collect();
        assert_eq!(titles, ["tag 0 to tag 0: 0.5", "tag 0 to tag 1: not legal", "tag 0 to end: -0.123"]);
        assert_eq!((found.illegal, found.extremes.rows.len()), (2, 6));
        assert_eq!(found.extremes.rows[0], ["start", "tag 0", "1", "2.72"]);
        assert_eq!(found.extremes.rows[5], ["tag 1", "tag 0", "-2", "0.135"]);
    }

    #[test]
    fn nothing_has_no_sign() {
        let found = [-0.04, -0.06, 0.0, -12.0].map(|score| rounded(score, 1));
        assert_eq!(found, ["0.0", "-0.1", "0.0", "-12.0"]);
    }

    #[test]
    fn many_tags_are_drawn_close_and_too_many_are_listed_alone() {
        for (count, class) in
            [(2, Some("transitions")), (12, Some("transitions")), (45, Some("transitions close")), (65, None)]
        {
            let found = of(count);
            assert_eq!(found.heat_map.as_ref().map(|map| map.class), class, "{count}");
            let rows = found.heat_map.map_or(count + 1, |map| map.rows.len());
            assert_eq!((rows, found.illegal), (count + 1, 0));
            let all = count * (count + 2);
            assert_eq!(found.extremes.rows.len(), all.min(2 * LISTED));
            assert_eq!(found.extremes.rows[0][2], number((all - 1) as f64));
            assert_eq!(found.extremes.rows.last().unwrap()[2], "0");
        }
    }
}
