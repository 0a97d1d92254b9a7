//! Experiment files: read, `--set`, check, resolve.
//!
//! [`Experiment`] is what the user wrote; [`Plan`] is what the engine runs on, every value present and valid.
//! Every error names the file and the line, or the `--set`, that it comes from, and can show it.

mod message;
mod place;
mod schema;
mod show;
mod source;
mod sweep;

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{DataConfig, DataPlan};
use birnn_model::{Architecture, ModelConfig, Readout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::schema::schema;
pub use self::source::Source;
pub use self::sweep::{Seeds, SweepConfig, Trial};
use crate::config::{TrainConfig, TrainPlan};

/// An experiment of birnn. Every setting may be left out; the defaults are the tutorial's recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "birnn experiment")]
pub struct Experiment {
    /// What runs are filed under; the file's name where it is absent.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"))]
    pub name: Option<String>,
    /// Decides initial weights, order of samples and dropout.
    #[schemars(range(max = 4_294_967_295_u32))]
    pub seed: u32,
    /// What to train on.
    pub data: DataConfig,
    /// The network.
    pub model: ModelConfig,
    /// How to train it.
    pub train: TrainConfig,
    /// What `birnn sweep` varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepConfig>,
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
    #[error("{}: {source}{}", shown(.path), hint(.path))]
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
        /// The line in question with carets below, where there is one.
        excerpt: Option<String>,
    },
}

impl ExperimentError {
    /// The line in question, with its number and with carets below what is wrong.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            ExperimentError::Read { .. } => None,
            ExperimentError::Wrong { excerpt, .. } => excerpt.as_deref(),
        }
    }
}

/// What may be meant where a path is no experiment file.
fn hint(path: &Path) -> String {
    match (path.join("config.toml").is_file(), path.is_dir(), path.exists()) {
        (true, ..) => format!("; it is a run: to go on with it, --resume {}", shown(&path)),
        (_, true, _) => "; an experiment is a TOML file, such as configs/bilstm.toml".to_owned(),
        (.., false) => "; name an experiment file, such as configs/bilstm.toml".to_owned(),
        _ => String::new(),
    }
}

impl Invalid {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Invalid {
        Invalid { key: key.to_owned(), message: message.into() }
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
        if let Some(sweep) = &self.sweep {
            sweep.trials(self.seed)?;
        }
        Ok(Plan { name, seed: self.seed, data, architecture, train })
    }

    /// Checks what depends on the `rows` of the images, each of them a time step.
    pub fn suits(&self, rows: usize) -> Result<(), Invalid> {
        let name = match self.model.readout {
            Readout::Last => "last",
            Readout::Final => "final",
            _ => return Ok(()),
        };
        if rows == 1 {
            let message = format!(
                "`{name}` tells time steps apart, and these images have one row, so one time step; use `mean`"
            );
            return Err(Invalid::new("model.readout", message));
        }
        Ok(())
    }

    /// Settings that can be, but hardly are what was meant. `images` is how many there are to train on,
    /// where that is known.
    pub fn doubts(&self, images: Option<usize>) -> Vec<Invalid> {
        let TrainConfig { epochs, batch_size, early_stop, schedule, .. } = &self.train;
        let mut doubts = Vec::new();
        // Once they are at hand, their content says more.
        let unread = images.is_none() && self.data.test_images.is_some();
        if unread && self.data.test_images == self.data.train_images {
            let message = "these are the training images: the accuracy on them says nothing of others";
            doubts.push(Invalid::new("data.test_images", message));
        }
        if early_stop.is_some_and(|stop| stop.patience >= *epochs) {
            let message =
                format!("nothing stops early: it takes a run of more than {epochs} epochs (`train.epochs`)");
            doubts.push(Invalid::new("train.early_stop.patience", message));
        }
        let steps = images.map(|images| images.div_ceil((*batch_size).max(1)).saturating_mul(*epochs));
        if let (Some(warmup), Some(steps)) = (schedule.warmup_steps, steps)
            && warmup > steps
        {
            let message =
                format!("the run has {steps} steps, so the rate never gets up to `train.optimizer.lr`");
            doubts.push(Invalid::new("train.schedule.warmup_steps", message));
        }
        doubts
    }

    /// The experiment as a file of its own that repeats it: every default written out.
    ///
    /// # Errors
    ///
    /// TOML is text, and a path that is none cannot be written down.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let DataConfig { train_images, train_labels, test_images, test_labels, .. } = &self.data;
        let paths = [train_images, train_labels, test_images, test_labels];
        if let Some(path) = paths.into_iter().flatten().find(|path| path.to_str().is_none()) {
            return Err(serde::ser::Error::custom(format!(
                "{}: this name is no UTF-8, and no experiment file can hold it; rename it, or the folder that it is of",
                birnn_data::name::text(path)
            )));
        }
        toml::to_string(&self.filled())
    }

    /// Every setting with its value, to hold against those of another experiment.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self.filled()).unwrap_or_default();
        // A file leaves it out where nothing is varied; here it is zeros that others may differ from.
        json["data"]["augment"] = serde_json::to_value(self.data.augment).unwrap_or_default();
        json
    }

    /// With every default in place.
    pub(crate) fn filled(&self) -> Experiment {
        let mut filled = self.clone();
        filled.train.optimizer = filled.train.optimizer.filled();
        filled.model = filled.model.with_defaults();
        filled
    }
}

impl From<birnn_data::ConfigError> for Invalid {
    fn from(error: birnn_data::ConfigError) -> Invalid {
        Invalid::new(&error.key, error.message)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
            &["exp/x.toml:2:10: train.epochs: must be a whole number, 0 or more, is \"two\""],
        );
        refused("[train]\nepochs = -1\n", &[], &["exp/x.toml:2:10: ", "-1"]);
        refused("seed = 1\n[train\n", &[], &["exp/x.toml:2:"]);
        refused("[model]\nlayers = 0\n", &[], &["exp/x.toml:2:10: model.layers: must be 1 to 100, is 0"]);
        refused("[model]\nhidden = -3\n", &[], &["exp/x.toml:2:10: "]);
        refused("[model]\nhidden = { forward = 3 }\n", &[], &["exp/x.toml:2:10: ", "`reverse` is missing"]);
        refused("[model]\nhidden = { forward = 3, revers = 3 }\n", &[], &["did you mean `reverse`?"]);
        refused("[train]\ndevice = \"gpu\"\n", &[], &["exp/x.toml:2:10: ", "`cuda:N`"]);
        refused("name = \"../up\"\n", &[], &["exp/x.toml:1:8: name: "]);
        refused("[model]\nreadout = \"sequence\"\n", &[], &["exp/x.toml:2:11: model.readout: "]);
        refused(
            "[train]\n[train.early_stop]\npatience = 2\n",
            &[],
            &["exp/x.toml:2:8: train.early_stop: ", "data.validation"],
        );
        refused("[train]\noptimizer = { lr = 0 }\n", &[], &["exp/x.toml:2:20: train.optimizer.lr: "]);
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

    proptest::proptest! {
        /// Whatever is written, no place in it is out of bounds.
        #[test]
        fn any_text_ends_in_an_experiment_or_in_one_line_and_an_excerpt(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..12),
            set in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..8),
        ) {
            let set = set.concat();
            for sets in [&[] as &[&str], &[&set], &[&format!("model.cell={set}"), &format!("data.{set}")]] {
                if let Err(error) = source(&pieces.concat(), sets).and_then(|source| source.plan()) {
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                    assert!(error.excerpt().is_none_or(|excerpt| excerpt.lines().count() == 3), "{error}");
                }
            }
        }
    }

    /// What TOML, experiments and trouble are made of.
    const PIECES: [&str; 24] = [
        "[model]\n",
        "[train.",
        "[[data]]\n",
        "hidden",
        "layers",
        " = ",
        "=",
        "0",
        "-1",
        "\"é\"",
        "\"",
        "\"\"\"",
        "é",
        "\u{85}",
        "\u{feff}",
        "\r\n",
        "\n",
        "\t",
        "]",
        "{",
        "}",
        ",",
        ".",
        "# x\n",
    ];

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
