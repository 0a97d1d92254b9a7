//! `birnn doctor`: what this machine offers, what is wrong with it, and what to do.

use std::path::Path;

use birnn_cli::args::DoctorArgs;
use birnn_cli::failure::{Failure, Outcome};
use birnn_cli::output::{print, print_json};
use birnn_data::escape;
use birnn_doctor::{Item, State, examine};
use serde::Serialize;

use crate::train::RUNS;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    birnn: &'a str,
    revision: Option<&'a str>,
    can_train: bool,
    items: &'a [Item],
}

/// Prints the findings item by item; fails only where nothing can be trained.
pub fn run(args: &DoctorArgs) -> Outcome {
    let found = examine(args.data_dir.clone(), Path::new(RUNS));
    let (birnn, revision) = (env!("CARGO_PKG_VERSION"), option_env!("BIRNN_REVISION"));
    if args.json {
        print_json(&Report { birnn, revision, can_train: found.untrainable.is_none(), items: &found.items })?;
    } else {
        print(&format!(
            "birnn {birnn} ({})\n{}",
            revision.unwrap_or("unknown revision"),
            text(&found.items)
        ))?;
    }
    match found.untrainable {
        None => Ok(()),
        Some(error) => Err(Failure::run(format!("nothing can be trained here: {error}"))),
    }
}

fn text(items: &[Item]) -> String {
    let width = items.iter().map(|item| item.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Item { name, state, finding, remedy } in items {
        text += &format!("{:7}  {name:width$}  {}\n", state.word(), escape::line(finding));
        if let Some(remedy) = remedy {
            text += &format!("{:7}  {:width$}  -> {}\n", "", "", escape::line(remedy));
        }
    }
    let count = |state| items.iter().filter(|item| item.state == state).count();
    text + &match (count(State::Problem), count(State::Note)) {
        (0, 0) => "Everything is in order.\n".to_owned(),
        (problems, notes) => format!("Problems: {problems}, notes: {notes}.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_a_line_and_its_remedy_another() {
        let item = |name, state, finding: &str, remedy: Option<&str>| Item {
            name,
            state,
            finding: finding.to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let items = [
            item("cpu", State::Ok, "two", None),
            item("mnist", State::Note, "absent", Some("fetch it")),
            item("runs", State::Problem, "full", Some("x")),
        ];
        assert_eq!(
            text(&items),
            "ok       cpu    two\nnote     mnist  absent\n                -> fetch it\nproblem  runs   \
             full\n                -> x\nProblems: 1, notes: 1.\n"
        );
        assert!(text(&items[..1]).ends_with("Everything is in order.\n"));
    }
}
