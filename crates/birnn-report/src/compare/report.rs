//! All that a comparison says, as numbers and in words.

use std::collections::BTreeMap;

use birnn_data::Per;
use birnn_experiment::differing;
use serde::Serialize;
use serde_json::Value;

use super::{ComparedRun, Comparison, Evidence, Pair, Verdict, seed_groups, text};
use crate::answered::Answered;
use crate::error::ReportError;
use crate::metric::Scored;
use crate::stats::{Interval, Summary};
use crate::words::Words;

/// What there is to say of several runs. Serialized, it is what `birnn compare --json` prints.
#[derive(Debug, Serialize)]
pub struct ComparisonReport {
    /// What the test samples are from.
    pub dataset: String,
    /// The number of test samples.
    pub samples: u64,
    /// The runs, with their scores.
    pub runs: Vec<ComparedRun>,
    /// Each setting that is not the same everywhere, with its value in each run.
    pub settings: BTreeMap<String, Vec<Option<Value>>>,
    /// Every two runs, side by side.
    pub pairs: Vec<PairReport>,
    /// Finished runs that differ in their seeds alone, group by group.
    pub seed_groups: Vec<SeedGroup>,
    /// The same as `pairs`, by index.
    #[serde(skip)]
    pub comparison: Comparison,
}

/// Two runs side by side: a [`Pair`] under the runs' names.
#[derive(Debug, Serialize)]
pub struct PairReport {
    /// The name of the one run.
    pub a: String,
    /// The name of the other.
    pub b: String,
    /// Of classes of samples: those that one alone classifies correctly.
    #[serde(flatten)]
    pub counts: Option<Counts>,
    /// A's headline metric less B's, as [`Pair::difference`] has it.
    pub difference: f64,
    /// Its 95 % interval; none of fewer than six samples where these are drawn anew.
    pub interval: Option<Interval>,
    /// Of classes of samples: how likely chance makes as much of a difference.
    #[serde(flatten)]
    pub p_values: Option<PValues>,
    /// Of numbers and of steps: the interval of the difference widened for the number of pairs; none of few
    /// samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_widened: Option<Option<Interval>>,
    /// What follows.
    pub verdict: Verdict,
}

/// Samples that one of two nets alone classifies correctly.
#[derive(Debug, Serialize)]
pub struct Counts {
    /// A alone.
    pub only_a: u64,
    /// B alone.
    pub only_b: u64,
}

/// What McNemar's exact test says of two nets.
#[derive(Debug, Serialize)]
pub struct PValues {
    /// The p-value.
    pub p: f64,
    /// The same, corrected for the number of pairs.
    pub p_holm: f64,
    /// What `p` may be too small to hold.
    pub log10_p: f64,
    /// What `p_holm` may be too small to hold.
    pub log10_p_holm: f64,
}

/// Runs that differ in their seeds alone.
#[derive(Debug, Serialize)]
pub struct SeedGroup {
    /// Their names.
    pub runs: Vec<String>,
    /// What they are first judged by, on the test samples.
    #[serde(flatten)]
    pub score: Scored<Summary>,
}

impl ComparisonReport {
    /// From the runs' answers for the same test samples, which are of `dataset`. The runs are named by
    /// letters, in their order.
    ///
    /// # Errors
    ///
    /// As [`Comparison::new`].
    pub fn new(
        mut runs: Vec<ComparedRun>,
        answered: &[Answered],
        dataset: String,
    ) -> Result<ComparisonReport, ReportError> {
        let comparison = Comparison::new(answered)?;
        for (index, (run, score)) in runs.iter_mut().zip(&comparison.scores).enumerate() {
            (run.name, run.score) = (letters(index), Some(score.clone()));
        }
        let experiments: Vec<_> = runs.iter().map(|run| run.experiment.to_json()).collect();
        Ok(ComparisonReport {
            dataset,
            samples: comparison.samples,
            settings: differing(&experiments),
            pairs: comparison.pairs.iter().map(|pair| PairReport::new(pair, &runs)).collect(),
            seed_groups: SeedGroup::all(&runs),
            runs,
            comparison,
        })
    }

    /// What the samples are called: those of any run, for they are the same.
    pub(super) fn words(&self) -> Words {
        Words::of(&self.runs[0].manifest.modality)
    }

    /// What there is an answer for, be it of samples or of steps.
    pub(super) fn per(&self) -> Per {
        self.runs[0].manifest.task.per()
    }

    /// In plain text, in lines of at most about 100 characters: settings, results, and what follows. Names
    /// and values from files are escaped.
    pub fn text(&self) -> String {
        text::text(self)
    }
}

impl PairReport {
    fn new(pair: &Pair, runs: &[ComparedRun]) -> PairReport {
        let (counts, p_values, interval_widened) = match pair.evidence {
            Evidence::Alone { only_a, only_b, log10_p, log10_p_holm } => {
                let [p, p_holm] = [log10_p, log10_p_holm].map(|log10| 10_f64.powf(log10));
                let p_values = PValues { p, p_holm, log10_p, log10_p_holm };
                (Some(Counts { only_a, only_b }), Some(p_values), None)
            }
            Evidence::Drawn { widened, .. } => (None, None, Some(widened)),
        };
        PairReport {
            a: runs[pair.a].name.clone(),
            b: runs[pair.b].name.clone(),
            counts,
            difference: pair.difference,
            interval: pair.interval,
            p_values,
            interval_widened,
            verdict: pair.verdict(),
        }
    }
}

impl SeedGroup {
    /// The groups of more than one run, each seed once.
    fn all(runs: &[ComparedRun]) -> Vec<SeedGroup> {
        let experiments: Vec<_> = runs.iter().map(|run| &run.experiment).collect();
        let group = |members: Vec<usize>| {
            // Half a training says nothing of its settings, and the same seed nothing new.
            let mut seeds = Vec::new();
            let mut counted: Vec<&ComparedRun> = Vec::new();
            for run in members.into_iter().map(|index| &runs[index]) {
                if run.is_finished() && !seeds.contains(&run.experiment.seed) {
                    seeds.push(run.experiment.seed);
                    counted.push(run);
                }
            }
            let headlines = counted.iter().filter_map(|run| Some(run.score.as_ref()?.headline()));
            let headlines: Vec<_> = headlines.collect();
            let values: Vec<f64> = headlines.iter().map(|headline| headline.value).collect();
            let value = Summary::new(&values).filter(|summary| summary.runs > 1)?;
            let score = Scored { metric: headlines.first()?.metric, value };
            Some(SeedGroup { runs: counted.iter().map(|run| run.name.clone()).collect(), score })
        };
        seed_groups(&experiments).into_iter().filter_map(group).collect()
    }
}

/// A short name for a run: A to Z, then AA.
fn letters(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        more => format!("{}{last}", letters(more - 1)),
    }
}

#[cfg(test)]
mod tests {
    use birnn_run::Status;

    use super::super::made_up::{numbers, predictions};
    use super::super::run::made_up::run;
    use super::*;

    #[test]
    fn names_go_on_after_z() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(letters), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
    }

    #[test]
    fn a_seed_counts_once_and_only_of_a_finished_run() {
        let with = |seed, status| {
            let mut run = run("x", |experiment| experiment.seed = seed);
            run.status = Some(status);
            run
        };
        let runs = vec![
            with(0, Status::Running),
            with(0, Status::Done),
            with(1, Status::Done),
            with(1, Status::Done),
        ];
        let all: Vec<_> = ["rrrr", "rrr-", "rr--", "----"].map(predictions).into();
        let report = ComparisonReport::new(runs, &all, "mnist".to_owned()).unwrap();
        let [group] = &report.seed_groups[..] else { panic!("{:?}", report.seed_groups) };
        assert_eq!(group.runs, ["B", "C"]);
        assert_eq!((group.score.value.mean, group.score.value.runs), (0.625, 2));
        assert_eq!(report.settings.keys().collect::<Vec<_>>(), ["seed"]);
        assert_eq!((report.pairs[1].a.as_str(), report.pairs[1].b.as_str()), ("A", "C"));
    }

    #[test]
    fn the_text_says_what_differs_and_what_follows() {
        let runs = vec![run("good", |_| ()), run("bad\x1b", |experiment| experiment.train.epochs = 7)];
        let all: Vec<_> =
            [&"r".repeat(20), &format!("rr{}", "-".repeat(18))].map(|one| predictions(one)).into();
        let text = ComparisonReport::new(runs, &all, "mnist".to_owned()).unwrap().text();
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "A good B bad\\u001b",
            "train.epochs 2 7",
            "accuracy, % 100.00 10.00",
            "A less B +90.00",
            "A is better than B on images like these: it alone is right on 18, B alone on 0",
            "takes several seeds of each",
        ] {
            assert!(squeezed.contains(part), "no `{part}` in:\n{text}");
        }
    }

    /// The words are those of errors where numbers are told.
    #[test]
    fn errors_are_told_in_their_units() {
        let off = |by: f32| -> Vec<f32> { (0..200).map(|index| by + (index * 37 % 100) as f32).collect() };
        let runs = || ["one", "two", "three"].map(|name| run(name, |_| ())).into();
        let all = [numbers(&off(0.0)), numbers(&off(1.0)), numbers(&off(0.0))];
        let report = ComparisonReport::new(runs(), &all, "x".to_owned()).unwrap();
        let text = report.text();
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "RMSE 57.30 58.17 57.30",
            "RMSE, 95 % interval 53",
            "MAE 49.50 50.50 49.50",
            "images drawn anew",
            "A less B -0.8660",
            "A is better than B on images like these: its RMSE is lower by 0.8660",
            "A and C answer with the very same numbers: nothing tells them apart.",
            "widened for 3 pairs (Bonferroni): a mistaken \"better\" anywhere has a chance of about 5 %.",
        ] {
            assert!(squeezed.contains(part), "no `{part}` in:\n{text}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert!(
            json["runs"][0]["rmse_interval"]["low"].is_f64() && json["runs"][0].get("accuracy").is_none()
        );
        assert!(json["pairs"][0]["interval_widened"]["low"].is_f64() && json["pairs"][0].get("p").is_none());
        let single = ComparisonReport::new(
            runs(),
            &[numbers(&[0.0]), numbers(&[1.0]), numbers(&[0.0])],
            "x".to_owned(),
        );
        let text = single.unwrap().text();
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in
            ["A and B cannot be told apart by so few images", "of about 5 %, with so few images up to twice"]
        {
            assert!(squeezed.contains(part), "no `{part}` in:\n{text}");
        }
    }
}
