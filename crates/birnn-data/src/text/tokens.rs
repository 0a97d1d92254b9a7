//! The tokens of a batch, as a net reads them.

use std::collections::HashMap;

use super::vocabulary::Lexicon;

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
    /// Of the forms of tokens. A token is read as one that is not known where `drops` says so of its place among them
    /// and of its form; its characters are read all the same.
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

    /// Adds the vectors of all tokens to `into`: of each its own out of the table `words [words, width]` and, where there
    /// are `states [spellings, width of one]`, those of its spelling behind it.
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
