//! What net a state dict is of, told from names and shapes alone.

use birnn_model::{CellKind, ConfigError, Hidden, ModelConfig, Readout};

use crate::state_dict::{Array, StateDict};

/// A state dict under the names of birnn's nets: `lstm.`, `gru.` or `rnn.`, `attention.`, `fc.`
#[derive(Clone, Debug)]
pub struct Found {
    /// The weights.
    pub weights: StateDict,
    /// Modules that had another name: theirs, and ours.
    pub renamed: Vec<(String, String)>,
    /// Features per time step.
    pub features: usize,
    /// Outputs of the head: classes.
    pub outputs: usize,
    /// Cell, layers, directions and hidden sizes; an attention readout by its weights. What leaves no trace in weights has
    /// its default: other readouts, the nonlinearity of an RNN, dropout.
    pub config: ModelConfig,
}

impl Found {
    /// Looks for one stack of recurrent layers, whatever it is called, and one linear head. The error says what is not there.
    pub fn new(weights: StateDict) -> Result<Found, String> {
        if let Some((name, _)) =
            weights.iter().find(|(_, array)| array.values().iter().any(|v| !v.is_finite()))
        {
            return Err(format!("`{}` has values that are not finite, as f32 at least", name.escape_debug()));
        }
        let recurrent = recurrent_of(&weights)?;
        let root = root_of(&weights, &recurrent);
        let shape = |name: &str| weights.get(&format!("{recurrent}{name}")).map(Array::shape);
        let (Some(&[rows, features]), Some(&[_, forward])) = (shape("weight_ih_l0"), shape("weight_hh_l0"))
        else {
            return Err(format!(
                "`{recurrent}weight_ih_l0` or `{recurrent}weight_hh_l0` is no matrix, or missing"
            ));
        };
        let cell = match (rows.checked_div(forward), rows.checked_rem(forward)) {
            (Some(1), Some(0)) => CellKind::Rnn,
            (Some(3), Some(0)) => CellKind::Gru,
            (Some(4), Some(0)) => CellKind::Lstm,
            _ => {
                return Err(format!(
                    "`{recurrent}weight_ih_l0` has {rows} rows for {forward} hidden units, which is neither 1, 3 nor 4 \
                     for each: no RNN, GRU or LSTM"
                ));
            }
        };
        let reverse = match shape("weight_hh_l0_reverse") {
            None => None,
            Some(&[_, reverse]) => Some(reverse),
            Some(_) => return Err(format!("`{recurrent}weight_hh_l0_reverse` is no matrix")),
        };
        let layers = (0..).take_while(|layer| shape(&format!("weight_ih_l{layer}")).is_some()).count();
        let attention = format!("{root}attention.");
        let head = head_of(&weights, &root, &[&recurrent, &attention])?;
        let outputs = weights[&format!("{head}weight")].shape()[0];

        let default = ModelConfig::default();
        let config = ModelConfig {
            cell,
            bidirectional: reverse.is_some(),
            layers,
            hidden: match reverse {
                Some(reverse) if reverse != forward => Hidden::Each { forward, reverse },
                _ => Hidden::Same(forward),
            },
            readout: match weights.contains_key(&format!("{attention}context")) {
                true => Readout::Attention,
                false => default.readout,
            },
            ..default
        };
        let prefix = config
            .resolve()
            .map_err(|ConfigError { key, message }| format!("{key}: {message}"))?
            .cell
            .prefix();
        let names = [
            (recurrent, format!("{prefix}.")),
            (attention, "attention.".to_owned()),
            (head, "fc.".to_owned()),
        ];
        let rename = |(name, array): (String, Array)| {
            let ours =
                names.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", within(&name, theirs)?)));
            (ours.unwrap_or(name), array)
        };
        let weights = weights.into_iter().map(rename).collect();
        let renamed =
            names.into_iter().filter(|(theirs, ours)| theirs != ours && ours != "attention.").collect();
        Ok(Found { weights, renamed, features, outputs, config })
    }
}

/// What follows `module` in a name, where it is a parameter of that module itself.
fn within<'a>(name: &'a str, module: &str) -> Option<&'a str> {
    name.strip_prefix(module).filter(|rest| !rest.contains('.'))
}

/// The module with the recurrent layers, its last dot included.
fn recurrent_of(weights: &StateDict) -> Result<String, String> {
    let modules = weights.keys().filter_map(|name| name.strip_suffix("weight_ih_l0"));
    let modules: Vec<&str> = modules.filter(|module| module.is_empty() || module.ends_with('.')).collect();
    match modules.as_slice() {
        [module] => Ok((*module).to_owned()),
        [] => {
            let names: Vec<_> = weights.keys().take(10).collect();
            Err(format!(
                "no recurrent layers are in it, no `lstm.weight_ih_l0` or the like; it starts with {names:?}"
            ))
        }
        several => {
            Err(format!("several recurrent modules are in it, {several:?}, and birnn's nets have one"))
        }
    }
}

/// What all names begin with, such as `module.`, as far as it is outside of the recurrent module.
fn root_of(weights: &StateDict, recurrent: &str) -> String {
    let mut root = recurrent;
    while let Some((parent, _)) = root.trim_end_matches('.').rsplit_once('.') {
        root = &recurrent[..=parent.len()];
        if weights.keys().all(|name| name.starts_with(root)) {
            return root.to_owned();
        }
    }
    String::new()
}

/// The module with the head, its last dot included: the only matrix outside of `others`, or the one called `fc`.
fn head_of(weights: &StateDict, root: &str, others: &[&str]) -> Result<String, String> {
    let usual = format!("{root}fc.");
    let matrices = weights.iter().filter(|(name, array)| {
        array.shape().len() == 2 && !others.iter().any(|module| within(name, module).is_some())
    });
    let modules: Vec<&str> = matrices.filter_map(|(name, _)| name.strip_suffix("weight")).collect();
    match modules.as_slice() {
        [module] if module.ends_with('.') => Ok((*module).to_owned()),
        modules if modules.contains(&usual.as_str()) => Ok(usual),
        [] => Err(format!("there is no head in it: no `{usual}weight` with a row for each class")),
        several => {
            Err(format!("several matrices could be its head, {several:?}; birnn's nets have one, `fc`"))
        }
    }
}
