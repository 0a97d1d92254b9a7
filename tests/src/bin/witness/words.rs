//! Nets of words: their logits beside PyTorch's, of each sentence by itself, and onnxruntime's, of padded
//! ones; the loss of a conditional random field with all its gradients beside pytorch-crf's; and the tags
//! that the guide's Python finds beside those that `birnn predict` tells.

use std::process::Command;

use birnn_data::{Folding, Modality, Per, Sentences, Sequences, Split, TargetValues, Targets, Text};
use birnn_engine::{Learner, Loss, Samples};
use birnn_experiment::TrainConfig;
use birnn_formats::StateDict;
use birnn_formats::onnx::{Input, encode};
use birnn_infer::{Classify, Reading, Task, cpu};
use birnn_model::architecture::{CharacterNet, Embedding};
use birnn_model::{Architecture, Cell, Head, Inputs, Network, Readout};
use birnn_tests::docs::page;
use serde_json::{Value, json};
use tch::{Device, Tensor, nn};

use crate::ragged::{Tensors, described, of};
use crate::{Python, TOLERANCE, arrays};

const OUTPUTS: usize = 5;
/// Sentences of unequal lengths, of words of unequal lengths; some are not known, nor are some characters.
const BATCHES: [&[&str]; 3] = [
    &["the quick brown fox", "a", "jumps over naïve ☃ dogs now", "I of of"],
    &["word"],
    &["x yy zzz wwww", "extraordinarily"],
];

impl Python {
    /// Every cell, either direction alone and both, with characters and without, each readout.
    pub fn words(&self) {
        let batches = BATCHES.map(sentences);
        let known =
            sentences(&["the quick brown fox jumps over a lazy dog now", "of wwww extraordinarily I"]);
        let text = Text::of(&known, Folding { lowercase: true, ..Folding::default() }, 1);
        let mut nets = Vec::new();
        let with =
            Embedding { width: 7, characters: Some(CharacterNet { width: 4, hidden: 5 }), frozen: false };
        for cell in [Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu] {
            let both = |reverse| (Some(12), Some(reverse));
            for (layers, (forward, reverse)) in
                [(1, both(12)), (2, both(7)), (1, (Some(12), None)), (2, (None, Some(12)))]
            {
                for embedding in [with, Embedding { characters: None, ..with }] {
                    for (readout, head) in [
                        (Readout::Sequence, Head::Crf),
                        (Readout::Sequence, Head::Linear),
                        (Readout::Last, Head::Linear),
                        (Readout::Final, Head::Linear),
                        (Readout::Mean, Head::Linear),
                        (Readout::Max, Head::Linear),
                        (Readout::Attention, Head::Linear),
                    ] {
                        let net = Architecture {
                            cell,
                            layers,
                            forward,
                            reverse,
                            readout,
                            head,
                            embedding: Some(embedding),
                            ..Architecture::default()
                        };
                        // A learner seeds it, too.
                        tch::manual_seed(nets.len() as i64);
                        self.write_words(&format!("words-{}", nets.len()), &net, &text, &batches);
                        nets.push(net);
                    }
                }
            }
        }
        let all = json!({
            "rows": [text.word_count(), text.character_count()],
            "batches": batches.iter().map(|batch| rows(batch, &text)).collect::<Vec<_>>(),
            "nets": nets.iter().map(of_words).collect::<Vec<_>>(),
        });
        self.sandbox.write("words.json", all.to_string());

        let answers = self.ask(&["words"]);
        assert_eq!(answers.len(), nets.len());
        let mut most = [0.0_f64; 6];
        for (net, answer) in nets.iter().zip(&answers) {
            let found = ["torch", "onnx", "largest", "loss", "gradients", "largest_gradient"];
            let found = found.map(|key| answer[key].as_f64().unwrap());
            let [torch, onnx, largest, loss, gradients, _] = found;
            println!("{net}: PyTorch {torch:.1e}, onnxruntime {onnx:.1e}; logits to {largest:.1}");
            assert!(torch.max(onnx) < TOLERANCE, "{net}: logits differ by more than rounding");
            assert!(
                loss.max(gradients) < TOLERANCE,
                "{net}: loss {loss:.1e}, gradients {gradients:.1e} from PyTorch's"
            );
            most = std::array::from_fn(|index| most[index].max(found[index]));
        }
        let [torch, onnx, largest, loss, gradients, largest_gradient] = most;
        println!(
            "largest differences of {} nets of words: PyTorch {torch:.1e}, onnxruntime {onnx:.1e}; logits to {largest:.1}",
            nets.len()
        );
        println!(
            "of the {} with a conditional random field, on {} batches each, from PyTorch's with pytorch-crf: loss {loss:.1e}, \
             gradients {gradients:.1e}; gradients to {largest_gradient:.1}",
            nets.iter().filter(|net| net.head == Head::Crf).count(),
            batches.len(),
        );
    }

    /// A net of random weights as ONNX, with the logits that birnn gives.
    fn write_words(&self, name: &str, architecture: &Architecture, text: &Text, batches: &[Sequences]) {
        let inputs = Inputs::Tokens { words: text.word_count(), characters: text.character_count() };
        let vs = nn::VarStore::new(Device::Cpu);
        let _net = Network::new(&vs.root(), architecture, inputs, OUTPUTS).unwrap();
        let mut parameters: Vec<_> = vs.variables().into_iter().collect();
        // Large enough that every gate matters.
        tch::no_grad(|| parameters.iter_mut().for_each(|(_, tensor)| drop(tensor.g_mul_scalar_(1.5))));
        let weights: StateDict = arrays(parameters.iter().map(|(name, tensor)| (&**name, tensor)));
        let file = encode(architecture, &Input::Tokens, inputs, OUTPUTS, &weights, &[]).unwrap();
        self.sandbox.write(&format!("{name}.onnx"), file);

        let plain = birnn_infer::Network::new(architecture, inputs, OUTPUTS, cpu::instructions(), |name| {
            weights[name].values().to_vec()
        });
        let mut tensors = of("weights", &weights);
        for (index, batch) in batches.iter().enumerate() {
            if architecture.head == Head::Crf {
                tensors.extend(losses(architecture, &parameters, text, batch, index));
            }
            let lexicon = text.lexicon(batch.forms().unwrap());
            let logits = plain.logits_of_all(batch, 0..batch.len(), Reading::Tokens(&lexicon), 1);
            tensors.push((format!("logits/{index}"), vec![logits.len() / OUTPUTS, OUTPUTS], logits));
        }
        self.write_tensors(&format!("{name}.safetensors"), &tensors);
    }

    /// The guide's tagger, trained and exported; its Python finds the tags that `predict` does.
    pub fn tags(&self) {
        let guide = page("docs/guide/text.md");
        let experiment = guide.blocks_in("toml").find(|text| text.starts_with("# names.toml")).unwrap();
        self.sandbox.write("names.toml", experiment);
        let of_onnx = |text: &String| text.contains("import onnxruntime");
        let write = guide.blocks_in("python").find(|text| !of_onnx(text)).unwrap();
        self.sandbox.write("write.py", write);
        let mut python = Command::new(&self.program);
        assert!(python.arg("write.py").current_dir(self.sandbox.path("")).status().unwrap().success());
        self.sandbox.birnn(&["train", "names.toml", "--run-dir", "runs/names/001"]).done();
        self.sandbox.birnn(&["export", "runs/names/001", "runs/names.onnx"]).done();
        self.sandbox.write("guide.py", guide.blocks_in("python").find(of_onnx).unwrap());
        let answer = self.ask(&["tags"]).remove(0);

        let sentences = answer["sentences"].as_array().unwrap();
        let lines = sentences.iter().map(|sentence| {
            let tokens = sentence.as_array().unwrap().iter().map(|token| token.as_str().unwrap());
            format!("{}\n\n", tokens.collect::<Vec<_>>().join("\n"))
        });
        let told = self
            .sandbox
            .birnn_given(&["predict", "runs/names/001", "-", "--json"], &lines.collect::<String>());
        let told: Value = serde_json::from_str(&told.done().stdout).unwrap();
        let tags: Vec<&Value> =
            told["predictions"].as_array().unwrap().iter().map(|sentence| &sentence["tags"]).collect();
        assert_eq!(answer["tags"].as_array().unwrap().iter().collect::<Vec<_>>(), tags);
        println!(
            "the guide's Viterbi and pytorch-crf's find the tags that predict tells: {}",
            answer["tags"]
        );
    }
}

/// The tags that a batch is learnt with, its loss, and the gradient of every parameter.
fn losses(
    architecture: &Architecture,
    parameters: &[(String, Tensor)],
    text: &Text,
    batch: &Sequences,
    index: usize,
) -> Tensors {
    let classes = (0..OUTPUTS).map(|class| class.to_string()).collect();
    let task = Task::Classify(Classify::new(classes, Per::Step));
    let plan = TrainConfig::default().resolve().unwrap();
    let loss = Loss::new(&task, architecture.head, &plan, Device::Cpu).unwrap();
    let inputs = Inputs::Tokens { words: text.word_count(), characters: text.character_count() };
    let mut learner = Learner::new(architecture, task, loss, inputs, 0, Device::Cpu).unwrap();
    let named = |name: &String| {
        let (_, tensor) = parameters.iter().find(|(own, _)| own == name).unwrap();
        tensor.shallow_clone()
    };
    let values: Vec<Tensor> = learner.names().iter().map(named).collect();
    learner.restore(&values).unwrap();

    let tags: Vec<u16> = (0..batch.steps()).map(|step| ((step * step + index) % OUTPUTS) as u16).collect();
    let told = ("tags".to_owned(), vec![tags.len()], tags.iter().map(|&tag| f32::from(tag)).collect());
    let targets = Targets { values: TargetValues::Classes(tags), per: Per::Step };
    let split = Split { sequences: batch.clone(), targets };
    let samples = Samples::new(split, &Modality::Text(text.clone()), None, Device::Cpu).unwrap();
    let order = samples.order(0, 0, None).unwrap();
    let found = learner.gradients(&samples.batch(&order, 0, samples.len(), 0).unwrap(), 0).unwrap();

    let loss = ("loss".to_owned(), vec![], vec![f32::try_from(&found.loss).unwrap()]);
    let mut start = 0;
    let gradients = learner.named_parameters().map(|(name, parameter)| {
        let length = parameter.numel() as i64;
        start += length;
        (name, found.gradient.narrow(0, start - length, length).view_as(parameter))
    });
    let gradients: Vec<(&str, Tensor)> = gradients.collect();
    let gradients = arrays(gradients.iter().map(|(name, tensor)| (*name, tensor)));
    let tensors = [told, loss].into_iter().chain(of("gradients", &gradients));
    tensors.map(|(name, shape, values)| (format!("crf/{index}/{name}"), shape, values)).collect()
}

/// Sentences with their words parted by spaces.
fn sentences(texts: &[&str]) -> Sequences {
    let mut sentences = Sentences::default();
    for text in texts {
        text.split(' ').for_each(|token| sentences.push(token));
        sentences.end();
    }
    sentences.finish()
}

/// Of each token of each sentence its row in the words' table, and those of its characters in theirs.
fn rows(batch: &Sequences, text: &Text) -> Vec<Vec<(u32, Vec<u32>)>> {
    let lexicon = text.lexicon(batch.forms().unwrap());
    let token = |&form: &u32| (lexicon.word(form), lexicon.characters(form).to_vec());
    batch.iter().map(|sentence| sentence.tokens().unwrap().iter().map(token).collect()).collect()
}

/// For Python.
fn of_words(net: &Architecture) -> Value {
    let mut all = described(net);
    let embedding = net.embedding.unwrap();
    all["embedding"] = json!({ "width": embedding.width });
    if let Some(CharacterNet { width, hidden }) = embedding.characters {
        all["embedding"]["characters"] = json!({ "width": width, "hidden": hidden });
    }
    all
}
