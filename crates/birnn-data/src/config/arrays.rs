//! What a user writes of a `.npz` file: what its arrays are called.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::targets::Wanted;

/// What the arrays of a `.npz` file are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Arrays {
    /// The series; `X` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Their classes or numbers; `y` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// How many steps each has; `lengths` where absent, if there is such an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<String>,
    /// What each is called; `ids` where absent, if there is such an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    /// Of which group each is; `groups` where absent, if there is such an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

/// What is looked for in a file.
#[derive(Clone, Debug, Default)]
pub struct NpzOptions {
    /// What its arrays are called.
    pub arrays: Arrays,
    /// What its targets are taken for; where absent, they are not read.
    pub wanted: Option<Wanted>,
    /// Values per step that each series must have, where that is known.
    pub features: Option<usize>,
    /// The names of the classes; those that there are where absent.
    pub classes: Option<Vec<String>>,
}
