//! Experiment files: read, `--set`, check, resolve.
//!
//! [`Experiment`] is what the user wrote; [`Plan`] is what the engine runs on, every value present and valid.
//! Every error names the file and the line, or the `--set`, that it comes from.

use std::path::{Path, PathBuf};

use birnn_data::{DataConfig, DataPlan};
use birnn_model::{Architecture, ModelConfig, Readout};
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, TableLike};

use crate::config::{TrainConfig, TrainPlan};

/// An experiment file as written. Every table may be left out; the defaults are the tutorial's recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// What runs are filed under; the file's name where it is absent.
    pub name: Option<String>,
    /// Decides initial weights, order of samples and dropout.
    pub seed: u32,
    /// What to train on.
    pub data: DataConfig,
    /// The network.
    pub model: ModelConfig,
    /// How to train it.
    pub train: TrainConfig,
}

/// An experiment with nothing left to decide but the device.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What runs are filed under.
    pub name: String,
    /// Decides initial weights, order of samples and dropout.
    pub seed: u32,
    /// What to train on.
    pub data: DataPlan,
    /// The network.
    pub architecture: Architecture,
    /// How to train it.
    pub train: TrainPlan,
}

/// A setting that cannot be, by its dotted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The key as a user would write it, such as `train.epochs`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why an experiment cannot be run as asked for.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The file cannot be read.
    #[error("{}: {source}", .path.display())]
    Read {
        /// The experiment file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{place}: {message}")]
    Wrong {
        /// The file with its line and column, or the `--set` argument.
        place: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// An experiment file in memory, `--set` arguments applied.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    sets: Vec<String>,
    /// What it says.
    pub experiment: Experiment,
}

impl Invalid {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Invalid {
        Invalid { key: key.to_owned(), message: message.into() }
    }
}

impl Source {
    /// Reads the file at `path` and applies each `key.path=value` in turn.
    pub fn read(path: &Path, sets: &[String]) -> Result<Source, ExperimentError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
        Source::parse(path, text, sets)
    }

    /// As [`Source::read`], with the text at hand; `path` is what errors and defaults go by.
    pub fn parse(path: &Path, text: String, sets: &[String]) -> Result<Source, ExperimentError> {
        let mut source =
            Source { path: path.to_owned(), text, sets: Vec::new(), experiment: Experiment::default() };
        source.experiment = source.deserialize()?;
        for set in sets {
            source.apply(set)?;
        }
        if source.experiment.name.is_none() {
            source.experiment.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        }
        source.experiment.data.anchor(path.parent().unwrap_or(Path::new("")));
        Ok(source)
    }

    /// Checks everything that can be checked before data and device are at hand.
    pub fn plan(&self) -> Result<Plan, ExperimentError> {
        self.experiment.resolve().map_err(|invalid| self.locate(invalid))
    }

    /// Where a setting that turned out impossible was made.
    pub fn locate(&self, Invalid { key, message }: Invalid) -> ExperimentError {
        let set = self.sets.iter().rfind(|set| set.split('=').next().map(str::trim) == Some(&key));
        let place = match (set, line_of(&self.text, &key)) {
            (Some(set), _) => format!("--set {set}"),
            (None, Some(line)) => format!("{}:{line}", self.path.display()),
            (None, None) => self.path.display().to_string(),
        };
        ExperimentError::Wrong { place, message: format!("{key}: {message}") }
    }

    /// One `key.path=value`: the value is TOML, or a string where it is no TOML.
    fn apply(&mut self, set: &str) -> Result<(), ExperimentError> {
        let wrong = |message: String| ExperimentError::Wrong { place: format!("--set {set}"), message };
        let Some((key, value)) = set.split_once('=') else {
            return Err(wrong("expected key.path=value, such as train.epochs=4".to_owned()));
        };
        let (key, value) = (key.trim(), value.trim());
        let value = match value.parse::<toml_edit::Value>() {
            Ok(value) => value,
            Err(_) => toml_edit::Value::from(value),
        };
        let mut document: DocumentMut = self.text.parse().map_err(|error| wrong(format!("{error}")))?;
        put(document.as_table_mut(), key, value).map_err(wrong)?;
        self.text = document.to_string();
        self.sets.push(set.to_owned());
        // Each is checked as it comes, so that a mistake is told of the argument that made it.
        self.experiment = self.deserialize().map_err(|error| match error {
            ExperimentError::Wrong { message, .. } => wrong(message),
            other => other,
        })?;
        Ok(())
    }

    fn deserialize(&self) -> Result<Experiment, ExperimentError> {
        toml::from_str(&self.text).map_err(|error| {
            let mut place = self.path.display().to_string();
            if let Some(span) = error.span() {
                let (line, column) = line_and_column(&self.text, span.start);
                place = format!("{place}:{line}:{column}");
            }
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            ExperimentError::Wrong { place, message: suggest(plainly(message)) }
        })
    }
}

impl Experiment {
    /// Checks every setting, and those that must agree with each other.
    pub fn resolve(&self) -> Result<Plan, Invalid> {
        let name = self.name.clone().unwrap_or_else(|| "run".to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let message =
                format!("runs are filed under it: letters, digits, `-`, `_` and `.` only, is `{name}`");
            return Err(Invalid::new("name", message));
        }
        let architecture = self.model.resolve().map_err(|error| Invalid::new(error.key, error.message))?;
        if architecture.readout == Readout::Sequence {
            let message = "`sequence` gives one output per time step, and a digit wants one in all; \
                           use last, final, mean, max or attention";
            return Err(Invalid::new("model.readout", message));
        }
        let train = self.train.resolve()?;
        if self.train.early_stop.is_some() && self.data.validation == 0 {
            let message = "needs images to judge by; set `data.validation`, for example to 5000";
            return Err(Invalid::new("train.early_stop", message));
        }
        let data = self.data.resolve().map_err(Invalid::from)?;
        Ok(Plan { name, seed: self.seed, data, architecture, train })
    }

    /// The experiment as a file of its own that repeats it: every default written out.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(&self.filled())
    }

    /// With every default in place.
    pub(crate) fn filled(&self) -> Experiment {
        let mut filled = self.clone();
        filled.train.optimizer = filled.train.optimizer.filled();
        filled.model = filled.model.filled();
        filled
    }
}

impl From<birnn_data::ConfigError> for Invalid {
    fn from(error: birnn_data::ConfigError) -> Invalid {
        Invalid::new(&error.key, error.message)
    }
}

/// Puts `value` at the dotted `key`, making tables on the way.
fn put(root: &mut dyn TableLike, key: &str, value: toml_edit::Value) -> Result<(), String> {
    let mut parts: Vec<&str> = key.split('.').map(str::trim).collect();
    let last = parts.pop().filter(|last| !last.is_empty()).ok_or("the key is empty")?;
    let mut table = root;
    for part in parts {
        let item = table.entry(part).or_insert_with(|| Item::Table(toml_edit::Table::new()));
        table = item.as_table_like_mut().ok_or_else(|| format!("`{part}` is a value and has no keys"))?;
    }
    table.insert(last, Item::Value(value));
    Ok(())
}

/// The line that holds the dotted `key`, or the nearest table above it.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let mut found = None;
    let mut table: Option<&dyn TableLike> = Some(document.as_table());
    for part in key.split('.') {
        let Some((key, item)) = table.and_then(|table| table.get_key_value(part)) else { break };
        found = key.span().or_else(|| item.span()).or(found);
        table = item.as_table_like();
    }
    found.map(|span| line_and_column(text, span.start).0)
}

/// Both from 1.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Says what a user of TOML calls things in place of serde's names of Rust types.
fn plainly(message: String) -> String {
    let names = [
        ("usize", "a whole number, 0 or more"),
        ("u32", "a whole number from 0 to 4294967295"),
        ("f64", "a number"),
        ("struct DataConfig", "a table"),
        ("struct ModelConfig", "a table"),
        ("struct TrainConfig", "a table"),
        ("struct OptimizerConfig", "a table"),
        ("struct ScheduleConfig", "a table"),
        ("struct EarlyStop", "a table"),
    ];
    names.iter().fold(message, |message, (rust, plain)| {
        message.replace(&format!("expected {rust}"), &format!("expected {plain}"))
    })
}

/// Adds the nearest right name to serde's "unknown field `x`, expected one of `a`, `b`".
fn suggest(message: String) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return message;
    }
    let Some(wrong) = names.next() else { return message };
    let nearest = names
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3));
    match nearest {
        Some((_, name)) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, sets: &[&str]) -> Result<Source, ExperimentError> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        Source::parse(Path::new("exp/x.toml"), text.to_owned(), &sets)
    }

    /// The error of `text` with `sets` must hold every one of `parts`.
    #[track_caller]
    fn refused(text: &str, sets: &[&str], parts: &[&str]) {
        let error = source(text, sets).and_then(|source| source.plan()).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        for part in parts {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
    }

    #[test]
    fn an_empty_file_is_the_tutorials_recipe_named_after_the_file() {
        let plan = source("", &[]).unwrap().plan().unwrap();
        assert_eq!((plan.name.as_str(), plan.seed), ("x", 0));
        assert_eq!((plan.train.epochs, plan.train.batch_size, plan.architecture.layers), (2, 100, 2));
    }

    #[test]
    fn mistakes_are_told_with_file_line_and_nearest_key() {
        refused(
            "seed = 1\nname = \"a\"\n[model]\nhiden = 3\n",
            &[],
            &["exp/x.toml:4:1: ", "did you mean `hidden`?"],
        );
        refused("[model]\ncell = \"lstn\"\n", &[], &["exp/x.toml:2:8: ", "did you mean `lstm`?"]);
        refused(
            "[train]\nepochs = \"two\"\n",
            &[],
            &["exp/x.toml:2:10: ", "string \"two\", expected a whole number"],
        );
        refused("[train]\nepochs = -1\n", &[], &["exp/x.toml:2:10: ", "-1"]);
        refused("seed = 1\n[train\n", &[], &["exp/x.toml:2:"]);
        refused("[model]\nlayers = 0\n", &[], &["exp/x.toml:2: model.layers: must be 1 to 100, is 0"]);
        refused("[model]\nhidden = -3\n", &[], &["exp/x.toml:2:10: "]);
        refused(
            "[model]\nhidden = { forward = 3 }\n",
            &[],
            &["exp/x.toml:2:10: ", "missing field `reverse`"],
        );
        refused("[model]\nhidden = { forward = 3, revers = 3 }\n", &[], &["did you mean `reverse`?"]);
        refused("[train]\ndevice = \"gpu\"\n", &[], &["exp/x.toml:2:10: ", "`cuda:N`"]);
        refused("name = \"../up\"\n", &[], &["exp/x.toml:1: name: "]);
        refused("[model]\nreadout = \"sequence\"\n", &[], &["exp/x.toml:2: model.readout: "]);
        refused(
            "[train]\n[train.early_stop]\npatience = 2\n",
            &[],
            &["exp/x.toml:2: train.early_stop: ", "data.validation"],
        );
        refused("[train]\noptimizer = { lr = 0 }\n", &[], &["exp/x.toml:2: train.optimizer.lr: "]);
    }

    #[test]
    fn mistakes_in_a_set_are_told_of_that_set() {
        refused(
            "",
            &["train.epochs=2", "model.layers=0"],
            &["--set model.layers=0: model.layers: must be 1 to 100"],
        );
        refused("", &["model.layres=2"], &["--set model.layres=2: ", "did you mean `layers`?"]);
        refused("", &["train.epochs=two"], &["--set train.epochs=two: "]);
        refused("", &["train.epochs"], &["--set train.epochs: expected key.path=value"]);
        refused("seed = 1", &["seed.x=2"], &["`seed` is a value"]);
        refused("", &["=2"], &["--set =2: the key is empty"]);
    }

    #[test]
    fn sets_apply_in_order_and_need_no_quotes() {
        let sets =
            ["model.cell=gru", "train.epochs=3", "train.epochs=4", "model.hidden={forward=3,reverse=2}"];
        let source = source("[model]\ncell = \"rnn\" # the cell\n", &sets).unwrap();
        let plan = source.plan().unwrap();
        assert_eq!(plan.train.epochs, 4);
        assert_eq!((plan.architecture.forward, plan.architecture.reverse), (3, Some(2)));
    }

    #[test]
    fn what_is_written_out_reads_back_the_same() {
        let sets = ["train.clip_norm=1.0", "train.schedule.kind=one-cycle", "train.optimizer.kind=sgd"];
        let first = source("seed = 5", &sets).unwrap().experiment;
        let text = first.to_toml().unwrap();
        assert_eq!(source(&text, &[]).unwrap().experiment.to_toml().unwrap(), text);
        for default in
            ["momentum = 0.0", "nesterov = false", "weight_decay = 0.0", "clip_norm = 1.0", "seed = 5"]
        {
            assert!(text.contains(default), "no `{default}` in:\n{text}");
        }
    }
}
