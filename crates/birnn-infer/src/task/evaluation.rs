//! How a net did, whatever its task.

use std::fmt;

use birnn_experiment::Monitor;
use serde::{Deserialize, Serialize};

use super::classify::Classified;
use super::regress::{Filled, Regressed};

/// How a net did on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many positions the loss counts: sequences, or where each step is answered, steps.
    #[serde(rename = "samples", alias = "images")]
    pub positions: u64,
    /// Mean loss of a position: of classes in nats, not smoothed; of numbers the error that training lowers,
    /// in standard deviations of the training targets.
    pub loss: f64,
    /// What else there is to tell, by the task.
    #[serde(flatten)]
    pub detail: Detail,
}

/// What a task tells of an evaluation beside the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detail {
    /// Of classification.
    Classify(Classified),
    /// Of regression.
    Regress(Regressed),
}

/// What a net can first be judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Metric {
    /// Of classes: the share of those that are right.
    #[serde(rename = "accuracy")]
    Accuracy,
    /// Of spans that tags mark: the harmonic mean of precision and recall.
    F1,
    /// Of tokens: e to the power of the mean loss.
    #[serde(rename = "perplexity")]
    Perplexity,
    /// Of numbers: the square root of the mean squared error.
    #[serde(rename = "RMSE")]
    Rmse,
    /// Of values that were filled in: the mean of absolute errors.
    #[serde(rename = "MAE")]
    Mae,
}

impl Metric {
    /// As users call it.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::F1 => "F1",
            Metric::Perplexity => "perplexity",
            Metric::Rmse => "RMSE",
            Metric::Mae => "MAE",
        }
    }

    /// Whether it is a share from 0 to 1, and the higher the better; what is none is an error, and the lower
    /// the better.
    pub fn is_share(self) -> bool {
        matches!(self, Metric::Accuracy | Metric::F1)
    }

    /// A value of it for people.
    pub fn text(self, value: f64) -> String {
        match self.is_share() {
            true => format!("{:.2} %", 100.0 * value),
            false => significant(value),
        }
    }

    /// How good a value of it is: the higher the better, whatever the metric.
    pub fn goodness(self, value: f64) -> f64 {
        if self.is_share() { value } else { -value }
    }
}

/// The one number by which a net is first judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headline {
    /// What it is a value of.
    pub metric: Metric,
    /// A share from 0 to 1, or in the units of the targets.
    pub value: f64,
}

/// For people, such as `accuracy 97.78 %` or `RMSE 0.1234`.
impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.metric.name(), self.metric.text(self.value))
    }
}

/// A number in units that nobody knows: four digits of it.
pub fn significant(value: f64) -> String {
    let rounded = format!("{value:.3e}");
    // Of what is no number there is none.
    let power = rounded.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    match power {
        -4..=3 => format!("{value:.*}", (3 - power) as usize),
        4..=6 => format!("{value:.0}"),
        _ => rounded,
    }
}

/// As [`significant`], with more digits where values of this standard deviation are not told apart by four:
/// down to a thousandth of it, as of years or pressures.
pub fn significant_among(value: f64, deviation: f64) -> String {
    let text = significant(value);
    let has = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    // An `f32` has no more.
    let wanted = (3.0 - deviation.log10()).ceil().clamp(0.0, 7.0) as usize;
    match value.is_finite() && deviation > 0.0 && !text.contains('e') && wanted > has {
        true => format!("{value:.wanted$}"),
        false => text,
    }
}

impl Evaluation {
    /// What classification tells, where it is of one.
    pub fn classified(&self) -> Option<&Classified> {
        match &self.detail {
            Detail::Classify(found) => Some(found),
            Detail::Regress(_) => None,
        }
    }

    /// What regression tells, where it is of one.
    pub fn regressed(&self) -> Option<&Regressed> {
        match &self.detail {
            Detail::Regress(found) => Some(found),
            Detail::Classify(_) => None,
        }
    }

    /// What an experiment may monitor; no number where its task has no such.
    pub fn monitored(&self, monitor: Monitor) -> f64 {
        let (classified, regressed) = (self.classified(), self.regressed());
        let found = match monitor {
            Monitor::Loss => Some(self.loss),
            Monitor::Accuracy => classified.map(|found| found.accuracy),
            Monitor::MacroF1 => classified.map(|found| found.macro_f1),
            Monitor::F1 => classified.and_then(Classified::f1),
            Monitor::Rmse => regressed.map(|found| found.rmse),
            Monitor::Mae => regressed.map(|found| found.filled.map_or(found.mae, |filled| filled.mae)),
            Monitor::R2 => regressed.map(|found| found.r2),
        };
        found.unwrap_or(f64::NAN)
    }

    /// The one number by which the net is first judged.
    pub fn headline(&self) -> Headline {
        let (metric, value) = match &self.detail {
            Detail::Classify(found) => match (found.perplexity, found.f1()) {
                (Some(value), _) => (Metric::Perplexity, value),
                (None, Some(value)) => (Metric::F1, value),
                (None, None) => (Metric::Accuracy, found.accuracy),
            },
            Detail::Regress(found) => match found.filled {
                Some(Filled { mae, .. }) => (Metric::Mae, mae),
                None => (Metric::Rmse, found.rmse),
            },
        };
        Headline { metric, value }
    }
}

#[cfg(test)]
mod tests {
    use super::{significant, significant_among};

    /// As of years and pressures.
    #[test]
    fn numbers_far_from_zero_are_told_apart() {
        for (value, deviation, shown) in [
            (1013.0512, 0.1, "1013.0512"),
            (2024.0, 12.0, "2024.00"),
            (-1013.0512, 0.1, "-1013.0512"),
            (0.5, 1.0, "0.5000"),
            (100_000.3, 300.0, "100000.3"),
            (1e8, 1.0, "1.000e8"),
            (5.0, 0.0, "5.000"),
            (f64::NAN, 1.0, "NaN"),
        ] {
            assert_eq!(significant_among(value, deviation), shown, "{value:e}");
        }
    }

    #[test]
    fn numbers_have_four_digits() {
        for (value, shown) in [
            (0.0, "0.000"),
            (1.0, "1.000"),
            (-9.9994, "-9.999"),
            (9.9996, "10.00"),
            (-99.996, "-100.0"),
            (999.94, "999.9"),
            (999.96, "1000"),
            (9999.6, "10000"),
            (1_234_567.8, "1234568"),
            (9_999_999.6, "1.000e7"),
            (0.099_999_6, "0.1000"),
            (0.000_123_45, "0.0001234"),
            (0.000_099_999_6, "0.0001000"),
            (0.000_099_99, "9.999e-5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(significant(value), shown, "{value:e}");
        }
    }
}
