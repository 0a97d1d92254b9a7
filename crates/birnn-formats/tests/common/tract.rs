//! Nets with large weights, and what tract makes of them.

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several tests, not all of it by each")]

use std::sync::Mutex;

use birnn_formats::{Array, StateDict};
use birnn_model::tch::{self, Device, Tensor, nn};
use birnn_model::{Architecture, Inputs, Network, values_of};
use tract_onnx::ops::rec::{common::CommonRec, rnn::RNN};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{ModelProto, NodeProto, ValueInfoProto};
use tract_onnx::prelude::{Tensor as Tract, *};
use tract_onnx::tract_core::ops::nn::leaky_relu;
use tract_onnx::tract_hir::internal::expand;
use tract_onnx::tract_hir::ops::math::tanh;

/// The name, type and shape of each input or output.
pub fn declared(values: &[ValueInfoProto]) -> String {
    let one = |value: &ValueInfoProto| {
        let Value::TensorType(tensor) = value.r#type.as_ref().unwrap().value.as_ref().unwrap();
        let lengths =
            tensor.shape.as_ref().unwrap().dim.iter().map(|dim| match dim.value.as_ref().unwrap() {
                dimension::Value::DimValue(length) => length.to_string(),
                dimension::Value::DimParam(name) => name.clone(),
            });
        let of = DataType::try_from(tensor.elem_type).unwrap().as_str_name().to_lowercase();
        format!("{} {of} {}", value.name, lengths.collect::<Vec<_>>().join(" "))
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub fn near(label: &str, found: &Tract, expected: &Tensor) {
    let expected_shape: Vec<usize> = expected.size().iter().map(|&n| n as usize).collect();
    assert_eq!(found.shape(), expected_shape, "{label}");
    let expected: Vec<f32> = expected.flatten(0, -1).try_into().unwrap();
    let found = found.to_plain_array_view::<f32>().unwrap();
    let size = expected.iter().fold(0.0, |most: f32, logit| most.max(logit.abs()));
    // What is compared is neither next to nothing nor so large that its digits end above the tolerance.
    assert!((0.1..30.0).contains(&size), "{label}: logits of {size}");
    for (expected, found) in expected.iter().zip(&found) {
        assert!((expected - found).abs() < 1e-5, "{label}: {found} for {expected}");
    }
}

/// A net with weights large enough that every gate matters.
pub fn build(
    architecture: &Architecture,
    inputs: impl Into<Inputs>,
    outputs: usize,
) -> (nn::VarStore, Network, StateDict) {
    // libtorch has one generator for the process, and tests run side by side.
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _alone = GENERATOR.lock().unwrap();
    tch::manual_seed(3);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&vs.root(), architecture, inputs, outputs).unwrap();
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

pub fn read(bytes: &[u8]) -> ModelProto {
    onnx().proto_model_for_read(&mut &*bytes).unwrap()
}

pub fn is_recurrent(node: &&NodeProto) -> bool {
    ["LSTM", "GRU", "RNN"].contains(&&*node.op_type)
}

/// The same where no recurrent layer is told lengths, which tract takes of none.
pub fn without_lengths(mut model: ModelProto) -> ModelProto {
    let nodes = model.graph.as_mut().unwrap().node.iter_mut();
    nodes.filter(|node| is_recurrent(&&**node)).for_each(|node| node.input.truncate(4));
    model
}

/// The logits by tract, which wants to know the batch beforehand; and the time where there is something to
/// flip.
pub fn run(model: &ModelProto, inputs: Vec<Tract>, free_time: bool) -> Tract {
    let mut reader = onnx();
    reader.op_register.insert("RNN", |_, node| {
        let common = CommonRec::from_node_and_options(node, 3, 0, Box::new(activation(node)?))?;
        Ok((expand(common), vec![]))
    });
    let mut model = reader.model_for_proto_model(model).unwrap();
    for (index, input) in inputs.iter().enumerate() {
        let mut shape: Vec<_> = input.shape().iter().map(ToDim::to_dim).collect();
        if free_time && index == 0 {
            shape[1] = model.symbols.sym("time").to_dim();
        }
        model.set_input_fact(index, input.datum_type().fact(shape).into()).unwrap();
    }
    let model = model.into_optimized().unwrap().into_runnable().unwrap();
    let inputs: TVec<TValue> = inputs.into_iter().map(TValue::from).collect();
    model.run(inputs).unwrap().remove(0).into_tensor()
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
