//! What a user writes in an experiment file, and what is run.

use std::path::{Path, PathBuf};

use birnn_architecture::{Architecture, EmbeddingConfig, Head, ModelConfig, Readout};
use birnn_data::{DataConfig, DataPlan, HideWhat, Per, SplitBy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::sweep::SweepConfig;
use crate::task::{Leak, TaskConfig, TaskKind, TaskPlan};
use crate::train::{Monitor, TrainConfig, TrainPlan};

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
    /// What to learn.
    #[serde(skip_serializing_if = "TaskConfig::is_default")]
    pub task: TaskConfig,
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
    /// What to learn.
    pub task: TaskPlan,
    /// What to train on.
    pub data: DataPlan,
    /// The network.
    pub architecture: Architecture,
    /// How to train it.
    pub train: TrainPlan,
}

const LEAK: &str = "the values of the next step are what the reverse direction has just read";

impl Experiment {
    /// Makes paths to the user's own files relative that `relative` can.
    pub fn relate(&mut self, relative: &impl Fn(&Path) -> Option<PathBuf>) {
        self.data.relate(relative);
        if let Some(sweep) = &mut self.sweep {
            sweep.with_paths(relative);
        }
    }

    /// Checks every setting, and those that must agree with each other.
    pub fn resolve(&self) -> Result<Plan, Invalid> {
        let name = self.name.clone().unwrap_or_else(|| "run".to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let message =
                format!("runs are filed under it: letters, digits, `-`, `_` and `.` only, is `{name}`");
            return Err(Invalid::new("name", message));
        }
        let task = self.task.resolve()?;
        let architecture = self.architecture(task.wanted.per)?;
        let is_shown = self.task.leak == Some(Leak::Show);
        if let (Some(key), false) = (self.leaks(), is_shown) {
            let one_way = match self.model.bidirectional {
                true => "`bidirectional = false`",
                false => "`hidden` as one number",
            };
            let message = format!(
                "{LEAK}: training would look perfect and teach nothing; {one_way} looks ahead, `kind = \"infill\"` under \
                 [task] fills gaps in with both directions, and `leak = \"show\"` there shows what becomes of it"
            );
            return Err(Invalid::new(key, message));
        }
        let spells = architecture.embedding.is_some_and(|embedding| embedding.characters.is_some());
        if self.task.kind == TaskKind::Infill && spells {
            let message = "reads the characters of tokens that are hidden; leave it out";
            return Err(Invalid::new("model.embedding.characters", message.to_owned()));
        }
        if self.data.dataset.is_text() {
            self.suits_hiding(0)?;
        }
        let train = self.train.resolve()?;
        self.suits_task()?;
        let mut data = self.data.resolve_for(task.wanted).map_err(Invalid::from)?;
        if let Some(embedding) = architecture.embedding {
            data.text.vectors = self.data.vectors(embedding.width, embedding.frozen);
            if data.text.vectors.is_none() && embedding.frozen {
                let message =
                    "keeps vectors as a file has them: `vectors` under [data] names it, and is missing";
                return Err(Invalid::new("model.embedding.freeze", message));
            }
        }
        data.self_targets = task.self_targets;
        data.text.learnt = task.scheme;
        if data.text.learnt.is_none() && (data.text.scheme.is_some() || data.text.repair_tags) {
            let key = if data.text.scheme.is_some() { "data.scheme" } else { "data.repair_tags" };
            let message = "is about tags that mark spans: `scheme` under [task] says how they do";
            return Err(Invalid::new(key, message));
        }
        if self.data.validation.is_none() && self.data.validation_file.is_none() {
            let what = data.source.noun();
            let some = match (data.split, data.source.is_series()) {
                (SplitBy::Random, true) => "50",
                (SplitBy::Random, false) => "5000",
                (SplitBy::Time | SplitBy::Group, _) => "0.1",
            };
            let message = format!("needs {what} to judge by; set `data.validation`, for example to {some}");
            if self.train.early_stop.is_some() {
                return Err(Invalid::new("train.early_stop", message));
            }
            if self.train.monitor != Monitor::default() {
                return Err(Invalid::new("train.monitor", message));
            }
        }
        if let Some(sweep) = &self.sweep {
            sweep.trials(self.seed)?;
        }
        Ok(Plan { name, seed: self.seed, task, data, architecture, train })
    }

    /// The net that answers `per` sequence or step.
    fn architecture(&self, per: Per) -> Result<Architecture, Invalid> {
        let model = self.with_embedding();
        if model.embedding.is_some() && !self.data.dataset.is_text() {
            let message = "is about words, and `[data]` has none";
            return Err(Invalid::new("model.embedding", message));
        }
        let architecture = model.resolve().map_err(|error| Invalid::new(error.key, error.message))?;
        if architecture.head == Head::Crf && self.task.kind != TaskKind::Tag {
            let message =
                "\"crf\" finds the answers of all steps together; it needs `kind = \"tag\"` under [task]";
            return Err(Invalid::new("model.head", message));
        }
        match (per, architecture.readout) {
            (Per::Sequence, Readout::Sequence) => {
                let message = "`sequence` gives one output per time step, and this task wants one in all; \
                               use last, final, mean, max or attention";
                Err(Invalid::new("model.readout", message))
            }
            // `last` is what stands where nothing is said.
            (Per::Step, Readout::Last | Readout::Sequence) => {
                Ok(Architecture { readout: Readout::Sequence, ..architecture })
            }
            (Per::Step, readout) => {
                let message = format!(
                    "`{readout}` makes one vector of a sequence, and this task answers each step; leave it out"
                );
                Err(Invalid::new("model.readout", message))
            }
            (Per::Sequence, Readout::Last) if architecture.forward.is_none() => {
                let message = "`last`, which stands where nothing is said, is the step at which a net in reverse begins, \
                               and it has read nothing else there; `final` reads it at its own end";
                Err(Invalid::new("model.readout", message))
            }
            (Per::Sequence, _) => Ok(architecture),
        }
    }

    /// How words become vectors, where it is to read such, also where nothing is said of it.
    pub fn embedding(&self) -> Option<EmbeddingConfig> {
        self.with_embedding().embedding
    }

    /// The model, which has vectors for words where it is to read such.
    fn with_embedding(&self) -> ModelConfig {
        let usual = self.data.dataset.is_text().then(EmbeddingConfig::default);
        ModelConfig { embedding: self.model.embedding.clone().or(usual), ..self.model.clone() }
    }

    /// Whether the settings of training are those of its task.
    fn suits_task(&self) -> Result<(), Invalid> {
        let (monitor, is_text) = (self.train.monitor, self.data.dataset.is_text());
        if self.task.loss.is_some() && !self.task.kind.is_of_numbers(is_text) {
            let message = "is an error of numbers, and what comes next in a text is none";
            return Err(Invalid::new("task.loss", message.to_owned()));
        }
        if !self.task.monitors(is_text).contains(&monitor) {
            let kind = self.task.kind.name();
            let can: Vec<String> =
                self.task.monitors(is_text).iter().map(|monitor| format!("`{}`", monitor.name())).collect();
            let message = format!("task `{kind}` has no {monitor}; there are {}", can.join(", "));
            return Err(Invalid::new("train.monitor", message));
        }
        let of_classes = [
            ("train.label_smoothing", self.train.label_smoothing > 0.0),
            ("train.class_weights", self.train.class_weights.is_some()),
        ];
        if let (Head::Crf, Some((key, _))) = (self.model.head, of_classes.iter().find(|(_, given)| *given)) {
            let message =
                "is about answers that each stand for themselves, and those of `head = \"crf\"` do not";
            return Err(Invalid::new(key, message));
        }
        match (self.task.kind, of_classes.into_iter().find(|(_, given)| *given)) {
            (kind, Some((key, _))) if kind.is_of_numbers(is_text) => {
                Err(Invalid::new(key, format!("is about classes, and task `{}` learns numbers", kind.name())))
            }
            (TaskKind::Infill | TaskKind::Next, Some(("train.class_weights", _))) => {
                let message =
                    "is about classes that data names, and this task learns tokens of the texts themselves";
                Err(Invalid::new("train.class_weights", message.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Checks that what is hidden can be, and leaves something to go by, where each step has so many values;
    /// texts have none.
    pub fn suits_hiding(&self, features: usize) -> Result<(), Invalid> {
        let hides_features = self.task.hide.is_some_and(|hide| hide.what == HideWhat::Features);
        let message = match features {
            _ if !hides_features => return Ok(()),
            0 => "\"features\" are those of series, and a text has none: \"points\" or \"blocks\"",
            1 => {
                "\"features\" hides whole ones, and these series have one: \"points\" or \"blocks\" leave something to go \
                 by"
            }
            _ => return Ok(()),
        };
        Err(Invalid::new("task.hide.what", message.to_owned()))
    }

    /// Checks what depends on how many time steps the longest sequence has, and how many values each step.
    pub fn suits(&self, longest: usize, features: usize) -> Result<(), Invalid> {
        self.suits_hiding(features)?;
        let name = match self.with_defaults().model.readout {
            Readout::Last => "last",
            Readout::Final => "final",
            _ => return Ok(()),
        };
        if longest == 1 {
            let message = format!(
                "`{name}` tells time steps apart, and these have one (of images each row is one); use `mean`"
            );
            return Err(Invalid::new("model.readout", message));
        }
        Ok(())
    }

    /// Whether its net is asked for what its reverse direction has read: what it comes to is of no use beside
    /// others.
    pub fn reads_what_it_is_asked(&self) -> bool {
        self.leaks().is_some()
    }

    /// Of a net that has read what it is asked for, by [`LEAK`], the setting that has it so.
    fn leaks(&self) -> Option<&'static str> {
        let key = if self.model.bidirectional { "model.bidirectional" } else { "model.hidden" };
        (self.task.kind == TaskKind::Next && self.model.reads_in_reverse()).then_some(key)
    }

    /// Settings that can be, but hardly are what was meant. `known` is how many samples there are to train
    /// on, and the steps of the shortest and the longest, once they are at hand.
    pub fn warnings(&self, known: Option<(usize, [usize; 2])>) -> Vec<Invalid> {
        let TrainConfig { epochs, batch_size, early_stop, schedule, .. } = &self.train;
        let mut warnings = Vec::new();
        // Once they are at hand, their content says more.
        let DataConfig { train_images, test_images, train, test, validation_file, .. } = &self.data;
        for (key, train, test, what) in [
            ("data.test_images", train_images, test_images, "images"),
            ("data.test", train, test, "samples"),
            ("data.validation_file", train, validation_file, "samples"),
        ] {
            if known.is_none() && test.is_some() && test == train {
                let message =
                    format!("these are the training {what}: how a net does on them says nothing of others");
                warnings.push(Invalid::new(key, message));
            }
        }
        if let Some(key) = self.leaks() {
            let message = format!(
                "{LEAK} (task.leak = \"show\"): the errors of training, validation and test are of no use; `birnn eval` tells \
                 how the net does in use"
            );
            warnings.push(Invalid::new(key, message));
        }
        if self.task.leak == Some(Leak::Show) && self.leaks().is_none() {
            let message = "there is nothing to show: a net that reads forward alone has read nothing of what it is asked for";
            warnings.push(Invalid::new("task.leak", message.to_owned()));
        }
        if matches!(self.task.kind, TaskKind::Infill | TaskKind::Next) && self.data.target.is_some() {
            let message = "this task learns the features themselves, and reads none of these columns: leave it out where \
                           they are features, too";
            warnings.push(Invalid::new("data.target", message.to_owned()));
        }
        if !matches!(self.task.kind, TaskKind::Classify | TaskKind::Tag) && self.data.classes.is_some() {
            let message = "this task has no classes, and reads none of these names: leave it out";
            warnings.push(Invalid::new("data.classes", message.to_owned()));
        }
        if self.task.constrain == Some(true) && self.model.head != Head::Crf {
            let message = "only a net with `head = \"crf\"` under [model] can be held to the scheme: this one may answer anything";
            warnings.push(Invalid::new("task.constrain", message.to_owned()));
        }
        let block = self.task.hide.and_then(|hide| hide.steps);
        if let (Some(steps), Some(window)) = (block, self.data.window)
            && steps > window.length
        {
            let message =
                format!("a block ends with its window, which has {} steps (`data.window`)", window.length);
            warnings.push(Invalid::new("task.hide.steps", message));
        }
        let unequal = known.is_some_and(|(_, [shortest, longest])| shortest < longest);
        if unequal && self.model.bidirectional && self.with_defaults().model.readout == Readout::Last {
            let message = "at the last step of a series the reverse half has seen that step alone, and of series of \
                           unequal lengths the last step is now here, now there; `final` reads each direction at \
                           its own end";
            warnings.push(Invalid::new("model.readout", message));
        }
        // The first epoch is the best so far in any case.
        let soonest = early_stop.map(|stop| stop.patience.saturating_add(1));
        if let Some(soonest) = soonest.filter(|soonest| soonest >= epochs) {
            let message =
                format!("nothing stops early: it takes a run of more than {soonest} epochs (`train.epochs`)");
            warnings.push(Invalid::new("train.early_stop.patience", message));
        }
        let steps = known.map(|(samples, _)| samples.div_ceil((*batch_size).max(1)).saturating_mul(*epochs));
        if let (Some(warmup), Some(steps)) = (schedule.warmup_steps, steps)
            && warmup > steps
        {
            let message =
                format!("the run has {steps} steps, so the rate never gets up to `train.optimizer.lr`");
            warnings.push(Invalid::new("train.schedule.warmup_steps", message));
        }
        warnings
    }

    /// The experiment as a file of its own that repeats it: every default written out.
    ///
    /// # Errors
    ///
    /// TOML is text, and a path that is none cannot be written down.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        self.with_defaults().to_toml_as_written()
    }

    /// The same, but what other settings decide, such as an optimizer's `betas`, stays absent where it was:
    /// settings can be varied in it.
    ///
    /// # Errors
    ///
    /// As [`Experiment::to_toml`].
    pub fn to_toml_as_written(&self) -> Result<String, toml::ser::Error> {
        let mut paths = self.data.paths().into_iter().filter_map(|(_, path)| path.as_ref());
        if let Some(path) = paths.find(|path| path.to_str().is_none()) {
            return Err(serde::ser::Error::custom(format!(
                "{}: this name is no UTF-8, and no experiment file can hold it; \
                 rename it, or the folder that it is of",
                birnn_data::name::text(path)
            )));
        }
        toml::to_string(self)
    }

    /// Every setting with its value, to hold against those of another experiment.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self.with_defaults()).unwrap_or_default();
        // A file leaves it out where nothing is varied; here it is zeros that others may differ from.
        json["data"]["augment"] = serde_json::to_value(self.data.augment).unwrap_or_default();
        json
    }

    /// With every default in place.
    fn with_defaults(&self) -> Experiment {
        let mut written_out = self.clone();
        written_out.task = written_out.task.with_defaults();
        if !self.task.kind.is_of_numbers(self.data.dataset.is_text()) {
            written_out.task.loss = self.task.loss;
        }
        if self.model.head != Head::Crf {
            written_out.task.constrain = self.task.constrain;
        }
        written_out.train.optimizer = written_out.train.optimizer.with_defaults();
        written_out.model = written_out.with_embedding().with_defaults();
        if let Ok(task) = written_out.task.resolve() {
            if task.wanted.per == Per::Step {
                written_out.model.readout = Readout::Sequence;
            }
            if let (Some(_), true, Ok(data)) =
                (task.self_targets, self.data.is_series(), self.data.resolve_for(task.wanted))
            {
                written_out.data.missing = Some(data.missing);
                written_out.data.missing_mask = Some(data.missing_mask);
            }
        }
        written_out
    }
}
