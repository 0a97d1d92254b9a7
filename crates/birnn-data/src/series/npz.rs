//! Series in a `.npz` file, as `numpy.savez` writes it: their values in one array, and what they are to be
//! answered with, how long they are and what they are called in others.
//!
//! ```text
//! X        [series, steps, features]   padded to the longest, which `lengths` tells
//!          [series, steps]             of one feature
//!          [steps of all, features]    one after the other; `lengths` says where each ends
//! lengths  [series]                    may be absent where all are as long
//! y        [series], [series, numbers], or for each step as X has them
//! ids      [series]                    may be absent, and so may be groups
//! ```

use std::collections::HashMap;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use zip::ZipArchive;

use crate::config::{Arrays, NpzOptions};
use crate::content::{Digests, LARGEST, LARGEST_RATIO, open, sha256, through, whole};
use crate::file_error::{FileError, FileProblem};
use crate::form::npy::{Header, Item};
use crate::form::zipped;
use crate::sequences::{Sequences, Values};
use crate::series::array_problem::ArrayProblem;
use crate::series::file::{FileTargets, Labels, NoClass, SeriesFile, target_names};
use crate::split::MOST_CLASSES;
use crate::table::is_missing;
use crate::targets::{Per, TargetKind, TargetValues, Targets};

/// The series of a `.npz` file in memory, gzipped or not.
///
/// # Errors
///
/// Where it is no such file, lacks an array, or its arrays do not fit together; where a value is neither a
/// finite `f32` nor missing (NaN).
pub fn parse_npz(bytes: &[u8], options: &NpzOptions) -> Result<SeriesFile, FileProblem> {
    decode(Cursor::new(bytes), bytes.len() as u64, options).map(|(file, _)| file)
}

/// Reads a `.npz` file, gzipped or not.
pub fn read_npz(path: &Path, options: &NpzOptions) -> Result<SeriesFile, FileError> {
    read(path, options).map(|(file, _)| file)
}

pub(crate) fn read(path: &Path, options: &NpzOptions) -> Result<(SeriesFile, Digests), FileError> {
    open(path, |file, size| decode(file, size, options))
}

fn decode(
    source: impl Read + Seek,
    size: u64,
    options: &NpzOptions,
) -> Result<(SeriesFile, Digests), FileProblem> {
    through(source, size, |content, _| {
        let bytes = whole(content, LARGEST)?;
        let digest = sha256(&bytes);
        let archive = zipped::open(Cursor::new(bytes))?;
        // Gzipped, too, it holds no more than DEFLATE makes of its bytes once.
        let longest = LARGEST.min(size.saturating_mul(LARGEST_RATIO));
        Ok((Reader { archive, longest, options }.series()?, digest))
    })
}

struct Reader<'a, R: Read + Seek> {
    archive: ZipArchive<R>,
    /// Bytes that an array may have.
    longest: u64,
    options: &'a NpzOptions,
}

/// How the array of series has them.
#[derive(Clone, Copy)]
enum Layout {
    /// One after the other.
    Flat,
    /// Each in as many steps.
    Padded(usize),
}

/// The series as their array has them.
struct Shape {
    layout: Layout,
    lengths: Vec<usize>,
    features: usize,
}

impl Shape {
    fn steps(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// Of `values [positions, width]`, those of steps that the series have.
    fn unpadded<T: Copy>(&self, mut values: Vec<T>, width: usize) -> Vec<T> {
        if let Layout::Padded(steps) = self.layout {
            let mut end = 0;
            for (index, &length) in self.lengths.iter().enumerate() {
                let begin = index * steps * width;
                values.copy_within(begin..begin + length * width, end);
                end += length * width;
            }
            values.truncate(end);
        }
        values
    }
}

/// Text, each once.
#[derive(Default)]
struct Names {
    codes: Vec<u32>,
    texts: Vec<String>,
}

impl Names {
    fn text(&self, code: u32) -> &str {
        &self.texts[code as usize]
    }
}

impl<R: Read + Seek> Reader<'_, R> {
    fn series(mut self) -> Result<SeriesFile, FileProblem> {
        let (shape, values) = self.values()?;
        let targets = self.targets(&shape)?;
        let Arrays { ids, groups, .. } = &self.options.arrays;
        let ids = self.names(ids.as_deref(), "ids", &shape)?;
        // A net that says how many features it reads is asked about each by itself.
        let groups = match self.options.features {
            None => self.names(groups.as_deref(), "groups", &shape)?,
            Some(_) => None,
        };
        let count = shape.lengths.len();
        let sequences = Sequences::new(Values::Floats(values), shape.features, shape.lengths);
        let (features, lines) = (None, (1..=count).collect());
        Ok(SeriesFile {
            sequences,
            targets,
            features,
            ids,
            groups,
            lines,
            unit: "series",
            gap: None,
            rows: None,
            columns: None,
        })
    }

    fn x(&self) -> &str {
        self.options.arrays.x.as_deref().unwrap_or("X")
    }

    /// The name of an array that may be absent where none was named.
    fn optional<'n>(
        &self,
        named: Option<&'n str>,
        usual: &'static str,
    ) -> Result<Option<&'n str>, FileProblem> {
        let name: &str = named.unwrap_or(usual);
        match self.archive.index_for_name(&format!("{name}.npy")) {
            Some(_) => Ok(Some(name)),
            None if named.is_none() => Ok(None),
            None => Err(self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> FileProblem {
        let names = self.archive.file_names().flatten();
        let mut there: Vec<String> =
            names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect();
        there.sort_unstable();
        ArrayProblem::Missing { name: name.to_owned(), there }.into()
    }

    /// Gives `read` the array `name`.
    fn array<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Header, &mut dyn Read) -> Result<T, FileProblem>,
    ) -> Result<T, FileProblem> {
        let entry = format!("{name}.npy");
        if self.archive.index_for_name(&entry).is_none() {
            return Err(self.missing(name));
        }
        zipped::entry(&mut self.archive, &entry, self.longest, |source| read(Header::read(source)?, source))
    }

    /// The series: how long they are, and their values `[steps of all, features]`.
    fn values(&mut self) -> Result<(Shape, Vec<f32>), FileProblem> {
        let options = self.options;
        let lengths_name = self.optional(options.arrays.lengths.as_deref(), "lengths")?;
        let lengths = match lengths_name {
            Some(name) => Some(self.array(name, |header, source| lengths(name, &header, source))?),
            None => None,
        };
        let x = self.x().to_owned();
        let (shape, values) = self.array(&x, |header, source| {
            // What a header promises takes memory once it is there.
            let values = numbers(&x, &header, source)?;
            Ok((series_shape(&x, &header, lengths, lengths_name.unwrap_or("lengths"))?, values))
        })?;
        if let Some(expected) = options.features.filter(|&expected| expected != shape.features) {
            return Err(ArrayProblem::Features { x, found: shape.features, expected }.into());
        }
        let values = shape.unpadded(values, shape.features);
        if let Some(position) = values.iter().position(|value| value.is_infinite()) {
            let (step, feature) = (position / shape.features, 1 + position % shape.features);
            let (series, step) = place(&shape.lengths, step);
            return Err(ArrayProblem::NotFinite { series, step, feature }.into());
        }
        Ok((shape, values))
    }

    /// What the series are to be answered with, where there is an array of that.
    fn targets(&mut self, shape: &Shape) -> Result<Option<FileTargets>, FileProblem> {
        let NpzOptions { arrays, wanted, classes, .. } = self.options;
        let Some(wanted) = wanted else { return Ok(None) };
        let Some(name) = self.optional(arrays.y.as_deref(), "y")? else { return Ok(None) };
        let x = self.x().to_owned();
        self.array(name, |header, source| {
            let is_class = wanted.kind == TargetKind::Classes || header.element.is_text();
            let other = match wanted.per {
                Per::Sequence => Per::Step,
                Per::Step => Per::Sequence,
            };
            let fitting = [wanted.per, other].into_iter().find_map(|per| {
                let width = width(&header.shape, shape, per).filter(|&width| width == 1 || !is_class)?;
                Some((per, width))
            });
            let (per, width) = fitting.ok_or_else(|| misshapen(name, &header, &x, shape))?;
            let of_steps = |position: usize| match per {
                Per::Sequence => 1 + position,
                Per::Step => place(&shape.lengths, position).0,
            };
            if !is_class {
                let values = numbers(name, &header, source)?;
                let values = if per == Per::Step { shape.unpadded(values, width) } else { values };
                if let Some(position) = values.iter().position(|value| !value.is_finite()) {
                    let series = of_steps(position / width);
                    return Err(ArrayProblem::Target { name: name.to_owned(), series }.into());
                }
                let values = TargetValues::Numbers { values, width };
                return Ok(Some(FileTargets {
                    targets: Targets { values, per },
                    names: target_names(width),
                }));
            }
            let mut names = texts(&header, source, MOST_LABELS)?;
            if per == Per::Step {
                names.codes = shape.unpadded(names.codes, 1);
            }
            let mut labels = Labels::new(classes.clone());
            for (position, &code) in names.codes.iter().enumerate() {
                let label = names.text(code);
                // Where it is no class that was named, it says that there is none.
                let is_none = label.is_empty() || classes.is_none() && is_missing(label);
                let pushed = if is_none { Err(NoClass::Unnamed) } else { labels.push(label) };
                pushed.map_err(|why| {
                    let (name, series, label) = (name.to_owned(), of_steps(position), label.to_owned());
                    match why {
                        NoClass::Unnamed => {
                            let classes = classes.clone().unwrap_or_default();
                            ArrayProblem::Label { name, series, label, classes }
                        }
                        NoClass::TooMany => ArrayProblem::Classes { name, series, label, most: MOST_CLASSES },
                    }
                })?;
            }
            let (labels, names) = labels.finish();
            Ok(Some(FileTargets { targets: Targets { values: TargetValues::Classes(labels), per }, names }))
        })
    }

    /// What each series is called, or its group.
    fn names(
        &mut self,
        named: Option<&str>,
        usual: &'static str,
        shape: &Shape,
    ) -> Result<Option<Vec<String>>, FileProblem> {
        let Some(name) = self.optional(named, usual)? else { return Ok(None) };
        let x = self.x().to_owned();
        self.array(name, |header, source| {
            if header.shape != [shape.lengths.len()] {
                return Err(misshapen(name, &header, &x, shape));
            }
            let names = texts(&header, source, u32::MAX)?;
            let text = |&code: &u32| names.text(code);
            if let Some(series) = names.codes.iter().map(text).position(is_missing) {
                return Err(ArrayProblem::Name { name: name.to_owned(), series: series + 1 }.into());
            }
            Ok(Some(names.codes.iter().map(|&code| names.text(code).to_owned()).collect()))
        })
    }
}

/// How the series lie in an array of this header, and how long each is.
fn series_shape(
    x: &str,
    header: &Header,
    lengths: Option<Vec<usize>>,
    lengths_name: &str,
) -> Result<Shape, FileProblem> {
    let series = || ArrayProblem::Series {
        x: x.to_owned(),
        shape: sizes(&header.shape),
        lengths: lengths_name.to_owned(),
    };
    let name = || lengths_name.to_owned();
    let sum = |lengths: &[usize]| lengths.iter().fold(0_usize, |sum, &length| sum.saturating_add(length));
    let (layout, rows, features) = match (header.shape.as_slice(), &lengths) {
        (&[rows, steps, features], _) => (Layout::Padded(steps), rows, features),
        (&[rows, steps], Some(lengths)) if lengths.len() == rows && sum(lengths) != rows => {
            (Layout::Padded(steps), rows, 1)
        }
        (&[rows, features], Some(_)) => (Layout::Flat, rows, features),
        (&[rows, steps], None) => (Layout::Padded(steps), rows, 1),
        (&[rows], Some(_)) => (Layout::Flat, rows, 1),
        _ => return Err(series().into()),
    };
    if header.count() == Some(0) {
        return Err(FileProblem::Empty(format!("`{x}` {}", sizes(&header.shape))));
    }
    let most = if let Layout::Padded(steps) = layout { steps } else { rows };
    let lengths = match (lengths, layout) {
        (Some(lengths), _) => lengths,
        (None, Layout::Padded(steps)) => vec![steps; rows],
        (None, Layout::Flat) => return Err(series().into()),
    };
    if let Some(index) = lengths.iter().position(|length| !(1..=most).contains(length)) {
        return Err(ArrayProblem::Length { name: name(), index, most }.into());
    }
    match layout {
        Layout::Padded(_) if lengths.len() != rows => {
            let (shape, expected) = (sizes(&[lengths.len()]), format!("{rows} series"));
            Err(ArrayProblem::Shape { name: name(), shape, x: x.to_owned(), expected }.into())
        }
        Layout::Flat if sum(&lengths) != rows => {
            let sum = sum(&lengths);
            Err(ArrayProblem::Sum { name: name(), sum, x: x.to_owned(), steps: rows }.into())
        }
        _ => Ok(Shape { layout, lengths, features }),
    }
}

/// How many targets an array of this shape has for each sequence, or for each step; `None` where it has not.
fn width(target: &[usize], shape: &Shape, per: Per) -> Option<usize> {
    let positions = match (per, shape.layout) {
        (Per::Sequence, _) => vec![shape.lengths.len()],
        (Per::Step, Layout::Flat) => vec![shape.steps()],
        (Per::Step, Layout::Padded(steps)) => vec![shape.lengths.len(), steps],
    };
    match target.strip_prefix(positions.as_slice())? {
        [] => Some(1),
        &[width] if width > 0 => Some(width),
        _ => None,
    }
}

fn misshapen(name: &str, header: &Header, x: &str, shape: &Shape) -> FileProblem {
    let expected = format!("{} series, {} steps in all", shape.lengths.len(), shape.steps());
    let (name, x) = (name.to_owned(), x.to_owned());
    ArrayProblem::Shape { name, shape: sizes(&header.shape), x, expected }.into()
}

/// The series that the step at `position` belongs to, and which of its steps that is, both from 1.
fn place(lengths: &[usize], position: usize) -> (usize, usize) {
    let mut begin = 0;
    for (series, &length) in lengths.iter().enumerate() {
        if position < begin + length {
            return (1 + series, 1 + position - begin);
        }
        begin += length;
    }
    unreachable!("a step of one of the series")
}

/// A shape for people: `[3000, 13]`.
fn sizes(shape: &[usize]) -> String {
    format!("{shape:?}")
}

/// The numbers of an array, in C's order.
fn numbers(name: &str, header: &Header, source: &mut dyn Read) -> Result<Vec<f32>, FileProblem> {
    let mut values = Vec::new();
    header.each(source, |item| {
        let number = item.number().ok_or_else(|| ArrayProblem::Text(name.to_owned()))?;
        values.try_reserve(1).map_err(|_| ArrayProblem::Memory)?;
        values.push(number as f32);
        Ok(())
    })?;
    Ok(header.in_c_order(values))
}

/// Labels that differ: more than there may be classes, as there can be anything at padding.
const MOST_LABELS: u32 = 1 << 17;

/// The elements of an array as text, in C's order; so many at most that differ.
fn texts(header: &Header, source: &mut dyn Read, most: u32) -> Result<Names, FileProblem> {
    let mut names = Names::default();
    let mut codes: HashMap<String, u32> = HashMap::new();
    header.each(source, |item| {
        let text = match item {
            // What is no number is no name.
            Item::Float(number) if number.is_nan() => String::new(),
            item => item.text(),
        };
        let code = match codes.get(&text) {
            Some(&code) => code,
            None => {
                let code = u32::try_from(codes.len()).ok().filter(|&code| code < most);
                let code = code.ok_or(ArrayProblem::Differing { most })?;
                names.texts.push(text.clone());
                codes.insert(text, code);
                code
            }
        };
        names.codes.push(code);
        Ok(())
    })?;
    names.codes = header.in_c_order(names.codes);
    Ok(names)
}

/// Whole numbers of steps.
fn lengths(name: &str, header: &Header, source: &mut dyn Read) -> Result<Vec<usize>, FileProblem> {
    let mut lengths = Vec::new();
    header.each(source, |item| {
        let whole = match item {
            Item::Integer(number) => usize::try_from(number).ok(),
            Item::Float(number) => (number.fract() == 0.0 && number >= 0.0).then_some(number as usize),
            Item::Text(_) => return Err(ArrayProblem::Text(name.to_owned()).into()),
        };
        // 0 is refused, once it is known what a length can be.
        lengths.push(whole.unwrap_or(0));
        Ok(())
    })?;
    match header.shape.as_slice() {
        [_] => Ok(lengths),
        other => Err(FileProblem::Npy(match other.len() {
            0 => "it has no dimension, and a length for each series is wanted",
            _ => "it has several dimensions, and a length for each series is wanted",
        })),
    }
}

#[cfg(test)]
mod tests;
