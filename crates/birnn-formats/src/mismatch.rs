//! Whether weights are those of a net.

use std::fmt;

use birnn_data::name;

use crate::error::short_name;
use crate::state_dict::StateDict;
use birnn_architecture::{Architecture, Inputs};

/// Why a state dict is not one of the net that it should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Weights that the net has and the state dict has not.
    pub missing: Vec<String>,
    /// Weights that the state dict has and the net has not.
    pub unexpected: Vec<String>,
    /// Weights with their shapes, and the shapes that they should have.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
}

/// Whether these are the weights of a net of `architecture` for these inputs and `outputs` classes: each by
/// name and shape, and no other.
pub fn check(
    weights: &StateDict,
    architecture: &Architecture,
    inputs: impl Into<Inputs>,
    outputs: usize,
) -> Result<(), Mismatch> {
    let mut mismatch = Mismatch { missing: Vec::new(), unexpected: Vec::new(), misshapen: Vec::new() };
    let wanted = architecture.parameters(inputs, outputs);
    for (name, shape) in &wanted {
        match weights.get(name) {
            None => mismatch.missing.push(name.clone()),
            Some(array) if array.shape() != shape => {
                mismatch.misshapen.push((name.clone(), array.shape().to_vec(), shape.clone()));
            }
            Some(_) => (),
        }
    }
    let known = |name: &String| wanted.binary_search_by(|(wanted, _)| wanted.cmp(name)).is_ok();
    mismatch.unexpected = weights.keys().filter(|name| !known(name)).cloned().collect();
    let Mismatch { missing, unexpected, misshapen } = &mismatch;
    let fits = missing.is_empty() && unexpected.is_empty() && misshapen.is_empty();
    if fits { Ok(()) } else { Err(mismatch) }
}

impl Mismatch {
    /// The same under other names.
    #[must_use]
    pub fn named(self, name: impl Fn(&str) -> String) -> Mismatch {
        let all = |names: Vec<String>| names.iter().map(|own| name(own)).collect();
        Mismatch {
            missing: all(self.missing),
            unexpected: all(self.unexpected),
            misshapen: self.misshapen.into_iter().map(|(own, is, wanted)| (name(&own), is, wanted)).collect(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| names.iter().map(|name| format!("`{}`", short_name(name))).collect();
        let shapes = self.misshapen.iter().map(|(name, found, wanted)| {
            format!("`{}` is {found:?} and should be {wanted:?}", short_name(name))
        });
        let parts: [(&str, Vec<String>); 3] = [
            ("missing", names(&self.missing)),
            ("unexpected", names(&self.unexpected)),
            ("misshapen", shapes.collect()),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts = parts.map(|(what, names)| format!("{what}: {}", name::first(&names)));
        f.write_str(&parts.collect::<Vec<_>>().join("; "))
    }
}

impl std::error::Error for Mismatch {}
