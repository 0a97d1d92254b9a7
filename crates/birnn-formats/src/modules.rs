//! What the modules of a state dict are: which has the recurrent layers, which is the head, and of a net that
//! reads words which have the vectors, which reads characters and which is the conditional random field.
//!
//! Shapes tell recurrent layers and a head from all else. Tables of vectors are matrices as a head is, and a
//! layer that reads characters is a recurrent one: these are told by their names, `emb` and `char` in them,
//! as in all of PyTorch's examples; a conditional random field by the names that pytorch-crf gives its
//! parameters.

use std::collections::BTreeSet;

use birnn_architecture::{ATTENTION, CHARACTER_EMBEDDING, CHARACTERS, CRF, EMBEDDING, HEAD};
use birnn_data::name;

use crate::error::{InferError, refuse, short_name};
use crate::state_dict::{Array, StateDict};

/// The first parts of names, their last dots included.
pub(crate) struct Modules {
    pub recurrent: String,
    pub attention: String,
    pub head: String,
    /// The vectors of words.
    pub words: Option<String>,
    /// The vectors of characters, and the layer that reads them.
    pub characters: Option<(String, String)>,
    pub crf: Option<String>,
}

impl Modules {
    pub fn of(weights: &StateDict) -> Result<Modules, InferError> {
        let (recurrent, reads_characters) = recurrent_of(weights)?;
        let root = root_of(weights, &recurrent);
        let attention = format!("{root}{ATTENTION}.");
        // A net with one recurrent module may read characters as others read words.
        let of_characters = |module: &str| reads_characters.is_some() && is_of_characters(module);
        let words = table_of(weights, "words", |module| !of_characters(module))?;
        let characters = match &reads_characters {
            None => None,
            Some(recurrent) => match table_of(weights, "characters", of_characters)? {
                Some(table) => Some((table, recurrent.clone())),
                None => {
                    return refuse(format!(
                        "{} reads characters, and there are no vectors of such, a matrix with `char` and `emb` in its \
                         name",
                        listed(&[recurrent])
                    ));
                }
            },
        };
        let of_characters = characters.iter().flat_map(|(table, recurrent)| [table, recurrent]);
        let others = [&recurrent, &attention].into_iter().chain(&words).chain(of_characters);
        let others: Vec<&str> = others.map(String::as_str).collect();
        let head = head_of(weights, &root, &others)?;
        let crf = crf_of(weights)?;
        Ok(Modules { recurrent, attention, head, words, characters, crf })
    }

    /// What each is called, and what it is in birnn's nets whose cell has names with `prefix`.
    pub fn renamed(self, prefix: &str) -> Vec<(String, String)> {
        let own = |module: &str| format!("{module}.");
        let mut names =
            vec![(self.recurrent, own(prefix)), (self.attention, own(ATTENTION)), (self.head, own(HEAD))];
        names.extend(self.words.map(|words| (words, own(EMBEDDING))));
        if let Some((table, recurrent)) = self.characters {
            names.push((table, own(CHARACTER_EMBEDDING)));
            names.push((recurrent, format!("{CHARACTERS}{prefix}.")));
        }
        names.extend(self.crf.map(|crf| (crf, own(CRF))));
        names
    }

    /// Gives zeros to recurrent layers that have no bias at all, and says whether these are such.
    pub fn fill_biases(&self, weights: &mut StateDict) -> bool {
        let all = [Some(&self.recurrent), self.characters.as_ref().map(|(_, recurrent)| recurrent)];
        // Each is filled, whatever is true of the one before.
        let filled = all.map(|recurrent| recurrent.is_some_and(|recurrent| fill_biases(recurrent, weights)));
        filled.contains(&true)
    }

    /// Gives zeros to a head without a bias, and says whether it is one.
    pub fn fill_head(&self, weights: &mut StateDict) -> bool {
        let [weight, bias] = ["weight", "bias"].map(|name| format!("{}{name}", self.head));
        let Some(&rows) = weights.get(&weight).and_then(|array| array.shape().first()) else { return false };
        if weights.contains_key(&bias) {
            return false;
        }
        weights.insert(bias, Array::new(vec![rows], vec![0.0; rows]));
        true
    }
}

/// As [`Modules::fill_biases`], of one module.
fn fill_biases(recurrent: &str, weights: &mut StateDict) -> bool {
    let own = |name: &String| within(name, recurrent).map(str::to_owned);
    if weights.keys().filter_map(own).any(|name| name.starts_with("bias_")) {
        return false;
    }
    let rows = |(name, array): (&String, &Array)| {
        let bias = own(name)?.strip_prefix("weight_").map(|rest| format!("{recurrent}bias_{rest}"))?;
        Some((bias, *array.shape().first()?))
    };
    let biases: Vec<_> = weights.iter().filter_map(rows).collect();
    weights.extend(biases.into_iter().map(|(name, rows)| (name, Array::new(vec![rows], vec![0.0; rows]))));
    true
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| format!("`{}`", short_name(name.trim_end_matches('.')))).collect();
    name::first(&quoted)
}

/// What follows `module` in a name, where it is a parameter of that module itself.
pub(crate) fn within<'a>(name: &'a str, module: &str) -> Option<&'a str> {
    name.strip_prefix(module).filter(|rest| !rest.contains('.'))
}

/// The last part of a module's name, in small letters.
fn last_part(module: &str) -> String {
    module.trim_end_matches('.').rsplit('.').next().unwrap_or_default().to_lowercase()
}

fn is_of_characters(module: &str) -> bool {
    last_part(module).contains("char")
}

/// The module with the recurrent layers, and the one whose layer reads characters.
fn recurrent_of(weights: &StateDict) -> Result<(String, Option<String>), InferError> {
    // Of either direction, each module once.
    let modules: BTreeSet<&str> = weights
        .keys()
        .filter_map(|name| name.strip_suffix("_reverse").unwrap_or(name).strip_suffix("weight_ih_l0"))
        .filter(|module| module.is_empty() || module.ends_with('.'))
        .collect();
    let modules: Vec<&str> = modules.into_iter().collect();
    let (of_characters, of_all): (Vec<&str>, Vec<&str>) =
        modules.iter().partition(|module| is_of_characters(module));
    match (of_all.as_slice(), of_characters.as_slice(), modules.as_slice()) {
        ([module], [characters], _) => Ok(((*module).to_owned(), Some((*characters).to_owned()))),
        (_, _, [module]) => Ok(((*module).to_owned(), None)),
        (_, _, []) => {
            let names: Vec<&str> = weights.keys().map(String::as_str).collect();
            refuse(format!(
                "no recurrent layers are in it, no `lstm.weight_ih_l0` or the like; it starts with {}",
                listed(&names)
            ))
        }
        (_, _, several) => refuse(format!(
            "several recurrent modules are in it, {}; birnn's nets have one, and one with `char` in its name where they \
             read characters; in Python, save the state dict of one net",
            listed(several)
        )),
    }
}

/// The module with the vectors of `what`: a matrix without a bias.
fn table_of(
    weights: &StateDict,
    what: &str,
    is_one: impl Fn(&str) -> bool,
) -> Result<Option<String>, InferError> {
    let table = |(name, array): (&String, &Array)| {
        let module = name.strip_suffix("weight").filter(|module| module.ends_with('.'))?.to_owned();
        let is_table = array.shape().len() == 2 && !weights.contains_key(&format!("{module}bias"));
        (is_table && last_part(&module).contains("emb") && is_one(&module)).then_some(module)
    };
    let mut tables: Vec<String> = weights.iter().filter_map(table).collect();
    match tables.len() {
        0 | 1 => Ok(tables.pop()),
        _ => {
            let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
            refuse(format!(
                "several matrices could be its vectors of {what}, {}; birnn's nets have one such, and where recurrent \
                 layers with `char` in their name read characters, one with `char` in its name",
                listed(&tables)
            ))
        }
    }
}

/// The module of the conditional random field.
fn crf_of(weights: &StateDict) -> Result<Option<String>, InferError> {
    let modules = weights.keys().filter_map(|name| name.strip_suffix("start_transitions"));
    match modules.collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [module] => Ok(Some((*module).to_owned())),
        several => refuse(format!("several conditional random fields are in it, {}", listed(several))),
    }
}

/// What all names begin with, such as `module.`, as far as it is outside of the recurrent module.
fn root_of(weights: &StateDict, recurrent: &str) -> String {
    let module = recurrent.trim_end_matches('.');
    let outside = module.rfind('.').map_or("", |dot| &module[..=dot]);
    // What the first name and the last one begin with, all between them do.
    let ends = weights.keys().next().into_iter().chain(weights.keys().next_back());
    let common = ends.fold(outside.len(), |common, name| {
        let same = name.bytes().zip(outside.bytes().take(common)).take_while(|(a, b)| a == b);
        same.count()
    });
    outside.as_bytes()[..common]
        .iter()
        .rposition(|&byte| byte == b'.')
        .map_or("", |dot| &outside[..=dot])
        .to_owned()
}

/// The module with the head: the only matrix outside of `others`, or the one called `fc`.
fn head_of(weights: &StateDict, root: &str, others: &[&str]) -> Result<String, InferError> {
    let usual = format!("{root}{HEAD}.");
    let matrices = weights.iter().filter(|(name, array)| {
        array.shape().len() == 2 && !others.iter().any(|module| within(name, module).is_some())
    });
    let modules: Vec<&str> = matrices.filter_map(|(name, _)| name.strip_suffix("weight")).collect();
    match modules.as_slice() {
        [module] if module.ends_with('.') => Ok((*module).to_owned()),
        modules if modules.contains(&usual.as_str()) => Ok(usual),
        [] => refuse(format!(
            "there is no head in it: no `{}weight` with a row for each class",
            short_name(&usual)
        )),
        several => refuse(format!(
            "several matrices could be its head, {}; birnn's nets have one, a single linear layer; the vectors of words \
             are told by a name with `emb` in it",
            listed(several)
        )),
    }
}
