//! Which of the dicts in a file is the state dict.
//!
//! Training scripts save what they like around it, under whatever keys. What is taken for one has the weights of a recurrent
//! layer in it; where several have, averaged weights beside those that were averaged for one, the user must say which.

use std::collections::{HashMap, HashSet};

use super::arena::{Arena, Value, View};

/// A dict with the keys that lead to it.
type Candidate<'a> = (Vec<&'a str>, usize);

/// Dicts in dicts are looked into so far.
const DEEPEST: usize = 8;
/// Keys that a message lists, and characters of each.
const MOST_LISTED: usize = 10;
const LONGEST_SHOWN: usize = 100;
/// Names the whole of what was saved, as a key.
const ALL: &str = ".";
/// Where moving averages stand that are a list, in the order of the parameters.
const AVERAGES: &str = "shadow_params";
/// Where training scripts keep the state dict, as far as there is a custom. It is for the message about a file that has no
/// recurrent layers in it.
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
        let (dict, prefix) = match key {
            ALL => (root, ""),
            key => resolve(arena, root, key).ok_or_else(|| nothing_under(arena, root, key, &candidates))?,
        };
        return tensors(arena, dict, prefix);
    }
    match candidates.as_slice() {
        [] => tensors(arena, usual(arena, root)?, ""),
        [(path, dict)] => match averages {
            None => tensors(arena, *dict, ""),
            Some(averages) => Err(format!(
                "averaged weights without names are in it beside others, in `{}`; for the others: --key {}; for the averages, \
                 in Python, copy them into the model and save `model.state_dict()`",
                dotted(&averages),
                dotted(path)
            )),
        },
        [(_, first), others @ ..] => {
            let weights = tensors(arena, *first, "")?.into_iter().collect::<HashMap<_, _>>();
            let same = |(_, dict): &Candidate| {
                tensors(arena, *dict, "").is_ok_and(|other| {
                    other.len() == weights.len()
                        && other.iter().all(|(name, view)| weights.get(name) == Some(view))
                })
            };
            if others.iter().all(same) {
                return Ok(weights.into_iter().collect());
            }
            Err(format!(
                "several state dicts are in it, {}; say which is meant: --key {}",
                listed(candidates.iter().map(|(path, _)| dotted(path))),
                dotted(&candidates[0].0)
            ))
        }
    }
}

/// The dicts with the weights of a recurrent layer among their own values, each once, in the file's order; and where averages
/// of weights are that have no names.
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

/// Whether it is the name of a recurrent layer's first weight, or of what that is computed from.
fn is_recurrent(name: &str) -> bool {
    name.rsplit('.').take(2).any(|part| part.starts_with("weight_ih_l0"))
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
        format!("there are no weights in it; its keys are {}", listed(keys.map(shortened)))
    })
}

/// The dict that a dotted path leads to, and what all names of the weights that are meant begin with there. Keys may have dots
/// of their own.
fn resolve<'k>(arena: &Arena, dict: usize, path: &'k str) -> Option<(usize, &'k str)> {
    let pairs = arena.pairs(dict);
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        let value = pairs.iter().rfind(|pair| arena.text(pair.0) == Some(&path[..end]));
        let Some(&(_, Value::Dict(inner))) = value else { continue };
        let found = match path.get(end + 1..) {
            None => Some((inner, "")),
            Some(rest) => resolve(arena, inner, rest),
        };
        if found.is_some() {
            return found;
        }
    }
    let begins = |name: &str| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let is_there = |(key, value): &(Value, Value)| {
        arena.tensor(*value).is_some() && arena.text(*key).is_some_and(begins)
    };
    pairs.iter().any(is_there).then_some((dict, path))
}

fn nothing_under(arena: &Arena, root: usize, key: &str, candidates: &[Candidate]) -> String {
    let key = key.escape_debug();
    if !candidates.is_empty() {
        let there = listed(candidates.iter().map(|(path, _)| dotted(path)));
        return format!("--key {key}: there are no weights under it; state dicts are {there}");
    }
    let keys = arena.pairs(root).iter().filter_map(|pair| arena.text(pair.0));
    format!("--key {key}: there are no weights under it; its keys are {}", listed(keys.map(shortened)))
}

/// The tensors of a dict whose names begin with `prefix`, which they lose.
fn tensors<'a>(arena: &'a Arena, dict: usize, prefix: &str) -> Result<Vec<(&'a str, &'a View)>, String> {
    let mut views = HashMap::new();
    for &(key, value) in arena.pairs(dict) {
        let name = match arena.text(key) {
            Some(name) if prefix.is_empty() => name,
            Some(name) => match name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) {
                Some(name) => name,
                None => continue,
            },
            None => return Err("a key of its state dict is no text".to_owned()),
        };
        let view = arena.tensor(value).ok_or_else(|| {
            format!(
                "`{}` in its state dict is no tensor: in Python, save `model.state_dict()` alone",
                shortened(name)
            )
        })?;
        // As in Python, a key that is set again has its last value.
        views.insert(name, view);
    }
    Ok(views.into_iter().collect())
}

fn dotted(path: &[&str]) -> String {
    if path.is_empty() { ALL.to_owned() } else { shortened(&path.join(".")) }
}

fn shortened(key: &str) -> String {
    key.chars().take(LONGEST_SHOWN).collect::<String>().escape_debug().to_string()
}

/// The first few, in backticks.
fn listed(keys: impl Iterator<Item = String>) -> String {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return "none".to_owned();
    }
    let mut shown: Vec<String> = keys.by_ref().take(MOST_LISTED).map(|key| format!("`{key}`")).collect();
    if keys.peek().is_some() {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}
