//! Nets written as ONNX and run by tract, beside the nets themselves.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod common;

use std::sync::Mutex;

use birnn_formats::onnx::{OnnxError, encode};
use birnn_formats::{Array, StateDict};
use birnn_model::tch::{self, Device, Tensor, nn};
use birnn_model::{Architecture, Cell, Network, Readout, values_of};
use common::filled;
use sha2::{Digest, Sha256};
use tract_onnx::ops::rec::{common::CommonRec, rnn::RNN};
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{NodeProto, ValueInfoProto};
use tract_onnx::prelude::{Tensor as Tract, *};
use tract_onnx::tract_core::ops::nn::leaky_relu;
use tract_onnx::tract_hir::internal::{ToDim, expand};
use tract_onnx::tract_hir::ops::math::tanh;

const FEATURES: usize = 6;
const OUTPUTS: usize = 3;
const CELLS: [Cell; 4] = [Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu];
const READOUTS: [Readout; 6] =
    [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention, Readout::Sequence];

#[test]
fn one_direction_is_the_net() {
    every_cell_and_readout(5, None);
}

#[test]
fn two_directions_are_the_net() {
    every_cell_and_readout(5, Some(5));
}

#[test]
fn directions_of_different_sizes_are_the_net() {
    every_cell_and_readout(7, Some(4));
}

#[test]
fn the_same_net_is_the_same_bytes() {
    let (_, _, weights) = build(&NET);
    let written = || encode(&NET, FEATURES, OUTPUTS, &weights, &[("classes", "abc".to_owned())]).unwrap();
    assert_eq!(written(), written());
}

/// What reads such files today will read those of tomorrow. A change that is meant changes the digest.
#[test]
fn the_bytes_are_those_of_before() {
    let mut digest = Sha256::new();
    for_every(5, &[None, Some(5), Some(3)], |architecture| {
        let bytes =
            encode(architecture, FEATURES, OUTPUTS, &filled(architecture, FEATURES, OUTPUTS), &[]).unwrap();
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
    let bytes = encode(&NET, FEATURES, OUTPUTS, &weights, &metadata).unwrap();
    let model = onnx().proto_model_for_read(&mut &bytes[..]).unwrap();
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
        let bytes = encode(&architecture, FEATURES, OUTPUTS, &weights, &[]).unwrap();
        let graph = onnx().proto_model_for_read(&mut &bytes[..]).unwrap().graph.unwrap();
        assert_eq!(declared(&graph.input), ("images".to_owned(), "batch time 6".to_owned()));
        let logits = if readout == Readout::Sequence { "batch time 3" } else { "batch 3" };
        assert_eq!(declared(&graph.output), ("logits".to_owned(), logits.to_owned()));
    }
}

#[test]
fn weights_of_another_net_are_refused_by_name() {
    let (_, _, mut weights) = build(&NET);
    let right = weights.remove("fc.bias").unwrap();
    weights.insert("gru.weight_ih_l2".to_owned(), right);
    let refusal = encode(&NET, FEATURES, OUTPUTS, &weights, &[]).unwrap_err();
    assert_eq!(refusal.to_string(), "missing: `fc.bias`; unexpected: `gru.weight_ih_l2`");
}

#[test]
fn a_net_of_more_than_two_gibibytes_is_refused_before_its_weights_are_looked_at() {
    let huge = Architecture {
        forward: 16_384,
        reverse: None,
        cell: Cell::RnnTanh,
        layers: 2,
        readout: Readout::Last,
        ..NET
    };
    // weight_hh twice and weight_ih of the second layer, and then the small ones.
    let units = 16_384;
    let values = 3 * units * units + units * FEATURES as u64 + 4 * units + OUTPUTS as u64 * (units + 1);
    let refusal = encode(&huge, FEATURES, OUTPUTS, &StateDict::new(), &[]).unwrap_err();
    assert_eq!(refusal, OnnxError::TooLarge { bytes: 4 * values });
}

const NET: Architecture = Architecture {
    cell: Cell::Gru,
    layers: 2,
    forward: 7,
    reverse: Some(4),
    dropout: 0.0,
    readout: Readout::Attention,
};

/// The name and shape of the one input or output.
fn declared(values: &[ValueInfoProto]) -> (String, String) {
    let [value] = values else { panic!("{values:?}") };
    let Value::TensorType(tensor) = value.r#type.as_ref().unwrap().value.as_ref().unwrap();
    let lengths = tensor.shape.as_ref().unwrap().dim.iter().map(|dim| match dim.value.as_ref().unwrap() {
        dimension::Value::DimValue(length) => length.to_string(),
        dimension::Value::DimParam(name) => name.clone(),
    });
    (value.name.clone(), lengths.collect::<Vec<_>>().join(" "))
}

fn every_cell_and_readout(forward: usize, reverse: Option<usize>) {
    for_every(forward, &[reverse], same_logits);
}

fn for_every(forward: usize, reverse: &[Option<usize>], mut check: impl FnMut(&Architecture)) {
    for &reverse in reverse {
        for cell in CELLS {
            for readout in READOUTS {
                for layers in 1..=3 {
                    check(&Architecture { cell, layers, forward, reverse, dropout: 0.0, readout });
                }
            }
        }
    }
}

/// One file, at a single step and at several.
fn same_logits(architecture: &Architecture) {
    let one_size = architecture.reverse.is_none_or(|reverse| reverse == architecture.forward);
    let (_vs, net, weights) = build(architecture);
    let bytes = encode(architecture, FEATURES, OUTPUTS, &weights, &[]).unwrap();
    for (batch, time) in [(1, 1), (3, 9)] {
        let input: Vec<f32> = (0..batch * time * FEATURES).map(|i| (i as f32 * 0.7).sin()).collect();
        let shape = [batch, time, FEATURES];
        let images = Tensor::from_slice(&input).view(shape.map(|n| n as i64));
        let expected = tch::no_grad(|| net.forward(&images, false)).unwrap();
        let input = Tract::from_shape(&shape, &input).unwrap();
        let found = run(&bytes, input, one_size);

        let label = format!("{architecture}, batch {batch}, time {time}");
        let expected_shape: Vec<usize> = expected.size().iter().map(|&n| n as usize).collect();
        assert_eq!(found.shape(), expected_shape, "{label}");
        let expected: Vec<f32> = expected.flatten(0, -1).try_into().unwrap();
        let found = found.to_plain_array_view::<f32>().unwrap();
        let size = expected.iter().fold(0.0, |most: f32, logit| most.max(logit.abs()));
        // What is compared is neither next to nothing nor so large that its digits end above the tolerance.
        assert!((0.3..30.0).contains(&size), "{label}: logits of {size}");
        for (expected, found) in expected.iter().zip(&found) {
            assert!((expected - found).abs() < 1e-5, "{label}: {found} for {expected}");
        }
    }
}

/// A net with weights large enough that every gate matters.
fn build(architecture: &Architecture) -> (nn::VarStore, Network, StateDict) {
    // libtorch has one generator for the process, and tests run side by side.
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _alone = GENERATOR.lock().unwrap();
    tch::manual_seed(3);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&vs.root(), architecture, FEATURES, OUTPUTS).unwrap();
    tch::no_grad(|| {
        for (name, mut tensor) in vs.variables() {
            let _ = tensor.g_mul_scalar_(if name.starts_with("fc") { 6.0 } else { 1.5 });
        }
    });
    let array = |tensor: &Tensor| {
        let (shape, values) = values_of(tensor).unwrap();
        Array::new(shape, values)
    };
    let weights = vs.variables().iter().map(|(name, tensor)| (name.clone(), array(tensor))).collect();
    (vs, net, weights)
}

/// The logits by tract, which wants to know the batch beforehand; and the time where there is something to
/// flip.
fn run(bytes: &[u8], input: Tract, free_time: bool) -> Tract {
    let mut reader = onnx();
    reader.op_register.insert("RNN", |_, node| {
        let common = CommonRec::from_node_and_options(node, 3, 0, Box::new(activation(node)?))?;
        Ok((expand(common), vec![]))
    });
    let model = reader.model_for_read(&mut &bytes[..]).unwrap();
    let mut shape = [input.shape()[0].to_dim(), input.shape()[1].to_dim(), FEATURES.to_dim()];
    if free_time {
        shape[1] = model.symbols.sym("time").to_dim();
    }
    let model = model.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let model = model.into_optimized().unwrap().into_runnable().unwrap();
    model.run(tvec!(input.into())).unwrap().remove(0).into_tensor()
}

/// tract has cells of either activation, but its own reader takes the default and never looks.
fn activation(node: &NodeProto) -> TractResult<RNN> {
    Ok(match &*node.get_attr_vec::<&str>("activations")? {
        ["Tanh"] | ["Tanh", "Tanh"] => RNN { fore: Box::new(tanh()), back: Box::new(tanh()) },
        ["Relu"] | ["Relu", "Relu"] => {
            RNN { fore: Box::new(leaky_relu(0.0)), back: Box::new(leaky_relu(0.0)) }
        }
        other => panic!("{other:?}"),
    })
}
