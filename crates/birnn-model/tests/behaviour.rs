//! What the net promises beyond parity: dropout, shapes, errors, composition.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use birnn_model::{Architecture, CellKind, Hidden, ModelConfig, ModelError, Network, Readout};
use tch::{Device, Kind, Tensor, nn, nn::ModuleT};

/// libtorch has one generator for the process, and tests run side by side.
fn alone() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

fn net(config: ModelConfig) -> (nn::VarStore, Network) {
    let architecture: Architecture = config.resolve().unwrap();
    tch::manual_seed(1);
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&vs.root(), &architecture, 6, 3).unwrap();
    (vs, net)
}

fn small() -> ModelConfig {
    ModelConfig { hidden: Hidden::Same(5), ..ModelConfig::default() }
}

fn input() -> Tensor {
    tch::manual_seed(2);
    Tensor::randn([4, 7, 6], (Kind::Float, Device::Cpu))
}

#[test]
fn a_net_that_cannot_be_is_refused() {
    let good = small().resolve().unwrap();
    for bad in [
        Architecture { layers: 0, ..good },
        Architecture { forward: Some(0), ..good },
        Architecture { reverse: Some(usize::MAX), ..good },
        Architecture { dropout: f64::NAN, ..good },
    ] {
        let vs = nn::VarStore::new(Device::Cpu);
        let error = Network::new(&vs.root(), &bad, 6, 3).unwrap_err();
        assert!(matches!(error, ModelError::Architecture(_)), "{error}");
        assert!(vs.is_empty(), "nothing is drawn for it");
    }
}

#[test]
fn dropout_acts_in_training_only_and_follows_the_seed() {
    let _alone = alone();
    let (_vs, net) = net(ModelConfig { dropout: 0.5, ..small() });
    let x = input();
    let run = |seed: i64, train: bool| {
        tch::manual_seed(seed);
        net.forward(&x, train).unwrap()
    };
    assert!(run(1, false) == run(2, false));
    assert!(run(1, true) == run(1, true));
    assert!(run(1, true) != run(2, true));
    assert!(run(1, true) != run(1, false));
}

#[test]
fn every_readout_gives_the_promised_shape() {
    let _alone = alone();
    for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
        let (_vs, net) = net(ModelConfig { readout, ..small() });
        assert_eq!(net.forward(&input(), false).unwrap().size(), [4, 3], "{readout:?}");
    }
    let (_vs, net) = net(ModelConfig { readout: Readout::Sequence, ..small() });
    assert_eq!(net.forward(&input(), false).unwrap().size(), [4, 7, 3]);
}

#[test]
fn the_parameters_told_are_those_made() {
    let _alone = alone();
    let readouts = [Readout::Last, Readout::Attention];
    for (cell, bidirectional, readout) in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm]
        .into_iter()
        .flat_map(|cell| [false, true].map(|both| (cell, both)))
        .flat_map(|(cell, both)| readouts.map(|readout| (cell, both, readout)))
    {
        let hidden = if bidirectional { Hidden::Each { forward: 5, reverse: 3 } } else { Hidden::Same(5) };
        let config = ModelConfig { cell, bidirectional, readout, hidden, ..ModelConfig::default() };
        let (vs, net) = net(config);
        let mut made: Vec<(String, Vec<usize>)> = vs
            .variables()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.size().into_iter().map(|n| n as usize).collect()))
            .collect();
        made.sort();
        assert_eq!(net.architecture().parameters(6, 3), made);
    }
}

#[test]
fn one_step_and_one_sample_are_enough() {
    let _alone = alone();
    for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
        let (_vs, net) = net(ModelConfig { cell, ..small() });
        let x = input().narrow(0, 0, 1).narrow(1, 0, 1);
        assert_eq!(net.forward(&x, true).unwrap().size(), [1, 3]);
    }
}

#[test]
fn a_wrong_input_is_an_error_that_names_both_shapes() {
    let _alone = alone();
    let (_vs, net) = net(small());
    for shape in [&[4, 7][..], &[4, 7, 5], &[4, 0, 6], &[1, 4, 7, 6]] {
        let error = net.forward(&Tensor::zeros(shape, (Kind::Float, Device::Cpu)), false).unwrap_err();
        assert!(matches!(error, ModelError::InputShape { features: 6, .. }), "{error}");
        assert!(error.to_string().contains(&format!("{shape:?}")), "{error}");
    }
    let error = net.forward(&Tensor::zeros([4, 7, 6], (Kind::Int64, Device::Cpu)), false).unwrap_err();
    assert!(matches!(error, ModelError::Torch(_)));
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn it_is_a_tch_module() {
    let _alone = alone();
    let (_vs, net) = net(small());
    assert!(net.forward_t(&input(), false) == net.forward(&input(), false).unwrap());
}

fn fill(vs: &nn::VarStore, name: &str) {
    let _ = tch::no_grad(|| vs.variables()[name].shallow_clone().fill_(9.0));
}

/// The head sees the reverse half of the last step through `weight_ih` alone: nothing else of it may count.
#[test]
fn with_readout_last_the_top_reverse_direction_reads_one_step() {
    let _alone = alone();
    let (vs, net) = net(small());
    let before = net.forward(&input(), false).unwrap();
    fill(&vs, "lstm.weight_hh_l1_reverse");
    assert!(net.forward(&input(), false).unwrap() == before);
    fill(&vs, "lstm.weight_ih_l1_reverse");
    assert!(net.forward(&input(), false).unwrap() != before);
}
