//! The forms that words have in some text: each once, as it is written there.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sequences::{Sequences, Values};

/// Forms of words, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Forms {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The form of this index.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn get(&self, index: u32) -> &str {
        let index = index as usize;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[index]]
    }

    /// Each, in order of their indices.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index as u32))
    }

    fn push(&mut self, form: &str) -> u32 {
        self.text.push_str(form);
        self.ends.push(self.text.len());
        (self.len() - 1) as u32
    }
}

/// Sentences as they are read, token by token.
#[derive(Debug, Default)]
pub struct Sentences {
    forms: Forms,
    known: HashMap<Box<str>, u32>,
    tokens: Vec<u32>,
    lengths: Vec<usize>,
    /// Tokens of those that have ended.
    ended: usize,
}

impl Sentences {
    /// Adds a token to the sentence that goes on.
    pub fn push(&mut self, form: &str) {
        let token = match self.known.get(form) {
            Some(&token) => token,
            None => {
                let token = self.forms.push(form);
                self.known.insert(form.into(), token);
                token
            }
        };
        self.tokens.push(token);
    }

    /// The tokens of the sentence that goes on, so far.
    pub fn open(&self) -> usize {
        self.tokens.len() - self.ended
    }

    /// How many have ended.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Ends the sentence that goes on. Of one without a token nothing is kept; says whether it had any.
    pub fn end(&mut self) -> bool {
        let open = self.open();
        if open > 0 {
            self.lengths.push(open);
            self.ended = self.tokens.len();
        }
        open > 0
    }

    /// Those that have ended, as sequences of their tokens.
    pub fn finish(mut self) -> Sequences {
        self.tokens.truncate(self.ended);
        Sequences::new(Values::Tokens(self.tokens, Arc::new(self.forms)), 1, self.lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_kept_once_and_sentences_are_its_indices() {
        let mut sentences = Sentences::default();
        for sentence in ["a b a", "", "b ç"] {
            sentence.split(' ').filter(|token| !token.is_empty()).for_each(|token| sentences.push(token));
            assert_eq!(sentences.end(), !sentence.is_empty());
        }
        sentences.push("of none that ended");
        let found = sentences.finish();
        assert_eq!(found.lengths().collect::<Vec<_>>(), [3, 2]);
        assert_eq!(found.get(0).tokens(), Some(&[0, 1, 0][..]));
        assert_eq!(found.get(1).words().collect::<Vec<_>>(), ["b", "ç"]);
        let turned = found.select(&[1, 0]);
        assert_eq!(
            turned.iter().flat_map(crate::sequences::Sequence::words).collect::<Vec<_>>(),
            ["b", "ç", "a", "b", "a"]
        );
    }
}
