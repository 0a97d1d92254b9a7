//! Text as a net reads it: which words and characters it knows, and what are the same to it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::self_targets::{Hide, JUDGED, SelfTargets};
use crate::sequences::{Sequences, Values};
use crate::split::Split;
use crate::targets::{NO_CLASS, Per, TargetValues, Targets};
use crate::text::forms::{Forms, Sentences};

/// What was found in the training data, by which the net reads everything that it is asked afterwards. It
/// belongs to the net as its weights do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The tokens of the shortest and of the longest training sentence.
    pub steps: [usize; 2],
    /// How words are told apart.
    #[serde(flatten)]
    pub folding: Folding,
    /// The words that it knows, the most frequent first; with vectors of others, those that have one come
    /// before those that are rare.
    pub words: Vec<String>,
    /// How many of the last of them are rare: the training data has them once, and they have no vector of
    /// others.
    pub rare: usize,
    /// The characters that it knows, the most frequent first.
    pub characters: String,
}

/// One of Unicode's normal forms (UAX 15), in which texts that look the same are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormalForm {
    /// Letters with their marks as one character where there is one.
    Nfc,
    /// Letters and their marks one after the other.
    Nfd,
    /// As `nfc`, and forms that differ in looks alone are one: the ligature fi is f and i.
    Nfkc,
    /// As `nfd`, likewise.
    Nfkd,
}

/// As Unicode has it: `NFC`.
impl fmt::Display for NormalForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NormalForm::Nfc => "NFC",
            NormalForm::Nfd => "NFD",
            NormalForm::Nfkc => "NFKC",
            NormalForm::Nfkd => "NFKD",
        })
    }
}

/// Which words are the same. But for the normal form, their characters are read as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folding {
    /// The normal form that words are brought to, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_form: Option<NormalForm>,
    /// Whether capital and small letters are.
    #[serde(default)]
    pub lowercase: bool,
    /// Whether all digits are.
    #[serde(default)]
    pub merge_digits: bool,
}

impl Folding {
    /// A form as the net looks it up.
    pub fn fold(self, form: &str) -> Cow<'_, str> {
        let mut folded = self.spell(form);
        if self.lowercase {
            folded = Cow::Owned(folded.to_lowercase());
        }
        if self.merge_digits && folded.contains(|letter: char| letter.is_ascii_digit()) {
            folded = Cow::Owned(folded.replace(|letter: char| letter.is_ascii_digit(), "0"));
        }
        folded
    }

    /// A form as its characters are read.
    pub fn spell(self, form: &str) -> Cow<'_, str> {
        // In all of them the letters of ASCII are what they are.
        let Some(normal_form) = self.normal_form.filter(|_| !form.is_ascii()) else {
            return Cow::Borrowed(form);
        };
        Cow::Owned(match normal_form {
            NormalForm::Nfc => form.nfc().collect(),
            NormalForm::Nfd => form.nfd().collect(),
            NormalForm::Nfkc => form.nfkc().collect(),
            NormalForm::Nfkd => form.nfkd().collect(),
        })
    }
}

impl Text {
    /// What there is to learn of training sentences: their words that come at least `min_count` times, and
    /// their characters.
    pub fn of(training: &Sequences, folding: Folding, min_count: usize) -> Text {
        let (tokens, forms) = match training.values() {
            Values::Tokens(tokens, forms) => (tokens.as_slice(), Some(forms)),
            Values::Bytes(_) | Values::Floats(_) => (&[][..], None),
        };
        let mut uses = vec![0; forms.map_or(0, |forms| forms.len())];
        tokens.iter().for_each(|&token| uses[token as usize] += 1);
        let (mut words, mut characters) = (HashMap::new(), HashMap::new());
        for (form, uses) in
            forms.iter().flat_map(|forms| forms.iter()).zip(uses).filter(|(_, uses)| *uses > 0)
        {
            *words.entry(folding.fold(form)).or_insert(0_usize) += uses;
            folding.spell(form).chars().for_each(|letter| *characters.entry(letter).or_insert(0) += uses);
        }
        words.retain(|_, count| *count >= min_count);
        let words = by_count(words);
        let lengths = || training.lengths();
        Text {
            steps: [lengths().min().unwrap_or(1), lengths().max().unwrap_or(1)],
            folding,
            rare: words.iter().rev().take_while(|(_, count)| *count == 1).count(),
            words: words.into_iter().map(|(word, _)| word.into_owned()).collect(),
            characters: by_count(characters).into_iter().map(|(letter, _)| letter).collect(),
        }
    }

    /// Rows of the words' table: those that are known, and one for all others.
    pub fn word_count(&self) -> usize {
        1 + self.words.len()
    }

    /// Rows of the characters' table: those that are known, and one for all others.
    pub fn character_count(&self) -> usize {
        1 + self.characters.chars().count()
    }

    /// Whether it can be so, as [`Text::of`] would have found it.
    ///
    /// # Errors
    ///
    /// What cannot be, on one line.
    pub fn check(&self) -> Result<(), String> {
        let [shortest, longest] = self.steps;
        if shortest == 0 || shortest > longest {
            return Err(format!("sentences of {shortest} to {longest} tokens cannot be"));
        }
        let once = |all: usize, different: usize| all == different;
        let words: HashMap<&str, ()> = self.words.iter().map(|word| (word.as_str(), ())).collect();
        let characters: HashMap<char, ()> = self.characters.chars().map(|letter| (letter, ())).collect();
        if !once(self.words.len(), words.len()) || !once(self.characters.chars().count(), characters.len()) {
            return Err("it knows a word or a character twice".to_owned());
        }
        match self.rare <= self.words.len() {
            true => Ok(()),
            false => Err("it has more rare words than words".to_owned()),
        }
    }

    /// The words that no token is read as, since their letters or digits are read as others. Of normal forms
    /// nothing is said: small letters may not be in one that the capital ones were in.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        let folding = Folding { normal_form: None, ..self.folding };
        self.words.iter().map(String::as_str).filter(move |word| folding.fold(word) != *word)
    }

    /// Sentences answered, token by token, with tokens of their own, by their index among the words that are
    /// known: with the one that comes next, or with those that are hidden, the same whenever they are judged;
    /// none where that is not asked for, or not known.
    pub fn answered_by_itself(&self, own: SelfTargets, sequences: Sequences) -> Split {
        let Some(forms) = sequences.forms().map(Arc::clone) else {
            return Split::unanswered(sequences, own.kind());
        };
        let lexicon = self.lexicon(&forms);
        let mut read = Sentences::default();
        let mut labels = Vec::with_capacity(sequences.steps());
        for (index, one) in sequences.iter().enumerate() {
            let tokens = one.tokens().unwrap_or_default();
            let SelfTargets::Hidden(hide) = own else {
                labels.extend(tokens.iter().skip(1).map(|&token| lexicon.class(token)).chain([NO_CLASS]));
                continue;
            };
            let hidden = lexicon.hide(&hide, (JUDGED, index as u64), tokens);
            for (&token, &label) in tokens.iter().zip(&hidden) {
                read.push(if label == NO_CLASS { forms.get(token) } else { HIDDEN });
            }
            read.end();
            labels.extend(hidden);
        }
        let sequences = if read.is_empty() { sequences } else { read.finish() };
        let values = TargetValues::SelfClasses { labels, kind: own.kind() };
        Split { sequences, targets: Targets { values, per: Per::Step } }
    }

    /// How often each known word is among the tokens of these sequences.
    pub fn counts(&self, sequences: &Sequences) -> Vec<u64> {
        let mut counts = vec![0; self.words.len()];
        let Some(forms) = sequences.forms() else { return counts };
        let lexicon = self.lexicon(forms);
        let tokens = sequences.iter().flat_map(|one| one.tokens().unwrap_or_default());
        for class in tokens.map(|&token| lexicon.class(token)).filter(|&class| class != NO_CLASS) {
            counts[class as usize] += 1;
        }
        counts
    }

    /// What the net reads of each of these forms.
    pub fn lexicon(&self, forms: &Forms) -> Lexicon {
        self.index().lexicon(forms)
    }

    /// Where words and characters are found: made once by who asks often.
    pub fn index(&self) -> TextIndex {
        let mut words: HashMap<Box<str>, u32> =
            self.words.iter().map(|word| word.as_str().into()).zip(Lexicon::UNKNOWN + 1..).collect();
        // A text that has it says nothing by it.
        words.remove(HIDDEN);
        TextIndex {
            folding: self.folding,
            words,
            characters: self.characters.chars().zip(Lexicon::UNKNOWN + 1..).collect(),
            first_rare: self.word_count() - self.rare,
        }
    }
}

/// The rows of the words and characters that a net knows, by what they are.
#[derive(Clone, Debug)]
pub struct TextIndex {
    folding: Folding,
    words: HashMap<Box<str>, u32>,
    characters: HashMap<char, u32>,
    first_rare: usize,
}

impl TextIndex {
    /// What the net reads of each of these forms.
    pub fn lexicon(&self, forms: &Forms) -> Lexicon {
        let mut lexicon = Lexicon {
            words: Vec::with_capacity(forms.len()),
            characters: Vec::new(),
            ends: Vec::with_capacity(forms.len()),
            first_rare: self.first_rare,
        };
        for form in forms.iter() {
            lexicon.words.push(*self.words.get(&*self.folding.fold(form)).unwrap_or(&Lexicon::UNKNOWN));
            let letters = self.folding.spell(form);
            let letters =
                letters.chars().map(|letter| *self.characters.get(&letter).unwrap_or(&Lexicon::UNKNOWN));
            lexicon.characters.extend(letters);
            lexicon.ends.push(lexicon.characters.len());
        }
        lexicon
    }
}

/// What stands in a sentence where a token is hidden: one that is not known, as no text has it.
pub const HIDDEN: &str = "\u{fffc}";

/// What a net reads of each of some forms, by their indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Lexicon {
    words: Vec<u32>,
    characters: Vec<u32>,
    ends: Vec<usize>,
    first_rare: usize,
}

impl Lexicon {
    /// The row of what is not known, of words and of characters. What is known comes behind it.
    pub const UNKNOWN: u32 = 0;

    /// The row of a form in the words' table; 0 where the word is not known.
    pub fn word(&self, form: u32) -> u32 {
        self.words[form as usize]
    }

    /// The index of a form's word among those that are known; [`NO_CLASS`] where it is not.
    pub fn class(&self, form: u32) -> u32 {
        self.word(form).checked_sub(Lexicon::UNKNOWN + 1).unwrap_or(NO_CLASS)
    }

    /// Which of these tokens are hidden, by `seed` and `stream`: of each its class, of all others
    /// [`NO_CLASS`].
    pub fn hide(&self, hide: &Hide, (seed, stream): (u64, u64), tokens: &[u32]) -> Vec<u32> {
        let classes: Vec<u32> = tokens.iter().map(|&token| self.class(token)).collect();
        let known = (0..tokens.len()).filter(|&index| classes[index] != NO_CLASS);
        let mut hidden = vec![NO_CLASS; tokens.len()];
        hide.draw_among(seed, stream, known, 1).into_iter().for_each(|index| hidden[index] = classes[index]);
        hidden
    }

    /// Whether the word of a form is known.
    pub fn is_known(&self, form: u32) -> bool {
        self.word(form) != Lexicon::UNKNOWN
    }

    /// Whether the word of a form is one of the rare ones.
    pub fn is_rare(&self, form: u32) -> bool {
        self.word(form) as usize >= self.first_rare
    }

    /// The rows of a form's characters in the characters' table; 0 for those that are not known.
    pub fn characters(&self, form: u32) -> &[u32] {
        let form = form as usize;
        let begin = form.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.characters[begin..self.ends[form]]
    }
}

/// The most frequent first, of equally frequent ones in their own order.
fn by_count<T: Ord + Eq + Hash>(counts: HashMap<T, usize>) -> Vec<(T, usize)> {
    let mut all: Vec<(T, usize)> = counts.into_iter().collect();
    all.sort_by(|(one, count), (other, than)| (Reverse(count), one).cmp(&(Reverse(than), other)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_targets::HideWhat;

    fn sentences(texts: &[&str]) -> Sequences {
        let mut sentences = Sentences::default();
        for text in texts {
            text.split(' ').for_each(|token| sentences.push(token));
            sentences.end();
        }
        sentences.finish()
    }

    #[test]
    fn words_are_known_by_how_often_they_come() {
        let training = sentences(&["The cat the", "a Cat 19 95 dog"]);
        let (plain, folded) =
            (Folding::default(), Folding { lowercase: true, merge_digits: true, ..Folding::default() });
        let text = Text::of(&training, plain, 1);
        assert_eq!(text.words, ["19", "95", "Cat", "The", "a", "cat", "dog", "the"]);
        assert_eq!((text.steps, text.rare, text.word_count()), ([3, 5], 8, 9));
        let text = Text::of(&training, folded, 1);
        assert_eq!(
            (text.words.as_slice(), text.rare),
            (&["00", "cat", "the", "a", "dog"].map(str::to_owned)[..], 2)
        );
        assert_eq!(text.characters, "at9eh15CTcdgo", "three of a and t, two of 9, e and h, one of others");
        assert_eq!(Text::of(&training, folded, 2).words, ["00", "cat", "the"]);
        assert_eq!(text.check(), Ok(()));
        let twice = Text { words: vec!["a".to_owned(), "a".to_owned()], ..text };
        assert!(twice.check().is_err());
    }

    #[test]
    fn each_token_is_answered_with_the_one_behind_it() {
        let text = Text::of(&sentences(&["the cat the dog"]), Folding::default(), 1);
        let Split { targets, .. } =
            text.answered_by_itself(SelfTargets::Next, sentences(&["dog the bird the", "cat"]));
        let class = |word: &str| text.words.iter().position(|known| known == word).unwrap() as u32;
        let expected = [class("the"), NO_CLASS, class("the"), NO_CLASS, NO_CLASS];
        assert_eq!(targets.own_tokens().unwrap(), expected, "nobody knows a bird, or what comes last");
        assert_eq!((targets.counted(0..5), targets.counted(3..5)), (2, 0));
        assert_eq!(targets.wanted().of_files(), None);
    }

    /// What is hidden cannot be read, and what is not known is not asked for.
    #[test]
    fn hidden_tokens_are_not_there() {
        let training = sentences(&["the cat the dog saw a cat"]);
        let text = Text::of(&training, Folding::default(), 1);
        let asked = sentences(&["dog the bird the saw a", "cat"]);
        let hide = Hide { what: HideWhat::Points, share: 0.4, steps: 1 };
        let Split { sequences, targets } = text.answered_by_itself(SelfTargets::Hidden(hide), asked.clone());
        let labels = targets.own_tokens().unwrap();
        assert_eq!((targets.counted(0..6), targets.counted(6..7)), (2, 1), "0.4 of five, and one at least");
        let both =
            asked.iter().zip(sequences.iter()).flat_map(|(asked, read)| asked.words().zip(read.words()));
        for ((asked, read), &label) in both.zip(labels) {
            match label {
                NO_CLASS => assert_eq!(read, asked),
                class => assert_eq!((read, asked), (HIDDEN, text.words[class as usize].as_str())),
            }
        }
        let lexicon = text.lexicon(sequences.forms().unwrap());
        let read = |index: usize| sequences.get(index).tokens().unwrap().to_vec();
        assert_eq!(lexicon.word(read(1)[0]), Lexicon::UNKNOWN);
        let odd = sentences(&["a \u{fffc} b \u{fffc}"]);
        let lexicon = Text::of(&odd, Folding::default(), 1).lexicon(odd.forms().unwrap());
        assert_eq!((0..3).map(|form| lexicon.is_known(form)).collect::<Vec<_>>(), [true, false, true]);
    }

    /// An e with its accent, as one character and as two; and a ligature.
    #[test]
    fn normal_forms_make_one_word_of_what_looks_the_same() {
        let words = |normal_form| {
            let folding = Folding { normal_form, ..Folding::default() };
            let text = Text::of(&sentences(&["caf\u{e9} cafe\u{301} \u{fb01}n"]), folding, 1);
            (text.words, text.characters.chars().count())
        };
        assert_eq!(words(None).0.len(), 3);
        assert_eq!(words(Some(NormalForm::Nfc)), (vec!["café".to_owned(), "\u{fb01}n".to_owned()], 6));
        assert_eq!(words(Some(NormalForm::Nfd)).0[0], "cafe\u{301}");
        assert_eq!(words(Some(NormalForm::Nfkc)).0[1], "fin");
        assert_eq!(words(Some(NormalForm::Nfkd)).0, ["cafe\u{301}", "fin"]);
    }

    #[test]
    fn what_is_not_known_is_read_as_one() {
        let text =
            Text::of(&sentences(&["the cat the"]), Folding { lowercase: true, ..Folding::default() }, 1);
        let asked = sentences(&["The dog cab"]);
        let lexicon = text.lexicon(asked.forms().unwrap());
        assert_eq!([0, 1, 2].map(|form| lexicon.word(form)), [1, 0, 0]);
        assert_eq!(lexicon.characters(1), [0, 0, 0], "none of d, o, g");
        let [t, e] =
            ['t', 'e'].map(|letter| text.characters.chars().position(|c| c == letter).unwrap() as u32 + 1);
        assert_eq!(
            lexicon.characters(0),
            [0, text.characters.find('h').unwrap() as u32 + 1, e],
            "no capital T"
        );
        assert_eq!(t, 1, "the most frequent");
        assert!(!lexicon.is_rare(0));
        let lexicon = text.lexicon(sentences(&["cat dog"]).forms().unwrap());
        assert_eq!([0, 1].map(|form| lexicon.is_rare(form)), [true, false], "what is not known is not rare");
    }
}
