//! What a user writes under `[task]`.

use birnn_data::{Hide, HideWhat, Per, Scheme, SelfTargets, TargetKind, Wanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::train::Monitor;

/// The `[task]` table as written. [`TaskConfig::resolve`] checks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskConfig {
    /// What is learned.
    pub kind: TaskKind,
    /// `tag`: the scheme of the tags, where they mark spans, such as `B-NP`: what is found is then judged by
    /// its spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// `tag`, with a scheme and `head = "crf"`: whether the net gives only tags that the scheme allows one
    /// after the other; it does where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = true))]
    pub constrain: Option<bool>,
    /// `regress`: what there are numbers for, each sequence or each step; each sequence where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// Of numbers: which error training lowers; where it is absent the squared one, and of values that are
    /// filled in the absolute one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<RegressionLoss>,
    /// `infill`: which values are hidden, and are to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide: Option<HideConfig>,
    /// `next`: whether a net with a reverse direction, which has read what it is asked for, may be trained
    /// all the same, to see what becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "refuse"))]
    pub leak: Option<Leak>,
}

/// What is done about a net that has read what it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Leak {
    /// It is refused.
    #[default]
    Refuse,
    /// It is trained, which is said of what comes of it, and judged in use, too.
    Show,
}

/// Which values are hidden from a net that learns to fill them in: others each time it sees a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HideConfig {
    /// In what pieces.
    pub what: HideWhat,
    /// The share of the values that are there; a tenth where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1, "default" = 0.1))]
    pub share: Option<f64>,
    /// `blocks`: how many steps each has; 5 where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("default" = 5))]
    pub steps: Option<usize>,
}

impl From<Hide> for HideConfig {
    fn from(Hide { what, share, steps }: Hide) -> HideConfig {
        HideConfig { what, share: Some(share), steps: (what == HideWhat::Blocks).then_some(steps) }
    }
}

impl HideConfig {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// A share or a length that cannot be.
    pub fn resolve(&self) -> Result<Hide, Invalid> {
        let share = self.share.unwrap_or(0.1);
        if !(share > 0.0 && share < 1.0) {
            let message = format!("must be more than 0 and less than 1, such as 0.1, is {share}");
            return Err(Invalid::new("task.hide.share", message));
        }
        match (self.what, self.steps) {
            (HideWhat::Points | HideWhat::Features, Some(_)) => {
                Err(Invalid::new("task.hide.steps", "belongs to `what = \"blocks\"` alone".to_owned()))
            }
            (_, Some(0)) => Err(Invalid::new("task.hide.steps", "must be at least 1, is 0".to_owned())),
            (what, steps) => Ok(Hide { what, share, steps: steps.unwrap_or(5) }),
        }
    }

    fn with_defaults(self) -> HideConfig {
        self.resolve().map_or(self, HideConfig::from)
    }
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
    /// Values of a series that are hidden from the net: it learns to fill gaps in.
    Infill,
    /// The values of the next step: a net that reads forward alone learns to look ahead.
    Next,
}

/// The error of a number that training lowers. Numbers are learnt in standard deviations of the training
/// targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegressionLoss {
    /// The square of the difference: what is learnt is the mean.
    #[default]
    Squared,
    /// The difference: what is learnt is the median.
    Absolute,
    /// Half the square up to one standard deviation, and from there on the difference less a half (Huber
    /// 1964): single targets far off count less.
    Huber,
}

/// What is learned, with nothing left to decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskPlan {
    /// Classes or numbers, for each sequence or each step.
    pub wanted: Wanted,
    /// Of numbers: which error training lowers.
    pub loss: RegressionLoss,
    /// Of tags that mark spans: how.
    pub scheme: Option<Scheme>,
    /// Of these: whether a conditional random field gives only what the scheme allows.
    pub constrain: bool,
    /// Of values of the series themselves: which.
    pub self_targets: Option<SelfTargets>,
}

impl TaskKind {
    /// As experiments have it.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::Classify => "classify",
            TaskKind::Tag => "tag",
            TaskKind::Regress => "regress",
            TaskKind::Infill => "infill",
            TaskKind::Next => "next",
        }
    }

    /// Whether it learns numbers, and not classes, of text or of what else there is.
    pub fn is_of_numbers(self, is_text: bool) -> bool {
        match self {
            TaskKind::Classify | TaskKind::Tag => false,
            TaskKind::Regress => true,
            TaskKind::Infill | TaskKind::Next => !is_text,
        }
    }
}

impl TaskConfig {
    /// Whether an experiment may leave it out.
    pub fn is_default(&self) -> bool {
        *self == TaskConfig::default()
    }

    /// Checks every setting.
    pub fn resolve(&self) -> Result<TaskPlan, Invalid> {
        let of_others = [
            ("task.per", self.per.is_some(), self.kind == TaskKind::Regress, "`kind = \"regress\"`"),
            (
                "task.loss",
                self.loss.is_some(),
                self.kind.is_of_numbers(false),
                "`kind = \"regress\"`, `\"infill\"` and `\"next\"`",
            ),
            ("task.scheme", self.scheme.is_some(), self.kind == TaskKind::Tag, "`kind = \"tag\"`"),
            ("task.constrain", self.constrain.is_some(), self.kind == TaskKind::Tag, "`kind = \"tag\"`"),
            ("task.leak", self.leak.is_some(), self.kind == TaskKind::Next, "`kind = \"next\"`"),
            ("task.hide", self.hide.is_some(), self.kind == TaskKind::Infill, "`kind = \"infill\"`"),
        ];
        if let Some((key, _, _, whose)) = of_others.into_iter().find(|&(_, given, suits, _)| given && !suits)
        {
            return Err(Invalid::new(key, format!("belongs to {whose} alone")));
        }
        if self.constrain.is_some() && self.scheme.is_none() {
            let message = "says whether tags obey their scheme, and `scheme` is missing";
            return Err(Invalid::new("task.constrain", message.to_owned()));
        }
        let wanted = match self.kind {
            TaskKind::Classify => Wanted::default(),
            TaskKind::Tag => Wanted { kind: TargetKind::Classes, per: Per::Step },
            TaskKind::Regress => Wanted { kind: TargetKind::Numbers, per: self.per.unwrap_or_default() },
            TaskKind::Infill => Wanted { kind: TargetKind::Hidden, per: Per::Step },
            TaskKind::Next => Wanted { kind: TargetKind::Next, per: Per::Step },
        };
        let self_targets = match self.kind {
            TaskKind::Classify | TaskKind::Tag | TaskKind::Regress => None,
            TaskKind::Infill => Some(SelfTargets::Hidden(self.hide.unwrap_or_default().resolve()?)),
            TaskKind::Next => Some(SelfTargets::Next),
        };
        let constrain = self.constrain.unwrap_or(true);
        Ok(TaskPlan { wanted, loss: self.loss(), scheme: self.scheme, constrain, self_targets })
    }

    fn loss(&self) -> RegressionLoss {
        let usual = match self.kind {
            TaskKind::Infill => RegressionLoss::Absolute,
            TaskKind::Classify | TaskKind::Tag | TaskKind::Regress | TaskKind::Next => {
                RegressionLoss::Squared
            }
        };
        self.loss.unwrap_or(usual)
    }

    /// What of an evaluation can be monitored, of text or of what else there is.
    pub(crate) fn monitors(&self, is_text: bool) -> &'static [Monitor] {
        match self.kind {
            TaskKind::Infill | TaskKind::Next if is_text => &[Monitor::Loss, Monitor::Accuracy],
            TaskKind::Tag if self.scheme.is_some() => {
                &[Monitor::Loss, Monitor::Accuracy, Monitor::MacroF1, Monitor::F1]
            }
            TaskKind::Classify | TaskKind::Tag => &[Monitor::Loss, Monitor::Accuracy, Monitor::MacroF1],
            TaskKind::Regress | TaskKind::Infill | TaskKind::Next => {
                &[Monitor::Loss, Monitor::Rmse, Monitor::Mae, Monitor::R2]
            }
        }
    }

    /// With every default written out.
    pub(crate) fn with_defaults(self) -> TaskConfig {
        match self.kind {
            TaskKind::Classify => self,
            TaskKind::Tag => {
                TaskConfig { constrain: self.scheme.map(|_| self.constrain.unwrap_or(true)), ..self }
            }
            TaskKind::Regress => {
                TaskConfig { per: Some(self.per.unwrap_or_default()), loss: Some(self.loss()), ..self }
            }
            TaskKind::Infill => TaskConfig {
                loss: Some(self.loss()),
                hide: Some(self.hide.unwrap_or_default().with_defaults()),
                ..self
            },
            TaskKind::Next => {
                TaskConfig { loss: Some(self.loss()), leak: Some(self.leak.unwrap_or_default()), ..self }
            }
        }
    }
}
