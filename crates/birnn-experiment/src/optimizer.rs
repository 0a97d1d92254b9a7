//! What a user writes under `[train.optimizer]`, and the algorithm it stands for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::{Invalid, fraction, not_negative, positive};

/// The `[train.optimizer]` table as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The update rule.
    pub kind: OptimizerKind,
    /// The peak learning rate.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub lr: f64,
    /// Decay of the first and second moment; `adam` and `adamw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "items" = { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
        "default" = BETAS
    ))]
    pub betas: Option<[f64; 2]>,
    /// Added to the denominator; `adam` and `adamw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "default" = EPS))]
    pub eps: Option<f64>,
    /// Weight decay: part of the gradient for `sgd` and `adam`, 0 by default; apart from it for `adamw`, 0.01
    /// by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub weight_decay: Option<f64>,
    /// Share of the last update kept; `sgd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "default" = 0.0))]
    pub momentum: Option<f64>,
    /// Nesterov's momentum; `sgd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub nesterov: Option<bool>,
}

/// The update rule, as named in a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Kingma and Ba 2015.
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Gradient descent, with momentum where asked for.
    Sgd,
}

/// An algorithm with every constant in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// Adam or AdamW.
    Adam(Adam),
    /// Gradient descent.
    Sgd(Sgd),
}

/// Adam's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the first and second moment.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether the decay acts on the weights apart from the gradient: AdamW.
    pub decoupled: bool,
}

/// The constants of gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the last update kept.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
}

impl OptimizerKind {
    /// Whether it keeps two moments, and has the settings that go with them.
    fn is_adaptive(self) -> bool {
        match self {
            OptimizerKind::Adam | OptimizerKind::AdamW => true,
            OptimizerKind::Sgd => false,
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig {
            kind: OptimizerKind::Adam,
            lr: 0.003,
            betas: None,
            eps: None,
            weight_decay: None,
            momentum: None,
            nesterov: None,
        }
    }
}

/// PyTorch's, as all defaults here.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPS: f64 = 1e-8;

impl OptimizerConfig {
    /// With the defaults of its kind written out.
    pub fn with_defaults(&self) -> OptimizerConfig {
        let adaptive = self.kind.is_adaptive();
        OptimizerConfig {
            betas: self.betas.or(adaptive.then_some(BETAS)),
            eps: self.eps.or(adaptive.then_some(EPS)),
            weight_decay: Some(self.weight_decay.unwrap_or(self.usual_decay())),
            momentum: self.momentum.or((!adaptive).then_some(0.0)),
            nesterov: self.nesterov.or((!adaptive).then_some(false)),
            ..self.clone()
        }
    }

    fn usual_decay(&self) -> f64 {
        if self.kind == OptimizerKind::AdamW { 0.01 } else { 0.0 }
    }

    /// Checks every setting; those of another rule are refused.
    pub fn resolve(&self) -> Result<Algorithm, Invalid> {
        let adaptive = self.kind.is_adaptive();
        let foreign = if adaptive {
            [
                ("train.optimizer.momentum", self.momentum.is_some()),
                ("train.optimizer.nesterov", self.nesterov.is_some()),
            ]
        } else {
            [("train.optimizer.betas", self.betas.is_some()), ("train.optimizer.eps", self.eps.is_some())]
        };
        if let Some((key, _)) = foreign.into_iter().find(|&(_, given)| given) {
            let owner = if adaptive { "`sgd`" } else { "`adam` and `adamw`" };
            return Err(Invalid::new(key, format!("belongs to {owner}; remove it")));
        }
        positive("train.optimizer.lr", self.lr)?;
        if let Some(eps) = self.eps {
            positive("train.optimizer.eps", eps)?;
        }
        let betas = self.betas.unwrap_or(BETAS);
        for share in betas {
            fraction("train.optimizer.betas", share)?;
        }
        let momentum = self.momentum.unwrap_or(0.0);
        fraction("train.optimizer.momentum", momentum)?;
        let weight_decay = self.weight_decay.unwrap_or(self.usual_decay());
        not_negative("train.optimizer.weight_decay", weight_decay)?;
        let nesterov = self.nesterov.unwrap_or(false);
        if nesterov && momentum == 0.0 {
            return Err(Invalid::new("train.optimizer.nesterov", "needs a momentum above 0"));
        }
        let eps = self.eps.unwrap_or(EPS);
        Ok(match self.kind {
            OptimizerKind::Adam => Algorithm::Adam(Adam { betas, eps, weight_decay, decoupled: false }),
            OptimizerKind::AdamW => Algorithm::Adam(Adam { betas, eps, weight_decay, decoupled: true }),
            OptimizerKind::Sgd => Algorithm::Sgd(Sgd { momentum, weight_decay, nesterov }),
        })
    }
}

impl Algorithm {
    /// The lengths of the first and the second vector of its state, for so many parameters: Adam's two
    /// moments, or the momentum and nothing.
    pub fn moments(&self, parameters: usize) -> [usize; 2] {
        [parameters, if matches!(self, Algorithm::Adam(_)) { parameters } else { 0 }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(key: &str, change: impl FnOnce(&mut OptimizerConfig)) {
        let mut config = OptimizerConfig::default();
        change(&mut config);
        assert_eq!(config.resolve().unwrap_err().key, key);
    }

    #[test]
    fn impossible_settings_are_refused_by_key() {
        refused("train.optimizer.lr", |c| c.lr = 0.0);
        refused("train.optimizer.lr", |c| c.lr = f64::NAN);
        refused("train.optimizer.lr", |c| c.lr = 1e300);
        refused("train.optimizer.lr", |c| c.lr = 1e-46);
        refused("train.optimizer.eps", |c| c.eps = Some(0.0));
        // Where a gradient is zero, the update would be 0/0.
        refused("train.optimizer.eps", |c| c.eps = Some(1e-46));
        refused("train.optimizer.eps", |c| c.eps = Some(1e-40));
        refused("train.optimizer.betas", |c| c.betas = Some([0.999_999_99, 0.9]));
        refused("train.optimizer.weight_decay", |c| c.weight_decay = Some(1e39));
        refused("train.optimizer.betas", |c| c.betas = Some([0.9, 1.0]));
        refused("train.optimizer.weight_decay", |c| c.weight_decay = Some(-1.0));
        refused("train.optimizer.momentum", |c| c.momentum = Some(0.9));
        refused("train.optimizer.betas", |c| {
            c.kind = OptimizerKind::Sgd;
            c.betas = Some([0.9, 0.99]);
        });
        refused("train.optimizer.nesterov", |c| {
            c.kind = OptimizerKind::Sgd;
            c.nesterov = Some(true);
        });
    }
}
