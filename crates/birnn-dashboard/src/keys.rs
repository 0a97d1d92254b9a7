//! What keys ask for.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A checkpoint.
    Save,
    /// To stop after the step, with a checkpoint.
    Stop,
}

/// What an event asks for, if anything. Ctrl-C comes as a signal, not as a key.
pub fn action(event: &Event) -> Option<Action> {
    let Event::Key(KeyEvent { code: KeyCode::Char(key), modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release || !modifiers.difference(KeyModifiers::SHIFT).is_empty() {
        return None;
    }
    match key.to_ascii_lowercase() {
        's' => Some(Action::Save),
        'q' => Some(Action::Stop),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_for_what_the_footer_says() {
        let key = |key, modifiers| action(&Event::Key(KeyEvent::new(KeyCode::Char(key), modifiers)));
        assert_eq!(key('s', KeyModifiers::NONE), Some(Action::Save));
        assert_eq!(key('S', KeyModifiers::SHIFT), Some(Action::Save), "Caps Lock");
        assert_eq!(key('q', KeyModifiers::NONE), Some(Action::Stop));
        for (other, modifiers) in
            [('x', KeyModifiers::NONE), ('s', KeyModifiers::CONTROL), ('q', KeyModifiers::ALT)]
        {
            assert_eq!(key(other, modifiers), None);
        }
        assert_eq!(action(&Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))), None);
        assert_eq!(action(&Event::Resize(80, 24)), None);
    }
}
