//! Several nets in one file, such as averaged weights beside those that they are the averages of: which one a
//! key means, and which keys there are.

use std::collections::{BTreeSet, HashSet};

use birnn_data::{escape, name};

use crate::error::{LONGEST_NAME, short_name};
use crate::state_dict::{Array, StateDict};
use crate::wrappers::{PARAMETRIZATIONS, is_around, plain};

/// The key of what was saved itself.
pub(crate) const OWN: &str = ".";

/// The weights that `key` means, by what their names begin with.
pub(crate) fn select(weights: StateDict, key: Option<&str>) -> Result<StateDict, String> {
    let (names, arrays): (Vec<String>, Vec<Array>) = weights.into_iter().unzip();
    let prefix = key.filter(|key| *key != OWN).unwrap_or_default();
    let begins = |(name, array)| Some((after(name, prefix)?, array));
    let within: Vec<(&str, Array)> =
        names.iter().map(String::as_str).zip(arrays).filter_map(begins).collect();
    if within.is_empty() && !prefix.is_empty() {
        let modules = modules(names.iter().map(String::as_str));
        return Err(nothing_under(prefix, keys("", &modules), names.iter().map(|name| first_part(name))));
    }
    let chosen = choose(within, prefix, key.is_some())?;
    Ok(chosen.into_iter().map(|(name, array)| (name.to_owned(), array)).collect())
}

/// Of weights that the key `taken` has led to, those of one net: where there are several, of the one whose
/// names have no prefix left, if a key was given. The error says which there are.
pub(crate) fn choose<'n, T>(
    weights: Vec<(&'n str, T)>,
    taken: &str,
    asked: bool,
) -> Result<Vec<(&'n str, T)>, String> {
    let mut seen = HashSet::new();
    if let Some((name, _)) = weights.iter().find(|(name, _)| !seen.insert(*name)) {
        return Err(format!("two of its weights would be `{}`", short_name(name)));
    }
    let modules = modules(weights.iter().map(|(name, _)| *name));
    let nets: BTreeSet<&str> = modules.iter().map(|module| net_of(module)).collect();
    if nets.len() < 2 {
        return Ok(weights);
    }
    if !(asked && nets.contains("")) {
        return Err(format!(
            "several recurrent modules are in it, {}; birnn's nets have one; where each is a net of its own, \
             {}",
            listed(modules.iter().map(|module| module.trim_end_matches('.'))),
            offered(&keys(taken, &modules))
        ));
    }
    // With what stands beside the others, such as the counter of an average.
    let own: HashSet<&str> =
        modules.iter().filter(|module| net_of(module).is_empty()).map(|m| first_part(m)).collect();
    let others: HashSet<&str> =
        nets.iter().filter(|net| !net.is_empty()).map(|net| first_part(net)).collect();
    let is_own = |name: &str| {
        let name = plain(name);
        own.contains(first_part(&name)) || !others.contains(first_part(&name))
    };
    Ok(weights.into_iter().filter(|(name, _)| is_own(name)).collect())
}

/// What follows `key` in a name; all of it where `key` is empty. Modules around modules need not be in a key.
pub(crate) fn after<'n>(name: &'n str, key: &str) -> Option<&'n str> {
    if key.is_empty() {
        return Some(name);
    }
    if let Some(rest) = name.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) {
        return Some(rest);
    }
    let key = plain(key);
    let mut wanted = key.split('.').filter(|_| !key.is_empty()).peekable();
    wanted.peek()?;
    let mut rest = name;
    while wanted.peek().is_some() {
        let (part, behind) = rest.split_once('.')?;
        if !is_around(part) {
            wanted.next_if(|wanted| is_meant(part, wanted))?;
        }
        rest = behind;
    }
    Some(rest)
}

/// Whether `typed` means this part of a file's own names: as it is, or as messages show it.
pub(crate) fn is_meant(part: &str, typed: &str) -> bool {
    part == typed || escape::line(part) == typed
}

/// The recurrent modules that `names` are of, their last dots included.
pub(crate) fn modules<'n>(names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
    names.filter_map(|name| recurrent_of(&plain(name)).map(str::to_owned)).collect()
}

/// Whether it is the name of a recurrent layer's first weight, or of what that is computed from.
pub(crate) fn is_recurrent(name: &str) -> bool {
    recurrent_of(name).is_some()
}

/// The module that it is the first weight of, its last dot included.
fn recurrent_of(name: &str) -> Option<&str> {
    const FIRST: &str = "weight_ih_l0";
    let start = name.rfind(FIRST)?;
    let (module, rest) = (&name[..start], &name[start + FIRST.len()..]);
    let whole = |module: &str| module.is_empty() || module.ends_with('.');
    match module.strip_suffix(PARAMETRIZATIONS).filter(|module| whole(module)) {
        Some(module) => rest.starts_with(['.', '_']).then_some(module),
        None => {
            let is_weight = rest.is_empty() || rest.starts_with('_') && !rest.contains('.');
            (whole(module) && is_weight).then_some(module)
        }
    }
}

/// What the names of a whole net begin with, its dot included, told from what those of its recurrent layers
/// begin with.
fn net_of(recurrent: &str) -> &str {
    let module = recurrent.trim_end_matches('.');
    module.rfind('.').map_or("", |dot| &recurrent[..=dot])
}

fn first_part(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// The keys of the nets with these recurrent modules, which the key `taken` leads to. Of one that is there
/// alone, in whatever modules, all is the net: its head may be outside of them.
pub(crate) fn keys(taken: &str, modules: &BTreeSet<String>) -> Vec<String> {
    let own = |module| if modules.len() == 1 { "" } else { net_of(module).trim_end_matches('.') };
    let nets: BTreeSet<&str> = modules.iter().map(|module| own(module)).collect();
    let key = |net: &str| match (taken, net) {
        ("", "") => OWN.to_owned(),
        (one, "") | ("", one) => one.to_owned(),
        (taken, net) => format!("{taken}.{net}"),
    };
    nets.into_iter().map(key).collect()
}

/// Says which options name one of these.
pub(crate) fn offered(keys: &[String]) -> String {
    let whole = keys.iter().filter(|key| key.chars().count() <= LONGEST_NAME);
    let flags = whole.map(|key| flag(key)).collect::<Vec<_>>().join(" or ");
    match flags.is_empty() {
        true => "save one of them in Python: their names are too long to be typed".to_owned(),
        false => format!("say which is meant: {flags}"),
    }
}

/// The option, as a shell takes it.
fn flag(key: &str) -> String {
    let key = short_name(key);
    let is_plain = |c: char| c.is_alphanumeric() || "._-+:@/%,".contains(c);
    match !key.is_empty() && !key.starts_with('-') && key.chars().all(is_plain) {
        true => format!("--key {key}"),
        false => format!("--key='{}'", key.replace('\'', r"'\''")),
    }
}

/// Why `key` is none: what keys there are, or else what `others` stand where keys are looked for.
pub(crate) fn nothing_under<'n>(
    key: &str,
    keys: Vec<String>,
    others: impl Iterator<Item = &'n str>,
) -> String {
    let key = short_name(key);
    match keys.is_empty() {
        false => format!(
            "--key {key}: there are no weights under it, but under {}",
            listed(keys.iter().map(String::as_str))
        ),
        true => format!("--key {key}: there are no weights under it; there are {}", listed(others)),
    }
}

/// The first few names, each once.
pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut seen = HashSet::new();
    let names = names.filter(|name| seen.insert(*name));
    let quoted: Vec<String> = names.map(|name| format!("`{}`", short_name(name))).collect();
    if quoted.is_empty() { "none".to_owned() } else { name::first(&quoted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recurrent_module_that_is_alone_is_of_all_that_is_there() {
        let of = |taken: &str, modules: &[&str]| {
            keys(taken, &modules.iter().map(|&module| module.to_owned()).collect())
        };
        assert_eq!(of("", &["encoder.lstm."]), ["."]);
        assert_eq!(of("model", &["encoder.lstm."]), ["model"]);
        assert_eq!(of("model", &["lstm.", "ema.lstm."]), ["model", "model.ema"]);
    }
}
