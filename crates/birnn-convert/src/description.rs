//! What someone needs to use a net who has nothing but its weights: a JSON object beside a state dict, and
//! the metadata of an ONNX file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use birnn_architecture::{Architecture, Cell, CharacterNet, Head, Readout};
use birnn_data::{Folding, Modality, Per, Preprocessing, SelfTargets, Series, Text, Unit};
use birnn_infer::{Classify, DescribedTask, Manifest, Regress, Task};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What no weights can say of a net. Some of it birnn reads again, the rest is for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// What it is asked for.
    #[serde(flatten)]
    pub task: DescribedTask,
    /// Features of each time step; of text the values of its tokens' vectors, which the weights tell too.
    #[serde(default)]
    pub columns: usize,
    /// Where the training data came from.
    #[serde(default)]
    pub data: Value,
    /// The experiment that the net is of, as TOML; empty where nobody knows it.
    #[serde(default)]
    pub experiment: String,
    #[serde(default)]
    input: String,
    #[serde(default)]
    normalisation: String,
    #[serde(default)]
    output: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pictures: Option<String>,
    /// What its images were like; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    #[serde(default)]
    python: String,
    /// Of images: time steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Of series: how they are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// Of text: what words and characters it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// Of text: what its tokens are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Keys that none of these has: they are misspelt, or of whoever wrote the file.
    #[serde(flatten, skip_serializing)]
    pub unknown: BTreeMap<String, Value>,
}

impl Description {
    /// Of the net of `architecture` that `manifest` describes.
    pub fn of(manifest: &Manifest, architecture: &Architecture) -> Description {
        let columns = architecture.features(manifest.modality.inputs());
        let (input, normalisation) = match &manifest.modality {
            Modality::Images { shape: [rows, _], .. } => (
                format!(
                    "images of {rows} x {columns}: {rows} time steps, the rows from above, of {columns} features"
                ),
                "pixel / 255: mean 0 and deviation 1, nothing is subtracted".to_owned(),
            ),
            Modality::Series(series @ Series { deviation, missing, .. }) => {
                let read = match deviation {
                    None => "values as they are",
                    Some(_) => {
                        "(value - mean) / deviation, those of its feature in `series`; an ONNX graph does it"
                    }
                };
                let filled = format!("{read}; what is missing is to be filled in before: {missing}");
                let mut input = format!("series of any number of time steps, of {columns} features");
                if series.missing_mask {
                    let own = series.features();
                    input +=
                        &format!(": {own} values, and behind them for each 1 where it was missing, else 0");
                }
                (input, filled)
            }
            Modality::Text(text) => (
                "sentences of any number of tokens; row 0 of a table is what is not known, and behind it come the \
                 words, or characters, of `text`, in their order"
                    .to_owned(),
                looked_up(text.folding),
            ),
        };
        let (rows, preprocessing, series, text) = match manifest.modality.clone() {
            Modality::Images { shape: [rows, _], preprocessing } => (Some(rows), preprocessing, None, None),
            Modality::Series(series) => (None, None, Some(series), None),
            Modality::Text(text) => (None, None, None, Some(text)),
        };
        let unit = text.as_ref().map(|_| manifest.experiment().data.unit);
        let pictures = rows.map(|_| match &preprocessing {
            None => "it is not known what the training images were like".to_owned(),
            Some(preprocessing) => preprocessing.to_string(),
        });
        Description {
            task: manifest.task.clone().into(),
            columns,
            data: manifest.data.clone(),
            experiment: manifest.experiment_toml().to_owned(),
            input,
            normalisation,
            output: output(&manifest.task, architecture.head),
            pictures,
            preprocessing,
            python: in_python(architecture, columns, manifest.task.outputs()),
            rows,
            series,
            text,
            unit,
            unknown: BTreeMap::new(),
        }
    }

    /// What the net reads; `None` where the description contradicts itself.
    pub fn modality(&self) -> Option<Modality> {
        match (self.rows, &self.series, &self.text) {
            (Some(rows), None, None) => {
                let (shape, preprocessing) = ([rows, self.columns], self.preprocessing);
                Some(Modality::Images { shape, preprocessing })
            }
            (None, None, Some(text)) if text.check().is_ok() => Some(Modality::Text(text.clone())),
            (None, Some(series), None) if series.inputs() == self.columns && series.check().is_ok() => {
                Some(Modality::Series(series.clone()))
            }
            _ => None,
        }
    }

    /// As a JSON file.
    pub fn to_json(&self) -> String {
        // What is made of text and numbers is never refused.
        format!("{}\n", serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// As the metadata of ONNX, which is text: JSON, where it is none by itself.
    pub fn metadata(&self) -> Vec<(String, String)> {
        let text = |value: Value| match value {
            Value::String(text) => text,
            value => value.to_string(),
        };
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return Vec::new() };
        fields.into_iter().map(|(key, value)| (key, text(value))).collect()
    }
}

/// What comes out of a net, for people.
fn output(task: &Task, head: Head) -> String {
    let per = match task.per() {
        Per::Sequence => "",
        Per::Step => " at each time step",
    };
    match task {
        Task::Classify(Classify { self_targets: Some(SelfTargets::Next), .. }) => {
            format!("logits{per}, one for each token that may come next; softmax makes probabilities of them")
        }
        Task::Classify(Classify { self_targets: Some(SelfTargets::Hidden(_)), .. }) => format!(
            "logits{per}, one for each token that may be hidden there, where row 0 is read; softmax makes probabilities of \
             them"
        ),
        Task::Classify(_) if head == Head::Crf => format!(
            "emissions{per}, one per class: scores, which with those of `crf` make the most probable classes of a whole \
             sequence (Viterbi)"
        ),
        Task::Classify(_) => format!("logits, one per class{per}; softmax makes probabilities of them"),
        Task::Regress(Regress { self_targets: Some(SelfTargets::Next), .. }) => format!(
            "how far the values of the next time step are off from those that are read{per}, to be multiplied by their \
             deviation in `regress.scale`; an ONNX graph does that"
        ),
        Task::Regress(Regress { self_targets: Some(SelfTargets::Hidden(_)), .. }) => format!(
            "how far each value{per} is off from what is read in its place, to be multiplied by its deviation in \
             `regress.scale`; an ONNX graph does that"
        ),
        Task::Regress(_) => format!(
            "numbers{per}, each to be multiplied by its deviation in `regress.scale` and added to its mean there; an \
             ONNX graph does it"
        ),
    }
}

/// Where the description of the weights at `path` is: beside them, with `.json` behind their whole name.
pub fn description_path(path: &Path) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

/// What a PyTorch class must have that the state dict of a net is loaded into.
pub(crate) fn in_python(net: &Architecture, features: usize, classes: usize) -> String {
    let (prefix, width) = (net.cell.prefix(), net.output_features());
    let module = prefix.to_uppercase();
    let (layers, hidden) = (net.layers, net.forward.or(net.reverse).unwrap_or(0));
    let directions = match (net.forward, net.reverse) {
        (_, None) => "",
        (None, Some(_)) => ", from the end to the beginning alone, for which PyTorch has no module",
        (Some(forward), Some(reverse)) if reverse == forward => ", bidirectional=True",
        (Some(_), Some(_)) => {
            ", bidirectional=True, and a hidden size for each direction, for which PyTorch has no module"
        }
    };
    let relu = if net.cell == Cell::RnnRelu { ", nonlinearity=\"relu\"" } else { "" };
    let readout = net.readout;
    let attention = match readout {
        Readout::Attention => format!(
            "; self.attention = nn.Linear({width}, {width}); self.attention.context = \
             nn.Parameter(torch.empty({width}))"
        ),
        Readout::Last | Readout::Final | Readout::Mean | Readout::Max | Readout::Sequence => String::new(),
    };
    let embedding = net.embedding.map_or_else(String::new, |embedding| {
        let words = format!("self.embedding = nn.Embedding(1 + len(text[\"words\"]), {}); ", embedding.width);
        words
            + &embedding.characters.map_or_else(String::new, |CharacterNet { width, hidden }| {
                format!(
                    "self.char_embedding = nn.Embedding(1 + len(text[\"characters\"]), {width}); \
                     self.char_{prefix} = nn.{module}({width}, {hidden}, batch_first=True{relu}, bidirectional=True); "
                )
            })
    });
    let crf = match net.head {
        Head::Linear => String::new(),
        Head::Crf => format!("; self.crf = torchcrf.CRF({classes}, batch_first=True)"),
    };
    format!(
        "{embedding}self.{prefix} = nn.{module}({features}, {hidden}, {layers}, batch_first=True{relu}{directions}); \
         self.fc = nn.Linear({width}, {classes}){attention}{crf}; readout {readout}"
    )
}

/// How words are to be before they are looked for among those of a net.
fn looked_up(folding: Folding) -> String {
    let Folding { normal_form, lowercase, merge_digits } = folding;
    let written = match normal_form {
        None => "as they are written".to_owned(),
        Some(form) => format!("in Unicode's normal form {form}"),
    };
    let of_words = match (lowercase, merge_digits) {
        (false, false) => return format!("words and characters {written}"),
        (true, false) => "then in lower case",
        (false, true) => "then with each digit 0",
        (true, true) => "then in lower case, with each digit 0",
    };
    format!("words and characters {written}; words {of_words}")
}

#[cfg(test)]
mod tests {
    use birnn_architecture::{CellKind, Hidden, ModelConfig, Nonlinearity};
    use birnn_data::Missing;

    use super::*;

    #[track_caller]
    fn recipe(config: ModelConfig, expected: &str) {
        let net = ModelConfig { hidden: Hidden::Same(4), layers: 1, ..config }.resolve().unwrap();
        assert_eq!(in_python(&net, 28, 10), expected);
    }

    #[test]
    fn a_recipe_has_every_module_of_the_state_dict() {
        let usual = ModelConfig::default;
        recipe(
            usual(),
            "self.lstm = nn.LSTM(28, 4, 1, batch_first=True, bidirectional=True); self.fc = nn.Linear(8, \
             10); readout last",
        );
        let relu = Some(Nonlinearity::Relu);
        recipe(
            ModelConfig { cell: CellKind::Rnn, nonlinearity: relu, bidirectional: false, ..usual() },
            "self.rnn = nn.RNN(28, 4, 1, batch_first=True, nonlinearity=\"relu\"); self.fc = nn.Linear(4, \
             10); readout last",
        );
        recipe(
            ModelConfig { readout: Readout::Attention, ..usual() },
            "self.lstm = nn.LSTM(28, 4, 1, batch_first=True, bidirectional=True); self.fc = nn.Linear(8, \
             10); self.attention = nn.Linear(8, 8); self.attention.context = nn.Parameter(torch.empty(8)); \
             readout attention",
        );
    }

    #[test]
    fn what_is_written_of_series_is_read() {
        let series = Series {
            steps: Some([7, 29]),
            names: Some(vec!["flow".to_owned(), "heat".to_owned()]),
            missing: Missing::Last,
            deviation: Some(vec![0.3, 1.0]),
            ..Series::plain(vec![0.1, 2.0])
        };
        let modality = Modality::Series(series);
        let manifest =
            Manifest::new(String::new(), modality.clone(), Task::classify(vec!["a".to_owned()]), Value::Null)
                .unwrap();
        let text = Description::of(&manifest, &ModelConfig::default().resolve().unwrap()).to_json();
        let mut read: Description = serde_json::from_str(&text).unwrap();
        assert_eq!(read.modality(), Some(modality));
        assert!(!text.contains("rows") && !text.contains("pictures"), "{text}");
        read.columns = 3;
        assert_eq!(read.modality(), None);
        read.series = None;
        assert_eq!(read.modality(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let data = serde_json::json!({ "dataset": "mnist" });
        let modality = Modality::Images { shape: [28, 28], preprocessing: None };
        let manifest =
            Manifest::new(String::new(), modality, Task::classify(vec!["a".to_owned()]), data).unwrap();
        let text = Description::of(&manifest, &ModelConfig::default().resolve().unwrap()).to_json();
        let read: Description = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read.rows, read.columns, Task::try_from(read.task.clone()).unwrap().outputs()),
            (Some(28), 28, 1)
        );
        assert_eq!(read.to_json(), text);
        assert!(read.metadata().contains(&("data".to_owned(), r#"{"dataset":"mnist"}"#.to_owned())));
        // Of an older birnn, or of one's own.
        let least = r#"{"classes": ["a"], "rows": 3, "columns": 2, "experiment": ""}"#;
        assert_eq!(serde_json::from_str::<Description>(least).unwrap().rows, Some(3));
    }
}
