//! What can be wrong with data.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::name::shown;

/// Why there is no data to train on.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file is not what it should be.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting does not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A published data set is not on disk and could not be downloaded.
    #[error("{0}; or, where digits drawn by code will do, set `fallback = \"synthetic\"` under [data]")]
    Unobtainable(Box<Unobtainable>),
}

/// What was tried to have a published data set.
#[derive(Debug)]
pub struct Unobtainable {
    /// Its name in a config.
    pub dataset: String,
    /// The first file that is missing.
    pub file: String,
    /// The folders that were searched.
    pub searched: Vec<PathBuf>,
    /// The folders in each of them that were searched too.
    pub within: Vec<String>,
    /// Files there that have none of the names that were looked for, and look as if they were meant.
    pub alike: Vec<PathBuf>,
    /// Each address of a mirror with its answer.
    pub answers: Vec<(String, String)>,
    /// Each package with the answer of what was to fetch it.
    pub packages: Vec<(String, String)>,
    /// Whether downloading was ruled out.
    pub offline: bool,
    /// Whether there is a mirror or a package to download it from.
    pub published: bool,
}

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
        "not the pickle of images and labels that it should be: {what}, before byte {place}; nothing of it was run"
    )]
    Pickle {
        /// What is wrong.
        what: &'static str,
        /// Where, in its decompressed content.
        place: u64,
    },
    /// It is not an array of bytes in NumPy's format.
    #[error("not an array of bytes in NumPy's format: {0}")]
    Npy(&'static str),
    /// Images or labels of more bytes than there are in any such file.
    #[error("holds more than the {most} bytes that such a file may")]
    TooMuch {
        /// Bytes, decompressed.
        most: u64,
    },
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
        "some of the data's files are here under their names and `{name}` is not, or stands for two; name each with \
         --set data.train_images=PATH and so on"
    )]
    NotAll {
        /// The name of one that is missing.
        name: String,
    },
    /// A file that a setting names is not there.
    #[error(
        "no such file; say where it is now: --set {key}=PATH, or --data-dir with the folder that holds it under \
         this name"
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

impl fmt::Display for Unobtainable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Unobtainable { dataset, file, searched, within, alike, answers, packages, offline, published } =
            self;
        let listed = |paths: &[PathBuf]| {
            paths.iter().map(|path| shown(&path).to_string()).collect::<Vec<_>>().join(", ")
        };
        let (last, others) =
            within.split_last().map_or(("", String::new()), |(last, others)| (last, others.join(", ")));
        write!(
            f,
            "{dataset} can be neither found nor downloaded: no {file}[.gz] in {}, nor in {others} or {last} there; ",
            listed(searched)
        )?;
        if !alike.is_empty() {
            write!(f, "what is there and has another name: {}; ", listed(alike))?;
        }
        if !published {
            f.write_str("it comes as one archive, which is not downloaded: unpack it there")?;
        } else if *offline {
            f.write_str("offline, so no mirror and no package index was asked")?;
        } else {
            let joined = |answers: &[(String, String)]| {
                answers.iter().map(|(who, answer)| format!("{who}: {answer}")).collect::<Vec<_>>().join("; ")
            };
            let asked = [("mirrors", answers), ("packages", packages)];
            let asked = asked.iter().filter(|(_, answers)| !answers.is_empty());
            let asked: Vec<String> =
                asked.map(|(who, answers)| format!("{who}: {}", joined(answers))).collect();
            f.write_str(&asked.join("; "))?;
        }
        f.write_str(
            "; put the files into one of these folders, or name another with --data-dir or $BIRNN_DATA_DIR",
        )
    }
}
