//! The tokens of a batch, as a net reads them.

use birnn_data::{Lexicon, Sequences, TokenBatch, splitmix};
use birnn_model::{Spellings, Tokens};
use tch::{Device, Kind, TchError, Tensor};

/// How often words are read as ones that are not known, while training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WordDropout {
    /// Any word.
    pub any: f64,
    /// Words that training data has once.
    pub rare: f64,
}

/// Which words of a batch are read as ones that are not known: by a key, and by where each is in the whole
/// batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordDraw {
    pub(crate) dropout: WordDropout,
    pub(crate) rng_key: i64,
    /// Steps of the whole batch that come before these.
    pub(crate) first_step: usize,
}

/// Of other draws than dropout with the same key.
const STREAM: u64 = 0x776f_7264_7377_6f72;

impl WordDraw {
    pub(crate) fn drops(&self, position: usize, is_rare: bool) -> bool {
        let WordDraw { dropout, rng_key, first_step } = *self;
        // Dropped as any word is or, if not so, as a rare one is.
        let kept = (1.0 - dropout.any) * if is_rare { 1.0 - dropout.rare } else { 1.0 };
        if kept == 1.0 {
            return false;
        }
        let draw = splitmix(splitmix(rng_key as u64 ^ STREAM).wrapping_add((first_step + position) as u64));
        (draw >> 40) as f64 / f64::from(1_u32 << 24) >= kept
    }
}

/// The tokens of those of `sentences` at these indices; `drops` says which are read as ones that are not
/// known, by their place among them and by their form.
pub(crate) fn tokens_of(
    sentences: &Sequences,
    lexicon: &Lexicon,
    chosen: impl Iterator<Item = usize>,
    drops: impl Fn(usize, u32) -> bool,
) -> TokenBatch {
    let forms = chosen.flat_map(|index| sentences.get(index).tokens().unwrap_or_default()).copied();
    TokenBatch::new(forms, lexicon, drops)
}

/// The tokens of a batch as tensors, for `use_them`.
pub fn on_device<T>(
    batch: &TokenBatch,
    device: Device,
    use_them: impl FnOnce(&Tokens<'_>) -> T,
) -> Result<T, TchError> {
    let upload = |values: &[u32]| -> Result<Tensor, TchError> {
        let wide: Vec<i64> = values.iter().map(|&value| i64::from(value)).collect();
        Tensor::f_from_slice(&wide)?.f_to_kind(Kind::Int64)?.f_to_device(device)
    };
    let (words, characters, of_tokens) =
        (upload(&batch.words)?, upload(&batch.characters)?, upload(&batch.spellings)?);
    let spellings = Spellings { characters: &characters, lengths: &batch.lengths, of_tokens: &of_tokens };
    Ok(use_them(&Tokens { words: &words, spellings: Some(spellings) }))
}

#[cfg(test)]
mod tests {
    use birnn_data::{Folding, Sentences, Text};

    use super::*;

    fn sentences() -> Sequences {
        let mut sentences = Sentences::default();
        for text in ["a cat saw a cat", "a dog", "saw cats"] {
            text.split(' ').for_each(|token| sentences.push(token));
            sentences.end();
        }
        sentences.finish()
    }

    #[test]
    fn each_form_is_spelt_once() {
        let sentences = sentences();
        let lexicon = Text::of(&sentences, Folding::default(), 1).lexicon(sentences.forms().unwrap());
        let batch = tokens_of(&sentences, &lexicon, [1, 0].into_iter(), |_, _| false);
        assert_eq!(batch.spellings, [0, 1, 0, 2, 3, 0, 2]);
        assert_eq!(batch.lengths, [1, 3, 3, 3]);
        assert_eq!(batch.characters.len(), 10);
        assert_eq!(batch.words[0], batch.words[2]);
    }

    /// A part of a batch has the draws that it has in the whole.
    #[test]
    fn draws_are_by_place_in_the_whole_batch() {
        let sentences = sentences();
        let lexicon = Text::of(&sentences, Folding::default(), 1).lexicon(sentences.forms().unwrap());
        let of = |chosen: &[usize], first_step, rng_key| {
            let dropout = WordDropout { any: 0.3, rare: 0.5 };
            let draw = WordDraw { dropout, rng_key, first_step };
            let drops = |position, form| draw.drops(position, lexicon.is_rare(form));
            tokens_of(&sentences, &lexicon, chosen.iter().copied(), drops).words
        };
        let whole = of(&[0, 1, 2], 0, 7);
        assert_eq!(whole, [of(&[0], 0, 7), of(&[1, 2], 5, 7)].concat());
        let draws: Vec<u32> = (0..200).flat_map(|key| of(&[0, 1, 2], 0, key)).collect();
        let unknown = |words: &[usize]| {
            let all = draws.chunks(9).flat_map(|words_of| words.iter().map(|&at| words_of[at]));
            all.filter(|&word| word == Lexicon::UNKNOWN).count() as f64 / (200 * words.len()) as f64
        };
        // `a`, `cat` and `saw` come more than once.
        assert!((unknown(&[0, 1, 2, 3, 4, 5, 7]) - 0.3).abs() < 0.05, "{}", unknown(&[0]));
        assert!((unknown(&[6, 8]) - 0.65).abs() < 0.08);
    }
}
