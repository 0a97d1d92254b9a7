//! From TOML text to an [`Experiment`], each mistake with the setting that it is about.
//!
//! toml's own deserializer tells of a mistake in an English sentence and a range of bytes. This one walks the
//! tree that toml parses, so that serde's typed errors come through as they are, and the path to each value
//! is known.

use std::slice;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::experiment::Experiment;
use crate::message::{Mistake, Problem};
use crate::span::{Part, Setting};

/// What `text` says, every setting that it leaves out at its default.
pub(crate) fn experiment(text: &str) -> Result<Experiment, Mistake> {
    let table = DeTable::parse(text).map_err(|error| Mistake::of_parser(&error, text))?;
    let value = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    Experiment::deserialize(Node { path: &[], value: &value })
}

/// A value, and the keys that lead to it.
#[derive(Clone, Copy)]
struct Node<'a> {
    path: &'a [String],
    value: &'a Spanned<DeValue<'a>>,
}

/// What is left of a table; `value` belongs to the key that was asked for last.
struct Entries<'a, I> {
    path: &'a [String],
    rest: I,
    value: Option<(Vec<String>, &'a Spanned<DeValue<'a>>)>,
}

/// What is left of an array.
struct Elements<'a> {
    path: &'a [String],
    rest: slice::Iter<'a, Spanned<DeValue<'a>>>,
}

impl Node<'_> {
    /// Deserializes the value; a mistake that nothing within it has claimed is its own.
    fn deserialize<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        let setting = || Setting { path: self.path.to_vec(), part: Part::Value, span: self.value.span() };
        seed.deserialize(self).map_err(|mistake| mistake.at(setting))
    }

    /// Gives `visitor` the value, which must be `wanted`.
    fn expect<'de, V: Visitor<'de>>(self, wanted: &str, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_any(visitor).map_err(|mistake| mistake.wanting(wanted))
    }

    /// Gives `visitor` the value, which must be a table. Structs take arrays too, which no user means.
    fn expect_table<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.value.get_ref() {
            DeValue::Array(_) => Err(Mistake::invalid_type(Unexpected::Seq, &"a table")),
            _ => self.expect("a table", visitor),
        }
    }
}

/// Methods that serde calls where it wants a type, with a user's words for it.
macro_rules! expect {
    ($($method:ident: $wanted:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            self.expect($wanted, visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Mistake;

    expect! {
        deserialize_bool: "`true` or `false`",
        deserialize_u32: "a whole number from 0 to 4294967295",
        deserialize_u64: "a whole number, 0 or more",
        deserialize_f64: "a number",
        deserialize_str: "a string",
        deserialize_string: "a string",
        deserialize_seq: "an array",
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.expect(&format!("an array of {length} values"), visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.expect_table(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.expect_table(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.value.get_ref() {
            DeValue::String(name) => visitor.visit_enum(CowStrDeserializer::new(name.clone())),
            _ => Err(Problem::NotAName.into()),
        }
    }

    /// TOML has no null: what is there is some.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.value.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(Mistake::invalid_value(Unexpected::Other(&digits.to_string()), &visitor)),
            },
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() || digits.as_str().ends_with(['f', 'n']) => {
                    visitor.visit_f64(number)
                }
                _ => Err(Mistake::invalid_value(Unexpected::Other(digits.as_str()), &visitor)),
            },
            DeValue::Datetime(time) => {
                Err(Mistake::invalid_type(Unexpected::Other(&time.to_string()), &visitor))
            }
            DeValue::Array(array) => {
                let mut elements = Elements { path: self.path, rest: array.iter() };
                let value = visitor.visit_seq(&mut elements)?;
                match elements.rest.len() {
                    0 => Ok(value),
                    // Serde's own arrays stop reading where they are full.
                    _ => Err(Mistake::invalid_length(array.len(), &"fewer")),
                }
            }
            DeValue::Table(table) => {
                visitor.visit_map(Entries { path: self.path, rest: table.iter(), value: None })
            }
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct newtype_struct tuple_struct
        identifier ignored_any
    }
}

impl<'de, 'a, I> MapAccess<'de> for Entries<'a, I>
where
    I: Iterator<Item = (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)>,
{
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        let name: &str = key.get_ref();
        let path = [self.path, &[name.to_owned()]].concat();
        let field = seed.deserialize(name.into_deserializer()).map_err(|mistake: Mistake| {
            mistake.at(|| Setting { path: path.clone(), part: Part::Key, span: key.span() })
        })?;
        self.value = Some((path, value));
        Ok(Some(field))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let (path, value) = self.value.take().expect("a value is asked for after its key");
        Node { path: &path, value }.deserialize(seed)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        self.rest.next().map(|value| Node { path: self.path, value }.deserialize(seed)).transpose()
    }
}
