//! Tokens as vectors, on plain slices.

use birnn_architecture::{Architecture, CHARACTER_EMBEDDING, CHARACTERS, CharacterNet, EMBEDDING, Inputs};
use birnn_data::{Lexicon, Sequence, TokenBatch};
use birnn_kernels::{Input, Instructions, Packed, Precision, infer};

use crate::network::{Workspace, spec};

/// A vector for each word and, where characters are read, what a layer of both directions makes of these.
#[derive(Debug)]
pub(crate) struct Embedding {
    /// `[words, width]`.
    words: Vec<f32>,
    width: usize,
    characters: Option<Characters>,
}

#[derive(Debug)]
struct Characters {
    /// `[characters, width]`.
    table: Vec<f32>,
    net: CharacterNet,
    recurrent: Packed,
}

impl Embedding {
    /// That of a net that reads these inputs, where they are tokens; `values` gives the parameter of a name.
    pub(crate) fn new(
        architecture: &Architecture,
        inputs: Inputs,
        (instructions, precision): (Instructions, Precision),
        values: impl Fn(&str) -> Vec<f32>,
    ) -> Option<Embedding> {
        let (Inputs::Tokens { .. }, Some(embedding)) = (inputs, architecture.embedding) else { return None };
        let characters = architecture.character_net().map(|(net, of_characters)| {
            let parameters = of_characters.recurrent_parameters(net.width);
            let parameters: Vec<Vec<f32>> =
                parameters.iter().map(|(name, _)| values(&format!("{CHARACTERS}{name}"))).collect();
            let parameters: Vec<&[f32]> = parameters.iter().map(Vec::as_slice).collect();
            let spec = spec(&of_characters, net.width);
            let recurrent = Packed::with_precision(spec, instructions, precision, &parameters);
            Characters { table: values(&format!("{CHARACTER_EMBEDDING}.weight")), net, recurrent }
        });
        let words = values(&format!("{EMBEDDING}.weight"));
        Some(Embedding { words, width: embedding.width, characters })
    }

    /// Adds to `into` what the recurrent layers read of these sequences of tokens: `[steps of all,
    /// features]`.
    pub(crate) fn read<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        lexicon: &Lexicon,
        into: &mut Vec<f32>,
    ) {
        let forms = sequences.flat_map(|sequence| sequence.tokens().unwrap_or_default()).copied();
        let tokens = TokenBatch::new(forms, lexicon, |_, _| false);
        let states = self.characters.as_ref().map(|own| own.states(workspace, &tokens));
        tokens.read((&self.words, self.width), states.as_deref(), into);
    }
}

impl Characters {
    /// Of each spelling the final states of both directions: `[spellings, 2 hidden]`.
    fn states(&self, workspace: &mut Workspace, tokens: &TokenBatch) -> Vec<f32> {
        let values = tokens.spelt(&self.table, self.net.width);
        let mut states = vec![0.0; tokens.lengths.len() * 2 * self.net.hidden];
        if !states.is_empty() {
            let input = Input::ragged(&values, &tokens.lengths);
            infer(&self.recurrent, &mut workspace.recurrent, input, &mut states);
        }
        states
    }
}
