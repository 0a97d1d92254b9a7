//! How sure it is how a net does on numbers, and how the baseline does.

use birnn_data::Targets;
use birnn_infer::{ErrorSums, NumberScore, Regress, significant};
use serde::Serialize;

use crate::stats::{Interval, ScoreIntervals, bootstrap};
use crate::text_table::TextTable;

/// What is said of a target besides its scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What it is called.
    pub target: String,
    /// Where its scores lie with 95 % confidence, as far as chance in the choice of sequences goes; of fewer
    /// than six that cannot be told.
    #[serde(flatten)]
    pub intervals: Option<ScoreIntervals>,
    /// The RMSE of always predicting the mean of the training targets; none where it was never asked for.
    pub baseline_rmse: Option<f64>,
}

impl Judged {
    /// Of each number, from its errors in each of the sequences that `targets` are of, as
    /// [`Regress::errors_by_sequence`] has them.
    pub fn all(task: &Regress, errors: &[Vec<ErrorSums>], targets: &Targets) -> Vec<Judged> {
        let truth = targets.numbers().unwrap_or_default();
        Judged::of(task, errors, &task.errors(&task.answer(&vec![0.0; truth.len()]), truth))
    }

    /// Of each number, from its errors in each of the sequences, and those of the baseline in all of them.
    pub fn of(task: &Regress, errors: &[Vec<ErrorSums>], baseline: &[ErrorSums]) -> Vec<Judged> {
        let judged = |((name, own), baseline): ((&String, &Vec<ErrorSums>), &ErrorSums)| Judged {
            target: name.clone(),
            intervals: bootstrap(std::slice::from_ref(own)),
            baseline_rmse: (!baseline.is_empty()).then(|| baseline.rmse()),
        };
        task.scale.names.iter().zip(errors).zip(baseline).map(judged).collect()
    }
}

/// What the columns of [`score_rows`] are.
pub(crate) const SCORE_COLUMNS: [&str; 5] =
    ["target", "RMSE (95 % interval)", "MAE (95 % interval)", "R2 (95 % interval)", "baseline RMSE"];

/// The scores of each number with their intervals, beside the baseline.
pub(crate) fn score_rows(scores: &[NumberScore], judged: &[Judged]) -> Vec<Vec<String>> {
    let row = |(score, judged): (&NumberScore, &Judged)| {
        let NumberScore { target, rmse, mae, r2 } = score;
        let of = judged.intervals;
        let [rmse, mae, r2] =
            [(rmse, of.map(|of| of.rmse)), (mae, of.map(|of| of.mae)), (r2, of.map(|of| of.r2))]
                .map(|(score, interval)| score.map(|score| between(score, interval)));
        let told = [rmse, mae, r2, judged.baseline_rmse.map(significant)];
        let told = told.map(|told| told.unwrap_or_else(|| "-".to_owned()));
        std::iter::once(target.clone()).chain(told).collect()
    };
    scores.iter().zip(judged).map(row).collect()
}

/// The scores of each number in plain text, a line each below a line of headings, escaped for a terminal.
pub fn score_table(scores: &[NumberScore], judged: &[Judged]) -> String {
    let headings = SCORE_COLUMNS.map(str::to_owned).to_vec();
    TextTable::new(std::iter::once(headings).chain(score_rows(scores, judged)).collect()).lines()
}

/// A score with its 95 % interval.
pub(crate) fn between(value: f64, interval: Option<Interval>) -> String {
    match interval {
        None => significant(value),
        Some(Interval { low, high }) => {
            format!("{} ({} to {})", significant(value), significant(low), significant(high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_its_line() {
        let score = |target: &str, asked: Option<f64>| {
            let [rmse, mae, r2] = [0.5, 0.25, 0.75].map(|score| asked.map(|one| one * score));
            NumberScore { target: target.to_owned(), rmse, mae, r2 }
        };
        let interval = |value: f64| Interval { low: value - 0.125, high: value + 0.125 };
        let intervals = Some(ScoreIntervals { rmse: interval(0.5), mae: interval(0.25), r2: interval(0.75) });
        let judged = |target: &str, intervals, baseline_rmse| Judged {
            target: target.to_owned(),
            intervals,
            baseline_rmse,
        };
        let one = Some(1.0);
        let text = score_table(
            &[score("height", one), score("a\nb", one), score("none", None)],
            &[judged("height", intervals, one), judged("a\nb", None, one), judged("none", None, None)],
        );
        let expected = [
            "target       RMSE (95 % interval)        MAE (95 % interval)         R2 (95 % interval)  baseline RMSE",
            "height  0.5000 (0.3750 to 0.6250)  0.2500 (0.1250 to 0.3750)  0.7500 (0.6250 to 0.8750)          1.000",
            "a\\nb                       0.5000                     0.2500                     0.7500          1.000",
            "none                            -                          -                          -              -",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
