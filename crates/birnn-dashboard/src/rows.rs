//! Texts in rows that are no wider than a pane.

use ratatui::text::Span;

/// The cells of a terminal that a text takes.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Breaks a text into rows of at most `most` cells, between words where it can.
pub fn rows(text: &str, most: usize) -> Vec<String> {
    let mut rest = text;
    let mut rows = Vec::new();
    loop {
        let room = fitting(rest, most);
        if room == rest.len() {
            break;
        }
        // A space right behind what fits is where the row ends, too.
        let space = if rest[room..].starts_with(' ') { Some(room) } else { rest[..room].rfind(' ') };
        let end = space.filter(|&space| space > 0).map_or(room, |space| space + 1);
        let (row, others) = rest.split_at(end);
        rows.push(row.trim_end().to_owned());
        rest = others;
    }
    rows.push(rest.to_owned());
    rows
}

/// How many bytes of a text are characters that fit, at least one of these.
fn fitting(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (index, character) in text.char_indices() {
        used += width(character.encode_utf8(&mut [0; 4]));
        if used > most && index > 0 {
            return index;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_between_words_where_they_can() {
        assert_eq!(rows("a loss of 0.5", 6), ["a loss", "of 0.5"]);
        assert_eq!(rows("runs/bilstm/001 is", 6), ["runs/b", "ilstm/", "001 is"]);
        assert_eq!((rows("ab", 0), rows("", 5)), (vec!["a".to_owned(), "b".to_owned()], vec![String::new()]));
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!(rows("日本語 abc", 6), ["日本語", "abc"]);
        assert_eq!(rows("日本語", 5), ["日本", "語"]);
        assert_eq!(rows("日本", 1), ["日", "本"]);
        assert_eq!(rows("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
    }
}
