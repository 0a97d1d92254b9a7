//! What can be wrong with sentences and texts.

use std::path::PathBuf;

use crate::escape::{first, quoted, short, shown};
use crate::file_error::FileProblem;
use crate::name;
use crate::text::scheme::TagProblem;

/// What is wrong with a line of sentences or texts, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum TextProblem {
    /// It is no text.
    #[error(
        "is not UTF-8 text: save the file as UTF-8 (`iconv -f LATIN1 -t UTF-8` makes it of Latin-1) or, to train on it, \
         say what it is: `encoding = \"latin1\"` under [data]"
    )]
    NotUtf8,
    /// It begins as UTF-16 does.
    #[error(
        "is not UTF-8 text, but begins with the mark of UTF-16: save the file as UTF-8 (`iconv -f UTF-16 -t UTF-8`) or, \
         to train on it, say what it is: `encoding = \"utf-16\"` under [data]"
    )]
    Utf16,
    /// It is not in the encoding that it is said to be in.
    #[error("is not text in {encoding}, which `encoding` under [data] says that it is")]
    NotIn {
        /// The encoding.
        encoding: &'static str,
    },
    /// It is longer than any.
    #[error("is longer than the {most} bytes that a line may have")]
    TooLong {
        /// Bytes.
        most: usize,
    },
    /// A column that is asked for before the first.
    #[error(
        "columns are counted from 1: `columns = {{ token = 1, tag = 3 }}` under [data] names the first and the third"
    )]
    ColumnZero,
    /// It has fewer columns than are asked for.
    #[error(
        "has {found} column{}, and the {what} is read from column {column}; `columns` under [data] says which they are, \
         from 1: `{{ token = 1, tag = {} }}`, for example", if *.found == 1 { "" } else { "s" }, .found.max(&2)
    )]
    TooFew {
        /// Columns of the line.
        found: usize,
        /// Token or tag.
        what: &'static str,
        /// Where it should be, from 1.
        column: usize,
    },
    /// Its last column is the token, and the tag should be there.
    #[error(
        "has {found} column{}, and the token is the last of them: the tag is read from the last column, or from the \
         one that `columns = {{ token = 1, tag = 3 }}` under [data] names", if *.found == 1 { "" } else { "s" }
    )]
    NoTag {
        /// Columns of the line.
        found: usize,
    },
    /// It has other columns than another line.
    #[error(
        "has {found} column{}, and line {line} has {expected}: a line is one token, its columns are parted by tabs or, \
         in a line without one, by spaces, and an empty line ends a sentence", if *.found == 1 { "" } else { "s" }
    )]
    Columns {
        /// Columns of the line.
        found: usize,
        /// Columns of the other.
        expected: usize,
        /// The other one, from 1.
        line: usize,
    },
    /// A cell is empty.
    #[error("its column {column}, where the {what} is read, is empty")]
    Empty {
        /// Token or tag.
        what: &'static str,
        /// Which one, from 1.
        column: usize,
    },
    /// It is no line of CoNLL-U.
    #[error(
        "has {found} column{} parted by tabs, and a line of CoNLL-U ten; sentences in other columns are read as \
         \"conll\"",
        if *.found == 1 { "" } else { "s" }
    )]
    NotConllu {
        /// Its columns.
        found: usize,
    },
    /// What a line of CoNLL-U begins with is none of what it can.
    #[error("begins with {}, and a line of CoNLL-U with the number of a word: `1`, `1-2` or `1.1`", quoted(.0))]
    Id(String),
    /// A word has no tag where one is read.
    #[error("its {0} is `_`, which is none: leave the sentence out, or read the tags from another column")]
    Untagged(&'static str),
    /// It has other than one tag for each token of a sentence in another file.
    #[error(
        "has {found} tag{} for the {expected} token{} of that line in {}", if *.found == 1 { "" } else { "s" },
        if *.expected == 1 { "" } else { "s" }, name::shown(.of)
    )]
    Tags {
        /// Tags.
        found: usize,
        /// Tokens.
        expected: usize,
        /// The file with the sentences.
        of: PathBuf,
    },
    /// It has no class for a sentence in another file.
    #[error("has no class for the sentence of that line in {}", name::shown(.of))]
    NoClass {
        /// The file with the sentences.
        of: PathBuf,
    },
    /// It has a class where the other file has no sentence.
    #[error("has a class, and that line in {} has no token", name::shown(.of))]
    NoSentence {
        /// The file with the sentences.
        of: PathBuf,
    },
    /// A class without a text behind it.
    #[error("is {} alone: a line begins with a class, and behind it comes the text", quoted(.0))]
    ClassAlone(String),
    /// A text has two classes as fastText writes them.
    #[error(
        "has the classes {} and {}, and a text has one here: take the other off, or make lines of their own of it",
        quoted(&.0[0]), quoted(&.0[1])
    )]
    TwoClasses([String; 2]),
    /// A text is empty.
    #[error("its text is empty: leave it out")]
    NoText,
    /// A class is empty.
    #[error("its class is empty, and each text has one")]
    EmptyClass,
    /// It is no JSON that could be a text.
    #[error("is not an object in JSON (`{{\"text\": \"...\"}}`), as each line is: {}", short(.0, 100))]
    Json(String),
    /// An object has not the key that is asked for.
    #[error(
        "has no key `{}`, which `{setting}` under [data] names; there {}", shown(.key),
        if .keys.is_empty() { "is none".to_owned() } else { format!("are {}", first(.keys)) }
    )]
    NoKey {
        /// The key.
        key: String,
        /// What names it.
        setting: &'static str,
        /// Those that there are.
        keys: Vec<String>,
    },
    /// A text is something else in JSON.
    #[error("its `{}` is not a string, and a text is one", shown(.0))]
    NotAString(String),
    /// A class is something else in JSON.
    #[error("its `{}` is neither a string nor a number, and names a class", shown(.0))]
    NotAClass(String),
    /// A folder has no files of classes.
    #[error(
        "has no file that ends in `.txt`, and is read as a folder with one for each class, a text on each line"
    )]
    NoFiles,
    /// Two files of a folder are of one class.
    #[error("has two files of the class `{}` by their names; put what they hold into one", shown(.0))]
    TwoFiles(String),
    /// There are more classes than labels.
    #[error("`{}` is one class more than the {most} that there may be", shown(.name))]
    Classes {
        /// The class.
        name: String,
        /// Classes.
        most: usize,
    },
    /// It is of no class that was named.
    #[error("the class `{}` is none of the training file's: {}", shown(.class), first(.classes))]
    Unnamed {
        /// The class.
        class: String,
        /// Those that there are.
        classes: Vec<String>,
    },
    /// A tag cannot stand where it does, or is none.
    #[error("{}; `scheme` under [data] says how the file's tags mark spans{}", .0, way_out(.0))]
    Tag(Box<TagProblem>),
}

/// What helps where it is no other scheme's.
fn way_out(problem: &TagProblem) -> &'static str {
    match problem {
        TagProblem::Unknown { .. } => "",
        TagProblem::Illegal(_) => {
            ", and `repair_tags = true` has those that no scheme allows read as conlleval reads them"
        }
    }
}

impl TextProblem {
    pub(super) fn at(self, line: usize) -> FileProblem {
        FileProblem::Text { line, problem: self }
    }
}
