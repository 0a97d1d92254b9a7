//! Quotes of a CSV text that do not end where a cell does.
//!
//! The reader goes on with such a cell as it comes: `"bad film` of one row and `dull "film" again` of a later
//! one become one cell, and all rows between are lost in it. So the text is looked at before it is read.

use memchr::{memchr, memchr_iter};

/// The quotes of a text that comes piece by piece.
#[derive(Debug)]
pub(super) struct Quotes {
    delimiter: u8,
    state: State,
    /// The last byte of the piece before.
    last: u8,
    /// The line, from 1, that what comes next is in.
    line: u64,
    /// The line in which the cell begins that a quote has begun.
    begun: u64,
    /// Whether a tab and a line break have come in it, where tabs part cells.
    passed: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Not in a cell that a quote begins.
    Outside,
    /// In one.
    Inside,
    /// Behind a quote in one, which ends it or is one of two that stand for one.
    Behind,
    /// Behind one that has ended, and white space that says nothing.
    Ended,
}

/// A cell begins with a quote, and goes on behind the one that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stray {
    /// The line in which the cell begins, from 1.
    pub(super) begun: u64,
    /// The line of the quote in it.
    pub(super) ended: u64,
    /// Where it begins in the piece that was looked at; 0 where it does in an earlier one, too.
    pub(super) at: usize,
}

impl Quotes {
    pub(super) fn new(delimiter: u8) -> Quotes {
        Quotes { delimiter, state: State::Outside, last: b'\n', line: 1, begun: 1, passed: [false; 2] }
    }

    /// Looks at the bytes that come next.
    ///
    /// # Errors
    ///
    /// The first quote that ends no cell.
    pub(super) fn look_at(&mut self, bytes: &[u8]) -> Result<(), Stray> {
        let (mut at, mut counted, mut begun_at) = (0, 0, 0);
        let mut lines_to = |to: usize| {
            let breaks = memchr_iter(b'\n', &bytes[counted..to]).count() as u64;
            counted = to;
            breaks
        };
        loop {
            match self.state {
                State::Outside => {
                    let Some(found) = memchr(b'"', &bytes[at..]) else { break };
                    let quote = at + found;
                    let before = quote.checked_sub(1).map_or(self.last, |before| bytes[before]);
                    if self.ends_a_cell(before) {
                        self.line += lines_to(quote);
                        (self.state, self.begun, begun_at) = (State::Inside, self.line, quote);
                        self.passed = [false; 2];
                    }
                    at = quote + 1;
                }
                State::Inside => {
                    let found = memchr(b'"', &bytes[at..]);
                    self.pass(&bytes[at..found.map_or(bytes.len(), |found| at + found)]);
                    let Some(found) = found else { break };
                    (self.state, at) = (State::Behind, at + found + 1);
                }
                State::Behind => match bytes.get(at) {
                    None => break,
                    Some(b'"') => (self.state, at) = (State::Inside, at + 1),
                    Some(_) => self.state = State::Ended,
                },
                State::Ended => match bytes.get(at) {
                    None => break,
                    Some(&byte) if self.ends_a_cell(byte) => {
                        if self.passed == [true; 2] {
                            let ended = self.line + lines_to(at);
                            return Err(Stray { begun: self.begun, ended, at: begun_at });
                        }
                        self.state = State::Outside;
                    }
                    Some(b' ' | b'\t') => at += 1,
                    Some(_) => {
                        let ended = self.line + lines_to(at);
                        return Err(Stray { begun: self.begun, ended, at: begun_at });
                    }
                },
            }
        }
        self.line += lines_to(bytes.len());
        self.last = bytes.last().copied().unwrap_or(self.last);
        Ok(())
    }

    /// Passes over what stands in a cell. Of cells that tabs part hardly one holds a tab and a line break: it
    /// is two quotes of texts in different rows.
    fn pass(&mut self, within: &[u8]) {
        if self.delimiter == b'\t' {
            let [tab, line] = [b'\t', b'\n'].map(|byte| memchr(byte, within).is_some());
            self.passed = [self.passed[0] | tab, self.passed[1] | line];
        }
    }

    fn ends_a_cell(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the text comes, the same is found.
    #[track_caller]
    fn found(text: &str, expected: Option<(u64, u64)>) {
        for size in 1..=text.len() {
            let mut quotes = Quotes::new(b',');
            let stray = text.as_bytes().chunks(size).find_map(|piece| quotes.look_at(piece).err());
            assert_eq!(stray.map(|stray| (stray.begun, stray.ended)), expected, "{text:?} by {size}");
        }
    }

    #[test]
    fn quotes_are_looked_at() {
        for sound in [
            "a,b\n1,2\n",
            "\"a\",\"b\"\n\"1, or\n2\",\"\"\n",
            "a,5\" pipe,b\n",
            "a,\"5\"\" pipe\",b\n",
            "\"\"\"\"\n",
            "\"no end\n",
            "\"a\"\r\n\"b\"\r\"c\"",
            "1,\"a\" ,\"b\" \t\n\"c\" ",
        ] {
            found(sound, None);
        }
        found("a,b\n\"bad film,1\ngood film,1\ndull \"film\" again,0\n", Some((2, 4)));
        found("\"dull\" and long,1\n", Some((1, 1)));
        found("1,\"a\" b\n", Some((1, 1)));
        found("a\n\"b\nc\"\n\"d\"\"\" e\n", Some((4, 4)));
    }

    #[test]
    fn rows_that_tabs_part_are_not_joined_by_the_quotes_of_two_texts() {
        let found = |text: &str| {
            let by = |size: usize| {
                let mut quotes = Quotes::new(b'\t');
                let stray = text.as_bytes().chunks(size).find_map(|piece| quotes.look_at(piece).err());
                stray.map(|stray| (stray.begun, stray.ended))
            };
            (1..text.len()).for_each(|size| assert_eq!(by(size), by(text.len()), "{text:?} by {size}"));
            by(text.len())
        };
        assert_eq!(found("t\tc\n\"Wonderful film\tpos\nbad\tneg\na fine story\"\tpos\n"), Some((2, 4)));
        assert_eq!(found("t\tc\n\"two\nlines\"\tpos\n\"a\ttab\"\tneg\n"), None);
    }

    #[test]
    fn what_comes_before_the_cell_is_told() {
        let mut quotes = Quotes::new(b'\t');
        let stray = quotes.look_at(b"a\tb\n1\t\"x\" y\n").unwrap_err();
        assert_eq!(stray, Stray { begun: 2, ended: 2, at: 6 });
    }
}
