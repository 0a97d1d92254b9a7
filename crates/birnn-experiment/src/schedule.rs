//! The learning rate as a pure function of the step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::{Invalid, positive};

/// The `[train.schedule]` table as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// What follows the warm-up.
    pub kind: ScheduleKind,
    /// Steps over which the rate rises to `lr`. `one-cycle` rises over three tenths of the run where this is
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<usize>,
}

/// The shape of the learning rate over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// `lr` throughout.
    #[default]
    Constant,
    /// A straight line down to zero.
    Linear,
    /// Half a cosine down to zero (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// Half a cosine up from `lr / 25`, half a cosine down to `lr / 250000`: PyTorch's `OneCycleLR` with its
    /// defaults, momentum left alone (Smith and Topin 2018).
    OneCycle,
}

/// A resolved schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    kind: ScheduleKind,
    warmup_steps: Option<usize>,
    peak: f64,
}

impl ScheduleConfig {
    /// Joins the shape with the peak rate `lr`.
    pub fn resolve(&self, lr: f64) -> Result<Schedule, Invalid> {
        positive("train.optimizer.lr", lr)?;
        Ok(Schedule { kind: self.kind, warmup_steps: self.warmup_steps, peak: lr })
    }
}

impl Schedule {
    /// The rate at `step`, from 0, of a run of `total` steps.
    pub fn rate(&self, step: usize, total: usize) -> f64 {
        if self.kind == ScheduleKind::OneCycle {
            return self.one_cycle(step, total);
        }
        let warmup = self.warmup_steps.unwrap_or(0);
        if step < warmup {
            return self.peak * (step + 1) as f64 / warmup as f64;
        }
        let done = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
        match self.kind {
            ScheduleKind::Linear => self.peak * (1.0 - done),
            ScheduleKind::Cosine => between(self.peak, 0.0, done),
            ScheduleKind::Constant | ScheduleKind::OneCycle => self.peak,
        }
    }

    fn one_cycle(&self, step: usize, total: usize) -> f64 {
        let (start, end) = (self.peak / 25.0, self.peak / 25.0 / 1e4);
        // PyTorch counts in last indices: the peak lies at `0.3 * total - 1`, the end at `total - 1`.
        let top = self.warmup_steps.map_or(0.3 * total as f64, |steps| steps as f64) - 1.0;
        let (step, last) = (step as f64, total as f64 - 1.0);
        if step < top {
            between(start, self.peak, step / top.max(1.0))
        } else {
            between(self.peak, end, ((step - top) / (last - top).max(1.0)).min(1.0))
        }
    }
}

/// Half a cosine from `from` at 0 to `to` at 1.
fn between(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn rates(kind: ScheduleKind, warmup: Option<usize>, total: usize, expected: &[(usize, f64)]) {
        let schedule = ScheduleConfig { kind, warmup_steps: warmup }.resolve(0.01).unwrap();
        for &(step, rate) in expected {
            let found = schedule.rate(step, total);
            assert!((found - rate).abs() < 1e-12, "{kind:?} step {step}: {found}, not {rate}");
        }
    }

    #[test]
    fn each_shape_passes_its_landmarks() {
        use ScheduleKind::*;
        rates(Constant, None, 10, &[(0, 0.01), (9, 0.01)]);
        rates(Constant, Some(4), 10, &[(0, 0.0025), (3, 0.01), (4, 0.01), (9, 0.01)]);
        rates(Linear, None, 10, &[(0, 0.01), (5, 0.005), (9, 0.001)]);
        rates(Linear, Some(2), 10, &[(0, 0.005), (1, 0.01), (2, 0.01), (6, 0.005)]);
        rates(Cosine, None, 8, &[(0, 0.01), (4, 0.005)]);
        // A warm-up longer than the run never arrives.
        rates(Linear, Some(100), 10, &[(9, 0.001)]);
    }

    /// The values are `torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=20)` in PyTorch 2.11.
    #[test]
    fn one_cycle_is_pytorchs() {
        let expected = [
            (0, 0.0003999999999999993),
            (1, 0.0013167184270002508),
            (3, 0.006683281572999748),
            (5, 0.01),
            (6, 0.009874640062350875),
            (10, 0.007169430017913008),
            (15, 0.00188258346050237),
            (19, 4e-08),
        ];
        rates(ScheduleKind::OneCycle, None, 20, &expected);
        rates(ScheduleKind::OneCycle, Some(1), 20, &[(0, 0.01), (19, 4e-8)]);
    }
}
