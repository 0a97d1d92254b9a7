//! Where samples come from.

use std::path::PathBuf;

use super::arrays::NpzOptions;
use super::table::Table;
use crate::image::synthetic;
use crate::modality::SampleKind;
use crate::published::Published;
use crate::series;

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
    /// Files of the user's own samples, of other formats than IDX.
    Own(OwnFiles),
}

impl Source {
    /// Whether the samples are series of numbers, and not images.
    pub fn is_series(&self) -> bool {
        match self {
            Source::Published(published) => published.is_series(),
            Source::Synthetic | Source::Files(_) => false,
            Source::SyntheticSeries => true,
            Source::Own(files) => files.format.is_series(),
        }
    }

    /// Whether they are in files of the user's own.
    pub fn is_own(&self) -> bool {
        matches!(self, Source::Files(_) | Source::Own(_))
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
        if self.is_series() { SampleKind::Series } else { SampleKind::Images }
    }

    /// Rows and columns of an image and the names of the classes, as far as they are known without reading a
    /// file.
    pub fn known(&self) -> Option<([usize; 2], Vec<String>)> {
        let classes = match self {
            Source::Published(published) => published.kind.class_names()?,
            Source::Synthetic => synthetic::classes(),
            Source::Files(_) | Source::SyntheticSeries | Source::Own(_) => return None,
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
}

impl OwnFormat {
    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            OwnFormat::Ts => "ts",
            OwnFormat::Table(_) => "table",
            OwnFormat::Npz(_) => "npz",
            OwnFormat::Folder { .. } => "folder",
        }
    }

    /// The names of the classes, where the user says them.
    pub(crate) fn class_names(&self) -> Option<&[String]> {
        match self {
            OwnFormat::Ts => None,
            OwnFormat::Table(table) => table.classes.as_deref(),
            OwnFormat::Npz(options) => options.classes.as_deref(),
            OwnFormat::Folder { classes, .. } => classes.as_deref(),
        }
    }

    /// Whether it holds series of numbers, and not images.
    pub fn is_series(&self) -> bool {
        match self {
            OwnFormat::Ts | OwnFormat::Npz(_) => true,
            OwnFormat::Table(table) => !table.is_of_images(),
            OwnFormat::Folder { .. } => false,
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
