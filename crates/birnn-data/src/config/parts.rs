//! How samples are parted: cut into windows, kept back to judge by, or for the test.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Some of the samples: so many, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Portion {
    /// So many.
    Count(usize),
    /// Of all of them; more than 0 and less than 1.
    Share(#[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))] f64),
}

impl Default for Portion {
    fn default() -> Portion {
        Portion::Count(0)
    }
}

impl Portion {
    /// Whether it is none of them.
    pub fn is_none(self) -> bool {
        self == Portion::default()
    }
}

/// By what it is decided which samples are kept back, and which are for the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// At random, of each class by its share.
    #[default]
    Random,
    /// Of each series its last part.
    Time,
    /// Whole groups at random; where series have none, each is one.
    Group,
}

impl SplitBy {
    pub(crate) fn is_default(&self) -> bool {
        *self == SplitBy::default()
    }
}

/// Long series are cut into parts of so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Steps of each.
    #[schemars(range(min = 1))]
    pub length: usize,
    /// Steps from where one begins to where the next one does; where absent, the length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub stride: Option<usize>,
}

impl Window {
    /// Steps from where one begins to where the next one does.
    pub fn stride(self) -> usize {
        self.stride.unwrap_or(self.length)
    }

    /// Whether there is a step in each, and from each to the next.
    pub fn has_steps(self) -> bool {
        self.length > 0 && self.stride() > 0
    }
}

// Written out, because serde's untagged enums answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for Portion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortionVisitor;

        impl Visitor<'_> for PortionVisitor {
            type Value = Portion;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, 0 or more, or a share between 0 and 1")
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Portion, E> {
                let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
                usize::try_from(count).map(Portion::Count).map_err(|_| wrong())
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Portion, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(count), &self);
                usize::try_from(count).map(Portion::Count).map_err(|_| wrong())
            }

            fn visit_str<E: de::Error>(self, file: &str) -> Result<Portion, E> {
                let expected =
                    "a whole number, 0 or more, or a share between 0 and 1 (`validation_file` names a file)";
                Err(E::invalid_value(de::Unexpected::Str(file), &expected))
            }

            fn visit_f64<E: de::Error>(self, share: f64) -> Result<Portion, E> {
                match share > 0.0 && share < 1.0 {
                    true => Ok(Portion::Share(share)),
                    false => Err(E::invalid_value(de::Unexpected::Float(share), &self)),
                }
            }
        }

        deserializer.deserialize_any(PortionVisitor)
    }
}
