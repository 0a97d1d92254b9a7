//! How far gradients are from those of f64, at each precision, and how far PyTorch's are.

use birnn_kernels::{Cell, Input, Instructions, OutputMode, Packed, Precision, Spec, Workers, Workspace};
use birnn_tests::Random;
use serde_json::json;

use crate::Python;
use crate::ragged::Tensors;

const BATCH: usize = 20;
const TIME: usize = 24;
const FEATURES: usize = 28;
const NETS: usize = 48;
const PRECISIONS: [Precision; 3] = [Precision::Highest, Precision::High, Precision::Medium];

impl Python {
    /// Random nets of every cell, of up to three layers and 96 units. On a processor that is no quicker at
    /// bf16, what matrix tiles would give.
    pub fn precisions(&self) {
        let [tiles, _] = Instructions::twins();
        let best = Some(Instructions::best()).filter(|best| best.multiplies_bf16(Precision::Medium));
        let instructions = best.unwrap_or(tiles);
        let mut nets = Vec::new();
        for index in 0..NETS {
            let mut random = Random::new(23, index);
            let kinds = [(Cell::Lstm, "LSTM"), (Cell::Gru, "GRU"), (Cell::RnnTanh, "RNN")];
            let (cell, named) = kinds[index % kinds.len()];
            let hidden = 16 + random.below(81);
            let layers = 1 + random.below(3);
            let reverse = Some(hidden).filter(|_| index % 2 == 0);
            let output = OutputMode::Sequence;
            let spec = Spec { cell, features: FEATURES, layers, forward: Some(hidden), reverse, output };
            self.write_gradients(&format!("precision-{index}"), spec, instructions, &mut random);
            nets.push(json!({
                "cell": named, "hidden": hidden, "layers": layers, "bidirectional": reverse.is_some()
            }));
        }
        let about = json!({ "batch": BATCH, "time": TIME, "features": FEATURES, "nets": nets });
        self.sandbox.write("precision.json", about.to_string());
        let answers = self.ask(&["precisions"]);
        assert_eq!(answers.len(), NETS);
        println!(
            "gradients of {NETS} random nets with {instructions}: the norm of what they are off by from those of f64, as a \
             share of theirs: median, largest"
        );
        let largest = |contender: &str| {
            let mut errors: Vec<f64> =
                answers.iter().map(|answer| answer[contender].as_f64().unwrap()).collect();
            errors.sort_by(f64::total_cmp);
            println!("  {contender}: {:.1e}, {:.1e}", errors[NETS / 2], errors[NETS - 1]);
            errors[NETS - 1]
        };
        let of_birnn = PRECISIONS.map(|precision| largest(&format!("birnn, {precision}")));
        for contender in answers[0].as_object().unwrap().keys().filter(|name| name.starts_with("PyTorch")) {
            largest(contender);
        }
        // A part is off by 2⁻⁸ of a value at most, two by 2⁻¹⁶; on their way through steps and layers errors
        // may grow tenfold.
        for (error, bound) in of_birnn.into_iter().zip([1e-5, 1e-3, 0.1]) {
            assert!(error < bound, "{error}, not below {bound}");
        }
    }

    /// A net's parameters, its input, the gradient with respect to its output, and those that follow.
    fn write_gradients(&self, name: &str, spec: Spec, instructions: Instructions, random: &mut Random) {
        let mut values = |count: usize, size: f32| -> Vec<f32> {
            (0..count).map(|_| size * (random.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0)).collect()
        };
        let units = spec.forward.unwrap_or(1) as f32;
        let parameters: Vec<Vec<f32>> =
            spec.parameters().iter().map(|&count| values(count, units.sqrt().recip())).collect();
        let slices: Vec<&[f32]> = parameters.iter().map(Vec::as_slice).collect();
        let input = values(BATCH * TIME * FEATURES, 1.0);
        let d_output = values(BATCH * TIME * spec.width(), 1.0);
        let mut tensors: Tensors = vec![
            ("input".to_owned(), vec![BATCH, TIME, FEATURES], input.clone()),
            ("d_output".to_owned(), vec![BATCH, TIME, spec.width()], d_output.clone()),
        ];
        let flat = |name: String, values: &[f32]| (name, vec![values.len()], values.to_vec());
        tensors
            .extend(parameters.iter().enumerate().map(|(at, values)| flat(format!("weights/{at}"), values)));
        let workers = Workers::new(1, instructions);
        for precision in PRECISIONS {
            let packed = Packed::with_precision(spec, instructions, precision, &slices);
            let mut workspace = Workspace::new(&workers);
            let mut output = vec![0.0; d_output.len()];
            birnn_kernels::forward(
                &packed,
                &mut workspace,
                Input::new(&input, BATCH, TIME),
                None,
                &mut output,
            );
            let mut gradients = parameters.clone();
            let mut into: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
            birnn_kernels::backward(&packed, &mut workspace, &d_output, &mut into, None);
            let of = gradients.iter().enumerate();
            tensors.extend(of.map(|(at, values)| flat(format!("birnn, {precision}/{at}"), values)));
        }
        self.write_tensors(&format!("{name}.safetensors"), &tensors);
    }
}
