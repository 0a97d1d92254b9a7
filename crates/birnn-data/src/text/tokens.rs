//! The tokens of a batch, as a net reads them.

use std::collections::HashMap;
use std::ops::Range;

use super::vocabulary::{Lexicon, Text};

/// The tokens of a batch of sentences, one sentence after the other, each form spelt once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenBatch {
    /// The row of each in the words' table.
    pub words: Vec<u32>,
    /// The rows of the characters of each spelling in the characters' table, one spelling after the other.
    pub characters: Vec<u32>,
    /// How many characters each spelling has.
    pub lengths: Vec<usize>,
    /// Which spelling each token has.
    pub spellings: Vec<u32>,
}

impl TokenBatch {
    /// Of the forms of tokens. A token is read as one that is not known where `drops` says so of its place
    /// among them and of its form; its characters are read all the same.
    pub fn new(
        forms: impl Iterator<Item = u32>,
        lexicon: &Lexicon,
        drops: impl Fn(usize, u32) -> bool,
    ) -> TokenBatch {
        let (mut batch, mut spelt) = (TokenBatch::default(), HashMap::new());
        for (position, form) in forms.enumerate() {
            let is_dropped = drops(position, form);
            batch.words.push(if is_dropped { Lexicon::UNKNOWN } else { lexicon.word(form) });
            let spelling = *spelt.entry(form).or_insert_with(|| {
                let characters = lexicon.characters(form);
                batch.characters.extend_from_slice(characters);
                batch.lengths.push(characters.len());
                (batch.lengths.len() - 1) as u32
            });
            batch.spellings.push(spelling);
        }
        batch
    }

    /// The vectors of the characters of all spellings, out of their table `[characters, width]`.
    pub fn spelt(&self, table: &[f32], width: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.characters.len() * width);
        self.characters.iter().for_each(|&character| values.extend_from_slice(row(table, character, width)));
        values
    }

    /// How these tokens are written, by what `text` knows: of training data that is every character. One that
    /// is not known is U+FFFD.
    pub fn written(&self, text: &Text, tokens: Range<usize>) -> Vec<String> {
        let known: Vec<char> = text.characters.chars().collect();
        let letter = |&row: &u32| {
            let known = row.checked_sub(Lexicon::UNKNOWN + 1).and_then(|index| known.get(index as usize));
            known.copied().unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let ends: Vec<usize> = self
            .lengths
            .iter()
            .scan(0, |end, length| {
                *end += length;
                Some(*end)
            })
            .collect();
        let spelling = |&spelling: &u32| {
            let (end, length) = (ends[spelling as usize], self.lengths[spelling as usize]);
            self.characters[end - length..end].iter().map(letter).collect()
        };
        self.spellings[tokens].iter().map(spelling).collect()
    }

    /// Adds the vectors of all tokens to `into`: of each its own out of the table `words [words, width]` and,
    /// where there are `states [spellings, width of one]`, those of its spelling behind it.
    pub fn read(&self, (words, width): (&[f32], usize), states: Option<&[f32]>, into: &mut Vec<f32>) {
        let of_spelling = states.map_or(0, |states| states.len() / self.lengths.len().max(1));
        into.reserve(self.words.len() * (width + of_spelling));
        for (&word, &spelling) in self.words.iter().zip(&self.spellings) {
            into.extend_from_slice(row(words, word, width));
            into.extend_from_slice(states.map_or(&[], |states| row(states, spelling, of_spelling)));
        }
    }
}

fn row(table: &[f32], index: u32, width: usize) -> &[f32] {
    &table[index as usize * width..][..width]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::forms::Sentences;
    use crate::text::vocabulary::Folding;

    #[test]
    fn tokens_are_written_as_they_were_read() {
        let sentence = |tokens: &[&str]| {
            let mut sentences = Sentences::default();
            tokens.iter().for_each(|token| sentences.push(token));
            sentences.end();
            sentences.finish()
        };
        let training = sentence(&["The", "日本", "the", "The", "1999"]);
        let text =
            Text::of(&training, Folding { lowercase: true, merge_digits: true, ..Folding::default() }, 2);
        let written = |tokens: &[&str], range: Range<usize>| {
            let read = sentence(tokens);
            let lexicon = text.lexicon(read.forms().unwrap());
            let forms = read.get(0).tokens().unwrap().iter().copied();
            TokenBatch::new(forms, &lexicon, |position, _| position == 0).written(&text, range)
        };
        assert_eq!(
            written(&["The", "日本", "the", "The", "1999"], 0..5),
            ["The", "日本", "the", "The", "1999"]
        );
        assert_eq!(written(&["the", "T1", "the"], 1..3), ["T1", "the"]);
        assert_eq!(written(&["xTe"], 0..1), ["\u{fffd}Te"], "what training data has not");
    }
}
