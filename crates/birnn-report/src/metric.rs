//! The metric by which nets are first judged, and what there is of it.

use birnn_infer::Headline;
use serde::{Serialize, Serializer};

/// A metric, whatever its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// As users call it.
    pub name: &'static str,
    /// Whether it is a share, and the higher the better; what is none is an error, and the lower the better.
    pub is_share: bool,
}

/// A value of a metric, or several put together. Serialized, it is under the metric's name in small letters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<T> {
    /// What it is of.
    pub metric: Metric,
    /// A value in the units of the metric.
    pub value: T,
}

impl Metric {
    /// What classes are judged by.
    pub const ACCURACY: Metric = Metric { name: "accuracy", is_share: true };

    /// A value of it for people.
    pub fn text(self, value: f64) -> String {
        self.of(value).text()
    }

    /// How good a value is: the higher the better, whatever the metric.
    pub(crate) fn goodness(self, value: f64) -> f64 {
        self.of(value).goodness()
    }

    fn of(self, value: f64) -> Headline {
        Headline { name: self.name, value, is_share: self.is_share }
    }
}

impl From<Headline> for Metric {
    fn from(Headline { name, is_share, .. }: Headline) -> Metric {
        Metric { name, is_share }
    }
}

impl From<Headline> for Scored<f64> {
    fn from(headline: Headline) -> Scored<f64> {
        Scored { metric: headline.into(), value: headline.value }
    }
}

impl<T: Serialize> Serialize for Scored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.metric.name.to_lowercase(), &self.value)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_by_the_name_of_its_metric() {
        let error = Scored::from(Headline { name: "RMSE", value: 0.25, is_share: false });
        assert_eq!(serde_json::to_string(&error).unwrap(), r#"{"rmse":0.25}"#);
        assert_eq!(error.metric.text(1.0), "1.000");
        assert_eq!(Metric::ACCURACY.text(0.5), "50.00 %");
        assert!(error.metric.goodness(0.1) > error.metric.goodness(0.2));
        assert!(Metric::ACCURACY.goodness(0.1) < Metric::ACCURACY.goodness(0.2));
    }
}
