//! Stacks against the textbook: one value at a time, in `f64`; gradients against differences of it.

use proptest::prelude::*;

use super::*;
use crate::simd::Instructions;
use crate::spec::Cell;

/// Values that look random and are the same each time.
fn values(count: usize, seed: u64, size: f64) -> Vec<f64> {
    (0..count as u64)
        .map(|index| {
            let mut z = (seed << 32 ^ index).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            size * ((z >> 40) as f64 / f64::from(1 << 23) - 1.0)
        })
        // What a kernel is given exactly.
        .map(|value| f64::from(value as f32))
        .collect()
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One direction over one sample, `[time][features]` to `[time][units]`: the formulas on PyTorch's pages.
fn direction(
    cell: Cell,
    input: &[Vec<f64>],
    parameters: &[Vec<f64>],
    units: usize,
    reverse: bool,
) -> Vec<Vec<f64>> {
    let [ih, hh, bias_ih, bias_hh] = parameters else { panic!("four parameters") };
    let dot = |weight: &[f64], row: usize, x: &[f64]| -> f64 {
        weight[row * x.len()..].iter().zip(x).map(|(w, x)| w * x).sum()
    };
    let (mut h, mut c) = (vec![0.0; units], vec![0.0; units]);
    let mut out = vec![Vec::new(); input.len()];
    for taken in 0..input.len() {
        let step = if reverse { input.len() - 1 - taken } else { taken };
        let x = &input[step];
        let from_input = |row: usize| dot(ih, row, x) + bias_ih[row];
        let from_state = |row: usize| dot(hh, row, &h) + bias_hh[row];
        let gate = |gate: usize, unit: usize| {
            let row = gate * units + unit;
            from_input(row) + from_state(row)
        };
        let next: Vec<f64> = (0..units)
            .map(|u| match cell {
                Cell::RnnTanh => gate(0, u).tanh(),
                Cell::RnnRelu => gate(0, u).max(0.0),
                Cell::Gru => {
                    let (r, z) = (sigmoid(gate(0, u)), sigmoid(gate(1, u)));
                    let n = (from_input(2 * units + u) + r * from_state(2 * units + u)).tanh();
                    (1.0 - z) * n + z * h[u]
                }
                Cell::Lstm => {
                    let (i, f, o) = (sigmoid(gate(0, u)), sigmoid(gate(1, u)), sigmoid(gate(3, u)));
                    c[u] = f * c[u] + i * gate(2, u).tanh();
                    o * c[u].tanh()
                }
            })
            .collect();
        h.clone_from(&next);
        out[step] = next;
    }
    out
}

/// The whole stack over a batch: what [`Stack::forward`] reads.
fn textbook(
    spec: &Spec,
    parameters: &[Vec<f64>],
    input: &[f64],
    time: usize,
    dropout: Option<Dropout>,
) -> Vec<f64> {
    let mut read = Vec::new();
    for (sample, input) in input.chunks(time * spec.features).enumerate() {
        let mut sequence: Vec<Vec<f64>> = input.chunks(spec.features).map(<[f64]>::to_vec).collect();
        let mut parameters = parameters.chunks(4);
        for layer in 0..spec.layers {
            let mut out = vec![Vec::new(); time];
            for (index, units) in spec.directions().enumerate() {
                let part = direction(spec.cell, &sequence, parameters.next().unwrap(), units, index == 1);
                out.iter_mut().zip(part).for_each(|(out, part)| out.extend(part));
            }
            if let Some(dropout) = dropout.filter(|_| layer + 1 < spec.layers) {
                for (step, row) in out.iter_mut().enumerate() {
                    for (value, kept) in row.iter_mut().zip(spec.kept(dropout, layer, time, sample, step)) {
                        *value *= if kept { 1.0 / (1.0 - f64::from(dropout.probability)) } else { 0.0 };
                    }
                }
            }
            sequence = out;
        }
        let last = &sequence[time - 1];
        match spec.read {
            Read::Sequence => sequence.iter().for_each(|row| read.extend(row)),
            Read::Last => read.extend(last),
            Read::Final => {
                read.extend(&last[..spec.forward]);
                read.extend(&sequence[0][spec.forward..]);
            }
        }
    }
    read
}

/// Forward and backward of a stack on every instruction set, against the textbook.
fn check(spec: Spec, batch: usize, time: usize, workers: usize, dropout: Option<Dropout>, seed: u64) {
    let parameters: Vec<Vec<f64>> = spec
        .parameters()
        .iter()
        .enumerate()
        .map(|(index, &count)| values(count, seed + index as u64, 0.5))
        .collect();
    let input = values(batch * time * spec.features, seed + 1000, 1.0);
    let expected = textbook(&spec, &parameters, &input, time, dropout);
    // The loss is the sum of what is read, weighted.
    let d_read = values(expected.len(), seed + 2000, 1.0);
    let loss = |parameters: &[Vec<f64>]| -> f64 {
        textbook(&spec, parameters, &input, time, dropout).iter().zip(&d_read).map(|(r, d)| r * d).sum()
    };
    // Those that fuse multiplication and addition round alike, however wide they are.
    let mut fused: Option<(Vec<f32>, Vec<Vec<f32>>)> = None;
    for instructions in Instructions::all() {
        let mut stack = Stack::new(spec, &Workers::new(workers, instructions));
        let given: Vec<Vec<f32>> = parameters.iter().map(|values| single(values)).collect();
        stack.load(&given.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut read = vec![f32::NAN; expected.len()];
        let mut gradients = given.clone();
        // The second time the buffers are used ones.
        for _ in 0..2 {
            stack.forward(&single(&input), batch, time, dropout, &mut read);
            stack.backward(&single(&d_read), &mut slices(&mut gradients));
        }
        for (found, expected) in read.iter().zip(&expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 2e-6,
                "{instructions:?} {spec:?}: {found}, not {expected}"
            );
        }
        if instructions.name().starts_with("avx") {
            let found = (read.clone(), gradients.clone());
            assert!(
                *fused.get_or_insert_with(|| found.clone()) == found,
                "{instructions} {spec:?}: other bytes"
            );
        }
        let mut inferred = if dropout.is_none() { vec![f32::NAN; read.len()] } else { read.clone() };
        if dropout.is_none() {
            stack.infer(&single(&input), batch, time, &mut inferred);
        }
        assert_eq!(inferred, read, "{instructions} {spec:?}: as in training");
        for (index, gradient) in gradients.iter().enumerate() {
            // Along a direction of this parameter alone, the loss changes as the gradient says.
            let along = values(gradient.len(), seed + 3000 + index as u64, 1.0);
            let moved = |by: f64| {
                let mut parameters = parameters.clone();
                parameters[index].iter_mut().zip(&along).for_each(|(value, along)| *value += by * along);
                loss(&parameters)
            };
            const STEP: f64 = 1e-5;
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let found: f64 = gradient.iter().zip(&along).map(|(g, along)| f64::from(*g) * along).sum();
            let size = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            let allowed = 2e-5 * (1.0 + size * (along.len() as f64).sqrt());
            assert!(
                (found - slope).abs() < allowed,
                "{instructions:?} {spec:?}, parameter {index}: {found}, not {slope}"
            );
        }
    }
}

fn slices(values: &mut [Vec<f32>]) -> Vec<&mut [f32]> {
    values.iter_mut().map(Vec::as_mut_slice).collect()
}

const READS: [Read; 3] = [Read::Last, Read::Final, Read::Sequence];

#[test]
fn every_cell_direction_and_readout_is_the_textbooks() {
    let cells = [Cell::RnnTanh, Cell::Gru, Cell::Lstm];
    for (cell, read) in cells.into_iter().flat_map(|cell| READS.map(|read| (cell, read))) {
        for reverse in [None, Some(5), Some(19)] {
            for layers in [1, 3] {
                check(Spec { cell, features: 3, layers, forward: 5, reverse, read }, 4, 6, 2, None, 7);
            }
        }
    }
}

#[test]
fn relu_is_the_textbooks_where_it_has_a_slope() {
    let spec = Spec {
        cell: Cell::RnnRelu,
        features: 3,
        layers: 2,
        forward: 6,
        reverse: Some(4),
        read: Read::Sequence,
    };
    check(spec, 3, 4, 1, None, 11);
}

#[test]
fn dropout_is_the_same_however_the_batch_is_cut() {
    let dropout = Some(Dropout { probability: 0.4, key: 99 });
    for (cell, workers) in [(Cell::Lstm, 1), (Cell::Gru, 2), (Cell::RnnTanh, 3)] {
        let spec = Spec { cell, features: 4, layers: 3, forward: 6, reverse: Some(3), read: Read::Final };
        check(spec, 5, 4, workers, dropout, 3);
    }
}

#[test]
fn the_same_number_of_workers_gives_the_same_bytes() {
    let spec =
        Spec { cell: Cell::Lstm, features: 28, layers: 2, forward: 20, reverse: Some(20), read: Read::Last };
    let parameters: Vec<Vec<f32>> =
        spec.parameters().iter().map(|&count| single(&values(count, 1, 0.3))).collect();
    let input = single(&values(150 * 9 * 28, 2, 1.0));
    let d_read = single(&values(150 * 40, 3, 1.0));
    let go = || {
        let mut stack = Stack::new(spec, &Workers::new(2, Instructions::best()));
        stack.load(&parameters.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut read = vec![0.0; 150 * 40];
        let mut gradients = parameters.clone();
        stack.forward(&input, 150, 9, None, &mut read);
        stack.backward(&d_read, &mut slices(&mut gradients));
        (read, gradients)
    };
    assert!(go() == go());
}

/// A small stack with parameters.
fn small() -> (Stack, Vec<Vec<f32>>) {
    let spec = Spec { cell: Cell::Gru, features: 2, layers: 1, forward: 3, reverse: None, read: Read::Last };
    let parameters: Vec<Vec<f32>> = spec.parameters().iter().map(|&length| vec![0.1; length]).collect();
    let mut stack = Stack::new(spec, &Workers::new(1, Instructions::best()));
    stack.load(&parameters.iter().map(Vec::as_slice).collect::<Vec<_>>());
    (stack, parameters)
}

/// What would give a wrong result in silence panics with these words.
fn refused(words: &str, wrong: impl FnOnce(Stack, Vec<Vec<f32>>) + std::panic::UnwindSafe) {
    let panic = std::panic::catch_unwind(|| {
        let (stack, parameters) = small();
        wrong(stack, parameters);
    });
    let said = panic.unwrap_err();
    let said =
        said.downcast_ref::<String>().cloned().or(said.downcast_ref::<&str>().map(|&said| said.to_owned()));
    assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{words}: {said:?}");
}

#[test]
fn calls_in_a_wrong_order_are_refused() {
    let input = [1.0; 8];
    refused("nothing to go back from", |mut stack, mut gradients| {
        stack.forward(&input, 2, 2, None, &mut [0.0; 6]);
        stack.backward(&[1.0; 6], &mut slices(&mut gradients));
        stack.backward(&[1.0; 6], &mut slices(&mut gradients));
    });
    refused("nothing to go back from", |mut stack, mut gradients| {
        stack.forward(&input, 2, 2, None, &mut [0.0; 6]);
        stack.infer(&input, 2, 2, &mut [0.0; 6]);
        stack.backward(&[1.0; 6], &mut slices(&mut gradients));
    });
    refused("nothing to go back from", |mut stack, mut gradients| {
        stack.forward(&input, 2, 2, None, &mut [0.0; 6]);
        stack.load(&gradients.iter().map(Vec::as_slice).collect::<Vec<_>>());
        stack.backward(&[1.0; 6], &mut slices(&mut gradients));
    });
    refused("`load` comes first", |stack, _| {
        Stack::new(*stack.spec(), &Workers::new(1, Instructions::best())).infer(&input, 2, 2, &mut [0.0; 6]);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    refused("not 2 x 3 x 2", |mut stack, _| stack.infer(&[1.0; 8], 2, 3, &mut [0.0; 6]));
    refused("not in [0, 1)", |mut stack, _| {
        let dropout = Dropout { probability: 1.0, key: 0 };
        stack.forward(&[1.0; 8], 2, 2, Some(dropout), &mut [0.0; 6]);
    });
    refused("a layer, a feature and a unit", |stack, _| {
        drop(Stack::new(Spec { reverse: Some(0), ..*stack.spec() }, &Workers::new(1, Instructions::best())));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_shape_is_the_textbooks(
        cell in prop_oneof![Just(Cell::RnnTanh), Just(Cell::Gru), Just(Cell::Lstm)],
        read in prop_oneof![Just(Read::Last), Just(Read::Final), Just(Read::Sequence)],
        features in 1_usize..20, layers in 1_usize..4, forward in 1_usize..20,
        reverse in proptest::option::of(1_usize..20),
        batch in 1_usize..9, time in 1_usize..6, workers in 1_usize..4, dropped in any::<bool>(), seed in 0_u64..1000,
    ) {
        let spec = Spec { cell, features, layers, forward, reverse, read };
        let dropout = dropped.then_some(Dropout { probability: 0.3, key: seed });
        check(spec, batch, time, workers, dropout, seed);
    }
}
