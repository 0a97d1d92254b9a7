//! Files of words' vectors: GloVe's, word2vec's text and binary form, and fastText's .vec.
//!
//! ```text
//! 2 3                  how many, and of how many values; not there in GloVe's
//! the 0.1 -0.25 3e-2
//! of -1 0.5 0.125
//! ```
//!
//! In the binary form each word is followed by a space and its values as little-endian `f32`.

use std::io::{BufRead, BufReader, Cursor, Read};

use super::problem::VectorProblem;
use crate::file_error::FileProblem;

/// Bytes of a word, or of a line: none that is meant comes near.
const LONGEST: usize = 1 << 20;
/// What the models of fastText begin with.
const FAST_TEXT: [u8; 4] = 793_712_314_i32.to_le_bytes();
/// Windows' editors mark text as UTF-8 by it.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The values of a vector as a file has them.
pub(super) enum Values<'a> {
    Text { line: usize, numbers: &'a [u8] },
    Binary { index: usize, bytes: &'a [u8] },
}

impl Values<'_> {
    /// Adds them to `into`. A line with more of them than `width` is not of a word, but of several with
    /// spaces between; then nothing is added and false is said.
    pub(super) fn read(&self, width: usize, into: &mut Vec<f32>) -> Result<bool, VectorProblem> {
        let before = into.len();
        match *self {
            Values::Binary { index, bytes } => {
                into.extend(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
                if into[before..].iter().any(|value| !value.is_finite()) {
                    return Err(VectorProblem::NotFinite { index });
                }
            }
            Values::Text { line, numbers } => {
                match fields(numbers).count() {
                    found if found < width => {
                        return Err(VectorProblem::Count { line, found, expected: width });
                    }
                    found if found > width => return Ok(false),
                    _ => {}
                }
                for field in fields(numbers) {
                    let value = number(field).ok_or_else(|| VectorProblem::NotANumber {
                        line,
                        text: String::from_utf8_lossy(field).into_owned(),
                    })?;
                    into.push(value);
                }
            }
        }
        Ok(true)
    }
}

/// Gives `take` each word of a file and its vector, which is to have `width` values.
pub(super) fn each_vector(
    source: impl Read,
    width: usize,
    mut take: impl FnMut(&[u8], Values<'_>) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let mut start = Vec::new();
    source.by_ref().take(FAST_TEXT.len() as u64).read_to_end(&mut start)?;
    if start == FAST_TEXT {
        return Err(VectorProblem::FastTextModel.into());
    }
    if start.starts_with(MARK) {
        start.drain(..MARK.len());
    }
    let mut source = Cursor::new(start).chain(source);
    let mut first = Vec::new();
    read_to(&mut source, b'\n', &mut first)?;
    let Some((count, found)) = header(&first) else {
        check_width(vector_length(&first).ok_or(VectorProblem::NotVectors)?, width)?;
        return lines(Cursor::new(first).chain(source), 1, width, None, take);
    };
    check_width(found, width)?;
    // Of the first vector as much as tells digits from bytes: a line, if it is one.
    let mut start = Vec::new();
    source.by_ref().take(LONGEST as u64).read_until(b'\n', &mut start)?;
    let is_text = is_line(&start, width);
    let mut source = Cursor::new(start).chain(source);
    if is_text {
        // Of the lines behind it, one with more numbers may be of a phrase that ends in one.
        if let Some(found) = vector_length(source.get_ref().0.get_ref()).filter(|&found| found != width) {
            return Err(VectorProblem::Count { line: 2, found, expected: width }.into());
        }
        return lines(source, 2, width, Some(count), take);
    }
    let (mut word, mut bytes) = (Vec::new(), vec![0; width * size_of::<f32>()]);
    for index in 1..=count {
        word.clear();
        let ends = VectorProblem::Ends { expected: count, found: index - 1 };
        if read_to(&mut source, b' ', &mut word)? == 0 || source.read_exact(&mut bytes).is_err() {
            return Err(ends.into());
        }
        take(word.trim_ascii(), Values::Binary { index, bytes: &bytes })?;
    }
    Ok(())
}

/// Gives `take` what is on each line, the first of which is line `first`.
fn lines(
    mut source: impl BufRead,
    first: usize,
    width: usize,
    promised: Option<usize>,
    mut take: impl FnMut(&[u8], Values<'_>) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let (mut line, mut found) = (Vec::new(), 0);
    for number in first.. {
        line.clear();
        if read_to(&mut source, b'\n', &mut line)? == 0 {
            break;
        }
        let text = line.trim_ascii_end();
        let end = text.iter().position(|&byte| is_space(byte)).unwrap_or(text.len());
        if !text.is_empty() {
            found += 1;
            let numbers = fields(&text[end..]).count();
            // A line that nothing ends may have been cut short, be it of a word that nobody wants.
            if !line.ends_with(b"\n") && numbers < width {
                return Err(VectorProblem::Count { line: number, found: numbers, expected: width }.into());
            }
            take(&text[..end], Values::Text { line: number, numbers: &text[end..] })?;
        }
    }
    match promised {
        Some(expected) if found < expected => Err(VectorProblem::Ends { expected, found }.into()),
        _ => Ok(()),
    }
}

/// Adds to `into` what there is up to the next of these bytes, with it; says how many bytes these are.
fn read_to(source: &mut impl BufRead, end: u8, into: &mut Vec<u8>) -> Result<usize, FileProblem> {
    let read = source.take(LONGEST as u64).read_until(end, into)?;
    match read == LONGEST && into.last() != Some(&end) {
        true => Err(VectorProblem::TooLong { most: LONGEST }.into()),
        false => Ok(read),
    }
}

/// How many vectors a file has, and of how many values, if its first line says so.
fn header(line: &[u8]) -> Option<(usize, usize)> {
    let mut counts = fields(line).map(|field| str::from_utf8(field).ok()?.parse().ok());
    match (counts.next(), counts.next(), counts.next()) {
        (Some(Some(count)), Some(Some(width)), None) => Some((count, width)),
        _ => None,
    }
}

/// How many numbers stand at the end of a line that begins with a word.
fn vector_length(line: &[u8]) -> Option<usize> {
    let fields: Vec<&[u8]> = fields(line).collect();
    let behind = fields.get(1..)?;
    let numbers = behind.iter().rev().take_while(|field| number(field).is_some()).count();
    (numbers > 0).then_some(numbers)
}

/// Whether it is a line of words and numbers, and not a word and the bytes of `width` values: it ends in so
/// many numbers or, cut short or with a mistake in it, has nothing but what numbers are written with behind
/// its first word.
fn is_line(line: &[u8], width: usize) -> bool {
    let is_digits = |field: &[u8]| field.iter().all(|byte| b"0123456789+-.eE".contains(byte));
    let behind = || fields(line).skip(1);
    vector_length(line).is_some_and(|found| found >= width)
        || behind().next().is_some() && behind().all(is_digits)
}

fn check_width(found: usize, expected: usize) -> Result<(), VectorProblem> {
    if found == expected { Ok(()) } else { Err(VectorProblem::Width { found, expected }) }
}

fn number(field: &[u8]) -> Option<f32> {
    str::from_utf8(field).ok()?.parse().ok().filter(|value: &f32| value.is_finite())
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_space(byte)).filter(|field| !field.is_empty())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
