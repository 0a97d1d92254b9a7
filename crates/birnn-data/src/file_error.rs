//! What can be wrong with a file.

use std::path::{Path, PathBuf};

use crate::name::shown;
use crate::series::line_problem::LineProblem;
use crate::series::missing::MissingValue;

/// A file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(.path))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The system cannot read or write it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is compressed, and its compression is damaged or goes on with something else.
    #[error("its gzip compression is damaged: {0}")]
    Gzip(std::io::Error),
    /// It is not an IDX file of bytes, or holds the other kind of thing.
    #[error("not an IDX file of {wanted}: it starts with {found:#010x}, expected {expected:#010x}")]
    Magic {
        /// Images or labels.
        wanted: &'static str,
        /// The first four bytes of such a file.
        expected: u32,
        /// The first four bytes of this one.
        found: u32,
    },
    /// It holds nothing.
    #[error("its header promises {0}, which is nothing")]
    Empty(String),
    /// Its header promises more than any such file holds, or than this one can.
    #[error("its header promises {promised}, more than {reason}")]
    TooLarge {
        /// The dimensions.
        promised: String,
        /// What it was held against.
        reason: String,
    },
    /// It ends too soon.
    #[error("ends after {found} of the {expected} bytes that its header promises")]
    Truncated {
        /// Bytes promised, header included.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// It goes on too long.
    #[error("goes on after the {expected} bytes that its header promises")]
    Trailing {
        /// Bytes promised, header included.
        expected: u64,
    },
    /// It is no zip archive, or not one with this content.
    #[error("a zip archive that is damaged, cut short, or none: {0}")]
    Zip(String),
    /// It is an archive that lacks something.
    #[error("has no entry `{0}`")]
    NoEntry(String),
    /// An entry of an archive cannot be used.
    #[error("its entry `{entry}`: {problem}")]
    Entry {
        /// Its name.
        entry: String,
        /// What is wrong with it.
        problem: Box<FileProblem>,
    },
    /// An entry of an archive that unpacks to something else than the archive says, or in another way.
    #[error("{0}")]
    Unpacked(String),
    /// It is not a pickle that holds images and labels and nothing else.
    #[error(
        "not the pickle of images and labels that it should be: {what}, before byte {offset}; \
         nothing of it was run"
    )]
    Pickle {
        /// What is wrong.
        what: &'static str,
        /// Where, in its decompressed content.
        offset: u64,
    },
    /// It is not an array of bytes in NumPy's format.
    #[error("not an array of bytes in NumPy's format: {0}")]
    Npy(&'static str),
    /// It holds more bytes than there are in any such file.
    #[error("holds more than the {most} bytes that such a file may")]
    TooMuch {
        /// Bytes, decompressed.
        most: u64,
    },
    /// A line of text is not what it should be.
    #[error("line {line}, column {column}: {problem}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// Which character of it, from 1.
        column: usize,
        /// What is wrong there.
        problem: LineProblem,
    },
    /// It is text that ends too soon.
    #[error("ends before {0}")]
    Ends(&'static str),
    /// One file that holds all of a data set holds another one.
    #[error(
        "not the published images and labels: what it holds as {part} has the SHA-256 {found}, expected \
         {expected}; it was altered or damaged"
    )]
    Content {
        /// The published file with the same content.
        part: &'static str,
        /// Published, in hexadecimal.
        expected: String,
        /// Of what is in this file.
        found: String,
    },
    /// Its content is not the published one.
    #[error("not the published file: its SHA-256 is {found}, expected {expected}; it was altered or damaged")]
    Digest {
        /// Published, in hexadecimal.
        expected: String,
        /// Of this file.
        found: String,
    },
    /// It is a published file with something wrong.
    #[error("{0}; deleting it lets it be downloaded again")]
    Replaceable(Box<FileProblem>),
    /// It has not one label per image.
    #[error("holds {labels} labels for the {images} images of {}", shown(.of))]
    Count {
        /// Labels in this file.
        labels: usize,
        /// Images in the other.
        images: usize,
        /// The file with the images.
        of: PathBuf,
    },
    /// A label has no class.
    #[error("the label at index {index} is {label}, and there are {classes} classes, counted from {first}")]
    Label {
        /// Which label, from 0.
        index: usize,
        /// Its value.
        label: u8,
        /// Classes there are.
        classes: usize,
        /// The label of the first.
        first: u8,
    },
    /// Test series with more or fewer features than the training series.
    #[error("its series have {found} values per step, those of {} have {expected}", shown(.of))]
    Features {
        /// Values per step in this file.
        found: usize,
        /// In the other.
        expected: usize,
        /// The file with the training series.
        of: PathBuf,
    },
    /// A value that is missing where none may be.
    #[error(
        "line {line}: {value}; `missing` under [data] says what is read there: \"mean\", \"last\" or \
         \"interpolate\""
    )]
    MissingValue {
        /// The line of the series, from 1.
        line: usize,
        /// Which one.
        value: MissingValue,
    },
    /// Series without labels, where there is to be one for each.
    #[error("has no labels: its header says `@classLabel false`, or nothing of classes")]
    Unlabelled,
    /// Training series of a single class.
    #[error("all its series are of the class `{}`: there is nothing to tell apart", .0.escape_debug())]
    OneClass(String),
    /// A test series of a class that no training series can be of.
    #[error("line {line}: the class `{}` is none of the training file's: {classes}", class.escape_debug())]
    UnknownClass {
        /// The line of the series, from 1.
        line: usize,
        /// Its class.
        class: String,
        /// Those of the training file, the first of them.
        classes: String,
    },
    /// Images that a data set of this name has not.
    #[error("its images have {found} pixels, and those of the data set {expected}")]
    Size {
        /// Rows and columns of its images.
        found: String,
        /// Those that they should have.
        expected: String,
    },
    /// A folder that the user named.
    #[error("there is no such folder")]
    NoFolder,
    /// A folder, named for the user's own files, with some of them.
    #[error(
        "some of the data's files are here under their names and `{name}` is not, or stands for two; \
         name each with --set data.train_images=PATH and so on"
    )]
    NotAll {
        /// The name of one that is missing.
        name: String,
    },
    /// A file that a setting names is not there.
    #[error(
        "no such file; say where it is now: --set {key}=PATH, or --data-dir with the folder that \
         holds it under this name"
    )]
    Missing {
        /// The setting, such as `data.train_images`.
        key: String,
    },
    /// Test images of another size than the training images.
    #[error("its images have {found}, those of {} have {expected}", shown(.of))]
    Shape {
        /// Size of its images.
        found: String,
        /// Size of the others.
        expected: String,
        /// The file with the training images.
        of: PathBuf,
    },
}

impl FileProblem {
    pub(crate) fn at(self, path: &Path) -> FileError {
        FileError { path: path.to_owned(), problem: self }
    }
}

impl FileError {
    /// For `map_err`: joins what the system said with the file it is about.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
        move |error| FileProblem::Io(error).at(path)
    }
}
