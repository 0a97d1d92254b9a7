//! Everything that shapes a net's parameters and its forward pass.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// What a net is, but for the widths of its input and output: with those it fixes the parameters and the
/// forward pass. [`ModelConfig::resolve`](crate::ModelConfig::resolve) gives those that can be, and
/// [`Architecture::check`] tells whether another can.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Architecture {
    /// The recurrent cell.
    pub cell: Cell,
    /// Stacked layers, at least 1.
    pub layers: usize,
    /// Units of the forward direction, at least 1; `None` where the net reads in reverse alone.
    pub forward: Option<usize>,
    /// Units of the reverse direction, at least 1; `None` where the net reads forward alone.
    pub reverse: Option<usize>,
    /// Probability of zeroing an element between layers, in `[0, 1)`.
    pub dropout: f64,
    /// How the sequence becomes one vector.
    pub readout: Readout,
    /// How tokens become vectors, where the net reads such.
    pub embedding: Option<Embedding>,
    /// What makes answers of what is read.
    pub head: Head,
    /// Probability of zeroing an element of the input, in `[0, 1)`.
    pub input_dropout: f64,
    /// Probability of zeroing an element of the top layer's outputs, which the readout reads, in `[0, 1)`.
    pub output_dropout: f64,
}

/// How tokens become vectors: each has one of its own and, with `characters`, what a small net makes of its
/// characters behind it (Lample et al. 2016, "Neural Architectures for Named Entity Recognition", section
/// 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    /// Values of a token's own vector, at least 1.
    pub width: usize,
    /// What reads its characters.
    pub characters: Option<CharacterNet>,
    /// Whether tokens' own vectors are as they were given, and not trained.
    pub frozen: bool,
}

/// A recurrent layer of both directions over the characters of a token, read at each direction's own end. Its
/// cell is that of the net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CharacterNet {
    /// Values of a character's vector.
    #[schemars(range(min = 1, max = MAX_HIDDEN))]
    pub width: usize,
    /// Hidden units per direction.
    #[schemars(range(min = 1, max = MAX_HIDDEN))]
    pub hidden: usize,
}

/// What makes answers of what is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// A linear layer: each answer by itself.
    #[default]
    Linear,
    /// A linear layer, and a conditional random field over its outputs: the answers of all steps together
    /// (Lafferty et al. 2001; after a bidirectional LSTM, Huang et al. 2015).
    Crf,
}

/// What a net reads at each time step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// So many values.
    Values(usize),
    /// A token: one of so many words, spelt with so many characters.
    Tokens {
        /// Words, the one for all that are not known included.
        words: usize,
        /// Characters, the one for all that are not known included.
        characters: usize,
    },
}

impl From<usize> for Inputs {
    fn from(features: usize) -> Inputs {
        Inputs::Values(features)
    }
}

/// A recurrent cell with nothing left to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Elman network with tanh.
    RnnTanh,
    /// Elman network with relu.
    RnnRelu,
    /// Gated recurrent unit, PyTorch's variant (reset gate after the recurrent product).
    Gru,
    /// Long short-term memory.
    Lstm,
}

/// A way in which a layer reads the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From its beginning.
    Forward,
    /// From its end.
    Reverse,
}

/// A parameter of one direction of one layer, for a cell of `gates` gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// `weight_ih [gates * hidden, inputs]`.
    InputHidden,
    /// `weight_hh [gates * hidden, hidden]`.
    HiddenHidden,
    /// `bias_ih [gates * hidden]`.
    InputBias,
    /// `bias_hh [gates * hidden]`.
    HiddenBias,
}

/// The module of the attention readout: `weight [width, width]`, `bias [width]`, `context [width]`.
pub const ATTENTION: &str = "attention";

/// The module of the head, a linear layer: `weight [outputs, width]`, `bias [outputs]`.
pub const HEAD: &str = "fc";

/// The module of the tokens' vectors: `weight [words, width]`.
pub const EMBEDDING: &str = "embedding";

/// The module of the characters' vectors: `weight [characters, width]`.
pub const CHARACTER_EMBEDDING: &str = "char_embedding";

/// Before the cell's name in the module that reads characters, such as `char_lstm`.
pub const CHARACTERS: &str = "char_";

/// The module of the conditional random field: `transitions [from, to]`, `start_transitions`,
/// `end_transitions`, as pytorch-crf has them.
pub const CRF: &str = "crf";

/// The parameters of a conditional random field over so many tags, within [`CRF`], with their shapes.
pub fn crf_parameters(tags: usize) -> [(&'static str, Vec<usize>); 3] {
    [("start_transitions", vec![tags]), ("end_transitions", vec![tags]), ("transitions", vec![tags, tags])]
}

/// How the outputs of the top layer become what the head sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Readout {
    /// The output at the last time step, both halves: the choice of the classic PyTorch tutorial. The reverse
    /// half has then seen one time step only, so just that step of it is computed. `final` is what a
    /// bidirectional net is usually meant to be read by.
    Last,
    /// Each direction's own final state: forward at the end, reverse at the beginning of the sequence.
    Final,
    /// The mean over time.
    Mean,
    /// The largest value over time, element by element.
    Max,
    /// A learned weighted mean over time (Yang et al. 2016, "Hierarchical Attention Networks for Document
    /// Classification", eq. 5 to 7).
    Attention,
    /// No readout: one output per time step.
    // What a task of steps has anyway; it is not to be written.
    #[schemars(skip)]
    Sequence,
}

impl fmt::Display for Readout {
    /// As experiments and files have it, such as `last`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Readout::Last => "last",
            Readout::Final => "final",
            Readout::Mean => "mean",
            Readout::Max => "max",
            Readout::Attention => "attention",
            Readout::Sequence => "sequence",
        })
    }
}

impl fmt::Display for Architecture {
    /// Such as `2 x LSTM 128+128, readout last`; of a net that reads in reverse alone `1 x LSTM 128 in
    /// reverse`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Architecture { cell, layers, forward, reverse, readout, embedding, head, .. } = self;
        let cell = match cell {
            Cell::RnnTanh => "RNN (tanh)",
            Cell::RnnRelu => "RNN (relu)",
            Cell::Gru => "GRU",
            Cell::Lstm => "LSTM",
        };
        write!(f, "{layers} x {cell} ")?;
        match (forward, reverse) {
            (Some(forward), Some(reverse)) => write!(f, "{forward}+{reverse}")?,
            (Some(forward), None) => write!(f, "{forward}")?,
            (None, reverse) => write!(f, "{} in reverse", reverse.unwrap_or(0))?,
        }
        if let Some(Embedding { width, characters, frozen }) = embedding {
            write!(f, " on words of {width}")?;
            if *frozen {
                f.write_str(" (frozen)")?;
            }
            if let Some(CharacterNet { hidden, .. }) = characters {
                write!(f, " and characters of {hidden}+{hidden}")?;
            }
        }
        write!(f, ", {}", readout.described())?;
        if *head == Head::Crf { f.write_str(" by a CRF") } else { Ok(()) }
    }
}

impl Readout {
    /// For people, in a list of what a net is: `readout last`.
    pub fn described(self) -> String {
        match self {
            Readout::Sequence => "an answer for each step".to_owned(),
            readout => format!("readout {readout}"),
        }
    }
}

/// The tutorial's net.
impl Default for Architecture {
    fn default() -> Architecture {
        Architecture {
            cell: Cell::Lstm,
            layers: 2,
            forward: Some(128),
            reverse: Some(128),
            dropout: 0.0,
            readout: Readout::Last,
            embedding: None,
            head: Head::Linear,
            input_dropout: 0.0,
            output_dropout: 0.0,
        }
    }
}

/// Bounds that no real net reaches: past them a typing slip would ask for terabytes.
pub(crate) const MAX_LAYERS: usize = 100;
pub(crate) const MAX_HIDDEN: usize = 65_536;

impl Architecture {
    /// Whether there can be such a net; the error names the setting that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, message: String| Err(ConfigError { key, message });
        if !(1..=MAX_LAYERS).contains(&self.layers) {
            return refuse("model.layers", format!("must be 1 to {MAX_LAYERS}, is {}", self.layers));
        }
        if self.directions().next().is_none() {
            return refuse("model.hidden", "there is no unit in either direction".to_owned());
        }
        for (_, units) in self.directions() {
            if !(1..=MAX_HIDDEN).contains(&units) {
                return refuse("model.hidden", format!("must be 1 to {MAX_HIDDEN}, is {units}"));
            }
        }
        let dropouts = [
            ("model.dropout", self.dropout),
            ("model.input_dropout", self.input_dropout),
            ("model.output_dropout", self.output_dropout),
        ];
        for (key, dropout) in dropouts {
            let wanted = format!("must be at least 0 and below 1, is {dropout}");
            if !(0.0..1.0).contains(&dropout) {
                return refuse(key, wanted);
            }
            // What is kept is scaled by 1 / (1 - dropout), in f32.
            if dropout as f32 == 1.0 {
                return refuse(key, format!("{wanted}, which in 32 bits is 1"));
            }
        }
        if let Some(Embedding { width, characters, .. }) = self.embedding {
            let of_characters = characters.map(|net| [net.width, net.hidden]).into_iter().flatten();
            let given = std::iter::once(("model.embedding.width", width))
                .chain(of_characters.map(|size| ("model.embedding.characters", size)));
            for (key, size) in given {
                if !(1..=MAX_HIDDEN).contains(&size) {
                    return refuse(key, format!("must be 1 to {MAX_HIDDEN}, is {size}"));
                }
            }
        }
        Ok(())
    }

    /// Features of one time step of the recurrent output: forward and reverse concatenated.
    pub fn output_features(&self) -> usize {
        self.directions().map(|(_, units)| units).sum()
    }

    /// Values that the recurrent layers read at each time step.
    pub fn features(&self, inputs: impl Into<Inputs>) -> usize {
        match (inputs.into(), self.embedding) {
            (Inputs::Values(features), _) => features,
            (Inputs::Tokens { .. }, None) => 0,
            (Inputs::Tokens { .. }, Some(Embedding { width, characters, .. })) => {
                width + characters.map_or(0, |net| 2 * net.hidden)
            }
        }
    }

    /// The net that reads the characters of tokens, where there is one.
    pub fn character_net(&self) -> Option<(CharacterNet, Architecture)> {
        let net = self.embedding?.characters?;
        let architecture = Architecture {
            layers: 1,
            forward: Some(net.hidden),
            reverse: Some(net.hidden),
            dropout: 0.0,
            readout: Readout::Final,
            embedding: None,
            head: Head::Linear,
            input_dropout: 0.0,
            output_dropout: 0.0,
            ..*self
        };
        Some((net, architecture))
    }

    /// The units of each direction of a layer, forward first.
    pub fn directions(&self) -> impl Iterator<Item = (Direction, usize)> + use<> {
        let units = [(Direction::Forward, self.forward), (Direction::Reverse, self.reverse)];
        units.into_iter().filter_map(|(direction, units)| Some((direction, units?)))
    }

    /// The name and shape of every parameter of the recurrent layers of a net that reads these inputs, in the
    /// order of PyTorch's modules: by layer, then direction, then [`Weight::ALL`].
    pub fn recurrent_parameters(&self, inputs: impl Into<Inputs>) -> Vec<(String, Vec<usize>)> {
        let features = self.features(inputs);
        let mut parameters = Vec::new();
        for layer in 0..self.layers {
            let inputs = if layer == 0 { features } else { self.output_features() };
            for (direction, hidden) in self.directions() {
                let rows = self.cell.gates() * hidden;
                parameters.extend(Weight::ALL.map(|weight| {
                    let shape = match weight {
                        Weight::InputHidden => vec![rows, inputs],
                        Weight::HiddenHidden => vec![rows, hidden],
                        Weight::InputBias | Weight::HiddenBias => vec![rows],
                    };
                    (self.cell.parameter_name(weight, layer, direction), shape)
                }));
            }
        }
        parameters
    }

    /// The name and shape of every parameter that makes vectors of tokens.
    pub fn embedding_parameters(&self, inputs: impl Into<Inputs>) -> Vec<(String, Vec<usize>)> {
        let (Inputs::Tokens { words, characters }, Some(embedding)) = (inputs.into(), self.embedding) else {
            return Vec::new();
        };
        let mut parameters = vec![(format!("{EMBEDDING}.weight"), vec![words, embedding.width])];
        if let Some((net, architecture)) = self.character_net() {
            parameters.push((format!("{CHARACTER_EMBEDDING}.weight"), vec![characters, net.width]));
            let recurrent = architecture.recurrent_parameters(net.width);
            parameters
                .extend(recurrent.into_iter().map(|(name, shape)| (format!("{CHARACTERS}{name}"), shape)));
        }
        parameters
    }

    /// The name and shape of every parameter of a net that reads these inputs and has `outputs` values per
    /// sequence, sorted by name: what `birnn_model::Network` makes, told without making it.
    pub fn parameters(&self, inputs: impl Into<Inputs>, outputs: usize) -> Vec<(String, Vec<usize>)> {
        let (inputs, width) = (inputs.into(), self.output_features());
        let mut parameters = self.embedding_parameters(inputs);
        parameters.extend(self.recurrent_parameters(inputs));
        let mut add = |module: &str, name: &str, shape| parameters.push((format!("{module}.{name}"), shape));
        if self.readout == Readout::Attention {
            add(ATTENTION, "weight", vec![width, width]);
            add(ATTENTION, "bias", vec![width]);
            add(ATTENTION, "context", vec![width]);
        }
        add(HEAD, "weight", vec![outputs, width]);
        add(HEAD, "bias", vec![outputs]);
        if self.head == Head::Crf {
            crf_parameters(outputs).into_iter().for_each(|(name, shape)| add(CRF, name, shape));
        }
        parameters.sort();
        parameters
    }

    /// Whether a parameter of this name is trained; else it stays what it was given as.
    pub fn is_trained(&self, name: &str) -> bool {
        let is_frozen = self.embedding.is_some_and(|embedding| embedding.frozen);
        !is_frozen || name.strip_prefix(EMBEDDING) != Some(".weight")
    }

    /// How many values all these parameters have.
    pub fn parameter_count(&self, inputs: impl Into<Inputs>, outputs: usize) -> usize {
        self.parameters(inputs, outputs).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

impl Cell {
    /// How many gates stand stacked in the rows of a weight.
    pub fn gates(self) -> usize {
        match self {
            Cell::RnnTanh | Cell::RnnRelu => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// Whether it carries a cell state from step to step, beside its output.
    pub fn has_cell_state(self) -> bool {
        match self {
            Cell::Lstm => true,
            Cell::RnnTanh | Cell::RnnRelu | Cell::Gru => false,
        }
    }

    /// Whether the recurrent part of its last gate is scaled by another gate before it is added, so that both
    /// parts are kept apart: the GRU's new gate.
    pub fn scales_recurrent_part(self) -> bool {
        match self {
            Cell::Gru => true,
            Cell::RnnTanh | Cell::RnnRelu | Cell::Lstm => false,
        }
    }

    /// The first part of the parameter names: the attribute PyTorch users give the layer.
    pub fn prefix(self) -> &'static str {
        match self {
            Cell::RnnTanh | Cell::RnnRelu => "rnn",
            Cell::Gru => "gru",
            Cell::Lstm => "lstm",
        }
    }

    /// PyTorch's name of a parameter of a layer, counted from 0, such as `lstm.weight_hh_l1_reverse`.
    pub fn parameter_name(self, weight: Weight, layer: usize, direction: Direction) -> String {
        format!("{}.{}", self.prefix(), weight.name(layer, direction))
    }
}

impl Weight {
    /// All four, in PyTorch's order.
    pub const ALL: [Weight; 4] =
        [Weight::InputHidden, Weight::HiddenHidden, Weight::InputBias, Weight::HiddenBias];

    /// PyTorch's name within its module, such as `weight_hh_l1_reverse`.
    pub fn name(self, layer: usize, direction: Direction) -> String {
        let suffix = if direction == Direction::Reverse { "_reverse" } else { "" };
        format!("{}_l{layer}{suffix}", self.kind())
    }

    /// The beginning of its name, such as `weight_hh`.
    pub fn kind(self) -> &'static str {
        match self {
            Weight::InputHidden => "weight_ih",
            Weight::HiddenHidden => "weight_hh",
            Weight::InputBias => "bias_ih",
            Weight::HiddenBias => "bias_hh",
        }
    }
}

impl Readout {
    /// Whether it looks at all outputs of the top layer, and not at one state of each direction.
    pub fn needs_sequence(self) -> bool {
        match self {
            Readout::Last | Readout::Final => false,
            Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => true,
        }
    }
}
