//! The whole net as a graph: stacked recurrent layers, a readout, a linear head, as in
//! `birnn-model/src/network.rs`.

use birnn_architecture::{ATTENTION, HEAD};

use super::graph::{Graph, fixed, free, int, ints};
use super::layer::Layer;
use super::proto::GraphProto;
use super::{INPUT, OUTPUT};
use crate::{Architecture, Readout, StateDict};

/// `weights` must have been held against the architecture.
pub(super) fn net(
    architecture: &Architecture,
    features: usize,
    outputs: usize,
    weights: &StateDict,
) -> GraphProto {
    let mut graph = Graph::default();
    let layers: Vec<_> =
        (0..architecture.layers).map(|index| Layer::new(architecture, index, weights)).collect();
    let (below, top) = layers.split_at(layers.len() - 1);
    let top = &top[0];

    let mut sequence = graph.transpose("time_major", INPUT, &[1, 0, 2]);
    for layer in below {
        sequence = layer.sequence(&mut graph, &sequence);
    }
    let read = match architecture.readout {
        Readout::Last => top.last(&mut graph, &sequence),
        Readout::Final => top.final_states(&mut graph, &sequence),
        Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => {
            top.sequence(&mut graph, &sequence)
        }
    };
    let over_time = || vec![ints("axes", &[0]), int("keepdims", 0)];
    let read = match architecture.readout {
        Readout::Last | Readout::Final | Readout::Sequence => read,
        Readout::Mean => graph.node("ReduceMean", "mean", &[&read], over_time()),
        Readout::Max => graph.node("ReduceMax", "max", &[&read], over_time()),
        Readout::Attention => attention(&mut graph, &read, weights),
    };
    let batch = free("batch");
    let logits = if architecture.readout == Readout::Sequence {
        let logits = linear(&mut graph, HEAD, &read, weights);
        graph.node_into("Transpose", "batch_major", &[&logits], &[OUTPUT], vec![ints("perm", &[1, 0, 2])]);
        vec![batch.clone(), free("time"), fixed(outputs)]
    } else {
        let [weight, bias] = ["weight", "bias"].map(|name| {
            let name = format!("{HEAD}.{name}");
            graph.floats(&name, weights[&name].shape(), weights[&name].values())
        });
        graph.node_into("Gemm", HEAD, &[&read, &weight, &bias], &[OUTPUT], vec![int("transB", 1)]);
        vec![batch.clone(), fixed(outputs)]
    };
    graph.finish("birnn", (INPUT, &[batch, free("time"), fixed(features)]), (OUTPUT, &logits))
}

/// `softmax_t(tanh(W h_t + b) . context)` as the weights of a mean over time.
fn attention(graph: &mut Graph, outputs: &str, weights: &StateDict) -> String {
    let projected = linear(graph, ATTENTION, outputs, weights);
    let hidden = graph.node("Tanh", "attention_tanh", &[&projected], vec![]);
    let name = format!("{ATTENTION}.context");
    let context = weights[&name].values();
    let context = graph.floats(&name, &[context.len(), 1], context);
    let scores = graph.node("MatMul", "attention_scores", &[&hidden, &context], vec![]);
    let weights = graph.node("Softmax", "attention_softmax", &[&scores], vec![int("axis", 0)]);
    let weighted = graph.node("Mul", "attention_weighted", &[&weights, outputs], vec![]);
    let axes = graph.constant("attention_sum.axes", &[0]);
    graph.node("ReduceSum", "attention_sum", &[&weighted, &axes], vec![int("keepdims", 0)])
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
