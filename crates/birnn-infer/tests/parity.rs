//! Sequences of unequal lengths against PyTorch 2.11, which reads them packed: answers, and the gradients
//! that the kernels have to train by.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../../birnn-model/tests/fixtures/mod.rs"]
mod fixtures;

use birnn_architecture::Readout;
use birnn_infer::{Network, cpu, spec};
use birnn_kernels::{Input, Linear, Packed, Workers, Workspace, backward, forward};

use crate::fixtures::{FEATURES, OUTPUTS};

#[track_caller]
fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-6, "{what}: {found}, not {expected}");
    }
}

#[test]
fn logits_are_pytorchs() {
    for case in fixtures::unequal() {
        let values = |name: &str| case.parameters[name].clone();
        let net = Network::new(&case.architecture, FEATURES, OUTPUTS, cpu::instructions(), values);
        let logits = net.logits_ragged(&mut birnn_infer::Workspace::new(), &case.input, &case.lengths);
        close(&logits, &case.logits, &case.architecture.to_string());
    }
}

/// A readout that pools wants a gradient of all outputs, as the readout that leaves them does; its own
/// gradient is no kernel's.
#[test]
fn gradients_are_pytorchs() {
    let read_as_it_is = [Readout::Last, Readout::Final, Readout::Sequence];
    for case in fixtures::unequal() {
        if !read_as_it_is.contains(&case.architecture.readout) {
            continue;
        }
        let (spec, instructions) = (spec(&case.architecture, FEATURES), cpu::instructions());
        let recurrent = case.architecture.recurrent_parameters(FEATURES);
        let parameters: Vec<&[f32]> =
            recurrent.iter().map(|(name, _)| case.parameters[name].as_slice()).collect();
        let packed = Packed::new(spec, instructions, &parameters);
        let mut workspace = Workspace::new(&Workers::new(2, instructions));
        let input = Input::ragged(&case.input, &case.lengths);
        let mut top = vec![f32::NAN; case.logits.len() / OUTPUTS * spec.width()];
        forward(&packed, &mut workspace, input, None, &mut top);

        let head = Linear::new(instructions, spec.width(), OUTPUTS, &case.parameters["fc.weight"], None);
        let mut d_top = top;
        head.transposed().forward(&fixtures::weights(case.logits.len()), &mut d_top);
        let mut gradients: Vec<Vec<f32>> =
            parameters.iter().map(|values| vec![f32::NAN; values.len()]).collect();
        let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        let mut d_input = vec![f32::NAN; case.input.len()];
        backward(&packed, &mut workspace, &d_top, &mut slices, Some(&mut d_input));

        let what = case.architecture.to_string();
        close(&d_input, &case.input_gradient, &format!("{what}: input"));
        for ((name, _), gradient) in recurrent.iter().zip(&gradients) {
            close(gradient, &case.gradient[name], &format!("{what}: {name}"));
        }
    }
}
