//! Tags of words that a net knows, and of those that it does not.

use birnn_data::{Per, Sequences, Targets, Text};
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::task::Classify;

/// How a tagger did on words that it knows and on others, each token counting the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownWords {
    /// On words that it has a vector of.
    pub known: WordScore,
    /// On all others, which it reads as one.
    pub unknown: WordScore,
}

/// How a tagger did on some words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WordScore {
    /// How many there are.
    pub words: u64,
    /// How many of them have the right tag.
    pub correct: u64,
    /// Their share, from 0 to 1; 0 where there are none.
    pub accuracy: f64,
}

impl KnownWords {
    /// Of the answers to these sentences by a net that reads them as `text` says; none where steps have no
    /// answers of their own.
    pub fn new(
        text: &Text,
        task: &Classify,
        sentences: &Sequences,
        answers: &Answers,
        targets: &Targets,
    ) -> Option<KnownWords> {
        let (labels, forms) = (targets.classes()?, sentences.forms()?);
        if targets.per != Per::Step {
            return None;
        }
        let lexicon = text.lexicon(forms);
        let mut found = KnownWords::default();
        let tokens = sentences.iter().flat_map(|sentence| sentence.tokens().unwrap_or_default());
        for (position, (&token, &label)) in tokens.zip(labels).enumerate() {
            let score = match lexicon.is_known(token) {
                true => &mut found.known,
                false => &mut found.unknown,
            };
            score.words += 1;
            score.correct += u64::from(task.answer_at(answers, position).class == usize::from(label));
        }
        for score in [&mut found.known, &mut found.unknown] {
            score.accuracy = score.correct as f64 / score.words.max(1) as f64;
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::{Folding, Sentences, TargetValues};

    use super::*;

    #[test]
    fn words_are_counted_by_whether_they_are_known() {
        let sentences = |text: &str| {
            let mut sentences = Sentences::default();
            text.split(' ').for_each(|token| sentences.push(token));
            sentences.end();
            sentences.finish()
        };
        let text = Text::of(&sentences("a b c"), Folding::default(), 1);
        let task = Classify::new(["x", "y"].map(str::to_owned).to_vec(), Per::Step);
        // All are called x.
        let answers = Answers::from([1.0, 0.0].repeat(4));
        let targets = Targets { values: TargetValues::Classes(vec![0, 1, 0, 0]), per: Per::Step };
        let found = KnownWords::new(&text, &task, &sentences("a b new a"), &answers, &targets).unwrap();
        assert_eq!((found.known.words, found.known.correct, found.unknown.correct), (3, 2, 1));
        assert_eq!(found.unknown.accuracy, 1.0);
    }
}
