//! The net step by step is the same net.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_model::{Architecture, CellKind, Hidden, ModelConfig, ModelError, Network, Nonlinearity, Readout};
use tch::{Device, Kind, Tensor, nn};

const TIME: usize = 7;

fn net(config: ModelConfig) -> (nn::VarStore, Network) {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Network::new(&vs.root(), &config.resolve().unwrap(), 6, 3).unwrap();
    (vs, net)
}

fn input() -> Tensor {
    Tensor::randn([4, TIME as i64, 6], (Kind::Float, Device::Cpu))
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}

#[test]
fn every_net_gives_the_same_logits() {
    let cells = [
        (CellKind::Rnn, Some(Nonlinearity::Tanh)),
        (CellKind::Rnn, Some(Nonlinearity::Relu)),
        (CellKind::Gru, None),
        (CellKind::Lstm, None),
    ];
    let directions = [
        (false, Hidden::Same(5)),
        (false, Hidden::Reverse { reverse: 5 }),
        (true, Hidden::Same(5)),
        (true, Hidden::Each { forward: 5, reverse: 3 }),
    ];
    use Readout::{Attention, Final, Last, Max, Mean, Sequence};
    for (cell, nonlinearity) in cells {
        for (bidirectional, hidden) in directions {
            for readout in [Last, Final, Mean, Max, Attention, Sequence] {
                for layers in [1, 3] {
                    let config = ModelConfig {
                        cell,
                        nonlinearity,
                        bidirectional,
                        layers,
                        hidden,
                        dropout: 0.0,
                        readout,
                        ..ModelConfig::default()
                    };
                    let (_vs, net) = net(config.clone());
                    let x = input();
                    let unrolled = net.unrolled(&x).unwrap();
                    let far = distance(&unrolled.logits, &net.forward(&x, false).unwrap());
                    assert!(far < 1e-6, "{far} with {config:?}");
                    assert_eq!(unrolled.layers.len(), layers);
                    for states in &unrolled.layers {
                        let units = net.architecture().directions().map(|(_, units)| units as i64);
                        let found = [&states.forward, &states.reverse].into_iter().flatten();
                        for (states, units) in found.zip(units) {
                            assert!(states.iter().all(|state| state.size() == [4, units]));
                            assert_eq!(states.len(), TIME);
                        }
                        let there = (states.forward.is_some(), states.reverse.is_some());
                        let Architecture { forward, reverse, .. } = net.architecture();
                        assert_eq!(there, (forward.is_some(), reverse.is_some()));
                    }
                }
            }
        }
    }
}

/// The gradient with respect to the states that the head reads is known: the head's weights times the
/// gradient with respect to the logits.
#[test]
fn the_gradient_by_a_state_is_that_of_the_loss() {
    let config = ModelConfig { hidden: Hidden::Same(5), readout: Readout::Final, ..ModelConfig::default() };
    let (vs, net) = net(config);
    let unrolled = net.unrolled(&input()).unwrap();
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 1]);
    let loss = unrolled.logits.cross_entropy_loss(&labels, None::<Tensor>, tch::Reduction::Sum, -100, 0.0);
    let top = &unrolled.layers[1];
    let (forward, reverse) = (top.forward.as_ref().unwrap(), top.reverse.as_ref().unwrap());
    let found = Tensor::run_backward(&[&loss], &[&forward[TIME - 1], &reverse[0]], false, false);
    let by_logits = unrolled.logits.softmax(1, None::<Kind>) - labels.one_hot(3);
    let expected = by_logits.matmul(&vs.variables()["fc.weight"]);
    assert!(distance(&Tensor::cat(&found, 1), &expected) < 1e-6);
}

#[test]
fn what_the_readout_leaves_out_has_no_gradient() {
    let (_vs, net) = net(ModelConfig { hidden: Hidden::Same(5), ..ModelConfig::default() });
    let unrolled = net.unrolled(&input()).unwrap();
    let reverse = unrolled.layers[1].reverse.as_ref().unwrap();
    let found = Tensor::run_backward(&[&unrolled.logits.sum(Kind::Float)], reverse, false, false);
    let read: Vec<bool> = found.iter().map(Tensor::defined).collect();
    assert_eq!(read, [false, false, false, false, false, false, true]);
}

#[test]
fn a_wrong_input_is_refused() {
    let (_vs, net) = net(ModelConfig { hidden: Hidden::Same(5), ..ModelConfig::default() });
    for shape in [&[4, 7, 5][..], &[4, 0, 6], &[4, 6]] {
        let wrong = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        assert!(matches!(net.unrolled(&wrong), Err(ModelError::InputShape { features: 6, .. })));
    }
}
