//! Nets written as ONNX and run by tract, beside the nets themselves.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod common;
#[path = "common/tract.rs"]
mod tract;

use birnn_formats::StateDict;
use birnn_formats::onnx::{Batch, Input, OnnxError, Standardise, encode};
use birnn_model::tch::{self, Tensor, nn};
use birnn_model::{Architecture, Cell, Network, Readout};
use common::filled;
use sha2::{Digest, Sha256};
use tract_onnx::prelude::Tensor as Tract;

use crate::tract::{declared, is_recurrent, near, read, run, without_lengths};

const FEATURES: usize = 6;
const OUTPUTS: usize = 3;
const CELLS: [Cell; 4] = [Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu];
const READOUTS: [Readout; 6] =
    [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention, Readout::Sequence];

const MEAN: [f32; FEATURES] = [20.0, -3.0, 1000.0, 0.0, 0.5, 7.0];
const DEVIATION: [f32; FEATURES] = [1.5, 0.1, 250.0, 1.0, 0.01, 7.0];

#[test]
fn one_direction_is_the_net() {
    every_cell_and_readout(ONE_WAY);
    every_cell_and_readout((None, Some(5)));
}

#[test]
fn two_directions_are_the_net() {
    every_cell_and_readout((Some(5), Some(5)));
}

#[test]
fn directions_of_different_sizes_are_the_net() {
    every_cell_and_readout((Some(7), Some(4)));
}

/// tract reads no lengths, and a forward direction needs none to be right up to each end: what is shown is
/// that no readout sees padding.
#[test]
fn padding_changes_nothing_that_is_read_over_time() {
    let lengths = [2, 7, 1, 4];
    let time = 7;
    for_every(&[ONE_WAY], |architecture| {
        if !architecture.readout.needs_sequence() {
            return;
        }
        let (_vs, net, weights) = build(architecture);
        let bytes = encode(architecture, &series(Batch::Padded), FEATURES, OUTPUTS, &weights, &[]).unwrap();
        let steps: usize = lengths.iter().sum();
        let (raw, standardised) = numbers(steps);
        let mut padded = vec![f32::NAN; lengths.len() * time * FEATURES];
        let mut rest = &raw[..];
        for (length, row) in lengths.iter().zip(padded.chunks_exact_mut(time * FEATURES)) {
            let own = rest.split_off(..length * FEATURES).unwrap();
            row[..own.len()].copy_from_slice(own);
        }
        let padded = Tract::from_shape(&[lengths.len(), time, FEATURES], &padded).unwrap();
        let ends = Tract::from_shape(&[lengths.len()], &lengths.map(|length| length as i32)).unwrap();
        let model = without_lengths(read(&bytes));
        let mut found = run(&model, vec![padded, ends], true);

        let values = Tensor::from_slice(&standardised).view([steps as i64, FEATURES as i64]);
        let expected = tch::no_grad(|| net.forward_ragged(&values, &lengths, false)).unwrap();
        if architecture.readout == Readout::Sequence {
            let all = found.to_plain_array_view::<f32>().unwrap();
            let bias = weights["fc.bias"].values();
            let mut own = Vec::new();
            for (series, &length) in all.outer_iter().zip(&lengths) {
                let (steps, padding) = series.as_slice().unwrap().split_at(length * OUTPUTS);
                own.extend_from_slice(steps);
                padding.chunks_exact(OUTPUTS).for_each(|logits| assert_eq!(logits, bias));
            }
            found = Tract::from_shape(&[steps, OUTPUTS], &own).unwrap();
        }
        near(&format!("{architecture}, padded"), &found, &expected);
    });
}

#[test]
fn what_reads_padded_series_knows_their_lengths() {
    for_every(&[ONE_WAY, (Some(5), Some(5)), (Some(5), Some(3)), (None, Some(5))], |architecture| {
        let weights = filled(architecture, FEATURES, OUTPUTS);
        let bytes = encode(architecture, &series(Batch::Padded), FEATURES, OUTPUTS, &weights, &[]).unwrap();
        let nodes = read(&bytes).graph.unwrap().node;
        for node in nodes.iter().filter(is_recurrent) {
            let lengths = (node.input[0] != "last_step").then_some("lengths");
            assert_eq!(node.input.get(4).map(String::as_str), lengths, "{architecture}: {}", node.name);
        }
        // Nothing that is not finite goes further, whatever a runtime does with steps behind an end.
        let reads_raw = nodes.iter().filter(|node| node.input.iter().any(|input| input == "time_major"));
        assert_eq!(reads_raw.map(|node| &*node.op_type).collect::<Vec<_>>(), ["Shape", "Where"]);
    });
}

#[test]
fn series_say_whether_there_are_lengths() {
    let weights = filled(&NET, FEATURES, OUTPUTS);
    for (batch, inputs, text) in [
        (Batch::Padded, "series float batch time 6, lengths int32 batch", "input `lengths`, int32: "),
        (Batch::One, "series float 1 time 6", "one series at a time: "),
    ] {
        let metadata = [("classes", "a,b,c".to_owned())];
        let bytes = encode(&NET, &series(batch), FEATURES, OUTPUTS, &weights, &metadata).unwrap();
        let model = read(&bytes);
        assert_eq!(declared(&model.graph.unwrap().input), inputs);
        let [classes, lengths] = &model.metadata_props[..] else { panic!("{:?}", model.metadata_props) };
        assert_eq!((&*classes.key, &*lengths.key), ("classes", "lengths"));
        assert!(lengths.value.starts_with(text), "{}", lengths.value);
    }
}

#[test]
fn what_cannot_standardise_is_refused() {
    let weights = filled(&NET, FEATURES, OUTPUTS);
    let replaced = |value: f32| [&[value], &DEVIATION[1..]].concat();
    for (mean, deviation) in [
        (&MEAN[1..], &DEVIATION[..]),
        (&MEAN, &DEVIATION[1..]),
        (&MEAN, &replaced(0.0)),
        (&MEAN, &replaced(-1.0)),
        (&MEAN, &replaced(f32::INFINITY)),
        (&replaced(f32::NAN), &DEVIATION),
    ] {
        let standardise = Some(Standardise { mean, deviation });
        let input = Input::Series { standardise, batch: Batch::One };
        let refusal = encode(&NET, &input, FEATURES, OUTPUTS, &weights, &[]).unwrap_err();
        assert_eq!(refusal, OnnxError::Standardise { features: FEATURES });
    }
}

#[test]
fn the_same_net_is_the_same_bytes() {
    let (_, _, weights) = build(&NET);
    let written = || {
        encode(&NET, &Input::Images, FEATURES, OUTPUTS, &weights, &[("classes", "abc".to_owned())]).unwrap()
    };
    assert_eq!(written(), written());
}

/// What reads such files today will read those of tomorrow. A change that is meant changes the digest.
#[test]
fn the_bytes_are_those_of_before() {
    let mut digest = Sha256::new();
    for_every(&[ONE_WAY, (Some(5), Some(5)), (Some(5), Some(3))], |architecture| {
        let bytes = encode(
            architecture,
            &Input::Images,
            FEATURES,
            OUTPUTS,
            &filled(architecture, FEATURES, OUTPUTS),
            &[],
        )
        .unwrap();
        // All but the number of birnn's version, which follows its name.
        let producer = bytes.windows(5).position(|window| window == b"birnn").unwrap() + 5;
        let version = 2 + usize::from(bytes[producer + 1]);
        digest.update(&bytes[..producer]);
        digest.update(&bytes[producer + version..]);
    });
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "72c7d8b2e763e9a478fd5e1981090cedc6ad2041fbe1a1b5db579f87d4f42977");
}

#[test]
fn metadata_reads_back_in_its_order() {
    let (_, _, weights) = build(&NET);
    let metadata = [("outputs", "3".to_owned()), ("classes", "ä,b\nc".to_owned()), ("empty", String::new())];
    let bytes = encode(&NET, &Input::Images, FEATURES, OUTPUTS, &weights, &metadata).unwrap();
    let model = read(&bytes);
    let found: Vec<_> =
        model.metadata_props.iter().map(|entry| (entry.key.as_str(), entry.value.clone())).collect();
    assert_eq!(found, metadata);
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
    assert_eq!((&*model.producer_name, &*model.producer_version), ("birnn", env!("CARGO_PKG_VERSION")));
}

#[test]
fn batch_and_time_are_free() {
    for readout in READOUTS {
        let architecture = Architecture { readout, ..NET };
        let (_, _, weights) = build(&architecture);
        let bytes = encode(&architecture, &Input::Images, FEATURES, OUTPUTS, &weights, &[]).unwrap();
        let graph = read(&bytes).graph.unwrap();
        assert_eq!(declared(&graph.input), "images float batch time 6");
        let logits = if readout == Readout::Sequence { "batch time 3" } else { "batch 3" };
        assert_eq!(declared(&graph.output), format!("logits float {logits}"));
    }
}

#[test]
fn weights_of_another_net_are_refused_by_name() {
    let (_, _, mut weights) = build(&NET);
    let right = weights.remove("fc.bias").unwrap();
    weights.insert("gru.weight_ih_l2".to_owned(), right);
    let refusal = encode(&NET, &Input::Images, FEATURES, OUTPUTS, &weights, &[]).unwrap_err();
    assert_eq!(refusal.to_string(), "missing: `fc.bias`; unexpected: `gru.weight_ih_l2`");
}

#[test]
fn a_net_of_more_than_two_gibibytes_is_refused_before_its_weights_are_looked_at() {
    let huge = Architecture {
        forward: Some(16_384),
        reverse: None,
        cell: Cell::RnnTanh,
        layers: 2,
        readout: Readout::Last,
        ..NET
    };
    // weight_hh twice and weight_ih of the second layer, and then the small ones.
    let units = 16_384;
    let values = 3 * units * units + units * FEATURES as u64 + 4 * units + OUTPUTS as u64 * (units + 1);
    let refusal = encode(&huge, &Input::Images, FEATURES, OUTPUTS, &StateDict::new(), &[]).unwrap_err();
    assert_eq!(refusal, OnnxError::TooLarge { bytes: 4 * values });
}

const NET: Architecture = Architecture {
    cell: Cell::Gru,
    layers: 2,
    forward: Some(7),
    reverse: Some(4),
    dropout: 0.0,
    readout: Readout::Attention,
    embedding: None,
    head: birnn_architecture::Head::Linear,
    input_dropout: 0.0,
    output_dropout: 0.0,
};

fn series(batch: Batch) -> Input<'static> {
    Input::Series { standardise: Some(Standardise { mean: &MEAN, deviation: &DEVIATION }), batch }
}

/// Units of the forward and of the reverse direction.
type Units = (Option<usize>, Option<usize>);

const ONE_WAY: Units = (Some(5), None);

/// Each cell with each readout, in turn of one, two and three layers: each cell and each readout is seen with
/// each.
fn every_cell_and_readout((forward, reverse): Units) {
    for (shift, cell) in CELLS.into_iter().enumerate() {
        for (place, readout) in READOUTS.into_iter().enumerate() {
            let layers = 1 + (shift + place) % 3;
            let architecture = Architecture { cell, layers, forward, reverse, readout, ..NET };
            same_logits(&architecture, &Input::Images, &[(1, 1), (3, 9)]);
            same_logits(&architecture, &series(Batch::One), &[(1, 9)]);
        }
    }
}

fn for_every(units: &[Units], mut check: impl FnMut(&Architecture)) {
    for &(forward, reverse) in units {
        for cell in CELLS {
            for readout in READOUTS {
                for layers in 1..=3 {
                    check(&Architecture { cell, layers, forward, reverse, readout, ..NET });
                }
            }
        }
    }
}

/// One file, of batches of so many sequences of so many steps.
fn same_logits(architecture: &Architecture, input: &Input, sizes: &[(usize, usize)]) {
    let Architecture { forward, reverse, .. } = *architecture;
    let one_size = reverse.is_none() || forward == reverse;
    let (_vs, net, weights) = build(architecture);
    let bytes = encode(architecture, input, FEATURES, OUTPUTS, &weights, &[]).unwrap();
    for &(batch, time) in sizes {
        let (raw, standardised) = numbers(batch * time);
        let values = if *input == Input::Images { &standardised } else { &raw };
        let shape = [batch, time, FEATURES];
        let images = Tensor::from_slice(&standardised).view(shape.map(|n| n as i64));
        let expected = tch::no_grad(|| net.forward(&images, false)).unwrap();
        let found = run(&read(&bytes), vec![Tract::from_shape(&shape, values).unwrap()], one_size);
        near(&format!("{architecture}, {input:?}, batch {batch}, time {time}"), &found, &expected);
    }
}

/// Series in units of their own, and what a net reads of them: `[steps, FEATURES]`.
fn numbers(steps: usize) -> (Vec<f32>, Vec<f32>) {
    let raw = (0..steps * FEATURES).map(|index| {
        let feature = index % FEATURES;
        (index as f32 * 0.7).sin() * DEVIATION[feature] + MEAN[feature]
    });
    let raw: Vec<f32> = raw.collect();
    let standardised = |(index, x): (usize, &f32)| (x - MEAN[index % FEATURES]) / DEVIATION[index % FEATURES];
    let standardised = raw.iter().enumerate().map(standardised).collect();
    (raw, standardised)
}

fn build(architecture: &Architecture) -> (nn::VarStore, Network, StateDict) {
    tract::build(architecture, FEATURES, OUTPUTS)
}
