//! birnn's kernels and libtorch's autograd, in `f64`, give the same answer to the same question.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_data::{
    Folding, Images, Modality, Per, SelfTargets, Sentences, Sequences, Series, Split, TargetKind,
    TargetScale, TargetValues, Targets, Text, Values,
};
use birnn_engine::{Batch, Device, Learner, Loss, Lowered, Samples, StepOutput, Transitions, on_device};
use birnn_experiment::{RegressionLoss, TrainConfig};
use birnn_infer::{Classify, Regress, Task};
use birnn_kernels::{
    Cell, Dropout, Input, Instructions, OutputMode, Packed, Spec, Workers, Workspace, backward, forward,
};
use birnn_model::architecture::CharacterNet;
use birnn_model::{CellKind, EmbeddingConfig, Head, Hidden, ModelConfig, Network, Nonlinearity, Readout};
use proptest::prelude::*;
use tch::{Kind, Tensor, nn};

/// Whether a vector is the expected one but for rounding errors of at most `allowed`.
#[track_caller]
fn same_within(allowed: f64, what: &str, found: &Tensor, expected: &Tensor) {
    let difference = (found.to_kind(Kind::Double) - expected).norm().double_value(&[]);
    assert!(difference <= allowed + 1e-7, "{what}: {difference}, {allowed} allowed");
}

/// Whether a vector is the expected one but for rounding.
#[track_caller]
fn same(what: &str, found: &Tensor, expected: &Tensor) {
    same_within(1e-5 * expected.norm().double_value(&[]), what, found, expected);
}

/// Whether gradients are the expected ones but for rounding, in parts of all of them together: a saturated
/// unit's own are small differences of large numbers, and one of single units that keeps all it has read lets
/// them grow from step to step (of 60,000 random stacks the worst came to a ten-thousandth of its own part).
#[track_caller]
fn same_gradients(what: &str, found: &[Tensor], expected: &[Tensor]) {
    let size = expected.iter().map(|part| part.norm().double_value(&[]).powi(2)).sum::<f64>().sqrt();
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        same_within(1e-4 * size, &format!("{what} parameter {index}"), found, &expected.view(-1));
    }
}

/// Images that look like noise.
fn images([rows, cols]: [usize; 2], batch: usize) -> (Sequences, Modality) {
    let pixels = (0..batch * rows * cols).map(|index| ((index * 7919) % 251) as u8).collect();
    let modality = Modality::Images { shape: [rows, cols], preprocessing: None };
    (Images { rows, cols, pixels }.into(), modality)
}

/// Series that look like noise, of 1 to `longest` steps.
fn series(longest: usize, features: usize, batch: usize) -> (Sequences, Modality) {
    let lengths: Vec<usize> = (0..batch).map(|index| 1 + index * 5 % longest).collect();
    let count = features * lengths.iter().sum::<usize>();
    let values = (0..count).map(|index| ((index * 7919) % 251) as f32 - 100.0).collect();
    let (mean, deviation) = (vec![20.0; features], Some(vec![70.0; features]));
    let series = Series { steps: Some([1, longest]), deviation, ..Series::plain(mean) };
    (Sequences::new(Values::Floats(values), features, lengths), Modality::Series(series))
}

/// By libtorch in `f64`.
fn by_libtorch(network: &Network, batch: &Batch, train: bool) -> Tensor {
    let input = match &batch.tokens {
        None => batch.input.to_kind(Kind::Double),
        Some(tokens) => {
            on_device(tokens, Device::Cpu, |tokens| network.embed(tokens, train)).unwrap().unwrap()
        }
    };
    match &batch.lengths {
        None => network.forward(&input, train).unwrap(),
        Some(lengths) => network.forward_ragged(&input, lengths, train).unwrap(),
    }
}

/// The loss of a batch and its gradients by a learner, and by autograd in `f64`.
fn check(config: &ModelConfig, data: (Sequences, Modality)) {
    let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
    let per = if config.readout == Readout::Sequence { Per::Step } else { Per::Sequence };
    check_task(config, Task::Classify(Classify::new(classes, per)), data);
}

/// As [`check`], of a task with three outputs.
fn check_task(config: &ModelConfig, task: Task, (sequences, modality): (Sequences, Modality)) {
    let (batch, inputs) = (sequences.len(), modality.inputs());
    let wanted = task.wanted();
    let plan = TrainConfig { label_smoothing: 0.1, ..TrainConfig::default() }.resolve().unwrap();
    let architecture = config.resolve().unwrap();
    let task_loss = Loss::new(&task, architecture.head, &plan, Device::Cpu).unwrap();
    let mut learner = Learner::new(&architecture, task, task_loss, inputs, 3, Device::Cpu).unwrap();
    let mut vs = nn::VarStore::new(Device::Cpu);
    let network = Network::new(&vs.root(), &architecture, inputs, 3).unwrap();
    vs.double();
    let variables = vs.variables();
    let parameters: Vec<&Tensor> = learner.names().iter().map(|name| &variables[name]).collect();
    for (name, own) in learner.weights() {
        tch::no_grad(|| variables[name].shallow_clone().copy_(own));
    }
    let positions = if wanted.per == Per::Step { sequences.steps() } else { batch };
    let values = match wanted.kind {
        TargetKind::Classes => {
            TargetValues::Classes((0..positions).map(|index| (index % 3) as u16).collect())
        }
        TargetKind::Numbers => {
            let values = (0..3 * positions).map(|index| (index * 71 % 19) as f32 - 5.0).collect();
            TargetValues::Numbers { values, width: 3 }
        }
        // A third of them is not asked for.
        kind @ (TargetKind::Hidden | TargetKind::Next) => {
            let value = |index: usize| if index % 3 == 1 { f32::NAN } else { (index * 71 % 19) as f32 - 5.0 };
            TargetValues::SelfNumbers { values: (0..3 * positions).map(value).collect(), width: 3, kind }
        }
    };
    let split = Split { sequences, targets: Targets { values, per: wanted.per } };
    let samples = Samples::new(split, &modality, None, Device::Cpu).unwrap();
    let order = samples.order(0, 0, None).unwrap();
    let batch = samples.batch(&order, 0, batch, 0).unwrap();
    let StepOutput { loss, logits: found, gradient } = learner.gradients(&batch, 1).unwrap();
    let logits = by_libtorch(&network, &batch, true);
    let named = |name: &str| variables.get(&format!("crf.{name}"));
    let transitions = named("transitions").map(|transitions| Transitions {
        transitions,
        start: named("start_transitions").unwrap(),
        end: named("end_transitions").unwrap(),
    });
    let Lowered { value: expected_loss, differentiated } =
        learner.loss().mean(&logits, &batch, transitions).unwrap();
    same(&format!("{config:?}: logits"), &found, &logits.detach());
    same(&format!("{config:?}: loss"), &loss, &expected_loss.detach());
    let expected = Tensor::run_backward(&[&differentiated], &parameters, false, false);
    let lengths: Vec<i64> = expected.iter().map(|expected| expected.numel() as i64).collect();
    assert_eq!(gradient.size(), [lengths.iter().sum::<i64>()]);
    let gradients = gradient.split_with_sizes(&lengths, 0);
    same_gradients(&format!("{config:?}"), &gradients, &expected);

    // Asked, and not trained, it is birnn-infer's.
    let all = samples.batches(0..samples.len(), batch.samples()).next().unwrap().unwrap();
    let expected = by_libtorch(&network, &all, false);
    let found = Tensor::from_slice(&learner.logits(&samples).unwrap()).view_as(&expected);
    same(&format!("{config:?}: logits without dropout"), &found, &expected.detach());
}

/// Sentences of 1 to `longest` words, some of them the same.
fn sentences(longest: usize, batch: usize) -> (Sequences, Modality) {
    let mut sentences = Sentences::default();
    for index in 0..batch {
        for step in 0..1 + index * 5 % longest {
            let word = (index * 7919 + step * 104_729) % 23;
            sentences.push(&"abcdefg".chars().cycle().skip(word).take(1 + word % 6).collect::<String>());
        }
        sentences.end();
    }
    let sequences = sentences.finish();
    let text = Text::of(&sequences, Folding::default(), 2);
    (sequences, Modality::Text(text))
}

/// With what reads characters and without, each step by itself, all together, and as a whole.
#[test]
fn a_net_that_reads_words_is_autograds() {
    for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
        for characters in [None, Some(CharacterNet { width: 5, hidden: 3 })] {
            let embedding = Some(EmbeddingConfig { width: 7, characters, ..EmbeddingConfig::default() });
            let hidden = Hidden::Each { forward: 6, reverse: 4 };
            let config = ModelConfig { cell, hidden, embedding, ..ModelConfig::default() };
            for (head, readout) in [
                (Head::Linear, Readout::Sequence),
                (Head::Crf, Readout::Sequence),
                (Head::Linear, Readout::Final),
                (Head::Linear, Readout::Attention),
            ] {
                check(&ModelConfig { head, readout, ..config.clone() }, sentences(9, 12));
            }
            // Of what is not trained there is no gradient.
            let frozen = config.embedding.clone().map(|own| EmbeddingConfig { freeze: true, ..own });
            check(&ModelConfig { embedding: frozen, readout: Readout::Sequence, ..config }, sentences(9, 12));
        }
    }
}

/// What dropout before the recurrent layers and behind them zeroes is the same on the way back: along the
/// gradient the loss changes as the gradient says.
#[test]
fn dropout_around_the_recurrent_layers_is_the_same_on_the_way_back() {
    let embedding = Some(EmbeddingConfig { width: 7, ..EmbeddingConfig::default() });
    let usual = ModelConfig { input_dropout: 0.3, output_dropout: 0.4, ..ModelConfig::default() };
    let usual = ModelConfig { hidden: Hidden::Same(5), layers: 1, ..usual };
    for (readout, per) in
        [(Readout::Final, Per::Sequence), (Readout::Mean, Per::Sequence), (Readout::Sequence, Per::Step)]
    {
        let config = ModelConfig { readout, ..usual.clone() };
        let of_words = ModelConfig { embedding: embedding.clone(), ..config.clone() };
        for (config, (sequences, modality)) in
            [(&config, series(7, 3, 6)), (&config, images([6, 4], 5)), (&of_words, sentences(9, 12))]
        {
            let architecture = config.resolve().unwrap();
            let task = Task::Classify(Classify::new(["a", "b", "c"].map(str::to_owned).to_vec(), per));
            let plan = TrainConfig::default().resolve().unwrap();
            let loss = Loss::new(&task, architecture.head, &plan, Device::Cpu).unwrap();
            let mut learner =
                Learner::new(&architecture, task, loss, modality.inputs(), 3, Device::Cpu).unwrap();
            let count = sequences.len();
            let positions = if per == Per::Step { sequences.steps() } else { count };
            let values = TargetValues::Classes((0..positions).map(|index| (index % 3) as u16).collect());
            let split = Split { sequences, targets: Targets { values, per } };
            let samples = Samples::new(split, &modality, None, Device::Cpu).unwrap();
            let order = samples.order(0, 0, None).unwrap();
            let batch = samples.batch(&order, 0, count, 0).unwrap();
            let gradient = learner.gradients(&batch, 9).unwrap().gradient;
            let size = gradient.norm().double_value(&[]);
            let before = learner.snapshot();
            let mut at = |step: f64| {
                let mut start = 0;
                let moved: Vec<Tensor> = before
                    .iter()
                    .map(|parameter| {
                        let length = parameter.numel() as i64;
                        let own = gradient.narrow(0, start, length).view_as(parameter);
                        start += length;
                        parameter + own * (step / size)
                    })
                    .collect();
                learner.restore(&moved).unwrap();
                learner.gradients(&batch, 9).unwrap().loss.double_value(&[])
            };
            let step = 1e-2;
            let slope = (at(step) - at(-step)) / (2.0 * step);
            assert!((slope - size).abs() < 0.01 * size, "{config:?}: {slope}, not {size}");
        }
    }
}

/// Of numbers as of words.
#[test]
fn a_conditional_random_field_is_differentiated() {
    let config = ModelConfig { head: Head::Crf, readout: Readout::Sequence, ..ModelConfig::default() };
    let config = ModelConfig { hidden: Hidden::Same(5), layers: 1, ..config };
    check(&config, series(7, 3, 6));
    check(&config, images([6, 4], 5));
}

#[test]
fn the_tutorials_net_is_autograds() {
    check(&ModelConfig::default(), images([28, 28], 100));
}

/// Not among the random nets: where the largest of two outputs is a matter of rounding, the gradient goes
/// either way.
#[test]
fn the_largest_outputs_gradients_are_autograds() {
    for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
        let hidden = Hidden::Each { forward: 7, reverse: 5 };
        let config = ModelConfig { cell, hidden, readout: Readout::Max, ..ModelConfig::default() };
        check(&config, images([6, 9], 5));
        check(&config, series(6, 9, 5));
    }
}

#[test]
fn answers_of_each_step_and_numbers_have_autograds_gradients() {
    let scale = TargetScale {
        names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        mean: vec![1.0, 4.0, -2.0],
        deviation: vec![5.0, 6.0, 7.0],
    };
    let hidden = Hidden::Each { forward: 7, reverse: 5 };
    for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
        let config = |readout| ModelConfig { cell, hidden, readout, ..ModelConfig::default() };
        for data in [|| series(6, 9, 5), || images([6, 9], 5)] {
            check(&config(Readout::Sequence), data());
            for loss in [RegressionLoss::Squared, RegressionLoss::Absolute, RegressionLoss::Huber] {
                let task =
                    |per| Task::Regress(Regress { scale: scale.clone(), per, loss, self_targets: None });
                check_task(&config(Readout::Sequence), task(Per::Step), data());
                let next = Regress {
                    scale: scale.clone(),
                    per: Per::Step,
                    loss,
                    self_targets: Some(SelfTargets::Next),
                };
                check_task(&config(Readout::Sequence), Task::Regress(next), data());
                check_task(&config(Readout::Final), task(Per::Sequence), data());
            }
        }
    }
}

/// All outputs of one direction of a layer.
fn outputs(cell: Cell, input: &Tensor, weights: &[&Tensor], reverse: bool) -> Tensor {
    let hidden = weights[1].size()[1];
    let zero = Tensor::zeros([1, input.size()[0], hidden], (Kind::Double, Device::Cpu));
    let input = if reverse { input.flip([1]) } else { input.shallow_clone() };
    let out = match cell {
        Cell::Lstm => input.lstm(&[&zero, &zero], weights, true, 1, 0.0, true, false, true).0,
        Cell::Gru => input.gru(&zero, weights, true, 1, 0.0, true, false, true).0,
        Cell::RnnTanh => input.rnn_tanh(&zero, weights, true, 1, 0.0, true, false, true).0,
        Cell::RnnRelu => input.rnn_relu(&zero, weights, true, 1, 0.0, true, false, true).0,
    };
    if reverse { out.flip([1]) } else { out }
}

/// What a stack gives and its gradients under dropout, and the same by autograd in `f64` with the same values
/// dropped.
fn check_dropout(spec: Spec, batch: usize, time: usize, dropout: Dropout) {
    // Tests run side by side, and its threads wait for each other by spinning.
    tch::set_num_threads(1);
    tch::manual_seed(dropout.key as i64);
    // As nets begin: with larger weights rounding grows from step to step, in any arithmetic.
    let bound = 1.0 / (spec.forward.max(spec.reverse).unwrap_or(1) as f64).sqrt();
    let uniform =
        |length: usize| Tensor::rand([length as i64], (Kind::Float, Device::Cpu)) * 2.0 * bound - bound;
    let parameters: Vec<Tensor> = spec.parameters().into_iter().map(uniform).collect();
    let sizes = [batch as i64, time as i64, spec.features as i64];
    let input = Tensor::rand(sizes, (Kind::Float, Device::Cpu));
    let floats = |tensor: &Tensor| Vec::<f32>::try_from(tensor.contiguous().view(-1)).unwrap();

    let wide: Vec<Tensor> =
        parameters.iter().map(|p| p.to_kind(Kind::Double).set_requires_grad(true)).collect();
    let gates = spec.cell.gates() as i64;
    let mut sequence = input.to_kind(Kind::Double);
    let mut weights = wide.chunks(4);
    for layer in 0..spec.layers {
        let directions: Vec<Tensor> = [(spec.forward, false), (spec.reverse, true)]
            .into_iter()
            .filter_map(|(hidden, reverse)| {
                let hidden = hidden?;
                let [ih, hh, bias_ih, bias_hh] = weights.next().unwrap() else { unreachable!() };
                let rows = gates * hidden as i64;
                let weights = [
                    ih.view([rows, -1]),
                    hh.view([rows, -1]),
                    bias_ih.shallow_clone(),
                    bias_hh.shallow_clone(),
                ];
                Some(outputs(spec.cell, &sequence, &weights.each_ref(), reverse))
            })
            .collect();
        sequence = Tensor::cat(&directions, 2);
        if layer + 1 < spec.layers {
            let mut scale = Vec::new();
            for (sample, step) in (0..batch).flat_map(|sample| (0..time).map(move |step| (sample, step))) {
                let kept = spec.kept(dropout, layer, sample * time + step);
                let scaled = 1.0 / (1.0 - f64::from(dropout.probability));
                scale.extend(kept.into_iter().map(|kept| if kept { scaled } else { 0.0 }));
            }
            sequence = &sequence * Tensor::from_slice(&scale).view([batch as i64, time as i64, -1]);
        }
    }
    let units = spec.forward.unwrap_or(0) as i64;
    let output = match spec.output {
        OutputMode::Sequence => sequence,
        OutputMode::Last => sequence.select(1, -1),
        OutputMode::Final => Tensor::cat(
            &[
                sequence.select(1, -1).narrow(1, 0, units),
                sequence.select(1, 0).narrow(1, units, spec.width() as i64 - units),
            ],
            1,
        ),
    };
    let d_output = Tensor::rand_like(&output) - 0.5;
    let expected = Tensor::run_backward(&[(&output * &d_output).sum(Kind::Double)], &wide, false, false);

    let given: Vec<Vec<f32>> = parameters.iter().map(floats).collect();
    let views: Vec<&[f32]> = given.iter().map(Vec::as_slice).collect();
    let packed = Packed::new(spec, Instructions::best(), &views);
    let mut workspace = Workspace::new(&Workers::new(2, Instructions::best()));
    let mut found = vec![0.0; output.numel()];
    let input = floats(&input);
    forward(&packed, &mut workspace, Input::new(&input, batch, time), Some(dropout), &mut found);
    same(&format!("{spec:?}"), &Tensor::from_slice(&found), &output.detach().contiguous().view(-1));
    let mut gradients = given.clone();
    let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
    backward(&packed, &mut workspace, &floats(&d_output.to_kind(Kind::Float)), &mut slices, None);
    let gradients: Vec<Tensor> = gradients.iter().map(|found| Tensor::from_slice(found)).collect();
    same_gradients(&format!("{spec:?}"), &gradients, &expected);
}

#[test]
fn a_saturated_stack_with_dropout_is_autograds() {
    let (cell, output) = (Cell::RnnTanh, OutputMode::Sequence);
    let spec = Spec { cell, features: 7, layers: 2, forward: Some(1), reverse: None, output };
    let dropout = Dropout { probability: 0.849_336_2, key: 3_437_725_967_728_397_017, first_step: 0 };
    check_dropout(spec, 12, 8, dropout);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_net_is_autograds_over_images_and_series(
        cell in prop_oneof![Just(CellKind::Rnn), Just(CellKind::Gru), Just(CellKind::Lstm)],
        relu in any::<bool>(),
        readout in prop_oneof![
            Just(Readout::Last), Just(Readout::Final), Just(Readout::Mean), Just(Readout::Attention)
        ],
        bidirectional in any::<bool>(), from_the_end in any::<bool>(), layers in 1_usize..4,
        forward in 1_usize..40, reverse in 1_usize..40,
        rows in 1_usize..9, cols in 1_usize..40, batch in 1_usize..80,
    ) {
        let nonlinearity = (cell == CellKind::Rnn && relu).then_some(Nonlinearity::Relu);
        let hidden = match (bidirectional, from_the_end) {
            (true, _) => Hidden::Each { forward, reverse },
            (false, false) => Hidden::Same(forward),
            (false, true) => Hidden::Reverse { reverse },
        };
        let config = ModelConfig {
            cell,
            nonlinearity,
            bidirectional,
            layers,
            hidden,
            readout,
            ..ModelConfig::default()
        };
        check(&config, images([rows, cols], batch));
        check(&config, series(rows, cols, batch));
    }

    #[test]
    fn any_stack_with_dropout_is_autograds(
        cell in prop_oneof![Just(Cell::RnnTanh), Just(Cell::RnnRelu), Just(Cell::Gru), Just(Cell::Lstm)],
        output in prop_oneof![Just(OutputMode::Last), Just(OutputMode::Final), Just(OutputMode::Sequence)],
        features in 1_usize..40, layers in 2_usize..4,
        forward in proptest::option::of(1_usize..40), reverse in proptest::option::of(1_usize..40),
        batch in 1_usize..20, time in 1_usize..9, probability in 0.1_f32..0.9, key in any::<u64>(),
    ) {
        let forward = forward.or(reverse.is_none().then_some(1));
        let spec = Spec { cell, features, layers, forward, reverse, output };
        check_dropout(spec, batch, time, Dropout { probability, key, first_step: 0 });
    }
}
