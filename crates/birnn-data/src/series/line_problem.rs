//! What can be wrong with a line of a `.ts` file.

use crate::escape::{first, quoted, shown};

/// What is wrong with a line of a `.ts` file, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum LineProblem {
    /// It is no text.
    #[error("is not UTF-8 text: save the file as UTF-8")]
    NotUtf8,
    /// It is longer than any series.
    #[error("is longer than the {most} bytes that a line may have")]
    TooLong {
        /// Bytes.
        most: usize,
    },
    /// The header has something else than tags and comments.
    #[error(
        "`{}` stands in the header of a `.ts` file, which has tags (`@...`), comments (`#...`) and, last of all, \
         a line `@data`", shown(.0)
    )]
    Stray(String),
    /// A tag stands twice.
    #[error("a second `{tag}`: a header has one")]
    Twice {
        /// The tag.
        tag: &'static str,
    },
    /// A tag that says whether has another value.
    #[error("`{tag}` is followed by `true` or `false`, and here by {}", quoted(.found))]
    Switch {
        /// The tag.
        tag: &'static str,
        /// What follows it.
        found: String,
    },
    /// A tag that says how many has another value.
    #[error("`{tag}` is followed by a whole number from 1, and here by {}", quoted(.found))]
    Number {
        /// The tag.
        tag: &'static str,
        /// What follows it.
        found: String,
    },
    /// `@data` is followed by something.
    #[error("`@data` stands alone, and the series on the lines below it; here follows `{}`", shown(.0))]
    Data(String),
    /// Nothing says whether there are classes.
    #[error(
        "the header has no `@classLabel` before its `@data`: `@classLabel true A B` names the classes, \
         `@classLabel false` says that there are none, and `@targetLabel true` that there is a number to predict"
    )]
    NoClassLabel,
    /// Several dimensions are called one.
    #[error("`@univariate true` and {0} dimensions (`@dimensions`): one of the two is wrong")]
    Univariate(usize),
    /// Series with a time for each value.
    #[error(
        "its series have timestamps, and steps are read as evenly spaced in time: write values alone, and \
         `@timestamps false`"
    )]
    Timestamps,
    /// A header that says both.
    #[error(
        "its series cannot have both a class (`@classLabel true`) and a number to predict (`@targetLabel true`)"
    )]
    TwoTargets,
    /// What is to be predicted is no number.
    #[error("its target `{}` is not a finite number", shown(.0))]
    Target(String),
    /// Two classes have one name.
    #[error("the class `{}` is named twice", shown(.0))]
    ClassTwice(String),
    /// There are more classes than labels.
    #[error("`{}` is one class more than the {most} that there may be", shown(.name))]
    Classes {
        /// The class.
        name: String,
        /// Classes.
        most: usize,
    },
    /// A series has no label.
    #[error("a series without its class: expected `:` and the class behind the values")]
    NoLabel,
    /// A series has a label that the header has not.
    #[error("its label `{}` is none of the classes of the header, {}", shown(.label), first(.classes))]
    Label {
        /// The label.
        label: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// A series has another number of dimensions.
    #[error(
        "has {found} dimensions{}, parted by `:`; expected {expected}, {}",
        if *.labelled { " before its class" } else { "" }, .by.text()
    )]
    Dimensions {
        /// Dimensions of this series.
        found: usize,
        /// Whether a label stands behind them.
        labelled: bool,
        /// Dimensions that it should have.
        expected: usize,
        /// Who says so.
        by: SaidBy,
    },
    /// The header says another number of dimensions than a net reads.
    #[error("the net reads series of {expected} values per step, this file says {found}")]
    Features {
        /// Dimensions of this file.
        found: usize,
        /// Those that are to be read.
        expected: usize,
    },
    /// A dimension has no values.
    #[error("a dimension without values: each series has at least one step")]
    NoValues,
    /// The dimensions of a series have unequal numbers of steps.
    #[error("its dimension {dimension} has {found} steps, and its first one {expected}: all have as many")]
    Steps {
        /// Which dimension, from 1.
        dimension: usize,
        /// Its steps.
        found: usize,
        /// Those of the first dimension.
        expected: usize,
    },
    /// A series has another length than the header says.
    #[error("has {found} steps; expected {expected}, {}", .by.text())]
    Length {
        /// Steps of this series.
        found: usize,
        /// Steps that it should have.
        expected: usize,
        /// Who says so.
        by: SaidBy,
    },
    /// A value is not a number.
    #[error("`{}` is not a number; a value is one, such as -1.5 or 2e-3, or `?` where it is missing", shown(.0))]
    NotANumber(String),
    /// A value is no finite number as an `f32`.
    #[error("`{}` is not finite in 32 bits; a value is less than 3.4e38, or `?` where it is missing", shown(.0))]
    NotFinite(String),
    /// There is no memory for the series so far.
    #[error("holds more values than there is memory for")]
    Memory,
}

/// Who says how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// A tag of the header.
    Header,
    /// The series before.
    First,
    /// Whoever reads.
    Reader,
}

impl SaidBy {
    fn text(self) -> &'static str {
        match self {
            SaidBy::Header => "as the header says",
            SaidBy::First => "as the first series has",
            SaidBy::Reader => "as are to be read",
        }
    }
}
