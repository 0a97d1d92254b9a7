//! What can be wrong with folders of pictures.

use crate::escape;
use crate::image::picture::EXTENSIONS;

/// What is wrong with a folder that has a folder of pictures for each class.
#[derive(Debug, thiserror::Error)]
pub enum FolderProblem {
    /// There are no folders in it.
    #[error("has no folders in it: expected one for each class, with its pictures")]
    NoClasses,
    /// The folder of a class has no pictures.
    #[error(
        "a class without pictures (*.{}); it is a class because it is a folder among those of the classes{}",
        EXTENSIONS.join(", *."),
        .other.as_ref().map(|other| format!(", and has {}", escape::short(other, 40))).unwrap_or_default()
    )]
    NoPictures {
        /// The name of a file in it that is none.
        other: Option<String>,
    },
    /// There is a single class.
    #[error("all its pictures are of the class `{}`: there is nothing to tell apart", escape::short(.0, 40))]
    OneClass(String),
    /// A class that is none of those that were named, or that are trained on.
    #[error("its folder `{}` is none of the classes: {classes}", escape::short(.class, 40))]
    Class {
        /// The class.
        class: String,
        /// Those that there are, the first of them.
        classes: String,
    },
    /// There are more classes than labels.
    #[error("`{}` is one class more than the {most} that there may be", escape::short(.class, 40))]
    Classes {
        /// The class.
        class: String,
        /// Classes.
        most: usize,
    },
    /// A picture that cannot be read.
    #[error("{0}")]
    Picture(String),
}
