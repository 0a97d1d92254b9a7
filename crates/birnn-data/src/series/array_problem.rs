//! What can be wrong with the arrays of a `.npz` file.

use crate::escape::{first, quoted, shown};

/// What is wrong with the arrays of a `.npz` file, or with how they fit together.
#[derive(Debug, thiserror::Error)]
pub enum ArrayProblem {
    /// There is none of this name.
    #[error("has no array `{}`, and {}; `arrays` under [data] names them", shown(.name), listed(.there))]
    Missing {
        /// The name.
        name: String,
        /// The arrays that there are.
        there: Vec<String>,
    },
    /// The array of series has other dimensions.
    #[error(
        "`{}` has the shape {shape}; expected [series, steps, features] or [series, steps], or, with the lengths of \
         the series in an array `{}`, [steps of all, features]", shown(.x), shown(.lengths)
    )]
    Series {
        /// The array of series.
        x: String,
        /// Its shape.
        shape: String,
        /// The array of lengths.
        lengths: String,
    },
    /// An array has not one element, or not so many, for each series or step.
    #[error("`{}` has the shape {shape}, and `{}` is of {expected}", shown(.name), shown(.x))]
    Shape {
        /// The array.
        name: String,
        /// Its shape.
        shape: String,
        /// The array of series.
        x: String,
        /// How many series or steps that has.
        expected: String,
    },
    /// A length that no series of the file can have.
    #[error("`{}` at index {index} is no number of steps from 1 to {most}", shown(.name))]
    Length {
        /// The array of lengths.
        name: String,
        /// Which of them, from 0.
        index: usize,
        /// The most that it can be.
        most: usize,
    },
    /// The lengths come to more or fewer steps than there are.
    #[error("`{}` comes to {sum} steps, and `{}` has {steps}", shown(.name), shown(.x))]
    Sum {
        /// The array of lengths.
        name: String,
        /// Their sum.
        sum: usize,
        /// The array of series.
        x: String,
        /// The steps that it has.
        steps: usize,
    },
    /// The series have another number of features than a net reads.
    #[error("the net reads series of {expected} values per step, `{}` has {found}", shown(.x))]
    Features {
        /// The array of series.
        x: String,
        /// Values per step in this file.
        found: usize,
        /// Those that are to be read.
        expected: usize,
    },
    /// Text where numbers are wanted.
    #[error("`{}` is of text; expected numbers", shown(.0))]
    Text(String),
    /// A value is no finite number as an `f32`.
    #[error(
        "series {series}: the value at step {step} of feature {feature} is not finite in 32 bits; a value is less \
         than 3.4e38, or NaN where it is missing"
    )]
    NotFinite {
        /// Which series, from 1.
        series: usize,
        /// Which step, from 1.
        step: usize,
        /// Which feature, from 1.
        feature: usize,
    },
    /// What is to be predicted is no number.
    #[error("`{}` of series {series} is not a finite number", shown(.name))]
    Target {
        /// The array of targets.
        name: String,
        /// Which series, from 1.
        series: usize,
    },
    /// A label that is none of the classes that were named, or nothing.
    #[error(
        "`{}` of series {series} is {}; expected {}", shown(.name), quoted(.label),
        if .classes.is_empty() { "a class".to_owned() } else { format!("one of the classes {}", first(.classes)) }
    )]
    Label {
        /// The array of labels.
        name: String,
        /// Which series, from 1.
        series: usize,
        /// The label.
        label: String,
        /// The classes that were named.
        classes: Vec<String>,
    },
    /// What a series is called, or its group, is missing.
    #[error("`{}` of series {series} is missing, and each series has one", shown(.name))]
    Name {
        /// The array of names.
        name: String,
        /// Which series, from 1.
        series: usize,
    },
    /// There are more classes than labels.
    #[error(
        "`{}` of series {series} is `{}`, one class more than the {most} that there may be", shown(.name), shown(.label)
    )]
    Classes {
        /// The array of labels.
        name: String,
        /// Which series, from 1.
        series: usize,
        /// The label.
        label: String,
        /// Classes.
        most: usize,
    },
    /// There are more labels or names that differ than there may be.
    #[error(
        "its labels or names have more than {most} values; numbers are learned by `kind = \"regress\"` under [task]"
    )]
    Differing {
        /// How many there may be.
        most: u32,
    },
    /// There is no memory for its values.
    #[error("holds more values than there is memory for")]
    Memory,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "holds none".to_owned();
    }
    format!("holds {}", first(names))
}
