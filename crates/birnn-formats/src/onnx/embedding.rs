//! Tokens as vectors, as in `birnn-model/src/embedding.rs`: each its row of the words' table and, where
//! characters are read, the final states of a layer of both directions behind it.
//!
//! That layer reads the tokens of all sentences as one batch, those that pad a sentence too: as one character
//! that is not known, whatever stands there. So no row is asked for that a table has not, and no length is
//! one that a runtime refuses.

use birnn_architecture::{CHARACTER_EMBEDDING, CHARACTERS as PREFIX, EMBEDDING};

use super::graph::Graph;
use super::layer::Layer;
use super::sequences::{Lengths, Sequences};
use super::{CHARACTER_LENGTHS, CHARACTERS, LENGTHS, WORDS};
use crate::{Architecture, StateDict};

/// What the recurrent layers read of the tokens that go into the graph.
pub(super) fn embedded(graph: &mut Graph, architecture: &Architecture, weights: &StateDict) -> Sequences {
    let words = graph.transpose("words_by_time", WORDS, &[1, 0]);
    let lengths = Lengths::new(graph, "", LENGTHS, &words);
    let mut values = rows(graph, EMBEDDING, &words, &lengths, weights);
    if let Some((_, net)) = architecture.character_net() {
        let states = spelt(graph, &net, &words, &lengths, weights);
        values = graph.concat("tokens", [&values, &states], 2);
    }
    Sequences { values, lengths: Some(lengths) }
}

/// What the net of characters makes of each token: `[time, batch, 2 hidden]`.
fn spelt(
    graph: &mut Graph,
    net: &Architecture,
    words: &str,
    lengths: &Lengths,
    weights: &StateDict,
) -> String {
    // Tokens side by side, in the order of `words`.
    let letters = graph.transpose("characters_by_letter", CHARACTERS, &[2, 1, 0]);
    let letters = graph.reshape("characters_by_token", &letters, &[0, -1]);
    let each = graph.transpose("character_lengths_by_time", CHARACTER_LENGTHS, &[1, 0]);
    let none = graph.short_scalar("character_lengths_padded.padding", 0);
    let each = lengths.padded(graph, "character_lengths_padded", &each, &none);
    let each = graph.reshape("character_lengths_by_token", &each, &[-1]);

    let mut of_letters = Lengths::new(graph, PREFIX, &each, &letters);
    let one = graph.short_scalar("character_lengths_read.least", 1);
    of_letters.each = graph.node("Max", "character_lengths_read", &[&each, &one], vec![]);
    let values = rows(graph, CHARACTER_EMBEDDING, &letters, &of_letters, weights);
    let spellings = Sequences { values, lengths: Some(of_letters) };
    let states = Layer::new(PREFIX, net, 0, weights).final_states(graph, &spellings);

    let shape = graph.node("Shape", "words_shape", &[words], vec![]);
    let width = graph.constant("spellings_width", &[net.output_features() as i64]);
    let shape = graph.concat("spellings_shape", [&shape, &width], 0);
    graph.node("Reshape", "spellings", &[&states, &shape], vec![])
}

/// Rows of a table by their numbers, `[time, batch]` to `[time, batch, width]`; of padding the first.
fn rows(graph: &mut Graph, table: &str, numbers: &str, lengths: &Lengths, weights: &StateDict) -> String {
    let name = format!("{table}.weight");
    let values = graph.floats(&name, weights[&name].shape(), weights[&name].values());
    let padded = format!("{table}_padded");
    let first = graph.scalar(&format!("{padded}.padding"), 0);
    let numbers = lengths.padded(graph, &padded, numbers, &first);
    graph.node("Gather", table, &[&values, &numbers], vec![])
}
