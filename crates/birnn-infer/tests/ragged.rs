//! Sequences of unequal lengths: each gives the bits that it gives alone.

#[path = "../../birnn-model/tests/any/mod.rs"]
mod any;

use birnn_architecture::{Architecture, Readout};
use birnn_infer::{Network, Workspace, cpu};
use birnn_kernels::{Instructions, Precision};
use proptest::prelude::*;

const FEATURES: usize = 4;
const OUTPUTS: usize = 3;

/// Values that look random and are the same each time, between -1 and 1.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((seed * 31 + index * 7919) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// A batch of sequences of these lengths.
fn input(lengths: &[usize]) -> Vec<f32> {
    values(lengths.iter().sum::<usize>() * FEATURES, 99)
}

/// The values of a parameter, small enough that no state grows from step to step.
fn parameter(architecture: &Architecture, name: &str) -> Vec<f32> {
    let parameters = architecture.parameters(FEATURES, OUTPUTS);
    let found = parameters.iter().enumerate().find(|(_, (known, _))| known == name);
    let (index, (_, shape)) = found.unwrap_or_else(|| panic!("no parameter {name}"));
    values(shape.iter().product(), index).into_iter().map(|value| 0.3 * value).collect()
}

fn net(architecture: &Architecture) -> Network {
    let values = |name: &str| parameter(architecture, name);
    Network::new(architecture, FEATURES, OUTPUTS, cpu::instructions(), values)
}

/// What stands one after the other, `width` values for each step, by sequence.
fn by_sequence<'a>(values: &'a [f32], lengths: &[usize], width: usize) -> Vec<&'a [f32]> {
    let mut rest = values;
    let each = lengths.iter().map(|length| {
        let (own, others) = rest.split_at(length * width);
        rest = others;
        own
    });
    each.collect()
}

/// The logits of each sequence.
fn logits_by_sequence<'a>(
    architecture: &Architecture,
    lengths: &[usize],
    logits: &'a [f32],
) -> Vec<&'a [f32]> {
    match architecture.readout {
        Readout::Sequence => by_sequence(logits, lengths, OUTPUTS),
        _ => logits.chunks_exact(OUTPUTS).collect(),
    }
}

/// In this batch each sequence gives the bits that it gives alone, and so in every other batch and order; not
/// even one that is no numbers shows in the others.
fn check_alone(architecture: &Architecture, lengths: &[usize]) {
    let what = format!("{architecture}, {lengths:?}");
    let (net, mut workspace, mut input) = (net(architecture), Workspace::new(), input(lengths));
    let alone: Vec<Vec<f32>> = by_sequence(&input, lengths, FEATURES)
        .into_iter()
        .map(|own| net.logits(&mut workspace, own, 1))
        .collect();
    let found = net.logits_ragged(&mut workspace, &input, lengths);
    assert!(found.iter().all(|logit| logit.is_finite()), "{what}");
    assert!(found == alone.concat(), "{what}");

    let lost = lengths.len() / 2;
    let begin = lengths[..lost].iter().sum::<usize>() * FEATURES;
    input[begin..][..lengths[lost] * FEATURES].fill(f32::NAN);
    let found = net.logits_ragged(&mut workspace, &input, lengths);
    let found = logits_by_sequence(architecture, lengths, &found);
    for (sequence, (found, alone)) in found.into_iter().zip(&alone).enumerate() {
        assert_eq!(found == alone, sequence != lost, "{what}: sequence {sequence}");
    }
}

/// Sequences read from their ends by the net whose directions have each other's parameters, and whose halves
/// of the outputs are taken for each other, give the mirror image.
fn check_mirror(architecture: &Architecture, lengths: &[usize]) {
    let Architecture { forward, reverse, readout, .. } = *architecture;
    if readout == Readout::Last {
        // The image is what is read at the first step, which no readout does.
        return;
    }
    let mirror = Architecture { forward: reverse, reverse: forward, ..*architecture };
    let (width, forward) = (architecture.output_features(), forward.unwrap_or(0));
    let exchanged = |name: &str| {
        let other = match name.strip_suffix("_reverse") {
            Some(name) => name.to_owned(),
            None if name.starts_with(architecture.cell.prefix()) => format!("{name}_reverse"),
            None => name.to_owned(),
        };
        let values = parameter(architecture, &other);
        let of_outputs = ["fc.weight", "attention.weight"].contains(&name)
            || name.contains("weight_ih") && !name.contains("weight_ih_l0");
        if !of_outputs {
            return values;
        }
        let rows = values.chunks_exact(width);
        rows.flat_map(|row| [&row[forward..], &row[..forward]].concat()).collect()
    };
    let net_of_mirror = Network::new(&mirror, FEATURES, OUTPUTS, cpu::instructions(), exchanged);
    let backwards = |values: &[f32], width: usize| -> Vec<f32> {
        let sequences = by_sequence(values, lengths, width).into_iter();
        sequences.flat_map(|own| own.chunks_exact(width).rev()).flatten().copied().collect()
    };
    let mut workspace = Workspace::new();
    let input = input(lengths);
    let expected = net(architecture).logits_ragged(&mut workspace, &input, lengths);
    let image = net_of_mirror.logits_ragged(&mut workspace, &backwards(&input, FEATURES), lengths);
    let found = if readout == Readout::Sequence { backwards(&image, OUTPUTS) } else { image };
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{architecture}, {lengths:?}: {found}, not {expected}");
    }
}

#[test]
fn every_kind_of_net_gives_what_it_gives_alone_and_its_mirror_image() {
    for (cell, readout) in
        any::CELLS.into_iter().flat_map(|cell| any::READOUTS.map(|readout| (cell, readout)))
    {
        for (layers, (forward, reverse)) in
            [(1, (Some(6), None)), (2, (Some(6), Some(5))), (2, (Some(6), Some(6))), (2, (None, Some(6)))]
        {
            let architecture =
                Architecture { cell, layers, forward, reverse, readout, ..Architecture::default() };
            for lengths in [&[3, 7, 1, 3, 40, 5][..], &[1], &[1, 1, 1]] {
                check_alone(&architecture, lengths);
                check_mirror(&architecture, lengths);
            }
        }
    }
}

/// Of a forward direction alone no answer to a step depends on a later step, however many layers there are;
/// with a reverse one it does. What is read of a whole sequence depends on its last step, whatever the
/// readout, but that the largest value of each output may be an earlier one.
#[test]
fn earlier_answers_know_nothing_of_later_steps() {
    const LENGTHS: [usize; 3] = [4, 9, 1];
    // The sixth step of the second sequence.
    const CHANGED: usize = 4 + 5;
    for (cell, readout) in
        any::CELLS.into_iter().flat_map(|cell| any::READOUTS.map(|readout| (cell, readout)))
    {
        let one_way = [1, 2, 3].map(|layers| (layers, (Some(6), None)));
        let others = [(1, (Some(6), Some(5))), (3, (Some(6), Some(6))), (2, (None, Some(6)))];
        for (layers, (forward, reverse)) in one_way.into_iter().chain(others) {
            let architecture =
                Architecture { cell, layers, forward, reverse, readout, ..Architecture::default() };
            let (net, mut workspace) = (net(&architecture), Workspace::new());
            let mut logits = |input: &[f32]| net.logits_ragged(&mut workspace, input, &LENGTHS);
            let before = input(&LENGTHS);
            let change = |step: usize| {
                let mut input = before.clone();
                input[step * FEATURES..][..FEATURES].fill(0.7);
                input
            };
            let expected = logits(&before);
            if readout == Readout::Sequence {
                let found = logits(&change(CHANGED));
                let differs = |step: usize| {
                    let step = step * OUTPUTS..(step + 1) * OUTPUTS;
                    found[step.clone()] != expected[step]
                };
                let earlier: Vec<bool> = (4..CHANGED).map(differs).collect();
                assert_eq!(earlier, vec![reverse.is_some(); CHANGED - 4], "{architecture}");
                assert!(differs(CHANGED), "{architecture}");
            } else if readout != Readout::Max {
                let found = logits(&change(4 + 8));
                assert_ne!(found[OUTPUTS..2 * OUTPUTS], expected[OUTPUTS..2 * OUTPUTS], "{architecture}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_net_and_batch_do(architecture in any::architecture(), lengths in any::lengths()) {
        check_alone(&architecture, &lengths);
        check_mirror(&architecture, &lengths);
    }
}

#[test]
#[should_panic(expected = "sequence 1 of the batch has no time step")]
fn a_sequence_without_a_step_is_refused() {
    let readout = Readout::Mean;
    let architecture = Architecture {
        cell: any::CELLS[0],
        layers: 1,
        forward: Some(2),
        reverse: None,
        readout,
        ..Architecture::default()
    };
    net(&architecture).logits_ragged(&mut Workspace::new(), &input(&[2, 0, 1]), &[2, 0, 1]);
}

/// Nets of one process may differ in precision: it is each one's own. The twins of matrix tiles and of
/// vectors of bf16 show it on every processor.
#[test]
fn precision_is_the_nets_own() {
    let architecture = Architecture { readout: Readout::Last, ..Architecture::default() };
    for instructions in Instructions::twins() {
        let values = |name: &str| parameter(&architecture, name);
        let answer = |precision: Precision| {
            let with = (instructions, precision);
            let net = Network::with_precision(&architecture, FEATURES, OUTPUTS, with, values);
            net.logits(&mut Workspace::new(), &input(&[3]), 1)
        };
        let [highest, medium] = [Precision::Highest, Precision::Medium].map(answer);
        let plain = Network::new(&architecture, FEATURES, OUTPUTS, instructions, values);
        assert_eq!(plain.logits(&mut Workspace::new(), &input(&[3]), 1), highest);
        let distance = highest.iter().zip(&medium).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(distance > 0.0 && distance < 0.05, "{highest:?}, {medium:?}");
    }
}
