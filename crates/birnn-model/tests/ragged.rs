//! Sequences of unequal lengths: each gives what it gives alone.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod any;

use birnn_model::{Architecture, Cell, Network, Readout};
use proptest::prelude::*;
use tch::{Device, Kind, Tensor, nn};

const LENGTHS: [usize; 5] = [3, 7, 1, 3, 5];
const FEATURES: usize = 4;
const OUTPUTS: usize = 3;

fn net(vs: &nn::VarStore, architecture: &Architecture) -> Network {
    tch::manual_seed(1);
    // Of a few units threads would wait for each other alone.
    tch::set_num_threads(1);
    Network::new(&vs.root(), architecture, FEATURES, OUTPUTS).unwrap()
}

/// A batch of sequences of these lengths.
fn values(lengths: &[usize], device: Device) -> Tensor {
    Tensor::randn([lengths.iter().sum::<usize>() as i64, FEATURES as i64], (Kind::Float, device))
}

/// The CPU, and a GPU where libtorch has one that computes in f32: `NVIDIA_TF32_OVERRIDE=0` says that it
/// does.
fn devices() -> Vec<Device> {
    match Device::cuda_if_available() {
        cuda @ Device::Cuda(_) if std::env::var("NVIDIA_TF32_OVERRIDE").is_ok_and(|value| value == "0") => {
            vec![Device::Cpu, cuda]
        }
        _ => {
            println!("not tried on a GPU: libtorch has none, or NVIDIA_TF32_OVERRIDE=0 is not set");
            vec![Device::Cpu]
        }
    }
}

#[track_caller]
fn near(what: &str, found: &Tensor, expected: &Tensor, allowed: f64) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let far = (found - expected).abs().max().double_value(&[]);
    assert!(far < allowed, "{what}: {far}");
}

/// The gradients of a weighted sum of logits with respect to the input and to all parameters.
fn gradients(vs: &nn::VarStore, input: &Tensor, logits: &Tensor, weights: &Tensor) -> Vec<Tensor> {
    let mut variables: Vec<_> = vs.variables().into_iter().collect();
    variables.sort_by(|(one, _), (other, _)| one.cmp(other));
    let parameters = variables.into_iter().map(|(_, variable)| variable);
    let wanted: Vec<Tensor> = [input.shallow_clone()].into_iter().chain(parameters).collect();
    Tensor::run_backward(&[(logits * weights).sum(Kind::Float)], &wanted, true, false)
}

/// In this batch each sequence gives what it gives alone, and so in every other batch and order: logits, and
/// gradients. Not even one that is no numbers shows in the others.
fn check_alone(architecture: &Architecture, lengths: &[usize], device: Device) {
    let what = format!("{device:?} {architecture}, {lengths:?}");
    // cuDNN takes other kernels for other shapes.
    let allowed = if device == Device::Cpu { 1e-6 } else { 1e-5 };
    let vs = nn::VarStore::new(device);
    let net = net(&vs, architecture);
    let input = values(lengths, device).set_requires_grad(true);
    let logits = net.forward_ragged(&input, lengths, true).unwrap();
    let weights = Tensor::randn_like(&logits);

    let sizes: Vec<i64> = lengths.iter().map(|&length| length as i64).collect();
    let alone = input.split_with_sizes(&sizes, 0).into_iter().map(|own| {
        let logits = net.forward(&own.unsqueeze(0), true).unwrap();
        if architecture.readout == Readout::Sequence { logits.squeeze_dim(0) } else { logits }
    });
    let alone: Vec<Tensor> = alone.collect();
    let expected = Tensor::cat(&alone, 0);
    near(&what, &logits, &expected, allowed);
    let found = gradients(&vs, &input, &logits, &weights);
    let expected_gradients = gradients(&vs, &input, &expected, &weights);
    // Each parameter's is a sum over all steps, whose terms can be larger than what comes of them: a bias has
    // that of the weights beside it.
    let largest = expected_gradients.iter().map(|gradient| gradient.abs().max().double_value(&[]));
    let within = 10.0 * allowed * largest.fold(1.0, f64::max);
    for (index, (found, expected)) in found.iter().zip(&expected_gradients).enumerate() {
        near(&format!("{what}, gradient {index}"), found, expected, within);
    }

    let lost = lengths.len() / 2;
    let kept = |values: &Tensor, rows: &[i64]| {
        let mut parts = values.split_with_sizes(rows, 0);
        drop(parts.remove(lost));
        Tensor::cat(&parts, 0)
    };
    let rows: Vec<i64> = alone.iter().map(|logits| logits.size()[0]).collect();
    let damaged = input.detach().copy();
    let _ = damaged.split_with_sizes(&sizes, 0)[lost].shallow_clone().fill_(f64::NAN);
    let damaged = damaged.set_requires_grad(true);
    if lengths.len() > 1 {
        let logits = kept(&net.forward_ragged(&damaged, lengths, true).unwrap(), &rows);
        near(&format!("{what}: {lost} is lost"), &logits, &kept(&expected, &rows), allowed);
        let gradient = &gradients(&vs, &damaged, &logits, &kept(&weights, &rows))[0];
        near(
            &format!("{what}: {lost} is lost, gradient"),
            &kept(gradient, &sizes),
            &kept(&found[0], &sizes),
            10.0 * allowed,
        );
    }
}

#[test]
fn each_gives_what_it_gives_alone() {
    for (device, cell) in devices().into_iter().flat_map(|device| any::CELLS.map(|cell| (device, cell))) {
        let forward = |reverse| (Some(6), reverse);
        for (layers, (forward, reverse)) in [
            (1, forward(None)),
            (1, forward(Some(6))),
            (2, forward(Some(5))),
            (3, forward(Some(6))),
            (2, (None, Some(6))),
        ] {
            for readout in any::READOUTS {
                let architecture =
                    Architecture { cell, layers, forward, reverse, readout, ..Architecture::default() };
                for lengths in [&LENGTHS[..], &[1], &[1, 1, 1]] {
                    check_alone(&architecture, lengths, device);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_does(architecture in any::architecture(), lengths in any::lengths()) {
        check_alone(&architecture, &lengths, Device::Cpu);
    }
}

#[test]
fn what_is_no_batch_is_refused() {
    let vs = nn::VarStore::new(Device::Cpu);
    let readout = Readout::Last;
    let architecture = Architecture {
        cell: Cell::Gru,
        layers: 1,
        forward: Some(6),
        reverse: None,
        readout,
        ..Architecture::default()
    };
    let net = net(&vs, &architecture);
    let refused = |values: &Tensor, lengths: &[usize]| {
        net.forward_ragged(values, lengths, false).unwrap_err().to_string()
    };
    let values = values(&LENGTHS, Device::Cpu);
    assert_eq!(refused(&values, &[]), "a batch of no sequence");
    assert_eq!(refused(&values, &[18, 0, 1]), "sequence 1 of the batch has no time step");
    assert_eq!(refused(&values, &[18]), "values of sequences of these lengths must be [18, 4], are [19, 4]");
    assert!(refused(&values.unsqueeze(0), &LENGTHS).contains("must be [19, 4], are [1, 19, 4]"));
    let top = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
    let error = net.logits_ragged(&top, &LENGTHS).unwrap_err().to_string();
    assert!(error.contains("must be [5, 6], are [4, 6]"), "{error}");
}
