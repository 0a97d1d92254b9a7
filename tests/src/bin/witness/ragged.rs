//! Series of unequal lengths: logits and gradients beside PyTorch's of packed sequences, and onnxruntime's of
//! both kinds of ONNX file.

use birnn_formats::onnx::{Batch, Input, Standardise, encode};
use birnn_formats::{Array, StateDict};
use birnn_infer::{Workspace, cpu};
use birnn_model::{Architecture, Cell, Network, Readout};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor, nn};

use crate::{Python, TOLERANCE, arrays};

const FEATURES: usize = 5;
const OUTPUTS: usize = 3;
const MEAN: [f32; FEATURES] = [20.0, -3.0, 1000.0, 0.0, 0.5];
const DEVIATION: [f32; FEATURES] = [1.5, 0.1, 250.0, 1.0, 0.01];
/// How long the series of a batch are.
const BATCHES: [&[usize]; 3] = [&[3, 9, 1, 4, 9, 2, 7], &[1], &[6, 2]];
/// A step more than the longest takes.
const TIME: usize = 10;
/// What Python compares.
const KEYS: [&str; 7] = ["torch", "states", "onnx", "one", "gradients", "largest", "largest_gradient"];

/// What Python is given of a net: names, shapes and values.
pub type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The steps of a batch's series, one after the other: `[steps, FEATURES]`.
struct Series {
    lengths: &'static [usize],
    raw: Vec<f32>,
    standardised: Vec<f32>,
}

impl Python {
    /// Every cell and readout, one to three layers, either direction alone, two alike and two of different
    /// sizes.
    pub fn ragged(&self) {
        tch::manual_seed(7);
        let batches = BATCHES.map(Series::new);
        let mut common = vec![
            ("mean".to_owned(), vec![FEATURES], MEAN.to_vec()),
            ("deviation".to_owned(), vec![FEATURES], DEVIATION.to_vec()),
        ];
        for (index, Series { raw, .. }) in batches.iter().enumerate() {
            common.push((format!("series/{index}"), vec![raw.len() / FEATURES, FEATURES], raw.clone()));
        }
        self.write_tensors("ragged.safetensors", &common);

        let mut nets = Vec::new();
        for cell in [Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu] {
            let units = [(Some(12), None), (Some(12), Some(12)), (Some(12), Some(7)), (None, Some(12))];
            for (forward, reverse) in units {
                for layers in 1..=3 {
                    for readout in [
                        Readout::Last,
                        Readout::Final,
                        Readout::Mean,
                        Readout::Max,
                        Readout::Attention,
                        Readout::Sequence,
                    ] {
                        let net = Architecture {
                            cell,
                            layers,
                            forward,
                            reverse,
                            readout,
                            ..Architecture::default()
                        };
                        self.write_ragged(&format!("ragged-{}", nets.len()), &net, &batches);
                        nets.push(net);
                    }
                }
            }
        }
        let described: Vec<Value> = nets.iter().map(described).collect();
        let all = json!({ "batches": BATCHES, "time": TIME, "nets": described });
        self.sandbox.write("ragged.json", all.to_string());

        let answers = self.ask(&["ragged"]);
        assert_eq!(answers.len(), nets.len());
        let mut most = [0.0_f64; KEYS.len()];
        for (net, answer) in nets.iter().zip(&answers) {
            let found = KEYS.map(|key| answer[key].as_f64().unwrap());
            let [torch, states, onnx, one, gradients, largest, largest_gradient] = found;
            println!(
                "{net}: PyTorch {torch:.1e}, states {states:.1e}, onnxruntime {onnx:.1e} and one by one {one:.1e}, gradients \
                 {gradients:.1e}; logits to {largest:.1}, gradients to {largest_gradient:.1}"
            );
            let logits = torch.max(onnx).max(one);
            assert!(logits < TOLERANCE * largest.max(1.0), "{net}: logits differ by more than rounding");
            assert!(states < TOLERANCE, "{net}: states differ by more than rounding");
            assert!(
                gradients < TOLERANCE * largest_gradient.max(1.0),
                "{net}: gradients differ by more than rounding"
            );
            most = std::array::from_fn(|index| most[index].max(found[index]));
        }
        let [torch, states, onnx, one, gradients, largest, largest_gradient] = most;
        println!(
            "largest differences of {} nets of series of unequal lengths: logits, which go up to {largest:.1}: \
             PyTorch {torch:.1e}, onnxruntime {onnx:.1e}, one by one {one:.1e}; states: PyTorch {states:.1e}; gradients, which go up to \
             {largest_gradient:.1}: PyTorch {gradients:.1e}",
            nets.len()
        );
    }

    /// A net of random weights in both kinds of ONNX file, with the logits and gradients that birnn gives.
    fn write_ragged(&self, name: &str, architecture: &Architecture, batches: &[Series]) {
        let vs = nn::VarStore::new(Device::Cpu);
        let net = Network::new(&vs.root(), architecture, FEATURES, OUTPUTS).unwrap();
        let mut parameters: Vec<_> = vs.variables().into_iter().collect();
        // Large enough that every gate matters.
        tch::no_grad(|| parameters.iter_mut().for_each(|(_, tensor)| drop(tensor.g_mul_scalar_(1.5))));
        let weights: StateDict = arrays(parameters.iter().map(|(name, tensor)| (&**name, tensor)));
        for (kind, batch) in [("padded", Batch::Padded), ("one", Batch::One)] {
            let standardise = Some(Standardise { mean: &MEAN, deviation: &DEVIATION });
            let input = Input::Series { standardise, batch };
            let file = encode(architecture, &input, FEATURES, OUTPUTS, &weights, &[]).unwrap();
            self.sandbox.write(&format!("{name}-{kind}.onnx"), file);
        }

        let plain = || {
            birnn_infer::Network::new(architecture, FEATURES, OUTPUTS, cpu::instructions(), |name| {
                weights[name].values().to_vec()
            })
        };
        let (plain, every_step) = (plain(), plain().with_every_step());
        let mut tensors = of("weights", &weights);
        for (index, series) in batches.iter().enumerate() {
            let logits = plain.logits_ragged(&mut Workspace::new(), &series.standardised, series.lengths);
            tensors.push((format!("logits/{index}"), vec![logits.len() / OUTPUTS, OUTPUTS], logits));
            let width = architecture.output_features();
            for (kind, net) in [("states", &plain), ("steps", &every_step)] {
                let states = net.states_ragged(&mut Workspace::new(), &series.standardised, series.lengths);
                tensors.push((format!("{kind}/{index}"), vec![states.len() / width, width], states));
            }

            let values = Tensor::from_slice(&series.standardised).view([-1, FEATURES as i64]);
            let logits = net.forward_ragged(&values, series.lengths, true).unwrap();
            let each: Vec<_> = parameters.iter().map(|(_, tensor)| tensor).collect();
            let gradients = Tensor::run_backward(&[logits.square().sum(Kind::Float)], &each, false, false);
            let names = parameters.iter().map(|(name, _)| &**name);
            tensors.extend(of(&format!("gradients/{index}"), &arrays(names.zip(&gradients))));
        }
        self.write_tensors(&format!("{name}.safetensors"), &tensors);
    }

    pub fn write_tensors(&self, name: &str, tensors: &Tensors) {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        });
        self.sandbox.write(name, safetensors::serialize(views, None).unwrap());
    }
}

impl Series {
    fn new(lengths: &'static [usize]) -> Series {
        let steps = lengths.iter().sum::<usize>() as i64;
        let drawn = Tensor::randn([steps, FEATURES as i64], (Kind::Float, Device::Cpu));
        let drawn: Vec<f32> = drawn.flatten(0, -1).try_into().unwrap();
        let by_feature = |values: &[f32], apply: fn(f32, f32, f32) -> f32| -> Vec<f32> {
            let scales = MEAN.iter().zip(&DEVIATION).cycle();
            values.iter().zip(scales).map(|(&x, (&mean, &deviation))| apply(x, mean, deviation)).collect()
        };
        let raw = by_feature(&drawn, |x, mean, deviation| x * deviation + mean);
        let standardised = by_feature(&raw, |x, mean, deviation| (x - mean) / deviation);
        Series { lengths, raw, standardised }
    }
}

/// Arrays with the names that they have under a prefix.
pub fn of(prefix: &str, arrays: &StateDict) -> Tensors {
    let of = |(name, array): (&String, &Array)| {
        (format!("{prefix}/{name}"), array.shape().to_vec(), array.values().to_vec())
    };
    arrays.iter().map(of).collect()
}

/// For Python.
pub fn described(net: &Architecture) -> Value {
    let nonlinearity = match net.cell {
        Cell::RnnTanh => Some("tanh"),
        Cell::RnnRelu => Some("relu"),
        Cell::Gru | Cell::Lstm => None,
    };
    json!({
        "cell": net.cell.prefix(), "nonlinearity": nonlinearity, "layers": net.layers, "forward": net.forward,
        "reverse": net.reverse, "readout": net.readout.to_string()
    })
}
