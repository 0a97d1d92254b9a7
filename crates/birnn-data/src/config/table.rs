//! What a user writes of a table: which of its columns are what.

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a row of a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// A step of a series.
    #[default]
    Long,
    /// A whole series, or an image.
    Wide,
}

/// Names of columns: one, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Columns {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Columns {
    /// Their names.
    pub fn names(&self) -> &[String] {
        match self {
            Columns::One(name) => std::slice::from_ref(name),
            Columns::Several(names) => names,
        }
    }
}

/// How a table is read, with nothing left to decide but what its header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What a row is.
    pub layout: Layout,
    /// The column that says of which series a row is; without it all rows of a long table are of one.
    pub id: Option<String>,
    /// The column by which the rows of a series are ordered; without it they are as they come.
    pub time: Option<String>,
    /// The columns that the net reads, or what the names of those begin with; all that are nothing else,
    /// where they are not named.
    pub features: Option<Vec<String>>,
    /// Of a wide table the columns of the steps, by what was learnt from; where they are not known yet, and
    /// features are not named, all that are nothing else.
    pub columns: Option<Vec<String>>,
    /// The columns with what is to be learned.
    pub target: Vec<String>,
    /// The column that says of which group a series is.
    pub group: Option<String>,
    /// The names of the classes; those that there are, where they are not named.
    pub classes: Option<Vec<String>>,
    /// What parts the cells of a text; by the ending of the file, where it is not said.
    pub delimiter: Option<u8>,
    /// What parts them where no ending says it either, as of standard input: what does so in the file that
    /// was learnt from.
    pub usual_delimiter: Option<u8>,
    /// Lines before the header of a text.
    pub skip_lines: usize,
    /// Rows and columns of the image that a row is.
    pub shape: Option<[usize; 2]>,
}

impl Table {
    /// Columns that are named, and no feature's.
    pub(crate) fn others(&self) -> Vec<&String> {
        [&self.id, &self.time, &self.group].into_iter().flatten().chain(&self.target).collect()
    }

    /// Whether its rows are images.
    pub fn is_of_images(&self) -> bool {
        self.shape.is_some()
    }
}

// Written out, because serde's untagged enums answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnsVisitor;

        impl<'de> Visitor<'de> for ColumnsVisitor {
            type Value = Columns;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a column, or a list of names")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Columns, E> {
                Ok(Columns::One(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Columns, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(Columns::Several)
            }
        }

        deserializer.deserialize_any(ColumnsVisitor)
    }
}
