//! The board on a screen of any size. What has no room is left out, the least important first.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use crate::board::Board;
use crate::half_blocks::Size;
use crate::ink::Ink;
use crate::plot;

// Rows of the terminal.
const HEADER: u16 = 3;
const WITH_FOOTER: u16 = 8;
const PLOTS: u16 = 6;
const PLOTS_ABOVE_GALLERY: u16 = 9;
const SPEED: u16 = 5;
// Columns.
const TWO_PLOTS: u16 = 56;
const LOG: u16 = 34;

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

    let gallery = Gallery::that_fit(board.run.picture(), body);
    let below = match gallery {
        Some(gallery) => gallery.height(),
        None if body.height >= PLOTS + SPEED => SPEED,
        None => 0,
    };
    let [above, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).areas(body);
    if above.height >= PLOTS {
        plots(frame, above, board, ink);
    }
    match gallery {
        Some(gallery) => {
            let [left, right] =
                Layout::horizontal([Constraint::Length(gallery.width()), Constraint::Min(0)]).areas(below);
            misread(frame, left, gallery, board, ink);
            let [speed_area, log] =
                Layout::vertical([Constraint::Length(SPEED), Constraint::Min(0)]).areas(right);
            speed(frame, speed_area, board, ink);
            log_lines(frame, log, board, ink);
        }
        None => {
            let [left, right] =
                Layout::horizontal([Constraint::Percentage(40), Constraint::Percentage(60)]).areas(below);
            speed(frame, left, board, ink);
            log_lines(frame, right, board, ink);
        }
    }
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
    let now = format!("{:.0} {}/s ", board.speed_now, board.run.modality.noun());
    let title = Line::from(vec![Span::raw(" "), Span::styled(now, ink.bold())]);
    let block = ink.frame(title);
    let width = usize::from(block.inner(area).width);
    let speeds: Vec<u64> = board.speed.points(width).iter().map(|(_, speed)| *speed as u64).collect();
    frame.render_widget(Sparkline::default().block(block).style(ink.of(Color::Magenta)).data(speeds), area);
}

/// How misread samples are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gallery {
    size: Size,
    across: u16,
    down: u16,
}

impl Gallery {
    /// As large as leaves room for two beside each other, for the plots above and the log at the right.
    fn that_fit(shape: [usize; 2], body: Rect) -> Option<Gallery> {
        let wide = body.width.checked_sub(LOG + 2)?;
        let high = body.height.checked_sub(PLOTS_ABOVE_GALLERY + 2)?;
        (1..=4).find_map(|scale| {
            let size = Size::new(shape, scale);
            let across = (wide + 1) / (size.width() + 1);
            // With more room, the plots and they share it.
            let down = high.min(body.height.div_ceil(2).max(size.height() + 1)) / (size.height() + 1);
            (across >= 2 && down >= 1).then_some(Gallery { size, across, down })
        })
    }

    fn width(self) -> u16 {
        self.across * (self.size.width() + 1) + 1
    }

    fn height(self) -> u16 {
        self.down * (self.size.height() + 1) + 2
    }
}

/// The last misclassified samples, each as a picture with what it is and what it was called.
fn misread(frame: &mut Frame, area: Rect, gallery: Gallery, board: &Board, ink: Ink) {
    let block = ink.frame(Line::styled(" misread ", ink.bold()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Gallery { size, across, down } = gallery;
    let cells = (0..down).flat_map(|row| (0..across).map(move |column| (row, column)));
    for ((row, column), one) in cells.zip(&board.misread) {
        let corner = (inner.x + column * (size.width() + 1), inner.y + row * (size.height() + 1));
        let image = Rect::new(corner.0, corner.1, size.width(), size.height());
        let caption = Rect { y: image.bottom(), height: 1, ..image }.intersection(inner);
        size.draw(&one.pixels, image.intersection(inner), frame.buffer_mut(), ink.colours);
        let name = |class: usize| board.run.classes.get(class).map_or("?", String::as_str);
        let text = format!("{} called {}", name(one.label), name(one.class));
        frame.render_widget(Paragraph::new(Line::styled(text, ink.of(Color::Red))).centered(), caption);
    }
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

/// Breaks a text into rows of at most `width` characters, between words where it can.
fn rows(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().collect();
    let mut rows = Vec::new();
    while rest.len() > width.max(1) {
        let space = rest[..=width].iter().rposition(|&c| c == ' ').filter(|&index| index > 0);
        let next = rest.split_off(space.map_or(width.max(1), |index| index + 1));
        rows.push(String::from_iter(rest).trim_end().to_owned());
        rest = next;
    }
    rows.push(String::from_iter(rest));
    rows
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use birnn_data::Modality;

    use super::*;
    use crate::board::made_up;

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

    #[test]
    fn no_size_and_no_moment_is_too_much() {
        let begun = Board::new(made_up::board().run);
        let mut strange = made_up::board();
        strange.run.classes.clear();
        strange.run.modality = Modality::Images { shape: [300, 1], preprocessing: None };
        strange.misread.iter_mut().for_each(|one| one.pixels.truncate(5));
        strange.log.push("\x1b[2J\u{1f600}\u{0}\r\n".repeat(50));
        for board in [begun, strange, made_up::board()] {
            for width in (0..100).step_by(7).chain([1, 300]) {
                for height in (0..50).step_by(3).chain([1, 2]) {
                    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                    terminal.draw(|frame| draw(frame, &board, Ink { colours: true })).unwrap();
                }
            }
        }
    }

    #[test]
    fn rows_end_between_words_where_they_can() {
        assert_eq!(rows("a loss of 0.5", 6), ["a loss", "of 0.5"]);
        assert_eq!(rows("runs/bilstm/001 is", 6), ["runs/b", "ilstm/", "001 is"]);
        assert_eq!((rows("ab", 0), rows("", 5)), (vec!["a".to_owned(), "b".to_owned()], vec![String::new()]));
    }

    #[test]
    fn without_colours_nothing_has_one() {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        terminal.draw(|frame| draw(frame, &made_up::board(), Ink { colours: false })).unwrap();
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        assert!(cells.iter().any(|cell| cell.symbol() == "▓"));
    }

    #[test]
    fn large_images_are_drawn_smaller_and_tall_screens_hold_more_of_them() {
        let fit = |shape, width, height| {
            Gallery::that_fit(shape, Rect::new(0, 0, width, height)).map(|d| (d.size, d.across, d.down))
        };
        assert_eq!(fit([28, 28], 120, 36), Some((Size::new([28, 28], 1), 2, 1)));
        assert_eq!(fit([28, 28], 80, 20), Some((Size::new([28, 28], 2), 3, 1)));
        assert_eq!(fit([8, 8], 80, 20), Some((Size::new([8, 8], 1), 5, 1)));
        assert_eq!(fit([200, 200], 80, 20), None);
        assert_eq!(fit([28, 28], 200, 66), Some((Size::new([28, 28], 1), 5, 2)));
    }
}
