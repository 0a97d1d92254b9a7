//! Tokens as vectors by birnn's own kernels, on the CPU, and the gradient back to the vectors.

use birnn_architecture::{Architecture, CHARACTER_EMBEDDING, CHARACTERS, EMBEDDING, Inputs};
use birnn_data::TokenBatch;
use birnn_kernels::{Input, Packed, Precision, Workspace, backward, forward};

use crate::device::workers;

/// What makes vectors of tokens, with the buffers of its last batch.
#[derive(Debug)]
pub(crate) struct EmbeddingBackend {
    /// The index of the words' table among the tensors of the net.
    words: usize,
    width: usize,
    /// Whether that table stays as it is.
    frozen: bool,
    characters: Option<Characters>,
    /// The tokens of the last batch.
    tokens: TokenBatch,
}

#[derive(Debug)]
struct Characters {
    /// The index of the characters' table among them.
    table: usize,
    width: usize,
    /// Values that are made of a spelling.
    states: usize,
    /// Those of the parameters of the recurrent layer.
    indices: Vec<usize>,
    packed: Packed,
    workspace: Workspace,
}

/// The values of the parameter of an index.
pub(crate) type Values<'a> = dyn Fn(usize) -> &'a [f32] + 'a;

impl EmbeddingBackend {
    /// That of a net that reads these inputs, where they are tokens. `index` finds a parameter by its name.
    pub(crate) fn new<'a>(
        architecture: &Architecture,
        inputs: Inputs,
        index: impl Fn(&str) -> Option<usize>,
        values: &Values<'a>,
    ) -> Option<EmbeddingBackend> {
        let (Inputs::Tokens { .. }, Some(embedding)) = (inputs, architecture.embedding) else { return None };
        let characters = architecture.character_net().and_then(|(net, of_characters)| {
            let names = of_characters.recurrent_parameters(net.width);
            let indices = names.iter().map(|(name, _)| index(&format!("{CHARACTERS}{name}")));
            let indices = indices.collect::<Option<Vec<usize>>>()?;
            let spec = birnn_infer::spec(&of_characters, net.width);
            let slices: Vec<&[f32]> = indices.iter().map(|&index| values(index)).collect();
            Some(Characters {
                table: index(&format!("{CHARACTER_EMBEDDING}.weight"))?,
                width: net.width,
                states: 2 * net.hidden,
                packed: Packed::new(spec, workers().instructions(), &slices),
                indices,
                workspace: Workspace::new(workers()),
            })
        });
        let words = index(&format!("{EMBEDDING}.weight"))?;
        let (width, frozen, tokens) = (embedding.width, embedding.frozen, TokenBatch::default());
        Some(EmbeddingBackend { words, width, frozen, characters, tokens })
    }

    /// From now on, products are of this precision.
    pub(crate) fn set_precision<'a>(&mut self, precision: Precision, values: &Values<'a>) {
        if let Some(Characters { packed, indices, .. }) = &mut self.characters {
            let slices: Vec<&[f32]> = indices.iter().map(|&index| values(index)).collect();
            *packed = Packed::with_precision(*packed.spec(), packed.instructions(), precision, &slices);
        }
    }

    /// Whether a parameter of the net is one of these.
    pub(crate) fn owns(&self, index: usize) -> bool {
        let of_characters = |own: &Characters| own.table == index || own.indices.contains(&index);
        index == self.words || self.characters.as_ref().is_some_and(of_characters)
    }

    /// Whether anything of it is trained; else no gradient need come back to it.
    pub(crate) fn is_trained(&self) -> bool {
        !self.frozen || self.characters.is_some()
    }

    /// Frees what the last pass kept.
    pub(crate) fn release(&mut self) {
        self.tokens = TokenBatch::default();
        if let Some(characters) = &mut self.characters {
            characters.workspace = Workspace::new(workers());
        }
    }

    /// What the recurrent layers read of tokens: `[steps of all, features]`.
    pub(crate) fn forward<'a>(&mut self, tokens: &TokenBatch, values: &Values<'a>) -> Vec<f32> {
        self.tokens.clone_from(tokens);
        let states = self.characters.as_mut().map(|own| own.forward(tokens, values));
        let mut input = Vec::new();
        tokens.read((values(self.words), self.width), states.as_deref(), &mut input);
        input
    }

    /// From the gradient with respect to what the last [`EmbeddingBackend::forward`] gave to that of each
    /// parameter, which `into` takes out of those of the net; of what is not trained there is none.
    pub(crate) fn backward<'g>(
        &mut self,
        d_input: &[f32],
        mut into: impl FnMut(usize) -> Option<&'g mut [f32]>,
    ) {
        let TokenBatch { words, spellings, .. } = &self.tokens;
        let (width, of_characters) = (self.width, self.characters.as_ref().map_or(0, |own| own.states));
        let mut d_states = vec![0.0; self.tokens.lengths.len() * of_characters];
        let mut d_words = into(self.words);
        if let Some(d_words) = &mut d_words {
            d_words.fill(0.0);
        }
        let rows = d_input.chunks_exact((width + of_characters).max(1));
        for ((&word, &spelling), d_row) in words.iter().zip(spellings).zip(rows) {
            let (d_word, d_spelling) = d_row.split_at(width);
            if let Some(d_words) = &mut d_words {
                add(row_mut(d_words, word, width), d_word);
            }
            add(row_mut(&mut d_states, spelling, of_characters), d_spelling);
        }
        if let Some(characters) = &mut self.characters {
            characters.backward(&self.tokens, &d_states, into);
        }
    }
}

impl Characters {
    /// What is made of each spelling, `[spellings, states]`.
    fn forward<'a>(&mut self, tokens: &TokenBatch, values: &Values<'a>) -> Vec<f32> {
        let slices: Vec<&[f32]> = self.indices.iter().map(|&index| values(index)).collect();
        self.packed.update(workers(), &slices);
        let input = tokens.spelt(values(self.table), self.width);
        let mut states = vec![0.0; tokens.lengths.len() * self.states];
        let input = Input::ragged(&input, &tokens.lengths);
        forward(&self.packed, &mut self.workspace, input, None, &mut states);
        states
    }

    fn backward<'g>(
        &mut self,
        tokens: &TokenBatch,
        d_states: &[f32],
        mut into: impl FnMut(usize) -> Option<&'g mut [f32]>,
    ) {
        let mut own: Vec<&mut [f32]> = self.indices.iter().filter_map(|&index| into(index)).collect();
        let Some(d_table) = into(self.table) else { return };
        let mut d_input = vec![0.0; tokens.characters.len() * self.width];
        backward(&self.packed, &mut self.workspace, d_states, &mut own, Some(&mut d_input));
        d_table.fill(0.0);
        for (&character, d_row) in tokens.characters.iter().zip(d_input.chunks_exact(self.width)) {
            add(row_mut(d_table, character, self.width), d_row);
        }
    }
}

fn row_mut(table: &mut [f32], index: u32, width: usize) -> &mut [f32] {
    &mut table[index as usize * width..][..width]
}

fn add(into: &mut [f32], values: &[f32]) {
    into.iter_mut().zip(values).for_each(|(into, value)| *into += value);
}
