//! Misread samples as pictures, side by side.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::board::Board;
use crate::draw::LOG;
use crate::half_blocks::Size;
use crate::ink::Ink;
use crate::misread::Misread;

/// What the plots above take.
const PLOTS_ABOVE: u16 = 9;

/// How misread samples are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gallery {
    size: Size,
    across: u16,
    down: u16,
}

impl Gallery {
    /// As large as leaves room for two beside each other, for the plots above and the log at the right.
    pub(crate) fn that_fit(shape: [usize; 2], body: Rect) -> Option<Gallery> {
        let wide = body.width.checked_sub(LOG + 2)?;
        let high = body.height.checked_sub(PLOTS_ABOVE + 2)?;
        (1..=4).find_map(|scale| {
            let size = Size::new(shape, scale);
            let across = (wide + 1) / (size.width() + 1);
            // With more room, the plots and they share it.
            let down = high.min(body.height.div_ceil(2).max(size.height() + 1)) / (size.height() + 1);
            (across >= 2 && down >= 1).then_some(Gallery { size, across, down })
        })
    }

    pub(crate) fn width(self) -> u16 {
        self.across * (self.size.width() + 1) + 1
    }

    pub(crate) fn height(self) -> u16 {
        self.down * (self.size.height() + 1) + 2
    }

    /// The last misclassified samples, each as a picture with what it is and what it was called.
    pub(crate) fn draw(self, frame: &mut Frame, area: Rect, board: &Board, ink: Ink) {
        let block = ink.frame(Line::styled(" misread ", ink.bold()));
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let Gallery { size, across, down } = self;
        let cells = (0..down).flat_map(|row| (0..across).map(move |column| (row, column)));
        for ((row, column), one) in cells.zip(&board.misread) {
            let Misread::Picture { pixels, wrong } = one else { continue };
            let corner = (inner.x + column * (size.width() + 1), inner.y + row * (size.height() + 1));
            let image = Rect::new(corner.0, corner.1, size.width(), size.height());
            let caption = Rect { y: image.bottom(), height: 1, ..image }.intersection(inner);
            size.draw(pixels, image.intersection(inner), frame.buffer_mut(), ink.colours);
            let text = Line::styled(board.run.told(*wrong), ink.of(Color::Red));
            frame.render_widget(Paragraph::new(text).centered(), caption);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
