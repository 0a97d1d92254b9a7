//! Vectors that others learnt of far more text than there is to train on: which words a net knows by them.

mod format;
mod problem;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use self::format::{Values, each_vector};
pub use self::problem::VectorProblem;
use super::vocabulary::{Folding, Lexicon, Text};
use crate::content::{Digests, Hashed, open, plain, through};
use crate::file_error::{FileError, FileProblem};

/// Which vectors of a file are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorsPlan {
    /// The file.
    pub path: PathBuf,
    /// How many of its first words are known beside those of the training sentences; if it is not said, so
    /// many as [`VectorsPlan::beyond`] has.
    pub beyond: Option<usize>,
    /// Values of a vector of the net's.
    pub width: usize,
    /// Whether the net's vectors stay what the file has. Then it knows no other words.
    pub frozen: bool,
}

/// What is known beside the words of the training sentences where the vectors stay what they are: steps do
/// not get slower by it.
const BEYOND: usize = 100_000;

impl VectorsPlan {
    /// How many words are known beside those of the training sentences.
    pub fn beyond(&self) -> usize {
        self.beyond.unwrap_or(if self.frozen { BEYOND } else { 0 })
    }
}

/// The vectors that a file has for the words that a net knows.
#[derive(Clone, Debug, PartialEq)]
pub struct WordVectors {
    /// Values of a vector.
    pub width: usize,
    /// Whose they are: rows of the words' table.
    pub rows: Vec<u32>,
    /// One vector after the other.
    pub values: Vec<f32>,
    /// What was found.
    pub found: FoundVectors,
}

/// Of how many words a file has vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoundVectors {
    /// Words of the training sentences.
    pub words: usize,
    /// Those of them that it has a vector for.
    pub known: usize,
    /// Those of these whose vector is that of the word in small letters.
    pub by_lowercase: usize,
    /// Words beside those of the training sentences.
    pub beyond: usize,
}

/// The vectors of a text in memory, gzipped or not, for the words that a net is to know, and these.
///
/// # Errors
///
/// Where it is no such file, or has a vector for none of the words.
pub fn parse_vectors(
    bytes: &[u8],
    plan: &VectorsPlan,
    text: Text,
) -> Result<(Text, WordVectors), FileProblem> {
    plain(bytes, |content| matched(content, plan, text))
}

/// As [`parse_vectors`], of the file that `plan` names.
pub(crate) fn read(plan: &VectorsPlan, text: Text) -> Result<(Text, WordVectors, Digests), FileError> {
    open(&plan.path, |file, size| {
        let ((text, vectors), digests) = through(file, size, |content, _| {
            let mut content = Hashed::new(content);
            let found = matched(&mut content, plan, text)?;
            std::io::copy(&mut content, &mut std::io::sink())?;
            Ok((found, content.finish()))
        })?;
        Ok((text, vectors, digests))
    })
}

fn matched(content: impl Read, plan: &VectorsPlan, text: Text) -> Result<(Text, WordVectors), FileProblem> {
    let mut matching = Matching::new(plan, &text);
    each_vector(content, plan.width, |word, values| matching.take(word, &values))?;
    let Matching { own, values, beyond, .. } = matching;
    if own.iter().all(Option::is_none) {
        return Err(VectorProblem::None { words: text.words.len() }.into());
    }
    Ok(joined(plan, text, &own, &values, beyond))
}

/// A vector of a word of the training sentences.
#[derive(Clone, Copy)]
struct Own {
    /// Which of the vectors that are held.
    vector: usize,
    /// Whether the file has it for the word in small letters.
    by_lowercase: bool,
}

/// The words that are looked for in a file, and their vectors as far as it was read.
struct Matching<'a> {
    plan: &'a VectorsPlan,
    folding: Folding,
    words: HashMap<&'a str, usize>,
    /// The words that are these in small letters.
    lowercase: HashMap<String, Vec<usize>>,
    own: Vec<Option<Own>>,
    /// Words of the file alone, with their vectors.
    beyond: Vec<(String, usize)>,
    seen: HashSet<String>,
    values: Vec<f32>,
}

impl<'a> Matching<'a> {
    fn new(plan: &'a VectorsPlan, text: &'a Text) -> Matching<'a> {
        let words: HashMap<&str, usize> = text.words.iter().map(String::as_str).zip(0..).collect();
        let mut lowercase: HashMap<String, Vec<usize>> = HashMap::new();
        for (word, index) in text.words.iter().zip(0..) {
            let small = word.to_lowercase();
            if small != *word {
                lowercase.entry(small).or_default().push(index);
            }
        }
        Matching {
            plan,
            folding: text.folding,
            own: vec![None; words.len()],
            words,
            lowercase,
            beyond: Vec::new(),
            seen: HashSet::new(),
            values: Vec::new(),
        }
    }

    /// Takes the vector of a word if it is wanted. Of several words that are the same to the net the first
    /// counts, which in such files is the most frequent.
    fn take(&mut self, word: &[u8], values: &Values<'_>) -> Result<(), FileProblem> {
        // Whatever is no UTF-8 is no word of the sentences.
        let Ok(word) = str::from_utf8(word) else { return Ok(()) };
        let folded = self.folding.fold(word);
        let exact = self.words.get(&*folded).copied();
        let wanted = exact.filter(|&index| self.own[index].is_none_or(|own| own.by_lowercase));
        let small = self.lowercase.get(&*folded).into_iter().flatten().copied();
        let small: Vec<usize> = small.filter(|&index| self.own[index].is_none()).collect();
        let beyond = exact.is_none()
            && self.beyond.len() < self.plan.beyond()
            && !folded.is_empty()
            && !self.seen.contains(&*folded);
        if wanted.is_none() && small.is_empty() && !beyond {
            return Ok(());
        }
        let vector = self.values.len() / self.plan.width;
        if !values.read(self.plan.width, &mut self.values)? {
            return Ok(());
        }
        if let Some(index) = wanted {
            self.own[index] = Some(Own { vector, by_lowercase: false });
        }
        for index in small {
            self.own[index] = Some(Own { vector, by_lowercase: true });
        }
        if beyond {
            self.seen.insert(folded.clone().into_owned());
            self.beyond.push((folded.into_owned(), vector));
        }
        Ok(())
    }
}

/// The words that the net knows, and the vectors that there are for them. First the words that have one or
/// that training has more than once, then those of the file alone; the rare ones without a vector are the
/// last, and of them it is learnt what words are that nothing is known of.
fn joined(
    plan: &VectorsPlan,
    text: Text,
    own: &[Option<Own>],
    values: &[f32],
    beyond: Vec<(String, usize)>,
) -> (Text, WordVectors) {
    let of = |vector: usize| &values[vector * plan.width..][..plan.width];
    let known: Vec<&Own> = own.iter().flatten().collect();
    let found = FoundVectors {
        words: own.len(),
        known: known.len(),
        by_lowercase: known.iter().filter(|own| own.by_lowercase).count(),
        beyond: beyond.len(),
    };
    let mut vectors = WordVectors { width: plan.width, rows: Vec::new(), values: Vec::new(), found };
    // What is not known begins between all that is: it may be that training never has such a word.
    let mean = |column: usize| {
        known.iter().map(|own| f64::from(of(own.vector)[column])).sum::<f64>() / known.len() as f64
    };
    vectors.rows.push(Lexicon::UNKNOWN);
    vectors.values.extend((0..plan.width).map(|column| mean(column) as f32));
    let first_rare = text.words.len() - text.rare;
    let (mut words, mut rare) = (Vec::new(), Vec::new());
    let mut add = |word: String, vector: usize, words: &mut Vec<String>| {
        words.push(word);
        vectors.rows.push(Lexicon::UNKNOWN + words.len() as u32);
        vectors.values.extend_from_slice(of(vector));
    };
    for (index, word) in text.words.into_iter().enumerate() {
        match own[index] {
            Some(own) => add(word, own.vector, &mut words),
            None if plan.frozen => {}
            None if index < first_rare => words.push(word),
            None => rare.push(word),
        }
    }
    for (word, vector) in beyond {
        add(word, vector, &mut words);
    }
    let count = rare.len();
    words.append(&mut rare);
    (Text { words, rare: count, ..text }, vectors)
}

impl FoundVectors {
    /// For people: what of it the file `path` has, and how many bytes the net's table then takes.
    pub fn told(&self, path: &Path, bytes: usize) -> String {
        let FoundVectors { words, known, by_lowercase, beyond } = *self;
        let mut told = format!(
            "{}: vectors of {known} of the {words} words of the training sentences",
            crate::name::shown(&path)
        );
        if by_lowercase > 0 {
            told += &format!(" ({by_lowercase} by their small letters)");
        }
        if beyond > 0 {
            told += &format!(" and of {beyond} others");
        }
        told + &format!("; the table takes {:.1} MB", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests;
