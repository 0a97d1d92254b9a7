//! birnn's kernels and libtorch's autograd give the same answer to the same question.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_data::{Images, Split};
use birnn_engine::{Classification, Device, Learner, Samples};
use birnn_model::{CellKind, Hidden, ModelConfig, Nonlinearity, Readout};
use proptest::prelude::*;

/// The loss of a batch and its gradients, both ways.
fn check(config: &ModelConfig, [rows, cols]: [usize; 2], batch: usize) {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let task = Classification { classes, label_smoothing: 0.1 };
    let mut learner = Learner::new(&config.resolve().unwrap(), task, [rows, cols], 3, Device::Cpu).unwrap();
    let labels: Vec<u8> = (0..batch).map(|index| (index % 3) as u8).collect();
    let pixels = (0..batch * rows * cols).map(|index| ((index * 7919) % 251) as u8).collect();
    let samples = Samples::new(Split { images: Images { rows, cols, pixels }, labels }, Device::Cpu).unwrap();
    let order = samples.order(0, 0).unwrap();
    let batch = samples.batch(&order, 0, batch).unwrap();
    let (loss, gradient) = learner.gradients(&batch, 1).unwrap();
    let (expected_loss, expected) = learner.autograd(&batch, 1).unwrap();
    let difference = (loss.double_value(&[]) - expected_loss.double_value(&[])).abs();
    assert!(difference < 1e-5, "{config:?}: the loss differs by {difference}");
    let mut start = 0;
    for (name, parameter) in learner.named_parameters() {
        let length = parameter.numel() as i64;
        let [found, expected] = [&gradient, &expected].map(|all| all.narrow(0, start, length));
        let difference = (found - &expected).norm().double_value(&[]);
        let size = expected.norm().double_value(&[]);
        assert!(difference <= 1e-5 * size + 1e-7, "{config:?} {name}: {difference} of {size}");
        start += length;
    }
    assert_eq!(gradient.size(), [start]);
}

#[test]
fn the_tutorials_net_is_autograds() {
    check(&ModelConfig::default(), [28, 28], 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_net_is_autograds(
        cell in prop_oneof![Just(CellKind::Rnn), Just(CellKind::Gru), Just(CellKind::Lstm)],
        relu in any::<bool>(),
        readout in prop_oneof![
            Just(Readout::Last), Just(Readout::Final), Just(Readout::Mean), Just(Readout::Max), Just(Readout::Attention)
        ],
        bidirectional in any::<bool>(), layers in 1_usize..4, forward in 1_usize..40, reverse in 1_usize..40,
        rows in 1_usize..9, cols in 1_usize..40, batch in 1_usize..80,
    ) {
        let nonlinearity = (cell == CellKind::Rnn && relu).then_some(Nonlinearity::Relu);
        let hidden = if bidirectional { Hidden::Each { forward, reverse } } else { Hidden::Same(forward) };
        let config = ModelConfig { cell, nonlinearity, bidirectional, layers, hidden, dropout: 0.0, readout };
        check(&config, [rows, cols], batch);
    }
}
