//! Sequences of unequal lengths: each gives what it gives alone.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_model::{Architecture, Cell, Network, Readout};
use tch::{Device, Kind, Tensor, nn};

const LENGTHS: [usize; 5] = [3, 7, 1, 3, 5];
const FEATURES: usize = 4;
const OUTPUTS: usize = 3;

const READOUTS: [Readout; 6] =
    [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention, Readout::Sequence];

fn net(vs: &nn::VarStore, architecture: &Architecture) -> Network {
    tch::manual_seed(1);
    Network::new(&vs.root(), architecture, FEATURES, OUTPUTS).unwrap()
}

fn values(device: Device) -> Tensor {
    Tensor::randn([LENGTHS.iter().sum::<usize>() as i64, FEATURES as i64], (Kind::Float, device))
}

/// The CPU, and a GPU where libtorch has one that computes in f32: `NVIDIA_TF32_OVERRIDE=0` says that it does.
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

/// Logits, and the gradients of a weighted sum of them.
fn answer(vs: &nn::VarStore, logits: &Tensor, weights: &Tensor) -> Vec<Tensor> {
    let mut variables: Vec<_> = vs.variables().into_iter().collect();
    variables.sort_by(|(one, _), (other, _)| one.cmp(other));
    let parameters: Vec<Tensor> = variables.into_iter().map(|(_, variable)| variable).collect();
    Tensor::run_backward(&[(logits * weights).sum(Kind::Float)], &parameters, false, false)
}

#[test]
fn each_gives_what_it_gives_alone() {
    let cells = [Cell::RnnTanh, Cell::RnnRelu, Cell::Gru, Cell::Lstm];
    for (device, cell) in devices().into_iter().flat_map(|device| cells.map(|cell| (device, cell))) {
        for (layers, reverse) in [(1, None), (1, Some(6)), (2, Some(5)), (3, Some(6))] {
            for readout in READOUTS {
                let architecture = Architecture { cell, layers, forward: 6, reverse, dropout: 0.0, readout };
                let what = format!("{device:?} {architecture:?}");
                let vs = nn::VarStore::new(device);
                let net = net(&vs, &architecture);
                let values = values(device);
                let logits = net.forward_ragged(&values, &LENGTHS, true).unwrap();
                let weights = Tensor::randn_like(&logits);

                let mut begin = 0;
                let each = LENGTHS.map(|length| {
                    let own = values.narrow(0, begin, length as i64);
                    begin += length as i64;
                    let logits = net.forward(&own.unsqueeze(0), true).unwrap();
                    if readout == Readout::Sequence { logits.squeeze_dim(0) } else { logits }
                });
                let alone = Tensor::cat(&each, 0);
                // cuDNN takes other kernels for other shapes.
                let allowed = if device == Device::Cpu { 1e-6 } else { 1e-5 };
                near(&what, &logits, &alone, allowed);
                let gradients = answer(&vs, &logits, &weights);
                for (index, expected) in answer(&vs, &alone, &weights).iter().enumerate() {
                    near(&format!("{what}, gradient {index}"), &gradients[index], expected, 10.0 * allowed);
                }
            }
        }
    }
}

#[test]
fn what_is_no_batch_is_refused() {
    let vs = nn::VarStore::new(Device::Cpu);
    let readout = Readout::Last;
    let architecture =
        Architecture { cell: Cell::Gru, layers: 1, forward: 6, reverse: None, dropout: 0.0, readout };
    let net = net(&vs, &architecture);
    let refused = |values: &Tensor, lengths: &[usize]| {
        net.forward_ragged(values, lengths, false).unwrap_err().to_string()
    };
    let values = values(Device::Cpu);
    assert_eq!(refused(&values, &[]), "a batch of no sequence");
    assert_eq!(refused(&values, &[18, 0, 1]), "sequence 1 of the batch has no time step");
    assert_eq!(refused(&values, &[18]), "values of sequences of these lengths must be [18, 4], are [19, 4]");
    assert!(refused(&values.unsqueeze(0), &LENGTHS).contains("must be [19, 4], are [1, 19, 4]"));
    let top = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
    let error = net.logits_ragged(&top, &LENGTHS).unwrap_err().to_string();
    assert!(error.contains("must be [5, 6], are [4, 6]"), "{error}");
}
