//! Stacks against the textbook: one value at a time, in `f64`; gradients against differences of it.

mod calls;
mod textbook;

use birnn_architecture::Precision;
use proptest::prelude::*;

use super::*;
use crate::dropout::Dropout;
use crate::isa::Instructions;
use crate::workers::Workers;
use textbook::{Question, WideStates, single, values};

/// A question as the kernels are asked it.
struct Given {
    spec: Spec,
    parameters: Vec<Vec<f32>>,
    input: Vec<f32>,
    lengths: Vec<usize>,
    dropout: Option<Dropout>,
    initial: Option<States>,
}

/// All that they answer.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    output: Vec<f32>,
    /// Where each direction is taken to its end.
    states: Option<States>,
    gradients: Vec<Vec<f32>>,
    d_input: Vec<f32>,
    d_states: Vec<StateGradient>,
}

impl Given {
    fn new(question: &Question) -> Given {
        let all = |values: &[Vec<f64>]| values.iter().map(|values| single(values)).collect();
        let Question { spec, parameters, input, lengths, dropout, initial, .. } = question;
        Given {
            spec: *spec,
            parameters: all(parameters),
            input: single(input),
            lengths: lengths.clone(),
            dropout: *dropout,
            initial: initial.as_ref().map(|WideStates { h, c }| States { h: all(h), c: all(c) }),
        }
    }

    fn input(&self) -> Input<'_> {
        Input { initial: self.initial.as_ref(), ..Input::ragged(&self.input, &self.lengths) }
    }

    fn pack(&self, instructions: Instructions) -> Packed {
        self.pack_for(instructions, Precision::Highest)
    }

    fn pack_for(&self, instructions: Instructions, precision: Precision) -> Packed {
        Packed::with_precision(self.spec, instructions, precision, &views(&self.parameters))
    }

    fn output(&self) -> Vec<f32> {
        vec![f32::NAN; self.spec.output_len(Lengths::Each(&self.lengths))]
    }

    /// Whether there are final states of all directions.
    fn ends(&self) -> bool {
        self.spec.output != OutputMode::Last || self.spec.reverse.is_none()
    }

    /// A pass forward and back, in a workspace that keeps all steps.
    fn train(&self, packed: &Packed, workspace: &mut Workspace, d_output: &[f32]) -> Answer {
        let answer = self.train_in_segments(packed, workspace, d_output);
        forward(packed, workspace, self.input(), self.dropout, &mut self.output());
        Answer { states: self.ends().then(|| workspace.final_states(packed)), ..answer }
    }

    /// A pass forward and back; of it no states.
    fn train_in_segments(&self, packed: &Packed, workspace: &mut Workspace, d_output: &[f32]) -> Answer {
        let mut output = self.output();
        forward(packed, workspace, self.input(), self.dropout, &mut output);
        let mut gradients = self.parameters.clone();
        let mut d_input = vec![f32::NAN; self.input.len()];
        backward(packed, workspace, d_output, &mut slices(&mut gradients), Some(&mut d_input));
        forward(packed, workspace, self.input(), self.dropout, &mut output);
        let d_states = state_gradients(packed, workspace, d_output);
        Answer { output, states: None, gradients, d_input, d_states }
    }

    /// A pass that none goes back from.
    fn infer(&self, packed: &Packed, workspace: &mut Workspace) -> (Vec<f32>, Option<States>) {
        let mut output = self.output();
        infer(packed, workspace, self.input(), &mut output);
        (output, self.ends().then(|| workspace.final_states(packed)))
    }
}

fn views(values: &[Vec<f32>]) -> Vec<&[f32]> {
    values.iter().map(Vec::as_slice).collect()
}

fn slices(values: &mut [Vec<f32>]) -> Vec<&mut [f32]> {
    values.iter_mut().map(Vec::as_mut_slice).collect()
}

#[track_caller]
fn near(what: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let allowed = 2e-6 * expected.abs().max(1.0);
        assert!((f64::from(*found) - expected).abs() < allowed, "{what}: {found}, not {expected}");
    }
}

/// Along a direction that `seed` gives, the loss changes as the gradient says; `moved` is the loss so far
/// along it.
#[track_caller]
fn slope(what: &str, gradient: &[f32], seed: u64, moved: impl Fn(&[f64]) -> f64) {
    const STEP: f64 = 1e-5;
    let along = values(gradient.len(), seed, 1.0);
    let by = |step: f64| moved(&along.iter().map(|along| step * along).collect::<Vec<_>>());
    let expected = (by(STEP) - by(-STEP)) / (2.0 * STEP);
    let found: f64 = gradient.iter().zip(&along).map(|(g, along)| f64::from(*g) * along).sum();
    let size = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    let allowed = 2e-5 * (1.0 + size * (along.len() as f64).sqrt());
    assert!((found - expected).abs() < allowed, "{what}: {found}, not {expected}");
}

fn plus(values: &[f64], step: &[f64]) -> Vec<f64> {
    values.iter().zip(step).map(|(value, step)| value + step).collect()
}

/// Forward and backward on every instruction set, against the textbook.
fn check(question: &Question, workers: usize, seed: u64) {
    let (expected, end) = question.answer();
    let d_output = values(expected.len(), seed + 2000, 1.0);
    let given = Given::new(question);
    // Those that fuse multiplication and addition round alike, however wide they are.
    let mut fused: Option<Answer> = None;
    for instructions in Instructions::all() {
        let what = format!("{instructions} {:?}", question.spec);
        let packed = given.pack(instructions);
        let mut workspace = Workspace::new(&Workers::new(workers, instructions));
        let answer = given.train(&packed, &mut workspace, &single(&d_output));
        // The second time the buffers are used ones.
        assert!(given.train(&packed, &mut workspace, &single(&d_output)) == answer, "{what}: used buffers");
        near(&what, &answer.output, &expected);
        if let Some(States { h, c }) = &answer.states {
            let pairs = h.iter().zip(&end.h).chain(c.iter().zip(&end.c));
            pairs.for_each(|(found, expected)| near(&format!("{what}: final state"), found, expected));
        }
        if question.dropout.is_none() {
            let inferred = given.infer(&packed, &mut workspace);
            assert!(inferred == (answer.output.clone(), answer.states.clone()), "{what}: as in training");
        }
        for (index, gradient) in answer.gradients.iter().enumerate() {
            slope(&format!("{what}, parameter {index}"), gradient, seed + 3000 + index as u64, |step| {
                let mut moved = question.clone();
                moved.parameters[index] = plus(&moved.parameters[index], step);
                moved.loss(&d_output)
            });
        }
        slope(&format!("{what}, input"), &answer.d_input, seed + 6000, |step| {
            let input = plus(&question.input, step);
            Question { input, ..question.clone() }.loss(&d_output)
        });
        let units = (0..question.spec.layers).flat_map(|_| question.spec.directions());
        let d_states = answer.d_states.iter().zip(units).enumerate();
        for (index, (StateGradient { last_only, values }, units)) in d_states {
            slope(&format!("{what}, states {index}"), values, seed + 7000 + index as u64, |step| {
                let mut rest = step;
                let added = question.lengths.iter().flat_map(|&length| {
                    let steps = if *last_only { 1 } else { length };
                    let (own, others) = rest.split_at(steps * units);
                    rest = others;
                    [vec![0.0; (length - steps) * units], own.to_vec()].concat()
                });
                Question { added: Some((index, added.collect())), ..question.clone() }.loss(&d_output)
            });
        }
        if instructions.name() != "baseline" {
            assert!(*fused.get_or_insert_with(|| answer.clone()) == answer, "{what}: other bytes");
        }
    }
}

const MODES: [OutputMode; 3] = [OutputMode::Last, OutputMode::Final, OutputMode::Sequence];

#[test]
fn every_cell_direction_and_output_is_the_textbooks() {
    let cells = [Cell::RnnTanh, Cell::Gru, Cell::Lstm];
    for (cell, output) in cells.into_iter().flat_map(|cell| MODES.map(|output| (cell, output))) {
        let units =
            [(Some(5), None), (Some(5), Some(5)), (Some(5), Some(19)), (None, Some(5)), (None, Some(19))];
        for (forward, reverse) in units {
            for layers in [1, 3] {
                let spec = Spec { cell, features: 3, layers, forward, reverse, output };
                check(&Question::new(spec, 4, 6, 7), 2, 7);
                check(&Question::new(spec, 4, 6, 7).started(7), 2, 7);
            }
        }
    }
}

/// Each precision is as exact as its parts, no more: what is asked for is what is done.
#[test]
fn precisions_are_as_exact_as_their_parts() {
    let output = OutputMode::Sequence;
    // With padding and without.
    let sizes = [(20, 20, 35), (16, 16, 32)];
    let cells = [Cell::RnnTanh, Cell::Gru, Cell::Lstm];
    for (cell, (features, forward, reverse)) in
        cells.into_iter().flat_map(|cell| sizes.map(|sizes| (cell, sizes)))
    {
        let spec = Spec { cell, features, layers: 2, forward: Some(forward), reverse: Some(reverse), output };
        let question = Question::ragged(spec, &[9, 4, 9, 1, 6], 3).started(3);
        let (expected, _) = question.answer();
        let d_output = single(&values(expected.len(), 5, 1.0));
        let given = Given::new(&question);
        let trained = |instructions: Instructions, precision: Precision| {
            let mut workspace = Workspace::new(&Workers::new(2, instructions));
            given.train(&given.pack_for(instructions, precision), &mut workspace, &d_output)
        };
        let exact = trained(Instructions::best(), Precision::Highest);
        let apart = |found: &[f32], expected: &[f32]| {
            let size = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let furthest = |most: f32, (a, b): (&f32, &f32)| most.max((a - b).abs());
            found.iter().zip(expected).fold(0.0_f32, furthest) / size
        };
        for (precision, within) in [(Precision::High, 1e-6..1e-4), (Precision::Medium, 1e-4..1e-1)] {
            let [those_of_bf16, others]: [Vec<_>; 2] = [true, false].map(|bf16| {
                let all = [Instructions::twins().to_vec(), Instructions::all()].concat();
                all.into_iter().filter(|one| one.multiplies_bf16(precision) == bf16).collect()
            });
            for twin in those_of_bf16.iter().filter(|twin| Instructions::twins().contains(twin)) {
                let answer = trained(*twin, precision);
                for instructions in
                    those_of_bf16.iter().filter(|other| *other != twin && other.twin() == Some(*twin))
                {
                    let same = trained(*instructions, precision) == answer;
                    assert!(same, "{cell:?} {precision:?} {instructions}: the twin's");
                }
                let mut furthest = apart(&answer.output, &exact.output);
                for (found, expected) in answer.gradients.iter().zip(&exact.gradients) {
                    furthest = furthest.max(apart(found, expected));
                }
                assert!(
                    within.contains(&furthest),
                    "{cell:?} {twin} {precision:?}: {furthest}, not in {within:?}"
                );
            }
            // What does not multiply bf16 is more exact than asked for.
            for instructions in others {
                let same = trained(instructions, precision) == trained(instructions, Precision::Highest);
                assert!(same, "{instructions}");
            }
        }
    }
}

/// The weights' gradients are products over so many steps at a time: here there is more than one product.
#[test]
fn long_sequences_are_the_textbooks() {
    for cell in [Cell::RnnTanh, Cell::Gru, Cell::Lstm] {
        let output = OutputMode::Sequence;
        let spec = Spec { cell, features: 2, layers: 1, forward: Some(3), reverse: Some(2), output };
        check(&Question::new(spec, 40, 20, 5).started(5), 1, 5);
    }
}

#[test]
fn relu_is_the_textbooks_where_it_has_a_slope() {
    let output = OutputMode::Sequence;
    let spec =
        Spec { cell: Cell::RnnRelu, features: 3, layers: 2, forward: Some(6), reverse: Some(4), output };
    check(&Question::new(spec, 3, 4, 11), 1, 11);
    check(&Question::new(spec, 3, 4, 11).started(11), 1, 11);
}

#[test]
fn dropout_is_the_same_however_the_batch_is_cut() {
    let dropout = Some(Dropout { probability: 0.4, key: 99, first_step: 0 });
    for (cell, workers) in [(Cell::Lstm, 1), (Cell::Gru, 2), (Cell::RnnTanh, 3)] {
        let output = OutputMode::Final;
        let spec = Spec { cell, features: 4, layers: 3, forward: Some(6), reverse: Some(3), output };
        check(&Question { dropout, ..Question::new(spec, 5, 4, 3) }, workers, 3);
    }
}

#[test]
fn a_part_of_a_batch_draws_as_the_batch_does() {
    let output = OutputMode::Final;
    let spec = Spec { cell: Cell::Gru, features: 4, layers: 3, forward: Some(6), reverse: Some(3), output };
    let kept =
        |first_step, position| spec.kept(Dropout { probability: 0.4, key: 99, first_step }, 1, position);
    for position in 0..9 {
        assert_eq!(kept(17, position), kept(0, 17 + position));
    }
}

/// Lengths in any order, some of them the same, one of a single step.
#[test]
fn sequences_of_unequal_lengths_are_the_textbooks() {
    let cells = [Cell::RnnTanh, Cell::Gru, Cell::Lstm];
    for (cell, output) in cells.into_iter().flat_map(|cell| MODES.map(|output| (cell, output))) {
        for (forward, reverse) in [(Some(4), None), (Some(4), Some(5)), (None, Some(5))] {
            let spec = Spec { cell, features: 3, layers: 2, forward, reverse, output };
            let question = Question::ragged(spec, &[3, 7, 1, 3, 5], 8);
            check(&question, 2, 8);
            check(&question.clone().started(8), 1, 8);
            let dropout = Some(Dropout { probability: 0.4, key: 5, first_step: 12 });
            check(&Question { dropout, ..question }, 3, 8);
        }
    }
    // More than one product for the weights' gradients.
    let output = OutputMode::Last;
    let spec = Spec { cell: Cell::Gru, features: 2, layers: 2, forward: Some(3), reverse: Some(2), output };
    let lengths: Vec<usize> = (0..70).map(|sample| 1 + sample * 7 % 23).collect();
    check(&Question::ragged(spec, &lengths, 9).started(9), 1, 9);
}

proptest! {
    #![proptest_config(crate::cases(40))]
    #[test]
    fn any_shape_is_the_textbooks(
        cell in prop_oneof![Just(Cell::RnnTanh), Just(Cell::Gru), Just(Cell::Lstm)],
        output in prop_oneof![Just(OutputMode::Last), Just(OutputMode::Final), Just(OutputMode::Sequence)],
        features in 1_usize..20, layers in 1_usize..4,
        forward in proptest::option::of(1_usize..20), reverse in proptest::option::of(1_usize..20),
        lengths in proptest::collection::vec(1_usize..6, 1..9), workers in 1_usize..4,
        dropped in any::<bool>(), started in any::<bool>(), seed in 0_u64..1000,
    ) {
        let forward = forward.or(reverse.is_none().then_some(1));
        let spec = Spec { cell, features, layers, forward, reverse, output };
        let dropout = dropped.then_some(Dropout { probability: 0.3, key: seed, first_step: 0 });
        let question = Question { dropout, ..Question::ragged(spec, &lengths, seed) };
        check(&if started { question.started(seed) } else { question }, workers, seed);
    }
}
