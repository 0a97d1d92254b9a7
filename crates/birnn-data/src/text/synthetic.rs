//! Synthetic sentences: names of people and places, for whoever has no text at hand.

use crate::rng::Rng;
use crate::sequences::Sequences;
use crate::split::Split;
use crate::targets::{Per, TargetValues, Targets, Wanted};
use crate::text::forms::Sentences;

/// Training sentences and test sentences.
pub(crate) const TRAIN: usize = 2000;
pub(crate) const TEST: usize = 1000;

/// What stands before a name and behind it: one of the two tells whether it is a person's or a place's, or
/// tells nothing.
const BEFORE: [[&str; 2]; 3] = [["mister", "uncle"], ["near", "in"], ["from", "for"]];
const AFTER: [[&str; 2]; 3] = [["said", "laughed"], ["harbour", "street"], ["today", "again"]];
const NOTHING: usize = 2;
const OTHERS: [&str; 24] = [
    "the", "a", "some", "letter", "road", "winter", "and", "old", "new", "house", "of", "river", "word",
    "small", "to", "was", "late", "two", "three", "red", "answer", "garden", "train", "long",
];
const SYLLABLES: [&str; 12] = ["ka", "lo", "mi", "ren", "tor", "va", "sul", "pe", "dan", "ish", "bru", "no"];

/// The tags, IOB2.
const TAGS: [&str; 5] = ["B-person", "B-place", "I-person", "I-place", "O"];
const CLASSES: [&str; 2] = ["person", "place"];

/// The names of the tags, or of the classes of whole sentences.
pub(crate) fn names(wanted: Wanted) -> Vec<String> {
    let names = match wanted.per {
        Per::Sequence => &CLASSES[..],
        Per::Step => &TAGS[..],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The sentences `first..first + count` of the endless sequence of `seed`, of 6 to some 30 tokens, with a tag
/// for each token, or whose name comes first.
///
/// Names are of one to three made-up words, most of which no other sentence has. Of half of them the word
/// before tells whether it is a person's or a place's, of the others the word behind. Each sentence is a pure
/// function of `seed` and its index in the sequence.
pub(crate) fn split(seed: u64, first: u64, count: usize, wanted: Wanted) -> Split {
    let (mut sentences, mut tags, mut classes) = (Sentences::default(), Vec::new(), Vec::new());
    for index in first..first + count as u64 {
        let mut rng = Rng::new(seed ^ STREAM, index);
        let names = 1 + rng.below(3);
        for name in 0..names {
            others(&mut sentences, &mut tags, 1 + rng.below(4), &mut rng);
            let kind = rng.below(2);
            let (before, after) = if rng.below(2) == 0 { (kind, NOTHING) } else { (NOTHING, kind) };
            if name == 0 {
                classes.push(kind as u16);
            }
            word(&mut sentences, &mut tags, BEFORE[before][rng.below(2)]);
            for part in 0..1 + rng.below(3) {
                let made_up: String =
                    (0..2 + rng.below(2)).map(|_| SYLLABLES[rng.below(SYLLABLES.len())]).collect();
                sentences.push(&made_up);
                tags.push((kind + if part == 0 { 0 } else { 2 }) as u16);
            }
            word(&mut sentences, &mut tags, AFTER[after][rng.below(2)]);
        }
        others(&mut sentences, &mut tags, 1 + rng.below(4), &mut rng);
        sentences.end();
    }
    let sequences: Sequences = sentences.finish();
    let labels = match wanted.per {
        Per::Sequence => classes,
        Per::Step => tags,
    };
    Split { sequences, targets: Targets { values: TargetValues::Classes(labels), per: wanted.per } }
}

/// Of other sentences than series made with the same seed.
const STREAM: u64 = 0x7465_7874;

fn word(sentences: &mut Sentences, tags: &mut Vec<u16>, word: &str) {
    sentences.push(word);
    tags.push(4);
}

fn others(sentences: &mut Sentences, tags: &mut Vec<u16>, count: usize, rng: &mut Rng) {
    (0..count).for_each(|_| word(sentences, tags, OTHERS[rng.below(OTHERS.len())]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::TargetKind;
    use crate::text::scheme::{Scheme, TagSet};

    #[test]
    fn tags_are_spans_that_one_side_tells() {
        let wanted = Wanted { kind: TargetKind::Classes, per: Per::Step };
        let made = split(0, 5, 400, wanted);
        let (labels, names) = (made.labels().unwrap(), names(wanted));
        assert_eq!((made.len(), labels.len()), (400, made.sequences.steps()));
        assert_eq!(made.select(&[3]), { split(0, 8, 1, wanted).select(&[0]) }.clone_forms(&made));
        let tags = TagSet::new(Scheme::Iob2, &names).unwrap();
        let steps = |index: usize| made.sequences.steps_of(index);
        assert!((0..400).all(|index| {
            tags.illegal(&labels[steps(index)].iter().map(|&l| usize::from(l)).collect::<Vec<_>>()) == 0
        }));
        // How often the name after a word is a person's.
        let words: Vec<&str> = made.sequences.iter().flat_map(crate::sequences::Sequence::words).collect();
        for (before, [low, high]) in BEFORE.iter().zip([[1.0, 1.0], [0.0, 0.0], [0.4, 0.6]]) {
            let after = |at: &usize| before.contains(&words[at - 1]);
            let after: Vec<u16> = (1..words.len()).filter(after).map(|at| labels[at]).collect();
            let people = after.iter().filter(|&&label| label == 0).count();
            assert!((low..=high).contains(&(people as f64 / after.len() as f64)), "{before:?}");
        }
    }

    impl Split {
        /// The same, its tokens being indices of another's forms.
        fn clone_forms(&self, other: &Split) -> Split {
            let forms = other.sequences.forms().unwrap();
            let index = |word: &str| forms.iter().position(|form| form == word).unwrap() as u32;
            let tokens =
                self.sequences.iter().flat_map(|one| one.words().map(index).collect::<Vec<_>>()).collect();
            let values = crate::sequences::Values::Tokens(tokens, forms.clone());
            let sequences = Sequences::new(values, 1, self.sequences.lengths());
            Split { sequences, targets: self.targets.clone() }
        }
    }
}
