//! Where samples come from.

use std::path::PathBuf;

use super::arrays::NpzOptions;
use super::table::Table;
use crate::image::synthetic;
use crate::modality::SampleKind;
use crate::published::Published;
use crate::text::classified::TextOptions;
use crate::text::conll::ConllColumns;
use crate::text::conllu::ConlluTag;
use crate::{series, text};

/// Where samples come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Published files of images or series.
    Published(&'static Published),
    /// Digits drawn by code.
    Synthetic,
    /// Four files of the user's own images.
    Files(UserFiles),
    /// Series made by code.
    SyntheticSeries,
    /// Sentences made by code.
    SyntheticText,
    /// Files of the user's own samples, of other formats than IDX.
    Own(OwnFiles),
}

impl Source {
    /// Whether the samples are series of numbers.
    pub fn is_series(&self) -> bool {
        self.kind() == SampleKind::Series
    }

    /// Whether they are sentences.
    pub fn is_text(&self) -> bool {
        self.kind() == SampleKind::Text
    }

    /// Whether they are images.
    pub fn is_images(&self) -> bool {
        self.kind() == SampleKind::Images
    }

    /// Whether they are in files of the user's own.
    pub fn is_own(&self) -> bool {
        matches!(self, Source::Files(_) | Source::Own(_))
    }

    /// Whether each token has a line of its own, behind that of the token before.
    pub(crate) fn has_line_per_token(&self) -> bool {
        matches!(self, Source::Own(files) if matches!(files.format, OwnFormat::Conll(_)))
    }

    /// What several samples are called.
    pub fn noun(&self) -> &'static str {
        self.kind().noun()
    }

    /// What one sample is called.
    pub fn singular(&self) -> &'static str {
        self.kind().singular()
    }

    fn kind(&self) -> SampleKind {
        match self {
            Source::Published(published) if published.is_series() => SampleKind::Series,
            Source::Published(_) | Source::Synthetic | Source::Files(_) => SampleKind::Images,
            Source::SyntheticSeries => SampleKind::Series,
            Source::SyntheticText => SampleKind::Text,
            Source::Own(files) => files.format.kind(),
        }
    }

    /// Rows and columns of an image and the names of the classes, as far as they are known without reading a
    /// file.
    pub fn known(&self) -> Option<([usize; 2], Vec<String>)> {
        let classes = match self {
            Source::Published(published) => published.kind.class_names()?,
            Source::Synthetic => synthetic::classes(),
            Source::Files(_) | Source::SyntheticSeries | Source::SyntheticText | Source::Own(_) => {
                return None;
            }
        };
        // MNIST's shape is that of all its family.
        Some(([synthetic::SIDE; 2], classes))
    }

    /// The share of its samples that is for the test, where whoever published it left that open.
    pub(super) fn test_share(&self) -> Option<f64> {
        match self {
            Source::Published(published) => published.test_share(),
            _ => None,
        }
    }

    /// How many training samples there are, as far as it is known without reading a file.
    pub(super) fn samples(&self) -> Option<usize> {
        match self {
            Source::Published(published) => published.train,
            Source::Synthetic => Some(synthetic::TRAIN),
            Source::SyntheticSeries => Some(series::synthetic::TRAIN),
            Source::SyntheticText => Some(text::synthetic::TRAIN),
            Source::Files(_) | Source::Own(_) => None,
        }
    }
}

/// A user's own samples.
#[derive(Clone, Debug)]
pub struct OwnFiles {
    /// What the files are.
    pub format: OwnFormat,
    /// Those to train on.
    pub train: PathBuf,
    /// Those to test with; where there are none, a share of those to train on is taken for it.
    pub test: Option<PathBuf>,
    /// Those to judge by while training, where they have a file of their own.
    pub validation: Option<PathBuf>,
}

/// The formats of a user's own samples, IDX aside.
#[derive(Clone, Debug)]
pub enum OwnFormat {
    /// Series as the UCR and UEA archives have them.
    Ts,
    /// Rows and columns.
    Table(Table),
    /// Series as NumPy has them.
    Npz(NpzOptions),
    /// Pictures, in a folder for each class.
    Folder {
        /// Rows and columns of an image.
        shape: [usize; 2],
        /// The names of the classes, where they are said.
        classes: Option<Vec<String>>,
    },
    /// Sentences, a token on each line.
    Conll(ConllColumns),
    /// Sentences as Universal Dependencies have them.
    Conllu(ConlluTag),
    /// Sentences, one on each line.
    Lines(LabelFiles),
    /// Texts, each of a class.
    Texts(TextOptions),
}

/// The files with what is said of the sentences of others, line by line.
#[derive(Clone, Debug)]
pub struct LabelFiles {
    /// Of those to train on.
    pub train: PathBuf,
    /// Of those to test with, where they have a file of their own.
    pub test: Option<PathBuf>,
    /// Of those to judge by while training, where they have a file of their own.
    pub validation: Option<PathBuf>,
}

impl OwnFormat {
    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            OwnFormat::Ts => "ts",
            OwnFormat::Table(_) => "table",
            OwnFormat::Npz(_) => "npz",
            OwnFormat::Folder { .. } => "folder",
            OwnFormat::Conll(_) => "conll",
            OwnFormat::Conllu(_) => "conllu",
            OwnFormat::Lines(_) => "lines",
            OwnFormat::Texts(_) => "texts",
        }
    }

    /// The names of the classes, where the user says them.
    pub(crate) fn class_names(&self) -> Option<&[String]> {
        match self {
            OwnFormat::Ts
            | OwnFormat::Conll(_)
            | OwnFormat::Conllu(_)
            | OwnFormat::Lines(_)
            | OwnFormat::Texts(_) => None,
            OwnFormat::Table(table) => table.classes.as_deref(),
            OwnFormat::Npz(options) => options.classes.as_deref(),
            OwnFormat::Folder { classes, .. } => classes.as_deref(),
        }
    }

    /// What it holds.
    pub(crate) fn kind(&self) -> SampleKind {
        match self {
            OwnFormat::Table(table) if table.is_of_images() => SampleKind::Images,
            OwnFormat::Ts | OwnFormat::Npz(_) | OwnFormat::Table(_) => SampleKind::Series,
            OwnFormat::Folder { .. } => SampleKind::Images,
            OwnFormat::Conll(_) | OwnFormat::Conllu(_) | OwnFormat::Lines(_) | OwnFormat::Texts(_) => {
                SampleKind::Text
            }
        }
    }
}

/// A user's own images.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// The training images.
    pub train_images: PathBuf,
    /// Their labels.
    pub train_labels: PathBuf,
    /// The test images.
    pub test_images: PathBuf,
    /// Their labels.
    pub test_labels: PathBuf,
    /// The names of the classes.
    pub classes: Option<Vec<String>>,
}
