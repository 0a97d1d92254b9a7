//! Arrays in NumPy's format: a header, which is a line of Python, and the elements one after the other.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
//!
//! Of the header one spelling is read, NumPy's own. What it promises takes no memory, and nothing is run: an
//! array of Python's objects is a pickle, and refused.

use std::io::Read;

use crate::file_error::FileProblem;

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy fills its own up to 128 bytes.
const LONGEST_HEADER: usize = 1024;
/// Bytes of elements that are read at a time, at least.
const CHUNK: usize = 1 << 16;
/// Bytes of an element: names are shorter.
const LONGEST_ELEMENT: usize = 4096;
pub(super) const OTHER_LENGTH: FileProblem =
    FileProblem::Npy("it has more or fewer bytes than its header tells");

/// What the header of an array tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    /// Whether the first index changes fastest.
    fortran: bool,
    pub(crate) shape: Vec<usize>,
}

/// What an array is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    kind: Kind,
    /// Bytes.
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// Bytes, filled up with zeros.
    Bytes,
    /// Code points of 4 bytes, filled up with zeros.
    Text,
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Integer(i128),
    Float(f64),
    Text(String),
}

impl Item {
    /// As a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match *self {
            Item::Integer(number) => Some(number as f64),
            Item::Float(number) => Some(number),
            Item::Text(_) => None,
        }
    }

    /// As the name of a class or of a series.
    pub(crate) fn text(self) -> String {
        match self {
            Item::Integer(number) => number.to_string(),
            Item::Float(number) => number.to_string(),
            Item::Text(text) => text,
        }
    }
}

impl Element {
    fn parse(text: &str) -> Result<Element, FileProblem> {
        let other = || FileProblem::Elements(text.to_owned());
        let (order, rest) = text.split_at_checked(1).ok_or_else(other)?;
        let big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return Err(other()),
        };
        let (kind, count) = rest.split_at_checked(1).ok_or_else(other)?;
        let count: usize = count.parse().map_err(|_| other())?;
        let (kind, size) = match (kind, count) {
            ("b", 1) => (Kind::Bool, 1),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, count),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, count),
            ("f", 4 | 8) => (Kind::Float, count),
            ("S", 1..=LONGEST_ELEMENT) => (Kind::Bytes, count),
            ("U", 1..=LONGEST_ELEMENT) => (Kind::Text, 4 * count),
            _ => return Err(other()),
        };
        Ok(Element { kind, size, big_endian })
    }

    /// Whether its items are text.
    pub(crate) fn is_text(self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Text)
    }

    fn item(self, bytes: &[u8]) -> Result<Item, FileProblem> {
        let word = |bytes: &[u8]| {
            let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
        };
        Ok(match self.kind {
            Kind::Bool => Item::Integer(i128::from(bytes[0] != 0)),
            Kind::Unsigned => Item::Integer(word(bytes).into()),
            Kind::Signed => {
                let unused = 64 - 8 * self.size as u32;
                Item::Integer(i128::from((word(bytes) << unused).cast_signed() >> unused))
            }
            Kind::Float if self.size == 4 => Item::Float(f32::from_bits(word(bytes) as u32).into()),
            Kind::Float => Item::Float(f64::from_bits(word(bytes))),
            Kind::Bytes => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                let text = String::from_utf8(bytes[..end].to_vec());
                Item::Text(text.map_err(|_| FileProblem::Npy("it holds bytes that are no UTF-8 text"))?)
            }
            Kind::Text => {
                let points = || bytes.chunks_exact(4).map(word);
                let end = points().count() - points().rev().take_while(|&point| point == 0).count();
                let text: Option<String> =
                    points().take(end).map(|point| char::from_u32(point as u32)).collect();
                Item::Text(text.ok_or(FileProblem::Npy("it holds text that is no Unicode"))?)
            }
        })
    }
}

impl Header {
    /// Reads the header of an array, and leaves `source` where its elements begin.
    pub(crate) fn read(source: &mut dyn Read) -> Result<Header, FileProblem> {
        let start = exactly(source, MAGIC.len() + 2)?;
        let bytes = match start.strip_prefix(MAGIC) {
            Some([1, 0]) => 2,
            Some([2 | 3, 0]) => 4,
            _ => return Err(FileProblem::Npy("it does not start as one")),
        };
        let length = exactly(source, bytes)?.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        if length > LONGEST_HEADER {
            return Err(FileProblem::Npy("its header is longer than any"));
        }
        let line = exactly(source, length)?;
        let text: String =
            line.iter().map(|&byte| char::from(byte)).filter(|c| !c.is_ascii_whitespace()).collect();
        let (element, fortran, shape) =
            parts(&text).ok_or(FileProblem::Npy("its header tells of another kind of array"))?;
        Ok(Header { element: Element::parse(element)?, fortran, shape })
    }

    /// Whether it is of bytes in C's order, and of so many dimensions.
    pub(super) fn is_bytes(&self, rank: usize) -> bool {
        (self.element.kind, self.element.size) == (Kind::Unsigned, 1)
            && self.shape.len() == rank
            && !self.fortran
    }

    /// How many elements it promises; `None` of more than can be counted.
    pub(crate) fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))
    }

    /// Gives `take` each of the elements, in the order of the file.
    pub(crate) fn each(
        &self,
        source: &mut dyn Read,
        mut take: impl FnMut(Item) -> Result<(), FileProblem>,
    ) -> Result<(), FileProblem> {
        let size = self.element.size;
        let bytes = self.count().and_then(|count| count.checked_mul(size));
        let mut left = bytes.ok_or(FileProblem::Npy("its header promises more than any array holds"))?;
        let mut chunk = vec![0; size * CHUNK.div_ceil(size)];
        while left > 0 {
            let part = left.min(chunk.len());
            source.read_exact(&mut chunk[..part]).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => OTHER_LENGTH,
                _ => FileProblem::Io(error),
            })?;
            for bytes in chunk[..part].chunks_exact(size) {
                take(self.element.item(bytes)?)?;
            }
            left -= part;
        }
        match source.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(OTHER_LENGTH),
        }
    }

    /// What there is of each element, in the order of the file, in C's order: the last index changes fastest.
    ///
    /// # Panics
    ///
    /// Where it is not as many as there are elements.
    pub(crate) fn in_c_order<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        assert_eq!(Some(values.len()), self.count());
        if !self.fortran || self.shape.len() < 2 {
            return values;
        }
        let place = |mut index: usize| {
            // The index along each dimension, from the last on, times how far its elements lie apart.
            let mut apart = values.len();
            self.shape.iter().rev().fold(0, |place, &size| {
                apart /= size;
                let along = index % size;
                index /= size;
                place + along * apart
            })
        };
        (0..values.len()).map(|index| values[place(index)]).collect()
    }
}

/// What an array is made of, whether it is in Fortran's order, and its sizes.
fn parts(header: &str) -> Option<(&str, bool, Vec<usize>)> {
    let (element, rest) = header.strip_prefix("{'descr':'")?.split_once('\'')?;
    let rest = rest.strip_prefix(",'fortran_order':")?;
    let (fortran, sizes) = match rest.strip_prefix("True") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("False")?),
    };
    let sizes = sizes.strip_prefix(",'shape':(")?;
    let sizes = sizes.strip_suffix("),}").or_else(|| sizes.strip_suffix(")}"))?;
    let sizes = sizes.strip_suffix(',').unwrap_or(sizes);
    let sizes = match sizes {
        "" => Some(Vec::new()),
        _ => sizes.split(',').map(|size| size.parse().ok()).collect(),
    };
    Some((element, fortran, sizes?))
}

/// So many bytes.
fn exactly(source: &mut dyn Read, count: usize) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::new();
    source.take(count as u64).read_to_end(&mut bytes)?;
    match bytes.len() == count {
        true => Ok(bytes),
        false => Err(FileProblem::Npy("it ends within its header")),
    }
}
