//! The gradient with respect to every state is autograd's, of the net step by step.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_data::Targets;
use birnn_infer::{Input, Task, Workspace, cpu};
use birnn_model::{CellKind, Hidden, ModelConfig, Network, Nonlinearity, Readout, values_of};
use tch::{Device, Kind, Reduction, Tensor, nn};

const BATCH: usize = 4;
const TIME: usize = 7;
const FEATURES: usize = 6;
const CLASSES: [&str; 3] = ["a", "b", "c"];
const LABELS: [u16; BATCH] = [0, 1, 2, 1];

/// `[batch, steps, units]` of the states that the net uses, by layer and direction, and which steps these
/// are.
fn by_autograd(network: &Network, input: &Tensor) -> Vec<(Vec<usize>, Tensor)> {
    let unrolled = network.unrolled(input).unwrap();
    let labels = Tensor::from_slice(&LABELS.map(i64::from));
    let loss = unrolled.logits.cross_entropy_loss(&labels, None::<Tensor>, Reduction::Sum, -100, 0.0);
    let directions = unrolled.layers.iter().flat_map(|layer| [&layer.forward, &layer.reverse]);
    let of = |states: &Vec<Tensor>| {
        let found = Tensor::run_backward(&[&loss], states, true, false).into_iter().enumerate();
        let (steps, used): (Vec<usize>, Vec<Tensor>) = found.filter(|(_, found)| found.defined()).unzip();
        (steps, Tensor::stack(&used, 1))
    };
    directions.flatten().map(of).collect()
}

fn check(config: &ModelConfig) {
    let architecture = config.resolve().unwrap();
    let vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root(), &architecture, FEATURES, CLASSES.len()).unwrap();
    // Grown, so that gates leave their middle.
    vs.variables().values_mut().for_each(|weight| tch::no_grad(|| _ = weight.g_mul_scalar_(2.0)));
    let values = vs.variables();
    let of = |name: &str| values_of(&values[name]).unwrap().1;
    let asked = birnn_infer::Network::new(&architecture, FEATURES, CLASSES.len(), cpu::instructions(), of);

    let input = Tensor::randn([BATCH, TIME, FEATURES].map(|n| n as i64), (Kind::Float, Device::Cpu));
    let task = Task::classify(CLASSES.map(str::to_owned).to_vec());
    let flat = Vec::<f32>::try_from(input.view(-1)).unwrap();
    let targets = Targets::of_sequences(LABELS.to_vec());
    let d_logits = |logits: &[f32]| task.loss_gradient(&logits.to_vec().into(), &targets);
    let found = asked.state_gradients(&mut Workspace::new(), Input::new(&flat, BATCH, TIME), d_logits);

    let expected = by_autograd(&network, &input);
    assert_eq!(found.len(), expected.len(), "{config:?}");
    for (index, (found, (steps, expected))) in found.into_iter().zip(expected).enumerate() {
        let what = format!("{config:?}, direction {index}");
        let taken = if found.last_only { vec![TIME - 1] } else { (0..TIME).collect() };
        assert_eq!(taken, steps, "{what}");
        let found = Tensor::from_slice(&found.values).view_as(&expected);
        let apart = (found - &expected).norm().double_value(&[]);
        let size = expected.norm().double_value(&[]);
        assert!(apart < 1e-5 * size + 1e-7, "{what}: {apart} of {size}");
    }
}

#[test]
fn every_net_has_autograds() {
    tch::manual_seed(3);
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
    use Readout::{Attention, Final, Last, Max, Mean};
    for (cell, nonlinearity) in cells {
        for (bidirectional, hidden) in directions {
            for readout in [Last, Final, Mean, Max, Attention] {
                if readout == Last && matches!(hidden, Hidden::Reverse { .. }) {
                    // No experiment is of such a net, which reads one step alone.
                    continue;
                }
                for layers in [1, 3] {
                    let dropout = 0.0;
                    check(&ModelConfig {
                        cell,
                        nonlinearity,
                        bidirectional,
                        layers,
                        hidden,
                        dropout,
                        readout,
                        ..ModelConfig::default()
                    });
                }
            }
        }
    }
}
