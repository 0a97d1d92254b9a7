//! Tokens as vectors, on plain slices.

use std::collections::HashMap;

use birnn_architecture::{Architecture, CHARACTER_EMBEDDING, CHARACTERS, CharacterNet, EMBEDDING, Inputs};
use birnn_data::{Lexicon, Sequence};
use birnn_kernels::{Input, Instructions, Packed, infer};

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
        instructions: Instructions,
        values: impl Fn(&str) -> Vec<f32>,
    ) -> Option<Embedding> {
        let (Inputs::Tokens { .. }, Some(embedding)) = (inputs, architecture.embedding) else { return None };
        let characters = architecture.character_net().map(|(net, of_characters)| {
            let parameters = of_characters.recurrent_parameters(net.width);
            let parameters: Vec<Vec<f32>> =
                parameters.iter().map(|(name, _)| values(&format!("{CHARACTERS}{name}"))).collect();
            let parameters: Vec<&[f32]> = parameters.iter().map(Vec::as_slice).collect();
            let spec = spec(&of_characters, net.width);
            let recurrent = Packed::with_precision(spec, instructions, crate::cpu::precision(), &parameters);
            Characters { table: values(&format!("{CHARACTER_EMBEDDING}.weight")), net, recurrent }
        });
        let words = values(&format!("{EMBEDDING}.weight"));
        Some(Embedding { words, width: embedding.width, characters })
    }

    /// Adds to `into` what the recurrent layers read of these sequences of tokens: `[steps of all, features]`.
    pub(crate) fn read<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        lexicon: &Lexicon,
        into: &mut Vec<f32>,
    ) {
        let tokens: Vec<u32> =
            sequences.flat_map(|sequence| sequence.tokens().unwrap_or_default()).copied().collect();
        // Each form is spelt once.
        let (mut spelt, mut forms) = (HashMap::new(), Vec::new());
        for &token in &tokens {
            spelt.entry(token).or_insert_with(|| {
                forms.push(token);
                forms.len() - 1
            });
        }
        let states = self.characters.as_ref().map(|own| own.states(workspace, &forms, lexicon));
        let width = self.characters.as_ref().map_or(0, |own| 2 * own.net.hidden);
        for token in &tokens {
            into.extend_from_slice(row(&self.words, lexicon.word(*token) as usize, self.width));
            if let Some(states) = &states {
                into.extend_from_slice(row(states, spelt[token], width));
            }
        }
    }
}

impl Characters {
    /// Of each of these forms the final states of both directions: `[forms, 2 hidden]`.
    fn states(&self, workspace: &mut Workspace, forms: &[u32], lexicon: &Lexicon) -> Vec<f32> {
        let width = self.net.width;
        let (mut values, mut lengths) = (Vec::new(), Vec::with_capacity(forms.len()));
        for &form in forms {
            let characters = lexicon.characters(form);
            lengths.push(characters.len());
            characters
                .iter()
                .for_each(|&character| values.extend_from_slice(row(&self.table, character as usize, width)));
        }
        let mut states = vec![0.0; forms.len() * 2 * self.net.hidden];
        if !forms.is_empty() {
            let input = Input::ragged(&values, &lengths);
            infer(&self.recurrent, &mut workspace.recurrent, input, &mut states);
        }
        states
    }
}

fn row(table: &[f32], index: usize, width: usize) -> &[f32] {
    &table[index * width..][..width]
}
