//! PyTorch and onnxruntime as witnesses of what birnn writes and reads:
//! `cargo xtask witness --python PYTHON`.
//!
//! Nets of every kind are trained and exported by the real binary; Python loads the files and names the
//! logits of all test images. Nets of series of unequal lengths are written with random weights, and their
//! gradients and states compared too; so are nets of words, and the tags of one that was trained. Then the
//! tutorial's recipe is trained in Python, and its checkpoint is evaluated here. Whatever differs is a panic
//! that says where.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod precision;
mod ragged;
mod states;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use birnn_data::{DataConfig, Fallback, Images, Locations, Modality, Split, Splits};
use birnn_engine::{Device, Learner, Samples, load};
use birnn_formats::onnx::{self, Input};
use birnn_formats::{Array, StateDict, pytorch};
use birnn_model::{Architecture, Readout, values_of};
use birnn_tests::docs::page;
use birnn_tests::{Sandbox, workspace};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use tch::Tensor;

/// How far two logits of the same weights may be apart, as a share of the largest: they are sums of `f32`,
/// taken in other orders, and states that are fed back many times.
const TOLERANCE: f64 = 1e-5;
const EXPERIMENT: &str = "
[data]
dataset = \"mnist\"
fallback = \"synthetic\"
limit = 2000
[model]
hidden = 32
[train]
device = \"cpu\"
epochs = 2
batch_size = 50
clip_norm = 1.0
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (python, only) = match args[..] {
        ["--python", python] => (python, None),
        [
            "--python",
            python,
            "--only",
            part @ ("nets" | "words" | "ragged" | "states" | "precision" | "files" | "tutorial"),
        ] => (python, Some(part)),
        _ => return usage(),
    };
    // It runs in another folder.
    let program = match Path::new(python) {
        name if name.components().count() > 1 => std::path::absolute(name).unwrap(),
        name => name.to_owned(),
    };
    let python = Python { program, sandbox: Sandbox::new() };
    python.sandbox.write("witness.toml", EXPERIMENT);
    let splits = python.lay_out();
    let is_synthetic = splits.provenance.substitute_for.is_some();
    println!("witnesses on the {} test images of {}", splits.test.len(), splits.provenance.dataset);
    let wanted = |part| only.is_none_or(|only| only == part);
    if wanted("nets") {
        python.every_net(splits.test, &splits.modality);
    }
    if wanted("nets") || wanted("words") {
        python.words();
        python.tags();
    }
    if wanted("ragged") {
        python.ragged();
    }
    if wanted("states") {
        python.states();
    }
    if wanted("precision") {
        python.precisions();
    }
    if wanted("files") {
        python.run_files();
    }
    if wanted("tutorial") {
        python.tutorial(is_synthetic);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "error: witness wants --python PYTHON, one with torch 2.11, pytorch-crf, onnxruntime, safetensors, \
         tensorboard and pandas; and takes --only nets, words, ragged, states, precision, files or tutorial"
    );
    ExitCode::from(2)
}

struct Python {
    program: PathBuf,
    sandbox: Sandbox,
}

/// Classes of digits.
const CLASSES: usize = 10;

/// A net that files were written of.
struct Written {
    label: String,
    description: Value,
}

impl Python {
    /// Brings the images where Python finds them.
    fn lay_out(&self) -> Splits {
        let config = DataConfig { fallback: Fallback::Synthetic, ..DataConfig::default() };
        let plan = config.resolve().unwrap();
        let splits = birnn_data::load(&plan, &Locations::new(None, true), &mut |_| ()).unwrap();
        let bytes = |shape: Vec<usize>, bytes| TensorView::new(Dtype::U8, shape, bytes).unwrap();
        let images = |split: &Split| split.sequences.to_images().unwrap();
        let shape = |images: &Images| vec![images.len(), images.rows, images.cols];
        let (train, test) = (images(&splits.train), images(&splits.test));
        let labels = |split: &Split| -> Vec<u8> {
            split.labels().unwrap_or_default().iter().map(|&digit| digit as u8).collect()
        };
        let (of_train, of_test) = (labels(&splits.train), labels(&splits.test));
        let views = [
            ("train", bytes(shape(&train), &train.pixels)),
            ("train_labels", bytes(vec![of_train.len()], &of_train)),
            ("test", bytes(shape(&test), &test.pixels)),
            ("test_labels", bytes(vec![of_test.len()], &of_test)),
        ];
        self.sandbox.write("images.safetensors", safetensors::serialize(views, None).unwrap());
        splits
    }

    /// Every cell, one and two directions, one to three layers, every readout.
    fn every_net(&self, test: Split, modality: &Modality) {
        let start = Instant::now();
        let test = Samples::new(test, modality, None, Device::Cpu).unwrap();
        let mut written = Vec::new();
        for (cell, nonlinearity) in
            [("lstm", None), ("gru", None), ("rnn", Some("tanh")), ("rnn", Some("relu"))]
        {
            for bidirectional in [false, true] {
                for layers in 1..=3 {
                    for readout in ["last", "final", "mean", "max", "attention", "sequence"] {
                        let net = json!({
                            "cell": cell, "nonlinearity": nonlinearity, "layers": layers, "hidden": 32,
                            "bidirectional": bidirectional, "readout": readout
                        });
                        written.push(self.write(written.len(), net, &test));
                    }
                }
            }
        }
        let descriptions: Vec<_> = written.iter().map(|net| &net.description).collect();
        self.sandbox.write("nets.json", serde_json::to_vec(&descriptions).unwrap());
        println!("{} nets trained and written, {:.0} s", written.len(), start.elapsed().as_secs_f64());

        let answers = self.ask(&[]);
        assert_eq!(answers.len(), written.len());
        let keys = ["torch", "onnx", "birnn_exact", "torch_exact", "onnx_exact", "largest"];
        let (mut most, mut within, mut relative) = ([0.0_f64; 6], [0; 2], 0.0_f64);
        for (net, answer) in written.iter().zip(&answers) {
            let numbers = keys.map(|key| answer[key].as_f64().unwrap());
            let [torch, onnx, .., largest] = numbers;
            println!("{}: PyTorch {torch:.1e}, onnxruntime {onnx:.1e}, logits to {largest:.1}", net.label);
            most = std::array::from_fn(|index| most[index].max(numbers[index]));
            within = [within[0] + usize::from(torch < TOLERANCE), within[1] + usize::from(onnx < TOLERANCE)];
            relative = relative.max(torch.max(onnx) / largest.max(1.0));
        }
        let [torch, onnx, birnn_exact, torch_exact, onnx_exact, largest] = most;
        println!(
            "largest difference of all logits, which go up to {largest:.1}: PyTorch {torch:.1e}, onnxruntime \
             {onnx:.1e}"
        );
        println!(
            "below {TOLERANCE:e}: PyTorch in {} of {count} nets, onnxruntime in {}; as a share of the \
             largest logit, always below {relative:.1e}",
            within[0],
            within[1],
            count = written.len(),
        );
        println!(
            "rounding of each, as the difference from PyTorch in f64: birnn {birnn_exact:.1e}, PyTorch \
             {torch_exact:.1e}, onnxruntime {onnx_exact:.1e}; {:.0} s",
            start.elapsed().as_secs_f64()
        );
        assert!(relative < TOLERANCE, "logits differ by more than rounding");
    }

    /// Trains a net, and writes it in each format with the logits that birnn gives.
    fn write(&self, index: usize, net: Value, test: &Samples) -> Written {
        let name = format!("net-{index}");
        let readout = net["readout"].as_str().unwrap();
        let without_readout = readout == "sequence";
        let mut sets = Vec::new();
        for key in ["cell", "nonlinearity", "layers", "bidirectional", "readout"] {
            match &net[key] {
                Value::Null => (),
                // Digits want one output in all: train with another readout, take the weights.
                _ if key == "readout" && without_readout => sets.push("model.readout=mean".to_owned()),
                value => sets.push(format!("model.{key}={}", value.to_string().trim_matches('"'))),
            }
        }
        let mut args = vec!["train", "witness.toml", "--offline", "--run-dir", &name];
        sets.iter().for_each(|set| args.extend(["--set", set]));
        let data = std::env::var("BIRNN_DATA_DIR").ok();
        data.iter().for_each(|data| args.extend(["--data-dir", data]));
        self.sandbox.birnn(&args).done();

        let (mut learner, _) =
            load(&self.sandbox.path(&format!("{name}/model.safetensors")), Device::Cpu).unwrap();
        let path = |extension: &str| format!("{name}.{extension}");
        if without_readout {
            learner = self.write_sequence(&learner, &path);
        } else {
            for extension in ["ckpt", "safetensors", "onnx"] {
                self.sandbox.birnn(&["export", &name, &path(extension)]).done();
            }
            assert_eq!(self.sandbox.read(&path("ckpt")), self.sandbox.read(&format!("{name}/model.ckpt")));
        }
        let logits = learner.logits(test).unwrap();
        let images = test.len();
        let shape = match without_readout {
            true => vec![images, logits.len() / images / CLASSES, CLASSES],
            false => vec![images, CLASSES],
        };
        self.sandbox.write(&path("logits"), encode(shape, &logits));
        let label = learner.network().architecture().to_string();
        Written { label, description: json!({ "file": path("any"), "net": net }) }
    }

    /// As the command line would, of a net that it does not train.
    fn write_sequence(&self, trained: &Learner, path: &dyn Fn(&str) -> String) -> Learner {
        let architecture = Architecture { readout: Readout::Sequence, ..*trained.network().architecture() };
        let mut learner =
            Learner::new(&architecture, trained.task().clone(), trained.loss().clone(), 28, 0, Device::Cpu)
                .unwrap();
        learner.restore(&trained.snapshot()).unwrap();

        let weights = arrays(learner.named_parameters());
        let bytes = pytorch::encode(&weights).unwrap();
        self.sandbox.write(&path("ckpt"), &bytes);
        let views = weights.iter().map(|(name, array)| {
            let bytes: Vec<u8> = array.values().iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.clone(), array.shape().to_vec(), bytes)
        });
        let views: Vec<_> = views.collect();
        let views = views
            .iter()
            .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
        self.sandbox.write(&path("safetensors"), safetensors::serialize(views, None).unwrap());
        let bytes = onnx::encode(&architecture, &Input::Images, 28, 10, &weights, &[]).unwrap();
        self.sandbox.write(&path("onnx"), bytes);
        learner
    }

    /// A run's files: its weights by the guide's own Python, its records by TensorBoard and pandas.
    fn run_files(&self) {
        let guide = page("docs/guide/pytorch.md");
        let data = std::env::var("BIRNN_DATA_DIR").unwrap_or_default();
        let config = workspace().join("configs/bilstm.toml");
        let config = config.to_str().unwrap();
        let mut args = vec!["train", config, "--offline", "--run-dir", "runs/bilstm/001"];
        args.extend([
            "--set",
            "data.limit=2000",
            "--set",
            "data.validation=500",
            "--set",
            "train.log_every=5",
        ]);
        if !data.is_empty() {
            args.extend(["--data-dir", &data]);
        }
        self.sandbox.birnn(&args).done();
        for file in ["runs/digits.safetensors", "runs/digits.onnx"] {
            self.sandbox.birnn(&["export", "runs/bilstm/001", file]).done();
        }
        let series = workspace().join("configs/series/synthetic.toml");
        self.sandbox.birnn(&["train", series.to_str().unwrap(), "--run-dir", "runs/series/001"]).done();
        self.sandbox.birnn(&["export", "runs/series/001", "runs/series.onnx"]).done();
        self.sandbox.birnn(&["export", "--single", "runs/series/001", "runs/one.onnx"]).done();
        for block in guide.blocks_in("python") {
            self.sandbox.write("guide.py", block);
            let answer = self.ask(&["guide"]).remove(0);
            println!("the guide's Python: differences {}", answer["differences"]);
            for difference in answer["differences"].as_array().unwrap() {
                assert!(difference.as_f64().unwrap() < TOLERANCE);
            }
        }
        let answer = self.ask(&["records"]).remove(0);
        println!("TensorBoard's own reader and pandas find all of the run: {answer}");
    }

    /// The tutorial's recipe trained in Python, its checkpoint evaluated here.
    fn tutorial(&self, is_synthetic: bool) {
        println!("training the tutorial's recipe in Python: a minute or two");
        let answer = self.ask(&["tutorial"]).remove(0);
        let config = workspace().join("configs/bilstm.toml");
        let config = config.to_str().unwrap();
        let import = ["import", "tutorial.ckpt", "--config", config, "--out", "tutorial.safetensors"];
        self.sandbox.birnn(&import).done();
        let mut command = self.sandbox.command(&["eval", "tutorial.safetensors", "--json", "--offline"]);
        if is_synthetic {
            command.args(["--dataset", "synthetic"]);
        }
        // The images that Python had, wherever they are.
        for name in ["BIRNN_DATA_DIR", "XDG_CACHE_HOME"] {
            match std::env::var_os(name).filter(|value| !value.is_empty()) {
                Some(folder) => command.env(name, std::path::absolute(folder).unwrap()),
                None => command.env_remove(name),
            };
        }
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "eval of what Python trained: {}", output.status);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        println!(
            "trained in {:.1} s by PyTorch; correct: PyTorch {}, birnn {} of {}",
            answer["seconds"].as_f64().unwrap(),
            answer["correct"],
            found["correct"],
            found["samples"]
        );
        assert_eq!((&answer["images"], &answer["correct"]), (&found["samples"], &found["correct"]));
    }

    /// What the script answers, line by line.
    fn ask(&self, args: &[&str]) -> Vec<Value> {
        let script: &Path = &workspace().join("tests/witness.py");
        let output = Command::new(&self.program)
            .arg(script)
            .arg(self.sandbox.path(""))
            .args(args)
            .current_dir(self.sandbox.path(""))
            .stderr(Stdio::inherit())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        assert!(output.status.success(), "{} {args:?}: {}", script.display(), output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter(|line| line.starts_with('{'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Tensors in plain numbers.
fn arrays<'t>(tensors: impl Iterator<Item = (&'t str, &'t Tensor)>) -> StateDict {
    let array = |(name, tensor): (&str, &Tensor)| {
        let (shape, values) = values_of(tensor).unwrap();
        (name.to_owned(), Array::new(shape, values))
    };
    tensors.map(array).collect()
}

/// Logits as a safetensors file.
fn encode(shape: Vec<usize>, logits: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = logits.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape, &bytes).unwrap();
    safetensors::serialize([("logits", view)], None).unwrap()
}
