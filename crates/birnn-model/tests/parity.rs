//! Every kind of small net against PyTorch 2.11: initial weights, logits and gradients.
//!
//! The expected values are in `fixtures/parity.safetensors` and, of sequences of unequal lengths, in
//! `fixtures/unequal.safetensors`, both made by `fixtures/make.py`.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod fixtures;

use std::collections::HashMap;
use std::sync::Mutex;

use birnn_model::{Architecture, Network, Readout};
use safetensors::SafeTensors;
use serde::Deserialize as _;
use serde_json::Value;
use tch::{Device, Kind, Tensor, nn};

use crate::fixtures::{FEATURES, OUTPUTS};

#[test]
fn weights_after_a_seed_are_pytorchs_bit_for_bit() {
    for case in cases() {
        let (vs, _) = case.build();
        assert_eq!(vs.len(), case.names("param/").len(), "{}", case.label);
        for (name, tensor) in vs.variables() {
            let expected = case.get(&format!("param/{name}"));
            assert_eq!(tensor.size(), expected.size(), "{} {name}", case.label);
            assert!(tensor == expected, "{} {name}", case.label);
        }
    }
}

#[test]
fn logits_are_pytorchs() {
    for case in cases() {
        let (_, net) = case.build();
        let logits = tch::no_grad(|| net.forward(&case.get("input"), false)).unwrap();
        close(&logits, &case.get("logits"), &format!("{} evaluation", case.label));
        let logits = net.forward(&case.get("input"), true).unwrap();
        close(&logits, &case.get("logits"), &format!("{} training", case.label));
    }
}

#[test]
fn gradients_are_pytorchs() {
    for case in cases() {
        let (vs, net) = case.build();
        let input = case.get("input").set_requires_grad(true);
        let logits = net.forward(&input, true).unwrap();
        for (name, gradient) in gradients(&vs, &logits, &input) {
            close(&gradient, &case.get(&name), &format!("{} {name}", case.label));
        }
    }
}

#[test]
fn of_unequal_lengths_logits_and_gradients_are_pytorchs() {
    let cases = fixtures::unequal();
    assert_eq!(cases.len(), 26 * 6);
    for case in cases {
        let what = case.architecture.to_string();
        let (vs, net) = build(&case.architecture);
        for (name, mut tensor) in vs.variables() {
            tch::no_grad(|| tensor.copy_(&tensor_of(&case.parameters[&name], &tensor)));
        }
        let steps = case.lengths.iter().sum::<usize>() as i64;
        let input = Tensor::from_slice(&case.input).view([steps, FEATURES as i64]).set_requires_grad(true);
        let logits = net.forward_ragged(&input, &case.lengths, true).unwrap();
        close(&logits, &tensor_of(&case.logits, &logits), &what);
        for (name, gradient) in gradients(&vs, &logits, &input) {
            let expected = match name.strip_prefix("grad/") {
                Some(name) => &case.gradient[name],
                None => &case.input_gradient,
            };
            close(&gradient, &tensor_of(expected, &gradient), &format!("{what}: {name}"));
        }
    }
}

/// Those of a weighted sum of the logits, with respect to the input and to every parameter, by their names in
/// the file.
fn gradients(vs: &nn::VarStore, logits: &Tensor, input: &Tensor) -> Vec<(String, Tensor)> {
    let weight = fixtures::weights(logits.numel());
    let loss = (logits * tensor_of(&weight, logits)).sum(Kind::Float);
    let mut names = vec!["input_grad".to_owned()];
    let mut wanted = vec![input.shallow_clone()];
    for (name, tensor) in vs.variables() {
        names.push(format!("grad/{name}"));
        wanted.push(tensor);
    }
    names.into_iter().zip(Tensor::run_backward(&[loss], &wanted, false, false)).collect()
}

/// A net after `manual_seed(7)`.
fn build(architecture: &Architecture) -> (nn::VarStore, Network) {
    // libtorch has one generator for the process, and tests run side by side.
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _alone = GENERATOR.lock().unwrap();
    tch::manual_seed(7);
    // Of a few units threads would wait for each other alone.
    tch::set_num_threads(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&vs.root(), architecture, FEATURES, OUTPUTS).unwrap();
    (vs, net)
}

/// Of the shape of `like`.
fn tensor_of(values: &[f32], like: &Tensor) -> Tensor {
    Tensor::from_slice(values).view_as(like)
}

/// One small net, and what PyTorch computed for it.
struct Case {
    label: String,
    architecture: Architecture,
    tensors: HashMap<String, Tensor>,
}

impl Case {
    fn build(&self) -> (nn::VarStore, Network) {
        build(&self.architecture)
    }

    fn get(&self, name: &str) -> Tensor {
        self.tensors[name].copy()
    }

    fn names(&self, prefix: &str) -> Vec<&String> {
        self.tensors.keys().filter(|name| name.starts_with(prefix)).collect()
    }
}

#[track_caller]
fn close(ours: &Tensor, theirs: &Tensor, what: &str) {
    assert_eq!(ours.size(), theirs.size(), "{what}");
    let difference = (ours - theirs).abs().max().double_value(&[]);
    assert!(difference < 2e-6, "{what}: differs by {difference:e}");
}

fn cases() -> Vec<Case> {
    let bytes = include_bytes!("fixtures/parity.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let described: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
    let described = described.as_array().unwrap();
    assert!(described.len() > 60);
    described.iter().enumerate().map(|(number, case)| read_case(&file, number, case)).collect()
}

fn read_case(file: &SafeTensors, number: usize, case: &Value) -> Case {
    let architecture = fixtures::architecture(case, Readout::deserialize(&case["readout"]).unwrap());
    let prefix = format!("{number}/");
    let tensors = file
        .iter()
        .filter_map(|(name, view)| {
            let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
            let tensor = Tensor::from_data_size(view.data(), &shape, Kind::Float);
            Some((name.strip_prefix(&prefix)?.to_owned(), tensor))
        })
        .collect();
    Case { label: case.to_string(), architecture, tensors }
}
