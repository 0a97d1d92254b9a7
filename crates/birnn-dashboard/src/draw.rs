//! The board on a screen of any size. What has no room is left out, the least important first.

use std::time::Duration;

use birnn_data::Modality;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use crate::board::Board;
use crate::gallery::Gallery;
use crate::ink::Ink;
use crate::per_second;
use crate::plot;
use crate::rows::rows;
use crate::run_info::RunInfo;
use crate::texts;

// Rows of the terminal.
const HEADER: u16 = 3;
const WITH_FOOTER: u16 = 8;
const PLOTS: u16 = 6;
const SPEED: u16 = 5;
/// A text, in its frame.
const TEXTS: u16 = 5;
// Columns.
const TWO_PLOTS: u16 = 56;
pub(crate) const LOG: u16 = 34;
const TEXTS_WIDE: u16 = 40;

/// Draws all that there is room for.
pub fn draw(frame: &mut Frame, board: &Board, ink: Ink) {
    let area = frame.area();
    let footer = u16::from(area.height >= WITH_FOOTER);
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(HEADER.min(area.height)),
        Constraint::Min(0),
        Constraint::Length(footer),
    ])
    .areas(area);
    header(frame, head, board, ink);
    frame.render_widget(Paragraph::new(keys(ink)), foot);

    let panes = Panes::that_fit(&board.run, body);
    if panes.plots.height >= PLOTS {
        plots(frame, panes.plots, board, ink);
    }
    match panes.misread {
        Some((Shown::Pictures(gallery), area)) => gallery.draw(frame, area, board, ink),
        Some((Shown::Texts, area)) => texts::draw(frame, area, board, ink),
        None => {}
    }
    speed(frame, panes.speed, board, ink);
    log_lines(frame, panes.log, board, ink);
}

/// Where what is.
struct Panes {
    plots: Rect,
    misread: Option<(Shown, Rect)>,
    speed: Rect,
    log: Rect,
}

/// How misread samples are shown.
enum Shown {
    Pictures(Gallery),
    Texts,
}

impl Panes {
    fn that_fit(run: &RunInfo, body: Rect) -> Panes {
        match run.modality {
            // Numbers are not misread.
            _ if run.classes.is_empty() => Panes::without_misread(body),
            Modality::Text(_) if body.height >= PLOTS + TEXTS => Panes::with_texts(body),
            Modality::Text(_) => Panes::without_misread(body),
            Modality::Images { .. } | Modality::Series(_) => match Gallery::that_fit(run.picture(), body) {
                Some(gallery) => Panes::with_pictures(gallery, body),
                None => Panes::without_misread(body),
            },
        }
    }

    fn with_pictures(gallery: Gallery, body: Rect) -> Panes {
        let [plots, below] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(gallery.height())]).areas(body);
        let [left, right] =
            Layout::horizontal([Constraint::Length(gallery.width()), Constraint::Min(0)]).areas(below);
        let [speed, log] = above_each_other(right);
        Panes { plots, misread: Some((Shown::Pictures(gallery), left)), speed, log }
    }

    /// Texts beside the speed and the log, or where that is too narrow above them, as far as there is room.
    fn with_texts(body: Rect) -> Panes {
        if body.width >= TEXTS_WIDE + LOG {
            let high = (body.height / 2).max(TEXTS);
            let [plots, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(high)]).areas(body);
            let [texts, right] =
                Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(below);
            let [speed, log] = above_each_other(right);
            return Panes { plots, misread: Some((Shown::Texts, texts)), speed, log };
        }
        let bottom = if body.height >= PLOTS + TEXTS + SPEED { SPEED } else { 0 };
        let high = ((body.height - bottom) / 2).max(TEXTS);
        let [plots, texts, bottom] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(high), Constraint::Length(bottom)])
                .areas(body);
        let [speed, log] = beside_each_other(bottom);
        Panes { plots, misread: Some((Shown::Texts, texts)), speed, log }
    }

    fn without_misread(body: Rect) -> Panes {
        let high = if body.height >= PLOTS + SPEED { SPEED } else { 0 };
        let [plots, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(high)]).areas(body);
        let [speed, log] = beside_each_other(below);
        Panes { plots, misread: None, speed, log }
    }
}

fn above_each_other(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Length(SPEED), Constraint::Min(0)]).areas(area)
}

fn beside_each_other(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Percentage(40), Constraint::Percentage(60)]).areas(area)
}

/// Where the run is: the last line first, should there be no room for three.
fn header(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let run = &board.run;
    let what = Line::from(vec![
        Span::styled(run.name.clone(), ink.bold()),
        Span::styled(format!("  {}, on {}", run.architecture, run.device), ink.plain()),
    ]);
    let folder = Line::styled(run.run.clone(), ink.dim());
    let lines = match area.height {
        0 | 1 => vec![progress(board, area.width, ink)],
        2 => vec![what, progress(board, area.width, ink)],
        _ => vec![what, folder, progress(board, area.width, ink)],
    };
    frame.render_widget(Paragraph::new(lines), area);
}

/// Such as `epoch 3/8  37 % ━━━━──────── 1:23 gone, 2:10 left, lr 3.00e-3`.
fn progress(board: &Board, width: u16, ink: Ink) -> Line<'static> {
    let share = board.share();
    let start = format!("epoch {}/{}  {:.0} % ", board.epoch, board.run.epochs, (100.0 * share).floor());
    let left = board.left().map_or_else(String::new, |left| format!(", {} left", clock(left)));
    // Before the first step there is no rate.
    let rate = if board.rate > 0.0 { format!(", lr {:.2e}", board.rate) } else { String::new() };
    let end = format!(" {} gone{left}{rate}", clock(board.elapsed));
    let room = usize::from(width).saturating_sub(start.len() + end.len());
    let done = (share * room as f64) as usize;
    Line::from(vec![
        Span::styled(start, ink.bold()),
        Span::styled("━".repeat(done), ink.of(Color::Cyan)),
        Span::styled("─".repeat(room - done), ink.dim()),
        Span::styled(end, ink.plain()),
    ])
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn keys(ink: Ink) -> Line<'static> {
    let parts = [
        ("s", " checkpoint   "),
        ("q", " stop, with a checkpoint   "),
        ("Ctrl-C", " the same; twice: at once"),
    ];
    Line::from_iter(
        parts
            .into_iter()
            .flat_map(|(key, does)| [Span::styled(key, ink.bold()), Span::styled(does, ink.dim())]),
    )
}

fn plots(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    if area.width < TWO_PLOTS {
        return plot::loss(frame, area, board, ink);
    }
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    plot::loss(frame, left, board, ink);
    plot::score(frame, right, board, ink);
}

/// Images per second, now and since the start.
fn speed(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let now = format!("{} {}/s ", per_second::text(board.speed_now), board.run.modality.noun());
    let title = Line::from(vec![Span::raw(" "), Span::styled(now, ink.bold())]);
    let block = ink.frame(title);
    let width = usize::from(block.inner(area).width);
    // In thousandths, as there may be less than one in a second.
    let speeds: Vec<u64> = board.speed.points(width).iter().map(|(_, speed)| (1e3 * speed) as u64).collect();
    frame.render_widget(Sparkline::default().block(block).style(ink.of(Color::Magenta)).data(speeds), area);
}

/// The end of the log, lines broken where the pane ends.
fn log_lines(frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
    let block = ink.frame(Line::styled(" log ", ink.bold()));
    let inner = block.inner(area);
    let broken = board.log.iter().flat_map(|text| {
        let style = match text.split(':').next() {
            Some("warning") => ink.of(Color::Yellow),
            Some("error") => ink.of(Color::Red),
            _ => ink.plain(),
        };
        rows(text, usize::from(inner.width)).into_iter().map(move |row| Line::styled(row, style))
    });
    let mut lines: Vec<Line> = broken.collect();
    let start = lines.len().saturating_sub(usize::from(inner.height));
    frame.render_widget(Paragraph::new(lines.split_off(start)).block(block), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use birnn_data::Text;

    use super::*;
    use crate::board::made_up;
    use crate::misread::{Misread, Wrong};

    /// What a screen of this size shows.
    fn shown(width: u16, height: u16, board: &Board, colours: bool) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, board, Ink { colours })).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let text = (0..height).map(|y| row(y).trim_end().to_owned() + "\n").collect();
        eprintln!("{width} x {height}:\n{text}");
        text
    }

    /// Each screen shows `parts` and nothing of `absent`.
    #[track_caller]
    fn shows(width: u16, height: u16, parts: &[&str], absent: &[&str]) {
        let text = shown(width, height, &made_up::board(), true);
        parts.iter().for_each(|part| assert!(text.contains(part), "{part}"));
        absent.iter().for_each(|part| assert!(!text.contains(part), "{part}"));
    }

    const ALL: [&str; 14] = [
        "bilstm",
        "2 x LSTM 128+128, readout last, on cpu",
        "runs/bilstm/001",
        "epoch 3/4  62 %",
        "0:52 gone, 0:31 left, lr 3.00e-3",
        "loss 0.0",
        "validation 0.0900",
        "accuracy 9",
        "validation 97.40 %",
        "images/s",
        "misread",
        "0 called 3",
        "warning: other processes",
        "s checkpoint",
    ];

    #[test]
    fn a_large_screen_shows_everything() {
        shows(120, 40, &ALL, &[]);
        shows(200, 60, &ALL, &[]);
        shows(80, 24, &ALL, &[]);
    }

    #[test]
    fn a_small_one_leaves_panes_out() {
        shows(60, 15, &["epoch 3/4", "loss", "accuracy", "images/s", "log", "s checkpoint"], &["misread"]);
        shows(40, 12, &["epoch 3/4", "loss"], &["accuracy", "misread", "log"]);
        shows(20, 5, &["bilstm", "epoch 3/4  62 %"], &["loss", "checkpoint"]);
        shows(20, 2, &["bilstm", "epoch 3/4  62 %"], &["runs/"]);
        shows(1, 1, &["e"], &[]);
    }

    /// In the middle of a run that tags sentences.
    fn of_text() -> Board {
        let mut board = made_up::board();
        board.run.modality = Modality::Text(Text::default());
        let tokens = ["uncle", "Ana", "said"].map(str::to_owned).to_vec();
        let wrong = vec![(1, Wrong { label: 3, class: 4 })];
        board.misread = vec![Misread::Tagged { tokens, wrong }; 3].into();
        board
    }

    #[test]
    fn of_text_there_are_sentences_wherever_a_picture_or_more_would_be() {
        let tagged = ["misread", "uncle Ana said", "called       4", "is           3"];
        for (width, height, parts, absent) in [
            (120, 40, &ALL[..10], &[][..]),
            (80, 24, &ALL[..10], &[]),
            (60, 22, &["loss", "accuracy", "sentences/s", "log"], &[]),
            (40, 16, &["loss"], &["sentences/s"]),
            (40, 12, &["loss", "s checkpoint"], &["misread", "log"]),
        ] {
            let text = shown(width, height, &of_text(), true);
            let parts = parts.iter().filter(|part| **part != "images/s");
            let tagged = tagged.iter().filter(|_| !absent.contains(&"misread"));
            parts.chain(tagged).for_each(|part| assert!(text.contains(part), "{part}"));
            absent.iter().for_each(|part| assert!(!text.contains(part), "{part}"));
        }
    }

    #[test]
    fn no_size_and_no_moment_is_too_much() {
        let begun = Board::new(made_up::board().run);
        let mut strange = made_up::board();
        strange.run.classes.clear();
        strange.run.modality = Modality::Images { shape: [300, 1], preprocessing: None };
        strange.misread.iter_mut().for_each(|one| {
            if let Misread::Picture { pixels, .. } = one {
                pixels.truncate(5);
            }
        });
        strange.log.push("\x1b[2J\u{1f600}\u{0}\r\n".repeat(50));
        for board in [begun, strange, made_up::board(), of_text()] {
            for width in (0..100).step_by(7).chain([1, 300]) {
                for height in (0..50).step_by(3).chain([1, 2]) {
                    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                    terminal.draw(|frame| draw(frame, &board, Ink { colours: true })).unwrap();
                }
            }
        }
    }

    #[test]
    fn without_colours_nothing_has_one() {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        terminal.draw(|frame| draw(frame, &made_up::board(), Ink { colours: false })).unwrap();
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        assert!(cells.iter().any(|cell| cell.symbol() == "▓"));
    }
}
