//! Nets that read words, written as ONNX and run by tract, beside the nets themselves.
//!
//! tract reads no lengths: here all words of a batch have as many characters, and what is read over time of
//! sentences of unequal lengths is read in one direction. Lengths of all kinds are onnxruntime's to show
//! (`cargo xtask witness`).

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod common;
#[path = "common/tract.rs"]
mod tract;

use birnn_architecture::{CharacterNet, Embedding, Head, Inputs};
use birnn_formats::onnx::{Input, OnnxError, encode};
use birnn_formats::{Array, StateDict};
use birnn_model::tch::{self, Tensor};
use birnn_model::{Architecture, Cell, Readout, Spellings, Tokens};
use tract_onnx::prelude::Tensor as Tract;

use crate::tract::{build, declared, is_recurrent, near, read, run, without_lengths};

const INPUTS: Inputs = Inputs::Tokens { words: 9, characters: 7 };
const OUTPUTS: usize = 3;
const LETTERS: usize = 4;
const TIME: usize = 6;

const NET: Architecture = Architecture {
    cell: Cell::Lstm,
    layers: 1,
    forward: Some(5),
    reverse: Some(5),
    dropout: 0.5,
    readout: Readout::Sequence,
    embedding: Some(Embedding {
        width: 4,
        characters: Some(CharacterNet { width: 3, hidden: 2 }),
        frozen: false,
    }),
    head: Head::Crf,
    input_dropout: 0.5,
    output_dropout: 0.5,
};

fn every_kind(mut check: impl FnMut(&Architecture)) {
    let with_characters = NET.embedding;
    let without = with_characters.map(|embedding| Embedding { characters: None, ..embedding });
    for cell in [Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu] {
        for embedding in [with_characters, without] {
            for (readout, head) in [
                (Readout::Sequence, Head::Crf),
                (Readout::Sequence, Head::Linear),
                (Readout::Final, Head::Linear),
                (Readout::Attention, Head::Linear),
            ] {
                check(&Architecture { cell, embedding, readout, head, ..NET });
            }
        }
    }
}

/// What the net and its graph are given: rows of the words and of their characters, of sentences of these
/// lengths.
struct Asked {
    lengths: Vec<usize>,
    words: Vec<i64>,
    letters: Vec<i64>,
}

impl Asked {
    fn new(lengths: &[usize]) -> Asked {
        let steps = lengths.iter().sum::<usize>() as i64;
        let words = (0..steps).map(|token| token * 5 % 9).collect();
        let letters = (0..steps * LETTERS as i64).map(|letter| letter * 3 % 7).collect();
        Asked { lengths: lengths.to_vec(), words, letters }
    }

    /// The logits by libtorch: `[steps of all, outputs]`, or `[sentences, outputs]`.
    fn by_libtorch(&self, net: &birnn_model::Network) -> Tensor {
        let (words, letters) = (Tensor::from_slice(&self.words), Tensor::from_slice(&self.letters));
        let of_tokens = Tensor::arange(self.words.len() as i64, (tch::Kind::Int64, tch::Device::Cpu));
        let lengths = vec![LETTERS; self.words.len()];
        let spellings = Some(Spellings { characters: &letters, lengths: &lengths, of_tokens: &of_tokens });
        let read = net.embed(&Tokens { words: &words, spellings }, false).unwrap();
        tch::no_grad(|| net.forward_ragged(&read, &self.lengths, false)).unwrap()
    }

    /// The graph's inputs, with this for padding.
    fn padded(&self, architecture: &Architecture, padding: i64) -> Vec<Tract> {
        let batch = self.lengths.len();
        let mut words = vec![padding; batch * TIME];
        let mut letters = vec![padding; batch * TIME * LETTERS];
        let mut each = vec![padding as i32; batch * TIME];
        let mut token = 0;
        for (row, &length) in self.lengths.iter().enumerate() {
            for place in row * TIME..row * TIME + length {
                words[place] = self.words[token];
                let own = &self.letters[token * LETTERS..][..LETTERS];
                letters[place * LETTERS..][..LETTERS].copy_from_slice(own);
                each[place] = LETTERS as i32;
                token += 1;
            }
        }
        let lengths: Vec<i32> = self.lengths.iter().map(|&length| length as i32).collect();
        let mut inputs = vec![
            Tract::from_shape(&[batch, TIME], &words).unwrap(),
            Tract::from_shape(&[batch], &lengths).unwrap(),
        ];
        if architecture.character_net().is_some() {
            inputs.push(Tract::from_shape(&[batch, TIME, LETTERS], &letters).unwrap());
            inputs.push(Tract::from_shape(&[batch, TIME], &each).unwrap());
        }
        inputs
    }
}

#[test]
fn sentences_of_one_length_are_the_net() {
    every_kind(|architecture| {
        let (_vs, net, weights) = build(architecture, INPUTS, OUTPUTS);
        let bytes = encode(architecture, &Input::Tokens, INPUTS, OUTPUTS, &weights, &[]).unwrap();
        let asked = Asked::new(&[TIME; 3]);
        let found = run(&without_lengths(read(&bytes)), asked.padded(architecture, 0), false);
        let expected = asked.by_libtorch(&net);
        let expected = match architecture.readout {
            Readout::Sequence => expected.view([3, TIME as i64, OUTPUTS as i64]),
            _ => expected,
        };
        near(&architecture.to_string(), &found, &expected);
    });
}

/// No row of a table is asked for that it has not, whatever stands behind a sentence, and no emission depends
/// on it.
#[test]
fn padding_changes_nothing() {
    every_kind(|architecture| {
        let architecture = Architecture { reverse: None, ..*architecture };
        if architecture.readout == Readout::Final {
            return;
        }
        let (_vs, net, weights) = build(&architecture, INPUTS, OUTPUTS);
        let bytes = encode(&architecture, &Input::Tokens, INPUTS, OUTPUTS, &weights, &[]).unwrap();
        let asked = Asked::new(&[2, TIME, 1]);
        let expected = asked.by_libtorch(&net);
        for padding in [0, -1, 99] {
            let inputs = asked.padded(&architecture, padding);
            let found = run(&without_lengths(read(&bytes)), inputs, false);
            let found = match architecture.readout {
                Readout::Sequence => {
                    let all = found.to_plain_array_view::<f32>().unwrap();
                    let own = all.outer_iter().zip(&asked.lengths).flat_map(|(sentence, &length)| {
                        sentence.as_slice().unwrap()[..length * OUTPUTS].to_vec()
                    });
                    let own: Vec<f32> = own.collect();
                    Tract::from_shape(&[asked.words.len(), OUTPUTS], &own).unwrap()
                }
                _ => found,
            };
            near(&format!("{architecture}, padded with {padding}"), &found, &expected);
        }
    });
}

#[test]
fn inputs_and_outputs_are_declared() {
    every_kind(|architecture| {
        let (_, _, weights) = build(architecture, INPUTS, OUTPUTS);
        let bytes = encode(architecture, &Input::Tokens, INPUTS, OUTPUTS, &weights, &[]).unwrap();
        let model = read(&bytes);
        assert!(model.metadata_props[0].value.starts_with("input `lengths`, int32: "));
        let graph = model.graph.unwrap();
        let characters = match architecture.character_net() {
            Some(_) => ", characters int64 batch time letters, character_lengths int32 batch time",
            None => "",
        };
        let inputs = format!("words int64 batch time, lengths int32 batch{characters}");
        assert_eq!(declared(&graph.input), inputs);
        let steps = if architecture.readout == Readout::Sequence { "time " } else { "" };
        assert_eq!(declared(&graph.output), format!("logits float batch {steps}3"));
        let recurrent = graph.node.iter().filter(is_recurrent);
        let lengths: Vec<_> = recurrent.map(|node| (node.name.as_str(), node.input[4].as_str())).collect();
        let prefix = architecture.cell.prefix();
        let (name, of_characters) = (format!("{prefix}_l0"), format!("char_{prefix}_l0"));
        let mut expected = vec![(of_characters.as_str(), "character_lengths_read"), (&name, "lengths")];
        expected.drain(..usize::from(architecture.character_net().is_none()));
        assert_eq!(lengths, expected);
        assert!(graph.node.iter().all(|node| node.op_type != "Dropout"));
    });
}

/// Of a conditional random field the graph has none of the parameters.
#[test]
fn transitions_are_no_part_of_the_graph() {
    let (_, _, mut weights) = build(&NET, INPUTS, OUTPUTS);
    let encoded = |weights: &StateDict| encode(&NET, &Input::Tokens, INPUTS, OUTPUTS, weights, &[]);
    let before = encoded(&weights).unwrap();
    weights.insert("crf.transitions".to_owned(), Array::new(vec![3, 3], vec![7.0; 9]));
    assert_eq!(encoded(&weights).unwrap(), before);
    weights.remove("crf.transitions");
    assert_eq!(encoded(&weights).unwrap_err().to_string(), "missing: `crf.transitions`");
}

#[test]
fn a_net_of_words_is_given_words_and_no_other_is() {
    let (_, _, weights) = build(&NET, INPUTS, OUTPUTS);
    let refused = |net: &Architecture, input: &Input, inputs: Inputs| {
        let refusal = encode(net, input, inputs, OUTPUTS, &weights, &[]).unwrap_err();
        assert!(matches!(refusal, OnnxError::Input { .. }), "{refusal}");
    };
    refused(&NET, &Input::Images, INPUTS);
    refused(&NET, &Input::Tokens, Inputs::Values(4));
    refused(&Architecture { embedding: None, ..NET }, &Input::Tokens, INPUTS);
    refused(&NET, &Input::Images, Inputs::Values(4));
}
