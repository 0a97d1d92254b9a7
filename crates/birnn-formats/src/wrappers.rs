//! What PyTorch users wrap around a net's weights, taken off again: the weights as the wrapped net computes
//! them.
//!
//! | wrapper | names in the state dict | the weight `w` |
//! | --- | --- | --- |
//! | `torch.compile`, FSDP, activation checkpointing | `_orig_mod.` and the like within names | itself |
//! | `torch.optim.swa_utils.AveragedModel` | a counter `n_averaged`, and `module.` before all others | itself |
//! | `torch.nn.utils.prune` | `w_orig`, `w_mask` | `w_orig * w_mask` |
//! | `weight_norm` (Salimans and Kingma 2016, eq. 2) | `w_g`, `w_v`, or `parametrizations.w.original0`, `original1` | `g * v / norm(v)` |
//! | `spectral_norm` (Miyato et al. 2018, eq. 8), as in `eval` mode | `w_orig`, `w_u`, `w_v`, or `parametrizations.w.original`, `0._u`, `0._v` | `w / (u^T w v)` |
//!
//! Sums are in `f64`. Other parametrizations cannot be told by their names, and are refused.
//!
//! A state dict does not say that `fc.weight_g` belongs to a weight norm. Names of PyTorch's own wrappers are
//! taken for them if the shapes fit too; a parametrization that is not known is never read as if it were
//! absent.

mod norm;

use std::borrow::Cow;
use std::collections::BTreeMap;

use self::norm::{spectral_norm, weight_norm};
use crate::error::{InferError, short_name};
use crate::state_dict::{Array, StateDict};

/// Modules around modules that change nothing about weights.
const AROUND: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
/// Counts the nets in an average.
const COUNTER: &str = "n_averaged";
/// Stands before the name of what is computed from other parameters.
pub(crate) const PARAMETRIZATIONS: &str = "parametrizations.";

/// The weights without wrappers, and what was done to which, for the user: each once.
pub(crate) fn unwrap(weights: StateDict) -> Result<(StateDict, Vec<String>), InferError> {
    let mut weights = without_modules(weights)?;
    let mut done = Vec::new();
    let counters: Vec<String> = weights.keys().filter(|name| is_counter(name, &weights)).cloned().collect();
    for name in counters {
        weights.remove(&name);
        done.push(format!("`{}` is the counter of averaged weights, and left out", short_name(&name)));
    }
    // A mask may be of what a norm is computed from.
    for fold in [pruned, weight_normed, spectral_normed, parametrized] {
        fold(&mut weights, &mut done)?;
    }
    Ok((weights, done))
}

fn without_modules(weights: StateDict) -> Result<StateDict, InferError> {
    let mut found = StateDict::new();
    for (name, array) in weights {
        let inner = plain(&name).into_owned();
        put(&mut found, inner, array)?;
    }
    Ok(found)
}

/// A name without modules around modules; of a weight, the last part stays what it is.
pub(crate) fn plain(name: &str) -> Cow<'_, str> {
    if !AROUND.iter().any(|module| name.contains(module)) {
        return Cow::Borrowed(name);
    }
    let is_left = |part: &&str| !part.strip_suffix('.').is_some_and(is_around);
    Cow::Owned(name.split_inclusive('.').filter(is_left).collect())
}

/// Whether it is the name of a module around a module.
pub(crate) fn is_around(module: &str) -> bool {
    AROUND.contains(&module)
}

fn is_counter(name: &str, weights: &StateDict) -> bool {
    let Some(prefix) = name.strip_suffix(COUNTER) else { return false };
    let module = format!("{prefix}module.");
    weights[name].values().len() == 1 && weights.keys().any(|name| name.starts_with(&module))
}

fn pruned(weights: &mut StateDict, done: &mut Vec<String>) -> Result<(), InferError> {
    for base in bases(weights, &["_orig", "_mask"]) {
        let [original, mask] = take(weights, &base, ["_orig", "_mask"]);
        if original.shape() != mask.shape() {
            return refuse(&base, "the mask of its pruning has another shape", "prune.remove(module, name)");
        }
        let values = original.values().iter().zip(mask.values()).map(|(value, mask)| value * mask);
        let array = Array::new(original.shape().to_vec(), values.collect());
        fold(weights, done, base, array, "pruned")?;
    }
    Ok(())
}

fn weight_normed(weights: &mut StateDict, done: &mut Vec<String>) -> Result<(), InferError> {
    for base in bases(weights, &["_g", "_v"]) {
        let [length, direction] = take(weights, &base, ["_g", "_v"]);
        let array = weight_norm(&length, &direction);
        let array = array.map_or_else(|| refuse(&base, NO_WEIGHT_NORM, "remove_weight_norm(module)"), Ok)?;
        fold(weights, done, base, array, "weight norm")?;
    }
    Ok(())
}

fn spectral_normed(weights: &mut StateDict, done: &mut Vec<String>) -> Result<(), InferError> {
    for base in bases(weights, &["_orig", "_u", "_v"]) {
        let [original, u, v] = take(weights, &base, ["_orig", "_u", "_v"]);
        let array = spectral_norm(&original, &u, &v);
        let array =
            array.map_or_else(|| refuse(&base, NO_SPECTRAL_NORM, "remove_spectral_norm(module)"), Ok)?;
        fold(weights, done, base, array, "spectral norm")?;
    }
    Ok(())
}

/// `MODULE.parametrizations.NAME.PART`, all parts of a name together: none is looked at alone.
fn parametrized(weights: &mut StateDict, done: &mut Vec<String>) -> Result<(), InferError> {
    let mut parts: BTreeMap<String, BTreeMap<String, Array>> = BTreeMap::new();
    for (name, array) in std::mem::take(weights) {
        let start = name.rfind(PARAMETRIZATIONS).filter(|&start| start == 0 || name[..start].ends_with('.'));
        let inner = start.and_then(|start| {
            let (base, part) = name[start + PARAMETRIZATIONS.len()..].split_once('.')?;
            Some((format!("{}{base}", &name[..start]), part.to_owned()))
        });
        match inner {
            Some((base, part)) => {
                parts.entry(base).or_default().insert(part, array);
            }
            None => {
                weights.insert(name, array);
            }
        }
    }
    for (base, parts) in parts {
        let names: Vec<&str> = parts.keys().map(String::as_str).collect();
        let (array, what) = match names.as_slice() {
            ["original0", "original1"] => {
                (weight_norm(&parts["original0"], &parts["original1"]), "weight norm")
            }
            ["0._u", "0._v", "original"] => {
                (spectral_norm(&parts["original"], &parts["0._u"], &parts["0._v"]), "spectral norm")
            }
            _ => (None, ""),
        };
        let way_out = "torch.nn.utils.parametrize.remove_parametrizations(module, name)";
        let why = "it has a parametrization other than weight norm and spectral norm of a matrix";
        fold(weights, done, base.clone(), array.map_or_else(|| refuse(&base, why, way_out), Ok)?, what)?;
    }
    Ok(())
}

const NO_WEIGHT_NORM: &str = "its `_g` and `_v` are no weight norm";
const NO_SPECTRAL_NORM: &str = "its `_u` and `_v` are no spectral norm of a matrix";

/// The weights that all of `suffixes` are there of.
fn bases(weights: &StateDict, suffixes: &[&str]) -> Vec<String> {
    let bases = weights.keys().filter_map(|name| name.strip_suffix(suffixes[0]));
    let is_weight = |base: &&str| {
        let name = base.rsplit('.').next().unwrap_or_default();
        ["weight", "bias"].iter().any(|kind| name.starts_with(kind))
    };
    let all = |base: &&str| suffixes.iter().all(|suffix| weights.contains_key(&format!("{base}{suffix}")));
    bases.filter(is_weight).filter(all).map(str::to_owned).collect()
}

/// Takes the parts of a weight, which are there.
fn take<const N: usize>(weights: &mut StateDict, base: &str, suffixes: [&str; N]) -> [Array; N] {
    suffixes.map(|suffix| {
        weights.remove(&format!("{base}{suffix}")).unwrap_or_else(|| Array::new(vec![0], vec![]))
    })
}

/// Puts in a weight that was computed.
fn fold(
    weights: &mut StateDict,
    done: &mut Vec<String>,
    base: String,
    array: Array,
    what: &str,
) -> Result<(), InferError> {
    done.push(format!("`{}`: {what}, folded into the weight", short_name(&base)));
    put(weights, base, array)
}

fn put(weights: &mut StateDict, name: String, array: Array) -> Result<(), InferError> {
    if weights.contains_key(&name) {
        return Err(InferError::new(format!("two of its weights would be `{}`", short_name(&name))));
    }
    weights.insert(name, array);
    Ok(())
}

fn refuse<T>(base: &str, why: &str, way_out: &str) -> Result<T, InferError> {
    let base = short_name(base);
    Err(InferError::new(format!("`{base}`: {why}; in Python, take it off before saving: {way_out}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unwraps tensors of these shapes and values.
    fn unwrapped(arrays: &[(&str, &[usize], &[f32])]) -> Result<StateDict, String> {
        let array = |(name, shape, values): &(&str, &[usize], &[f32])| {
            ((*name).to_owned(), Array::new(shape.to_vec(), values.to_vec()))
        };
        unwrap(arrays.iter().map(array).collect())
            .map(|(weights, _)| weights)
            .map_err(|error| error.to_string())
    }

    #[track_caller]
    fn gives(arrays: &[(&str, &[usize], &[f32])], name: &str, values: &[f32]) {
        let found = unwrapped(arrays).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[name].values(), values);
    }

    #[track_caller]
    fn refused(arrays: &[(&str, &[usize], &[f32])], part: &str) {
        let error = unwrapped(arrays).unwrap_err();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }

    #[test]
    fn a_weight_norm_is_over_what_its_length_has_one_of() {
        let v: (&str, &[usize], &[f32]) = ("a.weight_v", &[2, 2], &[3.0, 4.0, 0.0, 2.0]);
        gives(&[("a.weight_g", &[2, 1], &[10.0, 1.0]), v], "a.weight", &[6.0, 8.0, 0.0, 1.0]);
        gives(&[("a.weight_g", &[1, 2], &[6.0, 0.0]), v], "a.weight", &[6.0, 0.0, 0.0, 0.0]);
        let norm = 29.0_f64.sqrt();
        let all = [3.0, 4.0, 0.0, 2.0].map(|v| (v / norm) as f32);
        gives(&[("a.weight_g", &[], &[1.0]), v], "a.weight", &all);
        let new: [(&str, &[usize], &[f32]); 2] = [
            ("a.parametrizations.weight.original0", &[2, 1], &[10.0, 1.0]),
            ("a.parametrizations.weight.original1", &[2, 2], &[3.0, 4.0, 0.0, 2.0]),
        ];
        gives(&new, "a.weight", &[6.0, 8.0, 0.0, 1.0]);
        refused(&[("a.weight_g", &[3, 1], &[1.0; 3]), v], "remove_weight_norm");
        refused(&[("a.weight_g", &[2], &[1.0; 2]), v], "remove_weight_norm");
    }

    #[test]
    fn a_spectral_norm_is_what_eval_mode_divides_by() {
        let weight: (&str, &[usize], &[f32]) = ("weight_orig", &[1, 2], &[3.0, 4.0]);
        gives(&[weight, ("weight_u", &[1], &[1.0]), ("weight_v", &[2], &[0.0, 0.5])], "weight", &[1.5, 2.0]);
        gives(&[weight, ("weight_u", &[2], &[0.0, 0.5]), ("weight_v", &[1], &[1.0])], "weight", &[1.5, 2.0]);
        refused(
            &[weight, ("weight_u", &[2], &[1.0; 2]), ("weight_v", &[2], &[1.0; 2])],
            "remove_spectral_norm",
        );
        // Of which side a square one is, its vectors tell.
        let square: (&str, &[usize], &[f32]) = ("weight_orig", &[2, 2], &[0.0, 2.0, 0.0, 0.0]);
        let (one, two): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
        gives(&[square, ("weight_u", &[2], one), ("weight_v", &[2], two)], "weight", &[0.0, 1.0, 0.0, 0.0]);
        refused(&[square, ("weight_u", &[2], two), ("weight_v", &[2], one)], "remove_spectral_norm");
    }

    #[test]
    fn masks_are_applied_before_norms() {
        gives(
            &[("weight_orig", &[2], &[3.0, 4.0]), ("weight_mask", &[2], &[1.0, 0.0])],
            "weight",
            &[3.0, 0.0],
        );
        let both: [(&str, &[usize], &[f32]); 3] = [
            ("weight_g", &[1, 1], &[2.0]),
            ("weight_v_mask", &[1, 2], &[0.0, 1.0]),
            ("weight_v_orig", &[1, 2], &[3.0, 4.0]),
        ];
        gives(&both, "weight", &[0.0, 2.0]);
        refused(&[("bias_orig", &[2], &[3.0, 4.0]), ("bias_mask", &[1], &[1.0])], "prune.remove");
    }

    #[test]
    fn other_parametrizations_are_refused_with_the_way_out() {
        for parts in [&["original"][..], &["original", "0.base"], &["original0", "original1", "1._u"]] {
            let names: Vec<String> =
                parts.iter().map(|part| format!("a.parametrizations.weight.{part}")).collect();
            let arrays: Vec<(&str, &[usize], &[f32])> =
                names.iter().map(|name| (name.as_str(), &[1, 1][..], &[1.0][..])).collect();
            refused(&arrays, "`a.weight`: it has a parametrization");
            refused(&arrays, "remove_parametrizations(module, name)");
        }
    }

    #[test]
    fn modules_around_modules_and_counters_go() {
        gives(&[("_orig_mod.a._orig_mod.w", &[1], &[1.0])], "a.w", &[1.0]);
        gives(&[("n_averaged", &[], &[3.0]), ("module.w", &[1], &[1.0])], "module.w", &[1.0]);
        refused(&[("_orig_mod.w", &[1], &[1.0]), ("w", &[1], &[1.0])], "two of its weights would be `w`");
        refused(
            &[
                ("w_orig", &[1], &[1.0]),
                ("weight_orig", &[1], &[1.0]),
                ("weight_mask", &[1], &[1.0]),
                ("weight", &[1], &[1.0]),
            ],
            "two of its weights",
        );
        // What only sounds alike stays.
        let alike =
            ["n_averaged", "head.w_g", "head.w_v", "my_orig_mod.w"].map(|name| (name, &[1][..], &[1.0][..]));
        assert_eq!(unwrapped(&alike).unwrap().len(), 4);
    }
}
