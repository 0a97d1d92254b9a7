//! A trained net as an [ONNX](https://onnx.ai) file, for onnxruntime, tract and others.
//!
//! [`Input`] says what goes in: images, series of numbers, or words. Output `logits` is `[batch, outputs]`,
//! or `[batch, time, outputs]` for `Readout::Sequence`, where behind a sequence's end stands what the head
//! makes of zeros, as with PyTorch's `pad_packed_sequence`. No softmax at the end; and of a conditional
//! random field its emissions: its transitions and the search for the best tags are no part of the graph. Nor
//! is dropout. Operator set 17, one LSTM, GRU or RNN node per layer where the directions are alike.
//!
//! Of a batch of sequences each gives what it gives alone, up to rounding: `last` is its own last step,
//! `final` each direction's own end, and no mean, maximum or attention sees padding.
//!
//! onnxruntime runs all of it. tract 0.23 must be given the batch as a number when it loads a net, and the
//! time too where directions differ in size, or it refuses; it refuses [`Batch::Padded`] too. An RNN with
//! relu it takes for one with tanh, and says nothing.
//!
//! # Example
//!
//! A net of series of six numbers a step:
//!
//! ```
//! use birnn_architecture::{ModelConfig, Readout};
//! use birnn_formats::onnx::{Batch, Input, Standardise, encode};
//! # use birnn_formats::{Array, StateDict};
//!
//! let net = ModelConfig { readout: Readout::Final, ..ModelConfig::default() }.resolve()?;
//! # let zeros = |(name, shape): (String, Vec<usize>)| {
//! #     let values = vec![0.0; shape.iter().product()];
//! #     (name, Array::new(shape, values))
//! # };
//! # let weights: StateDict = net.parameters(6, 3).into_iter().map(zeros).collect();
//! let standardise = Standardise { mean: &[20.0; 6], deviation: &[1.5; 6] };
//! let input = Input::Series { standardise: Some(standardise), batch: Batch::Padded };
//! let file = encode(&net, &input, 6, 3, &weights, &[("classes", "walk,run,sit".to_owned())])?;
//! # assert!(!file.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! And for onnxruntime two series of 7 and of 3 steps, in `padded [2, 7, 6]`:
//!
//! ```python
//! session.run(["logits"], {"series": padded, "lengths": np.array([7, 3], np.int32)})
//! ```

mod embedding;
mod error;
mod graph;
mod input;
mod layer;
mod net;
mod proto;
mod sequences;

use birnn_architecture::Inputs;
use prost::Message;

use self::error::LIMIT;
use self::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::{Architecture, StateDict, check};

pub use self::error::OnnxError;
pub use self::input::{
    Batch, CHARACTER_LENGTHS, CHARACTERS, IMAGES, Input, LENGTHS, SERIES, Standardise, WORDS,
};

/// The name of the graph's output.
pub const OUTPUT: &str = "logits";

/// The bytes of an ONNX file: a net that reads `inputs`, such as so many values per time step, and gives
/// `outputs` values per sequence (or per time step), its weights by PyTorch's names, and what else is to be
/// known of it as pairs of key and text, each key once. For sequences of any length [`LENGTHS`] is a key of
/// the encoder's own, behind the others: it says whether there is such an input.
///
/// The same arguments give the same bytes.
pub fn encode(
    architecture: &Architecture,
    input: &Input,
    inputs: impl Into<Inputs>,
    outputs: usize,
    weights: &StateDict,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, OnnxError> {
    let inputs = inputs.into();
    input.suits(architecture, inputs)?;
    let parameters = architecture.parameters(inputs, outputs);
    fits(weight_bytes(&parameters))?;
    check(weights, architecture, inputs, outputs)?;
    let features = architecture.features(inputs);
    input.check(features)?;
    let entry =
        |key: &str, value: &str| StringStringEntryProto { key: key.to_owned(), value: value.to_owned() };
    let metadata = metadata.iter().map(|(key, value)| entry(key, value));
    let lengths = input.batch().map(|batch| entry(LENGTHS, batch.text()));
    let model = ModelProto {
        ir_version: 8,
        producer_name: "birnn".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(net::net(architecture, input, features, outputs, weights)),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        metadata_props: metadata.chain(lengths).collect(),
    };
    fits(model.encoded_len() as u64)?;
    Ok(model.encode_to_vec())
}

fn fits(bytes: u64) -> Result<(), OnnxError> {
    if bytes > LIMIT { Err(OnnxError::TooLarge { bytes }) } else { Ok(()) }
}

fn weight_bytes(parameters: &[(String, Vec<usize>)]) -> u64 {
    let bytes = |shape: &[usize]| shape.iter().fold(4, |bytes: u64, &n| bytes.saturating_mul(n as u64));
    parameters.iter().fold(0, |sum: u64, (_, shape)| sum.saturating_add(bytes(shape)))
}
