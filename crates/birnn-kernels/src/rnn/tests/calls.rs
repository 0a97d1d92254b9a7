//! Calls one after the other: what is carried over, what is shared, and what is refused.

use proptest::sample::select;

use super::textbook::{Question, single, values};
use super::*;

const CELLS: [Cell; 4] = [Cell::RnnTanh, Cell::RnnRelu, Cell::Gru, Cell::Lstm];

fn given(spec: Spec, batch: usize, time: usize) -> Given {
    Given::new(&Question::new(spec, batch, time, 1))
}

fn gradient_of(given: &Given) -> Vec<f32> {
    single(&values(given.output().len(), 3, 1.0))
}

#[test]
fn the_same_number_of_workers_gives_the_same_bytes() {
    let output = OutputMode::Last;
    let spec =
        Spec { cell: Cell::Lstm, features: 28, layers: 2, forward: Some(20), reverse: Some(20), output };
    let given = given(spec, 150, 9);
    let d_output = gradient_of(&given);
    let go = || {
        let mut workspace = Workspace::new(&Workers::new(2, Instructions::best()));
        given.train(&given.pack(Instructions::best()), &mut workspace, &d_output)
    };
    assert!(go() == go());
}

/// A sequence that is read in two pieces, the states carried over, gives the bytes of one piece.
#[test]
fn a_sequence_can_be_read_in_pieces() {
    const BATCH: usize = 70;
    for (cell, instructions) in
        CELLS.into_iter().flat_map(|cell| Instructions::all().into_iter().map(move |i| (cell, i)))
    {
        let spec = Spec {
            cell,
            features: 3,
            layers: 2,
            forward: Some(21),
            reverse: None,
            output: OutputMode::Sequence,
        };
        let whole = Given::new(&Question::new(spec, BATCH, 9, 1).started(1));
        let packed = whole.pack(instructions);
        let workspace = || Workspace::new(&Workers::new(2, instructions));
        let (expected, end) = whole.infer(&packed, &mut workspace());
        for cut in [1, 4, 8] {
            let piece = |from: usize, to: usize, initial: &Option<States>| Given {
                parameters: Vec::new(),
                input: whole
                    .input
                    .chunks(9 * 3)
                    .flat_map(|sample| &sample[from * 3..to * 3])
                    .copied()
                    .collect(),
                lengths: vec![to - from; BATCH],
                initial: initial.clone(),
                ..whole
            };
            let mut workspace = workspace();
            let (first, between) = piece(0, cut, &whole.initial).infer(&packed, &mut workspace);
            // One as in training, where more is kept.
            let second = piece(cut, 9, &between);
            let mut rest = second.output();
            forward(&packed, &mut workspace, second.input(), None, &mut rest);
            assert!(Some(workspace.final_states(&packed)) == end, "{instructions} {cell:?} {cut}");
            let samples = first.chunks(cut * 21).zip(rest.chunks((9 - cut) * 21));
            let joined: Vec<f32> = samples.flat_map(|(first, rest)| [first, rest].concat()).collect();
            assert!(joined == expected, "{instructions} {cell:?} {cut}");
        }
    }
}

/// The reverse direction of which the last step alone is read takes one step of each sequence: their
/// gradients are one product, as of a batch of those steps.
#[test]
fn what_is_read_once_makes_one_product() {
    const COUNT: usize = 40;
    let output = OutputMode::Last;
    let spec = Spec { cell: Cell::Gru, features: 5, layers: 1, forward: Some(9), reverse: Some(9), output };
    let lengths: Vec<usize> = (1..=COUNT).collect();
    let ragged = Given::new(&Question::ragged(spec, &lengths, 1));
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    let last: Vec<f32> = ends.flat_map(|end| ragged.input[(end - 1) * 5..end * 5].to_vec()).collect();
    // The forward direction of a batch of one step each, with the parameters of the reverse one.
    let alone = Given {
        spec: Spec { reverse: None, ..spec },
        parameters: ragged.parameters[4..].to_vec(),
        input: last,
        lengths: vec![1; COUNT],
        ..Given::new(&Question::ragged(spec, &lengths, 1))
    };
    let d_output = gradient_of(&ragged);
    let d_alone: Vec<f32> = d_output.chunks(18).flat_map(|row| row[9..].to_vec()).collect();
    let train = |given: &Given, d_output: &[f32]| {
        let mut workspace = Workspace::new(&Workers::new(1, Instructions::best()));
        given.train_in_segments(&given.pack(Instructions::best()), &mut workspace, d_output).gradients
    };
    assert!(train(&ragged, &d_output)[4..] == train(&alone, &d_alone));
}

/// Whatever is kept, the bits are the same: with sequences that end within a segment, at its end and after
/// it.
#[test]
fn what_is_recomputed_is_the_same() {
    let workers = Workers::new(2, Instructions::best());
    let mut used = Workspace::new(&workers).with_recompute(Some(3));
    let mut turns = 0;
    for (cell, output) in CELLS.into_iter().flat_map(|cell| MODES.map(|output| (cell, output))) {
        let (one, both) = ((Some(18), None), (Some(18), Some(18)));
        for (layers, (forward, reverse), ragged) in [
            (1, one, false),
            (1, (Some(18), Some(9)), true),
            (2, both, true),
            (3, one, true),
            (2, (None, Some(9)), true),
        ] {
            turns += 1;
            let spec = Spec { cell, features: 5, layers, forward, reverse, output };
            let lengths: Vec<usize> =
                (0..70).map(|sample| if ragged { 1 + (sample * 7 + turns) % 23 } else { 23 }).collect();
            let question = Question::ragged(spec, &lengths, turns as u64);
            let question = if turns % 2 == 0 { question.started(turns as u64) } else { question };
            let dropout =
                (turns % 3 == 0).then_some(Dropout { probability: 0.3, key: turns as u64, first_step: 0 });
            let given = Given::new(&Question { dropout, ..question });
            let d_output = gradient_of(&given);
            for instructions in Instructions::all() {
                let packed = given.pack_for(instructions, Precision::Medium);
                let workers = Workers::new(2, instructions);
                let all = Workspace::new(&workers);
                let expected = given.train_in_segments(&packed, &mut { all }, &d_output);
                for steps in [1, 7] {
                    let mut some = Workspace::new(&workers).with_recompute(Some(steps));
                    let found = given.train_in_segments(&packed, &mut some, &d_output);
                    assert!(found == expected, "{instructions} {spec:?} {steps}");
                }
                if instructions == Instructions::best() {
                    let found = given.train_in_segments(&packed, &mut used, &d_output);
                    assert!(found == expected, "used buffers {spec:?}");
                }
            }
        }
    }
}

#[test]
fn threads_share_parameters_and_get_the_same_bytes() {
    let output = OutputMode::Final;
    let spec = Spec { cell: Cell::Gru, features: 5, layers: 2, forward: Some(30), reverse: Some(7), output };
    let given = given(spec, 20, 11);
    let (packed, d_output) = (given.pack(Instructions::best()), gradient_of(&given));
    let workspace = || Workspace::new(&Workers::new(1, Instructions::best()));
    let expected = given.train(&packed, &mut workspace(), &d_output);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut workspace = workspace();
                for _ in 0..10 {
                    assert!(given.train(&packed, &mut workspace, &d_output) == expected);
                    assert!(given.infer(&packed, &mut workspace).0 == expected.output);
                }
            });
        }
    });
}

/// Larger and smaller, other cells, directions, layers and modes, one after the other in the same buffers.
#[test]
fn a_used_workspace_gives_the_bytes_of_a_new_one() {
    let workers = Workers::new(2, Instructions::best());
    let mut used = Workspace::new(&workers);
    let mut turns = 0;
    for round in 0..2 {
        for (cell, output) in CELLS.into_iter().flat_map(|cell| MODES.map(|output| (cell, output))) {
            for (layers, (forward, reverse), batch, time) in [
                (2, (Some(18), Some(17)), 3, 7),
                (1, (Some(18), None), 150, 2),
                (3, (Some(18), Some(4)), 40, 5),
                (3, (None, Some(18)), 40, 5),
                (3, (Some(18), Some(4)), 50, 9),
            ] {
                let spec = Spec { cell, features: 3 + layers, layers, forward, reverse, output };
                let lengths: Vec<usize> = (0..batch).map(|sample| 1 + (time + sample * time) % 9).collect();
                let question = match turns % 5 {
                    0 | 1 => Question::ragged(spec, &lengths, turns),
                    _ => Question::new(spec, batch, time, turns),
                };
                let question = if turns % 2 == 0 { question.started(turns) } else { question };
                let dropout =
                    (turns % 3 == 0).then_some(Dropout { probability: 0.3, key: turns, first_step: 0 });
                let given = Given::new(&Question { dropout, ..question });
                let (packed, d_output) = (given.pack(Instructions::best()), gradient_of(&given));
                let mut new = Workspace::new(&workers);
                if (turns + round) % 2 == 0 {
                    let found = given.train(&packed, &mut used, &d_output);
                    assert!(found == given.train(&packed, &mut new, &d_output), "{spec:?}");
                } else {
                    assert!(given.infer(&packed, &mut used) == given.infer(&packed, &mut new), "{spec:?}");
                }
                turns += 1;
            }
        }
    }
}

/// What depends on the input's gradient is no part of the others: they are the same without it.
#[test]
fn gradients_are_the_same_without_that_of_the_input() {
    let output = OutputMode::Last;
    let spec = Spec { cell: Cell::Lstm, features: 5, layers: 1, forward: Some(9), reverse: Some(7), output };
    let given = given(spec, 4, 6);
    let (packed, d_output) = (given.pack(Instructions::best()), gradient_of(&given));
    let mut workspace = Workspace::new(&Workers::new(1, Instructions::best()));
    let expected = given.train(&packed, &mut workspace, &d_output);
    forward(&packed, &mut workspace, given.input(), None, &mut given.output());
    let mut gradients = given.parameters.clone();
    backward(&packed, &mut workspace, &d_output, &mut slices(&mut gradients), None);
    assert!(gradients == expected.gradients);
}

#[test]
fn other_outputs_of_the_same_parameters_can_be_wanted() {
    let outputs = [OutputMode::Last, OutputMode::Final, OutputMode::Sequence];
    for reverse in [None, Some(5)] {
        let of = |output| {
            let spec = Spec { cell: Cell::Gru, features: 3, layers: 2, forward: Some(4), reverse, output };
            given(spec, 3, 6)
        };
        for before in outputs {
            let mut workspace = Workspace::new(&Workers::new(1, Instructions::best()));
            for output in outputs {
                let (given, packed) = (of(output), of(before).pack(Instructions::best()));
                let [expected, found] = [given.pack(Instructions::best()), packed.with_output(output)]
                    .map(|packed| given.infer(&packed, &mut workspace).0);
                assert_eq!(found, expected, "{before:?} {output:?}");
            }
        }
    }
}

#[test]
fn other_parameters_can_be_laid_out_in_the_same_memory() {
    let exactly = Instructions::all().into_iter().map(|instructions| (instructions, Precision::Highest));
    let ways: Vec<_> = exactly.chain(Instructions::twins().map(|twin| (twin, Precision::Medium))).collect();
    for (cell, &(instructions, precision)) in
        CELLS.into_iter().flat_map(|cell| ways.iter().map(move |way| (cell, way)))
    {
        // With padding and without.
        for (features, forward, reverse) in [(5, 30, 7), (16, 32, 16)] {
            let output = OutputMode::Final;
            let spec =
                Spec { cell, features, layers: 2, forward: Some(forward), reverse: Some(reverse), output };
            let (one, other) = (given(spec, 3, 4), Given::new(&Question::new(spec, 3, 4, 99)));
            let workers = Workers::new(2, instructions);
            let mut packed = one.pack_for(instructions, precision);
            packed.update(&workers, &views(&other.parameters));
            let mut workspace = Workspace::new(&workers);
            let found = one.train(&packed, &mut workspace, &gradient_of(&one));
            let afresh = other.pack_for(instructions, precision);
            let expected = one.train(&afresh, &mut workspace, &gradient_of(&one));
            assert!(
                found.output == expected.output && found.gradients == expected.gradients,
                "{cell:?} {instructions} {precision:?}"
            );
        }
    }
}

/// A small stack: what would give a wrong result in silence panics with these words.
#[track_caller]
fn refused(words: &str, wrong: impl FnOnce(&Given, &mut Packed, &mut Workspace) + std::panic::UnwindSafe) {
    let spec = Spec {
        cell: Cell::Gru,
        features: 2,
        layers: 1,
        forward: Some(3),
        reverse: None,
        output: OutputMode::Last,
    };
    let panic = std::panic::catch_unwind(|| {
        let given = given(spec, 2, 2);
        let workers = Workers::new(1, Instructions::best());
        wrong(&given, &mut given.pack(Instructions::best()), &mut Workspace::new(&workers));
    });
    let said = panic.unwrap_err();
    let said =
        said.downcast_ref::<String>().cloned().or(said.downcast_ref::<&str>().map(|&said| said.to_owned()));
    assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{words}: {said:?}");
}

fn go(given: &Given, packed: &Packed, workspace: &mut Workspace) {
    forward(packed, workspace, given.input(), None, &mut [0.0; 6]);
}

fn go_back(given: &Given, packed: &Packed, workspace: &mut Workspace) {
    backward(packed, workspace, &[1.0; 6], &mut slices(&mut given.parameters.clone()), None);
}

#[test]
fn calls_in_a_wrong_order_are_refused() {
    let words = "nothing to go back from";
    refused(words, |given, packed, workspace| go_back(given, packed, workspace));
    refused(words, |given, packed, workspace| {
        go(given, packed, workspace);
        go_back(given, packed, workspace);
        go_back(given, packed, workspace);
    });
    refused(words, |given, packed, workspace| {
        go(given, packed, workspace);
        infer(packed, workspace, given.input(), &mut [0.0; 6]);
        go_back(given, packed, workspace);
    });
    refused(words, |given, packed, workspace| {
        go(given, packed, workspace);
        packed.update(&Workers::new(1, Instructions::best()), &views(&given.parameters));
        go_back(given, packed, workspace);
    });
    refused(words, |given, packed, workspace| {
        go(given, packed, workspace);
        go_back(given, &given.pack(Instructions::best()), workspace);
    });
    refused("a pass that has not been", |_, packed, workspace| drop(workspace.final_states(packed)));
}

#[test]
fn what_cannot_be_is_refused() {
    refused("not 5 steps of 2", |given, packed, workspace| {
        infer(packed, workspace, Input { lengths: Lengths::Each(&[3, 2]), ..given.input() }, &mut [0.0; 6]);
    });
    refused("sequence 1 of the batch has no time step", |given, packed, workspace| {
        infer(packed, workspace, Input { lengths: Lengths::Each(&[4, 0]), ..given.input() }, &mut [0.0; 6]);
    });
    refused("a batch of no sequence", |given, packed, workspace| {
        infer(packed, workspace, Input { lengths: Lengths::Each(&[]), ..given.input() }, &mut [0.0; 6]);
    });
    refused("not in [0, 1)", |given, packed, workspace| {
        let dropout = Dropout { probability: 1.0, key: 0, first_step: 0 };
        forward(packed, workspace, given.input(), Some(dropout), &mut [0.0; 6]);
    });
    for (forward, reverse) in [(Some(1), Some(0)), (None, None)] {
        refused("a layer, a feature, a direction and a unit", |given, _, _| {
            drop(Packed::new(Spec { forward, reverse, ..given.spec }, Instructions::best(), &[]));
        });
    }
    refused("the lengths of the initial states", |given, packed, workspace| {
        let initial = States::zeros(&given.spec, 3);
        infer(packed, workspace, Input { initial: Some(&initial), ..given.input() }, &mut [0.0; 6]);
    });
    refused("the length of the gradient with respect to the input", |given, packed, workspace| {
        go(given, packed, workspace);
        let mut gradients = given.parameters.clone();
        backward(packed, workspace, &[1.0; 6], &mut slices(&mut gradients), Some(&mut [0.0; 7]));
    });
    refused("no final state", |given, _, workspace| {
        let spec = Spec { reverse: Some(2), ..given.spec };
        let lengths = spec.parameters();
        let parameters: Vec<Vec<f32>> = lengths.into_iter().map(|length| vec![0.0; length]).collect();
        let packed = Packed::new(spec, Instructions::best(), &views(&parameters));
        infer(&packed, workspace, given.input(), &mut [0.0; 10]);
        drop(workspace.final_states(&packed));
    });
}

/// Each sequence of a batch alone.
fn alone(all: &Given) -> Vec<Given> {
    let batch = all.lengths.len();
    let mut rest = &all.input[..];
    let each = all.lengths.iter().enumerate().map(|(sample, &length)| {
        let (input, others) = rest.split_at(length * all.spec.features);
        rest = others;
        let own = |states: &Vec<f32>| states.chunks(states.len() / batch).nth(sample).unwrap().to_vec();
        let initial = all
            .initial
            .as_ref()
            .map(|States { h, c }| States { h: h.iter().map(own).collect(), c: c.iter().map(own).collect() });
        let parameters = all.parameters.clone();
        Given { input: input.to_vec(), lengths: vec![length], initial, parameters, ..*all }
    });
    each.collect()
}

/// What a sequence gives does not depend on the others of its batch, nor on their order, to the bit;
/// gradients of parameters are the sums of its own up to rounding.
fn check_alone(given: &Given, instructions: Instructions, workers: usize) {
    let (spec, lengths) = (&given.spec, &given.lengths);
    let (packed, d_output) = (given.pack(instructions), gradient_of(given));
    let mut workspace = Workspace::new(&Workers::new(workers, instructions));
    let found = given.train(&packed, &mut workspace, &d_output);
    let inferred = given.infer(&packed, &mut workspace);
    assert!(inferred == (found.output.clone(), found.states.clone()), "{spec:?}");

    let mut sums: Vec<Vec<f64>> = found.gradients.iter().map(|all| vec![0.0; all.len()]).collect();
    let (mut rest, mut d_rest, mut d_input) = (&found.output[..], &d_output[..], &found.d_input[..]);
    for (sample, one) in alone(given).iter().enumerate() {
        let what = format!("{instructions} {spec:?}, sequence {sample} of {lengths:?}");
        let (output, others) = rest.split_at(one.output().len());
        let (d_output, d_others) = d_rest.split_at(output.len());
        let (own_d_input, d_inputs) = d_input.split_at(one.input.len());
        (rest, d_rest, d_input) = (others, d_others, d_inputs);
        let answer = one.train(&packed, &mut workspace, d_output);
        assert!(answer.output == output, "{what}: its output");
        assert!(answer.d_input == own_d_input, "{what}: the gradient with respect to it");
        for (own, all) in answer.d_states.iter().zip(&found.d_states) {
            let units = own.values.len() / if own.last_only { 1 } else { one.lengths[0] };
            let begin = if own.last_only { sample } else { lengths[..sample].iter().sum() } * units;
            assert!(own.values[..] == all.values[begin..][..own.values.len()], "{what}: states");
        }
        if let (Some(own), Some(states)) = (&answer.states, &found.states) {
            let own = own.h.iter().chain(&own.c);
            for (own, states) in own.zip(states.h.iter().chain(&states.c)) {
                assert!(own[..] == states[sample * own.len()..][..own.len()], "{what}: its final state");
            }
        }
        for (sums, own) in sums.iter_mut().zip(&answer.gradients) {
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += f64::from(*own));
        }
    }
    for (index, (found, sums)) in found.gradients.iter().zip(&sums).enumerate() {
        let largest = sums.iter().fold(1.0_f64, |most, sum| most.max(sum.abs()));
        for (found, sum) in found.iter().zip(sums) {
            let far = (f64::from(*found) - sum).abs();
            assert!(far < 1e-5 * largest, "{spec:?}, parameter {index}: {found}, not {sum}");
        }
    }
}

#[test]
fn a_sequence_alone_gives_what_it_gives_in_a_batch() {
    const BATCH: usize = 70;
    let lengths: Vec<usize> = (0..BATCH).map(|sample| 1 + sample * 11 % 71).collect();
    let mut turns = 0;
    for (cell, output) in CELLS.into_iter().flat_map(|cell| MODES.map(|output| (cell, output))) {
        let units = [(Some(18), None), (Some(18), Some(18)), (None, Some(18))].map(|units| (1, units));
        for (layers, (forward, reverse)) in units.into_iter().chain([(2, (Some(18), Some(7)))]) {
            turns += 1;
            let all = Instructions::all();
            let spec = Spec { cell, features: 3, layers, forward, reverse, output };
            let question = Question::ragged(spec, &lengths, 1);
            let question = if turns % 2 == 0 { question.started(2) } else { question };
            check_alone(&Given::new(&question), all[turns % all.len()], 1 + turns % 3);
        }
    }
}

/// Products of parts, too: alone, the inputs of many steps are multiplied together, and in a batch each
/// step's with its state.
#[test]
fn it_does_at_every_precision() {
    let [tiles, vectors] = Instructions::twins();
    let ways = [(tiles, Precision::High), (tiles, Precision::Medium), (vectors, Precision::Medium)];
    for (cell, (instructions, precision)) in CELLS.into_iter().flat_map(|cell| ways.map(|way| (cell, way))) {
        let output = OutputMode::Sequence;
        let spec = Spec { cell, features: 5, layers: 1, forward: Some(7), reverse: Some(17), output };
        let given = Given::new(&Question::ragged(spec, &[40, 3, 7, 37, 8], 4).started(4));
        let packed = given.pack_for(instructions, precision);
        let mut workspace = Workspace::new(&Workers::new(1, instructions));
        let (all, _) = given.infer(&packed, &mut workspace);
        let each: Vec<f32> =
            alone(&given).iter().flat_map(|one| one.infer(&packed, &mut workspace).0).collect();
        assert!(each == all, "{cell:?} {instructions} {precision:?}");
    }
}

proptest! {
    #![proptest_config(crate::cases(60))]
    #[test]
    fn any_sequence_alone_does(
        cell in select(&CELLS[..]), output in select(&MODES[..]), instructions in select(Instructions::all()),
        features in 1_usize..20, layers in 1_usize..4,
        forward in proptest::option::of(1_usize..20), reverse in proptest::option::of(1_usize..20),
        lengths in proptest::collection::vec(1_usize..=60, 1..=20),
        workers in 1_usize..4, started in any::<bool>(), seed in 0_u64..1000,
    ) {
        let forward = forward.or(reverse.is_none().then_some(1));
        let spec = Spec { cell, features, layers, forward, reverse, output };
        let question = Question::ragged(spec, &lengths, seed);
        let question = if started { question.started(seed) } else { question };
        check_alone(&Given::new(&question), instructions, workers);
    }
}

/// Sequences read from their ends by a stack whose directions have each other's parameters give the mirror
/// image.
#[test]
fn the_mirror_image_is_one() {
    let lengths = [4, 1, 6, 6, 2];
    let units = [(Some(5), Some(9)), (None, Some(9))];
    for (cell, output, (forward, reverse)) in CELLS.into_iter().flat_map(|cell| {
        let outputs = [OutputMode::Final, OutputMode::Sequence];
        outputs.into_iter().flat_map(move |output| units.map(|units| (cell, output, units)))
    }) {
        let spec = Spec { cell, features: 3, layers: 2, forward, reverse, output };
        let mirrored = Spec { forward: reverse, reverse: forward, ..spec };
        let [ahead, back] = [forward, reverse].map(|units| units.unwrap_or(0));
        let given = Given::new(&Question::ragged(spec, &lengths, 3));
        let swap = |row: &[f32], first: usize| [&row[first..], &row[..first]].concat();
        let mut parameters = Vec::new();
        for (layer, directions) in given.parameters.chunks(4 * spec.directions().count()).enumerate() {
            for direction in directions.chunks(4).rev() {
                let mut direction = direction.to_vec();
                if layer > 0 {
                    let rows = direction[0].chunks(ahead + back);
                    direction[0] = rows.flat_map(|row| swap(row, ahead)).collect();
                }
                parameters.extend(direction);
            }
        }
        let backwards = |values: &[f32], width: usize| {
            let mut rest = values;
            let samples = lengths.iter().flat_map(|length| {
                let (own, others) = rest.split_at(length * width);
                rest = others;
                own.chunks(width).rev().flatten().copied().collect::<Vec<_>>()
            });
            samples.collect::<Vec<f32>>()
        };
        let mirror = Given {
            spec: mirrored,
            parameters,
            input: backwards(&given.input, 3),
            lengths: lengths.to_vec(),
            initial: None,
            ..given
        };
        let answer = |given: &Given| {
            let mut workspace = Workspace::new(&Workers::new(2, Instructions::best()));
            given.infer(&given.pack(Instructions::best()), &mut workspace).0
        };
        let image: Vec<f32> = answer(&mirror).chunks(ahead + back).flat_map(|row| swap(row, back)).collect();
        let image = if output == OutputMode::Sequence { backwards(&image, ahead + back) } else { image };
        let expected: Vec<f64> = image.into_iter().map(f64::from).collect();
        near(&format!("{spec:?}"), &answer(&given), &expected);
    }
}
