//! A net as an ONNX file: what its graph is given and gives, and what its metadata say.

use std::borrow::Cow;

use birnn_architecture::{CRF, HEAD};
use birnn_data::Modality;
use birnn_formats::onnx::{Batch, Input, OnnxError, Standardise, encode};
use birnn_formats::{Array, StateDict};
use birnn_infer::{Regress, Task};
use serde_json::{Value, json};

use crate::description::Description;
use crate::net::Net;

/// The score of what is not legal, in metadata. JSON has no infinity; this one stays below all that is legal
/// however many are added to it, in `f32` too.
const ILLEGAL: f64 = -1e30;

impl Net {
    /// The bytes of an ONNX file; `batch` is of nets that read series alone.
    pub fn to_onnx(&self, batch: Batch) -> Result<Vec<u8>, OnnxError> {
        let Net { architecture, manifest, weights } = self;
        let standardised = standardised(&manifest.modality);
        let input = match &manifest.modality {
            Modality::Text(_) => Input::Tokens,
            Modality::Images { .. } => Input::Images,
            Modality::Series(_) => {
                let standardise =
                    standardised.as_ref().map(|[mean, deviation]| Standardise { mean, deviation });
                Input::Series { standardise, batch }
            }
        };
        let mut metadata = Description::of(manifest, architecture).metadata();
        metadata.extend(self.transitions().map(|scores| (CRF.to_owned(), scores.to_string())));
        let metadata: Vec<(&str, String)> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let (inputs, outputs) = (manifest.modality.inputs(), manifest.task.outputs());
        encode(architecture, &input, inputs, outputs, &in_own_units(&manifest.task, weights), &metadata)
    }

    /// The scores of a conditional random field by their names, where the net has one: what its tags are
    /// found by from the emissions that the graph gives. What is not legal has [`ILLEGAL`].
    fn transitions(&self) -> Option<Value> {
        let legal = self.manifest.task.legal_tags();
        let scores = |name: &str, legal: Option<&Vec<bool>>| {
            let values = self.weights.get(&format!("{CRF}.{name}"))?.values();
            let score = |(index, &value): (usize, &f32)| match legal {
                Some(legal) if !legal[index] => ILLEGAL,
                _ => f64::from(value).max(ILLEGAL),
            };
            Some(values.iter().enumerate().map(score).collect::<Vec<f64>>())
        };
        let transitions = scores("transitions", legal.as_ref().map(|legal| &legal.transitions))?;
        let rows: Vec<&[f64]> = transitions.chunks(self.manifest.task.outputs()).collect();
        Some(json!({
            "transitions": rows,
            "start_transitions": scores("start_transitions", legal.as_ref().map(|legal| &legal.start))?,
            "end_transitions": scores("end_transitions", legal.as_ref().map(|legal| &legal.end))?,
        }))
    }
}

/// The weights of a net whose outputs are what it is asked for: the head of one that tells numbers gives them
/// in their own units.
fn in_own_units<'a>(task: &Task, weights: &'a StateDict) -> Cow<'a, StateDict> {
    let Task::Regress(Regress { scale, .. }) = task else { return Cow::Borrowed(weights) };
    let mut weights = weights.clone();
    for (name, offset) in [("weight", false), ("bias", true)] {
        let name = format!("{HEAD}.{name}");
        let Some(array) = weights.get(&name) else { continue };
        let (shape, width) = (array.shape().to_vec(), array.values().len() / scale.names.len());
        let rows = array.values().chunks_exact(width.max(1)).zip(scale.deviation.iter().zip(&scale.mean));
        let values = rows.flat_map(|(row, (&deviation, &mean))| {
            row.iter().map(move |value| value * deviation + if offset { mean } else { 0.0 })
        });
        let array = Array::new(shape, values.collect());
        weights.insert(name, array);
    }
    Cow::Owned(weights)
}

/// Mean and deviation of each value that a net reads at a step, where it is given series in their own units.
/// What is said of missing values stays as it is.
fn standardised(modality: &Modality) -> Option<[Cow<'_, [f32]>; 2]> {
    let Modality::Series(series) = modality else { return None };
    let deviation = series.deviation.as_deref()?;
    Some([(series.mean.as_slice(), 0.0), (deviation, 1.0)].map(|(values, unchanged)| {
        let mut values = Cow::Borrowed(values);
        if series.missing_mask {
            values.to_mut().resize(series.inputs(), unchanged);
        }
        values
    }))
}
