//! `birnn runs`: which runs there are, and what each came to.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use birnn_data::name::{shown, text};
use birnn_report::{ListedHeadline, ListedRun, run_table};
use birnn_run::{Status, find_runs};

use crate::args::{RunOrder, RunsArgs, StatusName};
use crate::failure::{Failure, Outcome};
use crate::output::{print, print_json};

/// Lists the runs in a folder. One that cannot be read is listed with what is wrong, and the command fails.
pub fn run(args: &RunsArgs) -> Outcome {
    let folder = shown(&args.folder);
    let found = find_runs(&args.folder).map_err(|error| match error.source.kind() {
        ErrorKind::NotFound => {
            Failure::request(format!("{folder}: there is no such folder; name the one that your runs are in"))
        }
        ErrorKind::NotADirectory => {
            Failure::request(format!("{folder}: is a file; name the folder that your runs are in"))
        }
        _ => Failure::run(error),
    })?;
    let unread = found.unread.iter().map(|error| ListedRun::unread(&error.path, error.to_string()));
    let mut runs: Vec<ListedRun> = found.runs.iter().map(|run| ListedRun::read(run)).chain(unread).collect();
    let all = runs.len();
    runs.retain(|run| is_asked_for(run, args));
    sort(&mut runs, args.sort, args.reverse);
    match (all, runs.len()) {
        (0, _) => tracing::info!("{folder}: there are no runs; train one: birnn train CONFIG"),
        (_, 0) => tracing::info!("{folder}: none of its {all} runs is asked for"),
        _ => {}
    }
    if args.json {
        print_json(&runs)?;
    } else if !runs.is_empty() {
        print(&run_table(&runs))?;
    }
    match runs.iter().filter(|run| run.problem.is_some()).count() {
        0 => Ok(()),
        wrong => Err(Failure::request(format!("{wrong} of {} could not be read", runs.len()))),
    }
}

/// Of a run that cannot be read it is not known what it learnt from and how it stands: it is listed. Where it
/// lies is known.
fn is_asked_for(run: &ListedRun, args: &RunsArgs) -> bool {
    let is_named = |part: &String| {
        text(&run.run).contains(part) || run.name.as_ref().is_some_and(|name| name.contains(part))
    };
    let is_unread = run.problem.is_some();
    let is_of =
        |datasets: &[String]| run.dataset.as_ref().map_or(is_unread, |dataset| datasets.contains(dataset));
    let stands =
        |named: &[StatusName]| run.status.as_ref().map_or(is_unread, |status| is_named_by(status, named));
    args.name.as_ref().is_none_or(is_named)
        && (args.data.is_empty() || is_of(&args.data))
        && (args.status.is_empty() || stands(&args.status))
}

fn is_named_by(status: &Status, named: &[StatusName]) -> bool {
    let name = match status {
        Status::Running => StatusName::Running,
        Status::Done => StatusName::Done,
        Status::Stopped { .. } => StatusName::Stopped,
        Status::Killed => StatusName::Killed,
        Status::Diverged(_) => StatusName::Diverged,
        Status::Failed(_) => StatusName::Failed,
        Status::Waiting | Status::Other(_) => return false,
    };
    named.contains(&name)
}

/// Sorts runs. Those of which it is not known come last, and those that are equal are in the order of their
/// paths.
fn sort(runs: &mut [ListedRun], order: RunOrder, reverse: bool) {
    runs.sort_by_cached_key(|run| path_key(&run.run));
    match order {
        RunOrder::Name if reverse => runs.reverse(),
        RunOrder::Name => {}
        RunOrder::Data => sort_by(runs, reverse, |run| run.dataset.clone(), Ord::cmp),
        RunOrder::Status => {
            let status = |run: &ListedRun| run.status.as_ref().map(Status::to_string);
            sort_by(runs, reverse, status, Ord::cmp);
        }
        RunOrder::Seed => sort_by(runs, reverse, |run| run.seed, Ord::cmp),
        // The best, the longest and the newest are looked for. What a net comes to that has read what it is
        // asked for is nothing to compare with; of several metrics each by itself, since neither is better:
        // shares first, then errors.
        RunOrder::Headline => {
            let key = |run: &ListedRun| {
                let ListedHeadline { metric, value, .. } = run.headline.filter(|_| !run.leaks())?;
                Some(((metric.is_share(), metric.name()), metric.goodness(value)))
            };
            sort_by(runs, !reverse, key, |a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        }
        RunOrder::Time => sort_by(runs, !reverse, |run| run.seconds, f64::total_cmp),
        RunOrder::Began => sort_by(runs, !reverse, |run| run.began.clone(), Ord::cmp),
    }
}

fn sort_by<K>(
    runs: &mut [ListedRun],
    reverse: bool,
    key: impl Fn(&ListedRun) -> Option<K>,
    compare: impl Fn(&K, &K) -> Ordering,
) {
    runs.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) if reverse => compare(&b, &a),
        (Some(a), Some(b)) => compare(&a, &b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// Folders that are called by numbers come in the order of these, before others.
fn path_key(path: &Path) -> Vec<(u64, OsString)> {
    let number = |name: &OsString| name.to_str().and_then(|name| name.parse().ok()).unwrap_or(u64::MAX);
    let names = path.components().map(|part| part.as_os_str().to_owned());
    names.map(|name| (number(&name), name)).collect()
}

#[cfg(test)]
mod tests {
    use birnn_infer::Metric;
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    /// The paths of some made-up runs, as `birnn runs` with these options lists them.
    fn listed(options: &[&str]) -> Vec<String> {
        let run = |path: &str, status: &str, change: fn(&mut ListedRun)| {
            let Ok(status) = status.parse();
            let unread = ListedRun::unread(Path::new(path), String::new());
            let mut run = ListedRun { status: Some(status), problem: None, ..unread };
            change(&mut run);
            run
        };
        let headline = |metric, value| Some(ListedHeadline { metric, value, split: "test" });
        let mut runs = vec![
            run("r/a/1000", "done", |run| run.dataset = Some("mnist".to_owned())),
            run("r/a/999", "stopped at step 3", |run| run.seconds = Some(2.0)),
            run("r/a/b", "done", |run| run.seconds = Some(1.0)),
            run("r/b/001", "diverged: NaN", |run| run.seed = Some(3)),
            run("r/c/001", "killed", |run| run.began = Some("2026-01-01T00:00:00Z".to_owned())),
            run("r/c/002", "failed: why", |run| run.began = Some("2026-02-01T00:00:00Z".to_owned())),
            run("r/c/003", "of another birnn", |run| run.name = Some("grüße".to_owned())),
            ListedRun::unread(Path::new("r/d/001"), "meta.json: is no JSON".to_owned()),
        ];
        (runs[1].headline, runs[4].headline) =
            (headline(Metric::Accuracy, 0.5), headline(Metric::Accuracy, 0.75));
        (runs[2].headline, runs[5].headline) = (headline(Metric::Rmse, 0.01), headline(Metric::Rmse, 0.005));
        (runs[3].headline, runs[3].task) = (headline(Metric::Accuracy, 1.0), Some("next (leak)"));
        let line = [&["birnn", "runs"][..], options].concat();
        let Command::Runs(args) = Args::try_parse_from(line).unwrap().command else {
            panic!("another command")
        };
        runs.retain(|run| is_asked_for(run, &args));
        sort(&mut runs, args.sort, args.reverse);
        runs.iter().map(|run| run.run.strip_prefix("r").unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn runs_are_sorted_and_what_is_not_known_comes_last() {
        let by_name = ["a/999", "a/1000", "a/b", "b/001", "c/001", "c/002", "c/003", "d/001"];
        assert_eq!(listed(&[]), by_name);
        let reversed: Vec<&str> = by_name.into_iter().rev().collect();
        assert_eq!(listed(&["--reverse"]), reversed);
        for (order, first) in [
            (&["headline"][..], &["c/001", "a/999", "c/002", "a/b", "a/1000"][..]),
            (&["headline", "--reverse"], &["a/b", "c/002", "a/999", "c/001", "a/1000"]),
            (&["time"], &["a/999", "a/b", "a/1000"]),
            (&["time", "--reverse"], &["a/b", "a/999", "a/1000"]),
            (&["began"], &["c/002", "c/001", "a/999"]),
            (&["seed", "--reverse"], &["b/001", "a/999"]),
            (&["data"], &["a/1000", "a/999"]),
            (&["status"], &["b/001", "a/1000", "a/b", "c/002", "c/001", "c/003", "a/999"]),
        ] {
            let found = listed(&[&["--sort"], order].concat());
            assert_eq!(found[..first.len()], *first, "{order:?}");
        }
    }

    #[test]
    fn runs_are_chosen_by_name_status_and_data() {
        for (options, expected) in [
            (&["--name", "a/"][..], &["a/999", "a/1000", "a/b"][..]),
            (&["--name", "grü"], &["c/003"]),
            (&["--status", "done"], &["a/1000", "a/b", "d/001"]),
            (&["--status", "failed,diverged", "--status", "killed"], &["b/001", "c/001", "c/002", "d/001"]),
            (&["--status", "stopped"], &["a/999", "d/001"]),
            (&["--status", "running"], &["d/001"]),
            (&["--data", "mnist,kmnist"], &["a/1000", "d/001"]),
            (&["--data", "mnist", "--name", "b"], &[]),
        ] {
            assert_eq!(listed(options), expected, "{options:?}");
        }
    }
}
