//! Which of the dicts in a file is the state dict.
//!
//! Training scripts save what they like around it, under whatever keys. What is taken for one has the weights
//! of a recurrent layer in it; where several have, averaged weights beside those that were averaged for one,
//! the user must say which.

use std::collections::{HashMap, HashSet};

use super::arena::{Arena, Value, View};
use crate::error::short_name;
use crate::key::{OWN, after, choose, is_meant, is_recurrent, keys, listed, modules, nothing_under, offered};

/// A dict with the keys that lead to it.
type Candidate<'a> = (Vec<&'a str>, usize);

/// Dicts in dicts are looked into so far.
const DEEPEST: usize = 8;
/// Where moving averages stand that are a list, in the order of the parameters.
const AVERAGES: &str = "shadow_params";
/// Where training scripts keep the state dict, as far as there is a custom. It is for the message about a
/// file that has no recurrent layers in it.
const USUAL: [&str; 6] = ["state_dict", "model_state_dict", "model", "module", "net", "network"];

/// The tensors of the state dict: of what `key` names, else of the only one there is.
pub(super) fn views<'a>(
    arena: &'a Arena,
    root: Value,
    key: Option<&str>,
) -> Result<Vec<(&'a str, &'a View)>, String> {
    let Value::Dict(root) = root else {
        return Err("it holds no dict: in Python, save `model.state_dict()`".to_owned());
    };
    let (candidates, averages) = candidates(arena, root);
    if let Some(key) = key {
        if key == OWN {
            return choose(tensors(arena, root, "")?, "", true);
        }
        let (dict, prefix) = resolve(arena, root, key).ok_or_else(|| {
            let there = arena.pairs(root).iter().filter_map(|pair| arena.text(pair.0));
            nothing_under(key, keys_of(arena, &candidates), there)
        })?;
        return choose(tensors(arena, dict, prefix)?, key, true);
    }
    match candidates.as_slice() {
        [] => tensors(arena, usual(arena, root)?, ""),
        [(path, dict)] => {
            let weights = tensors(arena, *dict, "")?;
            match averages {
                None => choose(weights, &path.join("."), false),
                Some(averages) => Err(format!(
                    "averaged weights without names are in it beside others, in `{}`; for the others, {}; \
                     for the averages, in Python, copy them into the model and save `model.state_dict()`",
                    short_name(&averages.join(".")),
                    offered(&keys_of(arena, &candidates))
                )),
            }
        }
        [(path, first), others @ ..] => {
            if let Ok(weights) = tensors(arena, *first, "") {
                let first: HashMap<_, _> = weights.iter().copied().collect();
                let same = |(_, dict): &Candidate| {
                    tensors(arena, *dict, "").is_ok_and(|other| {
                        other.len() == first.len()
                            && other.iter().all(|(name, view)| first.get(name) == Some(view))
                    })
                };
                if others.iter().all(same) {
                    return choose(weights, &path.join("."), false);
                }
            }
            match keys_of(arena, &candidates).as_slice() {
                // Says why.
                [] => tensors(arena, *first, ""),
                keys => Err(format!("several state dicts are in it; {}", offered(keys))),
            }
        }
    }
}

/// The keys of all nets in these dicts, as far as each is a state dict.
fn keys_of(arena: &Arena, candidates: &[Candidate]) -> Vec<String> {
    let usable = candidates.iter().filter(|(_, dict)| tensors(arena, *dict, "").is_ok());
    let keys_of = |(path, dict): &Candidate| {
        let names = arena.pairs(*dict).iter().filter_map(|pair| arena.text(pair.0));
        keys(&path.join("."), &modules(names))
    };
    usable.flat_map(keys_of).collect()
}

/// The dicts with the weights of a recurrent layer among their own values, each once, in the file's order;
/// and where averages of weights are that have no names.
fn candidates(arena: &Arena, root: usize) -> (Vec<Candidate<'_>>, Option<Vec<&str>>) {
    let mut found = Vec::new();
    let mut averages = None;
    let mut seen = HashSet::from([root]);
    // Those still to be looked at, the next one last.
    let mut next = vec![(Vec::new(), root)];
    while let Some((path, dict)) = next.pop() {
        let pairs = arena.pairs(dict);
        let recurrent = |(key, value): &(Value, Value)| {
            arena.tensor(*value).is_some() && arena.text(*key).is_some_and(is_recurrent)
        };
        if pairs.iter().any(recurrent) {
            found.push((path.clone(), dict));
        }
        if pairs.iter().any(|&(key, value)| arena.text(key) == Some(AVERAGES) && has_tensors(arena, value)) {
            averages = Some(path.iter().copied().chain([AVERAGES]).collect());
        }
        if path.len() == DEEPEST {
            continue;
        }
        let within = pairs.iter().rev().filter_map(|&(key, value)| match value {
            Value::Dict(dict) => Some((arena.text(key)?, dict)),
            _ => None,
        });
        for (key, dict) in within {
            if seen.insert(dict) {
                next.push((path.iter().copied().chain([key]).collect(), dict));
            }
        }
    }
    (found, averages)
}

/// Whether it is a list of tensors.
fn has_tensors(arena: &Arena, value: Value) -> bool {
    arena.sequence(value).unwrap_or_default().iter().any(|value| arena.tensor(*value).is_some())
}

/// What a file without recurrent layers was meant to hold, so that what it has instead can be named.
fn usual(arena: &Arena, root: usize) -> Result<usize, String> {
    let has_tensors = |dict: usize| arena.pairs(dict).iter().any(|pair| arena.tensor(pair.1).is_some());
    let pairs = arena.pairs(root);
    let under = |key: &str| {
        let (_, value) = pairs.iter().rfind(|pair| arena.text(pair.0) == Some(key))?;
        let Value::Dict(dict) = *value else { return None };
        has_tensors(dict).then_some(dict)
    };
    USUAL.into_iter().find_map(under).or_else(|| has_tensors(root).then_some(root)).ok_or_else(|| {
        let keys = pairs.iter().filter_map(|pair| arena.text(pair.0));
        format!("there are no weights in it; its keys are {}", listed(keys))
    })
}

/// The dict that a dotted path leads to, and what all names of the weights that are meant begin with there.
/// Keys may have dots of their own.
fn resolve<'k>(arena: &Arena, dict: usize, path: &'k str) -> Option<(usize, &'k str)> {
    let pairs = arena.pairs(dict);
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        let value =
            pairs.iter().rfind(|pair| arena.text(pair.0).is_some_and(|key| is_meant(key, &path[..end])));
        let Some(&(_, Value::Dict(inner))) = value else { continue };
        let found = match path.get(end + 1..) {
            None => Some((inner, "")),
            Some(rest) => resolve(arena, inner, rest),
        };
        if found.is_some() {
            return found;
        }
    }
    let begins = |name: &str| after(name, path).is_some();
    let is_there = |(key, value): &(Value, Value)| {
        arena.tensor(*value).is_some() && arena.text(*key).is_some_and(begins)
    };
    pairs.iter().any(is_there).then_some((dict, path))
}

/// The tensors of a dict whose names begin with `prefix`, which they lose.
fn tensors<'a>(arena: &'a Arena, dict: usize, prefix: &str) -> Result<Vec<(&'a str, &'a View)>, String> {
    let mut views = HashMap::new();
    for &(key, value) in arena.pairs(dict) {
        let name = arena.text(key).ok_or("a key of its state dict is no text")?;
        let Some(inner) = after(name, prefix) else { continue };
        let view = arena.tensor(value).ok_or_else(|| {
            format!(
                "`{}` in its state dict is no tensor: in Python, save `model.state_dict()` alone",
                short_name(inner)
            )
        })?;
        // As in Python, a key that is set again has its last value.
        views.insert(name, (inner, view));
    }
    Ok(views.into_values().collect())
}
