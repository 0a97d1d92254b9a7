//! What a user writes under `[model]`.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::architecture::{
    Architecture, Cell, CharacterNet, Embedding, Head, MAX_HIDDEN, MAX_LAYERS, Readout,
};
use crate::error::ConfigError;

/// The `[model]` table as written. [`ModelConfig::resolve`] checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The recurrent cell.
    pub cell: CellKind,
    /// The activation of `cell = "rnn"`; other cells have none to choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "tanh"))]
    pub nonlinearity: Option<Nonlinearity>,
    /// Whether a second net reads the sequence from its end.
    pub bidirectional: bool,
    /// How many recurrent layers are stacked.
    #[schemars(range(min = 1, max = MAX_LAYERS))]
    pub layers: usize,
    /// Hidden units per direction.
    pub hidden: Hidden,
    /// Probability that an element is zeroed between layers, in training only.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub dropout: f64,
    /// How the sequence becomes one vector.
    pub readout: Readout,
    /// Of text: how words, or characters, become vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding: Option<EmbeddingConfig>,
    /// What makes answers of what is read.
    #[serde(skip_serializing_if = "is_linear")]
    pub head: Head,
    /// Probability that an element of the input is zeroed, of text of the words' vectors, in training only.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub input_dropout: f64,
    /// Probability that an element of the top layer's outputs, which the readout reads, is zeroed, in
    /// training only.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub output_dropout: f64,
}

/// How tokens become vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// Values of a word's vector.
    #[schemars(range(min = 1, max = MAX_HIDDEN))]
    pub width: usize,
    /// What reads the characters of each word, where they are read: a recurrent layer of both directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters: Option<CharacterNet>,
    /// Probability that a word is read as one that is not known, in training only.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub word_dropout: f64,
    /// Probability of the same for words that training data has once, and that have no vector of others: what
    /// is not known is learnt of them.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub rare_word_dropout: f64,
    /// Whether the vectors of words stay what `vectors` under `[data]` has them, and are not trained.
    #[serde(skip_serializing_if = "is_false")]
    pub freeze: bool,
}

impl Default for EmbeddingConfig {
    fn default() -> Self {
        EmbeddingConfig {
            width: 100,
            characters: None,
            word_dropout: 0.0,
            rare_word_dropout: 0.5,
            freeze: false,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_linear(head: &Head) -> bool {
    *head == Head::Linear
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig {
            cell: CellKind::Lstm,
            nonlinearity: None,
            bidirectional: true,
            layers: 2,
            hidden: Hidden::Same(128),
            dropout: 0.0,
            readout: Readout::Last,
            embedding: None,
            head: Head::Linear,
            input_dropout: 0.0,
            output_dropout: 0.0,
        }
    }
}

/// The recurrent cell, as named in a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// Elman network.
    Rnn,
    /// Gated recurrent unit.
    Gru,
    /// Long short-term memory.
    Lstm,
}

/// The activation of the Elman network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// Hyperbolic tangent.
    Tanh,
    /// `max(0, x)`.
    Relu,
}

/// Hidden units per direction: `128`, `{ forward = 128, reverse = 64 }` or, of a net that reads in reverse
/// alone, `{ reverse = 64 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(deny_unknown_fields)]
pub enum Hidden {
    /// Each direction that there is has this many.
    Same(#[schemars(range(min = 1, max = MAX_HIDDEN))] usize),
    /// Each direction has its own.
    Each {
        /// Units of the net that reads from the beginning.
        #[schemars(range(min = 1, max = MAX_HIDDEN))]
        forward: usize,
        /// Units of the net that reads from the end.
        #[schemars(range(min = 1, max = MAX_HIDDEN))]
        reverse: usize,
    },
    /// There is the reverse direction alone.
    Reverse {
        /// Units of the net that reads from the end.
        #[schemars(range(min = 1, max = MAX_HIDDEN))]
        reverse: usize,
    },
}

impl ModelConfig {
    /// Whether there is a reverse direction, with a forward one or alone.
    pub fn reads_in_reverse(&self) -> bool {
        self.bidirectional || matches!(self.hidden, Hidden::Reverse { .. })
    }

    /// With the defaults of its cell written out.
    pub fn with_defaults(&self) -> ModelConfig {
        let usual = (self.cell == CellKind::Rnn).then_some(Nonlinearity::Tanh);
        ModelConfig { nonlinearity: self.nonlinearity.or(usual), ..self.clone() }
    }

    /// Checks every setting; the error names the first that cannot be.
    pub fn resolve(&self) -> Result<Architecture, ConfigError> {
        let refuse = |key, message: String| Err(ConfigError { key, message });
        let cell = match (self.cell, self.nonlinearity) {
            (CellKind::Rnn, None | Some(Nonlinearity::Tanh)) => Cell::RnnTanh,
            (CellKind::Rnn, Some(Nonlinearity::Relu)) => Cell::RnnRelu,
            (CellKind::Gru, None) => Cell::Gru,
            (CellKind::Lstm, None) => Cell::Lstm,
            (CellKind::Gru | CellKind::Lstm, Some(_)) => {
                return refuse(
                    "model.nonlinearity",
                    "belongs to `cell = \"rnn\"` alone; remove it".to_owned(),
                );
            }
        };
        let (forward, reverse) = match (self.hidden, self.bidirectional) {
            (Hidden::Same(units), both) => (Some(units), both.then_some(units)),
            (Hidden::Each { forward, reverse }, true) => (Some(forward), Some(reverse)),
            (Hidden::Reverse { reverse }, false) => (None, Some(reverse)),
            (Hidden::Each { .. }, false) => {
                let message = "two sizes need `bidirectional = true`; of one direction write one number, or \
                               { reverse = .. } where it is to read from the end";
                return refuse("model.hidden", message.to_owned());
            }
            (Hidden::Reverse { .. }, true) => {
                let message =
                    "`forward` is missing; a net that reads in reverse alone has `bidirectional = false`";
                return refuse("model.hidden", message.to_owned());
            }
        };
        let architecture = Architecture {
            cell,
            layers: self.layers,
            forward,
            reverse,
            dropout: self.dropout,
            readout: self.readout,
            embedding: self.embedding.as_ref().map(EmbeddingConfig::resolve).transpose()?,
            head: self.head,
            input_dropout: self.input_dropout,
            output_dropout: self.output_dropout,
        };
        architecture.check()?;
        if self.dropout > 0.0 && self.layers == 1 {
            let message = "acts between layers, and there is one layer; set it to 0 or `layers` to 2 or more";
            return refuse("model.dropout", message.to_owned());
        }
        Ok(architecture)
    }
}

impl EmbeddingConfig {
    fn resolve(&self) -> Result<Embedding, ConfigError> {
        let shares = [
            ("model.embedding.word_dropout", self.word_dropout),
            ("model.embedding.rare_word_dropout", self.rare_word_dropout),
        ];
        match shares.into_iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
            Some((key, share)) => {
                Err(ConfigError { key, message: format!("must be at least 0 and below 1, is {share}") })
            }
            None => Ok(Embedding { width: self.width, characters: self.characters, frozen: self.freeze }),
        }
    }
}

// Written out, because serde's untagged enums answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HiddenVisitor;

        impl<'de> Visitor<'de> for HiddenVisitor {
            type Value = Hidden;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, 1 or more, { forward = .., reverse = .. } or { reverse = .. }")
            }

            fn visit_i64<E: de::Error>(self, units: i64) -> Result<Hidden, E> {
                match usize::try_from(units) {
                    Ok(units) => Ok(Hidden::Same(units)),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(units), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, units: u64) -> Result<Hidden, E> {
                match usize::try_from(units) {
                    Ok(units) => Ok(Hidden::Same(units)),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(units), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hidden, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Each {
                    forward: Option<usize>,
                    reverse: Option<usize>,
                }
                let Each { forward, reverse } =
                    Each::deserialize(de::value::MapAccessDeserializer::new(map))?;
                match (forward, reverse) {
                    (Some(forward), Some(reverse)) => Ok(Hidden::Each { forward, reverse }),
                    (None, Some(reverse)) => Ok(Hidden::Reverse { reverse }),
                    (Some(forward), None) => Err(A::Error::custom(format!(
                        "`reverse` is missing; a net that reads forward alone has `hidden = {forward}` and \
                         `bidirectional = false`"
                    ))),
                    (None, None) => Err(A::Error::custom("`forward` and `reverse` are missing")),
                }
            }
        }

        deserializer.deserialize_any(HiddenVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(config: ModelConfig, key: &str) {
        let error = config.resolve().unwrap_err();
        assert_eq!(error.key, key, "{error}");
    }

    #[test]
    fn the_default_is_the_tutorials_net() {
        let net = ModelConfig::default().resolve().unwrap();
        assert_eq!((net.cell, net.layers), (Cell::Lstm, 2));
        assert_eq!((net.forward, net.reverse), (Some(128), Some(128)));
        assert_eq!((net.readout, net.output_features()), (Readout::Last, 256));
    }

    #[test]
    fn impossible_settings_are_refused_by_key() {
        let base = ModelConfig::default;
        refused(ModelConfig { layers: 0, ..base() }, "model.layers");
        refused(ModelConfig { layers: 101, ..base() }, "model.layers");
        refused(ModelConfig { hidden: Hidden::Same(0), ..base() }, "model.hidden");
        refused(ModelConfig { hidden: Hidden::Each { forward: 8, reverse: 0 }, ..base() }, "model.hidden");
        refused(ModelConfig { hidden: Hidden::Same(65_537), ..base() }, "model.hidden");
        let one_way = || ModelConfig { bidirectional: false, ..base() };
        refused(ModelConfig { hidden: Hidden::Each { forward: 8, reverse: 8 }, ..one_way() }, "model.hidden");
        let from_the_end = Hidden::Reverse { reverse: 8 };
        refused(ModelConfig { hidden: from_the_end, ..base() }, "model.hidden");
        refused(ModelConfig { hidden: Hidden::Reverse { reverse: 0 }, ..one_way() }, "model.hidden");
        for dropout in [-0.1, 1.0, 0.999_999_99, f64::NAN, f64::INFINITY] {
            refused(ModelConfig { dropout, ..base() }, "model.dropout");
        }
        refused(ModelConfig { dropout: 0.5, layers: 1, ..base() }, "model.dropout");
        refused(ModelConfig { nonlinearity: Some(Nonlinearity::Relu), ..base() }, "model.nonlinearity");
    }

    #[test]
    fn one_direction_has_no_other_half() {
        let cases = [(Hidden::Same(7), (Some(7), None)), (Hidden::Reverse { reverse: 7 }, (None, Some(7)))];
        for (hidden, units) in cases {
            let config = ModelConfig { bidirectional: false, hidden, ..ModelConfig::default() };
            let net = config.resolve().unwrap();
            assert_eq!(((net.forward, net.reverse), net.output_features()), (units, 7));
            assert_eq!(config.reads_in_reverse(), net.reverse.is_some());
        }
    }
}
