//! A list of runs in plain text.

use birnn_data::name;

use crate::run_list::{ListedHeadline, ListedRun};
use crate::text_table::{NONE, TextTable};

/// The runs in this order, a line each below a line of headings, escaped for a terminal. How a run stands
/// comes last, since that can be long.
pub fn run_table(runs: &[ListedRun]) -> String {
    let headings = ["run", "task", "data", "result", "of", "training, s", "seed", "began", "status"];
    let headings = headings.map(str::to_owned).to_vec();
    TextTable::new(std::iter::once(headings).chain(runs.iter().map(row)).collect()).lines()
}

fn row(run: &ListedRun) -> Vec<String> {
    let dataset = run.dataset.as_ref().map(|dataset| match (&run.substitute_for, &run.file) {
        (Some(wanted), _) => format!("{dataset} for {wanted}"),
        (None, Some(file)) => format!("{dataset} {file}"),
        (None, None) => dataset.clone(),
    });
    let (value, of) = match &run.headline {
        Some(ListedHeadline { metric, value, split }) => {
            (Some(metric.text(*value)), Some(format!("{split} {}", metric.name())))
        }
        None => (None, None),
    };
    let status = [run.status.as_ref().map(ToString::to_string), run.problem.clone()];
    let status: Vec<String> = status.into_iter().flatten().collect();
    let cells = [
        run.task.map(str::to_owned),
        dataset,
        value,
        of,
        run.seconds.map(|seconds| format!("{seconds:.1}")),
        run.seed.map(|seed| seed.to_string()),
        run.began.clone(),
        Some(status.join("; ")),
    ];
    let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| NONE.to_owned()));
    std::iter::once(name::text(&run.run)).chain(cells).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_infer::Metric;

    use super::*;

    #[test]
    fn each_run_has_its_line() {
        let done = ListedRun {
            name: Some("a".to_owned()),
            task: Some("classify"),
            dataset: Some("synthetic".to_owned()),
            substitute_for: Some("mnist".to_owned()),
            headline: Some(ListedHeadline { metric: Metric::Accuracy, value: 0.9652, split: "test" }),
            status: Some(birnn_run::Status::Done),
            seconds: Some(12.34),
            seed: Some(3),
            began: Some("2026-01-01T00:00:00Z".to_owned()),
            problem: None,
            ..ListedRun::unread(Path::new("runs/a/001"), String::new())
        };
        let own = ListedRun {
            dataset: Some("table".to_owned()),
            file: Some("a.csv".to_owned()),
            ..ListedRun::unread(Path::new("c"), String::new())
        };
        let text =
            run_table(&[done, own, ListedRun::unread(Path::new("runs/b/001"), "damaged\n".to_owned())]);
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "run         task      data                  result  of             training, s  seed                 began  status",
            "runs/a/001  classify  synthetic for mnist  96.52 %  test accuracy         12.3     3  2026-01-01T00:00:00Z  done",
            "c           -         table a.csv                -  -                        -     -                     -",
            "runs/b/001  -         -                          -  -                        -     -                     -  damaged\\n",
        ];
        assert_eq!(lines, expected);
    }
}
