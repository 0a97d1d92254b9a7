//! Sentences and what is said of them in files of their own, line by line: a sentence on each line, its
//! tokens parted by spaces or tabs; in the other file as many tags on the same line, or the class of the
//! sentence.
//!
//! ```text
//! seq.in                       seq.out                              label
//! play westbam on google       O B-artist O B-service               PlayMusic
//! rate this textbook 5         O O B-object B-rating                RateBook
//! ```
//!
//! Where the line of both is empty there is no sentence; behind the end of a file all lines are.

use std::io::Read;
use std::path::Path;

use super::encoding::{Encoding, open_text};
use super::problem::TextProblem;
use super::reading::{Labelling, Reading, add, targets};
use super::source::{Source, each_line};
use crate::content::{Digests, of_gzip, plain, unzipped};
use crate::file_error::{FileError, FileProblem};
use crate::series::file::{FileTargets, Labels, SeriesFile};
use crate::targets::Per;

/// What is said of sentences, in memory, gzipped or not; and for what each answer is: tags for their tokens
/// (steps), or a class for each of them (sequence).
pub type LinesBeside<'a> = (&'a [u8], Per);

/// Sentences in memory, gzipped or not, and what is said of them in another text.
///
/// # Errors
///
/// Where there is no sentence; where a line is not UTF-8, or not as much is said of it as there is to say.
pub fn parse_lines(
    sentences: &[u8],
    beside: Option<LinesBeside<'_>>,
    labelling: &Labelling,
) -> Result<SeriesFile, FileProblem> {
    let mut file = read_lines(sentences)?;
    if let Some(((bytes, per), labels)) = beside.zip(labelling.labels()) {
        let answers = |content: &mut dyn Read| decode_answers(content, per, labels, (&file, Path::new("-")));
        file.targets = Some(plain(bytes, answers)?);
    }
    Ok(file)
}

/// Sentences to ask a net about, one on each line, of a text that is read as it comes, gzipped or not.
///
/// # Errors
///
/// Where there is none; where a line is not UTF-8; where it cannot be read.
pub fn read_lines(source: impl Read) -> Result<SeriesFile, FileProblem> {
    plain(source, |content| decode(content))
}

/// Sentences, one on each line, of a text of any length, gzipped or not.
pub struct LineText<'a> {
    source: Source<Box<dyn Read + 'a>>,
    is_zipped: bool,
    is_over: bool,
}

impl<'a> LineText<'a> {
    /// The text that a source holds.
    ///
    /// # Errors
    ///
    /// Where its first bytes cannot be read.
    pub fn new(source: impl Read + 'a) -> Result<LineText<'a>, FileProblem> {
        let (source, is_zipped) = unzipped(source)?;
        Ok(LineText { source: Source::new(source), is_zipped, is_over: false })
    }
}

/// The tokens of each line, none of an empty one, as soon as it has been read; behind an error nothing comes.
impl Iterator for LineText<'_> {
    type Item = Result<Vec<String>, FileProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.source.forget();
        let next = self.source.next().map(|line| Some(words(line?.text).map(str::to_owned).collect()));
        self.is_over = !matches!(next, Ok(Some(_)));
        match next {
            Err(problem) if self.is_zipped => Some(Err(of_gzip(problem))),
            next => next.transpose(),
        }
    }
}

/// Reads sentences and, where something is said of them in another file, that. Gives the digests of both, in
/// this order; where no labels are read, the other file is not either.
pub(crate) fn read(
    path: &Path,
    beside: Option<(&Path, Per)>,
    labelling: &Labelling,
    encoding: Encoding,
) -> Result<(SeriesFile, Vec<Digests>), FileError> {
    let (mut file, digests) = open_text(path, encoding, |content| decode(content))?;
    let mut all = vec![digests];
    if let Some(((other, per), labels)) = beside.zip(labelling.labels()) {
        let answers = |content: &mut dyn Read| decode_answers(content, per, labels, (&file, path));
        let (targets, digests) = open_text(other, encoding, answers)?;
        file.targets = Some(targets);
        all.push(digests);
    }
    Ok((file, all))
}

/// Decodes sentences.
fn decode(content: &mut dyn Read) -> Result<SeriesFile, FileProblem> {
    let mut reading = Reading::new(&Labelling::None);
    each_line(content, |line| {
        words(line.text).for_each(|word| reading.token(word));
        reading.end(line.number);
        Ok(())
    })?;
    reading.finish(Per::Step)
}

/// Decodes what is said of the sentences of a file.
fn decode_answers(
    content: &mut dyn Read,
    per: Per,
    mut labels: Labels,
    (file, of): (&SeriesFile, &Path),
) -> Result<FileTargets, FileProblem> {
    let mut sentences = file.lines.iter().copied().zip(file.sequences.lengths()).peekable();
    let unequal = |line: usize, found: usize, expected: usize| match per {
        Per::Step => TextProblem::Tags { found, expected, of: of.to_owned() }.at(line),
        Per::Sequence if found == 0 => TextProblem::NoClass { of: of.to_owned() }.at(line),
        Per::Sequence => TextProblem::NoSentence { of: of.to_owned() }.at(line),
    };
    each_line(content, |line| {
        let (number, text) = (line.number, line.text.trim());
        let found = match per {
            Per::Step => words(text).count(),
            Per::Sequence => usize::from(!text.is_empty()),
        };
        let tokens = sentences.next_if(|&(line, _)| line == number).map_or(0, |(_, tokens)| tokens);
        let expected = if per == Per::Step { tokens } else { tokens.min(1) };
        if found != expected {
            return Err(unequal(number, found, expected));
        }
        match per {
            Per::Step => words(text).try_for_each(|tag| add(&mut labels, number, tag)),
            Per::Sequence if found == 0 => Ok(()),
            Per::Sequence => add(&mut labels, number, text),
        }
    })?;
    match sentences.next() {
        Some((line, tokens)) => Err(unequal(line, 0, tokens)),
        None => Ok(targets(labels, per)),
    }
}

/// What spaces and tabs part.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
