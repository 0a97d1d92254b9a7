//! What several seeds of a net come to, and how two nets differ.

use birnn_report::stats::{Interval, Summary};

/// What is measured of a net.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// What it is called.
    pub name: &'static str,
    /// Its unit, behind each number, and behind a difference.
    pub unit: &'static str,
    pub unit_of_difference: &'static str,
    /// What a value is multiplied with before it is shown.
    pub times: f64,
    /// Digits behind the point.
    pub digits: usize,
    /// Whether more is better.
    pub more_is_better: bool,
}

/// A share of what there is.
pub const fn percent(name: &'static str) -> Measure {
    Measure { name, unit: " %", unit_of_difference: " points", times: 100.0, digits: 2, more_is_better: true }
}

/// An error.
pub const fn error(name: &'static str, unit: &'static str, digits: usize) -> Measure {
    Measure { name, unit, unit_of_difference: unit, times: 1.0, digits, more_is_better: false }
}

/// The values of a net, one for each seed, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the net is called.
    pub name: String,
    /// The values.
    pub values: Vec<f64>,
}

impl Measure {
    /// A value, without its unit.
    pub fn plain(&self, value: f64) -> String {
        // No "-0.00".
        let text = format!("{:.*}", self.digits, self.times * value);
        if text.trim_start_matches(['-', '0', '.']).is_empty() {
            text.trim_start_matches('-').to_owned()
        } else {
            text
        }
    }

    /// Its mean.
    pub fn mean_of(&self, group: &Group) -> f64 {
        self.times * Summary::new(&group.values).map_or(f64::NAN, |summary| summary.mean)
    }

    /// The mean of a group, with its interval.
    pub fn mean(&self, group: &Group) -> String {
        match Summary::new(&group.values) {
            Some(summary) => match summary.interval() {
                Some(Interval { low, high }) => format!(
                    "{}{} ({} to {})",
                    self.plain(summary.mean),
                    self.unit,
                    self.plain(low),
                    self.plain(high)
                ),
                None => format!("{}{}", self.plain(summary.mean), self.unit),
            },
            None => "not measured".to_owned(),
        }
    }

    /// What an axis of it is called.
    pub fn label(&self) -> String {
        format!("{}{}", self.name, self.unit.replacen(' ', ", ", 1))
    }

    /// Whether `a` and `b` differ by more than what their seeds make of them.
    pub fn differ(&self, a: &Group, b: &Group) -> bool {
        differences(a, b).is_some_and(|(_, Interval { low, high })| low > 0.0 || high < 0.0)
    }

    /// How `a` compares with `b`, as a sentence without its end: by the interval of the differences, seed by
    /// seed.
    pub fn comparison(&self, a: &Group, b: &Group) -> String {
        let Some((summary, Interval { low, high })) = differences(a, b) else {
            return format!("{} and {} were not compared", a.name, b.name);
        };
        let figures = |sign: f64| {
            let (low, high) = if sign > 0.0 { (low, high) } else { (-high, -low) };
            let [mean, low, high] = [sign * summary.mean, low, high].map(|value| self.plain(value));
            format!("{mean}{} ({low} to {high})", self.unit_of_difference)
        };
        let seeds = summary.runs;
        if !self.differ(a, b) {
            return format!(
                "{} and {} are not told apart by {seeds} seeds, the difference is {}",
                a.name,
                b.name,
                figures(1.0)
            );
        }
        let better = (summary.mean > 0.0) == self.more_is_better;
        let word = if better { "better" } else { "worse" };
        format!("{} is {word} than {} by {}", a.name, b.name, figures(summary.mean.signum()))
    }
}

/// What `a` has more than `b`, seed by seed.
fn differences(a: &Group, b: &Group) -> Option<(Summary, Interval)> {
    let each: Vec<f64> = a.values.iter().zip(&b.values).map(|(a, b)| a - b).collect();
    let summary = Summary::new(&each)?;
    Some((summary, summary.interval()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, values: &[f64]) -> Group {
        Group { name: name.to_owned(), values: values.to_vec() }
    }

    #[test]
    fn what_differs_by_more_than_chance_is_said_to() {
        let (a, b) = (group("a", &[0.9, 0.91, 0.92]), group("b", &[0.8, 0.81, 0.83]));
        let accuracy = percent("accuracy");
        assert_eq!(accuracy.mean(&a), "91.00 % (88.52 to 93.48)");
        assert_eq!(accuracy.comparison(&a, &b), "a is better than b by 9.67 points (8.23 to 11.10)");
        assert_eq!(accuracy.comparison(&b, &a), "b is worse than a by 9.67 points (8.23 to 11.10)");
        let loss = error("loss", " nats", 1);
        assert_eq!(loss.comparison(&a, &b), "a is worse than b by 0.1 nats (0.1 to 0.1)");
        let near = group("c", &[0.91, 0.9, 0.92]);
        let said = accuracy.comparison(&a, &near);
        assert!(
            said.starts_with("a and c are not told apart by 3 seeds, the difference is 0.00 points ("),
            "{said}"
        );
    }
}
