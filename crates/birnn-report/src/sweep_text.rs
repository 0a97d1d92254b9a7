//! A sweep in plain text.

use birnn_infer::Metric;

use crate::stats::Summary;
use crate::sweep::{Sweep, plus_minus, shown};
use crate::text_table::{NONE, TextTable};

impl Sweep {
    /// The settings with what their runs came to, the best first: one line each, escaped for a terminal.
    pub fn text(&self) -> String {
        let none = || NONE.to_owned();
        let metric = self.metric();
        let score = |summary: Option<Summary>, own: Metric| {
            let show = |value: f64| match own.is_share() {
                true => format!("{:.2}", 100.0 * value),
                false => own.text(value),
            };
            let told = summary.map_or_else(none, |summary| plus_minus(&summary, show));
            // Of another metric than the heading says.
            if own == metric || summary.is_none() { told } else { format!("{} {told}", own.name()) }
        };
        let unit = if metric.is_share() { ", %".to_owned() } else { format!(" {}", metric.name()) };
        let ends = [format!("validation{unit}"), format!("test{unit}"), "training, s".to_owned()];
        let heading = self.keys().into_iter().chain(["runs"]).map(str::to_owned);
        let mut rows = vec![heading.chain(ends).collect::<Vec<_>>()];
        for settings in &self.settings {
            let mut row: Vec<String> = settings.settings.iter().map(|(_, value)| shown(value)).collect();
            row.push(settings.test.value.map_or(0, |summary| summary.runs).to_string());
            row.extend(
                [settings.validation, settings.test.value].map(|value| score(value, settings.test.metric)),
            );
            row.push(settings.seconds.map_or_else(none, |summary| format!("{:.1}", summary.mean)));
            rows.push(row);
        }
        TextTable::new(rows).lines()
    }
}

#[cfg(test)]
mod tests {
    use birnn_infer::Metric;
    use birnn_run::Status;

    use crate::{Outcome, Records, Scored, Sweep, SweepRun};

    #[test]
    fn each_setting_has_its_line() {
        let run = |hidden: u32, accuracy: Option<f64>| {
            let outcome = accuracy.map(|value| {
                let test = Scored { metric: Metric::Accuracy, value };
                Outcome { validation: None, test, loss: 0.1, seconds: Some(2.0) }
            });
            let settings = vec![("model.hidden".to_owned(), hidden.into())];
            let (folder, status) = (String::new(), Status::Waiting);
            let reads_what_it_is_asked = false;
            let run = SweepRun { folder, settings, seed: 0, status, outcome, reads_what_it_is_asked };
            (run, Records::default())
        };
        let runs = vec![run(4, None), run(8, Some(0.5)), run(16, Some(0.75)), run(16, Some(0.25))];
        let text = Sweep::new("x".to_owned(), runs).text();
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "model.hidden  runs  validation, %        test, %  training, s",
            "           8     1              -          50.00          2.0",
            "          16     2              -  50.00 ± 35.36          2.0",
            "           4     0              -              -            -",
        ];
        assert_eq!(lines, expected);
    }
}
