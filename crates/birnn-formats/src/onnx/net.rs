//! The whole net as a graph: vectors for words, stacked recurrent layers, a readout, a linear head, as in
//! `birnn-model/src/network.rs`.

use birnn_architecture::{ATTENTION, HEAD};

use super::embedding::embedded;
use super::graph::{DataType, Graph, fixed, free, int, ints, tensor};
use super::layer::Layer;
use super::proto::{AttributeProto, Dimension, GraphProto, ValueInfoProto};
use super::sequences::{Lengths, Sequences};
use super::{Batch, CHARACTER_LENGTHS, CHARACTERS, Input, LENGTHS, OUTPUT, Standardise, WORDS};
use crate::{Architecture, Readout, StateDict};

/// `weights` and `input` must have been held against the architecture and `features`.
pub(super) fn net(
    architecture: &Architecture,
    input: &Input,
    features: usize,
    outputs: usize,
    weights: &StateDict,
) -> GraphProto {
    let mut graph = Graph::default();
    let layers: Vec<_> =
        (0..architecture.layers).map(|index| Layer::new("", architecture, index, weights)).collect();
    let (below, top) = layers.split_at(layers.len() - 1);
    let top = &top[0];

    let mut sequence = match input {
        Input::Images | Input::Series { .. } => time_major(&mut graph, input),
        Input::Tokens => embedded(&mut graph, architecture, weights),
    };
    for layer in below {
        sequence = layer.sequence(&mut graph, &sequence);
    }
    let all =
        |graph: &mut Graph, padding| top.sequence(graph, &sequence).padded(graph, "outputs_padded", padding);
    let read = match architecture.readout {
        Readout::Last => top.last(&mut graph, &sequence),
        Readout::Final => top.final_states(&mut graph, &sequence),
        Readout::Sequence => all(&mut graph, 0.0).values,
        Readout::Mean => {
            let outputs = all(&mut graph, 0.0);
            mean(&mut graph, &outputs)
        }
        Readout::Max => {
            let outputs = all(&mut graph, f32::NEG_INFINITY);
            graph.node("ReduceMax", "max", &[&outputs.values], over_time())
        }
        Readout::Attention => {
            let outputs = all(&mut graph, 0.0);
            attention(&mut graph, &outputs, weights)
        }
    };
    let time = free("time");
    let batch = match input.batch() {
        None | Some(Batch::Padded) => free("batch"),
        Some(Batch::One) => fixed(1),
    };
    let logits = if architecture.readout == Readout::Sequence {
        let logits = linear(&mut graph, HEAD, &read, weights);
        graph.node_into("Transpose", "batch_major", &[&logits], &[OUTPUT], vec![ints("perm", &[1, 0, 2])]);
        vec![batch.clone(), time.clone(), fixed(outputs)]
    } else {
        let [weight, bias] = ["weight", "bias"].map(|name| {
            let name = format!("{HEAD}.{name}");
            graph.floats(&name, weights[&name].shape(), weights[&name].values())
        });
        graph.node_into("Gemm", HEAD, &[&read, &weight, &bias], &[OUTPUT], vec![int("transB", 1)]);
        vec![batch.clone(), fixed(outputs)]
    };
    let inputs = match input {
        Input::Images | Input::Series { .. } => of_values(input, features, &batch, &time),
        Input::Tokens => of_tokens(architecture, &batch, &time),
    };
    graph.finish("birnn", inputs, tensor(OUTPUT, DataType::Float, &logits))
}

/// The inputs of a graph that is given values.
fn of_values(input: &Input, features: usize, batch: &Dimension, time: &Dimension) -> Vec<ValueInfoProto> {
    let shape = [batch.clone(), time.clone(), fixed(features)];
    let lengths = || tensor(LENGTHS, DataType::Int32, std::slice::from_ref(batch));
    let lengths = (input.batch() == Some(Batch::Padded)).then(lengths);
    std::iter::once(tensor(input.name(), DataType::Float, &shape)).chain(lengths).collect()
}

/// The inputs of a graph that is given tokens.
fn of_tokens(architecture: &Architecture, batch: &Dimension, time: &Dimension) -> Vec<ValueInfoProto> {
    let tokens = [batch.clone(), time.clone()];
    let mut inputs = vec![
        tensor(WORDS, DataType::Int64, &tokens),
        tensor(LENGTHS, DataType::Int32, std::slice::from_ref(batch)),
    ];
    if architecture.character_net().is_some() {
        let letters = [batch.clone(), time.clone(), free("letters")];
        inputs.push(tensor(CHARACTERS, DataType::Int64, &letters));
        inputs.push(tensor(CHARACTER_LENGTHS, DataType::Int32, &tokens));
    }
    inputs
}

/// The values that go into the graph, as its layers read them.
fn time_major(graph: &mut Graph, input: &Input) -> Sequences {
    let standardised = input.standardise().map(|Standardise { mean, deviation }| {
        let [mean, deviation] = [("mean", mean), ("deviation", deviation)]
            .map(|(name, values)| graph.floats(&format!("standardise.{name}"), &[values.len()], values));
        let centred = graph.node("Sub", "centred", &[input.name(), &mean], vec![]);
        graph.node("Div", "standardised", &[&centred, &deviation], vec![])
    });
    let values = graph.transpose("time_major", standardised.as_deref().unwrap_or(input.name()), &[1, 0, 2]);
    let lengths = (input.batch() == Some(Batch::Padded)).then(|| Lengths::new(graph, "", LENGTHS, &values));
    Sequences { values, lengths }.padded(graph, "padded", 0.0)
}

/// Over time, padding being 0.
fn mean(graph: &mut Graph, outputs: &Sequences) -> String {
    match &outputs.lengths {
        None => graph.node("ReduceMean", "mean", &[&outputs.values], over_time()),
        Some(lengths) => {
            let sum = sum(graph, "outputs_sum", &outputs.values);
            let counts = lengths.counts(graph);
            graph.node("Div", "mean", &[&sum, &counts], vec![])
        }
    }
}

/// `softmax_t(tanh(W h_t + b) . context)` as the weights of a mean over time.
fn attention(graph: &mut Graph, outputs: &Sequences, weights: &StateDict) -> String {
    let projected = linear(graph, ATTENTION, &outputs.values, weights);
    let hidden = graph.node("Tanh", "attention_tanh", &[&projected], vec![]);
    let name = format!("{ATTENTION}.context");
    let context = weights[&name].values();
    let context = graph.floats(&name, &[context.len(), 1], context);
    let scores = graph.node("MatMul", "attention_scores", &[&hidden, &context], vec![]);
    let scores = Sequences { values: scores, ..outputs.clone() };
    let scores = scores.padded(graph, "attention_padded", f32::NEG_INFINITY);
    let weights = graph.node("Softmax", "attention_softmax", &[&scores.values], vec![int("axis", 0)]);
    let weighted = graph.node("Mul", "attention_weighted", &[&weights, &outputs.values], vec![]);
    sum(graph, "attention_sum", &weighted)
}

fn sum(graph: &mut Graph, name: &str, input: &str) -> String {
    let axes = graph.constant(&format!("{name}.axes"), &[0]);
    graph.node("ReduceSum", name, &[input, &axes], vec![int("keepdims", 0)])
}

/// Of a node that leaves nothing of the first axis, time.
fn over_time() -> Vec<AttributeProto> {
    vec![ints("axes", &[0]), int("keepdims", 0)]
}

/// A linear layer at each time step. Gemm takes no sequence, and MatMul wants the weight transposed.
fn linear(graph: &mut Graph, name: &str, input: &str, weights: &StateDict) -> String {
    let weight = &weights[&format!("{name}.weight")];
    let (rows, columns) = (weight.shape()[0], weight.shape()[1]);
    let transposed = (0..columns).flat_map(|column| weight.values()[column..].iter().step_by(columns));
    let weight = graph.floats(&format!("{name}.weight_transposed"), &[columns, rows], transposed);
    let bias = &weights[&format!("{name}.bias")];
    let bias = graph.floats(&format!("{name}.bias"), bias.shape(), bias.values());
    let product = graph.node("MatMul", &format!("{name}_product"), &[input, &weight], vec![]);
    graph.node("Add", name, &[&product, &bias], vec![])
}
