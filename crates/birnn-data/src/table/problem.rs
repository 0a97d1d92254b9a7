//! What can be wrong with a table.

use std::fmt;

use crate::escape::{self, first, quoted, shown};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its row.
    pub row: RowNumber,
    /// Its column, from 1.
    pub column: usize,
    /// What its column is called.
    pub name: String,
}

/// Which row of a table, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowNumber {
    /// The line of a text; its header is one too.
    Line(usize),
    /// The row of what has no lines.
    Row(usize),
}

impl RowNumber {
    /// Which one, from 1.
    pub fn number(self) -> usize {
        match self {
            RowNumber::Line(number) | RowNumber::Row(number) => number,
        }
    }

    /// What it is the number of.
    pub fn unit(self) -> &'static str {
        match self {
            RowNumber::Line(_) => "line",
            RowNumber::Row(_) => "row",
        }
    }
}

/// For people.
impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.unit(), self.number())
    }
}

/// For people: ``line 7, column 3 (`flow`)``.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, column {} (`{}`)", self.row, self.column, shown(&self.name))
    }
}

/// What is wrong with a cell, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum CellProblem {
    /// It is no text.
    #[error("is not UTF-8 text: save the file as UTF-8 (`iconv -f LATIN1 -t UTF-8` makes it of Latin-1)")]
    NotUtf8,
    /// The text ends within it.
    #[error(
        "begins with a quote that has no end, and so takes in the rest of the file: close it or, if it is part of what \
         the cell says, write it twice and quote the cell (`\"5\"\" pipe\"`)"
    )]
    Open,
    /// It is empty, and must not be.
    #[error("is empty, and each row has {0}")]
    Empty(&'static str),
    /// It says that what it holds is missing, and that must not be.
    #[error("`{}` is how a missing value is written, and each row has {what}; if it is a name, write another", shown(.text))]
    Missing {
        /// What it says.
        text: String,
        /// What each row has.
        what: &'static str,
    },
    /// It says that its class is missing.
    #[error(
        "`{}` is how a missing value is written, and each row has a class; if it is the name of one, say so: `classes` \
         under [data] names all", shown(.0)
    )]
    MissingClass(String),
    /// It is not a number.
    #[error("`{}` is not a number; a value is one, such as -1.5 or 2e-3, or the cell is empty", shown(.0))]
    NotANumber(String),
    /// It is not a number, in a column that is read because nothing else is said of it.
    #[error(
        "`{}` is not a number; a value is one, such as -1.5 or 2e-3, or the cell is empty; if the net is not to read \
         this column, name those that it reads: `features` under [data]", shown(.0)
    )]
    NotAFeature(String),
    /// It is no finite number as an `f32`.
    #[error("`{}` is not finite in 32 bits; a value is less than 3.4e38, or the cell is empty", shown(.0))]
    NotFinite(String),
    /// It is no grey level.
    #[error("{} is no grey level: those are whole numbers from 0 to 255", quoted(.0))]
    NotALevel(String),
    /// It is no number, and is to be predicted.
    #[error(
        "`{}` is not a number, and is to be predicted; classes are learned by `kind = \"classify\"`, those of steps \
         by `kind = \"tag\"`, under [task]", shown(.0)
    )]
    NotATarget(String),
    /// It is of no class that was named.
    #[error(
        "the class `{}` is none of {}: those are `classes` under [data] or, without it, the training file's",
        shown(.class), first(.classes)
    )]
    Unnamed {
        /// The class.
        class: String,
        /// Those that were named.
        classes: Vec<String>,
    },
    /// There are more classes than labels.
    #[error(
        "`{}` is one class more than the {most} that there may be; numbers are learned by `kind = \"regress\"` \
         under [task]", shown(.class)
    )]
    Classes {
        /// The class.
        class: String,
        /// Classes.
        most: usize,
    },
    /// A series has another value in an earlier row, where it can have only one.
    #[error("is `{}`, and that series has `{}` in {row}: {what}", shown(.found), shown(.expected))]
    Another {
        /// What it is here.
        found: String,
        /// What it is there.
        expected: String,
        /// Where that is.
        row: RowNumber,
        /// Why there can be only one.
        what: &'static str,
    },
    /// It is no time.
    #[error("`{}` is no time: those are numbers, or dates such as 2026-01-31 or 2026-01-31T23:59:59", shown(.0))]
    NotATime(String),
    /// Some times are numbers, others dates.
    #[error("`{}` is {}, and times before it are not", shown(.text), if *.is_date { "a date" } else { "a number" })]
    OtherTime {
        /// The time.
        text: String,
        /// Whether it is a date.
        is_date: bool,
    },
    /// Rows are read as they come, and one is of no later time than that before.
    #[error(
        "is not after the time of the row before of that series; what is read as it comes must be in order, or be read \
         whole"
    )]
    Backwards,
    /// Rows are read as they come, and a series goes on behind another.
    #[error(
        "that series ended in {0}; the rows of a series that is read as it comes stand together, or are read whole"
    )]
    Ended(RowNumber),
    /// Two rows of a series are of the same time.
    #[error(
        "that series has a row of this time already, in {0}: which of the two comes first? `id` under [data] names the \
         column that tells series apart"
    )]
    SameTime(RowNumber),
}

/// By what a column is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// A key of `[data]`.
    Key(&'static str),
    /// `features` of `[data]` or, where that is absent, the training file.
    Features,
    /// A net that learnt from one of its name.
    Net,
}

/// For people: what it does to the column.
impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamedBy::Key(key) => write!(f, "`{key}` under [data] names"),
            NamedBy::Features => {
                f.write_str("`features` under [data] names or, where that is absent, the training file has")
            }
            NamedBy::Net => f.write_str("the net reads"),
        }
    }
}

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum TableProblem {
    /// It is not in UTF-8.
    #[error(
        "is not UTF-8 text, but begins with the mark of UTF-16: save the file as UTF-8 (`iconv -f UTF-16 -t UTF-8`)"
    )]
    Utf16,
    /// A table whose gaps are to be filled in has a series in each row.
    #[error("is a wide table, and gaps are filled in in long ones, which have a row for each step")]
    WideGaps,
    /// A table that is read as it comes has a series in each row.
    #[error("is a wide table, and series are read as they come in long ones, which have a row for each step")]
    WideStream,
    /// A cell of a table is not what it should be.
    #[error("{cell}: {problem}")]
    Cell {
        /// Which one.
        cell: Cell,
        /// What is wrong there.
        problem: CellProblem,
    },
    /// A quote ends in the middle of a cell.
    #[error(
        "line {line}: a cell begins with a quote, and the one {} that should end it does not: the cell goes on, or has other \
         cells and lines in it; if quotes are part of what the cell says, write each of them twice and quote the cell (`\"5\"\" pipe\"`)",
        if .ended == .line { "behind it".to_owned() } else { format!("in line {ended}") }
    )]
    Quote {
        /// The line in which the cell begins.
        line: usize,
        /// That of the quote.
        ended: usize,
    },
    /// The names of the columns are numbers, where nothing says which columns there are.
    #[error(
        "its first line has numbers ({}), and a table begins with the names of its columns: put a line with names above it",
        first(.0)
    )]
    NumbersAsNames(Vec<String>),
    /// A line of a table of one column is blank, with rows behind it.
    #[error(
        "line {0}: is empty; in a table of one column write `\"\"` or `NA` where a value is missing, or leave the line out"
    )]
    BlankLine(usize),
    /// A cell of a table is empty where no value may be missing.
    #[error(
        "{0}: is empty; `missing` under [data] says what is read there: \"mean\", \"last\", \"past\" or \"interpolate\""
    )]
    EmptyCell(Cell),
    /// A column is not there.
    #[error("has no column `{}`, which {named}; {}{}", shown(.name), near(.nearest), list(.others))]
    NoColumn {
        /// Its name.
        name: String,
        /// By what it was asked for.
        named: NamedBy,
        /// The one that may be meant.
        nearest: Option<String>,
        /// Those that there are.
        others: Vec<String>,
    },
    /// Two columns have one name.
    #[error("has two columns `{}`", shown(.0))]
    Twice(String),
    /// A column is one of two features, by what its name begins with.
    #[error(
        "its column `{}` can be of two of the features under [data]: give them names of which none begins with another",
        shown(.0)
    )]
    OfTwo(String),
    /// A column without a name would be read as a feature.
    #[error(
        "its column {0} has no name, as that of pandas' index: give it one, or name the columns that are read \
         (`features` under [data])"
    )]
    Nameless(usize),
    /// All columns are something else.
    #[error("has no column that a net could read: {}", list(.0))]
    NoFeatures(Vec<String>),
    /// The columns of a feature's steps are not those of another's.
    #[error("has a column `{}`, and `{}` is missing: each feature has a column for each step", shown(.there), shown(.missing))]
    UnequalSteps {
        /// The column of the one.
        there: String,
        /// That of the other.
        missing: String,
    },
    /// A step is missing behind those that are known.
    #[error(
        "has a column `{}`, and no `{}`, with which the steps would go on that {named}: leave it out, or call it otherwise",
        shown(.next), shown(.missing)
    )]
    LeftOut {
        /// What the column of the missing one would be called.
        missing: String,
        /// The column of the next.
        next: String,
        /// By what those before were asked for.
        named: NamedBy,
    },
    /// A column counts as a step, and stands between or before those that are known.
    #[error(
        "its column `{}` is numbered as a step before `{}`, which {named}, and is none of those: leave it out, or call it \
         otherwise", shown(.name), shown(.next)
    )]
    Between {
        /// Its name.
        name: String,
        /// The step that would move on.
        next: String,
        /// By what that was asked for.
        named: NamedBy,
    },
    /// It has other than one column for each pixel.
    #[error("has {found} columns of pixels, and images of {rows} x {cols} have {}", .rows * .cols)]
    Pixels {
        /// Columns.
        found: usize,
        /// Of an image.
        rows: usize,
        /// Of an image.
        cols: usize,
    },
    /// A row has more or fewer cells than the header.
    #[error(
        "line {line}: has {found} cell{}, and the header {expected}", if *.found == 1 { "" } else { "s" }
    )]
    Cells {
        /// Which line it begins in, from 1.
        line: usize,
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// The cells of the header seem to be parted by another character.
    #[error(
        "its header is one cell, `{}`; if {} parts its cells, `delimiter = {:?}` under [data] says so to training, and what a \
         net is asked about is parted as its training file is",
        shown(.header), .delimiter.escape_debug(), .delimiter.to_string()
    )]
    Delimiter {
        /// The header.
        header: String,
        /// What seems to part its cells.
        delimiter: char,
    },
    /// A row is longer than any.
    #[error("line {line}: a row longer than {most} bytes; is a quote without its end there?")]
    TooLong {
        /// Which line, from 1.
        line: usize,
        /// Bytes.
        most: u64,
    },
    /// It has no Parquet in it that can be read.
    #[error("not a Parquet file that can be read: {}", escape::short(.0, 200))]
    Parquet(String),
    /// It is compressed in a way that is not read.
    #[error(
        "its columns are compressed by {}, which birnn does not read: write it with zstd or snappy, as pandas does by itself",
        escape::short(.0, 40)
    )]
    Codec(String),
    /// A column of a kind that holds neither numbers nor text.
    #[error("its column `{}` holds {what}, which is neither numbers nor text", shown(.name))]
    Kind {
        /// Its name.
        name: String,
        /// What it holds.
        what: String,
    },
    /// A column of dates or times that would be read as numbers.
    #[error(
        "its column `{}` holds dates or times, and not numbers: `time` under [data] orders rows by them; if the net is not \
         to read this column, name those that it reads: `features` under [data]", shown(.0)
    )]
    Dates(String),
    /// There is no memory for it.
    #[error("holds more values than there is memory for")]
    Memory,
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("did you mean `{}`? ", shown(name)))
}

fn list(names: &[String]) -> String {
    format!("there are {}", first(names))
}
