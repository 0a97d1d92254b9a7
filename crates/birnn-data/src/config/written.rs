//! What a user writes under `[data]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arrays::Arrays;
use super::parts::{Portion, SplitBy, Window};
use super::table::{Columns, Layout};
use crate::dataset::Dataset;
use crate::image::augment::AugmentConfig;
use crate::image::images::Images;
use crate::image::preprocessing::Framing;
use crate::series::missing::Missing;
use crate::split::MOST_CLASSES;
use crate::text::classified::Unit;
use crate::text::conll::ConllColumns;
use crate::text::conllu::ConlluTag;
use crate::text::encoding::Encoding;
use crate::text::scheme::Scheme;
use crate::text::vocabulary::NormalForm;

/// The `[data]` table as written. [`DataConfig::resolve`] checks it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Which images, series or texts.
    pub dataset: Dataset,
    /// What to train on when the data set can be neither found nor downloaded.
    pub fallback: Fallback,
    /// Training samples kept back to judge by: so many, or a share of them.
    pub validation: Portion,
    /// By what it is decided which samples are kept back, and which are for the test.
    #[serde(skip_serializing_if = "SplitBy::is_default")]
    pub split: SplitBy,
    /// Only the first so many training samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<usize>,
    /// Of images: whether light and dark are exchanged in all of them as they are read.
    #[serde(skip_serializing_if = "is_false")]
    pub invert: bool,
    /// Of images: whether rows and columns are exchanged as they are read; where absent, as the data set
    /// needs it to be upright: EMNIST's are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<bool>,
    /// Of images: how they are framed, and so a picture that the net is to name; where absent, as is known of
    /// the data set, or as the training images show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
    /// Of images: how far those to train on are varied each time they are seen.
    #[serde(skip_serializing_if = "AugmentConfig::is_off")]
    pub augment: AugmentConfig,
    /// `idx`: the file with the training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_images: Option<PathBuf>,
    /// `idx`: the file with their labels. `lines`: the file with the tags, or the classes, of the sentences
    /// of `train`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_labels: Option<PathBuf>,
    /// `idx`: the file with the test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_images: Option<PathBuf>,
    /// `idx`: the file with their labels. `lines`: the file with the tags, or the classes, of the sentences
    /// of `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<PathBuf>,
    /// `idx`, `table`, `npz`, `folder`: the names of the classes; where absent, of `idx` numbers, else those
    /// that are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = MOST_CLASSES), extend("uniqueItems" = true))]
    pub classes: Option<Vec<String>>,
    /// `ts`, `table`, `npz`, `folder`, text: the file, or the folder, with the training samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<PathBuf>,
    /// `ts`, `table`, `npz`, `folder`, text: the file, or the folder, with the test samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Of text: the file with the sentences to judge by while training, where they are no part of the
    /// training file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_file: Option<PathBuf>,
    /// `lines`: the file with the tags, or the classes, of the sentences of `validation_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_labels: Option<PathBuf>,
    /// Of text: in which encoding the files are, by a name of the WHATWG's standard.
    #[serde(skip_serializing_if = "Encoding::is_utf_8")]
    #[schemars(extend("default" = "utf-8"))]
    pub encoding: Encoding,
    /// `conll`: which columns are what, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<ConllColumns>,
    /// `conllu`: which column has the tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "upos"))]
    pub tags: Option<ConlluTag>,
    /// `texts`: the key of JSON, or the column of a table, with the texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "text"))]
    pub text: Option<String>,
    /// `texts`: the key of JSON, or the column of a table, with their classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "label"))]
    pub label: Option<String>,
    /// `texts`: what the tokens of a text are: its words, these and its punctuation, or its characters.
    #[serde(skip_serializing_if = "is_of_words")]
    pub unit: Unit,
    /// Of text: the scheme of the files' tags, where it is another than the task's `scheme`; they are
    /// rewritten as they are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Of text: whether tags that their scheme does not allow one after the other are read as `conlleval`
    /// reads them; where absent, they are an error.
    #[serde(skip_serializing_if = "is_false")]
    pub repair_tags: bool,
    /// Of text: the Unicode normal form that words are brought to; as they are written where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal_form: Option<NormalForm>,
    /// Of text: whether the net takes capital and small letters of words for the same. Their characters stay
    /// apart.
    #[serde(skip_serializing_if = "is_false")]
    pub lowercase: bool,
    /// Of text: whether the net takes all digits of words for the same. Their characters stay apart.
    #[serde(skip_serializing_if = "is_false")]
    pub merge_digits: bool,
    /// Of text: how often a word comes in the training sentences for the net to know it; once where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("default" = 1))]
    pub min_count: Option<usize>,
    /// Of text: a file of words' vectors to begin with, as GloVe, word2vec and fastText have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vectors: Option<PathBuf>,
    /// Of text: how many of the first words of that file the net knows beside those of the training
    /// sentences; where absent, 100000 if the vectors stay as they are (`freeze` under `[model.embedding]`),
    /// else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_words: Option<usize>,
    /// `ts`, `table`, `npz`, `folder`, text: the share of the training file's samples that is for the test,
    /// where no file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub test_share: Option<f64>,
    /// `table`: what a row is, a step or a whole series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "long"))]
    pub layout: Option<Layout>,
    /// `table`: the column that says of which series a row is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `table`: the column by which the rows of a series are ordered; as they come where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `table`: the columns that the net reads; all that are nothing else where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub features: Option<Vec<String>>,
    /// `table`: the column with what is to be learned, or several of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Columns>,
    /// `table`: the column that says of which group a series is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `table`, `texts`: what parts the cells of a text; a comma where absent, or a tab in files that end so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1), extend("default" = ","))]
    pub delimiter: Option<String>,
    /// `table`: lines before the header of a text.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip_lines: usize,
    /// `npz`: what its arrays are called.
    #[serde(skip_serializing_if = "is_default")]
    pub arrays: Arrays,
    /// `table`: rows and columns of the image that a row of a wide table is. `folder`: those that pictures
    /// are brought to; where absent, 28 of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(min = 1)))]
    pub shape: Option<[usize; 2]>,
    /// Of series: cut each into parts of so many steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Of series: whether each feature is read less its mean, in standard deviations, both those of the
    /// training series; they are where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standardise: Option<bool>,
    /// Of series: what is read where a value is missing; where it is absent such are refused, but task
    /// `infill` reads them from the values around (`interpolate`), and task `next` from those before
    /// (`past`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "refuse"))]
    pub missing: Option<Missing>,
    /// Of series: whether the net also reads which values are missing, as a further feature for each; where
    /// it is absent task `infill` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub missing_mask: Option<bool>,
}

/// What may stand in for a published data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Nothing: it is an error.
    #[default]
    None,
    /// Digits drawn by code.
    Synthetic,
}

pub(super) fn is_default(arrays: &Arrays) -> bool {
    *arrays == Arrays::default()
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_of_words(unit: &Unit) -> bool {
    *unit == Unit::Words
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl DataConfig {
    /// Whether the samples are series, and not images.
    pub fn is_series(&self) -> bool {
        self.dataset.is_series() && self.shape.is_none()
    }

    /// Without files of the user's own, and what is said of them alone.
    pub fn without_files(self) -> DataConfig {
        DataConfig {
            train_images: None,
            train_labels: None,
            test_images: None,
            test_labels: None,
            classes: None,
            train: None,
            test: None,
            test_share: None,
            layout: None,
            id: None,
            time: None,
            features: None,
            target: None,
            group: None,
            delimiter: None,
            skip_lines: 0,
            arrays: Arrays::default(),
            shape: None,
            validation_file: None,
            validation_labels: None,
            encoding: Encoding::UTF_8,
            columns: None,
            tags: None,
            text: None,
            label: None,
            unit: Unit::default(),
            scheme: None,
            repair_tags: false,
            vectors: None,
            vector_words: None,
            ..self
        }
    }

    /// Images of files as the data is read, upright or inverted as this asks.
    pub fn as_read(&self, mut images: Images) -> Images {
        if self.invert {
            images.invert();
        }
        if self.transpose.unwrap_or(false) { images.transpose() } else { images }
    }
}
