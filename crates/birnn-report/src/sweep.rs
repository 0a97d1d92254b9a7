//! A sweep: what its runs came to, put together by settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use birnn_data::{Decides, PATH_SETTINGS};
use birnn_experiment::{Monitor, Source};
use birnn_infer::{Metric, kept};
use birnn_run::{CONFIG, Status};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::metric::Scored;
use crate::records::Records;
use crate::stats::Summary;

/// A sweep, as far as it has come.
#[derive(Debug, Serialize)]
pub struct Sweep {
    /// What it is filed under.
    pub name: String,
    /// Whether settings are judged by validation samples; else by the test samples, for want of others.
    pub by_validation: bool,
    /// What was tried, the best first; what has no result yet last.
    pub settings: Vec<Settings>,
    /// In the order of the sweep.
    pub runs: Vec<SweepRun>,
    /// The data set that drawn digits stood in for.
    pub substitute_for: Option<String>,
    /// What there is to say where the order of the runs says nothing: settings vary by which they are asked
    /// for other things, or their data has changed meanwhile.
    pub problem: Option<String>,
}

/// One run of a sweep.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRun {
    /// Its directory, in that of the sweep.
    pub folder: String,
    /// What is other than in the experiment itself, by dotted keys.
    #[serde(serialize_with = "as_map")]
    pub settings: Vec<(String, Value)>,
    /// The seed.
    pub seed: u32,
    /// As the run tells it.
    pub status: Status,
    /// What it came to, once it is done.
    pub outcome: Option<Outcome>,
    /// Whether its net has read what it is asked for.
    #[serde(skip)]
    pub reads_what_it_is_asked: bool,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The metric of the weights that were kept on the validation samples, if there are any.
    pub validation: Option<f64>,
    /// The metric on the test samples.
    #[serde(flatten)]
    pub test: Scored<f64>,
    /// Mean loss on the test samples.
    pub loss: f64,
    /// Seconds of training.
    pub seconds: Option<f64>,
}

/// The runs with the same settings.
#[derive(Debug, Serialize)]
pub struct Settings {
    /// By dotted keys.
    #[serde(serialize_with = "as_map")]
    pub settings: Vec<(String, Value)>,
    /// The indices of its runs.
    pub runs: Vec<usize>,
    /// The metric on the validation samples.
    pub validation: Option<Summary>,
    /// The metric on the test samples.
    #[serde(flatten)]
    pub test: Scored<Option<Summary>>,
    /// Loss on the test samples.
    pub loss: Option<Summary>,
    /// Seconds of training.
    pub seconds: Option<Summary>,
}

impl SweepRun {
    /// What the run in `folder` of `sweep` wrote down.
    pub fn read(
        sweep: &Path,
        folder: &str,
        settings: Vec<(String, Value)>,
        seed: u32,
    ) -> (SweepRun, Records) {
        let path = sweep.join(folder);
        let records = if path.is_dir() { Records::read(&path) } else { Records::default() };
        let status = records.meta.as_ref().map_or(Status::Waiting, |meta| meta.status.clone());
        let experiment = Source::read(&path.join(CONFIG), &[]).map(|source| source.experiment().clone());
        let monitor = experiment.as_ref().map(|experiment| experiment.train.monitor).unwrap_or_default();
        let outcome = if status == Status::Done { Outcome::of(&records, monitor) } else { None };
        let reads_what_it_is_asked = experiment.is_ok_and(|experiment| experiment.reads_what_it_is_asked());
        let folder = folder.to_owned();
        (SweepRun { folder, settings, seed, status, outcome, reads_what_it_is_asked }, records)
    }

    /// Its settings, those of tables one by one.
    fn single_settings(&self) -> BTreeMap<String, &Value> {
        self.settings.iter().flat_map(|(key, value)| single(key, value)).collect()
    }
}

/// The settings in the `value` at `key`, by their own dotted keys.
fn single<'a>(key: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    match value.as_object() {
        Some(table) => {
            table.iter().flat_map(|(name, value)| single(&format!("{key}.{name}"), value)).collect()
        }
        None => vec![(key.to_owned(), value)],
    }
}

impl Outcome {
    fn of(records: &Records, monitor: Monitor) -> Option<Outcome> {
        let test = records.test.as_ref()?;
        let seconds = records.seconds();
        let validation = kept(&records.epochs, monitor).map(|kept| kept.headline().value);
        Some(Outcome { validation, test: test.headline().into(), loss: test.loss, seconds })
    }
}

impl Sweep {
    /// Puts together runs of which those with the same settings follow each other.
    pub fn new(name: String, runs: Vec<(SweepRun, Records)>) -> Sweep {
        let substitute_for = runs
            .iter()
            .find_map(|(_, records)| records.meta.as_ref()?.recorded().substitute_for().map(str::to_owned));
        let has_share = |(_, records): &(SweepRun, Records)| {
            records.meta.as_ref().is_some_and(|meta| meta.recorded().has_test_share())
        };
        let (unlike, test_is_share) = (unlike_data(&runs), runs.iter().any(has_share));
        let runs: Vec<SweepRun> = runs.into_iter().map(|(run, _)| run).collect();
        let done = || runs.iter().filter_map(|run| run.outcome);
        let by_validation = done().next().is_some() && done().all(|outcome| outcome.validation.is_some());
        let mut settings = Vec::new();
        let mut first = 0;
        for same in runs.chunk_by(|a, b| a.settings == b.settings) {
            settings.push(Settings::of(same, first));
            first += same.len();
        }
        let mut sweep = Sweep { name, by_validation, settings, runs, substitute_for, problem: None };
        sweep.problem = unlike.or_else(|| sweep.unlike_questions(test_is_share));
        let metric = sweep.metric();
        // What is of another metric has no place among the others.
        let score = |settings: &Settings| {
            let summary = if by_validation { settings.validation } else { settings.test.value };
            let comparable = summary.filter(|_| settings.test.metric == metric);
            comparable.map_or(f64::NEG_INFINITY, |summary| metric.goodness(summary.mean))
        };
        // Stable: those that are equal stay in the order of the sweep.
        sweep.settings.sort_by(|a, b| score(b).total_cmp(&score(a)));
        sweep
    }

    /// What runs are judged by: the metric of the first that is done.
    pub fn metric(&self) -> Metric {
        let done = self.runs.iter().find_map(|run| run.outcome);
        done.map_or(Metric::Accuracy, |outcome| outcome.test.metric)
    }

    /// What there is to say where settings vary by which the runs are asked for other things. `test_is_share`
    /// is whether the test samples are a share of what there is to learn from.
    fn unlike_questions(&self, test_is_share: bool) -> Option<String> {
        let first = |leaks: bool| {
            self.runs.iter().find(|run| run.outcome.is_some() && run.reads_what_it_is_asked == leaks)
        };
        if let (Some(leak), Some(other)) = (first(true), first(false)) {
            return Some(format!(
                "{} has read what it is asked for, and {} has not: their order says nothing.",
                leak.folder, other.folder
            ));
        }
        // A table that is tried as a whole may vary by any of what is in it.
        let runs: Vec<BTreeMap<String, &Value>> = self.runs.iter().map(SweepRun::single_settings).collect();
        let keys: BTreeSet<&str> = runs.iter().flat_map(|run| run.keys().map(String::as_str)).collect();
        let differs = |key: &&str| runs.windows(2).any(|two| two[0].get(*key) != two[1].get(*key));
        let metric = self.metric();
        let (of_tokens, of_values) = (metric == Metric::Perplexity, metric == Metric::Mae);
        let asks_otherwise = |key: &&str| match Decides::of(key) {
            Some(Decides::Test) => true,
            Some(Decides::Training) => test_is_share || self.by_validation || of_tokens || of_values,
            Some(Decides::KeptBack) => self.by_validation || of_tokens || of_values,
            Some(Decides::Validation) => self.by_validation,
            Some(Decides::Windows) => test_is_share || of_values,
            Some(Decides::Tokens) => of_tokens,
            Some(Decides::Values) => of_values,
            Some(Decides::Nothing) => false,
            None => match *key {
                "task.kind" | "task.per" | "task.scheme" => true,
                "model.embedding.freeze" => of_tokens,
                key => key.starts_with("task.hide."),
            },
        };
        let keys: Vec<&str> = keys.into_iter().filter(|key| asks_otherwise(key) && differs(key)).collect();
        let told = || {
            format!("By {} the runs are asked for other things: their order says nothing.", keys.join(", "))
        };
        (!keys.is_empty()).then(told)
    }

    /// The settings that vary, by their dotted keys.
    pub fn keys(&self) -> Vec<&str> {
        let settings = self.runs.first().map_or(&[][..], |run| &run.settings);
        settings.iter().map(|(key, _)| key.as_str()).collect()
    }
}

/// What there is to say of the first runs that came to something and were trained on the same files, but of
/// other content.
fn unlike_data(runs: &[(SweepRun, Records)]) -> Option<String> {
    let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
    let done = runs.iter().enumerate().filter(|(_, (run, _))| run.outcome.is_some());
    done.into_iter().find_map(|(index, (run, records))| {
        let recorded = records.meta.as_ref()?.recorded();
        let names_files = |key: &str| ["data", "data.dataset"].contains(&key) || PATH_SETTINGS.contains(&key);
        let own = run.settings.iter().filter(|(key, _)| names_files(key));
        let asked = own.map(|(key, value)| format!("{key}={value}\n")).collect();
        let (first, records) = &runs[*firsts.entry(asked).or_insert(index)];
        let before = records.meta.as_ref()?.recorded();
        let [one, other] = [before, recorded].map(|recorded| recorded.file_names().count());
        let differ = one != other || !before.changed_files(recorded).is_empty();
        let told = || {
            format!(
                "The data of {} and of {} has other content, though the same was asked for: their order says nothing.",
                first.folder, run.folder
            )
        };
        differ.then(told)
    })
}

impl Settings {
    fn of(runs: &[SweepRun], first: usize) -> Settings {
        let outcomes: Vec<Outcome> = runs.iter().filter_map(|run| run.outcome).collect();
        let summary = |value: fn(&Outcome) -> Option<f64>| {
            Summary::new(&outcomes.iter().filter_map(value).collect::<Vec<_>>())
        };
        let metric = outcomes.first().map_or(Metric::Accuracy, |outcome| outcome.test.metric);
        Settings {
            settings: runs[0].settings.clone(),
            runs: (first..first + runs.len()).collect(),
            validation: summary(|outcome| outcome.validation),
            test: Scored { metric, value: summary(|outcome| Some(outcome.test.value)) },
            loss: summary(|outcome| Some(outcome.loss)),
            seconds: summary(|outcome| outcome.seconds),
        }
    }
}

fn as_map<S: Serializer>(settings: &[(String, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter().map(|(key, value)| (key, value)))
}

/// A mean with its deviation, where there is one.
pub(crate) fn plus_minus(summary: &Summary, show: impl Fn(f64) -> String) -> String {
    match summary.deviation {
        Some(deviation) => format!("{} ± {}", show(summary.mean), show(deviation)),
        None => show(summary.mean),
    }
}

/// A setting's value for people: a name without quotes.
pub(crate) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::records::made_up;

    fn run(hidden: &str, seed: u32, accuracy: Option<f64>, validation: Option<f64>) -> (SweepRun, Records) {
        let outcome = accuracy.map(|value| {
            let test = Scored { metric: Metric::Accuracy, value };
            Outcome { validation, test, loss: 0.1, seconds: Some(2.0) }
        });
        let run = SweepRun {
            folder: format!("{hidden}-{seed}"),
            settings: vec![("model.hidden".to_owned(), hidden.into())],
            seed,
            status: Status::Waiting,
            outcome,
            reads_what_it_is_asked: false,
        };
        (run, Records::default())
    }

    #[test]
    fn runs_that_are_asked_for_other_things_are_told_of() {
        let told = |key: &str, metric: Metric, values: [u8; 2]| {
            let of = |value: u8| {
                let (mut run, records) = run("2", 0, Some(0.5), None);
                run.settings = vec![(key.to_owned(), value.into())];
                run.outcome.as_mut().unwrap().test.metric = metric;
                (run, records)
            };
            Sweep::new("x".to_owned(), values.map(of).into()).problem.is_some()
        };
        assert!(
            told("task.hide.share", Metric::Mae, [1, 2])
                && told("data.min_count", Metric::Perplexity, [1, 2])
        );
        assert!(
            told("data.window.length", Metric::Mae, [1, 2])
                && !told("data.window.length", Metric::Accuracy, [1, 2])
        );
        assert!(told("data.target", Metric::Rmse, [1, 2]) && !told("data.train", Metric::Rmse, [1, 2]));
        assert!(
            told("data.limit", Metric::Perplexity, [1, 2])
                && told("data.columns.tag", Metric::Accuracy, [1, 2])
        );
        assert!(
            !told("data.min_count", Metric::Accuracy, [1, 2])
                && !told("model.hidden", Metric::Perplexity, [1, 2])
        );
        assert!(!told("task.hide.share", Metric::Mae, [1, 1]));
        let embeddings = |one: Value, other: Value| {
            let of = |value: Value| {
                let (mut run, records) = run("2", 0, Some(30.0), None);
                run.settings = vec![("model.embedding".to_owned(), value)];
                run.outcome.as_mut().unwrap().test.metric = Metric::Perplexity;
                (run, records)
            };
            Sweep::new("x".to_owned(), vec![of(one), of(other)]).problem
        };
        let problem = embeddings(json!({ "freeze": true, "size": 8 }), json!({ "size": 16 })).unwrap();
        assert!(problem.starts_with("By model.embedding.freeze the runs"), "{problem}");
        assert_eq!(
            embeddings(json!({ "freeze": true, "size": 8 }), json!({ "freeze": true, "size": 16 })),
            None
        );
    }

    #[test]
    fn nets_that_read_what_they_are_asked_for_are_told_of() {
        let told = |leaks: [bool; 2]| {
            let of = |reads_what_it_is_asked: bool| {
                let (run, records) = run("2", 0, Some(0.5), None);
                (SweepRun { reads_what_it_is_asked, ..run }, records)
            };
            Sweep::new("x".to_owned(), leaks.map(of).into()).problem
        };
        assert_eq!((told([false; 2]), told([true; 2])), (None, None));
        assert!(told([false, true]).unwrap().contains("has read what it is asked for"));
    }

    #[test]
    fn data_that_has_changed_between_runs_is_told_of() {
        let told = |runs: &[(&str, &str, &str)]| {
            let of = |&(folder, file, content): &(&str, &str, &str)| {
                let (mut run, mut records) = run("2", 0, Some(0.5), None);
                run.folder = folder.to_owned();
                run.settings =
                    vec![("data.train".to_owned(), file.into()), ("data.missing".to_owned(), folder.into())];
                records.meta = Some(
                    serde_json::from_value(serde_json::json!({
                        "name": "x", "seed": 0, "device": "cpu", "libtorch": "", "status": "done", "sessions": [],
                        "data": { "dataset": "table", "files": [{ "name": "a.csv", "content_sha256": content }] },
                    }))
                    .unwrap(),
                );
                (run, records)
            };
            Sweep::new("x".to_owned(), runs.iter().map(of).collect()).problem
        };
        assert_eq!(told(&[("1", "one", "a"), ("2", "two", "b"), ("3", "one", "a")]), None);
        let problem = told(&[("1", "one", "a"), ("2", "two", "b"), ("3", "one", "b")]).unwrap();
        assert!(problem.starts_with("The data of 1 and of 3 has other content"), "{problem}");
    }

    #[test]
    fn settings_are_ranked_by_validation_where_all_have_it() {
        let order = |runs| {
            let sweep = Sweep::new("x".to_owned(), runs);
            let order: Vec<String> = sweep.settings.iter().map(|s| shown(&s.settings[0].1)).collect();
            (sweep.by_validation, order)
        };
        let runs = |validation: Option<f64>| {
            vec![
                run("2", 0, None, None),
                run("4", 0, Some(0.9), Some(0.97)),
                run("4", 1, Some(0.8), Some(0.99)),
                run("8", 0, Some(0.95), validation),
                run("8", 1, None, None),
            ]
        };
        assert_eq!(order(runs(Some(0.9))), (true, vec!["4".to_owned(), "8".to_owned(), "2".to_owned()]));
        assert_eq!(order(runs(None)), (false, vec!["8".to_owned(), "4".to_owned(), "2".to_owned()]));
        let sweep = Sweep::new("x".to_owned(), runs(None));
        assert_eq!(
            (sweep.settings[0].runs.as_slice(), sweep.settings[1].runs.as_slice()),
            (&[3, 4][..], &[1, 2][..])
        );
        assert_eq!(sweep.settings[0].test.value.unwrap().runs, 1);
        assert_eq!(sweep.keys(), ["model.hidden"]);
    }

    #[test]
    fn the_weights_that_were_kept_count() {
        let epoch = |loss, correct| made_up::epoch(1, Some(made_up::evaluation(10, correct, loss)));
        let mut records =
            Records { epochs: vec![epoch(0.5, 7), epoch(0.3, 8), epoch(0.3, 9)], ..Records::default() };
        assert_eq!(Outcome::of(&records, Monitor::Loss), None);
        records.test = Some(made_up::evaluation(10, 6, 0.2));
        let test = Scored { metric: Metric::Accuracy, value: 0.6 };
        let expected = Outcome { validation: Some(0.8), test, loss: 0.2, seconds: None };
        assert_eq!(Outcome::of(&records, Monitor::Loss), Some(expected));
    }

    /// Of an error the lowest is the best, and what is judged otherwise comes last.
    #[test]
    fn the_lowest_error_is_the_best() {
        let with = |hidden: &str, metric: Metric, value: f64| {
            let (mut run, records) = run(hidden, 0, Some(value), Some(value));
            run.outcome.as_mut().unwrap().test.metric = metric;
            (run, records)
        };
        let runs = vec![
            run("1", 0, None, None),
            with("2", Metric::Rmse, 0.4),
            with("4", Metric::Accuracy, 0.9),
            with("8", Metric::Rmse, 0.2),
            with("16", Metric::Rmse, 3.0),
        ];
        let sweep = Sweep::new("x".to_owned(), runs);
        let order: Vec<String> = sweep.settings.iter().map(|s| shown(&s.settings[0].1)).collect();
        assert_eq!(
            (order, sweep.metric()),
            (["8", "2", "16", "1", "4"].map(str::to_owned).into(), Metric::Rmse)
        );
        let json = serde_json::to_value(&sweep).unwrap();
        assert_eq!(json["settings"][0]["rmse"]["mean"], 0.2);
        assert_eq!(json["runs"][1]["outcome"]["rmse"], 0.4);
        let text = sweep.text();
        assert!(text.contains("validation RMSE  test RMSE"), "{text}");
        assert!(text.contains("0.2000") && !text.contains('%'), "{text}");
        let page = crate::sweep_page(&sweep, "").unwrap();
        assert!(page.contains("RMSE by setting") && page.contains("the lowest first"), "{page}");
    }
}
