//! The gaps in texts, which can be filled in without a change to anything else in them.

use std::io::Read;
use std::ops::Range;

use super::classified::Unit;
use super::forms::Sentences;
use super::problem::TextProblem;
use super::source::each_line;
use super::vocabulary::HIDDEN;
use crate::content::plain;
use crate::file_error::FileProblem;
use crate::sequences::Sequences;

/// Texts, one on each line, some of whose tokens are gaps.
#[derive(Debug)]
pub struct TextGaps {
    text: String,
    sentences: Sequences,
    gaps: Vec<Gap>,
}

/// A token that stands for one that is missing.
#[derive(Debug)]
struct Gap {
    /// Where it is in the text.
    place: Range<usize>,
    /// Which of all tokens it is.
    token: usize,
}

impl TextGaps {
    /// Reads texts, gzipped or not, in which the token `gap` stands for one that is missing.
    ///
    /// # Errors
    ///
    /// Where there is none; where a line is not UTF-8; where it cannot be read.
    pub fn read(source: impl Read, unit: Unit, gap: &str) -> Result<TextGaps, FileProblem> {
        let (mut text, mut sentences, mut gaps) = (String::new(), Sentences::default(), Vec::new());
        let mut token = 0;
        plain(source, |content| {
            each_line(content, |line| {
                // A line's text is all of it but for what marks its beginning and ends it.
                let begin = text.len() + line.begin;
                text.push_str(line.whole);
                for (place, written) in tokens(line.text, unit) {
                    if written == gap {
                        gaps.push(Gap { place: begin + place..begin + place + written.len(), token });
                    }
                    sentences.push(if written == gap { HIDDEN } else { written });
                    token += 1;
                }
                sentences.end();
                Ok(())
            })?;
            Ok(((), String::new()))
        })?;
        match sentences.is_empty() {
            true => Err(FileProblem::Texts(TextProblem::NoText)),
            false => Ok(TextGaps { text, sentences: sentences.finish(), gaps }),
        }
    }

    /// The texts, [`HIDDEN`] where a token is missing.
    pub fn sentences(&self) -> &Sequences {
        &self.sentences
    }

    /// Which of all tokens are missing.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = usize> {
        self.gaps.iter().map(|gap| gap.token)
    }

    /// The text with `answers` in its gaps, in their order, and nothing else changed.
    pub fn filled<'a>(&self, answers: impl Iterator<Item = &'a str>) -> String {
        let mut filled = String::with_capacity(self.text.len());
        let mut begin = 0;
        for (Gap { place, .. }, answer) in self.gaps.iter().zip(answers) {
            filled.push_str(&self.text[begin..place.start]);
            filled.push_str(answer);
            begin = place.end;
        }
        filled + &self.text[begin..]
    }
}

/// The tokens of a text, white space around it aside, each with where it begins.
fn tokens(text: &str, unit: Unit) -> Vec<(usize, &str)> {
    unit.tokens(text).map(|token| (token.as_ptr() as usize - text.as_ptr() as usize, token)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn filled(text: &str, unit: Unit, expected: &str) {
        let gaps = TextGaps::read(text.as_bytes(), unit, "_").unwrap();
        let all: Vec<&str> = gaps.sentences().iter().flat_map(crate::sequences::Sequence::words).collect();
        assert!(gaps.missing().all(|token| all[token] == HIDDEN));
        assert_eq!(all.iter().filter(|&&token| token == HIDDEN).count(), gaps.missing().len());
        let answers = ["1", "22", "3"];
        assert_eq!(gaps.filled(answers.into_iter().cycle()), expected);
    }

    #[test]
    fn only_gaps_change() {
        filled("a_c\nd__\n", Unit::Characters, "a1c\nd223\n");
        filled("\u{feff} _é \r\n\r\n\t_x", Unit::Characters, "\u{feff} 1é \r\n\r\n\t22x");
        filled("the _ saw  _\n a_b _", Unit::Words, "the 1 saw  22\n a_b 3");
        filled("none", Unit::Characters, "none");
    }

    #[test]
    fn what_holds_no_text_is_refused() {
        let read =
            |bytes: &[u8]| TextGaps::read(bytes, Unit::Words, "_").map(|_| ()).unwrap_err().to_string();
        assert!(!read(b"\n \n").is_empty());
        assert!(read(b"a\n\xe9").contains("not UTF-8"));
    }
}
