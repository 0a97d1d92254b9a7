//! What a user writes under `[task]`.

use birnn_data::{Per, Scheme, TargetKind, Wanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::train::Monitor;

/// The `[task]` table as written. [`TaskConfig::resolve`] checks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskConfig {
    /// What is learned.
    pub kind: TaskKind,
    /// `tag`: the scheme of the tags, where they mark spans, such as `B-NP`: what is found is then judged by its spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// `tag`, with a scheme and `head = "crf"`: whether the net gives only tags that the scheme allows one after the
    /// other; it does where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub constrain: Option<bool>,
    /// `regress`: what there are numbers for, each sequence or each step; each sequence where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// `regress`: which error training lowers; the squared one where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<RegressionLoss>,
}

/// What is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// One class for each sequence.
    #[default]
    Classify,
    /// One class for each step.
    Tag,
    /// Numbers for each sequence, or for each step.
    Regress,
}

/// The error of a number that training lowers. Numbers are learnt in standard deviations of the training targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegressionLoss {
    /// The square of the difference: what is learnt is the mean.
    #[default]
    Squared,
    /// The difference: what is learnt is the median.
    Absolute,
    /// Half the square up to one standard deviation, and from there on the difference less a half (Huber 1964):
    /// single targets far off count less.
    Huber,
}

/// What is learned, with nothing left to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskPlan {
    /// Classes or numbers, for each sequence or each step.
    pub wanted: Wanted,
    /// Of numbers: which error training lowers.
    pub loss: RegressionLoss,
    /// Of tags that mark spans: how.
    pub scheme: Option<Scheme>,
    /// Of these: whether a conditional random field gives only what the scheme allows.
    pub constrain: bool,
}

impl TaskKind {
    /// As experiments have it.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::Classify => "classify",
            TaskKind::Tag => "tag",
            TaskKind::Regress => "regress",
        }
    }
}

impl TaskConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == TaskConfig::default()
    }

    /// Checks every setting.
    pub fn resolve(&self) -> Result<TaskPlan, Invalid> {
        let of_numbers = [("task.per", self.per.is_some()), ("task.loss", self.loss.is_some())];
        if let (TaskKind::Classify | TaskKind::Tag, Some((key, _))) =
            (self.kind, of_numbers.into_iter().find(|(_, given)| *given))
        {
            return Err(Invalid::new(key, "belongs to `kind = \"regress\"` alone".to_owned()));
        }
        let of_tags = [("task.scheme", self.scheme.is_some()), ("task.constrain", self.constrain.is_some())];
        if let (TaskKind::Classify | TaskKind::Regress, Some((key, _))) =
            (self.kind, of_tags.into_iter().find(|(_, given)| *given))
        {
            return Err(Invalid::new(key, "belongs to `kind = \"tag\"` alone".to_owned()));
        }
        if self.constrain.is_some() && self.scheme.is_none() {
            let message = "says whether tags obey their scheme, and `scheme` is missing";
            return Err(Invalid::new("task.constrain", message.to_owned()));
        }
        let wanted = match self.kind {
            TaskKind::Classify => Wanted::default(),
            TaskKind::Tag => Wanted { kind: TargetKind::Classes, per: Per::Step },
            TaskKind::Regress => Wanted { kind: TargetKind::Numbers, per: self.per.unwrap_or_default() },
        };
        let (loss, constrain) = (self.loss.unwrap_or_default(), self.constrain.unwrap_or(true));
        Ok(TaskPlan { wanted, loss, scheme: self.scheme, constrain })
    }

    /// What of an evaluation can be monitored.
    pub(crate) fn monitors(&self) -> &'static [Monitor] {
        match self.kind {
            TaskKind::Tag if self.scheme.is_some() => {
                &[Monitor::Loss, Monitor::Accuracy, Monitor::MacroF1, Monitor::F1]
            }
            TaskKind::Classify | TaskKind::Tag => &[Monitor::Loss, Monitor::Accuracy, Monitor::MacroF1],
            TaskKind::Regress => &[Monitor::Loss, Monitor::Rmse, Monitor::Mae, Monitor::R2],
        }
    }

    /// With every default written out.
    pub(crate) fn with_defaults(self) -> TaskConfig {
        match self.kind {
            TaskKind::Classify => self,
            TaskKind::Tag => {
                TaskConfig { constrain: self.scheme.map(|_| self.constrain.unwrap_or(true)), ..self }
            }
            TaskKind::Regress => TaskConfig {
                per: Some(self.per.unwrap_or_default()),
                loss: Some(self.loss.unwrap_or_default()),
                ..self
            },
        }
    }
}
