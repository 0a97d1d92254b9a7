//! Networks of every kind with weights drawn at random, what to ask them, and what they answer.

use birnn_data::{
    Folding, Images, Missing, Modality, NormalForm, Per, Rng, Scheme, Sentences, Sequences, Series,
    TargetScale, Text, Values,
};
use birnn_experiment::{Experiment, RegressionLoss};
use birnn_infer::container::{Entry, encode};
use birnn_infer::{Classify, Manifest, Predictor, Regress, Task, Workspace, stops};
use birnn_model::architecture::CharacterNet;
use birnn_model::{CellKind, EmbeddingConfig, Head, Hidden, ModelConfig, Nonlinearity, Readout};
use serde_json::{Value, json};

/// What the page gives the answer to as it forms.
pub const STOPS: usize = 64;

/// A network to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    pub model: ModelConfig,
    pub modality: Modality,
    pub task: Task,
}

fn classes(names: &[&str], per: Per, scheme: Option<Scheme>) -> Task {
    let classes = names.iter().map(|&name| name.to_owned()).collect();
    Task::Classify(Classify { scheme, ..Classify::new(classes, per) })
}

/// A class for each, of a sequence or of steps.
pub fn told_apart(per: Per) -> Task {
    classes(&["rise", "fall", "rest"], per, None)
}

/// Tags that mark spans.
pub fn spans() -> Task {
    classes(&["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], Per::Step, Some(Scheme::Iob2))
}

/// Two numbers.
pub fn numbers(per: Per) -> Task {
    let names = ["speed", "height"].map(str::to_owned).to_vec();
    let scale = TargetScale { names, mean: vec![20.0, -3.0], deviation: vec![5.0, 0.25] };
    Task::Regress(Regress { scale, per, loss: RegressionLoss::Squared, self_targets: None })
}

/// Series of two features, gaps filled.
pub fn series(missing: Missing, missing_mask: bool, standardise: bool) -> Modality {
    Modality::Series(Series {
        steps: Some([1, 12]),
        names: Some(vec!["wind".to_owned(), "rain".to_owned()]),
        missing,
        missing_mask,
        deviation: standardise.then(|| vec![4.0, 0.5]),
        ..Series::plain(vec![10.0, 1.0])
    })
}

/// Sentences, of words that are known and others.
pub fn sentences(normal_form: Option<NormalForm>) -> Modality {
    let mut known = Sentences::default();
    for sentence in ["the cat sat on the mat in 1999", "Ærø straße İstanbul of the dogs", "The End ."] {
        sentence.split(' ').for_each(|word| known.push(word));
        known.end();
    }
    let folding = Folding { normal_form, lowercase: true, merge_digits: true };
    Modality::Text(Text::of(&known.finish(), folding, 1))
}

/// Every cell, with its directions, layers and readouts.
pub fn all() -> Vec<Plan> {
    let cells = [
        (CellKind::Lstm, None),
        (CellKind::Gru, None),
        (CellKind::Rnn, None),
        (CellKind::Rnn, Some(Nonlinearity::Relu)),
    ];
    let units = [
        (false, Hidden::Same(6)),
        (true, Hidden::Same(6)),
        (true, Hidden::Each { forward: 5, reverse: 3 }),
        (false, Hidden::Reverse { reverse: 6 }),
    ];
    let readouts =
        [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention, Readout::Sequence];
    let gaps = [Missing::Mean, Missing::Last, Missing::Past, Missing::Interpolate, Missing::Refuse];
    let mut plans = Vec::new();
    for (cell, nonlinearity) in cells {
        for (bidirectional, hidden) in units {
            for readout in readouts {
                let turn = plans.len();
                let per = if readout == Readout::Sequence { Per::Step } else { Per::Sequence };
                let model = ModelConfig {
                    cell,
                    nonlinearity,
                    bidirectional,
                    hidden,
                    readout,
                    layers: 1 + turn % 3,
                    ..ModelConfig::default()
                };
                let embedding = EmbeddingConfig {
                    width: 4,
                    characters: (turn % 2 == 0).then_some(CharacterNet { width: 3, hidden: 4 }),
                    ..EmbeddingConfig::default()
                };
                let of_words = ModelConfig { embedding: Some(embedding), ..model.clone() };
                let forms = [None, Some(NormalForm::Nfc), Some(NormalForm::Nfkd)];
                let task = if turn % 4 == 3 { numbers(per) } else { told_apart(per) };
                let modality = series(gaps[turn % 5], turn % 7 == 0, turn % 3 > 0);
                plans.push(Plan { model: model.clone(), modality, task });
                let modality = Modality::Images { shape: [5, 4], preprocessing: None };
                plans.push(Plan { model, modality, task: told_apart(per) });
                let modality = sentences(forms[turn % 3]);
                plans.push(Plan {
                    model: of_words.clone(),
                    modality: modality.clone(),
                    task: told_apart(per),
                });
                if per == Per::Step {
                    let model = ModelConfig { head: Head::Crf, ..of_words };
                    plans.push(Plan { model: model.clone(), modality: modality.clone(), task: spans() });
                    let Task::Classify(task) = spans() else { unreachable!("tags are classes") };
                    let task = Task::Classify(Classify { constrain: false, ..task });
                    plans.push(Plan { model, modality, task });
                }
            }
        }
    }
    plans
}

impl Plan {
    /// The file of such a network, of weights that the seed gives.
    pub fn file(&self, seed: u64, name: &str) -> Vec<u8> {
        let Plan { model, modality, task } = self;
        let experiment =
            Experiment { name: Some(name.to_owned()), model: model.clone(), ..Experiment::default() };
        let architecture = model.resolve().unwrap();
        let mut rng = Rng::new(seed, 0);
        let entry = |(name, shape): (String, Vec<usize>)| {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|_| rng.uniform(-0.9, 0.9) as f32).collect();
            Entry::floats(name, shape, &values)
        };
        let weights: Vec<Entry> =
            architecture.parameters(modality.inputs(), task.outputs()).into_iter().map(entry).collect();
        let text = experiment.to_toml().unwrap();
        let manifest = Manifest::new(text, modality.clone(), task.clone(), Value::Null).unwrap();
        encode(&manifest, &weights).unwrap()
    }

    /// What to ask it, as its page takes it, and as it is read here.
    pub fn samples(&self) -> Vec<(Value, Sequences)> {
        let mut rng = Rng::new(3, 1);
        match &self.modality {
            Modality::Images { shape: [rows, cols], .. } => {
                let pixels: Vec<u8> = (0..rows * cols).map(|_| rng.uniform(0.0, 256.0) as u8).collect();
                let images = Images { rows: *rows, cols: *cols, pixels: pixels.clone() };
                vec![(json!({ "pixels": pixels, "all": stops(*rows, STOPS) }), images.into())]
            }
            Modality::Series(series) => {
                let gaps = if series.missing == Missing::Refuse { 0.0 } else { 0.2 };
                [1_usize, 12, 70].map(|length| series_of(length, gaps, &mut rng)).to_vec()
            }
            Modality::Text(_) => {
                let texts = [
                    "the",
                    "The Cat sat on MATS in 2026 !",
                    "Ærø STRASSE straße naïve ﬁn \u{fffc} İstanbul é e\u{301} 日本",
                ];
                texts.map(|text| text.split(' ').map(str::to_owned).collect()).map(tokens_of).to_vec()
            }
        }
    }
}

fn series_of(length: usize, gaps: f64, rng: &mut Rng) -> (Value, Sequences) {
    let mut gap = || (rng.uniform(0.0, 1.0) < gaps, rng.uniform(-5.0, 25.0) as f32);
    let values: Vec<f32> =
        (0..2 * length).map(|_| gap()).map(|(gap, value)| if gap { f32::NAN } else { value }).collect();
    let known = |value: &f32| if value.is_nan() { Value::Null } else { json!(value) };
    let steps: Vec<Vec<Value>> = values.chunks(2).map(|step| step.iter().map(known).collect()).collect();
    let sample = json!({ "steps": steps, "all": stops(length, STOPS) });
    (sample, Sequences::new(Values::Floats(values), 2, vec![length]))
}

/// A sentence, as a page takes it and as it is read here.
pub fn tokens_of(tokens: Vec<String>) -> (Value, Sequences) {
    let mut sentence = Sentences::default();
    tokens.iter().for_each(|token| sentence.push(token));
    sentence.end();
    (json!({ "tokens": tokens, "all": stops(tokens.len(), STOPS) }), sentence.finish())
}

/// What is answered here, as JSON in which `forming` is a list, one for each number of steps.
pub fn explained(predictor: &Predictor, sequence: &Sequences) -> Value {
    let explanation = predictor.explain(&mut Workspace::new(), sequence, STOPS);
    let mut told = serde_json::to_value(&explanation).unwrap();
    if let Some(forming) = &explanation.forming {
        let each = forming.first.iter().zip(&forming.last);
        told["forming"] = each.map(|(first, last)| json!({ "first": first, "last": last })).collect();
    }
    told
}
