//! A trained net as an [ONNX](https://onnx.ai) file, for onnxruntime, tract and others.
//!
//! Input `images` is `[batch, time, features]`, output `logits` is `[batch, outputs]`, or `[batch, time,
//! outputs]` for `Readout::Sequence`; batch and time are free. No softmax at the end. Operator set 17, one
//! LSTM, GRU or RNN node per layer where the directions are alike.
//!
//! tract 0.23 must be given the batch as a number when it loads a net, and the time too where directions
//! differ in size, or it refuses. An RNN with relu it takes for one with tanh, and says nothing.

mod graph;
mod layer;
mod net;
mod proto;

use prost::Message;

use self::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::{Architecture, Mismatch, StateDict, check};

/// The name of the graph's input.
pub const INPUT: &str = "images";
/// The name of the graph's output.
pub const OUTPUT: &str = "logits";

/// Why a net could not be written as ONNX.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The weights are not the net's.
    #[error(transparent)]
    Weights(#[from] Mismatch),
    /// Protocol buffers, and so ONNX in one file, end at 2 GiB.
    #[error("the net takes {bytes} bytes, and an ONNX file can have {LIMIT}")]
    TooLarge {
        /// What the file would take; of a net that is too large by its weights alone, what these take.
        bytes: u64,
    },
}

/// The bytes of an ONNX file: a net with `features` values per time step and `outputs` values per sequence
/// (or per time step), its weights by PyTorch's names, and what else is to be known of it as pairs of key and
/// text, each key once.
///
/// The same arguments give the same bytes.
pub fn encode(
    architecture: &Architecture,
    features: usize,
    outputs: usize,
    weights: &StateDict,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, OnnxError> {
    let parameters = architecture.parameters(features, outputs);
    fits(weight_bytes(&parameters))?;
    check(weights, architecture, features, outputs)?;
    let entry = |(key, value): &(&str, String)| StringStringEntryProto {
        key: (*key).to_owned(),
        value: value.clone(),
    };
    let model = ModelProto {
        ir_version: 8,
        producer_name: "birnn".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(net::net(architecture, features, outputs, weights)),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        metadata_props: metadata.iter().map(entry).collect(),
    };
    fits(model.encoded_len() as u64)?;
    Ok(model.encode_to_vec())
}

/// The most bytes of a message of protocol buffers.
const LIMIT: u64 = i32::MAX as u64;

fn fits(bytes: u64) -> Result<(), OnnxError> {
    if bytes > LIMIT { Err(OnnxError::TooLarge { bytes }) } else { Ok(()) }
}

fn weight_bytes(parameters: &[(String, Vec<usize>)]) -> u64 {
    let bytes = |shape: &[usize]| shape.iter().fold(4, |bytes: u64, &n| bytes.saturating_mul(n as u64));
    parameters.iter().fold(0, |sum: u64, (_, shape)| sum.saturating_add(bytes(shape)))
}
