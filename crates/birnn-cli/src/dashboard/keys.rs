//! What keys ask for.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Something that the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A checkpoint.
    Save,
    /// To stop after the step, with a checkpoint.
    Stop,
}

/// What an event asks for, if anything. Ctrl-C comes as a signal, like everywhere.
pub fn asked(event: &Event) -> Option<Asked> {
    let Event::Key(KeyEvent { code: KeyCode::Char(key), modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release || !modifiers.difference(KeyModifiers::SHIFT).is_empty() {
        return None;
    }
    match key.to_ascii_lowercase() {
        's' => Some(Asked::Save),
        'q' => Some(Asked::Stop),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_for_what_the_footer_says() {
        let key = |key, modifiers| asked(&Event::Key(KeyEvent::new(KeyCode::Char(key), modifiers)));
        assert_eq!(key('s', KeyModifiers::NONE), Some(Asked::Save));
        assert_eq!(key('S', KeyModifiers::SHIFT), Some(Asked::Save), "Caps Lock");
        assert_eq!(key('q', KeyModifiers::NONE), Some(Asked::Stop));
        for (other, modifiers) in
            [('x', KeyModifiers::NONE), ('s', KeyModifiers::CONTROL), ('q', KeyModifiers::ALT)]
        {
            assert_eq!(key(other, modifiers), None);
        }
        assert_eq!(asked(&Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))), None);
        assert_eq!(asked(&Event::Resize(80, 24)), None);
    }
}
