//! How much each class counts in training.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::invalid::{Invalid, positive};

/// How much a sample counts in the loss by its class: `"balanced"`, or a number for some of the classes by
/// their names, 1 for the others.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// As much as makes all classes count the same in all.
    Named(Balanced),
    /// Of each class.
    Each(BTreeMap<String, f64>),
}

/// The one way that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Balanced {
    /// As much as makes all classes count the same in all.
    Balanced,
}

const KEY: &str = "train.class_weights";

impl ClassWeights {
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let ClassWeights::Each(each) = self else { return Ok(()) };
        each.iter().try_for_each(|(class, &weight)| positive(&format!("{KEY}.{class}"), weight))
    }

    /// The weight of each of `classes`, of which there are so many samples to train on each: such that the
    /// mean over all samples is 1, so that the loss stays what it is and the learning rate can.
    ///
    /// # Errors
    ///
    /// Where a class is named that there is none of.
    pub fn resolve(&self, classes: &[String], counts: &[usize]) -> Result<Vec<f32>, Invalid> {
        let weights: Vec<f64> = match self {
            ClassWeights::Named(Balanced::Balanced) => {
                counts.iter().map(|&count| 1.0 / count.max(1) as f64).collect()
            }
            ClassWeights::Each(each) => {
                if let Some(unknown) = each.keys().find(|class| !classes.contains(class)) {
                    let message = format!("is none of the classes, {}", birnn_data::name::first(classes));
                    return Err(Invalid::new(&format!("{KEY}.{unknown}"), message));
                }
                classes.iter().map(|class| each.get(class).copied().unwrap_or(1.0)).collect()
            }
        };
        let samples: usize = counts.iter().sum();
        let sum: f64 = weights.iter().zip(counts).map(|(weight, &count)| weight * count as f64).sum();
        let scaled = |(class, weight): (&String, &f64)| {
            let scaled = weight * samples as f64 / sum;
            positive(&format!("{KEY}.{class}"), scaled).map(|()| scaled as f32)
        };
        classes.iter().zip(&weights).map(scaled).collect()
    }
}

// Written out, because serde's untagged enums answer every mistake with "did not match any variant".
impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WeightsVisitor;

        impl<'de> Visitor<'de> for WeightsVisitor {
            type Value = ClassWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"balanced\", or a number for each class by its name: { a = 2.0, .. }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ClassWeights, E> {
                match name {
                    "balanced" => Ok(ClassWeights::Named(Balanced::Balanced)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClassWeights, A::Error> {
                let each = BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ClassWeights::Each(each))
            }
        }

        deserializer.deserialize_any(WeightsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(text: &str, counts: &[usize]) -> Result<Vec<f32>, String> {
        #[derive(Deserialize)]
        struct Table {
            class_weights: ClassWeights,
        }
        let table: Table = toml::from_str(&format!("class_weights = {text}")).map_err(|e| e.to_string())?;
        let classes = ["a", "b", "c"].map(str::to_owned);
        let checked =
            table.class_weights.check().and_then(|()| table.class_weights.resolve(&classes, counts));
        checked.map_err(|Invalid { key, message }| format!("{key}: {message}"))
    }

    #[test]
    fn the_mean_over_all_samples_is_one() {
        assert_eq!(weights("\"balanced\"", &[1, 1, 2]).unwrap(), [4.0 / 3.0, 4.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(weights("{ b = 3.0 }", &[1, 1, 2]).unwrap(), [4.0 / 6.0, 2.0, 4.0 / 6.0]);
        assert_eq!(weights("{}", &[5, 0, 2]).unwrap(), [1.0; 3]);
        // A class that nothing is of takes nothing from the others.
        assert!(weights("\"balanced\"", &[2, 0, 2]).unwrap()[0] == 1.0);
    }

    #[test]
    fn what_cannot_be_a_weight_is_refused() {
        for (text, part) in [
            ("{ d = 1.0 }", "train.class_weights.d"),
            ("{ a = 0.0 }", "train.class_weights.a"),
            ("{ a = -1.0 }", "train.class_weights.a"),
            // Scaled, it is zero beside the other.
            ("{ a = 1e-30, b = 1e30 }", "train.class_weights.a"),
            ("\"even\"", "\"balanced\", or a number"),
            ("3", "\"balanced\", or a number"),
        ] {
            let error = weights(text, &[1, 1, 1]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
