//! Runs one beside the other, each as what it wrote down has it: no weights are read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use birnn_data::name::{self, shown};
use birnn_experiment::{Experiment, Source};
use birnn_infer::{Evaluation, Headline, Metric};
use birnn_run::{CONFIG, META, Meta, Status};
use serde::Serialize;

use crate::records::{RecordError, Records};

/// A run in a list. What is not known of it is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRun {
    /// Its directory.
    #[serde(serialize_with = "name::serialize")]
    pub run: PathBuf,
    /// What it is filed under.
    pub name: Option<String>,
    /// What its net is for, as experiments call it.
    pub task: Option<&'static str>,
    /// The name of its data set.
    pub dataset: Option<String>,
    /// The name of the first file of a user's own data.
    pub file: Option<String>,
    /// The data set that synthetic digits stood in for.
    pub substitute_for: Option<String>,
    /// What it came to, so far.
    pub headline: Option<ListedHeadline>,
    /// How it stands now.
    pub status: Option<Status>,
    /// Seconds of training, of all its sessions.
    pub seconds: Option<f64>,
    /// The seed.
    pub seed: Option<u32>,
    /// When its first session began, RFC 3339, UTC.
    pub began: Option<String>,
    /// Why not all of it can be read.
    pub problem: Option<String>,
}

/// The number by which a run is first judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ListedHeadline {
    /// The metric.
    pub metric: Metric,
    /// A share from 0 to 1, or an error in the units of the targets.
    pub value: f64,
    /// The samples that it is on: `test` where the run is through, else `validation`, of the latest epoch.
    pub split: &'static str,
}

impl ListedRun {
    /// What the run in `folder` wrote down, as far as that can be read.
    pub fn read(folder: &Path) -> ListedRun {
        let records = Records::read(folder);
        let source = Source::read(&folder.join(CONFIG), &[]);
        let meta = records.meta.as_ref();
        let status = meta.map(|meta| meta.status_in(folder));
        let problems = records.problems.iter().filter(|problem| is_wrong(problem, status.as_ref()));
        let unread = source.as_ref().err().map(|error| match folder.join(CONFIG).exists() {
            true => error.to_string(),
            false => format!("{}: it is not there", shown(&folder.join(CONFIG))),
        });
        let problems: Vec<String> = problems.map(ToString::to_string).chain(unread).collect();
        let of_data = |known: fn(&Meta) -> Option<&str>| meta.and_then(known).map(str::to_owned);
        ListedRun {
            run: folder.to_owned(),
            name: meta.map(|meta| meta.name.clone()),
            task: source.ok().map(|source| task(source.experiment())),
            dataset: of_data(|meta| meta.recorded().dataset()),
            file: of_data(|meta| meta.recorded().own_file()),
            substitute_for: of_data(|meta| meta.recorded().substitute_for()),
            headline: headline(&records),
            status,
            seconds: records.seconds(),
            seed: meta.map(|meta| meta.seed),
            began: meta.and_then(|meta| meta.sessions.first()).map(|session| session.start.clone()),
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
        }
    }

    /// Whether its net has read what it is asked for: what it comes to is of no use beside that of others.
    pub fn leaks(&self) -> bool {
        self.task == Some(LEAK)
    }

    /// A run of which nothing is known but why.
    pub fn unread(folder: &Path, problem: String) -> ListedRun {
        ListedRun {
            run: folder.to_owned(),
            name: None,
            task: None,
            dataset: None,
            file: None,
            substitute_for: None,
            headline: None,
            status: None,
            seconds: None,
            seed: None,
            began: None,
            problem: Some(problem),
        }
    }
}

const LEAK: &str = "next (leak)";

/// What the net of an experiment is for.
fn task(experiment: &Experiment) -> &'static str {
    if experiment.reads_what_it_is_asked() { LEAK } else { experiment.task.kind.name() }
}

fn headline(records: &Records) -> Option<ListedHeadline> {
    let of = |found: &Evaluation, split| {
        let Headline { metric, value } = found.headline();
        ListedHeadline { metric, value, split }
    };
    let validation = || records.epochs.iter().rev().find_map(|epoch| epoch.validation.as_ref());
    let test = records.test.as_ref().map(|found| of(found, "test"));
    test.or_else(|| validation().map(|found| of(found, "validation")))
}

/// Whether a record that is not all there should be: a run that has just begun has none yet, and one that is
/// in the middle of a line, or was killed there, has a part of it.
fn is_wrong(problem: &RecordError, status: Option<&Status>) -> bool {
    match problem {
        RecordError::Io { path, source } => path.ends_with(META) || source.kind() != ErrorKind::NotFound,
        RecordError::Line { path, .. } => {
            path.ends_with(META) || !matches!(status, Some(Status::Running | Status::Killed))
        }
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::FolderLock;
    use birnn_run::{METRICS, TIMING};

    use super::*;
    use crate::records::made_up;

    const TRAINED: &str = "[data]\ndataset = \"mnist\"\n";
    const HALF: &str = r#"{"event":"epoch","epo"#;

    fn meta(status: &str) -> String {
        let session = |start: &str| {
            format!(
                r#"{{"command": [], "from_step": 0, "status": "running", "start": "{start}", "end": null, "host": "h",
                     "cpu": {{"threads": 1, "instructions": "avx2"}}, "birnn": "0.1.0", "revision": null}}"#
            )
        };
        let sessions = [session("2026-01-01T00:00:00Z"), session("2026-02-01T00:00:00Z")].join(",");
        format!(
            r#"{{"name": "x", "seed": 7, "device": "cpu", "libtorch": "", "status": "{status}",
                 "sessions": [{sessions}], "data": {{"dataset": "synthetic", "substitute_for": "mnist"}}}}"#
        )
    }

    fn evaluation(accuracy: f64) -> String {
        serde_json::to_string(&made_up::evaluation(4, (4.0 * accuracy) as u64, 1.0)).unwrap()
    }

    fn epoch(epoch: usize, validation: Option<f64>) -> String {
        let validation = validation.map_or("null".to_owned(), evaluation);
        format!(
            r#"{{"event":"epoch","epoch":{epoch},"step":1,"train_loss":1.0,"rate":0.1,"validation":{validation}}}"#
        )
    }

    fn listed(files: &[(&str, &str)]) -> ListedRun {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut run = ListedRun::read(folder.path());
        run.problem = run.problem.map(|problem| problem.replace(&folder.path().display().to_string(), "RUN"));
        run
    }

    #[test]
    fn a_run_is_told_by_its_records() {
        let metrics = [epoch(1, Some(0.75)), epoch(2, Some(0.5)), epoch(3, None)].join("\n");
        let timing = "{\"epoch\":1,\"seconds\":1.5,\"samples_per_second\":1.0}\n\
                      {\"epoch\":2,\"seconds\":2.0,\"samples_per_second\":1.0}\n";
        let meta = meta("stopped at step 3");
        let run = listed(&[(CONFIG, TRAINED), (META, &meta), (METRICS, &metrics), (TIMING, timing)]);
        assert_eq!((run.name.as_deref(), run.task, run.seed), (Some("x"), Some("classify"), Some(7)));
        assert_eq!(run.dataset.as_deref(), Some("synthetic"));
        assert_eq!(run.substitute_for.as_deref(), Some("mnist"));
        // Of the latest epoch that was judged, not of the best.
        let of = |run: &ListedRun| run.headline.map(|found| (found.metric, found.value, found.split));
        assert_eq!(of(&run), Some((Metric::Accuracy, 0.5, "validation")));
        assert_eq!((run.status, run.seconds), (Some(Status::Stopped { step: 3 }), Some(3.5)));
        assert_eq!(run.began.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(run.problem, None);

        let test = format!("{metrics}\n{}", evaluation(0.25).replacen('{', "{\"event\":\"test\",", 1));
        let run = listed(&[(CONFIG, TRAINED), (META, &meta), (METRICS, &test)]);
        assert_eq!(of(&run), Some((Metric::Accuracy, 0.25, "test")));
    }

    #[test]
    fn what_is_wrong_is_told_and_what_is_only_not_there_yet_is_not() {
        let (done, killed) = (meta("done"), meta("running"));
        for (files, status, problem) in [
            (&[(CONFIG, TRAINED), (META, &*killed)][..], Some(Status::Killed), None),
            (&[(CONFIG, TRAINED), (META, &killed), (METRICS, HALF)], Some(Status::Killed), None),
            (
                &[(CONFIG, TRAINED), (META, &done), (METRICS, HALF)],
                Some(Status::Done),
                Some("RUN/metrics.jsonl:1: "),
            ),
            (&[(CONFIG, TRAINED), (META, "{}")], None, Some("RUN/meta.json:1: missing field")),
            (&[(CONFIG, TRAINED)], None, Some("RUN/meta.json: No such file")),
            (&[(META, &done)], Some(Status::Done), Some("RUN/config.toml: ")),
            (
                &[(CONFIG, "[model]\nhiden = 3\n"), (META, &done)],
                Some(Status::Done),
                Some("RUN/config.toml:2"),
            ),
        ] {
            let run = listed(files);
            assert_eq!(run.status, status, "{files:?}");
            match (&run.problem, problem) {
                (None, None) => {}
                (Some(found), Some(expected)) => assert!(found.starts_with(expected), "{found}"),
                (found, _) => panic!("{files:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_run_in_use_is_running() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(META), meta("running")).unwrap();
        let lock = FolderLock::try_take(folder.path(), FolderLock::open).unwrap();
        assert_eq!(ListedRun::read(folder.path()).status, Some(Status::Running));
        drop(lock);
        assert_eq!(ListedRun::read(folder.path()).status, Some(Status::Killed));
    }
}
