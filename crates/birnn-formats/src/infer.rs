//! What model a state dict is of, inferred from names and shapes alone.
//!
//! Shapes determine the network. Whether its class calls the layers `lstm` or `encoder` is up to its author,
//! so any names are accepted; what is renamed is reported.

use birnn_data::name;

use birnn_architecture::{ATTENTION, Direction, HEAD, Weight};

use crate::error::{InferError, refuse, short_name};
use crate::state_dict::{Array, StateDict};
use crate::{CellKind, Hidden, ModelConfig, Readout, wrappers};

/// A model inferred from its state dict, whose weights are under the names of birnn's nets: `lstm.`, `gru.`
/// or `rnn.`, `attention.`, `fc.`
#[derive(Clone, Debug)]
pub struct InferredModel {
    /// The weights.
    pub weights: StateDict,
    /// Modules that had another name: theirs, and ours.
    pub renamed: Vec<(String, String)>,
    /// What PyTorch's users had wrapped around weights and is taken off here, a line for each: norms, masks,
    /// counters.
    pub unwrapped: Vec<String>,
    /// Whether its recurrent layers had no biases, as with `bias=False`; they are zeros here, which is the
    /// same net.
    pub without_biases: bool,
    /// Whether its head had none.
    pub head_without_bias: bool,
    /// Features per time step.
    pub features: usize,
    /// Outputs of the head: classes.
    pub outputs: usize,
    /// Cell, layers, directions and hidden sizes; an attention readout by its weights. What leaves no trace
    /// in weights has its default: other readouts, the nonlinearity of an RNN, dropout.
    pub config: ModelConfig,
}

/// The first parts of names, their last dots included.
struct Modules {
    recurrent: String,
    attention: String,
    head: String,
}

impl InferredModel {
    /// Takes off what PyTorch's users wrap around weights, and looks for one stack of recurrent layers,
    /// whatever it is called, and one linear head.
    ///
    /// # Errors
    ///
    /// When it is no such net, or wrapped in what cannot be taken off.
    pub fn new(weights: StateDict) -> Result<InferredModel, InferError> {
        let (mut weights, unwrapped) = wrappers::unwrap(weights)?;
        // Whose other lengths would be believed without a number in the file.
        if let Some((name, array)) = weights.iter().find(|(_, array)| array.values().is_empty()) {
            return refuse(format!("`{}` is {:?}, with no number in it", short_name(name), array.shape()));
        }
        let finite = |array: &Array| array.values().iter().all(|value| value.is_finite());
        if let Some((name, _)) = weights.iter().find(|(_, array)| !finite(array)) {
            return refuse(format!("`{}` has values that are not finite, as f32 at least", short_name(name)));
        }
        let modules = Modules::of(&weights)?;
        let without_biases = modules.fill_biases(&mut weights);
        let head_without_bias = modules.fill_head(&mut weights);
        let (features, outputs, config) = modules.read(&weights)?;
        let architecture = config.resolve().map_err(|error| InferError::new(error.to_string()))?;

        let Modules { recurrent, attention, head } = modules;
        let prefix = format!("{}.", architecture.cell.prefix());
        let names = [(recurrent, prefix), (attention, format!("{ATTENTION}.")), (head, format!("{HEAD}."))];
        let mut ours = StateDict::new();
        for (name, array) in weights {
            let renamed =
                names.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", within(&name, theirs)?)));
            let renamed = renamed.unwrap_or(name);
            if ours.contains_key(&renamed) {
                return refuse(format!("two of its weights would be `{}`", short_name(&renamed)));
            }
            ours.insert(renamed, array);
        }
        let is_there = |module: &str| ours.keys().any(|name| name.starts_with(module));
        let renamed = names.into_iter().filter(|(theirs, ours)| theirs != ours && is_there(ours)).collect();
        Ok(InferredModel {
            weights: ours,
            renamed,
            unwrapped,
            without_biases,
            head_without_bias,
            features,
            outputs,
            config,
        })
    }

    /// What the file calls, or would call, the parameter of this name of birnn's.
    pub fn own_name(&self, name: &str) -> String {
        let own = |(theirs, ours): &(String, String)| Some(format!("{theirs}{}", within(name, ours)?));
        self.renamed.iter().find_map(own).unwrap_or_else(|| name.to_owned())
    }
}

impl Modules {
    fn of(weights: &StateDict) -> Result<Modules, InferError> {
        let recurrent = recurrent_of(weights)?;
        let root = root_of(weights, &recurrent);
        let attention = format!("{root}{ATTENTION}.");
        let head = head_of(weights, &root, &[&recurrent, &attention])?;
        Ok(Modules { recurrent, attention, head })
    }

    /// Gives zeros to recurrent layers that have no bias at all, and says whether these are such.
    fn fill_biases(&self, weights: &mut StateDict) -> bool {
        let recurrent = &self.recurrent;
        let own = |name: &String| within(name, recurrent).map(str::to_owned);
        if weights.keys().filter_map(own).any(|name| name.starts_with("bias_")) {
            return false;
        }
        let rows = |(name, array): (&String, &Array)| {
            let bias = own(name)?.strip_prefix("weight_").map(|rest| format!("{recurrent}bias_{rest}"))?;
            Some((bias, *array.shape().first()?))
        };
        let biases: Vec<_> = weights.iter().filter_map(rows).collect();
        weights
            .extend(biases.into_iter().map(|(name, rows)| (name, Array::new(vec![rows], vec![0.0; rows]))));
        true
    }

    /// Gives zeros to a head without a bias, and says whether it is one.
    fn fill_head(&self, weights: &mut StateDict) -> bool {
        let [weight, bias] = ["weight", "bias"].map(|name| format!("{}{name}", self.head));
        let Some(&rows) = weights.get(&weight).and_then(|array| array.shape().first()) else { return false };
        if weights.contains_key(&bias) {
            return false;
        }
        weights.insert(bias, Array::new(vec![rows], vec![0.0; rows]));
        true
    }

    /// Features, outputs, and the net between them.
    fn read(&self, weights: &StateDict) -> Result<(usize, usize, ModelConfig), InferError> {
        let Modules { recurrent, attention, head } = self;
        let shape = |name: &str| weights.get(&format!("{recurrent}{name}")).map(Array::shape);
        let matrix = |name: &str| match shape(name) {
            Some(&[rows, columns]) => Ok((rows, columns)),
            Some(_) => refuse(format!("`{}{name}` is no matrix", short_name(recurrent))),
            None => refuse(format!("`{}{name}` is missing", short_name(recurrent))),
        };
        if shape("weight_hr_l0").is_some() {
            let name = format!("{recurrent}weight_hr_l0");
            return refuse(format!(
                "`{}`: it has a projection (`proj_size`), which birnn's nets have not",
                short_name(&name)
            ));
        }
        let (rows, features) = matrix("weight_ih_l0")?;
        let (_, forward) = matrix("weight_hh_l0")?;
        // Of a layer or direction that lacks some of its weights, the others tell.
        let has = |layer: usize, direction: Direction| {
            Weight::ALL.iter().any(|weight| shape(&weight.name(layer, direction)).is_some())
        };
        let reverse = match has(0, Direction::Reverse) {
            false => None,
            true => Some(matrix(&Weight::HiddenHidden.name(0, Direction::Reverse))?.1),
        };
        let cell = match (rows.checked_div(forward), rows.checked_rem(forward)) {
            (Some(1), Some(0)) => CellKind::Rnn,
            (Some(3), Some(0)) => CellKind::Gru,
            (Some(4), Some(0)) => CellKind::Lstm,
            _ => {
                return refuse(format!(
                    "`{}weight_ih_l0` has {rows} rows for {forward} hidden units, which is neither 1, 3 nor \
                     4 for each: no RNN, GRU or LSTM",
                    short_name(recurrent)
                ));
            }
        };
        let default = ModelConfig::default();
        let config = ModelConfig {
            cell,
            bidirectional: reverse.is_some(),
            layers: (0..)
                .take_while(|&layer| has(layer, Direction::Forward) || has(layer, Direction::Reverse))
                .count(),
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
        Ok((features, weights[&format!("{head}weight")].shape()[0], config))
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| format!("`{}`", short_name(name.trim_end_matches('.')))).collect();
    name::first(&quoted)
}

/// What follows `module` in a name, where it is a parameter of that module itself.
fn within<'a>(name: &'a str, module: &str) -> Option<&'a str> {
    name.strip_prefix(module).filter(|rest| !rest.contains('.'))
}

/// The module with the recurrent layers.
fn recurrent_of(weights: &StateDict) -> Result<String, InferError> {
    let modules = weights.keys().filter_map(|name| name.strip_suffix("weight_ih_l0"));
    let modules: Vec<&str> = modules.filter(|module| module.is_empty() || module.ends_with('.')).collect();
    match modules.as_slice() {
        [module] => Ok((*module).to_owned()),
        [] => {
            let names: Vec<&str> = weights.keys().map(String::as_str).collect();
            refuse(format!(
                "no recurrent layers are in it, no `lstm.weight_ih_l0` or the like; it starts with {}",
                listed(&names)
            ))
        }
        several => refuse(format!(
            "several recurrent modules are in it, {}; birnn's nets have one; in Python, save the state dict \
             of one net",
            listed(several)
        )),
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
            "several matrices could be its head, {}; birnn's nets have one, a single linear layer",
            listed(several)
        )),
    }
}
