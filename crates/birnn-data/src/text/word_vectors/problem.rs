//! What can be wrong with a file of words' vectors.

use crate::escape;

/// What is wrong with a file of words' vectors, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum VectorProblem {
    /// It begins as something else.
    #[error(
        "does not begin with a vector: wanted are files of GloVe or word2vec, or fastText's .vec: a word on each line and \
         the numbers of its vector behind it, parted by spaces, or word2vec's binary form"
    )]
    NotVectors,
    /// It is fastText's whole model.
    #[error(
        "is a whole model of fastText: name the file of the vectors that comes with it, which ends in .vec"
    )]
    FastTextModel,
    /// The net has vectors of another width.
    #[error(
        "its vectors have {found} values, and `width` under [model.embedding] is {expected}: set it to {found}"
    )]
    Width {
        /// Values of a vector in it.
        found: usize,
        /// Of the net's.
        expected: usize,
    },
    /// A line has fewer or more numbers than the others.
    #[error("line {line}: has {found} numbers behind its word, and a vector has {expected}")]
    Count {
        /// Which line, from 1.
        line: usize,
        /// Numbers behind its word.
        found: usize,
        /// Values of a vector.
        expected: usize,
    },
    /// Something else stands where a number should.
    #[error("line {line}: `{}` is not a number that a vector can have", escape::short(.text, 40))]
    NotANumber {
        /// Which line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A value of a binary file is none.
    #[error("its vector {index} has a value that is not a number")]
    NotFinite {
        /// Which one, from 1.
        index: usize,
    },
    /// It ends too soon.
    #[error("its first line promises {expected} vectors, and it ends after {found}: it was cut short")]
    Ends {
        /// Vectors that its first line promises.
        expected: usize,
        /// Those that there are.
        found: usize,
    },
    /// A word, or a line, that is longer than any.
    #[error("has more than {most} bytes between two spaces or lines, where a word's vector should be")]
    TooLong {
        /// Bytes.
        most: usize,
    },
    /// It has other words.
    #[error(
        "has a vector for none of the {words} words of the training sentences: is it of their language? `lowercase = true` \
         under [data] takes capital and small letters for the same"
    )]
    None {
        /// Words of the training sentences.
        words: usize,
    },
}
