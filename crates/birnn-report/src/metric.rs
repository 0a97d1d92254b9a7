//! Values of the metric by which nets are first judged.

use birnn_infer::{Headline, Metric};
use serde::{Serialize, Serializer};

/// A value of a metric, or several put together. Serialized, it is under the metric's name in small letters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<T> {
    /// What it is of.
    pub metric: Metric,
    /// A value in the units of the metric.
    pub value: T,
}

impl From<Headline> for Scored<f64> {
    fn from(headline: Headline) -> Scored<f64> {
        Scored { metric: headline.metric, value: headline.value }
    }
}

impl<T: Serialize> Serialize for Scored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.metric.name().to_lowercase(), &self.value)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_by_the_name_of_its_metric() {
        let error = Scored::from(Headline { metric: Metric::Rmse, value: 0.25 });
        assert_eq!(serde_json::to_string(&error).unwrap(), r#"{"rmse":0.25}"#);
        assert_eq!(error.metric.text(1.0), "1.000");
        assert_eq!(Metric::Accuracy.text(0.5), "50.00 %");
        assert!(error.metric.goodness(0.1) > error.metric.goodness(0.2));
        assert!(Metric::Accuracy.goodness(0.1) < Metric::Accuracy.goodness(0.2));
    }
}
