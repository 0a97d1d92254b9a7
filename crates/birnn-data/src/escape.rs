//! What no text may do to a terminal, whatever file or name it comes from: move about in it, recolour it,
//! turn it round.
//!
//! All that is printed or logged goes through here once, on its way out.

use std::borrow::Cow;

use crate::name;

/// Characters of a value or a name in a file that a message shows.
const SHOWN: usize = 40;

/// In one line: control characters, ends of lines among them, as TOML and JSON write them.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// As [`line()`], where what ends lines and parts columns is birnn's own.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

/// As [`line()`], the beginning of it: `most` characters as they are written.
pub fn short(text: &str, most: usize) -> String {
    let mut written = 0;
    for (start, c) in text.char_indices() {
        written += line(c.encode_utf8(&mut [0; 4])).chars().count();
        if written > most {
            return format!("{}...", line(&text[..start]));
        }
    }
    line(text).into_owned()
}

/// As [`line()`], the beginning of a value or a name in a file.
pub(crate) fn shown(text: &str) -> String {
    short(text, SHOWN)
}

/// As [`shown`], in quotes; of what is empty, the word.
pub(crate) fn quoted(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", shown(text)) }
}

/// As [`name::first`], each as it is [`shown`].
pub(crate) fn first(names: &[String]) -> String {
    name::first(&names.iter().map(|name| shown(name)).collect::<Vec<_>>())
}

fn escaped<'a>(text: &'a str, allowed: &[char]) -> Cow<'a, str> {
    let harmless = |c: char| !is_control(c) || allowed.contains(&c);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if harmless(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // All of them are of the basic plane.
            c => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    Cow::Owned(escaped)
}

/// C0, DEL and C1; what ends a line or a paragraph; what changes the direction of writing (Unicode's
/// `Bidi_Control`).
fn is_control(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_stays() {
        for text in ["", "plain", "é ü ß", "日本語", "שלום", "🙂 \\n \\u001b"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(lines("a\tb\nc\n"), "a\tb\nc\n");
    }

    #[test]
    fn what_is_shown_is_as_long_as_it_is_written() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("éabc", 3), "éab...");
        assert_eq!(short("a\u{12}\u{12}b", 13), "a\\u0012\\u0012...");
        assert_eq!(short("a\u{12}\u{12}b", 12), "a\\u0012...");
    }

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        let cases = [
            ("\u{1b}[31mred", "\\u001b[31mred"),
            ("bell\u{7}", "bell\\u0007"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{7f}\u{9b}31m", "\\u007f\\u009b31m"),
            ("\u{202e}gnp.exe\u{2066}", "\\u202egnp.exe\\u2066"),
            ("a\u{2028}b\u{85}c\0", "a\\u2028b\\u0085c\\u0000"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected);
        }
        assert_eq!(lines("a\r\n\u{1b}b"), "a\\r\n\\u001bb");
    }

    /// What stands for a character is what it stands for in JSON, so that escaping JSON changes nothing of
    /// it.
    #[test]
    fn json_stays_what_it_is() {
        let value = serde_json::json!({ "\u{7f}\u{9b}": "\u{202e}\n\u{1b}" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = lines(&text);
        assert!(shown.chars().all(|c| c == '\n' || !is_control(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
