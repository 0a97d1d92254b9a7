//! Every kind of small net against PyTorch 2.11: initial weights, logits and gradients.
//!
//! The expected values are in `fixtures/parity.safetensors`, made by `fixtures/make.py`.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::HashMap;
use std::sync::Mutex;

use birnn_model::{Architecture, Cell, Network, Readout};
use safetensors::SafeTensors;
use serde_json::Value;
use tch::{Device, Kind, Tensor, nn};

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
        let weight = Tensor::linspace(-1, 1, logits.numel() as i64, (Kind::Float, Device::Cpu));
        let loss = (&logits * weight.view_as(&logits)).sum(Kind::Float);

        let mut names = vec!["input_grad".to_owned()];
        let mut wanted = vec![input];
        for (name, tensor) in vs.variables() {
            names.push(format!("grad/{name}"));
            wanted.push(tensor);
        }
        let gradients = Tensor::run_backward(&[loss], &wanted, false, false);
        for (name, gradient) in names.iter().zip(&gradients) {
            close(gradient, &case.get(name), &format!("{} {name}", case.label));
        }
    }
}

/// One small net, and what PyTorch computed for it.
struct Case {
    label: String,
    architecture: Architecture,
    tensors: HashMap<String, Tensor>,
}

impl Case {
    fn build(&self) -> (nn::VarStore, Network) {
        // libtorch has one generator for the process, and tests run side by side.
        static GENERATOR: Mutex<()> = Mutex::new(());
        let _alone = GENERATOR.lock().unwrap();
        tch::manual_seed(7);
        let vs = nn::VarStore::new(Device::Cpu);
        let net = Network::new(&vs.root(), &self.architecture, 4, 3).unwrap();
        (vs, net)
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
    let cell = match case["cell"].as_str().unwrap() {
        "rnn_tanh" => Cell::RnnTanh,
        "rnn_relu" => Cell::RnnRelu,
        "gru" => Cell::Gru,
        "lstm" => Cell::Lstm,
        other => panic!("unknown cell {other}"),
    };
    let readout = match case["readout"].as_str().unwrap() {
        "last" => Readout::Last,
        "final" => Readout::Final,
        "mean" => Readout::Mean,
        "max" => Readout::Max,
        "attention" => Readout::Attention,
        "sequence" => Readout::Sequence,
        other => panic!("unknown readout {other}"),
    };
    let size = |key: &str| case[key].as_u64().map(|n| n as usize);
    let architecture = Architecture {
        cell,
        layers: size("layers").unwrap(),
        forward: size("forward").unwrap(),
        reverse: size("reverse"),
        dropout: 0.0,
        readout,
    };
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
