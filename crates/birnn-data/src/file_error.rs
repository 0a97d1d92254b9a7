//! What can be wrong with a file.

use std::path::{Path, PathBuf};

use crate::escape;
use crate::image::folder_problem::FolderProblem;
use crate::name::shown;
use crate::series::array_problem::ArrayProblem;
use crate::series::line_problem::LineProblem;
use crate::series::missing::MissingValue;
use crate::table::problem::TableProblem;
use crate::targets::{Per, TargetKind, Wanted};
use crate::text::problem::TextProblem;
use crate::text::word_vectors::VectorProblem;

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
    #[error("not an IDX file of {wanted}: it starts with {}, expected {}", idx(*.found), idx(*.expected))]
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
    /// It is not an array in NumPy's format, or not one of the kind that is wanted.
    #[error("not an array in NumPy's format that can be read: {0}")]
    Npy(&'static str),
    /// It is an array of something else than numbers and names.
    #[error(
        "its elements are of NumPy's type `{}`; expected numbers (f4, f8, i1 to i8, u1 to u8, b1) or text (U, S); \
         Python's objects (O) would have to be run: convert with `.astype(...)` before saving", escape::short(.0, 40)
    )]
    Elements(String),
    /// It is a folder of pictures that cannot be trained on, or one of its pictures.
    #[error(transparent)]
    Folder(#[from] FolderProblem),
    /// It holds arrays of series that do not fit together, or not all that are wanted.
    #[error(transparent)]
    Arrays(#[from] ArrayProblem),
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
    /// A line of sentences or texts is not what it should be.
    #[error("line {line}: {problem}")]
    Text {
        /// Which line, from 1.
        line: usize,
        /// What is wrong there.
        problem: TextProblem,
    },
    /// It holds no sentences or texts that could be read.
    #[error(transparent)]
    Texts(TextProblem),
    /// It holds no vectors of words that could be read.
    #[error(transparent)]
    Vectors(#[from] VectorProblem),
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
    #[error(
        "the label at index {index} is {label}, and there are {classes} classes, counted from {first}: those of the training labels, or of `classes` under [data], which can name more"
    )]
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
        "{unit} {line}: {value}; `missing` under [data] says what is read there: \"mean\", \"last\", \
         \"past\" or \"interpolate\""
    )]
    MissingValue {
        /// `line`, or what there is in its place.
        unit: &'static str,
        /// That of the series, from 1.
        line: usize,
        /// Which one.
        value: MissingValue,
    },
    /// It is no table, or not the one that was described.
    #[error(transparent)]
    Table(Box<TableProblem>),
    /// Series without anything to be answered with.
    #[error(
        "has no labels, and no numbers to predict: of a .ts file its header names them (`@classLabel`, `@targetLabel`), \
         in a .npz file they are the array `y` (`arrays` under [data])"
    )]
    Unanswered,
    /// Targets that are not what is to be learned.
    #[error("has {found}, and `[task]` wants {wanted}: {}", way_out(*.found))]
    OtherTargets {
        /// What it has.
        found: Wanted,
        /// What is wanted.
        wanted: Wanted,
    },
    /// Test samples with more or fewer numbers to predict than the training samples.
    #[error("has {found} numbers to predict where the training file has {expected}")]
    TargetWidth {
        /// Numbers for each series, or for each step.
        found: usize,
        /// In the training file.
        expected: usize,
    },
    /// Training samples of a single class.
    #[error("all its {what} are of the class `{}`: there is nothing to tell apart", .class.escape_debug())]
    OneClass {
        /// What several of them are called.
        what: &'static str,
        /// The class.
        class: String,
    },
    /// A test series of a class that no training series can be of.
    #[error("{unit} {line}: the class `{}` is none of the training file's: {classes}", class.escape_debug())]
    UnknownClass {
        /// `line`, or what there is in its place.
        unit: &'static str,
        /// That of the series, from 1.
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
         name it with --set data.{key}=PATH, and others that lie elsewhere by their settings"
    )]
    NotAll {
        /// The name of one that is missing.
        name: String,
        /// The setting that names it, such as `train_images`.
        key: &'static str,
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
    /// A folder, where a setting names a file.
    #[error(
        "is a folder, and `{key}` names a file; a folder of pictures is read with data.dataset = \"folder\""
    )]
    IsFolder {
        /// The setting.
        key: String,
    },
    /// A file, where a setting names a folder of pictures.
    #[error("is a file, and `{key}` names a folder with one folder of pictures for each class")]
    IsFile {
        /// The setting.
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

/// What would learn such targets.
fn way_out(found: Wanted) -> &'static str {
    match (found.kind, found.per) {
        (TargetKind::Classes, Per::Sequence) => "`kind = \"classify\"` learns them",
        (TargetKind::Classes, Per::Step) => "`kind = \"tag\"` learns them",
        (TargetKind::Numbers, Per::Sequence) => "`kind = \"regress\"` learns them",
        (TargetKind::Numbers, Per::Step) => "`kind = \"regress\"` with `per = \"step\"` learns them",
        (TargetKind::Hidden, _) => "`kind = \"infill\"` learns them",
        (TargetKind::Next, _) => "`kind = \"next\"` learns them",
    }
}

/// The first four bytes of a file, and what IDX files that begin so hold.
fn idx(beginning: u32) -> String {
    let [0, 0, kind, rank @ 1..=u8::MAX] = beginning.to_be_bytes() else {
        return format!("{beginning:#010x}");
    };
    let values = match kind {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => return format!("{beginning:#010x}"),
    };
    format!("{beginning:#010x} ({values} in {rank} dimension{})", if rank == 1 { "" } else { "s" })
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
