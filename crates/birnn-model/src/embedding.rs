//! Tokens as vectors.

use birnn_architecture::{Architecture, CHARACTER_EMBEDDING, CHARACTERS, EMBEDDING, Inputs};
use tch::{TchError, Tensor, nn};

use crate::error::ModelError;
use crate::layer::{Layer, uniform};
use crate::network::check_ragged;
use crate::sequences::Packing;

/// The tokens of a batch of sequences, one sequence after the other.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    /// The row of each in the words' table, `i64 [steps of all]`.
    pub words: &'a Tensor,
    /// How they are spelt; wanted where the net reads characters.
    pub spellings: Option<Spellings<'a>>,
}

/// How tokens are spelt, each spelling once.
#[derive(Clone, Copy, Debug)]
pub struct Spellings<'a> {
    /// The rows of all characters in the characters' table, one spelling after the other, `i64 [characters]`.
    pub characters: &'a Tensor,
    /// How many characters each spelling has, at least one.
    pub lengths: &'a [usize],
    /// Which spelling each token has, `i64 [steps of all]`.
    pub of_tokens: &'a Tensor,
}

/// A vector for each word and, where characters are read, what a layer of both directions makes of these.
#[derive(Debug)]
pub(crate) struct Embedding {
    words: Tensor,
    characters: Option<Characters>,
}

#[derive(Debug)]
struct Characters {
    table: Tensor,
    layer: Layer,
}

impl Embedding {
    /// That of a net that reads these inputs, where they are tokens.
    pub(crate) fn new(
        path: &nn::Path,
        architecture: &Architecture,
        inputs: Inputs,
    ) -> Result<Option<Embedding>, ModelError> {
        let Inputs::Tokens { words, characters } = inputs else { return Ok(None) };
        let embedding = architecture.embedding.ok_or(ModelError::NoEmbedding)?;
        let words = table(&(path / EMBEDDING), words, embedding.width)?;
        let words = words.f_set_requires_grad(!embedding.frozen)?;
        let characters = match architecture.character_net() {
            None => None,
            Some((net, of_characters)) => {
                let table = table(&(path / CHARACTER_EMBEDDING), characters, net.width)?;
                let path = path / format!("{CHARACTERS}{}", of_characters.cell.prefix());
                let layer = Layer::new(&path, &of_characters, 0, net.width)?;
                layer.lay_out(false)?;
                Some(Characters { table, layer })
            }
        };
        Ok(Some(Embedding { words, characters }))
    }

    /// `[steps of all, features]`.
    pub(crate) fn apply(&self, tokens: &Tokens<'_>, train: bool) -> Result<Tensor, ModelError> {
        let words = looked_up(&self.words, tokens.words)?;
        let Some(Characters { table, layer }) = &self.characters else { return Ok(words) };
        let Spellings { characters, lengths, of_tokens } = tokens.spellings.ok_or(ModelError::NoSpellings)?;
        let letters = looked_up(table, characters)?;
        check_ragged(&letters, lengths, table.size()[1], true)?;
        let packing = Packing::new(lengths, characters.device())?;
        let values = packing.pack(&letters)?;
        let states = packing.unsort(&layer.final_states(&values, train)?)?;
        Ok(Tensor::f_cat(&[words, looked_up(&states, of_tokens)?], 1)?)
    }
}

/// The rows of `table` at these indices. Some are there more than once, and what flows back to them is added
/// up: on a GPU in the same order each time, as index_select does not.
fn looked_up(table: &Tensor, indices: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_embedding(table, indices, -1, false, false)
}

fn table(path: &nn::Path, rows: usize, width: usize) -> Result<Tensor, TchError> {
    uniform(path, "weight", &[rows as i64, width as i64], (3.0 / width as f64).sqrt())
}
