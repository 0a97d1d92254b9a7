//! What model a state dict is of, inferred from names and shapes alone.
//!
//! Shapes determine the network. Whether its class calls the layers `lstm` or `encoder` is up to its author,
//! so any names are accepted; what is renamed is reported.

use birnn_architecture::{
    CHARACTER_EMBEDDING, CharacterNet, Direction, EMBEDDING, EmbeddingConfig, Head, Inputs, Weight,
};

use crate::error::{InferError, refuse, short_name};
use crate::modules::{Modules, within};
use crate::state_dict::{Array, StateDict};
use crate::{CellKind, Hidden, ModelConfig, Readout, wrappers};

/// A model inferred from its state dict, whose weights are under the names of birnn's nets: `lstm.`, `gru.`
/// or `rnn.`, `attention.`, `fc.`; of a net that reads words also `embedding.`, `char_embedding.`,
/// `char_lstm.` or the like, `crf.`
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
    /// Features per time step of the bottom layer; of words the values of their vectors, with what is made of
    /// their characters. What the net itself reads is [`InferredModel::inputs`].
    pub features: usize,
    /// Outputs of the head: classes.
    pub outputs: usize,
    /// Cell, layers, directions and hidden sizes; an attention readout, vectors for words and a conditional
    /// random field by their weights. What leaves no trace in weights has its default: other readouts, the
    /// nonlinearity of an RNN, dropout.
    pub config: ModelConfig,
}

impl InferredModel {
    /// Takes off what PyTorch's users wrap around weights, and looks for one stack of recurrent layers,
    /// whatever it is called, and one linear head; and for what nets that read words have besides.
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

        let names = modules.renamed(architecture.cell.prefix());
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
        let found = InferredModel {
            weights: ours,
            renamed,
            unwrapped,
            without_biases,
            head_without_bias,
            features,
            outputs,
            config,
        };
        // What else there is, such as counters of other modules, is told of by its name.
        let wanted = architecture.parameters(found.inputs(), outputs);
        let of_integers = |(name, _): &&(String, _)| found.weights.get(name).is_some_and(Array::are_integers);
        match wanted.iter().find(of_integers) {
            None => Ok(found),
            Some((name, _)) => refuse(format!(
                "`{}` has integers, which are no weights; of a net that was quantised, import the weights from before",
                short_name(&found.own_name(name))
            )),
        }
    }

    /// What it reads at each time step: values, or tokens, of as many words and characters as have vectors.
    pub fn inputs(&self) -> Inputs {
        let rows = |table: &str| {
            self.weights.get(&format!("{table}.weight")).and_then(|array| array.shape().first().copied())
        };
        match self.config.embedding {
            None => Inputs::Values(self.features),
            Some(_) => {
                let [words, characters] =
                    [EMBEDDING, CHARACTER_EMBEDDING].map(|table| rows(table).unwrap_or_default());
                Inputs::Tokens { words, characters }
            }
        }
    }

    /// What the file calls, or would call, the parameter of this name of birnn's.
    pub fn own_name(&self, name: &str) -> String {
        let own = |(theirs, ours): &(String, String)| Some(format!("{theirs}{}", within(name, ours)?));
        self.renamed.iter().find_map(own).unwrap_or_else(|| name.to_owned())
    }
}

impl Modules {
    /// Features, outputs, and the net between them.
    fn read(&self, weights: &StateDict) -> Result<(usize, usize, ModelConfig), InferError> {
        let Modules { recurrent, attention, head, crf, .. } = self;
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
        // Of a layer or direction that lacks some of its weights, the others tell.
        let has = |layer: usize, direction: Direction| {
            Weight::ALL.iter().any(|weight| shape(&weight.name(layer, direction)).is_some())
        };
        let [has_forward, has_reverse] = [Direction::Forward, Direction::Reverse].map(|way| has(0, way));
        let first = if has_reverse && !has_forward { Direction::Reverse } else { Direction::Forward };
        let input_name = Weight::InputHidden.name(0, first);
        let (rows, features) = matrix(&input_name)?;
        let (_, units) = matrix(&Weight::HiddenHidden.name(0, first))?;
        let (hidden, bidirectional) = match (has_forward, has_reverse) {
            (_, false) => (Hidden::Same(units), false),
            (false, true) => (Hidden::Reverse { reverse: units }, false),
            (true, true) => match matrix(&Weight::HiddenHidden.name(0, Direction::Reverse))?.1 {
                reverse if reverse == units => (Hidden::Same(units), true),
                reverse => (Hidden::Each { forward: units, reverse }, true),
            },
        };
        let cell = match (rows.checked_div(units), rows.checked_rem(units)) {
            (Some(1), Some(0)) => CellKind::Rnn,
            (Some(3), Some(0)) => CellKind::Gru,
            (Some(4), Some(0)) => CellKind::Lstm,
            _ => {
                return refuse(format!(
                    "`{}{input_name}` has {rows} rows for {units} hidden units, which is neither 1, 3 nor \
                     4 for each: no RNN, GRU or LSTM",
                    short_name(recurrent)
                ));
            }
        };
        let default = ModelConfig::default();
        let config = ModelConfig {
            cell,
            bidirectional,
            layers: (0..)
                .take_while(|&layer| has(layer, Direction::Forward) || has(layer, Direction::Reverse))
                .count(),
            hidden,
            readout: match weights.contains_key(&format!("{attention}context")) {
                true => Readout::Attention,
                false => default.readout,
            },
            embedding: self.embedding(weights)?,
            head: match crf {
                Some(_) => Head::Crf,
                None => Head::Linear,
            },
            ..default
        };
        Ok((features, weights[&format!("{head}weight")].shape()[0], config))
    }

    /// The vectors for words, where it has such.
    fn embedding(&self, weights: &StateDict) -> Result<Option<EmbeddingConfig>, InferError> {
        let columns = |name: String| match weights.get(&name).map(Array::shape) {
            Some(&[_, columns]) => Ok(columns),
            Some(_) => refuse(format!("`{}` is no matrix", short_name(&name))),
            None => refuse(format!("`{}` is missing", short_name(&name))),
        };
        let Some(words) = &self.words else { return Ok(None) };
        let characters = self.characters.as_ref().map(|(table, recurrent)| {
            let (width, hidden) =
                (columns(format!("{table}weight"))?, columns(format!("{recurrent}weight_hh_l0"))?);
            Ok(CharacterNet { width, hidden })
        });
        Ok(Some(EmbeddingConfig {
            width: columns(format!("{words}weight"))?,
            characters: characters.transpose()?,
            ..EmbeddingConfig::default()
        }))
    }
}
