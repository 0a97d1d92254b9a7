//! Images in half blocks: a cell of the terminal holds two pixels, one above the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// How large images are drawn: how many pixels go into one of the screen's, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    shape: [usize; 2],
    scale: usize,
}

impl Size {
    /// Images of `shape`, rows and columns, of which each `scale` times `scale` pixels become one.
    pub fn new(shape: [usize; 2], scale: usize) -> Size {
        Size { shape, scale }
    }

    /// Columns of the terminal.
    pub fn width(self) -> u16 {
        u16::try_from(self.shape[1].div_ceil(self.scale)).unwrap_or(u16::MAX)
    }

    /// Rows of the terminal.
    pub fn height(self) -> u16 {
        u16::try_from(self.shape[0].div_ceil(self.scale).div_ceil(2)).unwrap_or(u16::MAX)
    }

    /// Draws `pixels` with its corner at that of `area`, as far as there is room; without colours, in shades
    /// of dots.
    pub fn draw(self, pixels: &[u8], area: Rect, buffer: &mut Buffer, colours: bool) {
        for y in 0..self.height().min(area.height) {
            for x in 0..self.width().min(area.width) {
                let [upper, lower] =
                    [0, 1].map(|half| self.mean(pixels, 2 * usize::from(y) + half, usize::from(x)));
                let cell = &mut buffer[(area.x + x, area.y + y)];
                if colours {
                    cell.set_symbol("▀").set_style(Style::new().fg(grey(upper)).bg(grey(lower)));
                } else {
                    let shade = (usize::from(upper) + usize::from(lower)) / 2 * 5 / 256;
                    cell.set_symbol([" ", "░", "▒", "▓", "█"][shade]);
                }
            }
        }
    }

    /// The mean of the pixels that make up one of the screen's; black beyond the image's edge.
    fn mean(self, pixels: &[u8], y: usize, x: usize) -> u8 {
        let ([rows, cols], scale) = (self.shape, self.scale);
        let range = |index: usize, end: usize| (index * scale).min(end)..((index + 1) * scale).min(end);
        let values = range(y, rows).flat_map(|row| range(x, cols).map(move |col| row * cols + col));
        let (sum, count) = values
            .filter_map(|index| pixels.get(index))
            .fold((0, 0), |(sum, count), &value| (sum + usize::from(value), count + 1));
        (sum / usize::max(count, 1)) as u8
    }
}

/// One of the 24 greys of a terminal with 256 colours; more terminals know these than colours by three bytes.
fn grey(value: u8) -> Color {
    Color::Indexed(232 + (u16::from(value) * 24 / 256) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(size: Size, pixels: &[u8], colours: bool) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        size.draw(pixels, Rect::new(1, 1, 3, 2), &mut buffer, colours);
        buffer
    }

    #[test]
    fn a_cell_holds_one_pixel_above_another() {
        // Three rows of two: the last row has nothing below it.
        let buffer = drawn(Size::new([3, 2], 1), &[0, 255, 128, 0, 255, 255], true);
        let colours = |x, y| (buffer[(x, y)].fg, buffer[(x, y)].bg);
        let (black, white) = (Color::Indexed(232), Color::Indexed(255));
        assert_eq!(colours(1, 1), (black, Color::Indexed(244)));
        assert_eq!(colours(2, 1), (white, black));
        assert_eq!(colours(1, 2), (white, black));
        assert_eq!(buffer[(0, 0)].symbol(), " ");
        assert_eq!(buffer[(3, 1)].symbol(), " ", "beside the image");
    }

    #[test]
    fn smaller_images_are_means_and_colourless_ones_are_shades() {
        let pixels = [255, 255, 0, 0, 255, 255, 0, 0, 255, 1, 0, 0, 0, 0, 0, 0];
        let size = Size::new([4, 4], 2);
        assert_eq!((size.width(), size.height()), (2, 1));
        let buffer = drawn(size, &pixels, true);
        assert_eq!((buffer[(1, 1)].fg, buffer[(1, 1)].bg), (grey(255), grey(64)));
        let buffer = drawn(size, &pixels, false);
        assert_eq!((buffer[(1, 1)].symbol(), buffer[(2, 1)].symbol()), ("▓", " "));
        assert_eq!(buffer[(1, 1)].fg, Color::Reset);
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let size = Size::new([28, 28], 1);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        size.draw(&[255; 784], Rect::new(2, 1, 2, 2), &mut buffer, true);
        size.draw(&[255; 3], Rect::new(0, 0, 2, 1), &mut buffer, true);
        assert_eq!(buffer[(3, 2)].fg, grey(255));
    }
}
