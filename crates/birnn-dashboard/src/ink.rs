//! What the dashboard is drawn with.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType};

/// Colours, or none where the user wants none.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    pub colours: bool,
}

impl Ink {
    pub fn plain(self) -> Style {
        Style::new()
    }

    pub fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// In a colour, should there be any.
    pub fn of(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// A frame with a title.
    pub fn frame<'a>(self, title: impl Into<Line<'a>>) -> Block<'a> {
        Block::bordered().border_type(BorderType::Rounded).border_style(self.dim()).title(title)
    }
}
