//! Misread texts and mistagged sentences, one below the other.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::board::Board;
use crate::ink::Ink;
use crate::misread::{Misread, Wrong};
use crate::rows::{rows, width};
use crate::run_info::RunInfo;

/// Rows of a text below the line that says what it is called.
const ROWS: usize = 2;
/// What a row of tags begins with.
const CALLED: &str = "called ";
const IS: &str = "is     ";
/// Where tokens are left out.
const LEFT_OUT: &str = "…";

/// As many of the last as there is room for, each whole.
pub fn draw(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let block = ink.frame(Line::styled(" misread ", ink.bold()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines: Vec<Line> = Vec::new();
    for one in &board.misread {
        let own = lines_of(one, &board.run, usize::from(inner.width), ink);
        let gap = usize::from(!lines.is_empty());
        if lines.len() + gap + own.len() > usize::from(inner.height) {
            break;
        }
        lines.extend(std::iter::repeat_n(Line::default(), gap));
        lines.extend(own);
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

fn lines_of(one: &Misread, run: &RunInfo, room: usize, ink: Ink) -> Vec<Line<'static>> {
    match one {
        Misread::Picture { .. } => Vec::new(),
        Misread::Text { beginning, wrong } => text(beginning, *wrong, run, room, ink),
        Misread::Tagged { tokens, wrong } => tagged(tokens, wrong, run, room, ink),
    }
}

/// What a text is called, and how it begins.
fn text(beginning: &str, wrong: Wrong, run: &RunInfo, room: usize, ink: Ink) -> Vec<Line<'static>> {
    let begins = rows(beginning, room).into_iter().take(ROWS).map(|row| Line::styled(row, ink.plain()));
    std::iter::once(Line::styled(run.told(wrong), ink.of(Color::Red))).chain(begins).collect()
}

/// Tokens, and below those that have another tag than the true one both tags.
fn tagged(
    tokens: &[String],
    wrong: &[(usize, Wrong)],
    run: &RunInfo,
    room: usize,
    ink: Ink,
) -> Vec<Line<'static>> {
    let Some(&(first, _)) = wrong.first() else { return Vec::new() };
    let column = |(place, token): (usize, &String)| {
        let wrong = wrong.iter().find(|(at, _)| *at == place).map(|(_, wrong)| *wrong);
        let tag =
            |of: fn(Wrong) -> usize| wrong.map_or_else(String::new, |wrong| run.class(of(wrong)).to_owned());
        [token.clone(), tag(|wrong| wrong.class), tag(|wrong| wrong.label)]
    };
    let columns: Vec<[String; 3]> = tokens.iter().enumerate().map(column).collect();
    let widths: Vec<usize> =
        columns.iter().map(|column| column.iter().map(|cell| width(cell)).max().unwrap_or(0)).collect();
    let shown = window(&widths, first, room.saturating_sub(CALLED.len() + 4));
    let styles = [ink.plain(), ink.of(Color::Red), ink.of(Color::Green)];
    let headings = ["       ", CALLED, IS];
    let row = |row: usize| {
        let mut spans = vec![Span::styled(headings[row], ink.dim())];
        let mark = |is_cut: bool| Span::styled(if is_cut && row == 0 { LEFT_OUT } else { "" }, ink.dim());
        spans.extend((shown.start > 0).then(|| padded(mark(true), 2)).into_iter().flatten());
        for place in shown.clone() {
            spans.extend(padded(Span::styled(columns[place][row].clone(), styles[row]), widths[place] + 1));
        }
        spans.push(mark(shown.end < tokens.len()));
        Line::from(spans)
    };
    (0..3).map(row).collect()
}

/// A text with as many spaces behind it as its column is wide.
fn padded(span: Span<'static>, to: usize) -> [Span<'static>; 2] {
    let spaces = to.saturating_sub(span.width());
    [span, Span::styled(" ".repeat(spaces), Style::new())]
}

/// Of columns of these widths, with a space between each two, those around `first` that have room, that one
/// at least: about a third of the room is for what comes before it.
fn window(widths: &[usize], first: usize, room: usize) -> Range<usize> {
    let (mut shown, mut used) = (first..first + 1, widths[first]);
    let before = |shown: &Range<usize>| Some(widths[shown.start.checked_sub(1)?] + 1);
    let behind = |shown: &Range<usize>| Some(widths.get(shown.end)? + 1);
    while let Some(more) = before(&shown).filter(|more| used + more <= widths[first] + room / 3) {
        (shown.start, used) = (shown.start - 1, used + more);
    }
    while let Some(more) = behind(&shown).filter(|more| used + more <= room) {
        (shown.end, used) = (shown.end + 1, used + more);
    }
    // What is left is for more of what comes before.
    while let Some(more) = before(&shown).filter(|more| used + more <= room) {
        (shown.start, used) = (shown.start - 1, used + more);
    }
    shown
}

#[cfg(test)]
mod tests {
    use birnn_data::{Modality, Text};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::board::made_up;

    const CLASSES: [&str; 4] = ["O", "B-person", "I-person", "B-place"];

    /// What a pane of this size shows of these.
    fn shown(misread: Vec<Misread>, width: u16, height: u16) -> Vec<String> {
        let mut board = made_up::board();
        board.run.modality = Modality::Text(Text::default());
        board.run.classes = CLASSES.map(str::to_owned).to_vec();
        board.misread = misread.into();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, frame.area(), &board, Ink { colours: true })).unwrap();
        let buffer = terminal.backend().buffer();
        // A wide character takes two cells, of which the second is empty.
        let row = |y| {
            let mut row = String::new();
            let mut skipped = 0;
            for x in 1..width - 1 {
                let symbol = buffer[(x, y)].symbol();
                if skipped == 0 {
                    row.push_str(symbol);
                    skipped = super::width(symbol).saturating_sub(1);
                } else {
                    skipped -= 1;
                }
            }
            row.trim_end().to_owned()
        };
        (1..height - 1).map(row).collect()
    }

    fn sentence(tokens: &str, wrong: &[(usize, usize, usize)]) -> Misread {
        Misread::Tagged {
            tokens: tokens.split(' ').map(str::to_owned).collect(),
            wrong: wrong.iter().map(|&(at, label, class)| (at, Wrong { label, class })).collect(),
        }
    }

    #[test]
    fn tags_stand_below_their_tokens() {
        let one = || sentence("uncle Ana 東京 said", &[(1, 1, 3), (2, 2, 0)]);
        let expected = [
            "       uncle Ana      東京     said",
            "called       B-place  O",
            "is           B-person I-person",
        ];
        assert_eq!(shown(vec![one()], 60, 5), expected);
        // Two with a line between them, but never a part of one.
        let both = [&expected[..], &[""], &expected].concat();
        assert_eq!(shown(vec![one(), one()], 60, 9), both);
        assert_eq!(shown(vec![one(), one()], 60, 8), [&expected[..], &["", "", ""]].concat());
        assert_eq!(shown(vec![one()], 60, 4), ["", ""]);
        assert_eq!(shown(vec![sentence("none wrong", &[])], 60, 5), ["", "", ""]);
    }

    #[test]
    fn of_a_long_sentence_what_is_around_the_first_mistake_is_shown() {
        let long: Vec<String> = (0..40).map(|index| format!("w{index:02}")).collect();
        let one = |at| sentence(&long.join(" "), &[(at, 1, 0)]);
        let rows = shown(vec![one(20)], 42, 5);
        assert_eq!(
            rows,
            ["       … w18 w19 w20      w21 w22 w23 …", "called           O", "is               B-person",]
        );
        assert_eq!(shown(vec![one(0)], 42, 5)[0], "       w00      w01 w02 w03 w04 w05 …");
        assert_eq!(shown(vec![one(39)], 42, 5)[0], "       … w34 w35 w36 w37 w38 w39");
        // There is no width in which the mistake is not.
        for narrow in 14..60 {
            let rows = shown(vec![one(20)], narrow, 5);
            assert!(rows[0].contains("w20") && rows[2].contains("B-p"), "{narrow}: {rows:?}");
        }
    }

    #[test]
    fn a_text_is_shown_by_its_beginning() {
        let text = |beginning: &str| Misread::Text {
            beginning: beginning.to_owned(),
            wrong: Wrong { label: 0, class: 3 },
        };
        let rows = shown(vec![text("one two three four five six"), text("short")], 17, 9);
        let told = "O called B-plac";
        assert_eq!(rows, [told, "one two three", "four five six", "", told, "short", ""]);
        assert_eq!(
            shown(vec![text("日本語 日本語 日本語")], 16, 6),
            ["O called B-pla", "日本語 日本語", "日本語", ""]
        );
    }

    #[test]
    fn no_size_is_too_small() {
        let wrong = Wrong { label: 9, class: 0 };
        let all = || vec![sentence("a b", &[(1, 9, 0)]), Misread::Text { beginning: String::new(), wrong }];
        for width in 2..20 {
            for height in 2..8 {
                shown(all(), width, height);
            }
        }
    }
}
