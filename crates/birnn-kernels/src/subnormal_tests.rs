//! No subnormal number leaves a kernel, whatever goes in, and the caller's thread computes with them as
//! before.

use crate::{
    AdamStep, Cell, Dropout, Input, Instructions, Linear, OutputMode, Packed, Spec, States, Workers,
    Workspace, backward, forward, infer,
};

const CELLS: [Cell; 4] = [Cell::RnnTanh, Cell::RnnRelu, Cell::Gru, Cell::Lstm];

/// Values around `size` of either sign, the same each time.
fn values(count: usize, seed: usize, size: f32) -> Vec<f32> {
    (0..count).map(|index| size * (((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0)).collect()
}

#[track_caller]
fn none_subnormal<'a>(what: &str, values: impl IntoIterator<Item = &'a f32>) {
    let subnormal = values.into_iter().find(|value| value.is_subnormal());
    assert!(subnormal.is_none(), "{what}: {subnormal:?}");
}

/// Whether this thread computes with subnormal numbers.
fn keeps_subnormals() -> bool {
    use std::hint::black_box;
    let flushed = black_box(f32::MIN_POSITIVE) * black_box(0.5) == 0.0;
    let taken_for_zero = black_box(f32::MIN_POSITIVE / 2.0) * black_box(4.0) == 0.0;
    assert_eq!(flushed, taken_for_zero, "one of the two modes alone");
    !flushed
}

/// A pass forward and back, and one of inference.
fn check(spec: Spec, time: usize, sizes: Sizes, workers: &Workers, dropout: Option<Dropout>) -> usize {
    let batch = 5;
    let lengths = spec.parameters().into_iter().enumerate();
    let parameters: Vec<Vec<f32>> =
        lengths.map(|(seed, length)| values(length, seed, sizes.parameters)).collect();
    let views: Vec<&[f32]> = parameters.iter().map(Vec::as_slice).collect();
    let packed = Packed::new(spec, workers.instructions(), &views);
    let mut workspace = Workspace::new(workers);
    let input = values(batch * time * spec.features, 50, sizes.input);
    let mut initial = States::zeros(&spec, batch);
    for state in initial.h.iter_mut().chain(&mut initial.c) {
        *state = values(state.len(), 60, sizes.states);
    }
    let input = Input { initial: Some(&initial), ..Input::new(&input, batch, time) };
    let steps = if spec.output == OutputMode::Sequence { time } else { 1 };
    let mut output = vec![0.0; batch * steps * spec.width()];
    let what = format!("{} {spec:?} {sizes:?}", workers.instructions());
    forward(&packed, &mut workspace, input, dropout, &mut output);
    none_subnormal(&what, &output);
    let mut gradients = parameters.clone();
    let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
    let mut d_input = vec![0.0; input.values.len()];
    let d_output = values(output.len(), 70, sizes.d_output);
    backward(&packed, &mut workspace, &d_output, &mut slices, Some(&mut d_input));
    none_subnormal(&what, gradients.iter().flatten());
    none_subnormal(&what, &d_input);
    if spec.output != OutputMode::Last || spec.reverse.is_none() {
        let States { h, c } = workspace.final_states(&packed);
        none_subnormal(&what, h.iter().chain(&c).flatten());
    }
    infer(&packed, &mut workspace, input, &mut output);
    none_subnormal(&what, &output);
    // How many gradients have vanished.
    d_input.iter().filter(|value| **value == 0.0).count()
}

/// Of what goes in.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    parameters: f32,
    input: f32,
    states: f32,
    d_output: f32,
}

const USUAL: Sizes = Sizes { parameters: 0.3, input: 1.0, states: 1.0, d_output: 1.0 };

#[test]
fn no_subnormal_number_comes_out_of_recurrent_layers() {
    const TINY: f32 = f32::MIN_POSITIVE / 64.0;
    let sizes = [
        Sizes { input: TINY, ..USUAL },
        Sizes { states: TINY, ..USUAL },
        Sizes { d_output: TINY, ..USUAL },
        Sizes { parameters: TINY, ..USUAL },
        // Products that are subnormal, of factors that are not.
        Sizes { parameters: 1e-20, input: 1e-19, states: 1e-19, d_output: 1e-19 },
        Sizes { d_output: 1e-37, ..USUAL },
        Sizes { parameters: TINY, input: TINY, states: TINY, d_output: TINY },
    ];
    for (cell, instructions) in
        CELLS.into_iter().flat_map(|cell| Instructions::all().into_iter().map(move |i| (cell, i)))
    {
        for (output, reverse) in
            [(OutputMode::Last, Some(3)), (OutputMode::Final, Some(20)), (OutputMode::Sequence, None)]
        {
            let spec = Spec { cell, features: 3, layers: 2, forward: Some(7), reverse, output };
            for sizes in sizes {
                for (workers, dropout) in
                    [(1, None), (2, Some(Dropout { probability: 0.4, key: 7, first_step: 0 }))]
                {
                    check(spec, 6, sizes, &Workers::new(workers, instructions), dropout);
                }
            }
        }
    }
}

/// The output is wanted at the last step alone; its gradient with respect to the first ones vanishes.
#[test]
fn gradients_vanish_without_becoming_subnormal() {
    for cell in [Cell::RnnTanh, Cell::Gru, Cell::Lstm] {
        let spec =
            Spec { cell, features: 3, layers: 1, forward: Some(9), reverse: None, output: OutputMode::Last };
        let time = 784;
        for instructions in Instructions::all() {
            let vanished = check(spec, time, USUAL, &Workers::new(1, instructions), None);
            assert!(vanished > 0 && vanished < 5 * time * 3, "{cell:?}: {vanished} are zero");
        }
    }
}

#[test]
fn no_subnormal_number_comes_out_of_a_dense_layer() {
    for instructions in Instructions::all() {
        for (weight, bias, input) in [(1e-20, 1e-39, 1e-19), (1e-40, 0.0, 1.0), (1.0, 1e-40, 1e-40)] {
            let (weight, bias) = (values(15 * 20, 1, weight), values(15, 2, bias));
            let linear = Linear::new(instructions, 20, 15, &weight, Some(&bias));
            let mut output = vec![0.0; 7 * 15];
            linear.forward(&values(7 * 20, 3, input), &mut output);
            none_subnormal(instructions.name(), &output);
        }
    }
}

/// Gradients of a parameter that is no longer learned from: its moments vanish.
#[test]
fn no_subnormal_number_comes_out_of_adam() {
    let step = AdamStep {
        one_minus_beta1: 0.1,
        beta2: 0.9,
        one_minus_beta2: 0.1,
        step_size: 0.01,
        sqrt_bias_correction2: 1.0,
        epsilon: 1e-8,
        l2: 0.0,
        decay: 0.99,
    };
    for instructions in Instructions::all() {
        let workers = Workers::new(2, instructions);
        for size in [1.0, 1e-19, 1e-25, 1e-39] {
            let (mut theta, mut m, mut v) = (values(40, 1, size), vec![0.0; 40], vec![0.0; 40]);
            step.update(&workers, &mut [&mut theta], &values(40, 2, size), &mut m, &mut v);
            for _ in 0..2000 {
                none_subnormal(instructions.name(), theta.iter().chain(&m).chain(&v));
                step.update(&workers, &mut [&mut theta], &[0.0; 40], &mut m, &mut v);
            }
            // Where the product with 1 - beta1 is rounded by itself, it is 0 before the moment is.
            let left = m.iter().chain(&v).fold(0.0_f32, |left, moment| left.max(moment.abs()));
            assert!(left < 10.0 * f32::MIN_POSITIVE, "{instructions}, {size}: {left} is left of the moments");
        }
    }
}

/// Kernels leave the caller's mode as it was, also where they panic; and a program can choose it for good.
#[test]
fn the_mode_is_the_callers() {
    // A thread of its own, whose mode goes with it.
    std::thread::spawn(|| {
        assert!(keeps_subnormals());
        let instructions = Instructions::best();
        let linear = Linear::new(instructions, 1, 1, &[f32::MIN_POSITIVE], None);
        let forward = || {
            let mut output = [1.0];
            linear.forward(&[0.5], &mut output);
            output[0]
        };
        assert_eq!(forward(), 0.0);
        assert!(keeps_subnormals());
        struct Panics;
        impl crate::isa::Job for Panics {
            fn run<S: crate::isa::Simd>(self) {
                assert!(keeps_subnormals(), "as a kernel");
            }
        }
        let panic = std::panic::catch_unwind(|| instructions.run(Panics));
        assert!(panic.is_err());
        assert!(keeps_subnormals());
        #[expect(unsafe_code, reason = "this thread relies on no subnormal number")]
        // SAFETY: nor do those that it starts.
        unsafe {
            crate::flush_subnormals();
        }
        assert!(!keeps_subnormals());
        assert_eq!(forward(), 0.0);
        assert!(!keeps_subnormals());
        if cfg!(target_os = "linux") {
            std::thread::spawn(|| assert!(!keeps_subnormals())).join().unwrap();
        }
    })
    .join()
    .unwrap();
}
